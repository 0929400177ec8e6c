"""The personal ID number (số định danh cá nhân): twelve digits, no check digit.

Decides whether a number can be one and what its digits say. Structure catches typing errors; it never proves a
number wrong, so a number from a chip is only remarked on. Scheme: Decree 137/2015, Circular 59/2021 (ended 2024).
"""

import re
from dataclasses import dataclass
from datetime import date

from device_profiles.formats import tables
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import without_blanks

SOURCES = ("typed", "qr", "chip")


@dataclass(frozen=True, slots=True)
class IdNumber:
    """An accepted number, what its digits say, and the remarks to show or log."""

    number: str
    place_code: str
    sex: str
    birth_year: int
    remarks: tuple[str, ...] = ()

    @property
    def masked(self) -> str:
        """The first three and last four digits: the only form for screens and slips."""
        return f"{self.number[:3]}*****{self.number[-4:]}"


def parse_id_number(
    text: str,
    *,
    source: str,
    as_of: date,
    clock_trusted: bool = True,
    birth_date: str | None = None,
    sex: str | None = None,
) -> IdNumber:
    """Read a number that was ``typed``, or came from a ``qr`` or a ``chip``.

    ``birth_date`` (yyyy-mm-dd or yyyy) and ``sex`` are what the card itself says, where a card was read.

    Raises:
        FormatError: with the first of empty, not_digits, old_9_digit_number, not_12_digits, placeholder,
            century_not_reached, birth_year_in_future that applies. The last three are remarks when the number came
            from a chip, the last one also when the clock is not trusted.
    """
    number = without_blanks(text)
    _refuse_other_shapes(number)
    chip = source == "chip"
    remarks: list[str] = []
    if len(set(number)) == 1:
        _remark_or_refuse("placeholder", remarks, remark=chip)
    place_code, century_and_sex = number[:3], int(number[3])
    birth_year = century(number) + int(number[4:6])
    if century_and_sex > 3:
        _remark_or_refuse("century_not_reached", remarks, remark=chip)
    elif birth_year > as_of.year:
        _remark_or_refuse("birth_year_in_future", remarks, remark=chip or not clock_trusted)
    own_sex = sex_of(number)
    if place_name(place_code) is None:
        remarks.append("unknown_place_code")
    if birth_date is not None and birth_date[:4] != str(birth_year):
        remarks.append("birth_year_mismatch")
    if sex is not None and sex != own_sex:
        remarks.append("sex_mismatch")
    return IdNumber(number, place_code, own_sex, birth_year, tuple(remarks))


def century(number: str) -> int:
    """Give the century of birth that digit 4 names: 0 and 1 for 1900, 2 and 3 for 2000, up to 2300."""
    return 1900 + 100 * (int(number[3]) // 2)


def sex_of(number: str) -> str:
    """Give ``male`` or ``female`` from digit 4."""
    return "female" if int(number[3]) % 2 else "male"


def place_name(code: str) -> str | None:
    """Name the province of birth registration, None when the code is in no published list."""
    return next((row["name"] for row in tables.rows("places") if row["code"] == code), None)


def _refuse_other_shapes(number: str) -> None:
    if not number:
        raise FormatError("empty")
    if not re.fullmatch("[0-9]+", number):
        raise FormatError("not_digits")
    if len(number) == 9:
        raise FormatError("old_9_digit_number")
    if len(number) != 12:
        raise FormatError("not_12_digits")


def _remark_or_refuse(reason: str, remarks: list[str], *, remark: bool) -> None:
    if not remark:
        raise FormatError(reason)
    remarks.append(reason)
