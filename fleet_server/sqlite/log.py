"""The log of sealed records, heads, last values, side store and refusals in SQLite. Contract: `fleet_server.store`."""

# The port's comments are the contract; statements are put together from constants of these files alone.
# ruff: noqa: D102, S608

from __future__ import annotations

import secrets
from dataclasses import astuple, replace
from typing import TYPE_CHECKING

from device_profiles.cbor import decode, encode
from fleet_server.sqlite.connected import Connected
from fleet_server.store import Head, LastValues, LogRow, Refusal, SideRow

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = (
    "SELECT device, epoch, journal, next, digest, CASE WHEN (SELECT value FROM mark WHERE name = 'keeps_backups')"
    " THEN durable_next ELSE next END FROM head"
)
_ROW = (
    "SELECT record.position, head.device, head.epoch, head.journal, record.seq, record.digest, record.record,"
    " record.received_ms FROM record JOIN head ON head.id = record.head"
)
_STATUS_MAX_BYTES = 16 * 1024


class SqliteLog(Connected):
    """Implements `fleet_server.store.Log`."""

    def lineage(self) -> bytes:
        return bytes(self.one("SELECT id FROM lineage ORDER BY number DESC LIMIT 1")[0])

    def new_lineage(self, at_ms: int) -> bytes:
        drawn = secrets.token_bytes(16)
        self.execute("INSERT INTO lineage(id, at_ms) VALUES (?, ?)", drawn, at_ms)
        return drawn

    def keeps_backups(self) -> bool:
        return bool(self._mark("keeps_backups"))

    def set_keeps_backups(self, keeps: bool) -> None:  # noqa: FBT001 - a setting's value
        self._put_mark("keeps_backups", int(keeps))

    def _mark(self, name: str) -> int | None:
        row = self.one("SELECT value FROM mark WHERE name = ?", name)
        return row and int(row[0])

    def _put_mark(self, name: str, value: int) -> None:
        self.execute(
            "INSERT INTO mark VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", name, value
        )

    def head(self, device: bytes, journal: bytes) -> Head | None:
        row = self.one(f"{_HEAD} WHERE device = ? AND journal = ?", device, journal)
        return row and Head(*row)

    def heads(self, device: bytes | None = None) -> list[Head]:
        where = "" if device is None else " WHERE device = ?"
        args = () if device is None else (device,)
        return [Head(*row) for row in self.all(f"{_HEAD}{where} ORDER BY id", *args)]

    def append(self, head: Head, rows: Sequence[LogRow]) -> None:
        (number,) = self.one(
            "INSERT INTO head(device, epoch, journal, next, digest) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT(device, journal) DO UPDATE SET next = excluded.next, digest = excluded.digest RETURNING id",
            head.device,
            head.epoch,
            head.journal,
            head.next,
            head.digest,
        )
        self._connection.executemany(
            "INSERT INTO record(head, seq, digest, record, received_ms) VALUES (?, ?, ?, ?, ?)",
            [(number, row.seq, row.digest, row.record, row.received_ms) for row in rows],
        )

    def set_durable(self, heads: Sequence[Head], at_ms: int) -> None:
        self._connection.executemany(
            "UPDATE head SET durable_next = max(durable_next, min(next, ?)) WHERE device = ? AND journal = ?",
            [(head.next, head.device, head.journal) for head in heads],
        )
        self._put_mark("backup_ms", at_ms)

    def backup_ms(self) -> int | None:
        return self._mark("backup_ms")

    def digests(self, device: bytes, journal: bytes, first: int, count: int) -> list[bytes]:
        sql = (
            "SELECT record.digest FROM head JOIN record ON record.head = head.id WHERE head.device = ?"
            " AND head.journal = ? AND record.seq >= ? AND record.seq < ? ORDER BY record.seq"
        )
        return [row[0] for row in self.all(sql, device, journal, first, first + count)]

    def record_at(self, device: bytes, journal: bytes, seq: int) -> bytes | None:
        row = self.one(
            "SELECT record.record FROM head JOIN record ON record.head = head.id WHERE head.device = ?"
            " AND head.journal = ? AND record.seq = ?",
            device,
            journal,
            seq,
        )
        return row and bytes(row[0])

    def after(self, position: int, limit: int) -> list[LogRow]:
        sql = f"{_ROW} WHERE record.position > ? ORDER BY record.position LIMIT ?"
        return [LogRow(*row) for row in self.all(sql, position, limit)]

    def cursor(self, name: str) -> int:
        row = self.one("SELECT position FROM cursor WHERE name = ?", name)
        return int(row[0]) if row else 0

    def put_cursor(self, name: str, position: int) -> None:
        self.execute(
            "INSERT INTO cursor VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET position = excluded.position",
            name,
            position,
        )

    def last_values(self, device: bytes) -> LastValues | None:
        row = self.one(
            "SELECT device, journal, boot, mono_ms, time_ms, quality, newest, status, received_ms FROM last_value"
            " WHERE device = ?",
            device,
        )
        return row and last_values_of(row)

    def put_last_values(self, last: LastValues) -> None:
        self.execute(
            "REPLACE INTO last_value(device, journal, boot, mono_ms, time_ms, quality, newest, status, received_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            last.device,
            last.journal,
            last.boot,
            last.mono_ms,
            last.time_ms,
            last.quality,
            last.newest,
            encode(dict(last.status)),
            last.received_ms,
        )

    def add_side(self, rows: Sequence[SideRow]) -> None:
        self._connection.executemany(
            "INSERT INTO side(device, epoch, journal, seq, digest, record, reason, received_ms, attached)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(device, journal, seq, digest)"
            " DO UPDATE SET attached = 1 WHERE excluded.attached AND NOT attached",
            [astuple(row) for row in rows],
        )

    def side_attached(self, device: bytes, journal: bytes, seq: int, digest: bytes) -> bool:
        sql = "SELECT 1 FROM side WHERE device = ? AND journal = ? AND seq = ? AND digest = ? AND attached"
        return self.one(sql, device, journal, seq, digest) is not None

    def side_count(self, device: bytes) -> int:
        return int(self.one("SELECT count(*) FROM side WHERE device = ?", device)[0])

    def side(self, device: bytes | None = None, limit: int = 200) -> list[SideRow]:
        where = "" if device is None else " WHERE device = ?"
        args = () if device is None else (device,)
        sql = f"SELECT device, epoch, journal, seq, digest, record, reason, received_ms, attached FROM side{where}"
        rows = self.all(f"{sql} ORDER BY number DESC LIMIT ?", *args, limit)
        return [replace(SideRow(*row), attached=bool(row[8])) for row in rows]

    def count_refusal(self, reason: str, device: bytes | None, example: str, at_ms: int) -> None:
        self.execute(
            "INSERT INTO refusal VALUES (?1, ?2, 1, ?4, ?4, ?3) ON CONFLICT(reason, device) DO UPDATE SET"
            " count = count + 1, last_ms = excluded.last_ms, example = excluded.example",
            reason,
            device or b"",
            example,
            at_ms,
        )

    def refusals(self) -> list[Refusal]:
        sql = "SELECT reason, nullif(device, x''), count, first_ms, last_ms, example FROM refusal"
        return [Refusal(*row) for row in self.all(f"{sql} ORDER BY last_ms DESC, reason, device")]


def last_values_of(row: tuple[bytes, bytes, int, int, int, int, int, bytes, int]) -> LastValues:
    """A row of `last_value` as a value."""
    status = decode(row[7], _STATUS_MAX_BYTES)
    assert isinstance(status, dict)  # noqa: S101 - we wrote it
    return LastValues(*row[:7], status, row[8])
