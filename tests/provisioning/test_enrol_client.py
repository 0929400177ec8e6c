"""The station's errand against a real HTTPS server (uvicorn, the fleet's certificate) and a real SQLite registry."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from device_profiles.messages import Bundle
from device_profiles.wire import device_name, envelope_decode
from fleet_server import enrol as service
from fleet_server import fleet_keys
from fleet_server.store import Station, Why
from fleet_server.store_sqlite import SqliteStore
from provisioning import authority, enrol_client, identity
from provisioning.authority import DAY_MS
from provisioning.enrol_client import Fleet
from provisioning.enrolment import Refused
from provisioning.identity import Identity, IdentityFault, Keys
from provisioning.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.requests import Request

COSE = "application/cose"


class Face:
    """A stand-in for the fleet's HTTPS face: what it does with a body is set by the test."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[bytes] = []
        self.answer: Callable[[bytes], Response] = lambda _: Response(status_code=404)

    def respond(self, body: bytes) -> Response:
        self.seen.append(body)
        return self.answer(body)


def run_face(face: Face, certificate: Path, key: Path) -> tuple[uvicorn.Server, threading.Thread]:
    async def enrol(request: Request) -> Response:
        return face.respond(await request.body())

    app = Starlette(routes=[Route("/v1/enrol", enrol, methods=["POST"])])
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, ssl_certfile=certificate, ssl_keyfile=key,
        log_level="critical", lifespan="off", ws="none", loop="asyncio", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    face.port = server.servers[0].sockets[0].getsockname()[1]
    return server, thread


@contextmanager
def running(face: Face, certificate: Path, key: Path) -> Iterator[Face]:
    server, thread = run_face(face, certificate, key)
    try:
        yield face
    finally:
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def module_face(bench) -> Iterator[Face]:
    with running(Face(), bench.server / "tls/face.crt", bench.server / "tls/face.pem") as face:
        yield face


@pytest.fixture
def face(module_face, registry) -> Face:
    """The face, answering as the fleet does: one transaction of fleet_server.enrol on real SQLite."""

    def answer(body: bytes) -> Response:
        said = registry.enrol(body)
        if isinstance(said, Refused):
            return Response(json.dumps(said.as_json()), 403, media_type="application/json")
        return Response(said, media_type=COSE)

    module_face.answer, module_face.seen = answer, []
    return module_face


@pytest.fixture
def fleet(face, bench) -> Fleet:
    return Fleet(f"https://127.0.0.1:{face.port}", bench.ca_pem, bench.root_spki, 10.0, 20.0)


@pytest.fixture
def folder(tmp_path) -> Path:
    Identity.create(tmp_path / "identity")
    return tmp_path / "identity"


def enrol(folder: Path, claim: bytes, fleet: Fleet, clock_ms: int | None = None) -> Identity:
    clock_ms = time.time_ns() // 1_000_000 if clock_ms is None else clock_ms
    return enrol_client.enrol(folder, claim, fleet, hardware=b"board 1", clock_ms=clock_ms)


def refused(folder: Path, claim: bytes, fleet: Fleet, clock_ms: int | None = None) -> tuple[str, str]:
    with pytest.raises(Refused) as error:
        enrol(folder, claim, fleet, clock_ms)
    return error.value.code, error.value.reason


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


# --- whom it speaks to --------------------------------------------------------------------------------------------


def other_ca(now_ms: int) -> bytes:
    return authority.pem(authority.make_root(SigningKey.generate(), now_ms))


@pytest.mark.parametrize("clock_ms", [None, Y1970])
def test_a_server_of_another_ca_gets_nothing_with_any_clock(folder, registry, fleet, face, bench, clock_ms):
    stranger = Fleet(fleet.url, other_ca(bench.now_ms), bench.root_spki, 10.0, 20.0)
    assert refused(folder, registry.claim(), stranger, clock_ms) == ("P06", "tls_ca")
    assert face.seen == []


