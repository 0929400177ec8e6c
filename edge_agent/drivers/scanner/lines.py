"""Bytes of a serial scanner as whole lines. Decides what a line is; knows no device and takes time as an argument.

A line ends with CR, LF or both; an empty one is none. What has no end within `QUIET_S` of silence is dropped, and so is
what grows longer than `LINE_MAX_BYTES`, up to its own end: half of one resident's code must never be read as a code,
nor become the beginning of the next resident's.
"""

from __future__ import annotations

import math
import re

LINE_MAX_BYTES = 4096  # the largest QR holds 2953 bytes
QUIET_S = 0.5

_ENDS = re.compile(rb"[\r\n]")


class Lines:
    """One stream of bytes, one scanner's. `trouble`: why the last line was dropped, "" where it came whole."""

    def __init__(self) -> None:
        self.trouble = ""
        self._text = bytearray()
        self._spoiled = False
        self._last_s = 0.0

    @property
    def drop_at_s(self) -> float:
        """When to call `silence` if nothing comes before; infinite while no line has begun."""
        return self._last_s + QUIET_S if self._text or self._spoiled else math.inf

    def feed(self, data: bytes, now_s: float) -> list[bytes]:
        """Take what came at `now_s`; give the lines that are now whole, as received, without their ends."""
        if now_s >= self.drop_at_s:
            self.silence()
        self._last_s = now_s
        *ended, rest = _ENDS.split(data)
        lines = [line for piece in ended if (line := self._end(piece))]
        self._grow(rest)
        return lines

    def silence(self) -> None:
        """Nothing came for `QUIET_S`: what has begun will not end."""
        if self._text and not self._spoiled:
            self.trouble = "what it sent had no line end: set its suffix to CR or LF"
        self._text.clear()
        self._spoiled = False

    def forget(self) -> None:
        """Drop what has begun, and what still comes of it."""
        self._spoiled = self._spoiled or bool(self._text)
        self._text.clear()

    def _grow(self, piece: bytes) -> None:
        if not self._spoiled:
            self._text += piece
        if len(self._text) > LINE_MAX_BYTES:
            self.trouble = f"a line was longer than {LINE_MAX_BYTES} bytes: set its suffix to CR or LF, and its speed"
            self._text.clear()
            self._spoiled = True

    def _end(self, piece: bytes) -> bytes:
        self._grow(piece)
        line = bytes(self._text)
        self._text.clear()
        self._spoiled = False
        if line:
            self.trouble = ""
        return line
