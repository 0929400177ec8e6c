"""Process 1 of a small world with a pcscd in it: starts and strikes pcscd, lays cards on its virtual readers.

A program for `tests/twins/pcscd.py`, not a test. Obeys JSON lines on standard input, answers each by one on standard
output; when its input ends, it ends, and the kernel ends all that lives in this world with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

RUN = Path("/run/pcscd")
SOCKET = RUN / "pcscd.comm"
PATIENCE_S = 30.0
IFF_UP, SIOCSIFFLAGS = 1, 0x8914


def loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


class World:
    def __init__(self) -> None:
        self.pcscd: subprocess.Popen[bytes] | None = None
        self.cards: dict[int, subprocess.Popen[str]] = {}

    def start(self, *, readers: bool) -> None:
        """Start pcscd with its two virtual readers, or with none, and wait until it takes clients."""
        for left in (SOCKET, RUN / "pcscd.pid"):
            left.unlink(missing_ok=True)
        none = Path("/run/none.conf")
        none.write_text("# no reader\n")
        command = ["pcscd", "--foreground", *([] if readers else ["--config", str(none)])]
        with (RUN / "pcscd.log").open("ab") as log:
            self.pcscd = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.pcscd.poll() is None:
            with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
                client.connect(str(SOCKET))
                return
            time.sleep(0.005)
        raise AssertionError("pcscd takes no clients")

    def strike(self, number: int) -> None:
        """Send pcscd a signal; one that ends it is waited for."""
        self.pcscd.send_signal(number)
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            self.pcscd.wait(PATIENCE_S)

    def insert(self, slot: int, command: list[str]) -> None:
        """Lay a card on a reader: the program `command` with the reader's port as its last argument."""
        assert slot not in self.cards
        port = str(35963 + slot)
        self.cards[slot] = subprocess.Popen([*command, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.cards[slot].stdout.readline() == "in\n", "the card did not reach the reader"

    def tell(self, slot: int, line: str) -> str:
        """Say a line to a card's program; give the line it answers."""
        card = self.cards[slot]
        card.stdin.write(line + "\n")
        card.stdin.flush()
        return card.stdout.readline().rstrip("\n")

    def remove(self, slot: int) -> None:
        card = self.cards.pop(slot)
        card.kill()
        card.wait(PATIENCE_S)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    loopback_up()
    world = World()
    for line in sys.stdin:
        what, arguments = json.loads(line)
        say(json.dumps(getattr(world, what)(**arguments)))


if __name__ == "__main__":
    main()
