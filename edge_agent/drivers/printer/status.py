"""What an ESC/POS printer says of itself: the questions, the framing of its replies, their meaning in XFS4IoT words.

Bytes in, meaning out; opens nothing and waits for nothing, so that every link (TCP, USB, serial) reads replies alike.
Sources: Epson ESC/POS command reference (DLE EOT, GS a, GS r, GS ( H, GS ( K replies).

A reply is believed only when its fixed bits are right: many clones answer 00 to everything, and a reply that comes late
must not be taken for the answer to the next question (whoever asks stops asking after the first silence).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ASK = {n: bytes((0x10, 0x04, n)) for n in (1, 2, 3, 4)}  # DLE EOT n
PUSH_STATUS = b"\x1da\x0e"  # GS a: tell every change of online, error and paper by itself
BARRIER = b"\x1dr\x01"  # GS r 1: one byte once all that stands before it is processed
CLEAR = bytes.fromhex("10140801031401060208")  # DLE DC4 8: forget what is not yet printed
CLEARED = b"\x37\x25"
_BLOCK_HEADERS = (0x37, 0x3B, 0x53, 0x5F)
_BLOCK_MAX_BYTES = 96
_FLOW = (0x11, 0x13)  # XON, XOFF: may stand anywhere, even inside the four bytes of a pushed status

FrameKind = Literal["status", "pushed", "block", "stray"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One reply: a DLE EOT byte, four pushed bytes, a block without its NUL, or a byte that fits nothing asked here."""

    kind: FrameKind
    data: bytes


class Framer:
    """Cuts the stream of replies into frames; keeps what is not yet whole."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take what was received; give the frames that are now whole."""
        self._held += bytes(byte for byte in data if byte not in _FLOW)
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
            del self._held[: len(frame.data) + (frame.kind == "block")]
        return frames

    def _next(self) -> Frame | None:
        if not self._held:
            return None
        first = self._held[0]
        if first in _BLOCK_HEADERS:
            end = self._held.find(0, 0, _BLOCK_MAX_BYTES)
            if end < 0:
                return Frame("stray", bytes(self._held[:1])) if len(self._held) >= _BLOCK_MAX_BYTES else None
            return Frame("block", bytes(self._held[:end]))
        if first & 0x93 == 0x12:
            return Frame("status", bytes(self._held[:1]))
        if first & 0x93 == 0x10:
            rest = self._held[1:4]
            if any(byte & 0x90 for byte in rest):
                return Frame("stray", bytes(self._held[:1]))
            return Frame("pushed", bytes(self._held[:4])) if len(rest) == 3 else None
        return Frame("stray", bytes(self._held[:1]))


@dataclass(frozen=True, slots=True)
class Health:
    """How a printer is: `state`, `paper`, `detail` and `action` as in events.PeripheralState.

    A low roll asks for no action: nothing has failed, and `paper` says it to whoever brings a new one.
    """

    state: str
    paper: str
    detail: str = ""
    action: str = ""

    @property
    def blocked(self) -> bool:
        """Whether the printer itself said that it cannot print. A silent printer is not blocked: it may be a clone."""
        return self.state in ("offline", "hardwareError")


SILENT = Health("unknown", "unknown", "the printer gives no valid status")


def health(answers: Mapping[int, int]) -> Health:
    """Give the meaning of DLE EOT answers by their number (1 printer, 2 why offline, 3 which error, 4 paper).

    Answers may be missing: what is not known is said to be unknown, never fine.
    """
    if 1 not in answers:
        return SILENT
    printer, offline, error = answers[1], answers.get(2, 0), answers.get(3, 0)
    return _judge(
        offline=bool(printer & 0x08),
        cover_open=bool(offline & 0x04),
        paper_out=bool(offline & 0x20 or answers.get(4, 0) & 0x60),
        paper_low=bool(answers[4] & 0x0C) if 4 in answers else None,
        error=error,
        failed=bool(offline & 0x40),
    )


def pushed_health(four: bytes) -> Health:
    """Give the meaning of four bytes of automatic status (GS a)."""
    first, second, third, _ = four
    return _judge(
        offline=bool(first & 0x08),
        cover_open=bool(first & 0x20),
        paper_out=bool(third & 0x0C),
        paper_low=bool(third & 0x03),
        error=second,
        failed=False,
    )


def port_health(byte: int) -> Health | None:
    """Give the fault that the byte of a USB printer's interface tells (GET_PORT_STATUS, LPGETSTATUS), None for none.

    Bits: 20 paper out, 10 selected, 08 no error. It is coarse: many printers always answer "selected, no error", so
    that is not called fine, and a byte that is zero or has other bits is not believed. Source: USB printer class 1.1,
    4.2.2; linux/lp.h.
    """
    if byte & ~0x38 or not byte:
        return None
    if byte & 0x20:
        return Health("offline", "out", "out of paper, by its USB interface: put in a roll", "clear")
    if byte & 0x18 == 0x18:
        return None
    return Health("offline", "unknown", "not ready, by its USB interface: look at its lamps", "maintenance")


def _judge(
    *, offline: bool, cover_open: bool, paper_out: bool, paper_low: bool | None, error: int, failed: bool
) -> Health:
    """The worst first; the paper sensor is not believed while the cover is open.

    error: DLE EOT 3, or the second byte of GS a: 04 mechanical, 08 cutter, 20 unrecoverable, 40 recovers by itself.

    "jammed" is said where the printer names what paper blocks: the cutter, or its mechanism. The second is undefined on
    many models and believed only of a printer that is offline. A jam that neither of them meets (paper rolled up at the
    platen) has no sensor in a receipt printer: no status tells it.
    """
    cutter, mechanical = bool(error & 0x08), bool(error & 0x04) and offline
    level = {None: "unknown", True: "low", False: "full"}[paper_low]
    paper = "unknown" if cover_open else "out" if paper_out else "jammed" if cutter or mechanical else level
    causes = (
        (error & 0x20, "hardwareError", "maintenance", "unrecoverable error: switch it off and call a technician"),
        (cover_open, "offline", "clear", "cover open: close it"),
        (paper_out, "offline", "clear", "out of paper: put in a roll"),
        (cutter, "hardwareError", "clear", "cutter blocked: open the cover, clear the paper, close it"),
        (error & 0x40, "offline", "suspend", "print head too hot: it recovers by itself"),
        (mechanical, "hardwareError", "clear", "paper jammed: open the cover, clear the paper, switch it off and on"),
        (failed, "hardwareError", "reset", "an error that the printer does not name: switch it off and on"),
        (offline, "offline", "maintenance", "offline, and the printer does not say why: look at its lamps"),
    )
    for given, state, action, detail in causes:
        if given:
            return Health(state, paper, detail, action)
    return Health("online", paper)


def passes_barrier(frame: Frame) -> bool:
    """Whether a frame can be the answer to BARRIER: 0xx0xxxx, which nothing else of ours looks like."""
    return frame.kind == "stray" and not frame.data[0] & 0x90


def printed_mark(job: bytes, attempt: int) -> tuple[bytes, bytes]:
    """Give the command that makes a printer report the end of printing (GS ( H, function 48), and the block it answers.

    The four letters of the mark (20 to 7E each) come from the job id and from `attempt`, so that a late answer to an
    earlier attempt confirms nothing.
    """
    mark = bytes(0x21 + byte % 94 for byte in (*job[:3], attempt))
    return b"\x1d(H\x06\x0000" + mark, b"\x37\x22" + mark
