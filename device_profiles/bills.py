"""A building's bill list as it is carried to a station: the body of a signed set named "bills/<building>".

The board's list names units, periods, amounts and owners already masked; the payee stands once, in the same signed
body, so that nobody without the offline set key can change where the money goes. Reads and writes no file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, NamedTuple

from device_profiles import layout
from device_profiles.cbor import WireError, decode, encode
from device_profiles.messages import SET_MAX_BYTES

FORMAT = 1
BILLS_MAX_COUNT = 10_000
_PERIOD = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")


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

    def encode(self) -> bytes:
        """Give the body of the set. Raises WireError for a bill that does not fit."""
        fields = layout.to_map(self, FORMAT)
        fields[8] = [list(_checked(bill)) for bill in self.bills]
        return encode(fields)

    @classmethod
    def decode(cls, body: bytes) -> BillSet:
        """Read the body of a set. Raises WireError."""
        value = decode(body, SET_MAX_BYTES)
        if type(value) is dict and type(value.get(8)) is list:
            value[8] = tuple(_checked(each) for each in value[8])
        return layout.from_map(cls, value, FORMAT)

    def find(self, unit: str) -> tuple[Bill, ...]:
        """All bills of a unit, oldest period first; empty when the list has none."""
        key = unit_key(unit)
        return tuple(sorted((b for b in self.bills if key and unit_key(b.unit) == key), key=lambda b: b.period))

    def by_id(self, bill: bytes) -> Bill | None:
        """The bill with this id."""
        return next((each for each in self.bills if each.bill == bill), None)


def _checked(each: Any) -> Bill:
    match each:
        case [bytes(bill), str(unit), str(period), int(amount), str(due), str(owner)] if (
            len(bill) == 8
            and 0 < len(unit) <= 20
            and len(owner) <= 80
            and _PERIOD.fullmatch(period)
            and _DATE.fullmatch(due)
            and type(amount) is int
            and 0 < amount < 10**13
        ):
            return Bill(bill, unit, period, amount, due, owner)
        case _:
            raise WireError("field", "BillSet.bills holds [id, unit, period, amount, due, masked owner]")
