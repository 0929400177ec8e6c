"""Key events of a scanner that types, as whole lines of ASCII. Decides what a line is; knows no device.

Events are read as the kernel gives them (`struct input_event`, linux/input.h), below every keyboard layout and input
method, so a code is always read by the US layout, which is what such a scanner types by. A line counts only with its
Enter, only if its keys came within `GAP_MAX_S` of each other by the kernel's own time stamps, and only if every key of
it is a letter, digit or sign: scanners type what the layout lacks (every Vietnamese letter) by ALT and digits of the
keypad, and a code with holes is no code. (Some write "?" for it or leave it out: that cannot be seen here.)
"""

from __future__ import annotations

import math
import struct

from edge_agent.drivers.scanner.lines import LINE_MAX_BYTES, QUIET_S

GAP_MAX_S = 0.1
EVENT = struct.Struct("llHHi")  # seconds, microseconds, type, code, value: 24 bytes on a 64-bit system

_EV_SYN, _EV_KEY, _SYN_DROPPED = 0, 1, 3
_RELEASED, _PRESSED = 0, 1  # 2 is auto-repeat
_SHIFTS, _CAPS_LOCK, _ENTERS = (42, 54), 58, (28, 96)
_BESIDE = {29: "CTRL", 97: "CTRL", 56: "ALT", 100: "ALT", 125: "META", 126: "META"}
_LOCKS = (69, 70)  # NumLock, ScrollLock: the keypad's digits are digits whatever they say
_CURE = "set it to serial (USB-CDC), or its keyboard to US without ALT codes"
_PLAIN = {
    2: "1234567890-=",
    15: "\tqwertyuiop[]",
    30: "asdfghjkl;'`",
    43: "\\zxcvbnm,./",
    55: "*",
    57: " ",
    71: "789-456+1230.",
    98: "/",
    117: "=",
    121: ",",
}
_SHIFTED = {
    2: "!@#$%^&*()_+",
    15: "\tQWERTYUIOP{}",
    30: 'ASDFGHJKL:"~',
    43: "|ZXCVBNM<>?",
}


def _layout(rows: dict[int, str]) -> dict[int, str]:
    return {first + place: letter for first, row in rows.items() for place, letter in enumerate(row)}


PLAIN = _layout(_PLAIN)
SHIFTED = PLAIN | _layout(_SHIFTED)


class Keys:
    """One stream of events, one scanner's. `trouble`: why the last line was dropped, "" where it came whole."""

    def __init__(self) -> None:
        self.trouble = ""
        self._rest = b""
        self._text: list[str] = []
        self._spoiled = False
        self._held: set[int] = set()
        self._caps = False
        self._last_us = 0
        self._fed_s = 0.0

    @property
    def drop_at_s(self) -> float:
        """When to call `silence` if nothing comes before; infinite while no line has begun."""
        return self._fed_s + QUIET_S if self._text or self._spoiled or self._rest else math.inf

    def feed(self, data: bytes, now_s: float) -> list[bytes]:
        """Take what came at `now_s`, whole events or not; give the lines that are now whole, without their ends."""
        self._fed_s = now_s
        data = self._rest + data
        whole = len(data) // EVENT.size * EVENT.size
        self._rest = data[whole:]
        lines = []
        for seconds, micros, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == _EV_SYN and code == _SYN_DROPPED:
                self._held.clear()
                self._spoil("the kernel dropped keys: the station was too busy")
            elif kind == _EV_KEY and value == _RELEASED:
                self._held.discard(code)
            elif kind == _EV_KEY and value == _PRESSED and (line := self._press(code, seconds * 1_000_000 + micros)):
                lines.append(line)
        return lines

    def silence(self) -> None:
        """Nothing came for `QUIET_S`: what has begun will not end."""
        self._rest = b""
        self._begin_anew()

    def forget(self) -> None:
        """Drop what has begun, and what still comes of it."""
        self._spoiled = self._spoiled or bool(self._text)
        self._text.clear()

    def _begin_anew(self) -> None:
        if self._text and not self._spoiled:
            self.trouble = "what it typed had no Enter at its end: set its suffix to Enter"
        self._start()

    def _start(self) -> None:
        self._text.clear()
        self._spoiled = self._caps = False

    def _spoil(self, trouble: str) -> None:
        """The line that has begun, or begins with this key, is not to be had whole."""
        if not self._spoiled:
            self.trouble = trouble
        self._spoiled = True
        self._text.clear()

    def _press(self, code: int, at_us: int) -> bytes:
        """Take one key; give the line that it ends, else nothing."""
        gap_s, self._last_us = (at_us - self._last_us) / 1_000_000, at_us
        if gap_s >= QUIET_S:
            self._begin_anew()
        elif not 0 <= gap_s <= GAP_MAX_S and self._text:
            self._spoil(f"its keys came more than {GAP_MAX_S * 1000:.0f} ms apart: set its inter-key delay to none")
        if code in _ENTERS:
            return self._end()
        if code in _SHIFTS:
            self._held.add(code)
        elif code == _CAPS_LOCK:
            self._caps = not self._caps
        elif code in _BESIDE:
            self._held.add(code)
        elif code not in _LOCKS:
            self._grow(code)
        return b""

    def _grow(self, code: int) -> None:
        beside = sorted({_BESIDE[held] for held in self._held if held in _BESIDE})
        letter = (SHIFTED if self._held.intersection(_SHIFTS) else PLAIN).get(code)
        if beside:
            self._spoil(f"it types with {' and '.join(beside)}: {_CURE}")
        elif letter is None:
            self._spoil(f"it typed key {code}, which is no text: {_CURE}")
        elif not self._spoiled:
            self._text.append(letter.swapcase() if self._caps else letter)
            if len(self._text) > LINE_MAX_BYTES:
                self._spoil(f"a line was longer than {LINE_MAX_BYTES} keys: set its suffix to Enter")

    def _end(self) -> bytes:
        line = "".join(self._text).encode("ascii")
        if line:
            self.trouble = ""
        self._start()
        return line
