"""A building's bill list as it is carried to a station: the body of a signed set named "bills/<building>".

The board's list names units, periods, amounts and owners already masked; the payee stands once, in the same signed
body, so that nobody without the offline set key can change where the money goes. Reads and writes no file.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import NamedTuple

from device_profiles import layout
from device_profiles.cbor import decode, encode
from device_profiles.messages import SET_MAX_BYTES

FORMAT = 1
BILLS_MAX_COUNT = 10_000
BILL_ROW = layout.shape(
    bill=layout.raw(0, 8),
    unit=layout.text(1, 20),
    period=layout.text(2, 7),
    amount=layout.number(3, 10**13 - 1, least=1),
    due=layout.text(4, 10),
    owner=layout.text(5, 80),
)
_PERIOD = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}")


class Bill(NamedTuple):
    """One amount owed: `bill` is an opaque 8-byte id, `period` yyyy-mm, `amount` whole dong, `due` yyyy-mm-dd."""

    bill: bytes
    unit: str
    period: str
    amount: int
    due: str
    owner: str


def unit_key(unit: str) -> str:
    """What two spellings of one unit share: marks and separators dropped, case folded ("A-12.05" = "a 1205")."""
    plain = unicodedata.normalize("NFD", unit).replace("đ", "d").replace("Đ", "D").casefold()
    return re.sub(r"[^a-z0-9]", "", plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSet:
    """All open bills of one building, with their payee and the time they are true of."""

    building: str = layout.text(1, 60)
    title: str = layout.text(2, 120)
    payee_bin: str = layout.text(3, 6)
    payee_account: str = layout.text(4, 19)
    payee_name: str = layout.text(5, 60)
    as_of_ms: int = layout.time_ms(6)
    version: int = layout.number(7)
    bills: tuple[Bill, ...] = layout.items(8, BILLS_MAX_COUNT)
    offline: bool | None = layout.flag(9, optional=True)  # the operator signs PREFER_ONLINE; absent: REQUIRE_ONLINE

    def encode(self) -> bytes:
        """Give the body of the set. Raises WireError for a bill or a payee that does not fit."""
        fields = layout.to_map(self, FORMAT)
        self.check()
        fields[8] = [list(bill) for bill in self.bills]
        return encode(fields)

    @classmethod
    def decode(cls, body: bytes) -> BillSet:
        """Read the body of a set. Raises WireError."""
        found = layout.from_map(cls, decode(body, SET_MAX_BYTES), FORMAT)
        found.check()
        return replace(found, bills=tuple(Bill(*each) for each in found.bills))

    def check(self) -> None:
        """Refuse what the layout alone cannot: forms, doubled ids, and units that would find each other's bills."""
        if not _BIN.fullmatch(self.payee_bin):
            raise layout.FieldError("BillSet", "payee_bin", "must be six digits")
        if not _ACCOUNT.fullmatch(self.payee_account):
            raise layout.FieldError("BillSet", "payee_account", "must be 1 to 19 letters and digits")
        ids: set[bytes] = set()
        units: dict[str, str] = {}
        for row in self.bills:
            layout.check_row(BILL_ROW, row, "BillSet.bills")
            bill = Bill(*row)
            if not _PERIOD.fullmatch(bill.period):
                raise layout.FieldError("BillSet.bills", "period", "must be yyyy-mm")
            if not _is_date(bill.due):
                raise layout.FieldError("BillSet.bills", "due", "must be a date, yyyy-mm-dd")
            if bill.bill in ids:
                raise layout.FieldError("BillSet.bills", "bill", f"{bill.bill.hex()} stands there twice")
            ids.add(bill.bill)
            key = unit_key(bill.unit)
            if not key:
                raise layout.FieldError("BillSet.bills", "unit", f"{bill.unit!r} holds no letter or digit")
            if units.setdefault(key, bill.unit) != bill.unit:
                raise layout.FieldError("BillSet.bills", "unit", f"{bill.unit!r} reads like {units[key]!r}")

    def find(self, unit: str) -> tuple[Bill, ...]:
        """All bills of a unit, oldest period first; empty when the list has none."""
        key = unit_key(unit)
        return tuple(sorted((b for b in self.bills if key and unit_key(b.unit) == key), key=lambda b: b.period))

    def by_id(self, bill: bytes) -> Bill | None:
        """The bill with this id."""
        return next((each for each in self.bills if each.bill == bill), None)


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
