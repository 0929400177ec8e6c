"""Backups of the fleet's database, and starting again from one. Decides when a backup counts; not when one is made.

A backup is made while the fleet runs (SQLite's backup API, one consistent moment), under a temporary name, fsynced,
opened again and checked. Only then it gets its own name, and only then `durable_next` moves to what it holds: from
that moment stations may prune. A restored database draws a new lineage, so every station sees that the fleet went back
and sends again what is missing. Always restore the newest backup: older ones lack what stations have pruned since.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from fleet_server.sqlite.log import SqliteLog
from fleet_server.store_sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from fleet_server.store import Committer, Head

# Numbers are unique per journal and not negative, so their count and the last digest tell that none is missing.
_HOLES = (
    "SELECT count(*) FROM head WHERE next <> (SELECT count(*) FROM record WHERE head = head.id)"
    " OR digest IS NOT (SELECT digest FROM record WHERE head = head.id AND seq = head.next - 1)"
)


class BackupRefused(Exception):
    """A backup that could not be made, checked or restored; the words name the file and the remedy."""


def backup(fleet: Committer, database: Path, target: Path, now_ms: int) -> int:
    """Write a checked backup of `database` to `target` and move durable_next to it; give how many journals it holds.

    fleet: the running server's writer. Raises BackupRefused when `target` exists or the copy does not check out (then
    nothing moved and no file is left), OSError, sqlite3.Error.
    """
    if target.exists():
        raise BackupRefused(f"{target} exists: name every backup by its time")
    part = _fresh(target)
    try:
        _copy(database, part)
        heads = verify(part)
        part.rename(target)
    finally:
        _remove(part)
    _sync(target.parent)
    fleet.run(lambda store: store.set_durable(heads, now_ms))
    return len(heads)


def verify(path: Path) -> list[Head]:
    """Open a backup and check all of it; give the heads it holds. Raises BackupRefused naming what is wrong."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if found != ["ok"]:
                raise BackupRefused(f"{path} is damaged: {'; '.join(found)}; make another one, on another disk")
            (holes,) = connection.execute(_HOLES).fetchone()
            if holes:
                raise BackupRefused(f"{path}: {holes} journals are not what their heads say; look into the database")
            return SqliteLog(connection).heads()
        except sqlite3.DatabaseError as error:
            raise BackupRefused(f"{path} is no backup of a fleet: {error}") from error


def restore(source: Path, database: Path, now_ms: int) -> bytes:
    """Make `database` from a checked backup; give the new lineage. The server must not run.

    Raises BackupRefused when a database stands there already, or the backup does not check out.
    """
    standing = [path for path in _files(database) if path.exists()]
    if standing:
        raise BackupRefused(f"{standing[0]} exists: move it away first, it may hold records that no backup has")
    verify(source)
    part = _fresh(database)
    _copy(source, part)
    # The new lineage is drawn before the file gets its name: a server can never start on the old one.
    with closing(SqliteStore.open(part)) as store:
        lineage = store.run(lambda each: each.new_lineage(now_ms))
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    _sync(part)
    part.rename(database)
    _sync(database.parent)
    return lineage


def _files(database: Path) -> list[Path]:
    return [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def _remove(database: Path) -> None:
    """A log left beside a new database would be replayed into it: they go together."""
    for path in _files(database):
        path.unlink(missing_ok=True)


def _fresh(database: Path) -> Path:
    """The name a database is made under before it gets its own; whatever an earlier try left there is gone."""
    part = database.with_name(database.name + ".part")
    _remove(part)
    return part


def _copy(source: Path, target: Path) -> None:
    """One consistent copy of a database that may be in use, on disk when this returns."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        # All pages in one step: in WAL mode this holds no writer up, and none can make it begin again.
        read.backup(written, pages=-1)
        written.execute("PRAGMA journal_mode = DELETE")
    target.chmod(0o600)
    _sync(target)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
