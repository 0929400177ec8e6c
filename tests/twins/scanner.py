"""Scanners to the byte and to the key: what they put on a device node, and how the node goes away with the cable.

They know nothing of our drivers. A node is a name that can be unlinked, as udev does when a device goes.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENT = struct.Struct("llHHi")
PIPE_BYTES = 1 << 20

# The kernel's table from the usage codes of the USB keyboard page to its own key codes (drivers/hid/hid-input.c).
USAGES = {
    **dict(zip("abcdefghijklm", [30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50], strict=True)),
    **dict(zip("nopqrstuvwxyz", [49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44], strict=True)),
    **dict(zip("1234567890", range(2, 12), strict=True)),
    **dict(zip("\n\t -=[]\\;'`,./", [28, 15, 57, 12, 13, 26, 27, 43, 39, 40, 41, 51, 52, 53], strict=True)),
}
ABOVE = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./", strict=True))
SHIFT, ALT, ENTER = 42, 56, 28
KEYPAD = dict(zip("0123456789", [82, 79, 80, 81, 75, 76, 77, 71, 72, 73], strict=True))


def keys(text: str, unknown: str = "?") -> Iterator[tuple[int, int]]:
    """The key codes, each with 1 pressed or 0 released, by which a scanner types `text`.

    unknown: what it types for a letter that no US keyboard has: "?", nothing, or by "alt": ALT and its number.
    """
    for letter in text:
        if letter.lower() not in USAGES and letter not in ABOVE:
            if unknown == "alt":
                yield ALT, 1
                for digit in f"{ord(letter):04}":
                    yield from ((KEYPAD[digit], 1), (KEYPAD[digit], 0))
                yield ALT, 0
            else:
                yield from keys(unknown)
            continue
        shifted = letter in ABOVE or letter.isupper()
        code = USAGES[ABOVE.get(letter, letter.lower())]
        if shifted:
            yield SHIFT, 1
        yield from ((code, 1), (code, 0))
        if shifted:
            yield SHIFT, 0


class SerialTwin:
    """A scanner in serial mode: a pseudo-terminal behind a name."""

    def __init__(self, folder: Path) -> None:
        self.node = folder / "ttyACM0"
        self._ours = -1
        self.plug(plugged=True)

    def plug(self, *, plugged: bool) -> None:
        self.node.unlink(missing_ok=True)
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1
        if plugged:
            self._ours, theirs = pty.openpty()
            tty.setraw(self._ours)
            self.node.symlink_to(os.ttyname(theirs))
            os.close(theirs)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._ours, data) :]

    def scan(self, data: bytes, end: bytes = b"\r") -> None:
        self.send(data + end)

    def speed(self) -> int:
        """The speed that was set at the other end, as termios has it."""
        return termios.tcgetattr(self._ours)[5]

    def heard(self) -> bytes:
        """What was said to the scanner: nothing may be, not even an echo."""
        os.set_blocking(self._ours, False)
        try:
            return os.read(self._ours, 100)
        except BlockingIOError:
            return b""
        finally:
            os.set_blocking(self._ours, True)


class KeysTwin:
    """A scanner in keyboard mode: a pipe of key events behind a name, stamped by a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.node = folder / "event5"
        self._ours = -1
        self.now_us = 1_000_000_000
        self.gap_us = 4_000
        self.plug(plugged=True)

    def plug(self, *, plugged: bool) -> None:
        self.node.unlink(missing_ok=True)
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1
        if plugged:
            os.mkfifo(self.node)
            self._ours = os.open(self.node, os.O_RDWR)  # for writing alone it would wait for a reader
            fcntl.fcntl(self._ours, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def send(self, data: bytes) -> None:
        os.write(self._ours, data)

    def press(self, code: int, value: int) -> bytes:
        self.now_us += self.gap_us
        moment = divmod(self.now_us, 1_000_000)
        return (
            EVENT.pack(*moment, 4, 4, 0x70000 + code)
            + EVENT.pack(*moment, 1, code, value)
            + EVENT.pack(*moment, 0, 0, 0)
        )

    def typed(self, text: str, unknown: str = "?") -> bytes:
        return b"".join(self.press(code, value) for code, value in keys(text, unknown))

    def scan(self, data: bytes, end: str = "\n", unknown: str = "?") -> None:
        self.now_us += 2_000_000
        self.send(self.typed(data.decode() + end, unknown))
