"""The lease of provisional codes: which numbers this device may still give, even after its journal was lost.

The counter lives in the journal's state table. So that a fresh journal never gives a number again, a bound ahead of it
is kept beside the journal: numbers are reserved by the hundred before the first of them is used. Decides nothing
else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.identity import write_durably

if TYPE_CHECKING:
    from pathlib import Path

RESERVE = 100
FILE = "codes-reserved"


class Lease:
    """The block [first, end) leased to one device."""

    def __init__(self, folder: Path, first: int, end: int) -> None:
        self._path = folder / FILE
        self.first, self.end = first, end
        self._bound = self._read()

    def _read(self) -> int:
        """The bound on disk; the end of the block where the file is damaged: then no number is given at all."""
        try:
            words = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return self.first
        except (OSError, UnicodeDecodeError):
            return self.end
        return int(words) if words.isascii() and words.isdigit() else self.end

    def start(self) -> int:
        """The first number that no earlier journal of this device can have given."""
        return min(max(self._bound, self.first), self.end)

    def cover(self, following: int) -> None:
        """Make sure that `following - 1` was reserved before it is used. Raises OSError: then it must not be used."""
        if following > self._bound:
            bound = min(following + RESERVE, self.end)
            write_durably(self._path, str(bound).encode())
            self._bound = bound
