"""A scanner behind a device node: what serial and typing scanners share. Decides when a device counts as gone.

What the bytes mean is the decoder's. The device may go at any moment: then `wait` raises, and the worker opens again.
"""

from __future__ import annotations

import errno
import math
import os
import select
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from edge_agent.events import PeripheralState, Scanned
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.events import Event, Plugged

_CHUNK_BYTES = 4096
_DRAIN_MAX = 64  # chunks: a device that never stops sending must not hold the worker
_LOST = select.POLLHUP | select.POLLERR | select.POLLNVAL
_GONE = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO)


class Decoder(Protocol):
    """From bytes to lines; see `lines` and `keys`."""

    trouble: str

    @property
    def drop_at_s(self) -> float:
        """When to call `silence` if nothing comes before."""
        ...

    def feed(self, data: bytes, now_s: float) -> list[bytes]:
        """Take bytes, give whole lines."""
        ...

    def silence(self) -> None:
        """Nothing came until `drop_at_s`."""
        ...

    def forget(self) -> None:
        """Drop what has begun, and what still comes of it."""
        ...


class NodeScanner:
    """A `Scanner` (edge_agent.ports) that reads a device node.

    name: in events. find: gives the device, or raises PortFault. prepare: makes the opened node ready (raises OSError,
    or PortFault). flush: drops what the kernel still holds. make_decoder: a new one for each life.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], Plugged],
        prepare: Callable[[int], None],
        make_decoder: Callable[[], Decoder],
        flush: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._find, self._prepare, self._flush, self._make_decoder = find, prepare, flush, make_decoder
        self._decoder = make_decoder()
        self._fd = -1
        self._poll = select.poll()
        self._identity = self._node = ""
        self._events: deque[Event] = deque()
        self._said: PeripheralState | None = None

    def open(self) -> PeripheralState:
        """Find the device, open it and drop whatever was scanned before.

        Raises:
            PortFault: no such device is plugged in, or it may not be used.
        """
        self.close()
        found = self._find()
        self._identity, self._node = found.identity, found.node
        try:
            self._fd = os.open(found.node, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            self._prepare(self._fd)
        except OSError as why:
            raise self._fault(why) from why
        self._decoder = self._make_decoder()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._said = self._state()
        self.forget()
        return self._said

    def wait(self, timeout_s: float) -> Event | None:
        """The next Scanned, or a PeripheralState that names a trouble or its end; None after `timeout_s`.

        Raises:
            PortFault: the device is gone.
        """
        until_s = time.monotonic() + timeout_s
        while not self._events:
            wake_s = min(until_s, self._decoder.drop_at_s) - time.monotonic()
            if ready := self._poll.poll(math.ceil(1000 * max(0.0, wake_s))):
                data = self._read()
                if not data and ready[0][1] & _LOST:
                    raise self._fault(OSError(errno.ENODEV, ""))
                self._events.extend(Scanned(line) for line in self._decoder.feed(data, time.monotonic()))
            elif time.monotonic() >= self._decoder.drop_at_s:
                self._decoder.silence()
            self._tell()
            if time.monotonic() >= until_s:
                break
        return self._events.popleft() if self._events else None

    def forget(self) -> None:
        """Drop what was scanned and not yet taken, even half a line: it belongs to the visit before.

        Raises:
            PortFault: the device is gone.
        """
        self._events = deque(event for event in self._events if isinstance(event, PeripheralState))
        if self._fd < 0:
            return
        for _ in range(_DRAIN_MAX):
            data = self._read()
            if not data:
                break
            self._decoder.feed(data, time.monotonic())
        with suppress(OSError):
            self._flush(self._fd)
        self._decoder.forget()
        self._tell()

    def close(self) -> None:
        """Let go of the device and forget what it said. Never raises."""
        self._events.clear()
        self._decoder = self._make_decoder()
        if self._fd >= 0:
            with suppress(OSError):
                os.close(self._fd)
            self._fd = -1

    def _read(self) -> bytes:
        """What waits in the kernel, at most one chunk; nothing where nothing waits."""
        try:
            data = os.read(self._fd, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as why:
            raise self._fault(why) from why
        if not data:
            raise self._fault(OSError(errno.ENODEV, ""))
        return data

    def _tell(self) -> None:
        """Say a trouble, or that it is over, when that is news."""
        state = self._state()
        if state != self._said:
            self._said = state
            self._events.append(state)

    def _state(self) -> PeripheralState:
        trouble = self._decoder.trouble
        return PeripheralState(
            "scanner", self._name, "online", detail=trouble, action=trouble and "maintenance", identity=self._identity
        )

    def _fault(self, why: OSError) -> PortFault:
        if why.errno in _GONE:
            return PortFault(f"the scanner at {self._node} was pulled out", state="noDevice")
        if why.errno == errno.EBUSY:
            return PortFault(f"another program holds {self._node}: end it")
        if why.errno in (errno.EACCES, errno.EPERM):
            return PortFault(f"{self._node} may not be read: put the agent's user into the group that owns it")
        return PortFault(f"{self._node} cannot be used ({why.strerror}): is it the scanner's node?")
