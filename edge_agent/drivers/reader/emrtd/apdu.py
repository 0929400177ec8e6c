"""Commands and answers, and the one way in which they are exchanged: counted, timed, and secured once there is a key.

Decides when a reading has lasted too long and what is no answer at all. Knows no command's meaning. Source: ISO/IEC
7816-4, 5.1.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from edge_agent.card import CardFault

if TYPE_CHECKING:
    from collections.abc import Callable

_EXCHANGES_MAX = 1500  # 64 kB of DG2, 16 kB each of EF.SOD and DG13 in pieces of 223 bytes need some 450
_SHORT_MAX = 255
OK = 0x9000


@dataclass(frozen=True, slots=True)
class Command:
    """One command; le: how many bytes of answer are allowed (256: as many as fit), None: none is expected."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    def encode(self) -> bytes:
        """Give the APDU: short, or of extended length where data or answer do not fit."""
        le = self.le or 0
        if len(self.data) <= _SHORT_MAX and le <= _SHORT_MAX + 1:
            lc = bytes((len(self.data),)) if self.data else b""
            return self.header + lc + self.data + (b"" if self.le is None else bytes((le & 0xFF,)))
        lc = b"\0" + len(self.data).to_bytes(2, "big") if self.data else b""
        tail = b"" if self.le is None else (b"" if self.data else b"\0") + (le & 0xFFFF).to_bytes(2, "big")
        return self.header + lc + self.data + tail


@dataclass(frozen=True, slots=True)
class Response:
    """What the chip answered: its data and the status word."""

    data: bytes = field(repr=False)
    status: int

    @classmethod
    def of(cls, raw: bytes) -> Response:
        """Take an answer apart.

        Raises:
            CardFault: damaged: it has no status word, or one that is none (ISO/IEC 7816-3: 6X or 9X).
        """
        if len(raw) < 2 or raw[-2] >> 4 not in {6, 9}:
            raise CardFault("damaged", "an answer without a status word")
        return cls(raw[:-2], int.from_bytes(raw[-2:], "big"))


class Security(Protocol):
    """A secured channel: it makes APDUs of commands and gives back what an answer says."""

    def wrap(self, command: Command) -> bytes:
        """Secure a command."""
        ...

    def unwrap(self, raw: bytes) -> Response:
        """Check and open an answer."""
        ...


class Exchange:
    """The conversation with one chip; `security` is None until the chip was opened.

    Args:
        transmit: sends an APDU and gives the answer with its status word.
        until_s: the moment of `time.monotonic()` after which no command is sent.
    """

    def __init__(self, transmit: Callable[[bytes], bytes], until_s: float) -> None:
        self._transmit = transmit
        self._until_s = until_s
        self._left = _EXCHANGES_MAX
        self.security: Security | None = None

    def send(self, command: Command) -> Response:
        """Send one command and give its answer.

        Raises:
            CardFault: too_slow where the deadline is over or the chip makes the reading endless; damaged where the
                answer is none or breaks the secured channel; and what `transmit` raises.
        """
        if time.monotonic() > self._until_s or not self._left:
            raise CardFault("too_slow", f"no time left for command {command.ins:02X}")
        self._left -= 1
        if self.security is None:
            return Response.of(self._transmit(command.encode()))
        return self.security.unwrap(self._transmit(self.security.wrap(command)))
