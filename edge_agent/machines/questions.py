"""Which questions to the fleet are out, and when the next one is due. Asks nothing itself and judges no answer.

Five purposes: "bill" (may this bill be paid), "code" (what is known by it), "payment" and "dossier" (what stands on the
screen), "background" (payments of earlier visits, one at a time, round and round). An answer to a question that is not
out any more is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.effects import Ask

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_S = 5.0
GRACE_S = 5.0  # after this much more, a question that the hand never answered is forgotten


class Asked(NamedTuple):
    """One question that is out: why, about which payment or bill, and until when it is waited for."""

    purpose: str
    subject: bytes
    until_s: float


@dataclass(slots=True)
class Questions:
    """All that are out; `random_bytes` names them."""

    random_bytes: Callable[[int], bytes]
    out: dict[bytes, Asked] = field(default_factory=dict)
    next_s: dict[str, float] = field(default_factory=dict)
    last_background: bytes = b""

    def bill(self, bill: bytes, mono_s: float, timeout_s: float) -> Ask:
        """Ask whether a bill is open, pending or paid."""
        return self._ask("bill", bill, mono_s, timeout_s)

    def payment(self, txn: bytes, mono_s: float, every_s: float) -> list[Ask]:
        """Ask for the payment on the screen when it is time again and none is out."""
        return [self._ask("payment", txn, mono_s, ANSWER_S)] if self._due("payment", mono_s, every_s) else []

    def code(self, code: str, mono_s: float, timeout_s: float) -> Ask:
        """Ask what is known by a code."""
        return self._ask("code", code.encode(), mono_s, timeout_s)

    def dossier(self, txn: bytes, mono_s: float, every_s: float) -> list[Ask]:
        """Ask for the dossier on the screen when it is time again and none is out."""
        return [self._ask("dossier", txn, mono_s, ANSWER_S)] if self._due("dossier", mono_s, every_s) else []

    def background(self, unsettled: list[bytes], mono_s: float, every_s: float) -> list[Ask]:
        """Ask for the next payment of an earlier visit when it is time again and none is out."""
        if not unsettled or not self._due("background", mono_s, every_s):
            return []
        after = unsettled.index(self.last_background) + 1 if self.last_background in unsettled else 0
        self.last_background = unsettled[after % len(unsettled)]
        return [self._ask("background", self.last_background, mono_s, ANSWER_S)]

    def ended(self, question: bytes) -> Asked | None:
        """Take back a question that was answered or not; None when it is not out."""
        return self.out.pop(question, None)

    def _due(self, purpose: str, mono_s: float, every_s: float) -> bool:
        self.out = {name: asked for name, asked in self.out.items() if mono_s < asked.until_s}
        if mono_s < self.next_s.get(purpose, mono_s) or any(each.purpose == purpose for each in self.out.values()):
            return False
        self.next_s[purpose] = mono_s + every_s
        return True

    def _ask(self, purpose: str, subject: bytes, mono_s: float, timeout_s: float) -> Ask:
        question = self.random_bytes(16)
        self.out[question] = Asked(purpose, subject, mono_s + timeout_s + GRACE_S)
        if purpose == "bill":
            return Ask(question, "bill", {"bill": subject}, timeout_s)
        if purpose == "code":
            return Ask(question, "code", {"code": subject.decode()}, timeout_s)
        if purpose == "dossier":
            return Ask(question, "dossier", {"txn": subject}, timeout_s)
        return Ask(question, "payment_state", {"txn": subject}, timeout_s)