def test_a_certificate_for_another_name_is_named(folder, registry, bench, tmp_path, face):
    key, ca = SigningKey.generate(), bench.issuer.authority
    (tmp_path / "n.crt").write_bytes(
        authority.pem(ca.server(["other.example"], key.spki, bench.now_ms), ca.certificate)
    )
    (tmp_path / "n.pem").write_bytes(key.to_pem())
    with running(Face(), tmp_path / "n.crt", tmp_path / "n.pem") as other:
        for host in ("127.0.0.1", "localhost"):
            fleet = Fleet(f"https://{host}:{other.port}", bench.ca_pem, bench.root_spki, 10.0, 20.0)
            assert refused(folder, registry.claim(), fleet) == ("P06", "tls_name")


def test_a_device_certificate_cannot_play_the_server(folder, registry, bench, tmp_path, face):
    key, ca = SigningKey.generate(), bench.issuer.authority
    (tmp_path / "d.crt").write_bytes(authority.pem(ca.device(bytes(16), key.spki, bench.now_ms), ca.certificate))
    (tmp_path / "d.pem").write_bytes(key.to_pem())
    with running(Face(), tmp_path / "d.crt", tmp_path / "d.pem") as other:
        fleet = Fleet(f"https://127.0.0.1:{other.port}", bench.ca_pem, bench.root_spki, 10.0, 20.0)
        assert refused(folder, registry.claim(), fleet) == ("P06", "tls_ca")
        assert other.seen == []


def test_the_answer_of_another_fleet_under_the_same_ca_is_p08(folder, registry, fleet, bench):
    other_root = Fleet(fleet.url, bench.ca_pem, SigningKey.generate().spki, 10.0, 20.0)
    assert refused(folder, registry.claim(), other_root) == ("P08", "bundle_unreadable")
    assert not (folder / "bundle.cose").exists()


def test_an_answer_to_somebody_elses_request_is_p08_and_nothing_is_stored(folder, tmp_path, registry, fleet, face):
    honest, kept = face.answer, []
    face.answer = lambda body: kept.append(honest(body).body) or Response(status_code=500)
    Identity.create(tmp_path / "other")
    assert refused(tmp_path / "other", registry.claim(), fleet) == ("P06", "server")
    face.answer = lambda _: Response(kept[0], media_type=COSE)
    assert refused(folder, registry.claim(kind="replace"), fleet) == ("P08", "other_request")
    assert sorted(each.name for each in folder.iterdir()) == ["identity.pem", "request.cose", "tls.pem"]


# --- the world's faults, each by its own name ---------------------------------------------------------------------


def said(status: int, body: bytes | str, kind: str) -> Callable[[bytes], Response]:
    return lambda _: Response(body, status, media_type=kind)


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (said(403, '{"code": "P01", "detail": "ask for a new one"}', "application/json"), "P01", "by_fleet"),
        (said(403, '{"code": "P04"}', "application/json"), "P04", "by_fleet"),
        (said(422, '{"detail": []}', "application/json"), "P06", "server"),
        (said(403, '{"code": "P99", "detail": "x"}', "application/json"), "P06", "server"),
        (said(403, '{"code": "P01", "detail": 7}', "application/json"), "P06", "server"),
        (said(403, '{"code": ["P01"]}', "application/json"), "P06", "server"),
        (said(403, "[" * 50_000, "application/json"), "P06", "server"),
        (said(200, "null", "application/json"), "P06", "server"),
        (said(500, "Internal Server Error", "text/plain"), "P06", "server"),
        (said(200, "<html>Wi-Fi login</html>", "text/html"), "P06", "portal"),
        (lambda _: RedirectResponse("https://127.0.0.1:1/"), "P06", "portal"),
        (said(404, "", "text/plain"), "P06", "portal"),
        (said(200, b"", COSE), "P08", "bundle_unreadable"),
        (said(200, b"x" * 1000, COSE), "P08", "bundle_unreadable"),
        (said(200, b"x" * 70_000, COSE), "P08", "too_large"),
        (said(403, b"x" * 70_000, "application/json"), "P08", "too_large"),
    ],
)
def test_answers_that_are_no_bundle(folder, registry, fleet, face, answer, code, reason):
    face.answer = answer
    assert refused(folder, registry.claim(), fleet) == (code, reason)
    assert not (folder / "bundle.cose").exists()


