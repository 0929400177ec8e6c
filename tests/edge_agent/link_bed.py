"""What the tests of the station's link share: an identity that stands in, an ear, a link that is stopped at the end."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.link import MqttLink, Pace
from provisioning.keys import SigningKey
from tests.contracts.broker.kit import HOST, Device

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Pace(answer_s=5.0, wait_first_s=0.05, wait_max_s=0.2, steady_s=30.0)


@dataclass(frozen=True)
class StandIn:
    """What the link needs of an identity."""

    device: bytes
    broker: tuple[str, int]
    key: SigningKey
    ca: Path
    tls_certificate: Path
    tls_key: Path


def identity_of(device: Device, port: int, ca_file: Path) -> StandIn:
    return StandIn(device.id, (HOST, port), SigningKey.generate(), ca_file, device.cert_file, device.key_file)


class Ear:
    """Collects what a link posts."""

    def __init__(self) -> None:
        self._events: queue.Queue = queue.Queue()

    def post(self, event) -> None:
        self._events.put(event)

    def wait(self, kind, timeout_s: float = 10.0):
        """The next event of a kind; those before it are passed over."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._events.get(timeout=max(0.01, deadline - time.monotonic()))
            if isinstance(event, kind):
                return event

    def empty(self) -> bool:
        return self._events.empty()


@contextlib.contextmanager
def linked(identity, pace: Pace = QUICK, draw=lambda: 0.5):
    ear = Ear()
    link = MqttLink(identity, ear.post, pace, draw)
    link.start()
    try:
        yield link, ear
    finally:
        link.stop()
        assert "link" not in {thread.name for thread in threading.enumerate()}
