"""The devices machine: every peripheral has its own state, what changes is a record, and nothing floods the journal."""

from __future__ import annotations

from typing import Any

import pytest

from device_profiles import records
from device_profiles.cbor import encode
from device_profiles.messages import DEVICE, STATUS_KEYS
from device_profiles.wire import HEAD_MAX_BYTES
from edge_agent import events
from edge_agent.effects import Append, Remember, Report
from edge_agent.events import Now, PeripheralState, PrintDone
from edge_agent.machines.devices import (
    COUNTED,
    COUNTS_EVERY_S,
    PORTS_MAX,
    RECORD_EVERY_S,
    RECORDS_AT_ONCE,
    STEADY_S,
    Devices,
)
from tests.small_fleet import NOW_MS

PERIPHERALS = (("reader", "acr"), ("scanner", "honeywell"), ("printer", "epson"), ("display", "browser"))
CARD = events.CardRead(b"n" * 16, None)  # type: ignore[arg-type]  what was read is nobody's business here


class Bed:
    """A machine and the time; keeps every record, write and report."""

    def __init__(self, state: dict[str, object] | None = None) -> None:
        self.time_s, self.made = 1000.0, Devices(PERIPHERALS)
        self.records: list[dict[str, Any]] = []
        self.kept: dict[str, object] = dict(state or {})
        self.writes = 0
        self.said: dict[str, Any] = {}
        self.do(events.Started(1, self.kept))

    def now(self) -> Now:
        return Now(self.time_s, NOW_MS + int(self.time_s * 1000), 2)

    def do(self, event: Any) -> list[Any]:
        done = self.made.on(event, self.now())
        for each in done:
            match each:
                case Append(kind="device.state", fields=fields, remember=kept):
                    assert records.unpack(records.pack("device.state", fields))
                    self.records.append({name: value for name, value in fields.items() if value is not None})
                    self.kept |= kept
                case Remember(values=values):
                    self.writes += 1
                    self.kept |= values
                case Report(values=values):
                    self.said |= values
                case _:
                    raise AssertionError(each)
        return done

    def wait(self, seconds: float, step_s: float = 1.0) -> None:
        end_s = self.time_s + seconds
        while self.time_s < end_s:
            self.time_s += step_s
            self.do(events.Tick())

    def device(self, port: str) -> dict[str, Any]:
        """The map of status value 17, by name."""
        found = [{DEVICE[key]: value for key, value in each.items()} for each in self.said["devices"]]
        return next(each for each in found if each["port"] == port)

    def row(self, port: str) -> list[Any]:
        return next(each for each in self.said["peripherals"] if each[0] == port)


@pytest.fixture
def bed() -> Bed:
    return Bed()


def printer(state: str = "online", paper: str | None = "full", **more: str) -> PeripheralState:
    return PeripheralState("printer", "whatever", state, paper, **more)


def test_what_has_not_spoken_is_unknown_from_the_start_and_no_record(bed):
    assert bed.said["peripherals"] == [[port, name, "unknown", ""] for port, name in PERIPHERALS]
    assert bed.records == []
    assert bed.device("reader") == {"port": "reader", "since_ms": bed.now().wall_ms, "quality": 2} | {
        "since_mono_ms": 1_000_000
    }


def test_a_change_is_a_record_with_who_acts_and_which_device_it_is(bed):
    bed.do(printer("noDevice", "unknown", detail="no printer", action="maintenance", identity="04b8:0e15:X1"))
    assert bed.records == [
        {
            "port": "printer",
            "name": "epson",
            "state": "noDevice",
            "paper": "unknown",
            "detail": "no printer",
            "action": "maintenance",
            "identity": "04b8:0e15:X1",
        }
    ]
    assert bed.row("printer") == ["printer", "epson", "noDevice", "unknown"]
    assert bed.device("printer")["action"] == "maintenance"


def test_the_same_word_again_and_a_new_detail_alone_are_no_records(bed):
    for detail in ("a", "a", "b"):
        bed.do(printer(detail=detail))
    assert len(bed.records) == 1
    bed.do(printer("offline"))
    bed.do(printer("offline", detail="why"))
    assert [each["state"] for each in bed.records] == ["online", "offline"]


def test_since_when_is_told_by_both_clocks_and_moves_with_a_change_only(bed):
    bed.do(printer())
    began = bed.now()
    bed.wait(50)
    bed.do(printer(detail="looked again"))
    told = bed.device("printer")
    assert (told["since_ms"], told["since_mono_ms"]) == (began.wall_ms, int(began.mono_s * 1000))
    bed.do(printer(paper="low"))
    assert bed.device("printer")["since_mono_ms"] == int(bed.time_s * 1000)


