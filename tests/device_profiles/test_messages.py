"""The way down and the way in: every message comes back as it went, and refuses what is not exactly as agreed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles import layout, messages
from device_profiles.cbor import WireError, decode, encode
from device_profiles.messages import (
    ANSWERS,
    CLAIM_KINDS,
    QUESTIONS,
    STATUS,
    STATUS_KEYS,
    Answer,
    Bundle,
    Claim,
    Desired,
    EnrolRequest,
    FleetKeys,
    Question,
    SignedSet,
    answer_decode,
    answer_encode,
)
from tests.golden.wire import samples
from tests.golden.wire.samples import MESSAGES

QUICK = settings(max_examples=60, deadline=None, database=None)
NAMES = {
    "desired": Desired,
    "set": SignedSet,
    "question": Question,
    "answer": Answer,
    "claim": Claim,
    "enrol": EnrolRequest,
    "bundle": Bundle,
    "keys": FleetKeys,
}


def reason(judge, *arguments) -> str:
    with pytest.raises(WireError) as refused:
        judge(*arguments)
    return refused.value.reason


def changed(name: str, **values: object) -> bytes:
    """The sample's bytes with fields put that its own class would refuse to write."""
    numbers = {each: rule.key for each, rule in layout.rules(NAMES[name])}
    numbered = decode(MESSAGES[name].encode(), NAMES[name].SIZE_MAX_BYTES)
    return encode(numbered | {numbers[each]: value for each, value in values.items()})


@pytest.mark.parametrize("name", NAMES)
def test_messages_come_back_as_they_went_with_and_without_what_is_optional(name):
    for message in (MESSAGES[name], samples.least(MESSAGES[name])):
        again = NAMES[name].decode(message.encode())
        assert again.encode() == message.encode()
        assert {each.name: getattr(again, each.name) for each in fields(again)} == {
            each.name: getattr(message, each.name) for each in fields(message)
        }


@pytest.mark.parametrize("name", NAMES)
def test_a_message_without_a_field_or_with_another_is_refused(name):
    numbered = decode(MESSAGES[name].encode(), 2**20)
    for _, rule in layout.rules(NAMES[name]):
        without = {key: value for key, value in numbered.items() if key != rule.key}
        if rule.optional:
            NAMES[name].decode(encode(without))
        else:
            assert reason(NAMES[name].decode, encode(without)) == "field"
        assert reason(NAMES[name].decode, encode(numbered | {rule.key: None})) == "field"
    spare = next(key for key in range(1, 24) if key not in {rule.key for _, rule in layout.rules(NAMES[name])})
    assert reason(NAMES[name].decode, encode(numbered | {spare: 0})) == "field"
    assert reason(NAMES[name].decode, encode(numbered | {0: 2})) == "format"
    assert reason(NAMES[name].decode, encode([])) == "field"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_its_limits(name):
    for field, rule in layout.rules(NAMES[name]):
        if rule.kind is bytes:
            outside = [bytes(rule.most + 1), bytes(rule.least - 1), "x"]
        elif rule.kind is str:
            outside = ["x" * (rule.most + 1), "", b"x"]
        elif rule.kind is int:
            outside = [rule.most + 1, rule.least - 1, True]
        else:
            outside = [(0,) * (rule.most + 1), "x"] if rule.kind is tuple else [[], "x"]
        for value in outside:
            assert reason(replace(MESSAGES[name], **{field: value}).encode) == "field"


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_measured_before_it_is_read(name, monkeypatch):
    data = bytes(NAMES[name].SIZE_MAX_BYTES + 1)
    assert reason(NAMES[name].decode, data) == "too_large"
    monkeypatch.setattr(NAMES[name], "SIZE_MAX_BYTES", 10)
    assert reason(NAMES[name].decode, b"\xa0" * 11) == "too_large"
    assert reason(MESSAGES[name].encode) == "too_large"


