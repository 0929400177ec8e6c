"""What the console reads, in SQLite. Contract: `fleet_server.store`."""

# The port's comments are the contract; statements are put together from constants of these files alone.
# ruff: noqa: D102, S608

from __future__ import annotations

from typing import Any

from fleet_server.sqlite.dossiers import SqliteDossiers
from fleet_server.sqlite.folds import CREDIT, LINE, PAYMENT, SqliteFolds, line_of, payment_of, state_of
from fleet_server.sqlite.log import SqliteLog, last_values_of
from fleet_server.sqlite.registry import SqliteRegistry, station_of
from fleet_server.store import Credit, Device, Head, Payment, Seen, TimelineRow, Transaction

_OF_STATION = "device IN (SELECT id FROM device WHERE station = ?)"
_SEEN = (
    "SELECT station.id, title, building, ward, profile, live,"
    " device.id, device.station, device.epoch, spki, kid, device.status, serial, enrolled_ms, hardware,"
    " head.device, head.epoch, head.journal, next, digest, CASE WHEN (SELECT value FROM mark WHERE name ="
    " 'keeps_backups') THEN durable_next ELSE next END,"
    " last_value.device, last_value.journal, last_value.boot, mono_ms, time_ms, quality, newest, last_value.status,"
    " received_ms, station_state.*"
    " FROM station LEFT JOIN device ON device.station = station.id"
    " AND device.epoch = (SELECT max(newer.epoch) FROM device newer WHERE newer.station = station.id)"
    " LEFT JOIN last_value ON last_value.device = device.id"
    " LEFT JOIN head ON head.device = device.id AND head.journal = last_value.journal"
    " LEFT JOIN station_state ON station_state.device = device.id"
)


def _seen(row: tuple[Any, ...]) -> Seen:
    """One row of _SEEN: five rows side by side, all but the first perhaps missing."""
    station, device, head, last, state = row[:6], row[6:15], row[15:21], row[21:30], row[30:]
    return Seen(
        station_of(station),
        None if device[0] is None else Device(*device),
        None if head[0] is None else Head(*head),
        None if last[0] is None else last_values_of(last),
        None if state[0] is None else state_of(state),
    )


class SqliteViews(SqliteRegistry, SqliteLog, SqliteFolds, SqliteDossiers):
    """Implements `fleet_server.store.Views` on top of the parts it reads."""

    def seen(self, station: str | None = None) -> list[Seen]:
        where = "" if station is None else " WHERE station.id = ?"
        args = () if station is None else (station,)
        return [_seen(row) for row in self.all(f"{_SEEN}{where} ORDER BY station.id", *args)]

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
        payment, filed = self.payment(device, txn), self.filed(device, txn)
        return Transaction(device, txn, min(times), max(times), payment, lines, filed)

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
