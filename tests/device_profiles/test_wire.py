"""The way up on the wire: envelope, record, batch, ack; names, topics, padding. Golden bytes; damage of every kind."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import fields, replace

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles import layout, records, wire
from device_profiles.cbor import WireError, decode, encode
from device_profiles.wire import (
    EDDSA,
    ENVELOPE_BYTES,
    ESP256,
    PAD_SIZES,
    Ack,
    Batch,
    Envelope,
    Header,
    device_from_name,
    device_name,
    digest,
    envelope_decode,
    envelope_encode,
    genesis,
    pad,
    protected_header,
    record_decode,
    record_encode,
    shard,
    to_be_signed,
    unpad,
)
from provisioning.keys import sign_message
from tests.golden.wire import samples
from tests.golden.wire.samples import BATCH, DEVICE, EPOCH, HEADER, JOURNAL, KEY_HEADER, MESSAGES, RECORD

QUICK = settings(max_examples=200, deadline=None, database=None)
PROTECTED, SIGNATURE = protected_header(ESP256, b"kidkidki"), bytes(64)
HAND = ("header", "header-of-key-record", "batch", "ack")


def reason(judge, *arguments) -> str:
    with pytest.raises(WireError) as refused:
        judge(*arguments)
    return refused.value.reason


def sign1(protected=PROTECTED, unprotected=None, payload=b"x", signature=SIGNATURE, tag=b"\xd2") -> bytes:
    return tag + cbor2.dumps([protected, unprotected or {}, payload, signature])


def test_an_envelope_comes_back_as_it_went():
    data = envelope_encode(PROTECTED, b"payload", SIGNATURE)
    assert data == sign1(payload=b"payload")
    assert envelope_decode(data, 200) == Envelope(ESP256, b"kidkidki", PROTECTED, b"payload", SIGNATURE)
    assert cbor2.loads(data).tag == 18


@pytest.mark.parametrize("alg", [ESP256, EDDSA])
@pytest.mark.parametrize("size", [0, 24, 256, 65536])
def test_an_envelope_adds_no_more_than_is_said(alg, size):
    data = envelope_encode(protected_header(alg, bytes(8)), bytes(size), SIGNATURE)
    assert len(data) - size <= ENVELOPE_BYTES
    assert len(envelope_encode(PROTECTED, bytes(65536), SIGNATURE)) - 65536 == ENVELOPE_BYTES


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (sign1(tag=b""), "not_sign1"),
        (sign1(tag=b"\xd1"), "not_sign1"),  # COSE_Mac0
        (sign1(tag=b"\xd8\x12"), "not_sign1"),  # 18 written long
        (sign1(tag=b"\xd2\xd2"), "type"),
        (b"", "not_sign1"),
        (b"\xd2", "not_cbor"),
        (sign1() + b"\x00", "not_canonical"),
        (sign1(unprotected={4: b"kidkidki"}), "not_sign1"),
        (sign1(unprotected={4: b"kidkidki"}, protected=encode({1: ESP256})), "not_sign1"),
        (sign1(protected=encode({1: ESP256, 4: b"kidkidki", 2: []})), "not_sign1"),
        (sign1(protected=encode({1: ESP256})), "not_sign1"),
        (sign1(protected=encode({4: b"kidkidki"})), "not_sign1"),
        (sign1(protected=encode({1: ESP256, 4: b"kid"})), "not_sign1"),
        (sign1(protected=encode({1: ESP256, 4: b"kidkidkix"})), "not_sign1"),
        (sign1(protected=encode({1: ESP256, 4: "kidkidki"})), "not_sign1"),
        (sign1(protected=encode([1])), "not_sign1"),
        (sign1(protected=b""), "not_cbor"),
        (sign1(protected=b"\xa2\x04\x48kidkidki\x01\x28"), "not_canonical"),
        (sign1(protected=encode({1: ESP256, 4: bytes(60)})), "too_large"),
        (sign1(protected={1: ESP256, 4: b"kidkidki"}), "not_sign1"),
        (sign1(payload=None), "not_sign1"),  # detached
        (sign1(payload="x"), "not_sign1"),
        (sign1(signature=bytes(63)), "not_sign1"),
        (sign1(signature=bytes(65)), "not_sign1"),
        (sign1(signature=bytes.fromhex("3044") + bytes(68)), "not_sign1"),  # as DER writes it
        (sign1(signature=""), "not_sign1"),
        (b"\xd2" + encode([PROTECTED, {}, b"x"]), "not_sign1"),
        (b"\xd2" + encode([PROTECTED, {}, b"x", SIGNATURE, 0]), "not_sign1"),
        (b"\xd2" + encode({}), "not_sign1"),
        *(
            (sign1(protected=encode({1: alg, 4: b"kidkidki"})), "not_sign1")
            for alg in (-7, -8, -35, -37, 5, 0, "ES256")
        ),
    ],
)
def test_an_envelope_that_is_not_exactly_as_agreed_is_refused(data, expected):
    assert reason(envelope_decode, data, 1000) == expected


def test_an_envelope_is_measured_before_it_is_read(monkeypatch):
    data = sign1()
    envelope_decode(data, len(data))
    monkeypatch.setattr(wire, "decode", None)
    assert reason(envelope_decode, data, len(data) - 1) == "too_large"


def test_what_is_signed_is_the_structure_of_rfc_9052():
    assert decode(to_be_signed("kiosk/ack/1", b"p", b"q"), 100) == ["Signature1", b"p", b"kiosk/ack/1", b"q"]


@pytest.mark.parametrize("name", HAND)
def test_messages_come_back_as_they_went(name):
    message = MESSAGES[name]
    assert type(message).decode(message.encode()) == message
    if name != "header-of-key-record":
        least = samples.least(message)
        assert type(message).decode(least.encode()) == least


@pytest.mark.parametrize("name", samples.payloads())
def test_golden_bytes_are_still_what_is_written_and_still_readable(name):
    data = samples.payloads()[name]
    assert samples.golden(name, data) == data
    decode(data, wire.BATCH_MAX_BYTES)


@pytest.mark.parametrize("name", samples.OLD_BODIES)
def test_bodies_of_earlier_versions_are_read_for_ever(name):
    kind, fields = samples.OLD_BODIES[name]
    data = bytes.fromhex((samples.FOLDER / f"{name}.hex").read_text("ascii"))
    assert records.unpack(data) == (kind, fields)
    assert decode(data, 999)[1] < records.version_of(kind)


def test_no_golden_file_is_left_over():
    sealed = {"sealed-key-1", "sealed-key-2", "sealed-record", "signed-batch-p256"}
    kept = {*samples.payloads(), *samples.OLD_BODIES, *sealed, *(f"signed-{name}" for name in samples.SIGNED.values())}
    assert {path.stem for path in samples.FOLDER.glob("*.hex")} == kept


def clear_bytes() -> str:
    """Every byte of a sample batch that anyone on the way can read, and which field it is."""
    message = sign_message(samples.STATION_KEY, "kiosk/batch/1", BATCH.encode())
    envelope = envelope_decode(message, wire.BATCH_MAX_BYTES)
    head, records = decode(envelope.payload, wire.BATCH_MAX_BYTES)
    lines = [f"protected {key}: {value!r}" for key, value in decode(envelope.protected, 64).items()]
    lines += [f"signature: {len(envelope.signature)} bytes"]
    lines += [f"batch head {key}: {encode(value).hex()}" for key, value in decode(head, 8192).items()]
    for record in records:
        header, sealed = decode(record, wire.RECORD_MAX_BYTES)
        lines += [f"record header {key}: {encode(value).hex()}" for key, value in decode(header, 1024).items()]
        lines += [f"record sealed: {len(sealed)} bytes"]
    return "\n".join(lines) + "\n"


def test_nothing_else_is_clear():
    """A field that somebody adds to the clear part turns this red: the list is kept, and reviewed when it changes."""
    assert samples.golden_text("clear.txt", clear_bytes()) == clear_bytes()
    assert set(decode(HEADER.encode(), 1024)) == set(range(14)) - {9}
    assert set(decode(KEY_HEADER.encode(), 1024)) == set(range(14)) - {11}


def test_a_header_has_no_room_for_anything_more():
    numbered = decode(HEADER.encode(), 1024)
    for key in range(14, 24):
        assert reason(Header.decode, encode(numbered | {key: 0})) == "field"
    assert reason(Header.decode, encode(numbered | {0: 2})) == "format"
    assert reason(Header.decode, bytes(1025)) == "too_large"
    assert reason(Header.decode, encode([])) == "field"
    assert reason(Header.decode, encode({1: 2})) == "field"


@pytest.mark.parametrize("missing", [key for key in range(14) if key not in (9, 11)])
def test_a_header_without_a_field_is_refused(missing):
    numbered = decode(HEADER.encode(), 1024)
    del numbered[missing]
    assert reason(Header.decode, encode(numbered)) in {"field", "format"}


@pytest.mark.parametrize(
    "change",
    [
        {8: bytes(8)},  # a kid, but no suite
        {9: 1},  # a suite, but no kid
        {8: bytes(7), 9: 1},
        {8: bytes(9), 9: 1},
        {8: bytes(8), 9: 0},
        {8: bytes(8), 9: 3},
        {8: bytes(8), 9: True},
        {8: bytes(8), 9: "1"},
        {8: -1},
        {8: layout.COUNTER_MAX + 1},
        {8: True},
        {8: None},
        {7: 4},
        {10: 3},
        {11: bytes(15)},
        {5: bytes(31)},
        {4: -1},
    ],
)
def test_a_header_that_does_not_fit_is_refused(change):
    assert reason(Header.decode, encode(decode(HEADER.encode(), 1024) | change)) == "field"


def test_our_own_header_that_does_not_fit_is_refused():
    assert reason(replace(HEADER, suite=2).encode) == "field"
    assert reason(replace(KEY_HEADER, suite=None).encode) == "field"
    assert reason(replace(HEADER, prev=b"").encode) == "field"


def test_a_record_is_its_header_and_its_sealed_part():
    assert record_decode(RECORD) == (HEADER, HEADER.encode(), bytes(range(200)))
    assert digest(RECORD) == hashlib.sha256(RECORD).digest()
    assert (
        genesis(DEVICE, EPOCH, JOURNAL)
        == hashlib.sha256(b"kiosk-journal/1" + DEVICE + b"\0\0\0\0\0\0\0\x03" + JOURNAL).digest()
    )


@pytest.mark.parametrize(
    "value", [[], [b""], [b"", b"", b""], {}, [HEADER.encode(), "sealed"], [{0: 1}, b""], [HEADER.encode(), b"", 0]]
)
def test_anything_else_is_no_record(value):
    assert reason(record_decode, encode(value)) == "field"


def test_a_record_has_a_largest_size_on_both_ways():
    overhead = len(record_encode(HEADER.encode(), bytes(70_000))) - 70_000
    most = wire.RECORD_MAX_BYTES - overhead
    assert len(record_encode(HEADER.encode(), bytes(most))) == wire.RECORD_MAX_BYTES
    record_decode(record_encode(HEADER.encode(), bytes(most)))
    assert reason(record_encode, HEADER.encode(), bytes(most + 1)) == "too_large"
    assert reason(record_decode, cbor2.dumps([HEADER.encode(), bytes(most + 1)])) == "too_large"


def head(change: dict[int, object] | None = None, records: object = (RECORD,)) -> bytes:
    return encode([encode(decode(decode(BATCH.encode(), 9999)[0], 9999) | (change or {})), list(records)])


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (encode({}), "field"),
        (encode([b"x"]), "field"),
        (encode([{}, []]), "field"),
        (head(records=["text"]), "field"),
        (head(records=[[]]), "field"),
        (encode([encode([]), []]), "count"),
        (encode([b"\x00\x00", []]), "not_canonical"),
        (head({5: 0}), "count"),
        (head({5: 2}), "count"),
        (head({5: True}), "count"),
        (head({5: None}), "count"),
        (head({5: 101}, [b"x"] * 101), "count"),
        (head({10: [1, bytes(32)]}), "field"),
        (head({10: [1, bytes(31), bytes(16)]}), "field"),
        (head({10: [1, bytes(32), bytes(17)]}), "field"),
        (head({10: [True, bytes(32), bytes(16)]}), "field"),
        (head({10: [-1, bytes(32), bytes(16)]}), "field"),
        (head({10: None}), "field"),
        (head({10: {}}), "field"),
        (head({15: 0}), "field"),
        (head({13: []}), "field"),
        (head({0: 2}), "format"),
        (head({13: {0: bytes(wire.HEAD_MAX_BYTES)}}), "too_large"),
        (bytes(wire.BATCH_MAX_BYTES + 1), "too_large"),
    ],
)
def test_a_batch_that_is_not_exactly_as_agreed_is_refused(payload, expected):
    assert reason(Batch.decode, payload) == expected


def test_a_batch_that_nobody_would_take_is_not_written():
    assert reason(replace(BATCH, records=(b"",) * 101).encode) == "count"
    assert reason(replace(BATCH, records=(bytes(70_000),) * 4).encode) == "too_large"
    assert reason(replace(BATCH, status={0: bytes(8192)}).encode) == "too_large"
    assert reason(replace(BATCH, ack_seen=(1, b"", b"")).encode) == "field"
    assert Batch.decode(replace(BATCH, records=(b"",) * 100).encode()).records == (b"",) * 100


def test_the_largest_batch_still_fits_with_its_envelope():
    room = wire.BATCH_MAX_BYTES - ENVELOPE_BYTES - len(replace(BATCH, records=()).encode())
    batch = replace(BATCH, records=(bytes(65536),) * 3 + (bytes(room - 3 * 65541 - 3),))
    payload = batch.encode()
    assert len(payload) == wire.BATCH_MAX_BYTES - ENVELOPE_BYTES
    assert len(envelope_encode(PROTECTED, payload, SIGNATURE)) == wire.BATCH_MAX_BYTES
    assert reason(replace(batch, records=(*batch.records[:3], batch.records[3] + b"x")).encode) == "too_large"


@pytest.mark.parametrize("name", HAND)
@pytest.mark.parametrize("missing", range(1, 15))
def test_a_message_without_a_field_is_refused(name, missing):
    message = MESSAGES[name]
    optional = {rule.key for _, rule in layout.rules(type(message)) if rule.optional}
    payload = message.encode()
    numbered = decode(decode(payload, 9999)[0] if name == "batch" else payload, 9999)
    if missing in optional or missing not in numbered:
        return
    del numbered[missing]
    short = encode([encode(numbered), [RECORD]]) if name == "batch" else encode(numbered)
    if (name, missing) == ("header-of-key-record", 9):  # then its key must be a number
        numbered[8] = 0
    assert reason(type(message).decode, short) in {"field", "count"}


def test_an_ack_has_five_verdicts_and_one_size():
    ack = MESSAGES["ack"]
    for verdict in (wire.OK, wire.GAP, wire.QUARANTINED, wire.REVOKED, wire.SLOW_DOWN):
        assert Ack.decode(replace(ack, verdict=verdict).encode()).verdict == verdict
    assert reason(replace(ack, verdict=5).encode) == "field"
    assert reason(Ack.decode, encode(decode(ack.encode(), 999) | {10: 5})) == "field"
    assert reason(Ack.decode, bytes(wire.ACK_MAX_BYTES + 1)) == "too_large"


@pytest.mark.parametrize("size", [0, 1, 251, 252, 253, 508, 1020, 1021, 65531, 65532])
def test_padding_hides_the_length_among_nine_sizes_and_comes_off(size):
    plain = pad(bytes([7]) * size)
    assert len(plain) == next(each for each in PAD_SIZES if each >= size + 4)
    assert plain[4 + size :] == bytes(len(plain) - 4 - size)
    assert unpad(plain) == bytes([7]) * size


def test_a_body_past_the_largest_padding_is_refused():
    assert reason(pad, bytes(65533)) == "too_large"


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        bytes(3),
        bytes(255),
        bytes(257),
        b"\0\0\0\x01" + b"x" * 252,  # not zeros behind the body
        b"\0\0\0\xfd" + bytes(252),  # longer than what is there
        b"\xff\xff\xff\xff" + bytes(252),
        b"\0\0\0\x01" + bytes(508),  # more padding than there must be
        bytes(65536 * 2),
    ],
)
def test_padding_that_is_not_as_written_is_refused(plain):
    assert reason(unpad, plain) == "padding"


def test_a_device_has_one_name():
    assert device_name(bytes(16)) == "a" * 26
    assert device_name(b"\xff" * 16) == "7" * 25 + "4"
    for device in (DEVICE, bytes(16), b"\xff" * 16):
        assert device_from_name(device_name(device)) == device


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a" * 25,
        "a" * 27,
        "A" * 26,
        "a" * 25 + "b",  # bits that no device has
        "1" * 26,
        "a" * 25 + "=",
        "a" * 26 + "======",
        " " + "a" * 26,
        "ı" * 26,
        "ａ" * 26,
        "a" * 100_000,
    ],
)
def test_other_names_are_refused_in_few_words(name):
    with pytest.raises(WireError) as refused:
        device_from_name(name)
    assert refused.value.reason == "device_name"
    assert len(str(refused.value)) < 400


@QUICK
@given(st.binary(min_size=16, max_size=16))
def test_every_device_comes_back_from_its_name_and_lies_on_one_shard(device):
    assert device_from_name(device_name(device)) == device
    assert 0 <= shard(device) < wire.SHARDS


@QUICK
@given(st.text(max_size=40))
def test_any_text_is_a_device_or_a_wire_error(name):
    with contextlib.suppress(WireError):
        assert device_name(device_from_name(name)) == name


def shards() -> str:
    devices = [bytes(16), b"\xff" * 16, *(hashlib.sha256(bytes([n])).digest()[:16] for n in range(64))]
    rows = [
        {
            "device": device.hex(),
            "name": device_name(device),
            "shard": shard(device),
            "topics": [
                wire.topic_up(device),
                wire.topic_ack(device),
                wire.topic_desired(device),
                wire.topic_state(device),
            ],
        }
        for device in devices
    ]
    return json.dumps(rows, indent=1) + "\n"


def test_shards_and_topics_are_the_same_for_ever():
    assert samples.golden_text("shards.json", shards()) == shards()
    assert len({row["shard"] for row in json.loads(shards())}) > 30


def mutations(data: bytes):
    """Valid bytes with a few bytes put, cut, doubled or inserted."""
    edit = st.tuples(st.integers(0, len(data) - 1), st.integers(0, 3), st.binary(max_size=3))

    def apply(edits):
        out = bytearray(data)
        for at, length, put in edits:
            out[at : at + length] = put
        return bytes(out)

    return st.lists(edit, min_size=1, max_size=3).map(apply)


def judge(decoder, data):
    """Read damaged bytes: a value that writes the very same bytes, or a WireError, and nothing else."""
    try:
        found = decoder(data)
    except WireError:
        return
    if hasattr(found, "encode") and found.__class__ not in (str, bytes):
        assert found.encode() == data


@pytest.mark.parametrize("name", HAND)
@settings(QUICK, max_examples=100)
@given(draw=st.data())
def test_damaged_messages_give_a_message_or_a_wire_error(name, draw):
    message = MESSAGES[name]
    judge(type(message).decode, draw.draw(mutations(message.encode())))


@QUICK
@given(mutations(RECORD))
def test_damaged_records_give_a_record_or_a_wire_error(data):
    judge(record_decode, data)


@QUICK
@given(mutations(sign1()))
def test_damaged_envelopes_give_an_envelope_or_a_wire_error(data):
    judge(lambda data: envelope_decode(data, 1000), data)


@QUICK
@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_message_or_a_wire_error(data):
    for decoder in (Header.decode, Batch.decode, Ack.decode, record_decode, unpad):
        judge(decoder, data)
    judge(lambda data: envelope_decode(data, 1000), data)


def test_every_rule_of_a_message_says_what_its_number_is():
    """Keys are 1 to 23, each once; 0 is the format."""
    for message in (Header, Batch, Ack):
        keys = [rule.key for _, rule in layout.rules(message)]
        assert len(set(keys)) == len(keys)
        assert set(keys) <= set(range(1, 24))
        assert {each.name for each in fields(message)} - {name for name, _ in layout.rules(message)} <= {
            "key",
            "records",
        }
