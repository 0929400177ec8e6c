"""What a station keeps about money across restarts: open exposure, open bills, the next code, running prints.

Everything here is the mirror of names in the clear state table ("pay.…", and "visit.…" for what was saved in this
visit): identifiers, amounts and times, never a person. A change gives the values to remember, which the machine puts
into the same transaction as the record they belong to. Decides what a state that the fleet reports does to exposure and
to the lock on a bill; refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN, PAID, REVIEW = "open", "paid", "review"
LOCKS_MAX = 200  # open payments: bounds the state table when nobody answers for weeks
LOCKS_KEPT_MAX = 600  # with those that are paid: then the oldest of them is forgotten, which the fleet still knows
CONTACT_KEPT_EVERY_MS = 600_000  # spares the card

_EXPOSURE = "pay.exposure."
_FREED = {"EXPIRED", "CANCELLED_BY_USER", "FAILED", "REFUNDED"}
_PAID = {"CONFIRMED", "SETTLED"}
_REVIEW = {"EXCEPTION", "REFUND_PENDING"}

Values = dict[str, object]


class Claimed(NamedTuple):
    """Money that may be on its way: the payment, its amount in dong, when it was created (UTC ms)."""

    txn: bytes
    amount: int
    created_ms: int


class Lock(NamedTuple):
    """One payment per bill: which payment holds it, and as what (open, paid, review)."""

    txn: bytes
    word: str


class Job(NamedTuple):
    """A slip that was given to the printer: whose, which, the how-manieth copy; its code, to offer it again."""

    txn: bytes
    slip: str
    copy: int
    code: str = ""
    created_ms: int = 0


class Showing(NamedTuple):
    """The payment that is on its way to the screen (`seen` false) or stands there; found again after a power cut."""

    txn: bytes
    code: str
    created_ms: int
    seen: bool


class Filed(NamedTuple):
    """The newest dossier of this visit, and whether the fleet has said that it holds it."""

    txn: bytes
    code: str
    created_ms: int
    sent: bool


class Offer(NamedTuple):
    """What is shown again after a power cut; `copy`: the how-manieth slip may have come out (0: none was begun).

    word: what it is offered as: "awaiting" or "confirmed" (a payment), "saved" or "sent" (a dossier).
    """

    txn: bytes
    code: str
    created_ms: int
    copy: int
    word: str


@dataclass(slots=True)
class Ledger:
    """The mirror in memory; every method that changes it gives what to remember."""

    exposure: dict[str, list[Claimed]] = field(default_factory=dict)
    locks: dict[bytes, Lock] = field(default_factory=dict)
    jobs: dict[bytes, Job] = field(default_factory=dict)
    showing: Showing | None = None
    closing: Showing | None = None
    offer: Offer | None = None
    filed: Filed | None = None
    counter_next: int = 0
    contact_ms: int | None = None
    contact_kept_ms: int | None = None
    config: list[tuple[str, object]] = field(default_factory=list)

    @classmethod
    def load(cls, state: Mapping[str, Any], counter_first: int) -> Ledger:
        """Read the state table as it was found; `counter_first` opens this device's block of codes."""
        showing, offer, filed = state.get("pay.showing"), state.get("visit.offer"), state.get("visit.filed")
        return cls(
            exposure={
                name.removeprefix(_EXPOSURE): [Claimed(*each) for each in entries]
                for name, entries in state.items()
                if name.startswith(_EXPOSURE)
            },
            locks={bill: Lock(txn, word) for bill, txn, word in state.get("pay.bills", ())},
            jobs={job: Job(*rest) for job, *rest in state.get("pay.jobs", ())},
            showing=Showing(*showing) if showing else None,
            offer=Offer(*offer) if offer else None,
            filed=Filed(*filed) if filed else None,
            counter_next=max(counter_first, state.get("pay.counter", counter_first)),
            contact_ms=state.get("pay.contact_ms"),
            contact_kept_ms=state.get("pay.contact_ms"),
            config=[(name, value) for name, value in state.get("pay.config", ())],
        )

    @property
    def exposure_dong(self) -> int:
        """All unconfirmed money of this station."""
        return sum(each.amount for entries in self.exposure.values() for each in entries)

    @property
    def exposure_count(self) -> int:
        """How many payments of this station are unconfirmed."""
        return sum(len(entries) for entries in self.exposure.values())

    def open(self, biller: str, bill: bytes, claimed: Claimed) -> Values:
        """Count a new payment, lock its bill and use up one code."""
        self.exposure.setdefault(biller, []).append(claimed)
        paid = [each for each, lock in self.locks.items() if lock.word == PAID]
        for each in paid[: max(0, len(self.locks) + 1 - LOCKS_KEPT_MAX)]:
            del self.locks[each]
        self.locks[bill] = Lock(claimed.txn, OPEN)
        self.counter_next += 1
        return {**self._exposure_of(biller), **self._locks(), "pay.counter": self.counter_next}

    def undo(self, txn: bytes) -> None:
        """Forget a payment whose record was refused: nothing of it was remembered. Its code stays used up."""
        for entries in self.exposure.values():
            entries[:] = [each for each in entries if each.txn != txn]
        self.locks = {bill: lock for bill, lock in self.locks.items() if lock.txn != txn}
        self.showing = None

    def show(self, showing: Showing | None) -> Values:
        """Note which code is on its way to the screen, stands there, or that none does."""
        self.showing, self.closing = showing, self.showing
        return {"pay.showing": list(showing) if showing else None}

    def offering(self, offer: Offer | None) -> Values:
        """Note what is offered again after a power cut, or that nothing is."""
        if offer == self.offer:
            return {}
        self.offer = offer
        return {"visit.offer": list(offer) if offer else None}

    def file(self, filed: Filed) -> Values:
        """Note the dossier whose code is going to the screen, and use up one code."""
        self.filed = filed
        self.counter_next += 1
        return {"visit.filed": list(filed), "pay.counter": self.counter_next}

    def sent(self, txn: bytes) -> Values:
        """Note that the fleet holds the dossier: after a power cut nothing less is said of it."""
        if self.filed is None or self.filed.txn != txn or self.filed.sent:
            return {}
        self.filed = self.filed._replace(sent=True)
        return {"visit.filed": list(self.filed)}

    def unfile(self, txn: bytes) -> None:
        """Forget a dossier whose record was refused: nothing of it was remembered. Its code stays used up."""
        if self.filed and self.filed.txn == txn:
            self.filed = None

    def settle(self, txn: bytes, state: str, reason: str | None) -> Values:
        """Take the fleet's word on a payment; empty when it changes nothing here."""
        if state in _FREED or (state == "EXCEPTION" and reason == "NO_CREDIT"):
            word = None
        elif state in _PAID:
            word = PAID
        elif state in _REVIEW:
            word = REVIEW
        else:
            return {}
        values: Values = {}
        for biller, entries in self.exposure.items():
            if any(each.txn == txn for each in entries):
                entries[:] = [each for each in entries if each.txn != txn]
                values |= self._exposure_of(biller)
        changed = {bill: word for bill, lock in self.locks.items() if lock.txn == txn and lock.word != word}
        for bill, new in changed.items():
            if new:
                self.locks[bill] = Lock(txn, new)
            else:
                del self.locks[bill]
        return values | (self._locks() if changed else {})

    def drop_paid(self, still_listed: frozenset[bytes]) -> Values:
        """Forget locks of paid bills that the newest list no longer names."""
        gone = [bill for bill, lock in self.locks.items() if lock.word == PAID and bill not in still_listed]
        for bill in gone:
            del self.locks[bill]
        return self._locks() if gone else {}

    def unsettled(self) -> list[bytes]:
        """The payments whose outcome the fleet has still to tell, oldest first."""
        return [lock.txn for lock in self.locks.values() if lock.word != PAID]

    def printing(self, number: bytes, job: Job) -> Values:
        """Note a print before it begins."""
        self.jobs[number] = job
        return self._jobs()

    def printed(self, number: bytes) -> tuple[Job | None, Values]:
        """A print ended: whose it was (None: not ours), and what to remember."""
        job = self.jobs.pop(number, None)
        return job, self._jobs() if job else {}

    def left(self) -> Values:
        """The resident has gone: what was saved or is still being printed is offered to nobody after a restart."""
        filed: Values = {"visit.filed": None} if self.filed else {}
        self.filed = None
        if not any(job.code for job in self.jobs.values()):
            return filed
        self.jobs = {number: Job(*job[:3]) for number, job in self.jobs.items()}
        return filed | self._jobs()

    def standing(self) -> Values:
        """What there is to offer after a power cut, as it is now."""
        return {"visit.filed": list(self.filed) if self.filed else None, **self._jobs()}

    def configured(self, values: Mapping[str, object]) -> Values:
        """Keep the settings that the fleet has tightened."""
        config = sorted(values.items())
        if config == self.config:
            return {}
        self.config = config
        return {"pay.config": [list(each) for each in config] or None}

    def heard(self, at_ms: int) -> Values:
        """The fleet was heard; remembered every ten minutes only, which errs on the strict side after a restart."""
        self.contact_ms = at_ms
        if self.contact_kept_ms is not None and abs(at_ms - self.contact_kept_ms) < CONTACT_KEPT_EVERY_MS:
            return {}
        self.contact_kept_ms = at_ms
        return {"pay.contact_ms": at_ms}

    def _exposure_of(self, biller: str) -> Values:
        return {_EXPOSURE + biller: [list(each) for each in self.exposure[biller]] or None}

    def _locks(self) -> Values:
        return {"pay.bills": [[bill, *lock] for bill, lock in self.locks.items()] or None}

    def _jobs(self) -> Values:
        return {"pay.jobs": [[number, *job] for number, job in self.jobs.items()] or None}
