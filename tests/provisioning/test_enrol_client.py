"""The station's errand against a real HTTPS server (uvicorn, the fleet's certificate) and a real SQLite registry."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from starlette.responses import Response

from device_profiles.messages import Bundle
from device_profiles.wire import device_name, envelope_decode
from fleet_server import enrol as service
from fleet_server import fleet_keys
from fleet_server.store import Station, Why
from fleet_server.store_sqlite import SqliteStore
from provisioning import authority, identity
from provisioning.authority import DAY_MS
from provisioning.enrol_client import Fleet
from provisioning.identity import Identity, IdentityFault, Keys
from provisioning.keys import SigningKey
from tests.provisioning.face_bed import COSE, Face, enrol, refused, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_prepared_station_is_enrolled_over_https(folder, registry, fleet):
    found = enrol(folder, registry.claim(), fleet)
    device = registry.store.read(lambda store: store.device(found.device))
    assert (device.station, device.status, device.epoch, device.hardware) == ("K0001", "CLAIMED", 1, "board 1")
    assert Identity.load(folder).device == found.device == Keys.load(folder).device
    issued = registry.store.read(lambda store: store.issued(found.device))
    assert [each.serial for each in issued] == [device.serial]
    assert authority.pem(authority.certificate_from_der(issued[0].der, "x")) in (folder / "tls.crt").read_bytes()


def test_the_stored_certificate_opens_a_mutual_tls_connection(folder, registry, fleet, bench):
    """What was stored is what `ssl` needs on the station, and what the fleet's chain lets in."""
    found = enrol(folder, registry.claim(), fleet)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(bench.server / "tls/broker.crt", bench.server / "tls/broker.pem")
    server.load_verify_locations(bench.server / fleet_keys.CA_CHAIN)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(found.ca))
    client.load_cert_chain(found.tls_certificate, found.tls_key)
    ours, theirs = socket.socketpair()
    subject = []

    def serve() -> None:
        with server.wrap_socket(theirs, server_side=True) as shaken:
            subject.append(shaken.getpeercert()["subject"])

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(ours, server_hostname="localhost") as shaken:
        shaken.recv(1)
    thread.join(5)
    assert subject == [((("commonName", device_name(found.device)),),)]


def test_enrolling_again_asks_nobody(folder, registry, fleet, face):
    claim = registry.claim()
    first = enrol(folder, claim, fleet)
    assert enrol(folder, claim, fleet).certificate_ends_ms == first.certificate_ends_ms
    assert len(face.seen) == 1


def test_an_unprepared_folder_is_named(tmp_path, registry, fleet, face):
    with pytest.raises(IdentityFault, match="run `prepare`"):
        enrol(tmp_path / "nothing", registry.claim(), fleet)
    assert face.seen == []


# --- lost replies and power cuts ----------------------------------------------------------------------------------


def test_a_reply_lost_after_issue_is_given_again(folder, registry, fleet, face, bench):
    """The fleet has committed, the station heard nothing; the same command again ends with the same certificate."""
    claim = registry.claim()
    honest, given_up = face.answer, threading.Event()

    def lose(body: bytes) -> Response:
        honest(body)
        given_up.wait(10)
        return Response(status_code=500)

    face.answer = lose
    hasty = Fleet(fleet.url, bench.ca_pem, bench.root_spki, 1.0, 5.0)
    assert refused(folder, claim, hasty) == ("P06", "timeout")
    given_up.set()
    assert not (folder / "bundle.cose").exists()
    face.answer = honest
    found = enrol(folder, claim, fleet, clock_ms=bench.now_ms + 3600_000)
    assert len(registry.store.read(lambda store: store.issued(found.device))) == 1
    assert face.seen[0] == face.seen[1], "the request is sent as it was"


def test_a_lost_request_file_does_not_lose_the_claim(folder, registry, fleet, face):
    """Asked once, then the kept request vanished: a new one with the same keys gets the same certificate."""
    claim, honest = registry.claim(), face.answer

    def lose(body: bytes) -> Response:
        honest(body)
        return Response(status_code=500)

    face.answer = lose
    assert refused(folder, claim, fleet) == ("P06", "server")
    (folder / "request.cose").unlink()
    face.answer = honest
    found = enrol(folder, claim, fleet)
    assert len(registry.store.read(lambda store: store.issued(found.device))) == 1
    assert face.seen[0] != face.seen[1]


