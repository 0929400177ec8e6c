"""The slots of a PC/SC reader: which of them are ours, and what came and went between two looks.

Decides what a pair of looks means; asks nobody. A slot's state is PC/SC's number: whether a card lies there, and a
counter, by which a card that was changed for another between two looks is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.drivers.reader.winscard import COUNTER, PRESENT, UNAWARE
from edge_agent.events import CardIn, CardOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CHANGED = 0x2  # "differs from what you knew": said of an event, never known


class Slots:
    """What is known of our slots."""

    def __init__(self, reader: str, fragment: str) -> None:
        """Know nothing yet.

        Args:
            reader: the reader's name in events.
            fragment: what the PC/SC name of a slot of ours holds, whatever its case; "" takes every slot.
        """
        self._reader = reader
        self._fragment = fragment.casefold()
        self._known: dict[str, int] = {}

    def ours(self, names: Iterable[str]) -> list[str]:
        """Choose among the slots that pcscd knows."""
        return [name for name in names if self._fragment in name.casefold()]

    def known(self, names: Iterable[str]) -> dict[str, int]:
        """The state of each as it was seen last; UNAWARE of one that is new."""
        return {name: self._known.get(name, UNAWARE) for name in names}

    def names(self) -> list[str]:
        """The slots that were there at the last look."""
        return list(self._known)

    def with_card(self) -> list[str]:
        """Those of them in which a card lay."""
        return [name for name, state in self._known.items() if state & PRESENT]

    def look(self, names: Iterable[str], states: Mapping[str, int]) -> list[CardIn | CardOut]:
        """Take in what was seen; give what happened since the last look.

        Every card is told. Where one is taken and another stays, CardOut is followed by a CardIn for the one that
        stays: what was told last is always how it is.

        Args:
            names: our slots that are there now.
            states: what was said of some of them, as PC/SC numbers.
        """
        before = self._known
        after = {name: states.get(name, state) & ~_CHANGED for name, state in self.known(names).items()}
        stayed = {
            name
            for name in before.keys() & after.keys()
            if before[name] & after[name] & PRESENT and not (before[name] ^ after[name]) & COUNTER
        }
        went = [name for name, state in before.items() if state & PRESENT and name not in stayed]
        came = [name for name, state in after.items() if state & PRESENT and name not in stayed]
        self._known = after
        if went and stayed and not came:
            came = [next(iter(stayed))]
        return [*(CardOut(self._reader) for _ in went), *(CardIn(self._reader) for _ in came)]

    def lost(self) -> list[CardIn | CardOut]:
        """Nothing can be seen any more: what lay there is told as taken, and nothing is known."""
        return self.look([], {})
