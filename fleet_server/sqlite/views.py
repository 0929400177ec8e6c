"""What the console reads, in SQLite. Contract: `fleet_server.store`."""

# The port's comments are the contract; statements are put together from constants of these files alone.
# ruff: noqa: D102, S608

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_server.sqlite.folds import CREDIT, LINE, PAYMENT, SqliteFolds, line_of, payment_of
from fleet_server.sqlite.log import SqliteLog
from fleet_server.sqlite.registry import SqliteRegistry
from fleet_server.store import Credit, Payment, Seen, TimelineRow, Transaction

if TYPE_CHECKING:
    from fleet_server.store import Device, Station

_OF_STATION = "device IN (SELECT id FROM device WHERE station = ?)"


class SqliteViews(SqliteRegistry, SqliteLog, SqliteFolds):
    """Implements `fleet_server.store.Views` on top of the parts it reads."""

    def seen(self, station: str | None = None) -> list[Seen]:
        places = self.stations() if station is None else [place for place in [self.station(station)] if place]
        newest = {device.station: device for device in self.devices(station)}
        return [self._seen(place, newest.get(place.id)) for place in places]

    def _seen(self, place: Station, device: Device | None) -> Seen:
        if device is None:
            return Seen(place, None, None, None, None)
        last = self.last_values(device.id)
        head = self.head(device.id, last.journal) if last else None
        return Seen(place, device, head, last, self.station_state(device.id))

    def timeline(self, station: str, limit: int = 100) -> list[TimelineRow]:
        sql = f"{LINE} WHERE {_OF_STATION} ORDER BY position DESC LIMIT ?"
        return [line_of(row) for row in self.all(sql, station, limit)]

    def transactions(self, station: str, limit: int = 50) -> list[Transaction]:
        sql = (
            f"SELECT device, txn FROM timeline WHERE {_OF_STATION} AND txn IS NOT NULL"
            " GROUP BY device, txn ORDER BY max(position) DESC LIMIT ?"
        )
        return [self._transaction(device, txn) for device, txn in self.all(sql, station, limit)]

    def _transaction(self, device: bytes, txn: bytes) -> Transaction:
        rows = self.all(f"{LINE} WHERE device = ? AND txn = ? ORDER BY position", device, txn)
        lines = tuple(line_of(row) for row in rows)
        times = [line.created_ms for line in lines]
        return Transaction(device, txn, min(times), max(times), self.payment(device, txn), lines)

    def payments(self, limit: int = 200, building: str | None = None) -> list[Payment]:
        where = "" if building is None else " WHERE building = ?"
        args = () if building is None else (building,)
        sql = f"{PAYMENT}{where} ORDER BY created_ms DESC, device, txn LIMIT ?"
        return [payment_of(row) for row in self.all(sql, *args, limit)]

    def credits(self, limit: int = 200) -> list[Credit]:
        return [self.credit_of(row) for row in self.all(f"{CREDIT} ORDER BY at_ms DESC, bank_ref LIMIT ?", limit)]

    def unknown_credits(self, limit: int = 200) -> list[Credit]:
        sql = (
            f"{CREDIT} WHERE NOT EXISTS (SELECT 1 FROM credit_reference JOIN payment USING(reference)"
            " WHERE credit_reference.bank_ref = credit.bank_ref AND payment.payee_account = credit.account)"
            " ORDER BY at_ms DESC, bank_ref LIMIT ?"
        )
        return [self.credit_of(row) for row in self.all(sql, limit)]
