"""What a slip says: builds `Slip` values from a payment or a dossier. Decides no state and speaks to no printer.

What a slip must hold stands in the domain reference, section 11: station, code as text, QR and Code 128, date, service,
masked name, amount in digits and words, the state in a box, what to do next, hotline, and what it does not replace.
A tab in a line sets what follows it to the right. The box is in both languages on every slip. Of what a resident
answered, paper says the masked number and name and nothing else; of a report, its category: whoever finds the slip
learns no more.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from device_profiles import answers as rules
from device_profiles.formats import money
from edge_agent.effects import Slip
from edge_agent.machines.moments import day_first, moment
from edge_agent.machines.wording import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_profiles.answers import Answer, Asked
    from device_profiles.catalogue import Service, SlipLayout, Words
    from edge_agent.machines.scene import Payment, VisitSettings
    from edge_agent.machines.wording import Language

Line = tuple[str, str]
_PERSONS_NUMBER = re.compile(r"[0-9]{9,}")  # an ID number, old or new, or a telephone: none has fewer digits
_BETWEEN_DIGITS = re.compile(r"[^\w*/:]")  # blanks and signs that people put into numbers; dates and hours stay apart

_ANSWERED = ("accepted", "more", "rejected")
_AFTER = {
    "saved": "paper.saved.next",
    "sent": "paper.sent.next",
    "accepted": "paper.accepted.next",
    "more": "paper.more.next",
    "rejected": "paper.rejected.next",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierSlip:
    """What paper may say of a dossier, a report or a correction.

    rows: (label, value) as `paper_rows` gives them, masked; official: the office's own code, empty where there is none;
    office: who receives it; told: what the office wrote back; deadline: UTC milliseconds and whether it may be missed;
    following: what happens next; channels: the three ways to correct data stand there with their steps; fee_dong: None
    where there is none to name; as_of_ms: when the fleet said so.
    """

    service: Words
    layout: SlipLayout
    code: str
    created_ms: int
    state: Literal["saved", "sent", "accepted", "more", "rejected"]
    official: str = ""
    as_of_ms: int | None = None
    office: Words | None = None
    told: str = ""
    rows: tuple[tuple[Words, str], ...] = ()
    deadline: tuple[int, bool] | None = None
    following: Words | None = None
    channels: bool = False
    emergency: bool = False
    fee_dong: int | None = None


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

    state: a payment's "awaiting", "confirmed" or "exception", or a dossier's as in `DossierSlip`.
    """
    payment = {"confirmed": "paper.confirmed.next", "exception": "paper.exception.next"}
    after = (payment | _AFTER).get(state, "paper.pending.next")
    return Slip(
        (
            *_head(settings, code, f"state.{state or 'awaiting'}", language, copy),
            _pair(language, "paper.date", moment(created_ms)),
            ("rule", ""),
            ("bold", say(language, after)),
            *_foot(settings, language),
        )
    )


def dossier_slip(settings: VisitSettings, told: DossierSlip, language: Language, *, copy: int = 1) -> Slip:
    """The slip of a dossier, a report or a correction in any state; `copy` from 2 on is marked as a reprint.

    A row that holds a whole ID or telephone number is a mistake of the caller and stops the agent before paper does.
    """
    assert not any(_names_a_number(value) for _, value in told.rows), "an unmasked number in a row of a slip"  # noqa: S101
    return Slip(
        (
            *_head(settings, told.code, f"state.{told.state}", language, copy),
            *_told(told, language),
            ("rule", ""),
            *_next(settings, told, language),
            ("rule", ""),
            *_foot(settings, language, hotline=not _with_steps(told)),
        )
    )