def test_what_the_fleet_says_is_cut_and_cleaned(folder, registry, fleet, face):
    face.answer = said(403, json.dumps({"code": "P01", "detail": "\x1b[31mred\n" + "x" * 1000}), "application/json")
    with pytest.raises(Refused) as error:
        enrol(folder, registry.claim(), fleet)
    assert error.value.detail.startswith("[31mredx")
    assert len(error.value.detail) < 300


def test_nobody_listens(folder, registry, bench, free_port):
    fleet = Fleet(f"https://127.0.0.1:{free_port()}", bench.ca_pem, bench.root_spki)
    assert refused(folder, registry.claim(), fleet) == ("P06", "refused")


def test_a_name_that_is_not_found(folder, registry, bench):
    fleet = Fleet("https://fleet.invalid", bench.ca_pem, bench.root_spki)
    assert refused(folder, registry.claim(), fleet) == ("P06", "dns")


def test_an_address_without_a_route(folder, registry, bench):
    """A broadcast address: the kernel refuses the connection before anything leaves the machine."""
    fleet = Fleet("https://255.255.255.255:443", bench.ca_pem, bench.root_spki, 1.0, 2.0)
    assert refused(folder, registry.claim(), fleet) == ("P06", "no_route")


@contextmanager
def tcp_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """One connection, served in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


def plain(bench, port: int, step_s: float = 0.5, total_s: float = 0.8) -> Fleet:
    return Fleet(f"https://127.0.0.1:{port}", bench.ca_pem, bench.root_spki, step_s, total_s)


def test_a_server_without_tls(folder, registry, bench):
    with tcp_server(
        lambda connection: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + bytes(connection.recv(1))[:0])
    ) as port:
        assert refused(folder, registry.claim(), plain(bench, port, 10.0, 20.0)) == ("P06", "tls")


def test_a_silent_server_is_left_after_the_step_time(folder, registry, bench):
    done = threading.Event()
    with tcp_server(lambda _: done.wait(5)) as port:
        begun = time.monotonic()
        assert refused(folder, registry.claim(), plain(bench, port)) == ("P06", "timeout")
        assert time.monotonic() - begun < 5
        done.set()


def test_a_dripping_server_is_left_after_the_total_time(folder, registry, bench):
    """Every byte comes in time, the whole never does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bench.server / "tls/face.crt", bench.server / "tls/face.pem")

    def drip(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as shaken:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 60:
                try:
                    shaken.send(bytes([letter]))
                except OSError:
                    return
                time.sleep(0.1)

    with tcp_server(drip) as port:
        begun = time.monotonic()
        assert refused(folder, registry.claim(), plain(bench, port)) == ("P06", "timeout")
        assert time.monotonic() - begun < 5


def test_a_server_that_breaks_off(folder, registry, bench):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bench.server / "tls/face.crt", bench.server / "tls/face.pem")

    def hang_up(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as shaken:
            while b"\r\n\r\n" not in shaken.recv(65_536):
                pass
            shaken.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/cose\r\nContent-Length: 900\r\n\r\nxx")

    with tcp_server(hang_up) as port:
        code, reason = refused(folder, registry.claim(), plain(bench, port, 10.0, 20.0))
    assert (code, reason) == ("P06", "broken_off")


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


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "127.0.0.1:8443",
        "https://",
        "https://h:x",
        "https://h:99999",
        "https://h/v1",
        "https://a..b",
        "",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(bench, url):
    with pytest.raises(ValueError):
        Fleet(url, bench.ca_pem, bench.root_spki)


def test_files_of_the_image_that_cannot_be_meant_are_refused(bench):
    for ca, root in ((b"", bench.root_spki), (bench.root_spki, bench.root_spki), (bench.ca_pem, bench.ca_pem)):
        with pytest.raises(ValueError):
            Fleet("https://127.0.0.1", ca, root)


def test_the_request_kept_on_disk_is_the_one_that_was_sent(folder, registry, fleet, face):
    enrol(folder, registry.claim(), fleet)
    kept = (folder / "request.cose").read_bytes()
    assert face.seen == [kept]
    bundle = Bundle.decode(envelope_decode((folder / "bundle.cose").read_bytes(), 65_536).payload)
    assert bundle.device == Keys.load(folder).device
