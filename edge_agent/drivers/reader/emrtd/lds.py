"""The files of an identity chip: from bytes to what they say. Pure; decides what is well formed, trusts nothing.

Not here: EF.SOD and signatures (sod.py). Sources: ICAO Doc 9303-10 (files and tags), 9303-11, 9.2 (SecurityInfos),
ISO/IEC 19794-5 (the face). How the Vietnamese card fills DG13 is known from public readers only; since July 2024 its
content may be in an encoding of the authority's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from device_profiles.formats.mrz import parse_mrz
from device_profiles.formats.refusal import FormatError
from edge_agent.card import NATIONAL, CardFault
from edge_agent.drivers.reader.emrtd.tlv import Tlv, TlvFault, encode, integer, oid, read_one

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACE = "0.4.0.127.0.7.2.2.4."
_MRZ = re.compile(rb"[A-Z0-9<]{90}|[A-Z0-9<]{88}|[A-Z0-9<]{72}")  # TD1, TD3, TD2
_TD1_LENGTH, _TD1_LINE = 90, 30
_NATIONAL_VERSION, _NATIONAL_OID = 1, "1.0.10646.1.0.8"
_UTF8, _PRINTABLE, _IA5, _SEQUENCE, _SET = 0x0C, 0x13, 0x16, 0x30, 0x31
_TEXT_MAX = 512
_NUMBER_MAX = (1 << 64) - 1  # of domain parameters or of a key; no protocol names a wider one
_PICTURES = (b"\xff\xd8\xff", b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")  # JPEG, JP2, J2K codestream


@dataclass(frozen=True, slots=True)
class SecurityInfo:
    """One protocol that a chip offers: its OID, the required element and, if given, the optional one."""

    oid: str
    required: Tlv
    optional: Tlv | None = None

    @property
    def is_pace(self) -> bool:
        """Whether it belongs to PACE, whatever the mapping."""
        return self.oid.startswith(_PACE)

    @property
    def number(self) -> int | None:
        """The optional element where it is a number: PACE's domain parameters, a key's id.

        Raises:
            TlvFault: it is below zero, or too wide to be one.
        """
        if self.optional is None or self.optional.tag != 0x02:
            return None
        number = integer(self.optional)
        if not 0 <= number <= _NUMBER_MAX:
            raise TlvFault("a SecurityInfo with a number that cannot be")
        return number


def security_infos(data: bytes) -> tuple[SecurityInfo, ...]:
    """Read EF.CardAccess, or the value of DG14 (tag 6E): a set of protocols.

    Raises:
        CardFault: damaged.
    """
    infos = []
    for element in read_one(data, _SET).children():
        parts = element.children()
        if element.tag != _SEQUENCE or not 2 <= len(parts) <= 3:
            raise TlvFault("a SecurityInfo that is not of two or three elements")
        infos.append(SecurityInfo(oid(parts[0]), parts[1], parts[2] if len(parts) == 3 else None))
    return tuple(infos)


def mrz_text(data: bytes) -> str:
    """Read DG1: the machine-readable zone as one string without line ends.

    Raises:
        CardFault: damaged: no such zone, or (TD1) a check digit that is wrong.
    """
    text = read_one(data, 0x61, 0x5F1F).value
    if not _MRZ.fullmatch(text):
        raise CardFault("damaged", "DG1: not the length or the letters of a machine-readable zone")
    mrz = text.decode("ascii")
    if len(mrz) == _TD1_LENGTH:
        _judge_check_digits(mrz)
    return mrz


def _judge_check_digits(mrz: str) -> None:
    """Refuse wrong check digits; whether the card is one that is served here is the visit's question."""
    lines = "\n".join(mrz[at : at + _TD1_LINE] for at in range(0, _TD1_LENGTH, _TD1_LINE))
    try:
        parse_mrz(lines, as_of=date.min)
    except FormatError as refused:
        wrong = [reason for reason in refused.reasons if reason.endswith("_check")]
        if wrong:
            raise CardFault("damaged", f"DG1: wrong {', '.join(wrong)}") from None


def national_data(data: bytes) -> dict[str, str]:
    """Read DG13 by the names of `NATIONAL`; never a fault: what is not understood is not there.

    Fields 13 and 14 are lists of names; theirs are joined by ", ".
    """
    try:
        version, kind, fields = read_one(data, 0x6D, _SEQUENCE).children()
        if integer(version) != _NATIONAL_VERSION or oid(kind) != _NATIONAL_OID or fields.tag != _SET:
            return {}
        return dict(_fields(fields))
    except (TlvFault, ValueError):
        return {}


def _fields(fields: Tlv) -> Iterator[tuple[str, str]]:
    """Each field that is understood."""
    for element in fields.children():
        try:
            number, value = element.children()
            name = NATIONAL.get(integer(number))
            texts = [_text(part) for part in (value.children() if value.tag == _SEQUENCE else (value,))]
        except (TlvFault, ValueError):
            continue
        whole = ", ".join(text for text in texts if text)
        if element.tag == _SEQUENCE and name and whole:
            yield name, whole


def _text(element: Tlv) -> str:
    """The text of a string element.

    Raises:
        ValueError: it is no string, or no text that can be shown.
    """
    if element.tag not in {_UTF8, _PRINTABLE, _IA5} or len(element.value) > _TEXT_MAX:
        raise ValueError("not a text")
    text = element.value.decode("utf-8").strip()
    if not all(char.isprintable() for char in text):
        raise ValueError("not a text")
    return text


def portrait(data: bytes) -> bytes:
    """Read DG2: the picture of the first face (JPEG, JPEG 2000); empty where the encoding is another.

    The record around the picture has versions (ISO/IEC 19794-5, 39794-5); the picture is what begins with a picture's
    own first bytes and goes to the record's end.

    Raises:
        CardFault: damaged: no biometric template.
    """
    for element in read_one(data, 0x75, 0x7F61).children():
        if element.tag == 0x7F60:
            for block in element.children():
                if block.tag in {0x5F2E, 0x7F2E}:
                    return _picture(block.value)
    raise CardFault("damaged", "DG2: no biometric template")


def _picture(record: bytes) -> bytes:
    starts = [at for signature in _PICTURES if (at := record.find(signature)) >= 0]
    return record[min(starts) :] if starts else b""


def public_key_bytes(data: bytes) -> bytes:
    """Read DG15: the SubjectPublicKeyInfo (DER) of Active Authentication.

    Raises:
        CardFault: damaged.
    """
    return encode(_SEQUENCE, read_one(data, 0x6F, _SEQUENCE).value)


def chip_security_infos(data: bytes) -> tuple[SecurityInfo, ...]:
    """Read DG14: the protocols by which the chip proves itself.

    Raises:
        CardFault: damaged.
    """
    return security_infos(read_one(data, 0x6E).value)