def paper_rows(
    service: Service, asked: Iterable[Asked], given: Mapping[str, Answer], language: Language
) -> tuple[tuple[Words, str], ...]:
    """What paper may say of the answers: the resident's own masked number and name; of a report its category alone.

    A correction also names what is wrong. Of guests and of everything written freely nothing stands on paper.
    """
    kinds = {"report": ("choice",), "correction": ("id_number", "name", "choice")}.get(
        service.slip, ("id_number", "name")
    )
    found: dict[str, tuple[Words, str]] = {}
    for each in asked:
        field = each.field
        if field.kind in kinds and not each.number and each.key in given and field.kind not in found:
            found[field.kind] = field.label, rules.masked(field, given[each.key].value, language)
    # A name from a chip, or a choice's words, that hold a number are left out: anybody can write a card.
    return tuple((label, value) for label, value in found.values() if not _names_a_number(value))


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


def _told(told: DossierSlip, language: Language) -> tuple[Line, ...]:
    lines = [
        _pair(language, "paper.date", moment(told.created_ms)),
        ("text", f"{say(language, 'paper.service')}\t{getattr(told.service, language)}"),
        *(("text", f"{getattr(label, language)}\t{value}") for label, value in told.rows),
    ]
    if told.office:
        lines.append(("text", f"{say(language, 'paper.office')}\t{getattr(told.office, language)}"))
    if told.official:
        lines += [("small", say(language, "form_result.official")), ("code", told.official)]
    if told.as_of_ms is not None and told.state in _ANSWERED:
        lines.append(_pair(language, "paper.answered", moment(told.as_of_ms)))
    if told.fee_dong:
        lines += [
            ("bold", f"{say(language, 'form_review.fee')}\t{amount(language, told.fee_dong)}"),
            ("small", f"{say(language, 'bills.in_words')}: {in_words(told.fee_dong)}"),
        ]
    elif told.fee_dong is not None:
        lines.append(_pair(language, "form_review.fee", say(language, "form_review.free")))
    return tuple(lines)


def _next(settings: VisitSettings, told: DossierSlip, language: Language) -> tuple[Line, ...]:
    """What the resident does now: an emergency first, then the deadline, then what follows from the state."""
    lines: list[Line] = []
    if told.emergency:
        lines += [("bold", say(language, "paper.emergency")), ("rule", "")]
    if told.deadline and told.state != "accepted":
        at, at_risk = moment(told.deadline[0]), told.deadline[1]
        lines.append(_pair(language, "deadline", at))
        if at_risk and told.state in ("saved", "sent"):
            lines.append(("bold", say(language, "deadline.risk", time=at, hotline=settings.hotline)))
        lines.append(("rule", ""))
    if told.told and told.state in ("more", "rejected") and not _names_a_number(told.told):
        lines.append(("small", f"{say(language, 'paper.told')}: {told.told}"))
    lines.append(("bold", say(language, _AFTER[told.state])))
    if told.following and told.state in ("saved", "sent", "accepted"):
        lines.append(("text", getattr(told.following, language)))
    if _with_steps(told):
        lines += [
            ("rule", ""),
            ("bold", say(language, "paper.correct")),
            ("text", say(language, "paper.correct.ward")),
            ("text", say(language, "paper.correct.hotline", hotline=settings.hotline)),
            ("text", say(language, "paper.correct.vneid")),
        ]
    return tuple(lines)


def _with_steps(told: DossierSlip) -> bool:
    """Whether the three channels stand there with their steps: while the office has said nothing."""
    return (told.channels or told.layout == "correction") and told.state not in _ANSWERED


def _names_a_number(text: str) -> bool:
    """Whether a text holds as many digits in a row as a person's number has, in any script, with or without blanks."""
    plain = "".join(str(unicodedata.digit(letter, letter)) for letter in unicodedata.normalize("NFKC", text))
    return _PERSONS_NUMBER.search(_BETWEEN_DIGITS.sub("", plain)) is not None


def _foot(settings: VisitSettings, language: Language, *, hotline: bool = True) -> tuple[Line, ...]:
    """The last lines; the hotline and the other channels only where they do not stand above with their steps."""
    ways = (
        _pair(language, "hotline", settings.hotline),
        ("small", say(language, "paper.channels", hotline=settings.hotline)),
    )
    return (
        *(ways if hotline else ()),
        ("small", say(language, "paper.legal")),
        ("small", say(language, "paper.photo")),
    )
