"""What a resident answers: which questions of a service are asked, and what each answer must be. Reads no clock.

The same rules hold on the screen, in the record and at the fleet. A value is canonical: text in NFC, a day as
yyyy-mm-dd (a birth that is known by its year alone as yyyy), an hour as hh:mm, a phone in E.164, a choice by its id, a
ward by its code. Errors name reasons and never the answer.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple

from device_profiles.catalogue import REPEAT_MAX
from device_profiles.formats import dates
from device_profiles.formats.id_number import parse_id_number
from device_profiles.formats.phone import parse_phone
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import luhn_card_runs, mask_name, normalise
from device_profiles.formats.wards import Ward, find_wards, ward_name, wards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.catalogue import Field, Service

__all__ = [
    "REASONS",
    "SOURCES",
    "Answer",
    "Asked",
    "Language",
    "Source",
    "Ward",
    "asked",
    "day_before",
    "faults",
    "find_wards",
    "judge",
    "masked",
    "shown",
    "ward_name",
    "wards",
]

Language = Literal["vi", "en"]
Source = Literal["typed", "qr", "chip", "server"]
SOURCES: tuple[Source, ...] = ("typed", "qr", "chip", "server")

# Every reason of a refusal; each has words for the resident. The second row is of the number on the card, the third of
# the telephone.
REASONS = (
    *("empty", "too_short", "too_long", "too_small", "too_large", "not_digits", "bad_letter", "card_number"),
    *("not_12_digits", "old_9_digit_number", "placeholder", "century_not_reached", "birth_year_in_future"),
    *("not_mobile", "old_11_digit_number", "missing_leading_zero", "wrong_length", "not_assigned"),
    *("bad_day", "too_early", "too_late", "bad_time", "unknown_choice", "unknown_ward"),
)

YEAR_MIN, YEAR_MAX = 1900, 2100  # outside of them a digit was forgotten
BIRTH_DAYS = -3_650  # a question that takes earlier days asks for a birth, of which only the year may be known
HIDDEN = "***"

_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = "".join(
    unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in "\u0300\u0301\u0303\u0309\u0323"
)
_NAME_SIGNS = frozenset((_LETTERS + _TONES) + (_LETTERS + _TONES).upper() + " '-.")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")
_ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile("([01][0-9]|2[0-3]):?([0-5][0-9])")
_NUMBER = re.compile("[0-9]{1,9}")


class Answer(NamedTuple):
    """One answer in its canonical form, and where it came from (a choice and a preset are `typed`)."""

    value: str
    source: Source


class Asked(NamedTuple):
    """One question that is asked now: its key ("id", or "id.2" for the second of several), field, number (0, 1 …)."""

    key: str
    field: Field
    number: int


def asked(service: Service, answers: Mapping[str, Answer]) -> tuple[Asked, ...]:
    """Give the questions that follow from the answers so far, in their order.

    Only answers to questions that are asked themselves count: what was said before a choice was changed says nothing.
    """
    found: list[Asked] = []
    told: dict[str, Answer] = {}
    for each in service.fields:
        numbers = range(1, _count(told.get(each.per)) + 1) if each.per else (0,)
        for number in numbers:
            if _holds(each, told, number):
                key = f"{each.id}.{number}" if number else each.id
                found.append(Asked(key, each, number))
                if key in answers:
                    told[key] = answers[key]
    return _grouped(found)


def _grouped(found: list[Asked]) -> tuple[Asked, ...]:
    """Neighbours that are asked of each of several stand person by person: name 1, number 1, name 2, number 2."""
    out: list[Asked] = []
    at = 0
    while at < len(found):
        per, end = found[at].field.per, at
        while end < len(found) and found[end].field.per == per:
            end += 1
        run = found[at:end]
        out += sorted(run, key=lambda each: each.number) if per else run
        at = end
    return tuple(out)


def _count(answer: Answer | None) -> int:
    return min(int(answer.value), REPEAT_MAX) if answer and _NUMBER.fullmatch(answer.value) else 0


def _holds(field: Field, answers: Mapping[str, Answer], number: int) -> bool:
    if field.when is None:
        return True
    name, values = field.when
    told = answers.get(f"{name}.{number}") or answers.get(name)
    return told is not None and told.value in values


def judge(
    field: Field, text: str, *, as_of: date, trusted: bool, source: Source = "typed", since: date | None = None
) -> str:
    """Give the canonical form of an answer; a canonical form stays as it is.

    as_of: today. trusted: whether the clock that says so is right; where it is not, no day and no number is refused
    for being in the future or too long ago. since: the day from which the bounds of this date count (`day_before`).

    Raises:
        FormatError: one of REASONS.
    """
    if not normalise(text):
        raise FormatError("empty")
    match field.kind:
        case "choice":
            return _choice(field, text)
        case "name" | "text" | "lines":
            return _text(field, text, source)
        case "phone":
            return parse_phone(text, field="resident_mobile", as_of=as_of).e164 or ""
        case "id_number":
            kind = "chip" if source == "server" else source
            return parse_id_number(text, source=kind, as_of=as_of, clock_trusted=trusted).number
        case "date":
            return _date(field, text, since or (as_of if trusted else None))
        case "time":
            return _time(text)
        case "number":
            return _number(field, text)
        case _:
            return _ward(text, as_of if trusted else None)


def _choice(field: Field, text: str) -> str:
    if all(each.id != text for each in field.choices):
        raise FormatError("unknown_choice")
    return text


def _text(field: Field, text: str, source: Source) -> str:
    if field.kind == "lines":
        found = re.sub("\n{3,}", "\n\n", "\n".join(map(normalise, text.splitlines()))).strip("\n")
    else:
        found = normalise(text)
    if field.kind == "name":
        found = normalise(found.translate(_APOSTROPHES))
    # A chip is believed: whoever has a letter in the name that is not on our keyboard must get on by the card.
    typed_name = field.kind == "name" and source not in ("chip", "server")
    if any(
        each not in _NAME_SIGNS if typed_name else unicodedata.category(each)[0] == "C" and each != "\n"
        for each in found
    ):
        raise FormatError("bad_letter")
    if field.kind == "name" and not any(map(str.isalpha, found)):
        raise FormatError("too_short")
    if luhn_card_runs(found):
        raise FormatError("card_number")
    if len(found) < field.least:
        raise FormatError("too_short")
    if field.most and len(found) > field.most:
        raise FormatError("too_long")
    return found


def _date(field: Field, text: str, base: date | None) -> str:
    """Read a day; a bound is checked where there is one and a day to count it from."""
    typed = "".join(text.split())
    year_alone = field.least < BIRTH_DAYS and re.fullmatch("[0-9]{4}", typed)
    day = f"{typed}-12-31" if year_alone else _iso_day(typed) or dates.from_day_first(typed)
    if day is None or not YEAR_MIN <= int(day[:4]) <= YEAR_MAX:
        raise FormatError("bad_day")
    if base is not None and (field.least or field.most):
        if (date.fromisoformat(day) - base).days < field.least:
            raise FormatError("too_early")
        first = date(int(typed), 1, 1) if year_alone else date.fromisoformat(day)
        if (first - base).days > field.most:
            raise FormatError("too_late")
    return typed if year_alone else day


def _iso_day(text: str) -> str | None:
    return dates.from_day_first(f"{text[8:]}{text[5:7]}{text[:4]}") if _ISO_DAY.fullmatch(text) else None


def _time(text: str) -> str:
    found = _TIME.fullmatch("".join(text.split()))
    if not found:
        raise FormatError("bad_time")
    return f"{found[1]}:{found[2]}"


def _number(field: Field, text: str) -> str:
    typed = "".join(text.split())
    if not re.fullmatch("[0-9]+", typed):
        raise FormatError("not_digits")
    typed = typed.lstrip("0") or "0"
    if not _NUMBER.fullmatch(typed) or int(typed) > field.most:
        raise FormatError("too_large")
    if int(typed) < field.least:
        raise FormatError("too_small")
    return typed


def _ward(text: str, day: date | None) -> str:
    """Without a clock that is right every ward of the table will do."""
    code = "".join(text.split())
    if all(each.code != code for each in wards(day)):
        raise FormatError("unknown_ward")
    return code


def day_before(field: Field, answers: Mapping[str, Answer], key: str) -> date | None:
    """Give the day from which the bounds of this date count: the answer to the question it comes after, if given."""
    if not field.after:
        return None
    told = answers.get(field.after + key[len(field.id) :]) or answers.get(field.after)
    day = _iso_day(told.value) if told else None
    return date.fromisoformat(day) if day else None


def faults(service: Service, answers: Mapping[str, Answer], *, as_of: date, trusted: bool) -> dict[str, str]:
    """Give every fault of all questions that are asked, by key, in their order: a reason of REASONS each.

    What is required and missing is "empty"; answers to questions that are not asked are not looked at.
    """
    found: dict[str, str] = {}
    for key, field, _ in asked(service, answers):
        told = answers.get(key)
        if told is None:
            if field.required:
                found[key] = "empty"
            continue
        try:
            since = day_before(field, answers, key)
            judge(field, told.value, as_of=as_of, trusted=trusted, source=told.source, since=since)
        except FormatError as error:
            found[key] = error.reason
    return found


def shown(field: Field, value: str, language: Language) -> str:
    """Give what a person reads for a canonical value; what is none is given as it is."""
    match field.kind:
        case "choice":
            return next((getattr(each.words, language) for each in field.choices if each.id == value), value)
        case "date" if _ISO_DAY.fullmatch(value):
            return f"{value[8:]}/{value[5:7]}/{value[:4]}"
        case "phone" if value.startswith("+84"):
            number = "0" + value[3:]
            return f"{number[:4]} {number[4:7]} {number[7:]}"
        case "ward":
            return ward_name(value, language)
        case _:
            return value


def masked(field: Field, value: str, language: Language) -> str:
    """Give the same with what is personal hidden; other than names and numbers of persons only where the field says."""
    match field.kind:
        case "id_number":
            return f"{value[:3]}*****{value[-4:]}"
        case "name":
            return mask_name(value)
        case "phone":
            number = shown(field, value, language)
            return f"{number[:5]}{HIDDEN}{number[8:]}"
        case _ if not field.masked:
            return shown(field, value, language)
        case "date":
            return f"**/**/{value[:4]}"
        case "text" | "lines":
            return f"{value.split(maxsplit=1)[0]} {HIDDEN}" if value.split() else HIDDEN
        case _:
            return HIDDEN
