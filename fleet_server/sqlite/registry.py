"""Registry of stations, devices, claims and certificates in SQLite. The contract stands in `fleet_server.store`."""

# The port's comments are the contract; statements are put together from constants of these files alone.
# ruff: noqa: D102, S608

from __future__ import annotations

import sqlite3
from dataclasses import astuple, fields

from device_profiles.wire import device_name
from fleet_server.sqlite.connected import Connected
from fleet_server.store import Claim, Conflict, Device, Issued, RegistryLine, Station, Why

_STATION = "SELECT id, title, building, ward, profile, live FROM station"
_DEVICE = "SELECT id, station, epoch, spki, kid, status, serial, enrolled_ms, hardware FROM device"
_CLAIM = "SELECT id, station, profile, kind, technician, not_before_ms, not_after_ms, used_by, answer FROM claim"


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _changes(old: Station | Device | None, new: Station | Device) -> str:
    """What a log line says: all of a new row, the changed fields of an old one; keys in hex."""
    names = [each.name for each in fields(new) if each.name != "id"]
    if old is None:
        return "added: " + ", ".join(f"{name}={_shown(getattr(new, name))}" for name in names)
    return ", ".join(
        f"{name}: {_shown(getattr(old, name))} -> {_shown(getattr(new, name))}"
        for name in names
        if getattr(old, name) != getattr(new, name)
    )


def station_of(row: tuple[str, str, str, str, str, int]) -> Station:
    """A row of _STATION as a value."""
    return Station(*row[:5], live=bool(row[5]))


class SqliteRegistry(Connected):
    """Implements `fleet_server.store.Registry`."""

    def station(self, station: str) -> Station | None:
        row = self.one(f"{_STATION} WHERE id = ?", station)
        return row and station_of(row)

    def stations(self) -> list[Station]:
        return [station_of(row) for row in self.all(f"{_STATION} ORDER BY id")]

    def put_station(self, station: Station, why: Why) -> None:
        what = _changes(self.station(station.id), station)
        if not what:
            return
        self.execute(
            "INSERT INTO station(id, title, building, ward, profile, live) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO UPDATE SET title = excluded.title, building = excluded.building,"
            " ward = excluded.ward, profile = excluded.profile, live = excluded.live",
            *astuple(station),
        )
        self.log(station.id, what, why)

    def device(self, device: bytes) -> Device | None:
        row = self.one(f"{_DEVICE} WHERE id = ?", device)
        return row and Device(*row)

    def device_by_kid(self, kid: bytes) -> Device | None:
        row = self.one(f"{_DEVICE} WHERE kid = ?", kid)
        return row and Device(*row)

    def devices(self, station: str | None = None) -> list[Device]:
        where = "" if station is None else " WHERE station = ?"
        args = () if station is None else (station,)
        return [Device(*row) for row in self.all(f"{_DEVICE}{where} ORDER BY station, epoch", *args)]

    def put_device(self, device: Device, why: Why) -> None:
        what = _changes(self.device(device.id), device)
        if not what:
            return
        name = device_name(device.id)
        if self.station(device.station) is None:
            raise Conflict(f"device {name}: station {device.station} is not registered; add the station first")
        try:
            self.execute(
                "INSERT INTO device(id, station, epoch, spki, kid, status, serial, enrolled_ms, hardware)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET station = excluded.station,"
                " epoch = excluded.epoch, spki = excluded.spki, kid = excluded.kid, status = excluded.status,"
                " serial = excluded.serial, enrolled_ms = excluded.enrolled_ms, hardware = excluded.hardware",
                *astuple(device),
            )
        except sqlite3.IntegrityError as error:
            raise Conflict(
                f"device {name}: its key or epoch {device.epoch} of station {device.station} belongs to another device"
            ) from error
        self.log(name, what, why)

    def lease_counters(self, station: str, count: int) -> int:
        row = self.one(
            "UPDATE station SET next_counter = next_counter + ? WHERE id = ? RETURNING next_counter", count, station
        )
        if row is None:
            raise Conflict(f"station {station} is not registered; add it before it leases counters")
        return int(row[0]) - count

    def claim(self, claim: bytes) -> Claim | None:
        row = self.one(f"{_CLAIM} WHERE id = ?", claim)
        return row and Claim(*row)

    def claims(self) -> list[Claim]:
        return [Claim(*row) for row in self.all(f"{_CLAIM} ORDER BY not_after_ms DESC, id")]

    def add_claim(self, claim: Claim, why: Why) -> None:
        if self.station(claim.station) is None:
            raise Conflict(f"claim {claim.id.hex()}: station {claim.station} is not registered; add it first")
        try:
            self.execute("INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *astuple(claim))
        except sqlite3.IntegrityError as error:
            raise Conflict(f"claim {claim.id.hex()} is known already; draw a new id") from error
        self.log(claim.id.hex(), f"claim {claim.kind} for station {claim.station}, {claim.technician}", why)

    def use_claim(self, claim: bytes, spki: bytes, answer: bytes, why: Why) -> None:
        used = self.execute(
            "UPDATE claim SET used_by = ?, answer = ? WHERE id = ? AND used_by IS NULL", spki, answer, claim
        )
        if used.rowcount != 1:
            raise Conflict(f"claim {claim.hex()} is unknown or used up; make a new one from the work order")
        self.log(claim.hex(), f"used by key {spki.hex()}", why)

    def add_issued(self, issued: Issued) -> None:
        try:
            self.execute("INSERT INTO issued VALUES (?, ?, ?, ?, ?)", *astuple(issued))
        except sqlite3.IntegrityError as error:
            raise Conflict(f"certificate {issued.serial}: serial known, or device not registered") from error

    def issued(self, device: bytes | None = None) -> list[Issued]:
        where = "" if device is None else " WHERE device = ?"
        args = () if device is None else (device,)
        sql = f"SELECT serial, device, not_after_ms, der, at_ms FROM issued{where} ORDER BY rowid"
        return [Issued(*row) for row in self.all(sql, *args)]

    def registry_log(self, limit: int = 200, subject: str | None = None) -> list[RegistryLine]:
        where = "" if subject is None else " WHERE subject = ?"
        args = () if subject is None else (subject,)
        sql = f"SELECT number, at_ms, person, reason, subject, what FROM registry_log{where}"
        return [RegistryLine(*row) for row in self.all(f"{sql} ORDER BY number DESC LIMIT ?", *args, limit)]
