"""The HTTPS worker: runs one errand after another on its own thread and posts what came back. Believes nothing of it.

An errand is a request whose bytes the hand has made and signed; the hand also verifies the answer. Server TLS is
checked against the fleet's CA, and time limits are total, not per read: a server that drips bytes is given up.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import queue
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge_agent.events import HttpDone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)
CHUNK_BYTES = 65_536
QUEUE_MAX = 32


@dataclass(frozen=True, slots=True)
class Errand:
    """One request: `errand` comes back in HttpDone; method POST with `body`, or GET with `headers`."""

    errand: bytes
    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    size_max_bytes: int = 65_536
    timeout_s: float = 5.0


class Errands:
    """The worker. `url`: the fleet's HTTPS face; `ca`: PEM file of the fleet's CA."""

    def __init__(self, url: str, ca: Path, post: Callable[[object], None]) -> None:
        self._url, self._ca, self._post = urlsplit(url), ca, post
        self._queue: queue.Queue[Errand | None] = queue.Queue(QUEUE_MAX)
        self._thread = threading.Thread(target=self._run, name="https", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the errand under way."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(timeout=6.0)

    def send(self, errand: Errand) -> bool:
        """Hand over one errand; False when too many wait."""
        try:
            self._queue.put_nowait(errand)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while (errand := self._queue.get()) is not None:
            try:
                body = self._fetch(errand)
            except (OSError, http.client.HTTPException, ValueError) as error:
                log.info("errand %s %s failed: %s", errand.method, errand.path.split("/")[-2:][0], error)
                self._post(HttpDone(errand.errand, None, f"{type(error).__name__}: {error}"[:200]))
            else:
                self._post(HttpDone(errand.errand, body))

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        context = ssl.create_default_context(cafile=str(self._ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return http.client.HTTPSConnection(host, self._url.port, timeout=timeout_s, context=context)

    def _fetch(self, errand: Errand) -> bytes:
        """One exchange within the errand's time. Raises OSError, HTTPException or ValueError."""
        deadline_s = time.monotonic() + errand.timeout_s
        connection = self._connect(errand.timeout_s)
        try:
            connection.request(errand.method, self._url.path.rstrip("/") + errand.path, errand.body, errand.headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise ValueError(f"the fleet answered {response.status}")
            body = bytearray()
            while chunk := response.read1(CHUNK_BYTES):
                body += chunk
                if len(body) > errand.size_max_bytes:
                    raise ValueError(f"more than {errand.size_max_bytes} bytes")
                if time.monotonic() > deadline_s:
                    raise TimeoutError("too slow")
            return bytes(body)
        finally:
            connection.close()
