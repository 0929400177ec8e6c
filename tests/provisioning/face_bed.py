"""A real HTTPS server that stands for the fleet's face, and the station's errand in one word. Holds no test."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from provisioning import enrol_client
from provisioning.enrolment import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.requests import Request

    from provisioning.enrol_client import Fleet
    from provisioning.identity import Identity

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


def enrol(folder: Path, claim: bytes, fleet: Fleet, clock_ms: int | None = None) -> Identity:
    clock_ms = time.time_ns() // 1_000_000 if clock_ms is None else clock_ms
    return enrol_client.enrol(folder, claim, fleet, hardware=b"board 1", clock_ms=clock_ms)


def refused(folder: Path, claim: bytes, fleet: Fleet, clock_ms: int | None = None) -> tuple[str, str]:
    with pytest.raises(Refused) as error:
        enrol(folder, claim, fleet, clock_ms)
    return error.value.code, error.value.reason


def as_the_fleet(registry) -> Callable[[bytes], Response]:
    """Answer as the fleet does: one transaction of fleet_server.enrol on real SQLite."""

    def answer(body: bytes) -> Response:
        said = registry.enrol(body)
        if isinstance(said, Refused):
            return Response(json.dumps(said.as_json()), 403, media_type="application/json")
        return Response(said, media_type=COSE)

    return answer