def test_a_damaged_request_file_is_made_again(folder, registry, fleet):
    (folder / "request.cose").write_bytes(b"half")
    assert enrol(folder, registry.claim(), fleet).station == "K0001"


def test_another_claim_makes_another_request(folder, registry, fleet, face):
    late = registry.claim(not_before_ms=0, not_after_ms=1)
    assert refused(folder, late, fleet) == ("P02", "by_fleet")
    assert enrol(folder, registry.claim(), fleet).station == "K0001"
    assert face.seen[0] != face.seen[1]


def prepare_and_enrol(folder: Path, claim: bytes, fleet: Fleet) -> Identity:
    Identity.create(folder)
    return enrol(folder, claim, fleet)


class PowerCut(BaseException):
    """Nothing of the program runs any more."""


def test_power_cut_before_and_after_every_stored_file(tmp_path, registry, fleet, monkeypatch):
    """Each file of enrolment in turn; then the same command again: same device, one certificate, one use of a claim."""
    stored: list[str] = []
    real = os.replace
    cut: list[object] = []

    def replace(source, target):
        name = target.name
        if cut == [name, "before"]:
            raise PowerCut
        real(source, target)
        stored.append(name)
        if cut == [name, "after"]:
            raise PowerCut

    monkeypatch.setattr(identity.os, "replace", replace)
    Identity.create(tmp_path / "plain")
    enrol(tmp_path / "plain", registry.claim(), fleet)
    names = list(stored)
    assert names == [
        "identity.pem", "tls.pem", "request.cose", "ca.crt", "fleet-root.spki", "tls.crt", "keys.cose", "bundle.cose",
    ]  # fmt: skip
    for name in names:
        for when in ("before", "after"):
            folder = tmp_path / f"{name}-{when}"
            claim = registry.claim(kind="replace")
            cut[:] = [name, when]
            with pytest.raises(PowerCut):
                prepare_and_enrol(folder, claim, fleet)
            cut.clear()
            found = prepare_and_enrol(folder, claim, fleet)
            issued = registry.store.read(lambda store, found=found: store.issued(found.device))
            assert len(issued) == 1, (name, when)
            assert Keys.load(folder).device == found.device


# --- clocks -------------------------------------------------------------------------------------------------------

Y1970, Y2019 = 0, 1_560_000_000_000


@pytest.mark.parametrize("clock_ms", [Y1970, Y2019])
def test_a_station_without_a_clock_is_enrolled_and_takes_its_floor_from_the_bundle(
    folder, registry, fleet, bench, clock_ms
):
    assert enrol(folder, registry.claim(), fleet, clock_ms).time_floor_ms == bench.now_ms


def test_a_clock_ten_years_ahead_is_named_and_raises_no_floor(folder, registry, fleet, bench, face):
    claim = registry.claim()
    assert refused(folder, claim, fleet, bench.now_ms + 3650 * DAY_MS) == ("P07", "clock")
    assert face.seen == [], "nothing was sent to a server that was not judged"
    assert enrol(folder, claim, fleet).time_floor_ms == bench.now_ms


def test_tls_itself_does_not_stop_a_station_whose_real_clock_is_behind(tmp_path, face):
    """A fleet that begins in 20 years, seen by OpenSSL with today's clock: only NO_CHECK_TIME can let this pass."""
    future_ms = time.time_ns() // 1_000_000 + 7300 * DAY_MS
    fleet_keys.init(tmp_path / "fleet", future_ms)
    server = tmp_path / "fleet" / "server"
    keys, ca = fleet_keys.load(server), fleet_keys.load_authority(server)
    issuer = service.Issuer(ca, keys, "127.0.0.1", 8883, "https://127.0.0.1:8443")
    store = SqliteStore.open(tmp_path / "fleet.db")
    why = Why("operations", "test", future_ms)
    store.run(lambda each: each.put_station(Station("K0001", "A", "B", "C", "lobby"), why))
    claim = service.messages.Claim(
        claim=bytes(16), kind="install", station="K0001", profile="lobby", technician="t",
        not_before_ms=future_ms, not_after_ms=future_ms + 1000,
    )  # fmt: skip
    signed = store.run(lambda each: service.add_claim(each, claim, keys, why))
    Identity.create(tmp_path / "i")
    answer: Callable[[bytes], Response] = lambda body: Response(  # noqa: E731
        store.run(lambda each: service.enrol(each, body, future_ms, issuer)), media_type=COSE
    )
    late = Face()
    late.answer = answer
    with running(late, server / "tls/face.crt", server / "tls/face.pem"):
        fleet = Fleet(
            f"https://127.0.0.1:{late.port}", (server / "ca/root.crt").read_bytes(), keys.root_spki, 10.0, 20.0
        )
        assert enrol(tmp_path / "i", signed, fleet).time_floor_ms == future_ms
    store.close()


