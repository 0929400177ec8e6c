"""The two checks on everything received, each with cases that only it refuses; and what bytes may cost."""

from __future__ import annotations

import datetime as dt
import re
import tracemalloc
import unicodedata
import uuid

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles import cbor
from device_profiles.cbor import DEPTH_MAX, WireError, decode, encode

LIMIT = 64 * 1024
QUICK = settings(max_examples=300, deadline=None, database=None)


def by_library(data: bytes, at: int, depth: int) -> tuple[object, int]:
    """A reader without a whitelist: what cbor2 makes of the bytes."""
    return cbor2.loads(data), len(data)


def reason(data: bytes, size_max_bytes: int = LIMIT) -> str:
    with pytest.raises(WireError) as refused:
        decode(data, size_max_bytes)
    return refused.value.reason


# Both encoders agree on these, so encoding again gives the same bytes: only the list of types refuses them.
ONLY_THE_TYPES = {
    "double float": "fb3ff199999999999a",
    "infinity": "f97c00",
    "NaN": "f97e00",
    "negative zero": "fb8000000000000000",
    "undefined": "f7",
    "simple value 16": "f0",
    "simple value 255": "f8ff",
    "date and time": cbor2.dumps(dt.datetime(2026, 11, 21, tzinfo=dt.UTC)).hex(),
    "UUID": cbor2.dumps(uuid.UUID(int=1)).hex(),
    "set": cbor2.dumps({1}).hex(),
    "unknown tag": "d903e800",
    "bignum": cbor2.dumps(2**64).hex(),
    "negative beyond 64 bits": "3b8000000000000000",
    "text that is not NFC": cbor2.dumps(unicodedata.normalize("NFD", "toà")).hex(),
    "text key": "a1616100",
    "bool key": "a1f500",
    "null key": "a1f600",
    "negative key": "a12000",
    "key 24": "a1181800",
    "bytes key": "a1410000",
    "list as key": "a1810000",
    "nested too deep": "81" * (DEPTH_MAX + 1) + "00",
}
# The reader of our own lets these through: only encoding again refuses them.
ONLY_THE_BYTES = {
    "trailing byte": "0000",
    "trailing item": "8101f6",
    "0 in two bytes": "1800",
    "23 in two bytes": "1817",
    "255 in three bytes": "1900ff",
    "65535 in five bytes": "1a0000ffff",
    "1 in nine bytes": "1b0000000000000001",
    "-1 in two bytes": "3800",
    "long length of bytes": "5801aa",
    "long length of text": "780161",
    "long length of a list": "980100",
    "long length of a map": "b8010000",
    "inside a list": "811800",
    "inside a map": "a1001800",
}


@pytest.mark.parametrize("name", ONLY_THE_TYPES)
def test_the_list_of_types_refuses_what_encoding_again_lets_through(name, monkeypatch):
    data = bytes.fromhex(ONLY_THE_TYPES[name])
    assert reason(data) in {"type", "not_nfc", "map_key", "too_deep"}
    monkeypatch.setattr(cbor, "_read", by_library)
    decode(data, LIMIT)  # without the list nothing stops it


@pytest.mark.parametrize("name", ONLY_THE_BYTES)
def test_encoding_again_refuses_what_the_list_of_types_lets_through(name):
    data = bytes.fromhex(ONLY_THE_BYTES[name])
    assert reason(data) == "not_canonical"
    cbor._read(data, 0, 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("a200000000", "not_canonical"),  # one key twice
        ("a201000000", "not_canonical"),  # keys that do not ascend
        ("9f00ff", "type"),  # indefinite lengths
        ("bf0000ff", "type"),
        ("5f4100ff", "type"),
        ("7f6161ff", "type"),
        ("1c", "type"),  # reserved
        ("5e", "type"),
        ("f93c00", "type"),  # short floats
        ("fa47c35000", "type"),
        ("f98000", "type"),
        ("d9d9f700", "type"),  # the tag that only says "this is CBOR"
        ("d81c8100", "type"),  # a shared value
        ("82d81c8100d81d00", "type"),  # and a reference to it
        ("d81c81d81d00", "type"),  # a list that holds itself
        ("c249010000000000000000", "type"),
        ("ff", "type"),
        ("", "not_cbor"),
        ("18", "not_cbor"),
        ("1b00000000000000", "not_cbor"),
        ("8200", "not_cbor"),
        ("a100", "not_cbor"),
        ("a1", "not_cbor"),
        ("42aa", "not_cbor"),
        ("6261", "not_cbor"),
        ("62c328", "not_cbor"),
        ("63eda080", "not_cbor"),  # half a surrogate pair
    ],
)
def test_what_both_would_refuse_is_refused_with_its_reason(data, expected):
    assert reason(bytes.fromhex(data)) == expected


