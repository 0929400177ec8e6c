"""The HTTPS worker against a real TLS server: total time limits, size limits, and only the fleet's own certificate."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time

import pytest

from edge_agent.errands import Errand, Errands
from provisioning import authority
from provisioning.keys import SigningKey
from tests.small_fleet import NOW_MS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    now_ms = int(time.time() * 1000)
    root_key, issuing_key, key = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
    root = authority.make_root(root_key, now_ms)
    issuing = authority.make_issuing(root, root_key, issuing_key.spki, now_ms)
    office = authority.Authority.load(authority.pem(root), authority.pem(issuing), issuing_key.to_pem())
    server = office.server(("127.0.0.1",), key.spki, now_ms)
    (folder / "ca.crt").write_bytes(authority.pem(root))
    (folder / "server.crt").write_bytes(authority.pem(server, issuing))
    (folder / "server.pem").write_bytes(key.to_pem())
    (folder / "other.crt").write_bytes(authority.pem(authority.make_root(SigningKey.generate(), NOW_MS)))
    return folder


@pytest.fixture
def serve(certificates):
    """Answer each connection by a function of its request; gives the URL."""
    ended = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def start(answer) -> str:
        def run() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    raw, _ = listener.accept()
                    raw.settimeout(5.0)
                    with context.wrap_socket(raw, server_side=True) as sock:
                        request = b""
                        while b"\r\n\r\n" not in request:
                            request += sock.recv(65_536)
                        for piece in answer(request):
                            sock.sendall(piece)

        threading.Thread(target=run, daemon=True).start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    ended.set()
    listener.close()


def run(url, ca, errand: Errand):
    posted: queue.Queue = queue.Queue()
    worker = Errands(url, ca, posted.put)
    worker.start()
    assert worker.send(errand)
    try:
        return posted.get(timeout=10.0)
    finally:
        worker.stop()


def ok(body: bytes) -> list[bytes]:
    return [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body]


def test_an_answer_comes_back_as_it_is(serve, certificates):
    url = serve(lambda request: ok(request.split(b" ")[1]))
    done = run(url, certificates / "ca.crt", Errand(b"e" * 16, "GET", "/v1/keys"))
    assert (done.errand, done.body) == (b"e" * 16, b"/v1/keys")


def test_a_server_under_another_ca_is_not_believed(serve, certificates):
    url = serve(lambda _: ok(b"x"))
    done = run(url, certificates / "other.crt", Errand(b"e" * 16, "GET", "/"))
    assert done.body is None
    assert "CERTIFICATE_VERIFY_FAILED" in done.reason


def test_an_answer_over_the_limit_is_given_up(serve, certificates):
    url = serve(lambda _: ok(b"x" * 2000))
    done = run(url, certificates / "ca.crt", Errand(b"e" * 16, "GET", "/", size_max_bytes=1000))
    assert (done.body, done.reason) == (None, "ValueError: more than 1000 bytes")


def test_a_server_that_drips_is_given_up_after_the_total_time(serve, certificates):
    def drip(_request):
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        for _ in range(100):
            time.sleep(0.1)
            yield b"x"

    begun = time.monotonic()
    done = run(serve(drip), certificates / "ca.crt", Errand(b"e" * 16, "GET", "/", timeout_s=0.5))
    assert done.body is None
    assert time.monotonic() - begun < 3.0


@pytest.mark.parametrize("status", [b"403 Forbidden", b"302 Found", b"500 Oops"])
def test_anything_but_200_is_no_answer(serve, certificates, status):
    url = serve(lambda _: [b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"])
    done = run(url, certificates / "ca.crt", Errand(b"e" * 16, "GET", "/"))
    assert (done.body, done.reason) == (None, f"ValueError: the fleet answered {int(status[:3])}")


def test_garbage_is_no_answer_and_the_worker_lives(serve, certificates):
    url = serve(lambda _: [b"\x00\xffgarbage\r\n\r\n"])
    assert run(url, certificates / "ca.crt", Errand(b"e" * 16, "GET", "/")).body is None


def test_no_server_is_no_answer(certificates):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert run(f"https://127.0.0.1:{port}", certificates / "ca.crt", Errand(b"e" * 16, "GET", "/")).body is None


def test_too_many_waiting_errands_are_refused_at_once(certificates):
    worker = Errands("https://127.0.0.1:1", certificates / "ca.crt", lambda _: None)
    taken = [worker.send(Errand(b"e" * 16, "GET", "/")) for _ in range(40)]
    assert taken.count(True) == 32
