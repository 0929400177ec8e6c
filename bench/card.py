"""An identity card: how long a reading takes that opens it and reads DG1, DG13 and all that vouches for them.

Chip and terminal are in one process and exchange their commands without a reader. Floors beside it: what
the chip itself took for the same commands, and how long their bytes alone are on the air at ISO 14443's first speed.
pcscd and a reader come on top; a real chip is slower than this one.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.rows import Row, ratios, row
from edge_agent.card import CardRequest, Secret
from edge_agent.drivers.reader.emrtd.reading import read
from edge_agent.drivers.reader.virtual_chip import Kind, VirtualChip

if TYPE_CHECKING:
    from pathlib import Path

# rounds, readings in each
COUNTS = {"full": (3, 20), "quick": (3, 5), "smoke": (1, 1)}
AIR_BITS_PER_S = 106_000
_READ_S = 60.0


@dataclass(slots=True)
class _Counted:
    """A chip that is watched: its time, its commands, the bytes both ways."""

    chip: VirtualChip
    seconds: float = 0.0
    commands: int = 0
    size_bytes: int = 0

    def transmit(self, command: bytes) -> bytes:
        begun = time.perf_counter()
        answer = self.chip.transmit(command)
        self.seconds += time.perf_counter() - begun
        self.commands += 1
        self.size_bytes += len(command) + len(answer)
        return answer


def measure(size: str, folder: Path) -> list[Row]:
    rounds, count = COUNTS[size]
    assert folder.is_dir()
    ways = {"PACE by CAN": Kind(access="pace"), "BAC": Kind(access="bac")}
    return [each for way, kind in ways.items() for each in _rows(way, VirtualChip(kind=kind, seed=1), rounds, count)]


def _rows(way: str, chip: VirtualChip, rounds: int, count: int) -> list[Row]:
    person = chip.person
    secret = Secret("can", person.can) if way == "PACE by CAN" else Secret("mrz", person.mrz_information)
    whole, theirs, seen = [], [], _Counted(chip)
    _reading(seen, secret)  # the first of a process imports and makes tables
    for _ in range(rounds):
        seen, begun = _Counted(chip), time.perf_counter()
        for _ in range(count):
            _reading(seen, secret)
        whole.append(1000 * (time.perf_counter() - begun) / count)
        theirs.append(1000 * seen.seconds / count)
    commands, size_bytes = seen.commands / count, seen.size_bytes / count
    done = rounds * count
    return [
        row(f"{way}: read / what the chip took", "ratio", "×", ratios(whole, theirs), done),
        row(f"{way}: read", "ours", "ms", whole, done),
        row(f"{way}: commands", "ours", "commands", [commands], done),
        row(f"{way}: bytes both ways", "ours", "bytes", [size_bytes], done),
        row(f"{way}: what the chip took", "floor", "ms", theirs, done),
        row(f"{way}: these bytes on the air", "floor", "ms", [1000 * 8 * size_bytes / AIR_BITS_PER_S], done),
        row(f"{way}: what the terminal took", "part", "ms", [a - b for a, b in zip(whole, theirs, strict=True)], done),
    ]


def _reading(seen: _Counted, secret: Secret) -> None:
    seen.chip.reset()
    request = CardRequest(bytes(16), secret, ("dg1", "dg13"), (seen.chip.anchor,), None)
    card = read(seen.transmit, request, os.urandom, time.monotonic() + _READ_S)
    assert card.national["name"] == seen.chip.person.name
    assert card.mrz == "".join(seen.chip.person.mrz_lines)
