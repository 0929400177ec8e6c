"""The machine-readable zone on the back of a citizen card: TD1, three lines of 30.

Decides whether the zone is whole and gives the keys that open the chip. The name in it has lost its marks and is
never shown as the person's name. Sources: ICAO 9303 parts 3, 5 and 11; how the twelve digits are placed is known
from public samples.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date

from device_profiles.formats import dates, id_number
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import ascii_upper

_LINE_LENGTH = 30
_WEIGHTS = (7, 3, 1)
_VALUES = {c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}
# Where a digit must stand a letter is a reading fault; a birth known by its year only has fillers for the rest.
_ANY_TD1 = (
    re.compile("[A-Z0-9<]{14}[0-9<][A-Z0-9<]{15}"),
    re.compile("[0-9]{2}(?:[0-9]{4}|<{4})[0-9][MF<][0-9]{7}[A-Z0-9<]{14}[0-9]"),
    re.compile("[A-Z<]{30}"),
)
_VNM_LINE_1 = re.compile("IDVNM[0-9]{22}<<[0-9<]")
_SEXES = {"M": "male", "F": "female", "<": "unspecified"}


@dataclass(frozen=True, slots=True)
class Mrz:
    """An accepted zone. Days are yyyy-mm-dd, a birth may be yyyy; names are in MRZ letters."""

    id_number: str
    document_number: str
    issuer: str
    birth_date: str
    sex: str
    expiry_date: str
    surname: str
    given_names: str
    name_truncated: bool
    mrz_information: str
    remarks: tuple[str, ...] = ()

    @property
    def bac_key_seed(self) -> bytes:
        """The 16 bytes from which Basic Access Control derives its keys (ICAO 9303-11, 4.3.2)."""
        return hashlib.sha1(self.mrz_information.encode("ascii"), usedforsecurity=False).digest()[:16]

    @property
    def can(self) -> str:
        """The access number for PACE: by public reports the last six digits of the ID number (unverified)."""
        return self.id_number[-6:]


def parse_mrz(text: str, *, as_of: date) -> Mrz:
    """Read three lines; case, outer spaces and kind of line end do not matter.

    Raises:
        FormatError: not_td1, bad_character, not_vnm_id_card; or all that apply of document_number_check,
            birth_date_check, expiry_date_check, composite_check; or bad_date.
    """
    first, second, third = _lines(text)
    _check_digits(first, second)
    number = first[15:27]
    birth_date = _birth_date(second[0:6], id_number.century(number))
    expiry_date = dates.from_yymmdd(second[8:14], 2000)
    if birth_date is None or expiry_date is None:
        raise FormatError("bad_date")
    sex = _SEXES[second[7]]
    surname, _, given_names = third.partition("<<")
    remarks = {
        "optional_check": first[29] != _check(number),
        "document_number_differs": first[5:14] != number[3:],
        "card_expired": expiry_date < as_of.isoformat(),
        "birth_year_mismatch": second[0:2] != number[4:6],
        "sex_mismatch": sex != id_number.sex_of(number),
    }
    return Mrz(
        id_number=number,
        document_number=first[5:14],
        issuer=first[2:5],
        birth_date=birth_date,
        sex=sex,
        expiry_date=expiry_date,
        surname=_name(surname),
        given_names=_name(given_names),
        name_truncated=not third.endswith("<"),
        mrz_information=first[5:15] + second[0:7] + second[8:15],
        remarks=tuple(remark for remark, applies in remarks.items() if applies),
    )


def _lines(text: str) -> tuple[str, str, str]:
    lines = [line for line in (part.strip(" \t") for part in re.split("[\r\n]+", ascii_upper(text))) if line]
    if len(lines) != 3 or any(len(line) != _LINE_LENGTH for line in lines):
        raise FormatError("not_td1")
    if not all(pattern.fullmatch(line) for pattern, line in zip(_ANY_TD1, lines, strict=True)):
        raise FormatError("bad_character")
    first, second, third = lines
    if not first.startswith("IDVNM") or second[15:18] != "VNM":
        raise FormatError("not_vnm_id_card")
    if not _VNM_LINE_1.fullmatch(first):
        raise FormatError("bad_character")
    return first, second, third


def _check_digits(first: str, second: str) -> None:
    composite = first[5:30] + second[0:7] + second[8:15] + second[18:29]
    checks = {
        "document_number_check": (first[5:14], first[14]),
        "birth_date_check": (second[0:6], second[6]),
        "expiry_date_check": (second[8:14], second[14]),
        "composite_check": (composite, second[29]),
    }
    faults = [name for name, (data, digit) in checks.items() if _check(data) != digit]
    if faults:
        raise FormatError(*faults)


def _check(data: str) -> str:
    """The check digit of ICAO 9303-3, 4.9: weights 7, 3, 1, sum modulo 10."""
    return str(sum(_VALUES[c] * _WEIGHTS[i % 3] for i, c in enumerate(data)) % 10)


def _birth_date(yymmdd: str, century: int) -> str | None:
    return str(century + int(yymmdd[:2])) if yymmdd.endswith("<") else dates.from_yymmdd(yymmdd, century)


def _name(part: str) -> str:
    return " ".join(part.replace("<", " ").split())
