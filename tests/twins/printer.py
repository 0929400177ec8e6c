"""A receipt printer on TCP, to the byte: it parses what it is sent, burns dots, cuts slips, and breaks on command.

It knows nothing of our drivers. Its mechanism stops when the cover is open or the roll has ended; then its buffer fills,
it stops reading, and real-time questions no longer reach it: as real printers do.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from PIL import Image

_REAL_TIME = re.compile(rb"\x10\x04([\x01-\x04])|(\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08)")
_STEP_S = 0.01


@dataclass
class Manner:
    """How this printer is and behaves; tests set the fields at any time.

    paper_rows: dots of paper left (None: plenty); ends_quietly: it stops pushing and answering once it stops.
    cut_after_bytes: reset the connection when so many bytes of it were received. stalled: read nothing more.
    silent: print, but never answer. answers_zero: a clone that answers 00 to every status question.
    reply_delay_s: each status answer comes so late. keeps_mark: never answer GS ( H though all was printed.
    """

    cover_open: bool = False
    paper: str = "full"
    paper_rows: int | None = None
    cutter_jams: bool = False
    head_hot: bool = False
    stalled: bool = False
    cut_after_bytes: int | None = None
    silent: bool = False
    answers_zero: bool = False
    reply_delay_s: float = 0.0
    knows_mark: bool = True
    knows_push: bool = True
    knows_barrier: bool = True
    knows_clear: bool = True
    buffer_bytes: int = 4096
    noise: bytes = b""  # said at once to everyone who connects


@dataclass
class Paper:
    """What came out."""

    slips: list[Image.Image] = field(default_factory=list)
    text: bytearray = field(default_factory=bytearray)  # bytes that it would have printed as letters: always a fault
    rows: bytearray = field(default_factory=bytearray)
    row_bytes: int = 0

    def cut(self) -> None:
        if self.rows:
            size = 8 * self.row_bytes, len(self.rows) // self.row_bytes
            self.slips.append(Image.frombytes("1", size, bytes(255 - eight for eight in self.rows)))
            self.rows.clear()
