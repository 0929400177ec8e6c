"""The journal: append, read after, prune. One SQLite file holds every record and, beside it, the clear state table.

`append` returns only when the record (and what is to be remembered with it) is on disk: WAL, synchronous FULL, one
transaction. The chain of digests is checked whole at every start. The newest record is never pruned, so the tip is
always read from the records themselves. Nothing here seals, sends or decides what to keep.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.cbor import WireError, decode, encode
from device_profiles.wire import Header, digest, genesis, record_decode, record_encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)
SCHEMA_VERSION = 1
PAGE_BYTES = 1024  # half the bytes written per append of 4096-byte pages, at the same speed (bench/)
STATE_MAX_BYTES = 64 * 1024


class JournalFault(Exception):
    """The journal cannot be written or read (disk full, I/O error): what hung on it did not happen."""


class JournalBroken(Exception):
    """The chain does not hold: a byte flipped, a record missing, moved or doubled. Keep the file; begin a new one."""


class Stamp(NamedTuple):
    """When: wall clock (UTC ms) and its quality, boot counter, ms since boot."""

    created_ms: int
    quality: int
    boot: int
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a record is sealed: `key` and `suite` for its header (as in wire.Header) and the function that seals."""

    key: int | bytes
    suite: int | None
    seal: Callable[[bytes], bytes]


