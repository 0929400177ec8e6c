"""The files of a simulated card: what is written on it and how. Decides nothing about who may read them.

Sources: ICAO Doc 9303-10 (EF.COM, data groups), ISO/IEC 19794-5:2005 (the picture's record in DG2). DG13 is laid out as
public readers of the card know it; since July 2024 some of its fields are in an encoding of the authority (Circular
16/2024/TT-BCA, article 6), and here as bytes that say nothing.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Literal

from edge_agent.drivers.reader.chip.ber import tlv
from edge_agent.drivers.reader.chip.picture import HEIGHT, WIDTH

if TYPE_CHECKING:
    from edge_agent.drivers.reader.chip.persona import Persona

NationalKind = Literal["full", "partial", "mixed", "opaque", "absent"]

CARD_ACCESS, COM, SOD = 0x011C, 0x011E, 0x011D
GROUP_TAGS = {1: 0x61, 2: 0x75, 3: 0x63, 13: 0x6D, 14: 0x6E, 15: 0x6F}

_UTF8, _PRINTABLE, _SEQUENCE, _SET, _INTEGER, _OCTETS = 0x0C, 0x13, 0x30, 0x31, 0x02, 0x04
_ISO_10646 = tlv(0x06, bytes.fromhex("28D316010008"))  # 1.0.10646.1.0.8
_STILL_READABLE = {1, 2, 3, 4, 5, 8, 12}
_OFTEN_MISSING = {6, 7, 10, 14, 15}


def file_id(group: int) -> int:
    """Give the file identifier of a data group."""
    return 0x0100 | group


def com(groups: tuple[int, ...]) -> bytes:
    """EF.COM: LDS 1.7, Unicode 4.0, and the tags of the data groups that there are."""
    tags = bytes(GROUP_TAGS[group] for group in groups)
    return tlv(0x60, tlv(0x5F01, b"0107"), tlv(0x5F36, b"040000"), tlv(0x5C, tags))


def dg1(person: Persona) -> bytes:
    """The printed lines."""
    return tlv(0x61, tlv(0x5F1F, "".join(person.mrz_lines).encode("ascii")))


def dg2(picture: bytes) -> bytes:
    """The face: one biometric template with one picture, JPEG or JPEG 2000."""
    jpeg = picture.startswith(b"\xff\xd8")
    header = b"".join(
        (tlv(0x80, b"\1\1"), tlv(0x81, b"\2"), tlv(0x82, b"\0"), tlv(0x87, b"\1\1"), tlv(0x88, b"\0\x08"))
    )
    info = struct.pack("!BBHHBBHH", 1, 0 if jpeg else 1, WIDTH, HEIGHT, 1, 2, 0, 0)
    size = 20 + len(info) + len(picture)
    face = struct.pack("!IH", size, 0) + bytes(14) + info + picture
    record = b"FAC\x00010\x00" + struct.pack("!IH", 14 + len(face), 1) + face
    return tlv(0x75, tlv(0x7F61, tlv(0x02, b"\1"), tlv(0x7F60, tlv(0xA1, header), tlv(0x5F2E, record))))


def dg13(person: Persona, kind: NationalKind, seed: int) -> bytes:
    """The national data, with fields missing or hidden as `kind` says; empty where it is absent."""
    if kind == "absent":
        return b""
    if kind == "opaque":
        return tlv(0x6D, tlv(_OCTETS, _noise(seed, 0, 640)))
    fields = _national(person)
    if kind == "partial":
        fields = {number: value for number, value in fields.items() if number not in _OFTEN_MISSING}
    if kind == "mixed":
        hidden = fields.keys() - _STILL_READABLE
        fields |= {number: tlv(_OCTETS, _noise(seed, number, 48)) for number in hidden}
    entries = [tlv(_SEQUENCE, tlv(_INTEGER, bytes([number])), value) for number, value in fields.items()]
    return tlv(0x6D, tlv(_SEQUENCE, tlv(_INTEGER, b"\1"), _ISO_10646, tlv(_SET, *entries)))


def dg14(infos: tuple[bytes, ...]) -> bytes:
    """Security infos: what the chip can prove, and the entries of EF.CardAccess once more, where they are signed.

    Empty, and so not on the card, where there is nothing to say.
    """
    said = sorted({info for info in infos if info})
    return tlv(0x6E, tlv(_SET, *said)) if said else b""


def dg15(public: bytes) -> bytes:
    """The public key of Active Authentication."""
    return tlv(0x6F, public)


def _national(person: Persona) -> dict[int, bytes]:
    texts = {
        1: person.id_number,
        2: person.name,
        3: person.birth_date,
        4: person.sex,
        5: "Việt Nam",
        6: person.ethnicity,
        7: person.religion,
        8: person.place_of_origin,
        9: person.residence,
        10: person.marks,
        11: person.issue_date,
        12: person.expiry_date,
        15: person.old_id_number,
    }
    fields = {number: _text(text) for number, text in texts.items() if text}
    fields[13] = tlv(_SEQUENCE, _text(person.father), _text(person.mother))
    if person.spouse:
        fields[14] = tlv(_SEQUENCE, _text(person.spouse))
    return dict(sorted(fields.items()))


def _text(text: str) -> bytes:
    plain = text.isascii() and text.replace("/", "").isalnum()
    return tlv(_PRINTABLE if plain else _UTF8, text.encode())


def _noise(seed: int, place: int, size: int) -> bytes:
    return hashlib.shake_256(f"hidden {seed} {place}".encode()).digest(size)
