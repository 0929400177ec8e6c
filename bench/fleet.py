"""A real fleet and real enrolled stations for the measurements, made in one process by the project's own functions.

Decides names and sample bills (all invented); measures nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.bills import Bill, BillSet
from device_profiles.messages import SignedSet
from edge_agent.boot import SETS
from edge_agent.sets import Sets
from fleet_server import commands, enrol, fleet_keys
from fleet_server.store import Station, Why
from provisioning import authority, enrolment
from provisioning.identity import Identity, store_enrolment
from provisioning.keys import SigningKey, sign_message

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = "simulated"
BUILDING = "TOA-A"
BILLS = 400
DAY_MS = 86_400_000
# A body of 1,024 bytes when padded: the texts of a long Vietnamese address.
LONG_FIELDS = {
    "service": "B6",
    "biller": "Ban quản trị cụm nhà chung cư Hoàng Quốc Việt – Phú Thượng, khối nhà ở số 12",
    "building": "Tòa nhà số 12, khu đô thị Nam Thăng Long giai đoạn hai",
    "unit": "A-12.05",
    "period": "2026-11",
    "bill": b"bill0001",
    "owner": "NGUYỄN *** ÁNH TUYẾT – chủ hộ đại diện cho ba thành viên cùng đăng ký ở",
    "amount": 1_250_000,
    "due": "2026-11-30",
    "payee_bin": "970436",
    "payee_account": "1020304050",
    "payee_name": "BAN QUẢN TRỊ CỤM NHÀ CHUNG CƯ HOÀNG QUỐC VIỆT",
    "reference": "4MJJA9954A",
    "code": "TAM-K0001-000042-2",
    "bills_version": 3,
    "bills_as_of_ms": 1_795_000_000_000,
    "online": True,
    "consent": "v1: đã đọc và đồng ý",
    "expires_ms": 1_795_000_600_000,
}
# A body of 512 bytes when padded, a record of about 700: a payment whose texts are of usual length.
USUAL_FIELDS = {
    **LONG_FIELDS,
    "biller": "Ban quản trị nhà chung cư Tòa A",
    "building": "Tòa A, khu nhà ở Phú Thượng",
    "owner": "NGUYEN *** AN",
    "payee_name": "BAN QUAN TRI NHA CHUNG CU TOA A",
}


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet folder (both halves) and the ports that its stations are told."""

    folder: Path
    broker_port: int
    face_port: int

    @classmethod
    def make(cls, folder: Path) -> Fleet:
        """Make all keys; starts nothing."""
        fleet_keys.init(folder, now_ms())
        return cls(folder, free_port(), free_port())

    @property
    def server(self) -> Path:
        """The server's half."""
        return self.folder / fleet_keys.SERVER

    @property
    def database(self) -> Path:
        """The fleet's database."""
        return self.server / commands.DATABASE

    def enrol(self, station: str, folder: Path, profile: str = PROFILE) -> Identity:
        """Register a station, enrol a new device for it, and give it a signed bill list; as a technician would."""
        why = Why("bench", "measurement", now_ms())
        place = Station(station, f"Trạm {station}", BUILDING, "26740", profile, live=True)
        commands.add_station(self.server, place, why)
        claim = commands.make_claim(self.server, station, profile, "install", why)
        keys = fleet_keys.load(self.server)
        issuer = enrol.Issuer(
            fleet_keys.load_authority(self.server),
            keys,
            "127.0.0.1",
            self.broker_port,
            f"https://127.0.0.1:{self.face_port}",
        )
        home = folder / "identity"
        device = Identity.create(home)
        request = enrolment.make_request(
            device.key,
            device.tls,
            claim,
            nonce=secrets.token_bytes(16),
            hardware=station.encode(),
            time_ms=now_ms(),
            software="bench",
        )
        with commands.opened(self.server) as store:
            reply = store.run(lambda desk: enrol.enrol(desk, request, now_ms(), issuer))
        assert isinstance(reply, bytes), reply
        ca = issuer.authority.root
        bundle = enrolment.judge_bundle(reply, request, device.tls.spki, keys.root_spki, ca)
        store_enrolment(home, bundle, reply, authority.pem(ca), keys.root_spki)
        Sets(folder / SETS).store(f"bills/{BUILDING}", self._bills())
        return Identity.load(home)

    def _bills(self) -> bytes:
        """A list of BILLS units A001, A002, …, signed by the offline key."""
        soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 20 * 86_400))
        bills = tuple(
            Bill(hashlib.sha256(unit.encode()).digest()[:8], unit, "2026-09", 300_000 + n, soon, "NGUYEN *** AN")
            for n, unit in enumerate(units())
        )
        listed = BillSet(
            building=BUILDING,
            title="Tòa A",
            payee_bin="970415",
            payee_account="113366668888",
            payee_name="BAN QUAN TRI TOA A",
            as_of_ms=now_ms(),
            version=1,
            bills=bills,
            offline=True,
        )
        signed = SignedSet(
            name=f"bills/{BUILDING}",
            version=1,
            issued_ms=now_ms(),
            not_after_ms=now_ms() + DAY_MS,
            body=listed.encode(),
        )
        key = SigningKey.from_pem((self.folder / fleet_keys.OFFLINE / "set.pem").read_bytes())
        return sign_message(key, "kiosk/set/1", signed.encode())


def units() -> list[str]:
    """The units that have a bill."""
    return [f"A{number:03d}" for number in range(1, BILLS + 1)]
