"""BER-TLV: what is written is read again; what is cut, endless or nested wrongly is one fault."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.reader.emrtd.tlv import (
    Tlv,
    TlvFault,
    encode,
    encode_oid,
    integer,
    oid,
    read_all,
    read_head,
    read_one,
)

QUICK = settings(max_examples=200, deadline=None, database=None)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535])
@pytest.mark.parametrize("tag", [0x30, 0x5F1F, 0x7F49])
def test_what_is_written_is_read(tag, size):
    data = encode(tag, bytes(size))
    assert read_all(data + encode(0x04, b"x")) == (Tlv(tag, bytes(size)), Tlv(0x04, b"x"))
    assert read_head(data[:6])[0] == tag
    assert sum(read_head(data[:6])[1:]) == len(data)


def test_nothing_has_no_head():
    with pytest.raises(TlvFault):
        read_head(b"")


def test_a_length_in_more_bytes_than_it_needs_is_taken():
    assert read_all(bytes.fromhex("30820001AA")) == (Tlv(0x30, b"\xaa"),)
    assert read_all(bytes.fromhex("3083000001AA")) == (Tlv(0x30, b"\xaa"),)


@pytest.mark.parametrize(
    "data",
    [
        "30",
        "3001",
        "3080",
        "308400000001AA",
        "5F",
        "5F1F",
        "5F8101",
        "5F81818100",
        "3082FFFF00",
        "0400" * 4097,
    ],
)
def test_what_is_no_tlv_is_refused(data):
    with pytest.raises(TlvFault) as fault:
        read_all(bytes.fromhex(data + "0" * (len(data) % 2)))
    assert fault.value.kind == "damaged"


@pytest.mark.parametrize("data", ["", "30003000", "3100", "30023100", "3003310031"])
def test_one_element_must_be_the_one_and_the_only(data):
    with pytest.raises(TlvFault):
        read_one(bytes.fromhex(data), 0x30, 0x04)


def test_numbers():
    assert integer(Tlv(0x02, b"\x0d")) == 13
    assert integer(Tlv(0x02, b"\xff")) == -1
    for element in (Tlv(0x02, b""), Tlv(0x04, b"\x01")):
        with pytest.raises(TlvFault):
            integer(element)


@pytest.mark.parametrize(
    "dotted", ["0.4.0.127.0.7.2.2.4.2.2", "1.0.10646.1.0.8", "2.23.136.1.1.1", "1.2.840.10045.2.1", "2.999.3"]
)
def test_object_identifiers(dotted):
    from asn1crypto.core import ObjectIdentifier

    assert encode(0x06, encode_oid(dotted)) == ObjectIdentifier(dotted).dump()
    assert oid(Tlv(0x06, encode_oid(dotted))) == dotted


@pytest.mark.parametrize("element", [Tlv(0x06, b""), Tlv(0x06, b"\x81"), Tlv(0x06, b"\x01" * 65), Tlv(0x04, b"\x2a")])
def test_what_is_no_object_identifier_is_refused(element):
    with pytest.raises(TlvFault):
        oid(element)


@given(st.binary(max_size=80))
@settings(QUICK)
def test_any_bytes_are_read_or_refused(data):
    try:
        found = read_all(data)
    except TlvFault:
        return
    again = b"".join(encode(element.tag, element.value) for element in found)
    assert read_all(again) == found
    assert len(again) <= len(data)
