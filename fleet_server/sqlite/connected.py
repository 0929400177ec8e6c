"""One SQLite connection and the few words the parts of the store speak to it. Opens and commits nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    from fleet_server.store import Why


class Connected:
    """A part of the store on a connection that somebody else opened and will close."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        """Run one statement; values only ever go in as parameters."""
        return self._connection.execute(sql, args)

    def one(self, sql: str, *args: Any) -> Any:
        """The first row, or None."""
        return self._connection.execute(sql, args).fetchone()

    def all(self, sql: str, *args: Any) -> list[Any]:
        """All rows."""
        return self._connection.execute(sql, args).fetchall()

    def log(self, subject: str, what: str, why: Why) -> None:
        """Add a line to the append-only registry log."""
        self.execute(
            "INSERT INTO registry_log(at_ms, person, reason, subject, what) VALUES (?, ?, ?, ?, ?)",
            why.at_ms,
            why.person,
            why.reason,
            subject,
            what,
        )
