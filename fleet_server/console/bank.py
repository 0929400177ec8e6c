"""The SIMULATED bank's door (MÔ PHỎNG): takes credits as a list, keeps the good rows, names the bad ones by index.

Decides nothing about payments: that is `fleet_server.money`. It exists only where `bank_simulated` is set, and every
credit that comes through it is marked as simulated for ever. Sending the same list again changes nothing.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.money import AMOUNT_MAX_DONG
from fleet_server import money
from fleet_server.store import Conflict

if TYPE_CHECKING:
    from fleet_server.store import Committer, Credit, Store

BODY_MAX_BYTES = 1024 * 1024
ROWS_MAX = 1_000
TEXT_MAX = 64
TIME_MAX_MS = 4_102_444_800_000  # the year 2100, as in the contract
FIELDS = {"bank_ref": str, "amount": int, "memo": str, "account": str, "at_ms": int}


class BadList(ValueError):
    """What came is no list of credits; the words say what it must be."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not kept, and why."""

    index: int
    why: str


class Posted(NamedTuple):
    """What became of a list."""

    new: int
    known: int
    bad: tuple[BadRow, ...]

    def as_json(self) -> dict[str, object]:
        """For the answer."""
        return {"new": self.new, "known": self.known, "bad": [asdict(each) for each in self.bad]}


def is_key(authorization: str, token: str) -> bool:
    """Whether an Authorization header carries the bearer token; compared in constant time."""
    return bool(token) and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def rows_of(body: bytes) -> list[object]:
    """Read the list. Raises BadList."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadList("send a JSON list of credits") from error
    if not isinstance(rows, list) or len(rows) > ROWS_MAX:
        raise BadList(f"send a JSON list of at most {ROWS_MAX} credits")
    return rows


def post_all(fleet: Committer, rows: list[object], now_ms: int) -> Posted:
    """Keep every good row, in one transaction."""
    read = [_credit_of(row, now_ms) for row in rows]

    def keep(store: Store) -> Posted:
        new = known = 0
        bad = []
        for index, credit in enumerate(read):
            if isinstance(credit, str):
                bad.append(BadRow(index, credit))
                continue
            try:
                is_new = money.post(store, credit)
            except Conflict as conflict:
                bad.append(BadRow(index, str(conflict)))
                continue
            new, known = new + is_new, known + (not is_new)
        return Posted(new, known, tuple(bad))

    return fleet.run(keep)


def _credit_of(row: object, now_ms: int) -> Credit | str:
    """The credit of a row, or what is wrong with it."""
    if not isinstance(row, dict) or row.keys() != FIELDS.keys():
        return f"a credit has exactly {', '.join(FIELDS)}"
    for name, kind in FIELDS.items():
        value = row[name]
        if type(value) is not kind:
            return f"{name} must be {'text' if kind is str else 'a whole number'}"
        if isinstance(value, str) and not (
            value.isprintable() and len(value) <= (money.MEMO_MAX if name == "memo" else TEXT_MAX)
        ):
            return f"{name} has characters that cannot be shown, or too many"
    if row["amount"] > AMOUNT_MAX_DONG or not 0 <= row["at_ms"] <= TIME_MAX_MS:
        return "amount or at_ms is out of range"
    try:
        return money.credit(**row, received_ms=now_ms, simulated=True)
    except ValueError as error:
        return str(error)
