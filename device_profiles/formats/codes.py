"""Codes on papers and bills: dossier, provisional, electricity, water.

Decides what kind of code a text is and whether it was mistyped. Whether a dossier or a bill exists is known outside.
The official form is Circular 01/2018/TT-VPCP and the residence portal's; a provisional code is ours and can never
match it.
"""

import re
from dataclasses import dataclass

from device_profiles.formats import dates, tables
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import ascii_upper, without_blanks

COUNTER_MAX = 999_999

DOSSIER = re.compile(
    r"(?P<unit>(?:[0-9]{3}(?:\.[0-9]{2}){2}\.)?[A-Z][0-9]{2}(?:\.[0-9]{2,3}){0,3})"
    r"-(?P<date>[0-9]{6})-(?P<sequence>[0-9]{4,6})"
)
_PROCEDURE = re.compile(r"[0-9]\.[0-9]{6}(?:\.[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2})?|[A-Z]+_[0-9]{2}")
_STATION = re.compile("K[0-9]{4}")
_PROVISIONAL_PREFIX = "TAM-"
_PROVISIONAL = re.compile("TAM-(?P<station>K[0-9]{4})-(?P<counter>[0-9]{6})-(?P<check>[0-9])")

# Quasigroup of order 10 from H. Michael Damm's thesis (2004): catches every single wrong digit and every swap of two
# neighbours.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


@dataclass(frozen=True, slots=True)
class DossierCode:
    """An official dossier code: the unit that took it, the day (yyyy-mm-dd), the number of that day."""

    code: str
    unit: str
    date: str
    sequence: str


@dataclass(frozen=True, slots=True)
class ProvisionalCode:
    """A code that a station gave while the official one was out of reach."""

    code: str
    station: str
    counter: int
    check: int


@dataclass(frozen=True, slots=True)
class ElectricityCode:
    """A customer code; ``company`` is None where the family is in no list. ``remarks`` may say other_company."""

    code: str
    family: str
    company: str | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaterCode:
    """A customer number (danh bộ) and how people read it, 4-3-4."""

    code: str
    display: str


def parse_dossier_code(text: str) -> DossierCode:
    """Read an official code; case is folded, blanks are dropped.

    Raises:
        FormatError: provisional_code, procedure_code, malformed, bad_date.
    """
    code = _folded(text)
    if code.startswith(_PROVISIONAL_PREFIX):
        raise FormatError("provisional_code")
    if _PROCEDURE.fullmatch(code):
        raise FormatError("procedure_code")
    match = DOSSIER.fullmatch(code)
    if not match:
        raise FormatError("malformed")
    day = dates.from_yymmdd(match["date"], 2000)
    if day is None:
        raise FormatError("bad_date")
    return DossierCode(code, match["unit"], day, match["sequence"])


def parse_provisional_code(text: str) -> ProvisionalCode:
    """Read a station's own code; case is folded, blanks are dropped.

    Raises:
        FormatError: official_code, malformed, bad_check.
    """
    code = _folded(text)
    if DOSSIER.fullmatch(code):
        raise FormatError("official_code")
    match = _PROVISIONAL.fullmatch(code)
    if not match:
        raise FormatError("malformed")
    station, counter, check = match["station"], match["counter"], int(match["check"])
    if damm(station[1:] + counter) != check:
        raise FormatError("bad_check")
    return ProvisionalCode(code, station, int(counter), check)


def provisional_code(station: str, counter: int) -> str:
    """Give the code of a station (``K0001``) and a counter (0 to ``COUNTER_MAX``) that never restarts.

    Raises:
        FormatError: malformed, when either does not fit its fixed width.
    """
    if not _STATION.fullmatch(station) or isinstance(counter, bool) or not 0 <= counter <= COUNTER_MAX:
        raise FormatError("malformed")
    return f"{_PROVISIONAL_PREFIX}{station}-{counter:06}-{damm(f'{station[1:]}{counter:06}')}"


def damm(digits: str) -> int:
    """Give the Damm check digit of ASCII digits."""
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim


def parse_electricity_code(text: str, *, home_family: str = "PE") -> ElectricityCode:
    """Read a customer code; a family other than the site's own is remarked on, so that the right biller is offered.

    Raises:
        FormatError: missing_prefix (13 digits), wrong_length (P, a letter and digits, but not 11), malformed.
    """
    code = _folded(text)
    if re.fullmatch("[0-9]{13}", code):
        raise FormatError("missing_prefix")
    if not re.fullmatch("P[A-Z][0-9]+", code):
        raise FormatError("malformed")
    if len(code) != 13:
        raise FormatError("wrong_length")
    family = code[:2]
    company = next((row["company"] for row in tables.rows("electricity") if row["family"] == family), None)
    return ElectricityCode(code, family, company, () if family == home_family else ("other_company",))


def parse_water_code(text: str) -> WaterCode:
    """Read a customer number; blanks and hyphens are dropped.

    Raises:
        FormatError: malformed (anything but digits), wrong_length (not 11).
    """
    code = without_blanks(text).replace("-", "")
    if not re.fullmatch("[0-9]+", code):
        raise FormatError("malformed")
    if len(code) != 11:
        raise FormatError("wrong_length")
    return WaterCode(code, f"{code[:4]} {code[4:7]} {code[7:]}")


def _folded(text: str) -> str:
    return ascii_upper(without_blanks(text))