def test_the_size_is_judged_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(cbor, "_read", None)
    assert reason(b"\xff" * 11, 10) == "too_large"
    monkeypatch.undo()
    assert decode(b"\x49" + bytes(9), 10) == bytes(9)


def test_depth_is_eight_and_no_more():
    assert decode(bytes.fromhex("81" * DEPTH_MAX + "80"), LIMIT) == eval("[" * DEPTH_MAX + "[]" + "]" * DEPTH_MAX)
    with pytest.raises(WireError) as refused:
        encode(eval("[" * DEPTH_MAX + "[0]" + "]" * DEPTH_MAX))
    assert refused.value.reason == "too_deep"
    assert reason(bytes.fromhex("a100" * (DEPTH_MAX + 1) + "00")) == "too_deep"


BOMBS = {
    "depth of lists": b"\x81" * 200_000,
    "depth of maps": b"\xa1\x00" * 100_000,
    "depth of tags": b"\xc6" * 200_000,
    "bytes of 2^62": b"\x5b\x40" + bytes(7),
    "text of 2^30": b"\x7a\x40" + bytes(3),
    "list of 2^62": b"\x9b\x40" + bytes(7),
    "list of 2^62, begun": b"\x9b\x40" + bytes(200_000),
    "map of 2^30": b"\xba\x40" + bytes(3),
    "references to one long text": b"\x99\x27\x10\xd8\x1c\x5a\x00\x01\x86\xa0"
    + bytes(100_000)
    + b"\xd8\x1d\x00" * 9999,
    "decimal fraction with a huge exponent": bytes.fromhex("c4821b7fffffffffffffff03"),
    "bigfloat with a huge exponent": bytes.fromhex("c5821b7fffffffffffffff03"),
    "regular expression": cbor2.dumps(cbor2.CBORTag(35, "(" * 50_000)),
    "mail message": cbor2.dumps(cbor2.CBORTag(36, "x: y\n\n")),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_value_costs_more_than_its_bytes(name):
    tracemalloc.start()
    try:
        reason(BOMBS[name], 256 * 1024)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "type"),
        (2**64, "type"),
        (-(2**63) - 1, "type"),
        (bytearray(1), "type"),
        ({1, 2}, "type"),
        (dt.date(2026, 11, 21), "type"),
        (uuid.UUID(int=1), "type"),
        (cbor2.undefined, "type"),
        ([object()], "type"),
        ("a\u0300", "not_nfc"),
        ({"a": 1}, "map_key"),
        ({True: 1}, "map_key"),
        ({24: 1}, "map_key"),
        ({-1: 1}, "map_key"),
    ],
)
def test_our_own_mistakes_are_refused_before_they_are_sent(value, expected):
    with pytest.raises(WireError) as refused:
        encode(value)
    assert refused.value.reason == expected


def test_refusals_are_short_whatever_was_sent():
    for data in (b"\xa1\x7a\x00\x00\xff\xff" + b"a" * 65535 + b"\x00", b"\x7a\x00\x00\xff\xff" + b"\xff" * 65535):
        with pytest.raises(WireError) as refused:
            decode(data, 256 * 1024)
        assert len(str(refused.value)) < 120


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20).map(lambda text: unicodedata.normalize("NFC", text)),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.integers(0, 23), inner, max_size=24),
    max_leaves=25,
).filter(lambda value: depth(value) <= DEPTH_MAX)


def depth(value: object) -> int:
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return 1 + max(map(depth, inner)) if inner else 0


@QUICK
@given(VALUES)
def test_what_is_written_is_read_back_and_cbor2_reads_the_same(value):
    data = encode(value)
    assert decode(data, 2**20) == value
    assert cbor2.loads(data) == value
    assert cbor2.dumps(value, canonical=True) == data


def agrees_with_cbor2(data: bytes) -> None:
    """The reader of our own takes exactly what cbor2 reads, encodes canonically to the same, and the list allows."""
    try:
        ours: object = decode(data, LIMIT)
    except WireError:
        ours = WireError
    try:
        theirs = cbor2.loads(data)
        cbor._walk(theirs, 0)
        same = cbor2.dumps(theirs, canonical=True) == data
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, LookupError, RecursionError, re.error):
        same = False
    assert (ours is not WireError) == same
    if same:
        assert repr(ours) == repr(theirs)


@QUICK
@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_value_or_a_wire_error(data):
    agrees_with_cbor2(data)


@QUICK
@given(VALUES, st.data())
def test_damaged_values_give_a_value_or_a_wire_error(value, draw):
    data = bytearray(encode(value))
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, max(0, len(data) - 1)))
        match draw.draw(st.sampled_from(("put", "cut", "insert"))):
            case "put" if data:
                data[at] = draw.draw(st.integers(0, 255))
            case "cut":
                del data[at : at + draw.draw(st.integers(1, 3))]
            case _:
                data[at:at] = draw.draw(st.binary(min_size=1, max_size=3))
    agrees_with_cbor2(bytes(data))