class Journal:
    """One open journal. Use `Journal.open`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, device: bytes, epoch: int, journal: bytes) -> None:
        self._db, self.path = connection, path
        self.device, self.epoch, self.journal = device, epoch, journal
        self.genesis = genesis(device, epoch, journal)
        self.next, self.tip = 0, self.genesis
        self.first_held = 0

    @classmethod
    def open(cls, path: Path, device: bytes, epoch: int) -> Journal:
        """Open or create the file, migrate it, check the chain.

        Raises JournalFault (cannot be opened), JournalBroken (opened, but damaged or of another device).
        """
        try:
            fresh = not path.exists()
            db = sqlite3.connect(path, isolation_level=None, cached_statements=16)
            if fresh:
                db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "temp_store = MEMORY", "cache_size = -512"):
                db.execute(f"PRAGMA {pragma}")
            # Wrappers are known to lower `synchronous`: what a slip promises hangs on it, so it is asked back.
            assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # noqa: S101
            if db.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
                _migrate(db)
            found = dict(db.execute("SELECT name, value FROM identity"))
            if not found:
                found = {"device": device, "epoch": epoch, "journal": secrets.token_bytes(16)}
                with _transaction(db):
                    db.executemany("INSERT INTO identity (name, value) VALUES (?, ?)", found.items())
        except sqlite3.DatabaseError as error:
            broken = type(error) is sqlite3.DatabaseError  # "file is not a database", "malformed"
            raise (JournalBroken if broken else JournalFault)(f"{path.name}: {error}") from error
        if (found["device"], found["epoch"]) != (device, epoch):
            db.close()
            raise JournalBroken(f"{path.name} belongs to another device or enrolment")
        journal = cls(db, path, device, epoch, found["journal"])
        try:
            journal._check_chain()
            journal.state()
        except (JournalBroken, sqlite3.DatabaseError) as error:
            db.close()
            raise JournalBroken(f"{path.name}: {error}") from error
        return journal

    def _check_chain(self) -> None:
        expected: bytes | None = None
        for seq, data in self._db.execute("SELECT seq, data FROM record ORDER BY seq"):
            try:
                header, _, _ = record_decode(data)
            except WireError as error:
                raise JournalBroken(f"record {seq} is damaged ({error})") from error
            if expected is None:
                self.first_held = self.next = seq
                expected = header.prev if seq else self.genesis
            same = (header.device, header.epoch, header.journal) == (self.device, self.epoch, self.journal)
            if not same or header.seq != seq or seq != self.next or header.prev != expected:
                raise JournalBroken(f"the chain does not hold at record {seq}")
            expected = self.tip = digest(data)
            self.next = seq + 1

    def append(
        self,
        sealing: Sealing,
        stamp: Stamp,
        *,
        order: int = 1,
        txn: bytes | None = None,
        remember: Mapping[str, object] | None = None,
    ) -> int:
        """Commit one record and what is to be remembered with it; give its seq.

        Raises JournalFault: then nothing happened.
        """
        header = Header(
            device=self.device,
            epoch=self.epoch,
            journal=self.journal,
            seq=self.next,
            prev=self.tip,
            created_ms=stamp.created_ms,
            quality=stamp.quality,
            key=sealing.key,
            suite=sealing.suite,
            order=order,
            txn=txn,
            boot=stamp.boot,
            mono_ms=stamp.mono_ms,
        ).encode()
        record = record_encode(header, sealing.seal(header))
        seq = self.next
        try:
            if remember:
                with _transaction(self._db):
                    self._db.execute("INSERT INTO record (seq, data) VALUES (?, ?)", (seq, record))
                    self._remember(remember)
            else:
                self._db.execute("INSERT INTO record (seq, data) VALUES (?, ?)", (seq, record))
        except sqlite3.Error as error:
            raise JournalFault(f"record {seq} could not be written: {error}") from error
        self.next, self.tip = seq + 1, digest(record)
        return seq

    def remember(self, values: Mapping[str, object]) -> None:
        """Write names of the state table (None deletes). Raises JournalFault."""
        try:
            with _transaction(self._db):
                self._remember(values)
        except sqlite3.Error as error:
            raise JournalFault(f"state could not be written: {error}") from error

    def _remember(self, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            if value is None:
                self._db.execute("DELETE FROM state WHERE name = ?", (name,))
            else:
                self._db.execute("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", (name, encode(value)))

    def state(self) -> dict[str, object]:
        """The whole state table, but for values that are damaged: those are named in the log."""
        return readable(self._db.execute("SELECT name, value FROM state"))

    def after(self, first: int, count_max: int, size_max_bytes: int) -> list[bytes]:
        """The records from seq `first` on, as stored; at most `count_max`, and `size_max_bytes` in all."""
        found: list[bytes] = []
        size = 0
        for (data,) in self._db.execute(
            "SELECT data FROM record WHERE seq >= ? ORDER BY seq LIMIT ?", (first, count_max)
        ):
            size += len(data)
            if found and size > size_max_bytes:
                break
            found.append(data)
        return found

    def digest_before(self, seq: int) -> bytes | None:
        """The digest of record seq-1 (the genesis value for 0); None where that record is not held."""
        if seq == 0:
            return self.genesis
        if seq == self.next:
            return self.tip
        row = self._db.execute("SELECT data FROM record WHERE seq = ?", (seq - 1,)).fetchone()
        if row:
            return digest(row[0])
        row = self._db.execute("SELECT data FROM record WHERE seq = ?", (seq,)).fetchone()
        return record_decode(row[0])[0].prev if row else None

    def prune(self, before: int) -> int:
        """Delete the records below `before`, but never the newest; give how many went. Raises JournalFault."""
        try:
            gone = self._db.execute("DELETE FROM record WHERE seq < ?", (min(before, self.next - 1),)).rowcount
        except sqlite3.Error as error:
            raise JournalFault(f"could not prune: {error}") from error
        self.first_held = max(self.first_held, min(before, self.next - 1))
        return gone

    def room_bytes(self) -> int:
        """How much the journal can still take: what the disk has free, and what its own file may still grow to."""
        try:
            disk = os.statvfs(self.path.parent)
            pages = [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("max_page_count", "page_count")]
            free = self._db.execute("PRAGMA freelist_count").fetchone()[0]
        except (OSError, sqlite3.Error):
            return 0
        own: int = (pages[0] - pages[1] + free) * PAGE_BYTES
        return min(disk.f_bavail * disk.f_frsize, own)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def readable(rows: Iterable[tuple[str, bytes]]) -> dict[str, object]:
    """Decode what of a state table can be decoded: one flipped byte must not keep a station from starting."""
    found: dict[str, object] = {}
    for name, value in rows:
        try:
            found[name] = decode(value, STATE_MAX_BYTES)
        except WireError as error:
            log.error("%s in the state table is damaged (%s) and left out", name, error)  # noqa: TRY400  the words say all
    return found


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _migrate(db: sqlite3.Connection) -> None:
    """Bring an older file to SCHEMA_VERSION. sqlite-utils is imported only here: it costs 14 MB of memory."""
    import sqlite_utils

    tables = sqlite_utils.Database(db).table
    with _transaction(db):
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            tables("identity").create({"name": str, "value": bytes}, pk="name")
            tables("record").create({"seq": int, "data": bytes}, pk="seq", not_null={"data"})
            tables("state").create({"name": str, "value": bytes}, pk="name", not_null={"value"})
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
