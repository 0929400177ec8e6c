"""Sets, settings, Desired, people and the audit log in SQLite. Contract: `fleet_server.store`."""

# The port's comments are the contract.
# ruff: noqa: D102

from __future__ import annotations

import json
from dataclasses import astuple
from typing import TYPE_CHECKING, cast

from device_profiles.wire import device_name
from fleet_server.sqlite.connected import Connected
from fleet_server.sqlite.folds import to_json
from fleet_server.store import SECRET_SETTINGS, AuditLine, Conflict, DesiredRow, Session, SetPointer, User, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

_USER = "SELECT name, secret, role, created_ms, disabled FROM user"


def _user(row: tuple[str, bytes, str, int, int]) -> User:
    return User(*row[:4], disabled=bool(row[4]))


class SqliteDesk(Connected):
    """Implements `fleet_server.store.Desk`."""

    def add_set(self, pointer: SetPointer, data: bytes, at_ms: int) -> bool:
        sql = "SELECT sha256 FROM signed_set WHERE name = ? AND version = ?"
        row = self.one(sql, pointer.name, pointer.version)
        if row is not None:
            if row[0] != pointer.sha256:
                raise Conflict(
                    f"set {pointer.name} version {pointer.version} has other bytes; sign it as the next version"
                )
            return False
        self.execute(
            "INSERT INTO signed_set(sha256, name, version, data, at_ms) VALUES (?, ?, ?, ?, ?)",
            pointer.sha256,
            pointer.name,
            pointer.version,
            data,
            at_ms,
        )
        return True

    def set_data(self, sha256: bytes) -> bytes | None:
        row = self.one("SELECT data FROM signed_set WHERE sha256 = ?", sha256)
        return row and bytes(row[0])

    def set_of(self, name: str, version: int) -> bytes | None:
        row = self.one("SELECT data FROM signed_set WHERE name = ? AND version = ?", name, version)
        return row and bytes(row[0])

    def newest_sets(self) -> list[SetPointer]:
        # SQLite: with a lone max(), bare columns come from the row that holds it (lang_select, "bare columns").
        sql = "SELECT name, max(version), length(data), sha256 FROM signed_set GROUP BY name ORDER BY name"
        return [SetPointer(*row) for row in self.all(sql)]

    def settings(self, scope: str) -> Mapping[str, object]:
        row = self.one("SELECT value FROM setting WHERE scope = ?", scope)
        return cast("dict[str, object]", json.loads(row[0])) if row else {}

    def put_settings(self, scope: str, values: Mapping[str, object], why: Why) -> None:
        if self.settings(scope) == values:
            return
        text = to_json(dict(values))
        self.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT(scope) DO UPDATE SET value = excluded.value", scope, text
        )
        told = {name: "set" if name in SECRET_SETTINGS else value for name, value in values.items()}
        self.log(scope, f"settings: {to_json(told)}", why)

    def desired(self, device: bytes) -> DesiredRow | None:
        row = self.one("SELECT device, rev, content, data, issued_ms FROM desired WHERE device = ?", device)
        return row and DesiredRow(*row)

    def put_desired(self, row: DesiredRow) -> None:
        kept = self.desired(row.device)
        if kept is not None and (row.rev < kept.rev or (row.rev == kept.rev and row.content != kept.content)):
            raise Conflict(
                f"Desired of {device_name(row.device)}: rev {row.rev} does not follow {kept.rev}; build it again"
            )
        self.execute("REPLACE INTO desired VALUES (?, ?, ?, ?, ?)", *astuple(row))

    def user(self, name: str) -> User | None:
        row = self.one(f"{_USER} WHERE name = ?", name)
        return row and _user(row)

    def users(self) -> list[User]:
        return [_user(row) for row in self.all(f"{_USER} ORDER BY name")]

    def put_user(self, user: User) -> None:
        self.execute(
            "INSERT INTO user VALUES (?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET secret = excluded.secret,"
            " role = excluded.role, disabled = excluded.disabled",
            *astuple(user),
        )
        if user.disabled:
            self.execute("DELETE FROM session WHERE user = ?", user.name)

    def add_session(self, session: Session) -> None:
        self.execute("DELETE FROM session WHERE expires_ms <= ?", session.created_ms)
        self.execute("INSERT INTO session VALUES (?, ?, ?, ?)", *astuple(session))

    def session(self, token_sha256: bytes, now_ms: int) -> Session | None:
        row = self.one(
            "SELECT token_sha256, user, session.created_ms, expires_ms FROM session JOIN user ON user.name = user"
            " WHERE token_sha256 = ? AND expires_ms > ? AND NOT disabled",
            token_sha256,
            now_ms,
        )
        return row and Session(*row)

    def end_session(self, token_sha256: bytes) -> None:
        self.execute("DELETE FROM session WHERE token_sha256 = ?", token_sha256)

    def audit(self, at_ms: int, person: str, action: str, subject: str = "", detail: str = "") -> None:
        self.execute(
            "INSERT INTO audit_log(at_ms, person, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
            at_ms,
            person,
            action,
            subject,
            detail,
        )

    def audit_log(self, limit: int = 200) -> list[AuditLine]:
        sql = "SELECT number, at_ms, person, action, subject, detail FROM audit_log ORDER BY number DESC LIMIT ?"
        return [AuditLine(*row) for row in self.all(sql, limit)]
