"""accept: what is taken, what is refused, what is kept apart, and what the Ack says of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from device_profiles import wire
from fleet_server import ingest
from fleet_server.ingest import Message, Pace, accept_many
from fleet_server.store import Why
from provisioning.keys import EDDSA, sign_message
from tests.fleet_server.station_bed import (
    ACK_KEY,
    T0,
    Sender,
    logged,
    open_fleet,
    refusals,
    register,
    send,
    set_status,
)


@pytest.fixture
def fleet(tmp_path):
    store = open_fleet(tmp_path)
    yield store
    store.close()


@pytest.fixture
def sender(fleet):
    sender = Sender()
    register(fleet, sender)
    return sender


def test_a_batch_is_stored_as_received_and_acknowledged(fleet, sender):
    sender.fill(5)
    message = sender.batch()
    ack = send(fleet, message)
    assert (ack.device, ack.epoch, ack.journal) == (sender.device, 1, sender.journal)
    assert (ack.next, ack.digest) == (5, wire.digest(sender.records[4]))
    assert ack.batch_hash == hashlib.sha256(message.data).digest()
    assert (ack.verdict, ack.time_ms, ack.admit, ack.retry_after_s) == (wire.OK, T0 + 10_000, 100, 0)
    assert ack.lineage == fleet.lineage()
    assert logged(fleet, sender) == sender.records


def test_records_of_a_second_batch_follow_the_first(fleet, sender):
    sender.fill(7)
    send(fleet, sender.batch(0, 4))
    assert send(fleet, sender.batch(4, 3)).next == 7
    assert logged(fleet, sender) == sender.records


def test_an_empty_batch_asks_where_to_resume_and_stores_nothing(fleet, sender):
    ack = send(fleet, sender.batch(0, 0))
    assert (ack.next, ack.digest, ack.verdict) == (0, sender.digest_before(0), wire.OK)
    assert fleet.head(sender.device, sender.journal) is None
    sender.fill(3)
    send(fleet, sender.batch())
    assert send(fleet, sender.batch(0, 0)).next == 3
    assert send(fleet, sender.batch(3, 0)).next == 3


def test_an_empty_batch_from_beyond_the_head_is_no_gap(fleet, sender):
    sender.fill(9)
    send(fleet, sender.batch(0, 4))
    ack = send(fleet, sender.batch(9, 0))
    assert (ack.next, ack.digest, ack.verdict) == (4, sender.digest_before(4), wire.OK)


def test_a_batch_beyond_the_head_is_a_gap_with_the_true_next(fleet, sender):
    sender.fill(9)
    send(fleet, sender.batch(0, 4))
    ack = send(fleet, sender.batch(6, 3))
    assert (ack.next, ack.digest, ack.verdict) == (4, sender.digest_before(4), wire.GAP)
    assert logged(fleet, sender) == sender.records[:4]


@pytest.mark.parametrize(("first", "count"), [(0, 4), (1, 2), (3, 1), (0, 6), (3, 3)])
def test_what_is_stored_already_is_skipped_and_the_rest_taken(fleet, sender, first, count):
    sender.fill(6)
    send(fleet, sender.batch(0, 4))
    ack = send(fleet, sender.batch(first, count))
    assert (ack.next, ack.verdict) == (max(4, first + count), wire.OK)
    assert logged(fleet, sender) == sender.records[: ack.next]


def test_a_replay_of_an_old_batch_has_no_effect_and_gets_the_present_ack(fleet, sender):
    sender.fill(3)
    old = sender.batch(status={1: 1})
    send(fleet, old)
    sender.fill(6)
    send(fleet, sender.batch(3, 3, status={1: 2}))
    before = fleet.last_values(sender.device)
    ack = send(fleet, old, T0 + 99_000)
    assert (ack.next, ack.verdict, ack.batch_hash) == (6, wire.OK, hashlib.sha256(old.data).digest())
    assert fleet.last_values(sender.device) == before
    assert before.status == {1: 2}
    assert refusals(fleet) == {"stale": 1}


def test_values_of_another_boot_are_newer_even_at_an_earlier_uptime(fleet, sender):
    send(fleet, sender.batch(0, 0))
    sender.boot, sender.mono_ms = 2, 5
    send(fleet, sender.batch(0, 0, status={1: 42}), T0 + 20_000)
    last = fleet.last_values(sender.device)
    assert (last.boot, last.status, last.received_ms) == (2, {1: 42}, T0 + 20_000)


def test_a_new_journal_begins_a_new_head_and_the_old_one_stays(fleet, sender):
    sender.fill(3)
    old = sender.batch()
    send(fleet, old)
    again = Sender(sender.key)
    again.fill(2)
    assert send(fleet, again.batch()).next == 2
    assert [head.next for head in fleet.heads(sender.device)] == [3, 2]
    assert fleet.last_values(sender.device).journal == again.journal
    send(fleet, old)
    assert fleet.last_values(sender.device).journal == again.journal


def test_the_first_batch_makes_a_claimed_device_active_and_says_so(fleet):
    sender = Sender()
    register(fleet, sender, status="CLAIMED")
    send(fleet, sender.batch(0, 0))
    assert fleet.device(sender.device).status == "ACTIVE"
    assert fleet.registry_log()[0].reason == "first batch"


# ---- refused, counted, named, never fatal -------------------------------------------------------------------------


def forged(sender, **changed):
    sender.fill(3)
    return sender.batch(**changed)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def by_a_stranger(sender):
    return forged(Sender(journal=sender.journal))


def cut_short(sender):
    message = forged(sender)
    return Message(message.topic, message.data[:-5])


def one_bit_off(sender):
    message = forged(sender)
    return Message(message.topic, flipped(message.data, len(message.data) // 2))


def too_large(sender):
    return Message(sender.topic, b"\xd2" + bytes(wire.BATCH_MAX_BYTES))


def another_kind(sender):
    return Message(sender.topic, sign_message(sender.key, "kiosk/enrol/1", sender.payload()))


def foreign_topic(sender):
    return Message(wire.topic_up(bytes(16)), forged(sender).data)


def another_algorithm(sender):
    payload = sender.payload()
    protected = wire.protected_header(EDDSA, sender.key.kid)
    return Message(sender.topic, wire.envelope_encode(protected, payload, bytes(64)))


def for_another_device(sender):
    return Message(sender.topic, sign_message(sender.key, "kiosk/batch/1", Sender().payload()))


def of_a_later_epoch(sender):
    sender.epoch = 2
    return forged(sender)


def false_end(sender):
    return forged(sender, head=bytes(32))


def false_beginning(sender):
    return forged(sender, before=bytes(32))


def swapped(sender):
    sender.fill(4)
    a, b, c, d = sender.records
    return sender.batch(records=(a, c, b, d))


def left_out(sender):
    sender.fill(4)
    a, b, _, d = sender.records
    return sender.batch(records=(a, b, d))


def of_another_journal(sender):
    other = Sender(sender.key)
    other.records = []
    other.fill(2)
    sender.fill(1)
    return sender.batch(records=(sender.records[0], other.records[1]), head=wire.digest(other.records[1]))


REFUSED = [
    (by_a_stranger, "unknown_key"),
    (cut_short, "not_cbor"),
    (one_bit_off, "signature"),
    (too_large, "too_large"),
    (another_kind, "signature"),
    (foreign_topic, "topic"),
    (another_algorithm, "algorithm"),
    (for_another_device, "device"),
    (of_a_later_epoch, "epoch"),
    (false_end, "chain"),
    (false_beginning, "genesis"),
    (swapped, "chain"),
    (left_out, "chain"),
    (of_another_journal, "chain"),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED, ids=[make.__name__ for make, _ in REFUSED])
def test_what_is_not_right_is_refused_counted_and_named(fleet, sender, make, reason):
    message = make(sender)
    assert send(fleet, message) is None
    (refusal,) = fleet.refusals()
    assert (refusal.reason, refusal.count, refusal.last_ms) == (reason, 1, T0 + 10_000)
    known = reason in ("signature", "topic", "algorithm", "device", "epoch", "chain", "genesis")
    assert refusal.device == (sender.device if known else None)
    assert message.topic[:40] in refusal.example
    assert fleet.after(0, 10) == []
    assert fleet.last_values(sender.device) is None


def test_a_message_of_garbage_is_counted_and_the_others_of_its_group_are_taken(fleet, sender):
    sender.fill(3)
    good = sender.batch()
    said = accept_many(fleet, [Message("", b""), good, Message("v1/up/zz/\u202e", b"\xff\x00")], T0, ACK_KEY)
    assert [each is None for each in said] == [True, False, True]
    assert refusals(fleet) == {"not_sign1": 2}
    assert fleet.refusals()[0].example == "v1/up/zz/\\u202e: not_sign1: tag 18 is missing"


def test_a_device_that_was_never_enrolled_gets_no_answer(fleet):
    sender = Sender()
    register(fleet, sender, status="NEW")
    assert send(fleet, forged(sender)) is None
    assert refusals(fleet) == {"not_enrolled": 1}


# ---- kept apart ---------------------------------------------------------------------------------------------------


def side(fleet, sender) -> list[tuple[int, str]]:
    return sorted((row.seq, row.reason) for row in fleet.side(sender.device))


@pytest.mark.parametrize("status", ["REVOKED", "DECOMMISSIONED"])
def test_records_of_a_revoked_device_go_into_the_side_store(fleet, sender, status):
    sender.fill(5)
    send(fleet, sender.batch(0, 3))
    set_status(fleet, sender, status)
    before = fleet.last_values(sender.device)
    ack = send(fleet, sender.batch(3, 2))
    assert (ack.verdict, ack.retry_after_s) == (wire.REVOKED, 3600)
    assert side(fleet, sender) == [(3, "revoked"), (4, "revoked")]
    assert logged(fleet, sender) == sender.records[:3]
    assert fleet.last_values(sender.device) == before


def test_a_quarantined_device_is_heard_to_the_end_and_stored_apart(fleet, sender):
    sender.fill(9)
    send(fleet, sender.batch(0, 2))
    set_status(fleet, sender, "QUARANTINED")
    assert send(fleet, sender.batch(2, 3)).next == 5
    assert send(fleet, sender.batch(4, 2)).next == 6
    ack = send(fleet, sender.batch(6, 3))
    assert (ack.next, ack.digest, ack.verdict) == (9, sender.digest_before(9), wire.QUARANTINED)
    assert [seq for seq, _ in side(fleet, sender)] == list(range(2, 9))
    assert ack.durable_next == 2
    assert fleet.last_values(sender.device).newest == 8


def test_a_quarantined_station_that_was_cleared_sends_again_from_the_log(fleet, sender):
    sender.fill(6)
    send(fleet, sender.batch(0, 2))
    set_status(fleet, sender, "QUARANTINED")
    assert send(fleet, sender.batch(2, 4)).next == 6
    set_status(fleet, sender, "ACTIVE")
    assert send(fleet, sender.batch(6, 0)).next == 2
    assert send(fleet, sender.batch(2, 4)).next == 6
    assert logged(fleet, sender) == sender.records


def test_a_quarantined_batch_that_hangs_on_nothing_we_hold_is_kept_and_the_whole_journal_asked_for(fleet, sender):
    sender.fill(9)
    send(fleet, sender.batch(0, 2))
    set_status(fleet, sender, "QUARANTINED")
    ack = send(fleet, sender.batch(5, 4))
    assert (ack.next, ack.digest, ack.durable_next) == (0, sender.digest_before(0), 0)
    assert [seq for seq, _ in side(fleet, sender)] == [5, 6, 7, 8]


def test_what_the_log_holds_is_not_kept_apart_a_second_time(fleet, sender):
    sender.fill(4)
    send(fleet, sender.batch(0, 4))
    set_status(fleet, sender, "QUARANTINED")
    assert send(fleet, sender.batch(0, 3)).next == 3
    assert side(fleet, sender) == []


def test_records_of_an_earlier_epoch_are_kept_apart(fleet, sender):
    sender.fill(2)
    why = Why("Trần Văn Trực", "re-enrolled", T0)
    fleet.run(lambda store: store.put_device(replace(store.device(sender.device), epoch=2), why))
    ack = send(fleet, sender.batch())
    assert (ack.verdict, ack.epoch) == (wire.REVOKED, 1)
    assert side(fleet, sender) == [(0, "old_epoch"), (1, "old_epoch")]
    assert logged(fleet, sender) == []


def test_two_records_under_one_number_quarantine_the_device_and_both_are_kept(fleet, sender):
    sender.fill(3)
    twin = sender.clone()
    sender.fill(6)
    twin.begin_visit()
    twin.fill(8)
    send(fleet, sender.batch(0, 6))
    ack = send(fleet, twin.batch(2, 6))
    assert (ack.verdict, ack.next, ack.digest) == (wire.QUARANTINED, 8, twin.digest_before(8))
    assert fleet.device(sender.device).status == "QUARANTINED"
    assert "equivocation: two records under number 3" in fleet.registry_log()[0].reason
    assert refusals(fleet) == {"equivocation": 1}
    assert logged(fleet, sender) == sender.records
    assert side(fleet, sender) == [(seq, "equivocation") for seq in range(3, 8)]
    sender.fill(7)
    assert send(fleet, sender.batch(6, 1)).verdict == wire.QUARANTINED
    assert (6, "quarantined") in side(fleet, sender)


@pytest.mark.parametrize(("first", "count"), [(6, 0), (6, 3), (5, 0)])
def test_another_history_before_the_batch_is_equivocation_too(fleet, sender, first, count):
    sender.fill(3)
    twin = sender.clone()
    sender.fill(6)
    twin.begin_visit()
    twin.fill(9)
    send(fleet, sender.batch(0, 6))
    ack = send(fleet, twin.batch(first, count))
    assert ack.verdict == wire.QUARANTINED
    assert (ack.next, ack.digest) == (0, twin.digest_before(0))
    assert [seq for seq, _ in side(fleet, sender)] == list(range(first, first + count))
    assert send(fleet, twin.batch(0, 9)).next == 9
    assert [seq for seq, _ in side(fleet, sender)] == list(range(3, 9))


def test_the_side_store_of_one_device_is_bounded(fleet, sender, monkeypatch):
    monkeypatch.setattr(ingest, "SIDE_MAX_COUNT", 4)
    sender.fill(6)
    set_status(fleet, sender, "REVOKED")
    send(fleet, sender.batch(0, 4))
    assert send(fleet, sender.batch(4, 2)) is None
    assert refusals(fleet) == {"side_full": 1}


# ---- durability and pace ------------------------------------------------------------------------------------------


def test_without_backups_a_station_may_prune_what_is_stored(fleet, sender):
    sender.fill(3)
    assert send(fleet, sender.batch()).durable_next == 3


def test_with_backups_a_station_may_prune_what_the_backup_holds(fleet, sender):
    fleet.run(lambda store: store.set_keeps_backups(True))
    sender.fill(5)
    assert send(fleet, sender.batch(0, 3)).durable_next == 0
    fleet.run(lambda store: store.set_durable(store.heads(), T0))
    ack = send(fleet, sender.batch(3, 2))
    assert (ack.next, ack.durable_next) == (5, 3)


def test_no_ack_comes_into_being_when_the_commit_fails(fleet, sender):
    sender.fill(3)

    class Failing:
        def run(self, fn):
            def lost(store):
                fn(store)
                raise OSError("the disk is full")

            return fleet.run(lost)

    with pytest.raises(OSError, match="full"):
        send(Failing(), sender.batch())
    assert logged(fleet, sender) == []
    assert send(fleet, sender.batch()).next == 3


def test_a_storm_is_paced_but_a_quarantine_is_said_all_the_same(fleet, sender):
    twin = Sender()
    register(fleet, twin, station="K0002", status="QUARANTINED")
    said = accept_many(fleet, [sender.batch(0, 0), twin.batch(0, 0)], T0, ACK_KEY, Pace(10, 30))
    acks = [wire.Ack.decode(wire.envelope_decode(each, 65_536).payload) for each in said]
    assert [(ack.verdict, ack.retry_after_s, ack.admit) for ack in acks] == [
        (wire.SLOW_DOWN, 30, 10),
        (wire.QUARANTINED, 60, 10),
    ]
