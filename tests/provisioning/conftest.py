"""A whole fleet made once (its keys cost some milliseconds), and for each test a registry of its own in real SQLite."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from device_profiles.messages import Claim
from fleet_server import enrol as service
from fleet_server import fleet_keys
from fleet_server.store import Station, Why
from fleet_server.store_sqlite import SqliteStore
from provisioning.enrol_client import Fleet
from provisioning.identity import Identity
from tests.provisioning.face_bed import Face, as_the_fleet, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provisioning.enrolment import Refused

STATION = "K0001"


@dataclass
class FleetBench:
    """One fleet for tests: its folder, the moment it was made, and what it answers with."""

    folder: Path
    now_ms: int
    issuer: service.Issuer

    @property
    def server(self) -> Path:
        return self.folder / "server"

    @property
    def root_spki(self) -> bytes:
        return self.issuer.keys.root_spki

    @property
    def ca_pem(self) -> bytes:
        return (self.server / fleet_keys.CA_ROOT).read_bytes()


def make_bench(folder: Path, now_ms: int) -> FleetBench:
    fleet_keys.init(folder, now_ms)
    server = folder / "server"
    issuer = service.Issuer(
        fleet_keys.load_authority(server), fleet_keys.load(server), "fleet.example", 8883, "https://fleet.example:8443"
    )
    return FleetBench(folder, now_ms, issuer)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> FleetBench:
    """A fleet made now, by the real clock: OpenSSL judges its certificates."""
    return make_bench(tmp_path_factory.mktemp("fleet") / "fleet", time.time_ns() // 1_000_000)


@dataclass
class RegistryBench:
    """One registry of the fleet with one station."""

    bench: FleetBench
    store: SqliteStore

    def claim(self, **differs: object) -> bytes:
        """Register a claim as operations would; give it signed."""
        fields = {
            "claim": secrets.token_bytes(16),
            "kind": "install",
            "station": STATION,
            "profile": "lobby",
            "technician": "ktv.synthetic",
            "not_before_ms": self.bench.now_ms,
            "not_after_ms": self.bench.now_ms + 15 * 60_000,
        } | differs
        why = Why("operations", "work order 1", self.bench.now_ms)
        return self.store.run(
            lambda store: service.add_claim(store, Claim(**fields), self.bench.issuer.keys, why)  # type: ignore[arg-type]
        )

    def enrol(self, request: bytes, now_ms: int | None = None) -> bytes | Refused:
        at_ms = self.bench.now_ms if now_ms is None else now_ms
        return self.store.run(lambda store: service.enrol(store, request, at_ms, self.bench.issuer))

    def refusals(self) -> list[str]:
        return [each.reason for each in self.store.read(lambda store: store.refusals())]


@pytest.fixture
def registry(bench: FleetBench, tmp_path: Path) -> Iterator[RegistryBench]:
    store = SqliteStore.open(tmp_path / "fleet.db")
    why = Why("operations", "test", bench.now_ms)
    store.run(lambda each: each.put_station(Station(STATION, "Sảnh A", "Chung cư Mẫu", "Phường Mẫu", "lobby"), why))
    yield RegistryBench(bench, store)
    store.close()


@pytest.fixture(scope="session")
def one_face(bench: FleetBench) -> Iterator[Face]:
    with running(Face(), bench.server / "tls/face.crt", bench.server / "tls/face.pem") as face:
        yield face


@pytest.fixture
def face(one_face: Face, registry: RegistryBench) -> Face:
    """The fleet's face, honest until a test makes it otherwise."""
    one_face.answer, one_face.seen = as_the_fleet(registry), []
    return one_face


@pytest.fixture
def fleet(face: Face, bench: FleetBench) -> Fleet:
    return Fleet(f"https://127.0.0.1:{face.port}", bench.ca_pem, bench.root_spki, 10.0, 20.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A prepared identity folder."""
    Identity.create(tmp_path / "identity")
    return tmp_path / "identity"
