"""Reads the bill list that a building's board exports from its office software. Signs and stores nothing.

Every line is accounted for: a good row is served, a bad one is named by its line with the reason, a blank one is
counted; nothing is dropped in silence. What damages data beyond repair (another encoding, a missing column) refuses
the whole file and says how to save it again. Owners leave this module masked.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from device_profiles.bills import BILLS_MAX_COUNT, Bill, unit_key
from device_profiles.formats.dates import from_day_first
from device_profiles.formats.money import AMOUNT_MAX_DONG
from device_profiles.formats.text import normalise, search_key
from fleet_server.masking import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_MAX_BYTES = 4 * 1024 * 1024
UNIT_MAX, OWNER_MAX = 20, 80
MONTHS = 12
SAVE_AS = "save it as CSV UTF-8 (Excel: Save As, 'CSV UTF-8 (Comma delimited)')"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "unit": ("can ho", "ma can ho", "so can ho", "can", "phong", "unit", "apartment", "flat", "room"),
    "period": ("ky", "ky phi", "ky thu", "ky thanh toan", "thang", "period", "month", "billing period"),
    "amount": ("so tien", "so tien vnd", "thanh tien", "tong tien", "tong cong", "phai thu", "amount", "total"),
    "due": ("han", "han nop", "han thanh toan", "ngay den han", "due", "due date", "deadline"),
    "owner": ("chu ho", "ten chu ho", "ho ten", "ho va ten", "khach hang", "ten khach hang", "owner", "owner name"),
}
_DELIMITERS = ",;\t"
_MONTH_FIRST = re.compile(r"(?:t|thang|ky)? ?(?P<month>[0-9]{1,2}) (?P<year>20[0-9]{2})")
_YEAR_FIRST = re.compile(r"(?P<year>20[0-9]{2}) (?P<month>[0-9]{1,2})")
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-](20[0-9]{2})")
_CURRENCY = re.compile(r" ?(?:vnđ|vnd|đồng|dong|₫|đ)$", re.IGNORECASE)
_AMOUNT = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<mark>[., ])[0-9]{3}(?:(?P=mark)[0-9]{3})*)?|[0-9]+)(?P<zeros>[.,]00)?"
)


class ListRefused(Exception):
    """The file as a whole cannot be read; the words say what is wrong and how to save it again."""


class RowRefused(Exception):
    """One row cannot be served; the words name the column and what stands there wrong."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not served: its line in the file (1 = first), and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file.

    bills: the rows that are served. bad: the rows that are not, by line. rows_in: every row below the headings; it is
    the sum of `good`, bad and blank ones. masked: how many owners had to be masked here. ignored: headings of columns
    that a bill has no use for.
    """

    bills: tuple[Bill, ...]
    bad: tuple[BadRow, ...]
    blank: int
    rows_in: int
    masked: int
    ignored: tuple[str, ...]

    @property
    def good(self) -> int:
        """Rows that are served."""
        return len(self.bills)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    bill: Bill
    masked: bool


def read_bills(data: bytes, building: str) -> ImportReport:
    """Read a board's list; `building` is the station's building, it goes into the bill ids. Raises ListRefused.

    Columns, in any order and either language: unit, period, amount, due date, owner. A bill's id is the same in every
    list in which its building, unit and period are, so that a payment stays with its bill when a new list comes.
    """
    lines = _rows(_decode(data))
    if not lines:
        raise ListRefused("the list is empty: it needs a line of headings and a row for each bill")
    (line, headings), below = lines[0], lines[1:]
    places = _places(headings, line)
    bad: list[BadRow] = []
    read: dict[bytes, list[_Row]] = {}
    blank = 0
    for line, cells in below:
        if not any(cell.strip() for cell in cells):
            blank += 1
            continue
        try:
            row = _row(line, cells, places, len(headings), building)
        except RowRefused as refused:
            bad.append(BadRow(line, str(refused)))
        else:
            read.setdefault(row.bill.bill, []).append(row)
    good = [row for rows in read.values() for row in _first_of(rows, bad)]
    if len(good) > BILLS_MAX_COUNT:
        raise ListRefused(f"{len(good)} bills; one list holds at most {BILLS_MAX_COUNT}: split it by building")
    return ImportReport(
        bills=tuple(row.bill for row in good),
        bad=tuple(sorted(bad, key=lambda each: each.line)),
        blank=blank,
        rows_in=len(below),
        masked=sum(row.masked for row in good),
        ignored=tuple(normalise(name) for place, name in enumerate(headings) if place not in places.values()),
    )


def bill_id(building: str, unit: str, period: str) -> bytes:
    """The 8-byte id of a bill: the same for every spelling of the unit."""
    return hashlib.sha256(f"bill\0{building}\0{unit_key(unit)}\0{period}".encode()).digest()[:8]


def _first_of(rows: list[_Row], bad: list[BadRow]) -> list[_Row]:
    """The row to serve of those with the same unit and period: none if they differ, for nobody knows which holds."""
    first, *others = rows
    what = f"unit {first.bill.unit}, period {first.bill.period}"
    if all(row.bill[3:] == first.bill[3:] for row in others):
        bad.extend(BadRow(row.line, f"{what} stands in line {first.line} already") for row in others)
        return [first]
    places = ", ".join(str(row.line) for row in rows)
    bad.extend(BadRow(row.line, f"{what} stands in lines {places} with different content: keep one") for row in rows)
    return []


def _decode(data: bytes) -> str:
    if len(data) > FILE_MAX_BYTES:
        raise ListRefused(f"the file has {len(data)} bytes, at most {FILE_MAX_BYTES}: is it the right one?")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ListRefused(f"this is a workbook (XLSX or XLS), not a CSV file: {SAVE_AS}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise ListRefused(f"this file is in UTF-16 ('Unicode text'): {SAVE_AS}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ListRefused(
            f"line {line} is not UTF-8 (an older Vietnamese encoding, such as Windows-1258?): {SAVE_AS}"
        ) from error


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Rows from the headings on, with the line each begins in."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, line = [], 1
    try:
        for row in reader:
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ListRefused(f"line {line}: a quotation mark is open or stands inside a field ({error})") from error
    begin = next((at for at, (_, row) in enumerate(rows) if any(cell.strip() for cell in row)), len(rows))
    return rows[begin:]


def _places(headings: list[str], line: int) -> dict[str, int]:
    """Where each column stands. Raises ListRefused naming the column that is missing or stands twice."""
    keys = [search_key(heading) for heading in headings]
    places: dict[str, int] = {}
    for column, names in COLUMNS.items():
        found = [place for place, key in enumerate(keys) if key in names]
        if len(found) != 1:
            what = "stands there twice" if found else "is missing"
            raise ListRefused(
                f"line {line} must be the headings, and the column {column} {what}; there are:"
                f" {', '.join(map(normalise, headings))[:200]}; call it one of: {', '.join(names)}"
            )
        places[column] = found[0]
    return places


def _row(line: int, cells: list[str], places: Mapping[str, int], width: int, building: str) -> _Row:
    """Read one row that is not blank. Raises RowRefused."""
    if any(cell.strip() for cell in cells[width:]):
        raise RowRefused(f"{len(cells)} fields under {width} headings: put an amount with commas in quotation marks")
    if len(cells) <= max(places.values()):
        raise RowRefused(f"only {len(cells)} fields under {width} headings")
    cell = {column: normalise(cells[place]) for column, place in places.items()}
    for column, text in cell.items():
        if any(char.isdigit() and not char.isascii() for char in text):
            raise RowRefused(f"{column}: digits of another script or width; type them again as 0-9")
    unit, owner = cell["unit"], masked(cell["owner"])
    if not unit_key(unit) or len(unit) > UNIT_MAX:
        raise RowRefused(f"unit: must have 1 to {UNIT_MAX} characters, with a letter or digit")
    if len(owner) > OWNER_MAX:
        raise RowRefused(f"owner: more than {OWNER_MAX} characters")
    period = _period(cell["period"])
    bill = Bill(bill_id(building, unit, period), unit, period, _amount(cell["amount"]), _due(cell["due"]), owner)
    return _Row(line, bill, owner != cell["owner"])


def _period(text: str) -> str:
    """A month, yyyy-mm: 09/2026, T9/2026, Tháng 9/2026 and 2026-09 are the same one."""
    key = search_key(text)
    match = _MONTH_FIRST.fullmatch(key) or _YEAR_FIRST.fullmatch(key)
    if match is None or not 1 <= int(match["month"]) <= MONTHS:
        raise RowRefused(f"period: {text[:20]!r} is no month; write 09/2026")
    return f"{match['year']}-{int(match['month']):02d}"


def _amount(text: str) -> int:
    """Whole dong. Points, commas or spaces stand between groups of three; two zeros at the end may stand for xu."""
    match = _AMOUNT.fullmatch(_CURRENCY.sub("", text))
    if match is None or (match["mark"] and match["zeros"] and match["zeros"][0] == match["mark"]):
        raise RowRefused(f"amount: {text[:20]!r} is not whole dong; write 1.250.000")
    # No more digits than are needed to be too large: int() has an error of its own for thousands of them.
    amount = int(re.sub("[., ]", "", match["whole"])[:20])
    if not 0 < amount <= AMOUNT_MAX_DONG:
        raise RowRefused(f"amount: must be 1 to {AMOUNT_MAX_DONG} đ; leave out what is paid")
    return amount


def _due(text: str) -> str:
    """dd/mm/yyyy or yyyy-mm-dd, a day that exists."""
    match = _DAY.fullmatch(text)
    if match:
        found = from_day_first(f"{int(match[1]):02d}/{int(match[2]):02d}/{match[3]}")
    else:
        found = (
            from_day_first("/".join(reversed(text.split("-"))))
            if re.fullmatch(r"20[0-9]{2}(-[0-9]{2}){2}", text)
            else None
        )
    if found is None:
        raise RowRefused(f"due: {text[:20]!r} is no day; write 30/09/2026 (day first)")
    return found
