"""One rig for each card reader driver: the driver, and hands that lay cards on it and pull its cable."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from edge_agent.drivers.open import open_driver
from edge_agent.drivers.reader.pcsc import Limits, PcscReader, Settings
from edge_agent.drivers.reader.virtual_chip import Kind, Manner, VirtualChip
from edge_agent.drivers.reader.winscard import PRESENT, UNAWARE, Context
from tests.twins.pcscd import Pcscd

if TYPE_CHECKING:
    from edge_agent.events import Event

PATIENCE_S = 30.0
UID = "04112233445566"
_CHANGED = 0x2


def next_event(reader, kind) -> Event:
    """The next event of a kind; others are passed over."""
    while not isinstance(event := reader.wait(PATIENCE_S), kind):
        assert event is not None, f"no {kind.__name__} came"
    return event


class PcscRig:
    """The real driver, the real library, a real pcscd, and virtual readers in it.

    A virtual reader cannot be pulled out of a running pcscd: a pcscd without readers takes its place.
    """

    def __init__(self, limits: Limits | None = None, **settings: str) -> None:
        self.pcscd = Pcscd().start()
        self.remove = self.pcscd.remove
        if limits:
            self.reader = PcscReader(Settings("rig", **settings), limits)
        else:
            self.reader = open_driver("reader", "pcsc", {"name": "rig", **settings})

    def insert(self, slot: int = 0, *, uid: str = UID, torn_after: int | None = None) -> None:
        breaks = {} if torn_after is None else {"then": "gone", "after": torn_after}
        self.pcscd.insert(slot, uid=uid, **breaks)

    def settled(self) -> None:
        """Wait until pcscd itself has looked and found every reader empty.

        A failed reset is "empty" at once for it, but only its next look, up to 0.4 s later, counts; a card laid down
        in between is never seen (pcsc-lite 1.9.9).
        """
        context, states = Context(), {}
        context.establish()
        until = time.monotonic() + PATIENCE_S
        while not states or any(state & PRESENT or state >> 16 & 1 for state in states.values()):
            assert time.monotonic() < until, states
            seen = context.changes(states or dict.fromkeys(context.readers(), UNAWARE), 0.1)
            states |= {name: state & ~_CHANGED for name, state in seen.items()}
        context.release()

    def plug(self, *, plugged: bool) -> None:
        self.pcscd.strike(signal.SIGTERM).start(readers=plugged)

    def close(self) -> None:
        self.reader.close()
        self.pcscd.close()


class SimulatedRig:
    """The simulator; a card is the virtual chip without its application: a UID and nothing else."""

    def __init__(self) -> None:
        self.reader = open_driver("reader", "simulated", {"name": "rig"})
        self.plug = self.reader.plug

    def insert(self, slot: int = 0, *, uid: str = UID, torn_after: int | None = None) -> None:
        kind = Kind(access="none", uid=bytes.fromhex(uid))
        self.reader.insert(VirtualChip(kind=kind, manner=Manner(torn_after=torn_after)))

    def remove(self, slot: int = 0) -> None:
        self.reader.remove()

    def close(self) -> None:
        self.reader.close()


RIGS = {"simulated": SimulatedRig, "pcsc": PcscRig}
