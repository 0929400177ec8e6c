"""Money as the console tells it: totals, what needs a person, credits that nobody claims. Judges no payment itself.

Which state a payment has is the word of `fleet_server.money.shown`; here stands only how it is told, and what a person
can do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fleet_server import money
from fleet_server.console.marks import Mark
from fleet_server.console.overall import QUALITY_TRUSTED
from fleet_server.console.wording import say, word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet_server.console.wording import Language
    from fleet_server.store import Credit, Dossier, Payment, Store

PAYMENTS_MAX = 20_000  # 10 µs each; the store knows no sums yet
EXCEPTIONS_SHOWN, UNKNOWN_SHOWN, PAYMENTS_SHOWN, CREDITS_SHOWN = 200, 200, 100, 50

STATES = {
    "EXCEPTION": ("bad", "alert"),
    "CONFIRMED": ("ok", "done"),
    "AWAITING_CONFIRMATION": ("warn", "waiting"),
    "QR_SHOWN": ("calm", "clock"),
    "CREATED": ("calm", "clock"),
    "EXPIRED": ("warn", "waiting"),
    "CANCELLED_BY_USER": ("off", "close"),
    "FAILED": ("off", "close"),
}


class Total(NamedTuple):
    """All payments of one state: how many, and their sum in dong."""

    state: str
    payments: int
    dong: int


class Line(NamedTuple):
    """One payment with the state it is told to have, and the credits that name its reference."""

    payment: Payment
    station: str
    state: str
    reason: str
    credits: tuple[Credit, ...]


@dataclass(frozen=True, slots=True)
class MoneyView:
    """Money at one moment. exceptions: longest waiting first; the others newest first. counted: payments read."""

    totals: tuple[Total, ...]
    reasons: tuple[tuple[str, int], ...]
    exceptions: tuple[Line, ...]
    payments: tuple[Line, ...]
    unknown: tuple[Credit, ...]
    credits: tuple[Credit, ...]
    counted: int

    @property
    def is_all(self) -> bool:
        """Whether every payment there is was counted."""
        return self.counted < PAYMENTS_MAX


def look(store: Store, now_ms: int) -> MoneyView:
    """Read payments and credits as they are told now."""
    payments = store.payments(PAYMENTS_MAX)
    station_of = {device.id: device.station for device in store.devices()}
    told = [(payment, *money.shown(payment, now_ms)) for payment in payments]

    def line(payment: Payment, state: str, reason: str) -> Line:
        found = tuple(store.credits_of_reference(payment.reference)) if payment.state else ()
        return Line(payment, station_of.get(payment.device, ""), state, reason, found)

    exceptions = [each for each in reversed(told) if each[1] == money.EXCEPTION]
    return MoneyView(
        totals=totals((payment, state) for payment, state, _ in told),
        reasons=_reasons(reason for _, _, reason in exceptions),
        exceptions=tuple(line(*each) for each in exceptions[:EXCEPTIONS_SHOWN]),
        payments=tuple(line(*each) for each in told[:PAYMENTS_SHOWN]),
        unknown=tuple(store.unknown_credits(UNKNOWN_SHOWN)),
        credits=tuple(store.credits(CREDITS_SHOWN)),
        counted=len(payments),
    )


def totals(told: Iterable[tuple[Payment, str]]) -> tuple[Total, ...]:
    """Sum up payments by the state they are told to have; states in the order of STATES, those without left out."""
    found: dict[str, tuple[int, int]] = {}
    for payment, state in told:
        count, dong = found.get(state, (0, 0))
        found[state] = count + 1, dong + payment.amount
    order = [*STATES, *(state for state in found if state not in STATES)]
    return tuple(Total(state, *found[state]) for state in order if state in found)


def _reasons(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for reason in reasons:
        found[reason] = found.get(reason, 0) + 1
    return tuple(sorted(found.items()))


def money_mark(language: Language, state: str, reason: str = "") -> Mark:
    """The state of a payment in words, with its reason."""
    text = word(language, "payment", state)
    if reason:
        text = f"{text}: {word(language, 'why', reason)}"
    return Mark(text, *STATES.get(state, ("off", "help")))


def why_mark(language: Language, reason: str) -> Mark:
    """Why a payment needs a person."""
    return Mark(word(language, "why", reason), *STATES[money.EXCEPTION])


def next_step(language: Language, reason: str) -> str:
    """What a person does next about an exception."""
    told = word(language, "next", reason)
    return say(language, "next.other") if told == reason else told


def doubts(language: Language, made: Payment | Dossier) -> list[str]:
    """What somebody has to know before judging this payment or dossier."""
    found = [] if made.online else [say(language, "money.offline")]
    return found if made.quality >= QUALITY_TRUSTED else [*found, say(language, "money.local_clock")]
