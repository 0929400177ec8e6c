"""How a simulated chip misbehaves on command. Decides what becomes of an answer on its way out.

Commands are counted from the last power-up; "after n" means that n were answered as they should be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edge_agent.card import CardFault

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

Garble = Literal["short", "long", "scrap", "status", "noise", "mute_status"]

_STATUS_WORDS = (0x6200, 0x6281, 0x63C2, 0x6400, 0x6581, 0x6982, 0x6985, 0x6A80, 0x6A82, 0x6B00, 0x6C10, 0x6D00, 0x6F00)


@dataclass(slots=True)
class Manner:
    """What is wrong with this chip; a test or a control sets fields at any time.

    torn_after: then the card is taken away (once). mute_after: then it says nothing until the next power-up.
    silence_after, silence_s: the next answer comes so late. answer_delay_s: every answer does.
    garble_after, garble: from then on each answer is a byte short ("short"), far too long ("long"), one byte in all
    ("scrap"), a drawn status word ("status"), drawn bytes with 9000 ("noise") or 9000 without data ("mute_status").
    refuses_long: extended commands are a wrong length. in_parts: they are so within the channel, and what is too long
    for a short answer is given in parts. pause: how it waits.
    """

    torn_after: int | None = None
    mute_after: int | None = None
    silence_after: int | None = None
    silence_s: float = 30.0
    answer_delay_s: float = 0.0
    garble_after: int | None = None
    garble: Garble = "status"
    refuses_long: bool = False
    in_parts: bool = False
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    def before(self, answered: int) -> None:
        """Let the chip fail before it answers.

        Raises:
            CardFault: torn or mute.
        """
        if _due(self.torn_after, answered):
            self.torn_after = None
            raise CardFault("torn", f"the simulated card was taken away after {answered} commands")
        if _due(self.mute_after, answered):
            raise CardFault("mute", f"the simulated chip fell silent after {answered} commands")

    def after(self, answered: int, answer: bytes, draw: random.Random) -> bytes:
        """Give what really goes out, when it does."""
        wait_s = self.answer_delay_s + (self.silence_s if self.silence_after == answered else 0.0)
        if wait_s > 0:
            self.pause(wait_s)
        return self._garbled(answer, draw) if _due(self.garble_after, answered) else answer

    def _garbled(self, answer: bytes, draw: random.Random) -> bytes:
        match self.garble:
            case "short":
                return answer[:-3] + answer[-2:]
            case "long":
                return answer[:-2] + draw.randbytes(300) + answer[-2:]
            case "scrap":
                return answer[:1]
            case "noise":
                return draw.randbytes(draw.randint(1, 250)) + b"\x90\0"
            case "mute_status":
                return b"\x90\0"
            case "status":
                return draw.choice(_STATUS_WORDS).to_bytes(2, "big")


def _due(after: int | None, answered: int) -> bool:
    return after is not None and answered >= after
