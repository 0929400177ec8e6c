"""The Store on SQLite: opens the file, asserts what durability rests on, commits. Rules and tables stand elsewhere.

WAL with `synchronous=FULL`: a commit that returned survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
Both are set and read back at every opening, because some wrappers and builds lower them in silence. One process holds
one writing connection; readers have connections of their own that refuse to write.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from fleet_server.schema import migrate
from fleet_server.sqlite.desk import SqliteDesk
from fleet_server.sqlite.views import SqliteViews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fleet_server.store import Store

T = TypeVar("T")
BUSY_TIMEOUT_S = 10.0
SYNCHRONOUS_FULL = 2


class StoreRefused(Exception):
    """The database cannot be opened as durably as the fleet promises; the words name the file and the remedy."""


class SqliteStore(SqliteViews, SqliteDesk):
    """The whole Store on one connection; a Committer and a Reader for whoever lives in one thread."""

    @classmethod
    def open(cls, path: Path) -> SqliteStore:
        """Open for writing; makes the file and brings its schema up to date. Raises StoreRefused, sqlite3.Error."""
        store = cls(_connect(path))
        try:
            migrate(store._connection)
        except sqlite3.Error:
            store.close()
            raise
        return store

    @classmethod
    def open_read(cls, path: Path) -> SqliteStore:
        """Open an existing database to read only."""
        if not path.is_file():
            raise StoreRefused(f"{path} does not exist: start the fleet server once, or restore a backup")
        connection = _connect(path)
        connection.execute("PRAGMA query_only = ON")
        return cls(connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, durably, or undo all of it if an exception leaves."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of a transaction that is undone alone if an exception leaves it."""
        self._connection.execute("SAVEPOINT part")
        done = False
        try:
            yield
            done = True
        finally:
            # A full disk may have undone the whole transaction already; then there is nothing left to undo here.
            if self._connection.in_transaction:
                if not done:
                    self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction still stands (a full disk undoes it as a whole)."""
        return self._connection.in_transaction

    def run(self, fn: Callable[[Store], T]) -> T:
        """Committer: one transaction for `fn`."""
        with self.transaction():
            return fn(self)

    def read(self, fn: Callable[[Store], T]) -> T:
        """Reader: one consistent moment for `fn`."""
        self._connection.execute("BEGIN")
        try:
            return fn(self)
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file; what was not committed did not happen."""
        self._connection.close()


class SqliteReaders:
    """Reader: hands every call a read-only connection of its own and keeps it for the next one.

    May be used from any thread. Opens as many connections as calls ever ran at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[SqliteStore] = deque()

    def read(self, fn: Callable[[Store], T]) -> T:
        """Run `fn` on one consistent moment; a write in it raises sqlite3.OperationalError."""
        try:
            store = self._idle.pop()
        except IndexError:
            store = SqliteStore.open_read(self._path)
        try:
            return store.read(fn)
        finally:
            self._idle.append(store)

    def close(self) -> None:
        """Close what is idle; call it when no thread reads any more."""
        while self._idle:
            self._idle.pop().close()


def assert_durable(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreRefused unless a commit on this connection survives a power cut."""
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if journal != "wal" or synchronous != SYNCHRONOUS_FULL:
        raise StoreRefused(
            f"{path}: journal_mode={journal}, synchronous={synchronous}; must be wal and {SYNCHRONOUS_FULL} (FULL)."
            " Put the database on a local disk that supports WAL."
        )


def _connect(path: Path) -> sqlite3.Connection:
    # check_same_thread is off because a connection is handed from thread to thread, never used by two at once.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        assert_durable(connection, path)
    except (sqlite3.Error, StoreRefused):
        connection.close()
        raise
    return connection
