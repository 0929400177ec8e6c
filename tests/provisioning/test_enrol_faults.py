"""Whom the station speaks to, and each way the world can fail it: by its own name, with nothing stored."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from starlette.responses import RedirectResponse, Response

from provisioning import authority
from provisioning.enrol_client import Fleet
from provisioning.enrolment import Refused
from provisioning.identity import Identity
from provisioning.keys import SigningKey
from tests.provisioning.face_bed import COSE, Face, enrol, refused, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# --- whom it speaks to --------------------------------------------------------------------------------------------


def other_ca(now_ms: int) -> bytes:
    return authority.pem(authority.make_root(SigningKey.generate(), now_ms))


@pytest.mark.parametrize("clock_ms", [None, 0])
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
