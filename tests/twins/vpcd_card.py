"""The card end of vpcd: lays a virtual chip on a virtual reader of pcscd. Answers what the chip answers, no more.

A connection is a card: `insert` connects, `remove` closes. vpcd's frames are two bytes of length (big-endian) and the
payload, both ways; one byte alone is a control: 0 power off, 1 power on, 2 reset (no reply), 4 asks for the ATR.

As a program, for a pcscd in namespaces of its own:

    python tests/twins/vpcd_card.py DESCRIPTION PORT

DESCRIPTION is JSON: {"seed": 1, "kind": {"access": "bac", "uid": "04112233445566", ...}, "manner": {"torn_after": 3}},
each part may be missing; the fields are those of virtual_chip.Kind and Manner, "offers" is a list of lists of the
fields of Offer. It connects, says "in" on a line of its own and lies there until it is killed or its input ends.
Meanwhile it takes JSON lines and answers each by one: ["manner", {...}] changes the fault, ["log"] gives the APDU log,
["facts"] what a test must know (can, mrz_information, mrz, id_number, name, anchor as hex), ["remove"] and ["insert"].
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from edge_agent.card import CardFault
from edge_agent.drivers.reader.virtual_chip import Kind, Manner, Offer, VirtualChip

if TYPE_CHECKING:
    from collections.abc import Callable

PORT = 35963  # of the first reader; the second has the next
_PATIENCE_S = 30.0
_QUICK = getattr(socket, "TCP_QUICKACK", 12)
_POWER_OFF, _POWER_ON, _RESET, _ATR = b"\0", b"\1", b"\2", b"\4"


def loopback(port: int) -> socket.socket:
    """Reach vpcd; pcscd may still be about to start."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


class VpcdCard:
    """One chip, and the reader it is laid on. `insert` and `remove` may be called again and again, by one thread."""

    def __init__(self, chip: VirtualChip, port: int = PORT, connect: Callable[[int], socket.socket] = loopback) -> None:
        self.chip, self.port = chip, port
        self._connect = connect
        self._line: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def insert(self) -> None:
        """Lay it down: connected when this returns."""
        self.chip.reset()
        self._line = self._connect(self.port)
        self._thread = threading.Thread(target=self._serve, args=(self._line,), name="vpcd card", daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Take it away; nothing when it is away already."""
        if self._line is None or self._thread is None:
            return
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        self._thread.join(_PATIENCE_S)
        self._line = self._thread = None

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, EOFError), line:
            while True:
                (size,) = struct.unpack("!H", _take(line, 2))
                reply = self._reply(_take(line, size))
                if reply is not None:
                    line.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, frame: bytes) -> bytes | None:
        """What goes back. A chip that is mute sends nothing.

        Raises:
            EOFError: it was taken away.
        """
        if frame == _ATR:
            return self.chip.atr
        if frame in (_POWER_OFF, _POWER_ON, _RESET):
            self.chip.reset()
            return None
        try:
            return self.chip.transmit(frame)
        except CardFault as fault:
            if fault.kind == "torn":
                raise EOFError from fault
            return None


def _take(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        line.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)  # a wait of 40 ms in each exchange otherwise
        part = line.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def described(description: str) -> VirtualChip:
    """Make the chip of a JSON description."""
    given = json.loads(description)
    kind = given.get("kind", {})
    kind |= {name: tuple(kind[name]) for name in ("forged", "unlisted") if name in kind}
    if "offers" in kind:
        kind["offers"] = tuple(Offer(*offer) for offer in kind["offers"])
    if kind.get("uid") not in (None, "random"):
        kind["uid"] = bytes.fromhex(kind["uid"])
    return VirtualChip(kind=Kind(**kind), seed=given.get("seed", 0), manner=Manner(**given.get("manner", {})))


def facts(chip: VirtualChip) -> dict[str, str]:
    """What a test must know of the chip that lies in another process."""
    person = chip.person
    return {
        "can": person.can,
        "mrz_information": person.mrz_information,
        "mrz": "".join(person.mrz_lines),
        "id_number": person.id_number,
        "name": person.name,
        "anchor": chip.anchor.hex(),
    }


def obey(card: VpcdCard, what: str, fields: dict[str, object] | None = None) -> object:
    """Do what a line of standard input asks for, and give the answer."""
    match what:
        case "manner":
            for name, value in (fields or {}).items():
                setattr(card.chip.manner, name, value)
        case "log":
            return list(card.chip.log)
        case "facts":
            return facts(card.chip)
        case "remove":
            card.remove()
        case "insert":
            card.insert()
    return "done"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    card = VpcdCard(described(sys.argv[1]), int(sys.argv[2]))
    card.insert()
    _say("in")
    for line in sys.stdin:
        _say(json.dumps(obey(card, *json.loads(line))))


if __name__ == "__main__":
    main()
