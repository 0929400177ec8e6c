"""What a slip says: builds `Slip` values from a payment and its state. Decides no state and speaks to no printer.

What a slip must hold stands in the domain reference, section 11: station, code as text, QR and Code 128, date, service,
masked name, amount in digits and words, the state in a box, what to do next, hotline, and what it does not replace.
A tab in a line sets what follows it to the right. The box is in both languages on every slip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_profiles.formats import money
from edge_agent.effects import Slip
from edge_agent.machines.moments import day_first, moment
from edge_agent.machines.wording import say

if TYPE_CHECKING:
    from edge_agent.machines.scene import Payment, VisitSettings
    from edge_agent.machines.wording import Language

Line = tuple[str, str]


def pending_slip(settings: VisitSettings, payment: Payment, language: Language, *, review: bool, copy: int = 1) -> Slip:
    """The slip of a payment that is not confirmed; `review`: the fleet has reported an exception."""
    state = "state.exception" if review else "state.awaiting"
    after = "paper.exception.next" if review else "paper.pending.next"
    return Slip(
        (
            *_head(settings, payment.code, state, language, copy),
            *_matter(payment, language),
            ("rule", ""),
            ("bold", say(language, after)),
            *_foot(settings, language),
        )
    )


def confirmed_slip(
    settings: VisitSettings, payment: Payment, language: Language, as_of_ms: int, *, copy: int = 1
) -> Slip:
    """The slip of a payment that the fleet has confirmed; `as_of_ms` is the fleet's time of that word."""
    return Slip(
        (
            *_head(settings, payment.code, "state.confirmed", language, copy),
            *_matter(payment, language),
            _pair(language, "paper.as_of", moment(as_of_ms)),
            ("rule", ""),
            ("bold", say(language, "paper.confirmed.next")),
            *_foot(settings, language),
        )
    )


def code_slip(
    settings: VisitSettings, code: str, created_ms: int, language: Language, *, state: str = "awaiting", copy: int = 1
) -> Slip:
    """What can be printed after a restart, from clear local data alone: code, station and time; it names no person.

    state: "awaiting", "confirmed" or "exception".
    """
    after = {"confirmed": "paper.confirmed.next", "exception": "paper.exception.next"}.get(state, "paper.pending.next")
    return Slip(
        (
            *_head(settings, code, f"state.{state or 'awaiting'}", language, copy),
            _pair(language, "paper.date", moment(created_ms)),
            ("rule", ""),
            ("bold", say(language, after)),
            *_foot(settings, language),
        )
    )


def amount(language: Language, dong: int) -> str:
    """An amount in digits as the language writes it."""
    return money.format_vi(dong) if language == "vi" else money.format_en(dong)


def in_words(dong: int) -> str:
    """An amount in Vietnamese words, first letter large."""
    words = money.words_vi(dong)
    return words[0].upper() + words[1:]


def _pair(language: Language, key: str, value: str) -> Line:
    return "text", f"{say(language, key)}\t{value}"


def _head(settings: VisitSettings, code: str, state: str, language: Language, copy: int) -> tuple[Line, ...]:
    lines: list[Line] = [
        ("title", say("vi", "brand")),
        ("small", settings.title),
        ("small", settings.address),
        ("small", say(language, "paper.station", station=settings.station)),
    ]
    if settings.simulated:
        lines.append(("bold", say("vi", "simulated")))
    if copy > 1:
        lines.append(("bold", say(language, "paper.copy", n=copy - 1)))
    lines += [
        ("box", say("vi", state)),
        ("box", say("en", state)),
        ("small", say(language, "paper.code")),
        ("code", code),
        ("qr", code),
        ("code128", code),
        ("rule", ""),
    ]
    return tuple(lines)


def _matter(payment: Payment, language: Language) -> tuple[Line, ...]:
    bill = payment.bill
    return (
        _pair(language, "paper.date", moment(payment.created_ms)),
        _pair(language, "paper.service", say(language, "fee")),
        _pair(language, "paper.owner", bill.owner),
        _pair(language, "paper.unit", bill.unit),
        _pair(language, "paper.period", day_first(bill.period)),
        _pair(language, "bills.due", day_first(bill.due)),
        _pair(language, "paper.payee", payment.payee_name),
        _pair(language, "paper.memo", payment.purpose),
        ("bold", f"{say(language, 'paper.amount')}\t{amount(language, bill.amount)}"),
        ("small", f"{say(language, 'bills.in_words')}: {in_words(bill.amount)}"),
    )


def _foot(settings: VisitSettings, language: Language) -> tuple[Line, ...]:
    return (
        _pair(language, "hotline", settings.hotline),
        ("small", say(language, "paper.channels", hotline=settings.hotline)),
        ("small", say(language, "paper.legal")),
        ("small", say(language, "paper.photo")),
    )
