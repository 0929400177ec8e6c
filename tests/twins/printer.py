"""The receipt printer of `printer_mechanism` behind a plug: on TCP, or as a device node.

It serves one connection at a time, as the usual printers do. Behind a node nobody tells it that the node was opened or
closed: what was said stays in the kernel until it is read.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import queue
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from tests.twins.printer_mechanism import Manner, Mechanism, Paper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image

_STEP_S = 0.01
_PATIENCE_S = 30.0
# asm-generic/socket.h; linux/filter.h: a program of one instruction, "return 0": the kernel drops every packet.
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_RETURN_0 = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0), 8)
_DROP_ALL = struct.pack("HL", 1, ctypes.addressof(_RETURN_0))
_PUMP = """
import os, select, sys
poll = select.poll()
poll.register(1, select.POLLOUT)
parent = os.getppid()
flood = bytes([int(sys.argv[1])]) * 4096
out = open(1, "wb", buffering=0)
try:
    while os.getppid() == parent:
        if poll.poll(1000):
            out.write(flood)
except OSError:
    sys.exit()
"""


class _Plug(Protocol):
    def receive(self, count: int) -> bytes | None:
        """At most so many bytes; None when none came within a moment, empty at the end."""

    def say(self, data: bytes) -> None:
        """Send; raises OSError when nobody is there."""

    def tear(self) -> None:
        """Break it."""

    def fileno(self) -> int:
        """What to write to; -1 for nothing."""


class _Flood:
    """A process that writes one byte without end: a thread of ours would leave gaps in which nothing comes."""

    def __init__(self) -> None:
        self._pump: subprocess.Popen[bytes] | None = None

    def into(self, plug: _Plug, byte: int) -> None:
        """Begin, if it has not."""
        if self._pump is None and plug.fileno() >= 0:
            command = [sys.executable, "-I", "-S", "-c", _PUMP, str(byte)]
            self._pump = subprocess.Popen(command, stdout=plug.fileno())

    def end(self) -> None:
        """Stop it, if it runs."""
        if self._pump is not None:
            self._pump.kill()
            self._pump.wait()
            self._pump = None


class _Twin:
    """What both have in common: the mechanism, a thread, and one conversation after the other."""

    def __init__(self) -> None:
        self.manner, self.paper = Manner(), Paper()
        self.mechanism = Mechanism(self.manner, self.paper)
        self.connections = 0
        self.received = 0  # bytes, since this connection or since a test set it to 0
        self.heard_bytes = 0  # by all connections
        self.heard = bytearray()  # all that came by the newest connection; by a node: since the beginning
        self._flood = _Flood()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="printer twin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)

    def slips(self, count: int, within_s: float = _PATIENCE_S) -> list[Image.Image]:
        """The slips that came out, as soon as there are `count` of them."""
        until = time.monotonic() + within_s
        while len(self.paper.slips) < count and time.monotonic() < until:
            time.sleep(_STEP_S)
        return list(self.paper.slips)

    def _serve(self) -> None:
        raise NotImplementedError

    def _goes_on(self) -> bool:
        return not self._over.is_set()

    def _takes(self) -> int:
        """How many bytes it takes now."""
        manner = self.manner
        marks = [mark for mark in (manner.stall_after_bytes, manner.reset_after_bytes) if mark is not None]
        room = manner.buffer_bytes - len(self.mechanism.buffer)
        return 0 if manner.stalled else max(0, min([room, *(max(1, mark - self.received) for mark in marks)]))

    def _converse(self, plug: _Plug) -> None:
        try:
            self._talk(plug)
        finally:
            self._flood.end()

    def _talk(self, plug: _Plug) -> None:
        manner, held = self.manner, list[tuple[float, bytes]]()
        while self._goes_on():
            if manner.floods is not None:
                self._flood.into(plug, manner.floods)
            answers: list[tuple[float, bytes]] = []
            if not (count := self._takes()):
                time.sleep(_STEP_S)
            elif (data := plug.receive(count)) is not None:
                if not data:
                    self.mechanism.work()
                    return
                self.received += len(data)
                self.heard += data
                self.heard_bytes += len(data)
                answers = self.mechanism.take(data)
                if manner.stall_after_bytes is not None and self.received >= manner.stall_after_bytes:
                    manner.stall_after_bytes, manner.stalled = None, True
                if manner.reset_after_bytes is not None and self.received >= manner.reset_after_bytes:
                    plug.tear()
                    return
            now = time.monotonic()
            held += [(now + late_s, answer) for late_s, answer in answers]
            if manner.idle_until_bytes is None or self.received >= manner.idle_until_bytes:
                held += [(now, answer) for answer in self.mechanism.work()]
            ready = b"".join(answer for at, answer in held if at <= now)
            held = [(at, answer) for at, answer in held if at > now]
            if ready and not manner.silent and manner.floods is None:
                try:
                    plug.say(ready)
                except OSError:
                    return


class _Socket:
    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def receive(self, count: int) -> bytes | None:
        if not select.select([self._link], [], [], _STEP_S)[0]:
            return None
        try:
            return self._link.recv(count)
        except ConnectionError:
            return b""

    def say(self, data: bytes) -> None:
        self._link.sendall(data)

    def tear(self) -> None:
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def fileno(self) -> int:
        return self._link.fileno()


class PrinterTwin(_Twin):
    """The printer on a port of 127.0.0.1, by default one that is free."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._link: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port: int = self._listener.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._listener.close()

    def hang_up(self) -> None:
        """End the connection, as printers do with one that is idle."""
        if self._link is not None:
            self._link.shutdown(socket.SHUT_RDWR)

    def cut_cable(self) -> None:
        """From now on no packet reaches it, and none of its own tells so: as when the network cable is pulled."""
        for each in filter(None, (self._listener, self._link)):
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _DROP_ALL)

    def join_cable(self) -> None:
        """Packets reach it again; what it believed to be connected still is."""
        for each in filter(None, (self._listener, self._link)):
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)

    def _serve(self) -> None:
        while self._goes_on():
            if select.select([self._listener], [], [], _STEP_S)[0]:
                link = self._link = self._listener.accept()[0]
                self.connections += 1
                self.received = 0
                self.heard.clear()
                with link:
                    if self.manner.noise:
                        link.sendall(self.manner.noise)
                    self._converse(_Socket(link))
            self.mechanism.work()


