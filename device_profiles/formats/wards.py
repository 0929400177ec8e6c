"""Units of the commune level: which exist on a day, what they are called, and which one a few typed letters mean.

Decides nothing about who is responsible there. Codes and names are data with validity dates (`data/wards.toml`); the
province is the one the stations stand in.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from device_profiles.formats import tables
from device_profiles.formats.text import normalise, search_key

if TYPE_CHECKING:
    from datetime import date

_ENGLISH = {"phường": "Ward", "xã": "Commune", "đặc khu": "Special Zone"}


class Ward(NamedTuple):
    """One unit: its code of five digits, and its Vietnamese name with its kind ("Phường Sài Gòn")."""

    code: str
    name: str


def wards(as_of: date | None = None) -> tuple[Ward, ...]:
    """Give the units that exist on a day; None: all that ever stood in the table."""
    table = tables.rows("wards")
    return tuple(Ward(row["code"], _vietnamese(row)) for row in (tables.holding(table, as_of) if as_of else table))


def ward_name(code: str, language: Literal["vi", "en"] = "vi") -> str:
    """Give the newest name of a code with its kind; the code itself where it is in no row."""
    row = next((each for each in reversed(tables.rows("wards")) if each["code"] == code), None)
    if row is None:
        return code
    return _vietnamese(row) if language == "vi" else f"{row['name']} {_ENGLISH[row['kind']]}"


class Office(NamedTuple):
    """The police office of a unit, in both languages, and the hotline that holds for all of them."""

    vi: str
    en: str
    hotline: str


def office(code: str) -> Office | None:
    """Give the office of a unit by its code, None for a code that is in no row; named by rule, not from a directory."""
    row = next((each for each in reversed(tables.rows("wards")) if each["code"] == code), None)
    if row is None:
        return None
    rule = next(each for each in tables.rows("offices") if each["kind"] == row["kind"])
    return Office(rule["vi"].format(name=row["name"]), rule["en"].format(name=row["name"]), rule["hotline"])


def find_wards(typed: str, as_of: date | None, count_max: int) -> tuple[Ward, ...]:
    """Give the units of which each typed word begins a word of the name, in any order; marks do not matter.

    Nearest first: whose whole name it is, then whose name begins with it, then the others; among equals those that
    have the typed marks. Nothing typed finds nothing. as_of: None where no clock can be believed: all of the table.
    """
    key, marked = search_key(typed), normalise(typed).casefold()
    if not key:
        return ()
    found = []
    table = tables.rows("wards")
    for row in tables.holding(table, as_of) if as_of else table:
        name, whole = _keys(row["code"])
        if _begins_words(key.split(), whole.split()):
            far = (key not in (name, whole), not name.startswith(key), marked not in _vietnamese(row).casefold())
            found.append((far, name, Ward(row["code"], _vietnamese(row))))
    return tuple(ward for _, _, ward in sorted(found)[:count_max])


def _vietnamese(row: tables.Row) -> str:
    kind: str = row["kind"]
    return f"{kind[0].upper()}{kind[1:]} {row['name']}"


@cache
def _keys(code: str) -> tuple[str, str]:
    """What a name is searched by, without its kind and with it."""
    whole = search_key(ward_name(code))
    row = next(each for each in tables.rows("wards") if each["code"] == code)
    return search_key(row["name"]), whole


def _begins_words(typed: list[str], words: list[str]) -> bool:
    """Every typed word takes one word for itself; the longest choose first."""
    left = list(words)
    for each in sorted(typed, key=len, reverse=True):
        taken = min((word for word in left if word.startswith(each)), key=len, default=None)
        if taken is None:
            return False
        left.remove(taken)
    return True
