"""A cable that can be pulled: forwards TCP connections from one port to another until it is cut. Reads nothing.

Stands between the stations and the fleet server of a demonstration; TLS passes through it untouched.
"""

from __future__ import annotations

import contextlib
import socket
import threading

CHUNK_BYTES = 65_536
ACCEPT_S = 0.2


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cable:
    """Forwards `port` (on loopback) to `target`; `cut` ends every connection and takes no new one until `mend`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(ACCEPT_S)
        self.port: int = self._listener.getsockname()[1]
        self._whole = threading.Event()
        self._whole.set()
        self._ended = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to forward."""
        threading.Thread(target=self._accept, name=f"cable:{self.port}", daemon=True).start()

    def cut(self) -> None:
        """Pull it."""
        self._whole.clear()
        with self._lock:
            ends = list(self._open)
        for each in ends:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Plug it in again."""
        self._whole.set()

    def end(self) -> None:
        """Stop for good."""
        self._ended = True
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if not self._whole.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=2.0)
            except OSError:
                near.close()
                continue
            for each in (near, far):
                each.settimeout(None)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            if not self._whole.is_set():  # pulled while the far end was reached: this connection is cut as well
                self.cut()
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(CHUNK_BYTES):
                other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            done = one in self._open
            self._open -= {one}
        if done:
            one.close()
