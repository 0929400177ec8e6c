"""What a chip's refusal to open means. Decides between a wrong secret, a blocked chip and a broken one.

ICAO Doc 9303-11 names 6300 for a wrong secret; chips in the field also answer 63CX (X attempts left), 6982 and 6988.
6983 and 6984 are the blocked ones of ISO/IEC 7816-4, 5.1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.card import CardFault

if TYPE_CHECKING:
    from typing import Literal

_BLOCKED = frozenset({0x6983, 0x6984, 0x63C0})
_WRONG_SECRET = frozenset({0x6300, 0x6982, 0x6988})


def opening_refused(protocol: str, opened_by: Literal["can", "mrz"], status: int) -> CardFault:
    """Give the fault for a status word that is not 9000 in the step that proves the secret."""
    words = f"{protocol}: refused, status {status:04X}"
    if status in _BLOCKED:
        return CardFault("blocked", words)
    if status in _WRONG_SECRET or status & 0xFFF0 == 0x63C0:
        return CardFault("wrong_can" if opened_by == "can" else "wrong_mrz", words)
    return CardFault("damaged", words)


def blocked(status: int) -> bool:
    """Whether a status word says that the chip takes no more attempts."""
    return status in _BLOCKED
