"""Projections, quarantine and bank credits in SQLite. Contract: `fleet_server.store`."""

# The port's comments are the contract; statements are put together from constants of these files alone.
# ruff: noqa: D102, S608

from __future__ import annotations

import json
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from fleet_server.sqlite.connected import Connected
from fleet_server.store import OPENER_CURSOR, Conflict, Credit, Payment, QuarantineRow, StationState, TimelineRow

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATE = (
    "SELECT device, version, boot, started_ms, journals, journal_reason, desired_rev, desired_result, desired_reason,"
    " peripherals, sets, visits, slips FROM station_state"
)
PAYMENT = (
    "SELECT device, txn, created_ms, quality, service, biller, building, unit, period, bill, owner, amount, due,"
    " payee_bin, payee_account, reference, code, online, expires_ms, said, said_reason, said_ms, state, reason,"
    " credited_ms FROM payment"
)
CREDIT = "SELECT bank_ref, amount, memo, account, at_ms, received_ms, simulated FROM credit"
LINE = "SELECT position, device, txn, seq, kind, created_ms, quality, received_ms, facts FROM timeline"


def to_json(value: object) -> str:
    """One text for one value, so that equal rows are equal bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def payment_of(row: Sequence[Any]) -> Payment:
    """A row of PAYMENT as a value."""
    values = list(row)
    values[17] = bool(values[17])
    return Payment(*values)


def line_of(row: Sequence[Any]) -> TimelineRow:
    """A row of LINE as a value."""
    values = [*row[:8], json.loads(row[8])]
    return TimelineRow(*values)


def state_of(row: Sequence[Any]) -> StationState:
    """A row of `station_state` as a value."""
    values = [*row[:9], *(json.loads(text) for text in row[9:])]
    return StationState(*values)


class SqliteFolds(Connected):
    """Implements `fleet_server.store.Folds`."""

    def drop_folds(self) -> None:
        for table in ("quarantine", "station_state", "timeline", "payment", "dossier"):
            self.execute(f"DELETE FROM {table}")
        self.execute("DELETE FROM cursor WHERE name = ?", OPENER_CURSOR)

    def quarantine(self, row: QuarantineRow) -> None:
        self.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(position) DO NOTHING", *astuple(row)
        )

    def quarantined(self, limit: int = 200) -> list[QuarantineRow]:
        sql = "SELECT position, device, journal, seq, kind, reason, detail, received_ms FROM quarantine"
        return [QuarantineRow(*row) for row in self.all(f"{sql} ORDER BY position DESC LIMIT ?", limit)]

    def station_state(self, device: bytes) -> StationState | None:
        row = self.one(f"{_STATE} WHERE device = ?", device)
        return row and state_of(row)

    def put_station_state(self, state: StationState) -> None:
        self.execute(
            "REPLACE INTO station_state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *astuple(state)[:9],
            to_json(state.peripherals),
            to_json(state.sets),
            to_json(state.visits),
            to_json(state.slips),
        )

    def add_line(self, row: TimelineRow) -> None:
        self.execute(
            "INSERT INTO timeline VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(position) DO NOTHING",
            *astuple(row)[:8],
            to_json(row.facts),
        )

    def payment(self, device: bytes, txn: bytes) -> Payment | None:
        row = self.one(f"{PAYMENT} WHERE device = ? AND txn = ?", device, txn)
        return row and payment_of(row)

    def put_payment(self, payment: Payment) -> None:
        places = ", ".join("?" * 25)
        self.execute(f"REPLACE INTO payment VALUES ({places})", *astuple(payment))

    def payments_of_reference(self, reference: str) -> list[Payment]:
        return [payment_of(row) for row in self.all(f"{PAYMENT} WHERE reference = ? ORDER BY device, txn", reference)]

    def payments_of_bill(self, building: str, bill: bytes) -> list[Payment]:
        sql = f"{PAYMENT} WHERE building = ? AND bill = ? ORDER BY device, txn"
        return [payment_of(row) for row in self.all(sql, building, bill)]

    def payments_of_code(self, code: str) -> list[Payment]:
        return [payment_of(row) for row in self.all(f"{PAYMENT} WHERE code = ? ORDER BY device, txn", code)]

    def add_credit(self, credit: Credit) -> bool:
        row = self.one(f"{CREDIT} WHERE bank_ref = ?", credit.bank_ref)
        if row is not None:
            kept = self.credit_of(row)
            if (kept.amount, kept.memo, kept.account, kept.at_ms) != (
                credit.amount,
                credit.memo,
                credit.account,
                credit.at_ms,
            ):
                raise Conflict(
                    f"bank reference {credit.bank_ref} is kept with other content; ask the bank which is true"
                )
            return False
        self.execute(
            "INSERT INTO credit VALUES (?, ?, ?, ?, ?, ?, ?)",
            credit.bank_ref,
            credit.amount,
            credit.memo,
            credit.account,
            credit.at_ms,
            credit.received_ms,
            credit.simulated,
        )
        self._connection.executemany(
            "INSERT INTO credit_reference VALUES (?, ?, ?)",
            [(reference, credit.bank_ref, place) for place, reference in enumerate(credit.references)],
        )
        return True

    def credits_of_reference(self, reference: str) -> list[Credit]:
        sql = (
            f"{CREDIT} WHERE bank_ref IN (SELECT bank_ref FROM credit_reference WHERE reference = ?)"
            " ORDER BY at_ms, bank_ref"
        )
        return [self.credit_of(row) for row in self.all(sql, reference)]

    def credit_of(self, row: Sequence[Any]) -> Credit:
        """A row of CREDIT as a value, with the references its memo may name."""
        found = self.all("SELECT reference FROM credit_reference WHERE bank_ref = ? ORDER BY place", row[0])
        values = [*row[:5], tuple(each[0] for each in found), row[5], bool(row[6])]
        return Credit(*values)
