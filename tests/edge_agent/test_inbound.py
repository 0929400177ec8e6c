"""Inbound: what is forged, replayed, truncated or foreign is refused, counted and named; what is right is believed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from device_profiles.bills import Bill, BillSet
from device_profiles.messages import Answer, Desired, Question, SignedSet, answer_encode
from device_profiles.wire import OK, Ack
from edge_agent import events
from edge_agent.clock import Clock
from edge_agent.effects import Ask, Fetch
from edge_agent.inbound import Inbound
from edge_agent.journal import Journal, Sealing, Stamp
from provisioning.keys import SigningKey, open_message, sign_message
from provisioning.sealing import SUITE_BASE, SealTo, answer_info
from tests.small_fleet import NOW_MS


@pytest.fixture
def journal(tmp_path, fleet):
    found = Journal.open(tmp_path / "journal.db", fleet.device, 1)
    for _ in range(3):
        found.append(Sealing(0, None, lambda _: b"sealed"), Stamp(NOW_MS, 2, 1, 5))
    yield found
    found.close()


@pytest.fixture
def inbound(fleet):
    clock = Clock(NOW_MS, lambda: 0.0, lambda: 0.0, lambda: False)
    return Inbound(fleet.device, fleet.station, fleet.trust, clock)


def ack_of(held, **other) -> Ack:
    base = Ack(
        device=held.device,
        epoch=1,
        journal=held.journal,
        next=3,
        digest=held.tip,
        durable_next=3,
        time_ms=NOW_MS,
        lineage=b"L" * 16,
        batch_hash=b"b" * 32,
        verdict=OK,
        retry_after_s=0,
        admit=100,
    )
    return replace(base, **other)


def test_a_signed_ack_comes_with_what_we_hold(inbound, fleet, journal):
    event = inbound.received(events.Received("ack", fleet.say("ack", ack_of(journal).encode())), journal)
    assert event == events.Acked(ack_of(journal), 3, journal.tip, 0)


def forgeries(fleet, journal) -> dict[str, tuple[bytes, str]]:
    payload = ack_of(journal).encode()
    good = fleet.say("ack", payload)
    stranger = SigningKey.generate()
    return {
        "truncated": (good[:-1], "ack:not_cbor"),
        "one bit": (good[:-5] + bytes([good[-5] ^ 1]) + good[-4:], "ack:signature"),
        "stranger's key": (sign_message(stranger, "kiosk/ack/1", payload), "ack:unknown_key"),
        "a key of another role": (fleet.say("set", payload, "kiosk/ack/1"), "ack:unknown_key"),
        "another kind": (fleet.say("ack", payload, "kiosk/desired/1"), "ack:signature"),
        "our own key": (sign_message(fleet.station, "kiosk/ack/1", payload), "ack:unknown_key"),
        "another journal": (fleet.say("ack", ack_of(journal, journal=b"o" * 16).encode()), "ack:foreign"),
        "another epoch": (fleet.say("ack", ack_of(journal, epoch=2).encode()), "ack:foreign"),
        "another device": (fleet.say("ack", ack_of(journal, device=b"o" * 16).encode()), "ack:foreign"),
        "too large": (good + bytes(70_000), "ack:too_large"),
        "empty": (b"", "ack:not_sign1"),
    }


def test_every_forgery_is_refused_counted_and_named(inbound, fleet, journal):
    for name, (data, reason) in forgeries(fleet, journal).items():
        before = dict(inbound.refusals)
        assert inbound.received(events.Received("ack", data), journal) is None, name
        assert inbound.refusals[reason] == before.get(reason, 0) + 1, (name, inbound.refusals)


def test_an_ack_beyond_our_tip_reaches_the_machine_without_a_digest(inbound, fleet, journal):
    event = inbound.received(events.Received("ack", fleet.say("ack", ack_of(journal, next=9).encode())), journal)
    assert (event.ack.next, event.own_next, event.own_digest) == (9, 3, None)


def test_desired_is_believed_from_the_desired_key_alone(inbound, fleet, journal):
    desired = Desired(
        device=fleet.device,
        rev=1,
        issued_ms=NOW_MS,
        not_after_ms=NOW_MS + 1,
        config={},
        sets=(),
        jobs=(),
        keys_version=1,
        notices=(),
    )
    good = fleet.say("desired", desired.encode())
    assert inbound.received(events.Received("desired", good), journal) == events.DesiredSeen(desired)
    forged = fleet.say("ack", desired.encode(), "kiosk/desired/1")
    assert inbound.received(events.Received("desired", forged), journal) is None
    assert inbound.refusals == {"desired:unknown_key": 1}


def reply(fleet, errand, fields: dict, **other) -> bytes:
    """What the fleet does with a question."""
    payload, _ = open_message("kiosk/question/1", errand.body, lambda _: fleet.station.public, 1 << 16)
    question = Question.decode(payload)
    question_hash = hashlib.sha256(errand.body).digest()
    sealed = SealTo(SUITE_BASE, question.reply_key).seal(
        answer_encode(question.kind, fields), answer_info(question_hash)
    )
    answer = Answer(device=question.device, question_hash=question_hash, as_of_ms=NOW_MS, sealed=sealed)
    return fleet.say("answer", replace(answer, **other).encode())


def ask() -> Ask:
    return Ask(b"q" * 16, "payment_state", {"txn": b"t" * 16})


def test_an_answer_to_our_question_is_opened(inbound, fleet):
    errand = inbound.ask(ask())
    body = reply(fleet, errand, {"state": "CONFIRMED"})
    assert inbound.done(events.HttpDone(errand.errand, body)) == events.Answered(
        b"q" * 16, {"state": "CONFIRMED"}, NOW_MS
    )
    assert inbound.done(events.HttpDone(errand.errand, body)) is None  # nobody waits for it any more


def test_an_answer_to_an_earlier_question_is_not_an_answer_to_this_one(inbound, fleet):
    old = reply(fleet, inbound.ask(ask()), {"state": "CONFIRMED"})
    errand = inbound.ask(ask())
    event = inbound.done(events.HttpDone(errand.errand, old))
    assert isinstance(event, events.NotAnswered)
    assert inbound.refusals == {"answer:foreign": 1}


def test_an_answer_sealed_to_another_key_or_signed_by_another_role_is_refused(inbound, fleet):
    errand = inbound.ask(ask())
    swapped = reply(fleet, errand, {"state": "CONFIRMED"}, sealed=b"s" * 80)
    assert isinstance(inbound.done(events.HttpDone(errand.errand, swapped)), events.NotAnswered)
    errand = inbound.ask(ask())
    payload, _ = open_message(
        "kiosk/answer/1", reply(fleet, errand, {"state": "PAID"}), lambda _: fleet.roles["answer"].public, 9999
    )
    forged = sign_message(fleet.roles["ack"], "kiosk/answer/1", payload)
    assert isinstance(inbound.done(events.HttpDone(errand.errand, forged)), events.NotAnswered)
    assert inbound.refusals == {"answer:seal": 1, "answer:unknown_key": 1}


def test_no_answer_changes_nothing_and_is_no_refusal(inbound):
    errand = inbound.ask(ask())
    event = inbound.done(events.HttpDone(errand.errand, None, "timed out"))
    assert event == events.NotAnswered(b"q" * 16, "timed out")
    assert inbound.refusals == {}


def bill_set(fleet, *, role: str = "set", account: str = "113366668888", version: int = 2) -> bytes:
    body = BillSet(
        building="DKC-A",
        title="Tòa A",
        payee_bin="970415",
        payee_account=account,
        payee_name="BAN QUAN TRI TOA A",
        as_of_ms=NOW_MS,
        version=version,
        bills=(Bill(b"12345678", "A-12.05", "2026-09", 1_250_000, "2026-09-30", "NGUYEN *** AN"),),
    ).encode()
    signed = SignedSet(name="bills/DKC-A", version=version, issued_ms=NOW_MS, not_after_ms=NOW_MS + 1, body=body)
    return fleet.say(role, signed.encode(), "kiosk/set/1")


def fetch(data: bytes, version: int = 2) -> Fetch:
    return Fetch("bills/DKC-A", version, len(data), hashlib.sha256(data).digest())


def test_a_set_is_believed_when_hash_signature_name_and_version_agree(inbound, fleet):
    data = bill_set(fleet)
    event = inbound.done(events.HttpDone(inbound.fetch(fetch(data)).errand, data))
    assert isinstance(event, events.SetVerified)
    assert BillSet.decode(event.body).bills[0].unit == "A-12.05"


def test_the_online_keys_of_the_server_cannot_change_a_payee(inbound, fleet):
    forged = bill_set(fleet, role="desired", account="999900000000")
    event = inbound.done(events.HttpDone(inbound.fetch(fetch(forged)).errand, forged))
    assert event == events.FetchFailed("bills/DKC-A", 2, event.reason)
    assert inbound.refusals == {"set:unknown_key": 1}


def test_another_file_or_version_than_desired_named_is_refused(inbound, fleet):
    data, other = bill_set(fleet), bill_set(fleet, version=3)
    assert isinstance(inbound.done(events.HttpDone(inbound.fetch(fetch(data)).errand, other)), events.FetchFailed)
    assert isinstance(inbound.done(events.HttpDone(inbound.fetch(fetch(other)).errand, other)), events.FetchFailed)
    assert inbound.refusals == {"set:hash": 1, "set:set": 1}