def test_every_device_counts_what_it_did(bed):
    for each in (
        CARD,
        CARD,
        events.CardFailed(b"n" * 16, "torn"),
        events.Scanned(b"x"),
        PrintDone(b"1", "confirmed", paper_mm=130),
        PrintDone(b"2", "unknown", paper_mm=70),
        PrintDone(b"3", "failed"),
    ):
        bed.do(each)
    counts = {port: each.counts for port, each in bed.made.components.items()}
    at_ms = bed.now().wall_ms
    assert counts == {
        "reader": {"reads_ok": 2, "reads_failed": 1, "worked_ms": at_ms},
        "scanner": {"scans": 1, "worked_ms": at_ms},
        "printer": {"prints_confirmed": 1, "prints_unknown": 1, "prints_failed": 1, "paper_mm": 200}
        | {"worked_ms": at_ms},
        "display": {},
    }
    assert {name for each in counts.values() for name in each} | {"jams", "lost"} == set(COUNTED)


@pytest.mark.parametrize(
    ("words", "lost", "jams"),
    [
        ([printer(), printer("noDevice")], 1, 0),
        ([printer("noDevice"), printer()], 0, 0),  # it was not there when we came
        ([printer(), printer("offline"), printer("noDevice"), printer(), printer("hardwareError")], 2, 0),
        ([printer(), printer("deviceBusy"), printer()], 0, 0),
        ([printer(), printer("unknown", "unknown"), printer("offline")], 0, 0),
        ([printer(), printer(paper="jammed"), printer(paper="jammed", action="clear"), printer()], 0, 1),
        ([printer(paper="jammed"), printer(), printer(paper="jammed")], 0, 2),
    ],
)
def test_losses_and_jams_are_counted_when_they_begin(bed, words, lost, jams):
    for each in words:
        bed.do(each)
    counts = bed.made.components["printer"].counts
    assert (counts.get("lost", 0), counts.get("jams", 0)) == (lost, jams)


def test_counts_are_told_and_kept_every_ten_minutes_at_most_or_with_a_change(bed):
    bed.do(printer())
    bed.do(PrintDone(b"1", "confirmed", paper_mm=130))
    bed.wait(COUNTS_EVERY_S - 10)
    assert "prints_confirmed" not in bed.device("printer")
    assert bed.writes == 0
    bed.do(PrintDone(b"2", "unknown", paper_mm=0))
    bed.wait(20)
    assert bed.device("printer")["prints_confirmed"] == bed.device("printer")["prints_unknown"] == 1
    assert bed.device("printer")["counted_ms"] <= bed.now().wall_ms
    assert bed.writes == 1
    bed.wait(3 * COUNTS_EVERY_S)
    assert bed.writes == 1, "nothing new, nothing written"
    bed.do(PrintDone(b"3", "confirmed", paper_mm=130))
    assert bed.device("printer")["prints_confirmed"] == 1, "one visit's end is told to nobody"
    bed.do(printer(paper="low"))
    assert bed.device("printer")["prints_confirmed"] == 2
    assert bed.writes == 1, "in the record's own transaction"
    again = Bed(bed.kept)
    assert again.device("printer")["paper_mm"] == 260


def test_a_busy_hour_costs_few_writes(bed):
    for _ in range(3600):
        bed.do(events.Scanned(b"x"))
        bed.do(CARD)
        bed.wait(1)
    assert bed.writes <= 2 * 3600 / COUNTS_EVERY_S
    assert bed.kept["device.scanner"]


@pytest.mark.parametrize("kept", [None, 7, [], {"x": 1}, {7: -1}, {7: "1"}, {7: True}, {0: 1}, {99: 1}])
def test_counts_that_are_none_do_not_keep_the_machine_from_starting(kept):
    assert Bed({"device.reader": kept}).made.components["reader"].counts == {}


def test_a_flapping_cable_says_so_once_and_is_recorded_again_when_it_is_steady(bed):
    bed.do(printer())
    for turn in range(200):
        bed.do(printer("noDevice" if turn % 2 == 0 else "online"))
        bed.wait(1)
        assert bed.row("printer")[2] == ("noDevice" if turn % 2 == 0 else "online"), "the last values stay true"
    assert [each.get("flapping", False) for each in bed.records] == [False] * (RECORDS_AT_ONCE - 1) + [True]
    assert bed.device("printer")["flapping"] is True
    bed.do(printer("offline"))
    bed.wait(STEADY_S + RECORD_EVERY_S)
    assert (bed.records[-1]["state"], bed.records[-1].get("flapping")) == ("offline", None)
    assert "flapping" not in bed.device("printer")


def test_a_cable_that_flapped_and_is_as_it_was_is_called_steady_again(bed):
    bed.do(printer())
    for _ in range(20):
        bed.do(printer("noDevice"))
        bed.do(printer())
    assert bed.records[-1]["flapping"] is True
    bed.do(printer(bed.records[-1]["state"], bed.records[-1].get("paper")))
    bed.wait(STEADY_S + RECORD_EVERY_S)
    assert bed.records[-1].get("flapping") is None
    written = len(bed.records)
    bed.wait(3600)
    assert len(bed.records) == written