class _Pty:
    """A pseudo terminal; its other end lies under a name that is gone with it, as a device's node is."""

    def __init__(self, node: Path, *, raw: bool) -> None:
        self._master, self.slave = os.openpty()  # the second stays open: the kernel then keeps its settings
        os.set_blocking(self._master, False)
        if raw:
            tty.setraw(self.slave)
        self._node = node
        node.symlink_to(os.ttyname(self.slave))

    def receive(self, count: int) -> bytes | None:
        if not select.select([self._master], [], [], _STEP_S)[0]:
            return None
        return os.read(self._master, count)

    def say(self, data: bytes) -> None:
        with suppress(BlockingIOError):  # nobody has read for long
            os.write(self._master, data)

    def fileno(self) -> int:
        return self._master

    def tear(self) -> None:
        self._node.unlink()
        os.close(self._master)
        os.close(self.slave)


class NodeTwin(_Twin):
    """The printer behind a device node, `node`: a pseudo terminal.

    raw: whether the node hands on bytes as they are from the first moment (USB), or has to be told so (serial).
    """

    def __init__(self, node: Path, *, raw: bool) -> None:
        super().__init__()
        self.node = node
        self._raw = raw
        self._pty: _Pty | None = None
        self._wishes: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        super().__enter__()
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.pull()
        super().__exit__()

    def plug(self) -> None:
        """Plug it in, if it is not."""
        self._do(self._plug)

    def pull(self) -> None:
        """Pull it out, if it is not."""
        self._do(self.tear)

    def blurt(self, data: bytes) -> None:
        """Say something unasked, and wait until it can be read at the other end."""
        pty = self._pty
        assert pty is not None
        before = _readable(pty.slave)
        self._do(lambda: pty.say(data))
        self.await_said(before + len(data))

    def await_said(self, count: int = 1) -> None:
        """Wait until so many bytes can be read at the other end."""
        pty = self._pty
        assert pty is not None
        until = time.monotonic() + _PATIENCE_S
        while _readable(pty.slave) < count:
            assert time.monotonic() < until
            time.sleep(_STEP_S)

    def receive(self, count: int) -> bytes | None:
        """As a plug: the end is when there is none."""
        return b"" if self._pty is None else self._pty.receive(count)

    def say(self, data: bytes) -> None:
        """As a plug: unheard when there is none."""
        if self._pty is not None:
            self._pty.say(data)

    def fileno(self) -> int:
        """As a plug: -1 when there is none."""
        return -1 if self._pty is None else self._pty.fileno()

    def tear(self) -> None:
        """As a plug."""
        self._flood.end()  # it holds the terminal open
        if self._pty is not None:
            self._pty.tear()
            self._pty = None

    def _do(self, wish: Callable[[], None]) -> None:
        """Have it done by the twin's own thread: no descriptor is closed under it."""
        done = threading.Event()
        self._wishes.put((wish, done))
        assert done.wait(_PATIENCE_S)

    def _plug(self) -> None:
        if self._pty is None:
            self._pty = _Pty(self.node, raw=self._raw)

    def _serve(self) -> None:
        while self._goes_on():
            if self._pty is not None:
                self._converse(self)
            self.mechanism.work()
            time.sleep(_STEP_S)

    def _goes_on(self) -> bool:
        while not self._wishes.empty():
            wish, done = self._wishes.get()
            wish()
            done.set()
        return super()._goes_on()


def _readable(terminal: int) -> int:
    """How many bytes wait to be read."""
    return int(struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)))[0])
