"""Dossiers and what offices decided of them in SQLite. Contract: `fleet_server.store`."""

# The port's comments are the contract; statements are put together from constants of these files alone.
# ruff: noqa: D102, S608

from __future__ import annotations

import json
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from fleet_server.sqlite.connected import Connected
from fleet_server.sqlite.folds import to_json
from fleet_server.store import Conflict, Dossier, DossierCount, DossierWord, Filed

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS = (
    "dossier.device, dossier.txn, position, created_ms, quality, received_ms, service, form, catalogue, code, ward,"
    " identity, urgent, deadline_ms, language, online, answers, sources, faults, seen, seen_official, seen_ms"
)
_WIDTH = 22
_NEWEST_WORD = (
    "LEFT JOIN dossier_word word ON word.number = (SELECT max(newer.number) FROM dossier_word newer"
    " WHERE newer.device = dossier.device AND newer.txn = dossier.txn)"
)
_FILED = (
    f"SELECT {_COLUMNS}, word.device, word.txn, word.state, word.official, word.words, word.person, word.at_ms"
    f" FROM dossier {_NEWEST_WORD}"
)
_OF_STATION = "AND dossier.device IN (SELECT id FROM device WHERE station = ?)"


def _dossier(row: Sequence[Any]) -> Dossier:
    values = list(row)
    values[12], values[15], values[17] = bool(row[12]), bool(row[15]), json.loads(row[17])
    return Dossier(*values)


def _filed(row: Sequence[Any]) -> Filed:
    word = row[_WIDTH:]
    return Filed(_dossier(row[:_WIDTH]), None if word[0] is None else DossierWord(*word))


class SqliteDossiers(Connected):
    """Implements `fleet_server.store.Dossiers`, and the dossiers of `fleet_server.store.Folds`."""

    def dossier(self, device: bytes, txn: bytes) -> Dossier | None:
        row = self.one(f"SELECT {_COLUMNS} FROM dossier WHERE device = ? AND txn = ?", device, txn)
        return row and _dossier(row)

    def put_dossier(self, dossier: Dossier) -> None:
        values = list(astuple(dossier))
        values[17] = to_json(dict(dossier.sources))
        self.execute(f"REPLACE INTO dossier VALUES ({', '.join('?' * _WIDTH)})", *values)

    def filed(self, device: bytes, txn: bytes) -> Filed | None:
        row = self.one(f"{_FILED} WHERE dossier.device = ? AND dossier.txn = ?", device, txn)
        return row and _filed(row)

    def filed_under(self, code: str) -> list[Filed]:
        rows = self.all(f"{_FILED} WHERE code = ? ORDER BY dossier.device, dossier.txn", code)
        return [_filed(row) for row in rows]

    def add_dossier_word(self, word: DossierWord) -> bool:
        newest = self.one(
            "SELECT state, official, words FROM dossier_word WHERE device = ? AND txn = ? ORDER BY number DESC LIMIT 1",
            word.device,
            word.txn,
        )
        if newest == (word.state, word.official, word.words):
            return False
        others = "SELECT 1 FROM dossier_word WHERE official = ? AND official != '' AND (device, txn) != (?, ?)"
        if self.one(others, word.official, word.device, word.txn):
            raise Conflict(f"official code {word.official} is another dossier's; read it again on the receipt")
        self.execute(
            "INSERT INTO dossier_word(device, txn, state, official, words, person, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *astuple(word),
        )
        return True

    def dossiers_waiting(self, limit: int = 200, station: str | None = None) -> list[Filed]:
        order = "urgent DESC, deadline_ms IS NULL, deadline_ms, created_ms, dossier.device, dossier.txn"
        return self._filed_where("word.number IS NULL", order, limit, station)

    def dossiers_decided(self, limit: int = 200, station: str | None = None) -> list[Filed]:
        return self._filed_where("word.number IS NOT NULL", "word.number DESC", limit, station)

    def _filed_where(self, which: str, order: str, limit: int, station: str | None) -> list[Filed]:
        there, args = ("", ()) if station is None else (_OF_STATION, (station,))
        rows = self.all(f"{_FILED} WHERE {which} {there} ORDER BY {order} LIMIT ?", *args, limit)
        return [_filed(row) for row in rows]

    def dossier_counts(self, now_ms: int, soon_ms: int, station: str | None = None) -> list[DossierCount]:
        there, args = ("", ()) if station is None else (_OF_STATION, (station,))
        sql = (
            "SELECT coalesce(word.state, 'SENT') AS shown, count(*), sum(urgent), total(faults > 0),"
            " total(deadline_ms < ?), total(deadline_ms BETWEEN ? AND ?)"
            f" FROM dossier {_NEWEST_WORD} WHERE 1 {there} GROUP BY shown ORDER BY shown"
        )
        rows = self.all(sql, now_ms, now_ms, soon_ms, *args)
        return [DossierCount(row[0], *map(int, row[1:])) for row in rows]
