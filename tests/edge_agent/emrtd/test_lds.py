"""What the files say: the zone, the national data, the portrait, and what is in none of them."""

import pytest

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.lds import (
    chip_security_infos,
    mrz_text,
    national_data,
    portrait,
    public_key_bytes,
    security_infos,
)
from edge_agent.drivers.reader.emrtd.tlv import encode, encode_oid

# Synthetic: number 079090012345, born 1990-01-01, valid to 2040-01-01.
TD1 = "IDVNM0900123450079090012345<<09001011M4001016VNM<<<<<<<<<<<6NGUYEN<<VAN<AN<<<<<<<<<<<<<<<<"
JPEG, JP2 = b"\xff\xd8\xff\xe0 a picture", b"\x00\x00\x00\x0cjP  \r\n\x87\n another"


def dg1(text: bytes | str) -> bytes:
    return encode(0x61, encode(0x5F1F, text.encode() if isinstance(text, str) else text))


def dg13(*fields: bytes, version: int = 1, oid: str = "1.0.10646.1.0.8") -> bytes:
    head = encode(0x02, bytes((version,))) + encode(0x06, encode_oid(oid))
    return encode(0x6D, encode(0x30, head + encode(0x31, b"".join(fields))))


def one(number: int, value: bytes) -> bytes:
    return encode(0x30, encode(0x02, bytes((number,))) + value)


def text(value: str, tag: int = 0x0C) -> bytes:
    return encode(tag, value.encode())


def dg2(record: bytes, tag: int = 0x5F2E) -> bytes:
    template = encode(0x7F60, encode(0xA1, encode(0x87, b"\1\1")) + encode(tag, record))
    return encode(0x75, encode(0x7F61, encode(0x02, b"\1") + template))


def kind_of(call, data: bytes) -> str:
    with pytest.raises(CardFault) as fault:
        call(data)
    return fault.value.kind


def test_the_zone_of_a_citizen_card():
    assert mrz_text(dg1(TD1)) == TD1


@pytest.mark.parametrize("length", [72, 88])
def test_the_zone_of_a_passport_or_visa_is_given_as_it_is(length):
    assert mrz_text(dg1("P<UTO" + "<" * (length - 5))) == "P<UTO" + "<" * (length - 5)


def test_a_card_of_another_state_is_the_visits_question():
    foreign = TD1.replace("VNM", "UTO")
    assert mrz_text(dg1(foreign)) == foreign


@pytest.mark.parametrize("at", [14, 36, 44, 59])
def test_a_wrong_check_digit_is_damaged(at):
    wrong = TD1[:at] + ("1" if TD1[at] != "1" else "2") + TD1[at + 1 :]
    assert kind_of(mrz_text, dg1(wrong)) == "damaged"


@pytest.mark.parametrize("zone", [TD1[:-1], TD1 + "<", TD1.lower(), "", TD1[:-1] + "\n", b"\xc4" * 90])
def test_what_is_no_zone_is_damaged(zone):
    assert kind_of(mrz_text, dg1(zone)) == "damaged"
    assert kind_of(mrz_text, encode(0x61, b"")) == "damaged"


def test_national_data_by_name():
    names = encode(0x30, text("NGUYỄN VĂN BA") + text("TRẦN THỊ TƯ"))
    data = dg13(one(1, text("079090012345", 0x13)), one(2, text("Nguyễn Văn An")), one(13, names))
    assert national_data(data) == {
        "id_number": "079090012345",
        "name": "Nguyễn Văn An",
        "parents": "NGUYỄN VĂN BA, TRẦN THỊ TƯ",
    }


@pytest.mark.parametrize(
    "field",
    [
        one(99, text("of no known number")),
        one(7, encode(0x04, b"\x8a\x91opaque")),
        one(7, encode(0x0C, b"\xff\xfe")),
        one(7, text("two\nlines")),
        one(7, text("")),
        one(7, text("x" * 513)),
        one(14, encode(0x30, b"")),
        one(13, encode(0x30, b"\x0c\x05no")),
        encode(0x31, encode(0x02, b"\x07") + text("in a set")),
        encode(0x30, encode(0x02, b"\x07")),
        encode(0x30, encode(0x02, b"") + text("no number")),
        text("no field"),
    ],
)
def test_a_field_that_is_not_understood_is_left_out(field):
    assert national_data(dg13(field, one(9, text("Hà Nội")))) == {"residence": "Hà Nội"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x6d",
        encode(0x6D, b"\x8a\x91\x02opaque bytes of the authority"),
        encode(0x6D, encode(0x04, b"opaque")),
        encode(0x6D, encode(0x30, encode(0x02, b"\1"))),
        encode(0x6D, encode(0x30, encode(0x06, b"\x2a") * 3)),
        dg13(one(9, text("Hà Nội")), version=2),
        dg13(one(9, text("Hà Nội")), oid="1.0.10646.1.0.9"),
        dg13(one(9, text("Hà Nội")))[:-1],
        encode(0x6E, b""),
    ],
)
def test_opaque_national_data_are_empty_and_never_a_fault(data):
    assert national_data(data) == {}


@pytest.mark.parametrize("picture", [JPEG, JP2, b"\xff\x4f\xff\x51 a codestream"])
@pytest.mark.parametrize("tag", [0x5F2E, 0x7F2E])
def test_the_portrait_is_what_begins_as_a_picture(picture, tag):
    assert portrait(dg2(b"FAC\x00010\x00" + bytes(38) + picture, tag)) == picture


def test_a_record_without_a_picture_is_empty():
    assert portrait(dg2(b"FAC\x00010\x00" + bytes(38))) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode(0x75, b""),
        encode(0x75, encode(0x7F61, encode(0x02, b"\0"))),
        encode(0x75, encode(0x7F61, encode(0x7F60, encode(0xA1, b"")))),
    ],
)
def test_no_biometric_template_is_damaged(data):
    assert kind_of(portrait, data) == "damaged"


@pytest.mark.parametrize(
    "infos",
    [b"", b"\x04\x00", encode(0x30, b""), encode(0x30, encode(0x06, b"\x2a")), encode(0x31, encode(0x06, b"\x2a") * 2)],
)
def test_security_infos_that_are_none_are_damaged(infos):
    if infos:
        assert kind_of(security_infos, encode(0x31, infos)) == "damaged"
    assert security_infos(encode(0x31, b"")) == ()
    assert kind_of(chip_security_infos, encode(0x6E, infos)) == "damaged"


def test_a_security_info_of_no_interest_is_kept_as_it_is():
    info = encode(0x30, encode(0x06, b"\x2a") + encode(0x30, b"") + encode(0x30, b""))
    (found,) = chip_security_infos(encode(0x6E, encode(0x31, info)))
    assert (found.oid, found.number, found.is_pace) == ("1.2", None, False)


def test_the_key_of_dg15_is_taken_out_whole():
    assert public_key_bytes(encode(0x6F, encode(0x30, b"\5\0"))) == encode(0x30, b"\5\0")
    assert kind_of(public_key_bytes, encode(0x6F, b"\5\0")) == "damaged"
