"""The number by which a sensor tells cards apart: the command that asks for it, and which answers name a card.

Decides nothing else. A UID can be copied: it identifies a building-access card and proves nothing.
Sources: PC/SC part 3, 3.2.2.1.3 (Get Data); ISO 14443-3 (single, double and triple size; 08 begins a random one).
"""

from __future__ import annotations

ASK = bytes.fromhex("FFCA000000")

_SIZES_BYTES = (4, 7, 10)
_RANDOM_BYTES, _RANDOM = 4, 0x08  # drawn anew at every tap: phones and identity chips
_DONE = b"\x90\x00"


def named(answer: bytes) -> bytes:
    """Give the UID of an answer to `ASK`; empty where reader or card tell none, or a random one."""
    uid, status = answer[:-2], answer[-2:]
    if status != _DONE or len(uid) not in _SIZES_BYTES:
        return b""
    return b"" if len(uid) == _RANDOM_BYTES and uid[0] == _RANDOM else uid
