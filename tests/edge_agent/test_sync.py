"""The sync machine, event by event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles.wire import GAP, OK, QUARANTINED, REVOKED, SLOW_DOWN, Ack
from edge_agent import events
from edge_agent.effects import Prune, Remember, Report, ResumeService, SendBatch, StopService
from edge_agent.events import Now
from edge_agent.machines.sync import ACK_TIMEOUT_S, BACKOFF_MAX_S, Sync

LINEAGE, OTHER = b"L" * 16, b"M" * 16


def at(mono_s: float) -> Now:
    return Now(mono_s, 1_790_000_000_000 + int(mono_s * 1000), 2)


def ack(next_: int, name: bytes, **other) -> Ack:
    base = Ack(
        device=b"d" * 16,
        epoch=1,
        journal=b"j" * 16,
        next=next_,
        digest=b"x" * 32,
        durable_next=next_,
        time_ms=1_790_000_000_000,
        lineage=LINEAGE,
        batch_hash=name,
        verdict=OK,
        retry_after_s=0,
        admit=100,
    )
    return replace(base, **other)


class Rig:
    """Plays the hand: every SendBatch becomes a BatchSent whose hash is its count."""

    def __init__(self, *, tip: int = 0, state=None, jitter: float = 0.5) -> None:
        self.machine = Sync(heartbeat_s=60.0, jitter=lambda: jitter)
        self.sent: list[tuple[int, int]] = []
        self.tip, self.time_s, self.first_held = tip, 0.0, 0
        self.do(events.Started(1, state or {}))
        self.do(events.Committed(tip))

    def do(self, event) -> list:
        effects = self.machine.on(event, at(self.time_s))
        for effect in effects:
            if isinstance(effect, SendBatch):
                count = min(effect.count_max, self.tip - effect.first)
                self.sent.append((effect.first, count))
                self.machine.on(events.BatchSent(self.name(), effect.first, count), at(self.time_s))
        return effects

    def name(self) -> bytes:
        return len(self.sent).to_bytes(32, "big")

    def answer(self, next_: int, *, own_digest: bytes | None = b"x" * 32, **other) -> list:
        event = events.Acked(ack(next_, self.name(), **other), self.tip, own_digest, self.first_held)
        return self.do(event)

    def wait(self, seconds: float) -> list:
        self.time_s += seconds
        return self.do(events.Tick())


def test_nothing_is_sent_without_a_link():
    rig = Rig(tip=5)
    rig.wait(100)
    assert rig.sent == []


def test_the_first_batch_after_link_up_is_empty_and_its_ack_says_where_to_resume():
    rig = Rig(tip=5)
    rig.do(events.LinkUp(1))
    assert rig.sent == [(0, 0)]
    rig.answer(3)
    assert rig.sent[-1] == (3, 2)


def test_one_batch_is_in_flight_and_a_new_record_waits_for_its_ack():
    rig = Rig(tip=5)
    rig.do(events.LinkUp(1))
    rig.answer(0)
    rig.tip = 6
    rig.do(events.Committed(6))
    rig.wait(1)
    assert rig.sent == [(0, 0), (0, 5)]
    rig.answer(5)
    assert rig.sent[-1] == (5, 1)


def test_a_drained_journal_beats_once_a_heartbeat():
    rig = Rig(tip=1)
    rig.do(events.LinkUp(1))
    rig.answer(1)
    rig.wait(59)
    assert len(rig.sent) == 1
    rig.wait(2)
    assert rig.sent[-1] == (1, 0)


def test_a_lost_ack_is_asked_for_again_with_jitter_and_an_empty_batch():
    rig = Rig(tip=3)
    rig.do(events.LinkUp(1))
    rig.answer(0)
    rig.wait(ACK_TIMEOUT_S)
    assert len(rig.sent) == 2
    rig.wait(0.9)
    assert len(rig.sent) == 2
    rig.wait(0.2)
    assert rig.sent[-1] == (0, 0)


def test_back_off_grows_to_its_ceiling():
    rig = Rig(tip=1, jitter=0.999)
    rig.do(events.LinkUp(1))
    waits = []
    for _ in range(9):
        before = len(rig.sent)
        start = rig.time_s
        while len(rig.sent) == before:
            rig.wait(0.5)
        waits.append(rig.time_s - start)
    assert waits == sorted(waits)
    assert waits[-1] <= ACK_TIMEOUT_S + BACKOFF_MAX_S + 1


def test_the_cursor_goes_backwards_with_the_ack_and_the_station_sends_again():
    rig = Rig(tip=10)
    rig.do(events.LinkUp(1))
    rig.answer(10)
    rig.wait(61)
    effects = rig.answer(4, lineage=OTHER)
    assert rig.sent[-1] == (4, 6)
    assert not any(isinstance(each, Report) for each in effects)


def test_backwards_without_a_new_lineage_is_an_alarm_and_is_sent_again_all_the_same():
    rig = Rig(tip=10)
    rig.do(events.LinkUp(1))
    rig.answer(10)
    rig.wait(61)
    effects = rig.answer(4)
    assert Report({"ack_alarms": 1}) in effects
    assert rig.sent[-1] == (4, 6)


def test_an_ack_beyond_our_tip_means_this_disk_was_rolled_back():
    rig = Rig(tip=10)
    rig.do(events.LinkUp(1))
    effects = rig.answer(11, own_digest=None)
    assert effects[:2] == [StopService("rolled_back"), Remember({"sync.stopped": "rolled_back"})]
    assert rig.machine.cursor == 0
    assert len(rig.sent) == 1  # and it does not ask again in a tight loop
    rig.wait(61)
    assert rig.sent[-1] == (0, 0)


def test_an_ack_of_another_record_stops_the_service_and_our_branch_is_sent_once_to_be_kept_apart():
    rig = Rig(tip=10)
    rig.first_held = 2
    rig.do(events.LinkUp(1))
    assert StopService("rolled_back") in rig.answer(7, own_digest=b"y" * 32)
    assert rig.sent[-1] == (2, 8)
    rig.answer(7, own_digest=b"y" * 32)
    assert len(rig.sent) == 2
    rig.wait(61)
    rig.answer(10, verdict=QUARANTINED)  # the fleet kept our branch apart and follows it
    assert rig.machine.cursor == 10


def test_a_station_that_was_stopped_stays_stopped_over_a_restart_until_a_good_word():
    machine = Sync(heartbeat_s=60.0, jitter=lambda: 0.5)
    assert StopService("quarantined") in machine.on(events.Started(2, {"sync.stopped": "quarantined"}), at(0))


def test_an_ack_that_names_no_batch_of_ours_moves_nothing():
    rig = Rig(tip=10)
    rig.do(events.LinkUp(1))
    effects = rig.do(events.Acked(ack(10, b"z" * 32), 10, b"x" * 32, 0))
    assert Report({"ack_alarms": 1}) in effects
    assert rig.machine.cursor == 0


def test_a_late_ack_of_an_earlier_batch_still_counts():
    rig = Rig(tip=3)
    rig.do(events.LinkUp(1))
    rig.answer(0)
    late = rig.name()
    rig.wait(ACK_TIMEOUT_S)
    rig.wait(5)
    rig.do(events.Acked(ack(3, late), 3, b"x" * 32, 0))
    assert rig.machine.cursor == 3


def test_the_ack_is_remembered_when_it_is_news_and_only_then():
    rig = Rig(tip=2)
    rig.do(events.LinkUp(1))
    effects = rig.answer(2)
    remembered = [each.values for each in effects if isinstance(each, Remember)]
    assert remembered == [{"sync.ack": [2, b"x" * 32, LINEAGE], "time.floor": 1_790_000_000_000}]
    rig.wait(61)
    assert not any(isinstance(each, Remember) for each in rig.answer(2))


def test_a_remembered_ack_is_where_a_new_process_begins():
    rig = Rig(tip=9, state={"sync.ack": [7, b"x" * 32, LINEAGE]})
    rig.do(events.LinkUp(1))
    assert rig.sent == [(7, 0)]


def test_only_what_is_durable_at_the_fleet_is_pruned():
    rig = Rig(tip=300)
    rig.do(events.LinkUp(1))
    assert Prune(200) in rig.answer(300, durable_next=200)
    rig.first_held = 200
    rig.wait(61)
    assert not any(isinstance(each, Prune) for each in rig.answer(300, durable_next=210))


@pytest.mark.parametrize(("verdict", "reason"), [(QUARANTINED, "quarantined"), (REVOKED, "revoked")])
def test_quarantine_and_revocation_stop_the_service_and_a_good_word_resumes_it(verdict, reason):
    rig = Rig(tip=1)
    rig.do(events.LinkUp(1))
    assert StopService(reason) in rig.answer(1, verdict=verdict)
    rig.wait(61)
    assert ResumeService(reason) in rig.answer(1)


def test_a_revoked_station_sends_no_records_but_still_listens():
    rig = Rig(tip=5)
    rig.do(events.LinkUp(1))
    rig.answer(0, verdict=REVOKED)
    rig.wait(61)
    assert rig.sent == [(0, 0), (0, 0)]


def test_slow_down_and_no_credit_are_obeyed():
    rig = Rig(tip=5)
    rig.do(events.LinkUp(1))
    rig.answer(0, verdict=SLOW_DOWN, retry_after_s=30)
    rig.wait(29)
    assert len(rig.sent) == 1
    rig.wait(2)
    assert rig.sent[-1] == (0, 5)
    rig = Rig(tip=5)
    rig.do(events.LinkUp(1))
    rig.answer(0, admit=0, retry_after_s=10)
    rig.wait(9)
    assert len(rig.sent) == 1
    rig.wait(2)
    assert rig.sent[-1] == (0, 0)


def test_a_fleet_that_does_not_take_what_we_send_is_not_asked_in_a_tight_loop():
    rig = Rig(tip=5)
    rig.do(events.LinkUp(1))
    rig.answer(0)
    rig.answer(0, verdict=GAP)
    assert len(rig.sent) == 2
    rig.wait(1.1)
    assert rig.sent[-1] == (0, 0)


def test_records_the_fleet_asks_for_and_we_no_longer_hold_are_reported_as_lost():
    rig = Rig(tip=10)
    rig.first_held = 6
    rig.do(events.LinkUp(1))
    assert Report({"lost_range": [4, 6]}) in rig.answer(4, own_digest=None, lineage=OTHER)
    assert rig.machine.cursor == 6


def test_the_link_going_down_forgets_what_is_in_flight():
    rig = Rig(tip=1)
    rig.do(events.LinkUp(1))
    rig.do(events.LinkDown("cut"))
    rig.wait(100)
    assert len(rig.sent) == 1
    rig.do(events.LinkUp(2))
    assert len(rig.sent) == 2


def test_a_link_that_refuses_the_batch_is_tried_again_later():
    machine = Sync(heartbeat_s=60.0, jitter=lambda: 0.5)
    machine.on(events.LinkUp(1), at(0))
    machine.on(events.BatchNotSent("full"), at(0))
    assert machine.on(events.Tick(), at(0.5)) == []
    assert machine.on(events.Tick(), at(1.5)) == [SendBatch(0, 0)]


def test_a_stop_that_the_journal_may_have_refused_is_written_again_when_it_is_back():
    rig = Rig(state={"sync.stopped": "quarantined"})
    assert Remember({"sync.stopped": "quarantined"}) in rig.do(events.ServiceResumed("journal"))
    assert Remember not in {type(each) for each in Rig().do(events.ServiceResumed("journal"))}


@pytest.mark.parametrize(("told", "every_s"), [(20, 20.0), (0, 60.0), (-5, 60.0), (True, 60.0), ("20", 60.0)])
def test_the_fleet_sets_how_often_the_heart_beats_and_nonsense_changes_nothing(told, every_s):
    rig = Rig()
    rig.do(events.Configured({"heartbeat_s": told}))
    assert rig.machine.heartbeat_s == every_s