def expired_face(bench, tmp_path, now_ms: int) -> tuple[Path, Path]:
    key = SigningKey.generate()
    ca = bench.issuer.authority
    certificate = ca.server(["localhost", "127.0.0.1"], key.spki, now_ms)
    (tmp_path / "old.crt").write_bytes(authority.pem(certificate, ca.certificate))
    (tmp_path / "old.pem").write_bytes(key.to_pem())
    return tmp_path / "old.crt", tmp_path / "old.pem"


def test_an_ended_server_certificate_is_p07_with_any_clock(folder, registry, bench, tmp_path, face):
    ended = expired_face(bench, tmp_path, bench.now_ms - 400 * DAY_MS)
    with running(Face(), *ended) as old:
        fleet = Fleet(f"https://127.0.0.1:{old.port}", bench.ca_pem, bench.root_spki, 10.0, 20.0)
        claim = registry.claim()
        assert refused(folder, claim, fleet) == ("P07", "clock")
        assert refused(folder, claim, fleet, clock_ms=Y1970) == ("P07", "certificate_ended")
        assert old.seen == []


def test_an_ended_issuing_ca_is_p07_though_the_server_certificate_is_not(folder, registry, bench, tmp_path, face):
    """Dates of the whole chain count while the clock is good: that is OpenSSL's part."""
    root_key, issuing_key, key = (SigningKey.generate() for _ in range(3))
    long_ago_ms = bench.now_ms - 2190 * DAY_MS
    root = authority.make_root(root_key, long_ago_ms)
    issuing = authority.make_issuing(root, root_key, issuing_key.spki, long_ago_ms)
    young = authority.Authority(root, issuing, issuing_key).server(["127.0.0.1"], key.spki, long_ago_ms)
    leaf = authority._builder(young.subject, key.spki, bench.now_ms, bench.now_ms + DAY_MS, path_length=None)
    leaf = leaf.issuer_name(issuing.subject)
    for each in young.extensions:
        if each.oid.dotted_string in ("2.5.29.35", "2.5.29.37", "2.5.29.17"):
            leaf = leaf.add_extension(each.value, each.critical)
    signed = leaf.sign(issuing_key.private, hashes.SHA256())
    (tmp_path / "c.crt").write_bytes(authority.pem(signed, issuing))
    (tmp_path / "c.pem").write_bytes(key.to_pem())
    with running(Face(), tmp_path / "c.crt", tmp_path / "c.pem") as other:
        fleet = Fleet(f"https://127.0.0.1:{other.port}", authority.pem(root), bench.root_spki, 10.0, 20.0)
        assert refused(folder, registry.claim(), fleet) == ("P07", "clock")
        assert other.seen == []


def test_the_request_kept_on_disk_is_the_one_that_was_sent(folder, registry, fleet, face):
    enrol(folder, registry.claim(), fleet)
    kept = (folder / "request.cose").read_bytes()
    assert face.seen == [kept]
    bundle = Bundle.decode(envelope_decode((folder / "bundle.cose").read_bytes(), 65_536).payload)
    assert bundle.device == Keys.load(folder).device


def test_a_full_disk_comes_out_and_the_step_can_be_repeated(folder, registry, fleet, monkeypatch):
    claim = registry.claim()
    real = os.write

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(identity.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        enrol(folder, claim, fleet)
    monkeypatch.setattr(identity.os, "write", real)
    assert enrol(folder, claim, fleet).station == "K0001"