SHA, ID, KID = bytes(32), bytes(16), bytes(8)
BAD_ROWS = {
    ("desired", "sets"): [
        ["bills/a", 1, 2],
        ["bills/a", 1, 2, SHA, 0],
        ["", 1, 2, SHA],
        ["x" * 81, 1, 2, SHA],
        ["bills/a", -1, 2, SHA],
        ["bills/a", True, 2, SHA],
        ["bills/a", 1, 0, SHA],
        ["bills/a", 1, messages.SET_MAX_BYTES + 89, SHA],
        ["bills/a", 1, 2, bytes(31)],
        {0: 1},
        "text",
    ],
    ("desired", "jobs"): [
        [ID, "reprint", {}, 1],
        [bytes(15), "reprint", {}, 1, 2],
        [ID, "", {}, 1, 2],
        [ID, "x" * 41, {}, 1, 2],
        [ID, "reprint", [], 1, 2],
        [ID, "reprint", {}, -1, 2],
        [ID, "reprint", {}, 1, layout.TIME_MAX_MS + 1],
        [ID, "reprint", {}, False, True],
    ],
    ("desired", "notices"): [["một"], ["một", "one", "une"], ["", "one"], ["một", "x" * 501], [1, 2]],
    ("keys", "signing"): [
        [KID, "ack", SHA, 1],
        [bytes(7), "ack", SHA, 1, 2],
        [KID, "root", SHA, 1, 2],
        [KID, "", SHA, 1, 2],
        [KID, "ack", bytes(31), 1, 2],
        [KID, "ack", bytes(513), 1, 2],
        [KID, "ack", SHA, -1, 2],
        [KID, "ack", SHA, True, 2],
    ],
    ("keys", "sealing"): [
        [KID, 1, SHA, 1],
        [bytes(9), 1, SHA, 1, 2],
        [KID, 0, SHA, 1, 2],
        [KID, 3, SHA, 1, 2],
        [KID, True, SHA, 1, 2],
        [KID, 1, bytes(1217), 1, 2],
        [KID, 1, SHA, 1, None],
    ],
}


@pytest.mark.parametrize(("name", "field", "row"), [(*place, row) for place, rows in BAD_ROWS.items() for row in rows])
def test_rows_are_looked_into_on_both_ways(name, field, row):
    good = getattr(MESSAGES[name], field)
    assert reason(NAMES[name].decode, changed(name, **{field: [*good, row]})) == "field"
    assert reason(replace(MESSAGES[name], **{field: (*good, row)}).encode) == "field"


@pytest.mark.parametrize("field", ["sets", "jobs", "notices"])
def test_a_desired_may_ask_for_nothing(field):
    assert getattr(Desired.decode(changed("desired", **{field: []})), field) == ()


@pytest.mark.parametrize("kind", CLAIM_KINDS)
def test_the_kinds_of_claim_are_a_closed_list(kind):
    assert Claim.decode(changed("claim", kind=kind)).kind == kind
    assert reason(Claim.decode, changed("claim", kind=kind + "x")) == "field"
    assert reason(replace(MESSAGES["claim"], kind="steal").encode) == "field"


ASKED = {
    "payment_state": {"txn": ID},
    "bill": {"bill": KID},
    "fetch": {"sha256": SHA},
    "dossier": {"txn": ID},
    "code": {"code": "TAM-K0001-000042-2"},
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_question_names_its_fields(kind):
    numbered = layout.to_table(QUESTIONS[kind], ASKED[kind], kind)
    assert replace(MESSAGES["question"], kind=kind, fields=numbered).named() == ASKED[kind]
    for wrong in ({}, {1: b""}, {1: None}, numbered | {2: 0}):
        assert reason(replace(MESSAGES["question"], kind=kind, fields=wrong).named) == "field"


def test_an_unknown_question_is_refused_with_the_known_ones():
    with pytest.raises(WireError, match="payment_state, bill, fetch") as refused:
        replace(MESSAGES["question"], kind="balance").named()
    assert refused.value.reason == "question"


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_is_sealed_in_an_answer_comes_back(kind):
    assert answer_decode(kind, answer_encode(kind, samples.ANSWERS[kind])) == samples.ANSWERS[kind]
    assert reason(answer_encode, kind, {}) == "field"
    for wrong in (encode([]), encode({}), encode({1: 1}), encode({1: "x", 9: 0})):
        assert reason(answer_decode, kind, wrong) == "field"
    assert reason(answer_decode, kind, b"") == "not_cbor"


def test_status_numbers_and_names_are_one_to_one():
    assert {STATUS[key] for key in STATUS_KEYS.values()} == set(STATUS_KEYS)
    assert set(STATUS) <= set(range(24))


def judge(decoder, data):
    try:
        found = decoder(data)
    except WireError:
        return
    assert found.encode() == data


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(draw=st.data())
def test_damaged_messages_give_a_message_or_a_wire_error(name, draw):
    data = bytearray(MESSAGES[name].encode())
    for _ in range(draw.draw(st.integers(1, 3))):
        at, length = draw.draw(st.integers(0, max(0, len(data) - 1))), draw.draw(st.integers(0, 3))
        data[at : at + length] = draw.draw(st.binary(max_size=3))
    judge(NAMES[name].decode, bytes(data))


@QUICK
@given(
    st.dictionaries(st.integers(0, 23), st.none() | st.integers(0, 9) | st.binary(max_size=33) | st.text(max_size=9))
)
def test_arbitrary_maps_give_a_message_or_a_wire_error(value):
    try:
        data = encode(value | {0: 1})
    except WireError:  # text that is not NFC
        return
    for message in NAMES.values():
        judge(message.decode, data)