@pytest.mark.parametrize("every_s", [1, 7, 59, 61, 100, 179, 181, 240])
def test_no_rhythm_of_a_loose_cable_writes_more_than_its_share(bed, every_s):
    hours, turn = 3, 0
    while bed.time_s < 1000 + hours * 3600:
        turn += 1
        bed.do(printer("noDevice" if turn % 2 else "online"))
        bed.wait(every_s)
    assert len(bed.records) <= RECORDS_AT_ONCE + hours * 3600 / RECORD_EVERY_S
    bed.wait(STEADY_S + 2 * RECORD_EVERY_S)
    last = bed.records[-1]
    assert (last["state"], last.get("flapping")) == (bed.row("printer")[2], None)


def test_one_device_that_flaps_does_not_silence_another(bed):
    for turn in range(50):
        bed.do(printer("noDevice" if turn % 2 else "online"))
    bed.do(PeripheralState("reader", "acr", "noDevice"))
    assert bed.records[-1]["port"] == "reader"


def test_a_refused_record_is_owed_until_the_journal_is_back_and_is_not_tried_meanwhile(bed):
    bed.do(printer())
    bed.do(printer("offline"))
    assert bed.records.pop()["state"] == "offline"
    assert bed.do(events.AppendFailed("device.state", None, "disk full")) == []
    bed.do(events.ServiceStopped("journal"))
    bed.wait(100)
    bed.do(PeripheralState("reader", "acr", "online"))
    assert len(bed.records) == 1
    assert bed.row("reader")[2] == "online", "the heartbeat knows all the same"
    bed.do(events.ServiceResumed("journal"))
    bed.wait(2)
    assert {(each["port"], each["state"]) for each in bed.records[1:]} == {("printer", "offline"), ("reader", "online")}


def test_another_record_that_failed_or_another_stop_changes_nothing(bed):
    bed.do(events.AppendFailed("visit.ended", None, "disk full"))
    bed.do(events.ServiceStopped("operator"))
    bed.do(printer())
    assert len(bed.records) == 1


def test_a_record_that_failed_before_any_device_spoke_is_taken_back_without_harm(bed):
    bed.do(events.AppendFailed("device.state", None, "disk full"))
    bed.do(events.ServiceResumed("journal"))
    bed.do(printer())
    assert len(bed.records) == 1


def test_what_a_station_does_not_have_is_not_counted():
    made = Devices((("printer", "p"),))
    for event in (events.Scanned(b"x"), CARD, events.CardFailed(b"n" * 16, "torn")):
        assert made.on(event, Now(1.0, NOW_MS)) == []
    assert list(made.components) == ["printer"]
    assert made.components["printer"].counts == {}


def test_what_no_profile_names_joins_when_it_speaks_up_to_a_bound(bed):
    bed.do(PeripheralState("plugs", "udev", "online"))
    assert bed.row("plugs") == ["plugs", "udev", "online", ""]
    for number in range(50):
        bed.do(PeripheralState(f"port {number}", "", "online"))
    assert len(bed.said["peripherals"]) == len(bed.said["devices"]) == PORTS_MAX


@pytest.mark.parametrize(
    "words",
    [
        {"detail": "4111 1111 1111 1111 is silent", "identity": "04b8:0e15:4111111111111111"},
        {"detail": "hỏng e\u0302", "identity": "e\u0302" * 70},
        {"detail": "\udc80 broken", "identity": "\udc80"},
        {"detail": "x" * 999, "identity": "y" * 999, "action": "z" * 99},
    ],
)
def test_whatever_a_driver_says_fits_a_record_and_holds_no_card_number(bed, words):
    bed.do(printer("x" * 99, "y" * 99, **words))
    assert len(bed.records) == 1
    assert "4111" not in str(bed.records)


def test_a_station_with_the_longest_words_on_every_port_still_fits_its_heartbeat(bed):
    big = dict.fromkeys(range(6, 16), 2**53)
    full = Bed({f"device.{port}": big for port, _ in PERIPHERALS})
    for port in ("reader", "scanner", "printer", "display", *(f"{letter * 18} é" for letter in "abcdefghijklmn")):
        full.do(PeripheralState(port, "ô" * 99, "s" * 99, "p" * 99, "d" * 999, "a" * 99, "i" * 999))
    status = {STATUS_KEYS[name]: value for name, value in full.said.items()}
    assert len(encode(status)) < HEAD_MAX_BYTES / 2


def test_two_records_refused_in_one_turn_are_both_owed(bed):
    """Another machine's refusal is heard first and brings a second record before the first one's is."""
    bed.do(printer())
    bed.do(PeripheralState("reader", "acr", "online"))
    bed.records.clear()
    bed.do(printer("offline"))
    bed.made.components["reader"].hear(PeripheralState("reader", "acr", "noDevice"), bed.now())
    bed.do(events.AppendFailed("payment.state", None, "disk full"))
    assert [each["port"] for each in bed.records] == ["printer", "reader"]
    bed.do(events.AppendFailed("device.state", None, "disk full"))
    bed.do(events.AppendFailed("device.state", None, "disk full"))
    bed.do(events.ServiceResumed("journal"))
    bed.wait(2)
    assert {each["port"] for each in bed.records[2:]} == {"printer", "reader"}
