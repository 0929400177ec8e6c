"""Every measurement runs for real with tiny counts and gives rows that add up. No figure is judged: no timed assert."""

from __future__ import annotations

import importlib
import json
import math

import pytest

from bench import __main__ as command
from bench import machine
from bench.rows import Goal, percentile, ratios, row, shown, turns

COUNTED = {  # what a smoke run counts, by the beginning of a row's name
    "journal": {"append: ours / floor": 20, "SQLiteAckQueue: drain": 20},
    "ingest": {"accept, 100 per batch, 1 per commit": 200, "accept, 1 per batch, 64 per commit": 6, "opener": 200},
    "exchange": {"nats: commit to Ack, verified": 10, "mosquitto: commit to Ack, verified": 10},
    "drain": {"nats: drain of a backlog": 120, "mosquitto: drain of a backlog": 120},
    "agent": {"agent, after 2 visits: resident": 2, "start until": 1},
    "idle": {"wakings of the agent": 1, "interpreter that waits": 1},
    "devices": {"wakings of the agent": 1, "agent, a card shown: resident": 1, "asked of the idle printer": 1},
    "sizes": {"batch of 50": 50, "heartbeat (": 1, "Ack, signed": 1},
    "slip": {"80 mm: drawn and encoded, on the wall": 1, "58 mm: to the printer": 1},
    "card": {"PACE by CAN: read": 1, "BAC: commands": 1},
    "screen": {"browser 4× slower: tap to": 22, "browser 4× slower: bare page, tap": 22, "agent during": 1},
}


def test_every_measurement_has_its_smoke_run():
    assert set(COUNTED) == set(command.NAMES)


@pytest.mark.parametrize("name", COUNTED)
def test_a_measurement_gives_finite_rows_of_what_it_counted(name, tmp_path):
    rows = importlib.import_module(f"bench.{name}").measure("smoke", tmp_path)
    assert len({each.name for each in rows}) == len(rows)
    for each in rows:
        assert all(math.isfinite(figure) for figure in (each.value, each.least, each.most)), each
        assert each.least <= each.value <= each.most, each
        assert each.counted > 0, each
    assert any(each.kind == "ratio" for each in rows)
    assert any(each.kind in ("floor", "peer") for each in rows)
    for begins, counted in COUNTED[name].items():
        found = [each.counted for each in rows if each.name.startswith(begins)]
        assert found
        assert set(found) == {counted}, begins


def test_the_command_writes_what_it_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(["sizes", "--quick", "--json", "out.json"]) == 0
    written = json.loads((tmp_path / "out.json").read_text("utf-8"))
    printed = capsys.readouterr().out
    assert written["size"] == "quick"
    assert all(each["name"] in printed for each in written["measurements"]["sizes"]["rows"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "var"]
    assert not list((tmp_path / "var").iterdir())


def test_an_unknown_measurement_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["journul"])
    assert ended.value.code == 2
    assert "'journul'" in capsys.readouterr().err


def test_the_machine_is_described(tmp_path):
    found = machine.described(tmp_path)
    assert found["cores"] >= 1
    assert found["memory_mb"] > 0
    assert found["file_system"]
    assert all(found["versions"].values())


def test_a_row_is_the_median_of_its_rounds_with_their_range():
    made = row("name", "ours", "ms", [3.0, 1.0, 2.0], 9, Goal("most", 2.0))
    assert (made.value, made.least, made.most, made.counted, made.verdict) == (2.0, 1.0, 3.0, 9, "met")
    assert row("name", "ours", "ms", [3.0], 1, Goal("least", 3.5)).verdict == "MISSED"
    with pytest.raises(AssertionError):
        row("name", "ours", "ms", [math.inf], 1)


def test_ratios_are_taken_round_by_round():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]


def test_a_percentile_is_one_of_the_values():
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.001, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]


def test_turns_end_with_the_count_or_the_time_but_never_before_the_first():
    assert list(turns(5, 2, 60.0)) == [2, 2, 2]
    assert list(turns(10**9, 3, 0.0)) == [3]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (0.0123, "0.0123"), (1.0, "1.00"), (99.96, "100.0"), (123.4, "123"), (65_432.1, "65,432")],
)
def test_figures_are_shown_in_three_digits(value, words):
    assert shown(value) == words
