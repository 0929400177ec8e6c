"""The converge machine, Desired by Desired."""

from __future__ import annotations

import pytest

from device_profiles.messages import Desired
from edge_agent import events
from edge_agent.effects import Append, ApplyConfig, Fetch, Report, StoreSet
from edge_agent.events import Now
from edge_agent.machines.converge import Converge

DEVICE, HASH = b"d" * 16, b"h" * 32
NOW = Now(10.0, 1_790_000_000_000, 3)
LATER = Now(100.0, 1_790_000_090_000, 3)


def desired(
    rev: int, *, device: bytes = DEVICE, not_after_ms: int = 1_900_000_000_000, sets=(), config=None
) -> Desired:
    return Desired(
        device=device,
        rev=rev,
        issued_ms=1_789_000_000_000,
        not_after_ms=not_after_ms,
        config=config or {},
        sets=tuple(sets),
        jobs=(),
        keys_version=1,
        notices=(),
    )


def of(effects: list, kind: type) -> list:
    return [each for each in effects if isinstance(each, kind)]


def test_a_new_revision_is_remembered_before_it_is_acted_on_and_recorded():
    machine = Converge(DEVICE)
    effects = machine.on(events.DesiredSeen(desired(3, config={1: 30}, sets=[["bills/a", 2, 99, HASH]])), NOW)
    assert effects == [
        Append("desired.result", {"rev": 3, "result": "applied"}, order=0, remember={"desired.rev": 3}),
        Report({"desired_rev": 3}),
        ApplyConfig({"heartbeat_s": 30}),
        Fetch("bills/a", 2, 99, HASH),
    ]


def test_the_same_revision_again_records_nothing():
    machine = Converge(DEVICE, rev=3)
    assert machine.on(events.DesiredSeen(desired(3)), NOW) == [ApplyConfig({})]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (desired(2), "older than 3"),
        (desired(4, device=b"e" * 16), "for another device"),
        (desired(4, not_after_ms=1_789_999_999_999), "expired"),
    ],
)
def test_a_replayed_foreign_or_expired_desired_is_refused_by_one_record(seen, reason):
    machine = Converge(DEVICE, rev=3)
    effects = machine.on(events.DesiredSeen(seen), NOW)
    assert effects == [Append("desired.result", {"rev": seen.rev, "result": "refused", "reason": reason}, order=0)]
    assert machine.on(events.DesiredSeen(seen), NOW) == []
    assert machine.rev == 3


def test_a_broker_that_replays_many_old_revisions_cannot_fill_the_journal():
    machine = Converge(DEVICE, rev=1000)
    effects = [each for rev in range(500) for each in machine.on(events.DesiredSeen(desired(rev)), NOW)]
    assert len(effects) == 16


def test_the_stored_revision_is_the_floor_of_a_new_process():
    machine = Converge(DEVICE)
    assert machine.on(events.Started(1, {"desired.rev": 7}), NOW) == [Report({"desired_rev": 7})]
    assert [each.remember for each in of(machine.on(events.DesiredSeen(desired(6)), NOW), Append)] == [{}]


def test_a_set_is_fetched_once_kept_and_recorded():
    machine = Converge(DEVICE)
    machine.on(events.DesiredSeen(desired(1, sets=[["bills/a", 2, 99, HASH]])), NOW)
    assert machine.on(events.Tick(), LATER) == []
    done = machine.on(events.SetVerified("bills/a", 2, b"data", b"body"), LATER)
    assert done == [
        StoreSet("bills/a", 2, b"data", b"body"),
        Append("set.result", {"name": "bills/a", "version": 2, "result": "applied"}, order=0),
    ]
    assert not of(machine.on(events.DesiredSeen(desired(2, sets=[["bills/a", 2, 99, HASH]])), LATER), Fetch)


def test_a_failed_fetch_is_tried_again_after_a_pause():
    machine = Converge(DEVICE)
    machine.on(events.DesiredSeen(desired(1, sets=[["bills/a", 2, 99, HASH]])), NOW)
    machine.on(events.FetchFailed("bills/a", 2, "cut"), NOW)
    assert machine.on(events.Tick(), Now(20.0, NOW.wall_ms, 3)) == []
    assert machine.on(events.Tick(), LATER) == [Fetch("bills/a", 2, 99, HASH)]


def test_a_set_nobody_asked_for_is_not_kept():
    machine = Converge(DEVICE)
    assert machine.on(events.SetVerified("bills/a", 2, b"data", b"body"), NOW) == []


def test_an_older_version_than_the_one_in_force_is_not_fetched():
    machine = Converge(DEVICE, held={"bills/a": 5})
    assert not of(machine.on(events.DesiredSeen(desired(1, sets=[["bills/a", 4, 99, HASH]])), NOW), Fetch)


def test_a_revision_that_could_not_be_remembered_is_news_again():
    machine = Converge(DEVICE, rev=3)
    machine.on(events.DesiredSeen(desired(4, sets=[["bills/a", 2, 99, HASH]])), NOW)
    machine.on(events.AppendFailed("desired.result", None, "disk full"), NOW)
    assert machine.rev == 3
    assert machine.on(events.Tick(), LATER) == []
    again = machine.on(events.DesiredSeen(desired(4)), LATER)
    assert [each.remember for each in of(again, Append)] == [{"desired.rev": 4}]
    machine.on(events.Committed(1), LATER)
    machine.on(events.AppendFailed("desired.result", None, "disk full"), LATER)
    assert machine.rev == 4


def test_a_verified_set_that_the_disk_did_not_take_is_fetched_again():
    machine = Converge(DEVICE, held={"bills/a": 1})
    machine.on(events.DesiredSeen(desired(1, sets=[["bills/a", 2, 99, HASH]])), NOW)
    machine.on(events.SetVerified("bills/a", 2, b"data", b"body"), NOW)
    machine.on(events.FetchFailed("bills/a", 2, "disk full"), NOW)
    assert machine.held == {"bills/a": 1}
    assert machine.on(events.Tick(), LATER) == [Fetch("bills/a", 2, 99, HASH)]


def test_an_answer_that_never_comes_does_not_keep_a_set_from_being_fetched():
    machine = Converge(DEVICE)
    machine.on(events.DesiredSeen(desired(1, sets=[["bills/a", 2, 99, HASH]])), NOW)
    assert machine.on(events.Tick(), LATER) == []
    assert machine.on(events.Tick(), Now(700.0, NOW.wall_ms, 3)) == [Fetch("bills/a", 2, 99, HASH)]
