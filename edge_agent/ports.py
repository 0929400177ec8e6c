"""Ports: what the agent needs of the world, and the faults the world may answer with.

A driver implements one of these and nothing more. Every blocking call is made on the driver's own worker thread
(`edge_agent.drivers.worker`), so a driver may block, but never longer than the deadline it documents; it never
retries, never sleeps to wait for a person, and raises a `PortFault` where the device does not do what was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.card import CardData, CardRequest
    from edge_agent.effects import Screen, Slip
    from edge_agent.events import Event, PeripheralState


class PortFault(Exception):
    """A device did not do what was asked; `action` is the XFS4IoT error action (reset, clear, maintenance, …).

    `state`: how the device then is, as in events.PeripheralState: "offline", or "noDevice" where none is plugged in.
    """

    def __init__(self, words: str, action: str = "maintenance", state: str = "offline") -> None:
        super().__init__(words)
        self.action = action
        self.state = state


class Printer(Protocol):
    """Gives slips. A driver that knows how much paper its newest slip took keeps that in `slip_mm`, an int.

    A driver whose device can go without anybody telling of it has `watch()`, called each second between jobs: how the
    device is now, or None where nothing is new. Deadline 6 s where something is, else 1 s.
    """

    def open(self) -> PeripheralState:
        """Reach the device and say how it is. Deadline 5 s."""
        ...

    def state(self) -> PeripheralState:
        """Ask the device how it is now. Deadline 5 s; a silent device is `unknown`, not an error."""
        ...

    def print(self, job: bytes, slip: Slip) -> str:
        """Print; give "confirmed" (the device said printed), "unknown" (sent, nothing said) or raise PortFault.

        Deadline 30 s. A PortFault means that nothing of the slip can have come out as a whole slip ("failed").
        """
        ...

    def close(self) -> None:
        """Let go of the device. Never raises."""
        ...


class Ear(Protocol):
    """What only reports; `wait` is called again and again on the worker thread."""

    def open(self) -> PeripheralState:
        """Reach the device and say how it is."""
        ...

    def wait(self, timeout_s: float) -> Event | None:
        """The next event (of its own kind, or a PeripheralState), or None after `timeout_s`."""
        ...

    def close(self) -> None:
        """Let go of the device. Never raises."""
        ...


class CardReader(Ear, Protocol):
    """Waits for CardIn and CardOut, and reads the card that lies there."""

    def read(self, request: CardRequest, wanted: Callable[[], bool]) -> CardData:
        """Read. Deadline 20 s. Raises CardFault for the card's faults, PortFault where the reader itself is gone.

        wanted: False once nobody waits for it any more; asked before each command, which is then not sent.
        """
        ...


class Scanner(Ear, Protocol):
    """Waits for Scanned events."""

    def forget(self) -> None:
        """Drop what was scanned and not yet taken, even half a line. Raises PortFault where the device is gone."""
        ...


class Display(Protocol):
    """Shows screens and brings touches and beats back as events."""

    def start(self, post: Callable[[Event], None]) -> None:
        """Begin to serve; touches and beats go through `post`."""
        ...

    def show(self, screen: Screen) -> None:
        """Show a screen; returns at once."""
        ...

    def wipe(self) -> None:
        """Forget every earlier screen: memory, page, caches."""
        ...

    def close(self) -> None:
        """Stop serving. Never raises."""
        ...


class Link(Protocol):
    """The way to the broker; speaks of itself by LinkUp / LinkDown / Received events."""

    def start(self) -> None:
        """Begin to connect, and keep connecting with full jitter until stopped."""
        ...

    def publish(self, data: bytes) -> bool:
        """Hand over one batch; False when the link is down or congested (nothing is queued)."""
        ...

    def stop(self) -> None:
        """Disconnect and end the network thread."""
        ...
