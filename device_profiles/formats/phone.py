"""Telephone numbers of residents, offices and hotlines.

Decides whether a number can be dialled for that purpose and how it is stored (E.164) and shown. Whether it belongs
to anyone is not known here. Prefixes and hotlines are data with validity dates.
"""

import re
from dataclasses import dataclass
from datetime import date

from device_profiles.formats import tables
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import without_blanks

FIELDS = ("resident_mobile", "office_phone", "hotline")

_DROP = str.maketrans("", "", ".-()[]")
_SERVICE = re.compile("1[89]00[0-9]{4,6}")
_LANDLINE = re.compile("02[0-9]{9}")  # areas 024 and 028 have eight digits of their own, all others seven
_SECURITY_NETWORK = "069"


@dataclass(frozen=True, slots=True)
class Phone:
    """A number as stored and as shown. A hotline has no E.164 form: it is shown as written."""

    e164: str | None
    display: str


def parse_phone(text: str, *, field: str, as_of: date) -> Phone:
    """Read a number for a ``resident_mobile``, an ``office_phone`` (also takes mobiles) or a ``hotline``.

    Raises:
        FormatError: the first that applies of not_digits, old_11_digit_number, not_mobile, missing_leading_zero,
            wrong_length, not_assigned. A hotline must stand on the list of that day.
    """
    dialled = without_blanks(text).translate(_DROP)
    if not re.fullmatch(r"\+?[0-9]+", dialled):
        raise FormatError("not_digits")
    if field == "hotline":
        return _hotline(dialled, as_of)
    number = _national(dialled)
    if _is_mobile(number, as_of):
        return Phone("+84" + number[1:], f"{number[:4]} {number[4:7]} {number[7:]}")
    if field == "office_phone":
        if _LANDLINE.fullmatch(number):
            area = 3 if number[2] in "48" else 4
            return Phone("+84" + number[1:], f"{number[:area]} {number[area:-4]} {number[-4:]}")
        if _SERVICE.fullmatch(number):
            return Phone("+84" + number, f"{number[:4]} {number[4:]}")
    raise FormatError(_reason(number, field, as_of))


def hotlines(as_of: date) -> list[tables.Row]:
    """Give the hotlines and emergency numbers of that day: ``number``, ``vi``, ``en``."""
    return tables.holding(tables.rows("hotlines"), as_of)


def _hotline(dialled: str, as_of: date) -> Phone:
    if all(row["number"] != dialled for row in hotlines(as_of)):
        raise FormatError("not_assigned")
    return Phone(None, dialled)


def _national(dialled: str) -> str:
    """Put 0 in the place of the country code; a bare 84 counts only where a plus could have stood before it."""
    if dialled.startswith("+84"):
        return "0" + dialled[3:]
    if dialled.startswith("84") and len(dialled) >= 11:
        return "0" + dialled[2:]
    return dialled


def _is_mobile(number: str, as_of: date) -> bool:
    patterns = (row["pattern"] for row in tables.holding(tables.rows("mobile"), as_of))
    return any(re.fullmatch("0" + pattern, number) for pattern in patterns)


def _reason(number: str, field: str, as_of: date) -> str:
    if len(number) == 11 and number.startswith("01"):
        return "old_11_digit_number"
    if field == "resident_mobile" and _is_known_other(number, as_of):
        return "not_mobile"
    if _is_mobile("0" + number, as_of):
        return "missing_leading_zero"
    if number.startswith("02") or len(number) != 10:
        return "wrong_length"
    return "not_assigned"


def _is_known_other(number: str, as_of: date) -> bool:
    return (
        _LANDLINE.fullmatch(number) is not None
        or _SERVICE.fullmatch(number) is not None
        or number.startswith(_SECURITY_NETWORK)
        or any(row["number"] == number for row in hotlines(as_of))
    )
