"""How values are told: times, ages, amounts, spans, sizes, and numbers that nobody may read in full. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from device_profiles.formats.money import format_vi
from device_profiles.formats.refusal import FormatError
from fleet_server.console.wording import GAP, say

if TYPE_CHECKING:
    from fleet_server.console.wording import Language

VIETNAM = timezone(timedelta(hours=7))  # no summer time
# Telephone, identity, card and account numbers, with the gaps people write in them; codes and revs are shorter.
_LONG_NUMBER = re.compile(r"\d(?:[ .\-]?\d){8,}")
_LONG_HEX = re.compile(r"\b[0-9a-f]{24,}\b")
SHOWN_DIGITS, SHOWN_HEX = 3, 8
TEXT_MAX = 240


def moment(ms: int | None) -> str:
    """A time in Vietnam, `21/11/2026 22:30:05`."""
    return datetime.fromtimestamp(ms / 1000, VIETNAM).strftime("%d/%m/%Y %H:%M:%S") if ms else GAP


def age(language: Language, age_ms: int) -> str:
    """How long ago, in the largest whole unit; `console.js` says it in the same words."""
    seconds = age_ms // 1000
    if seconds < 0:
        return say(language, "age.ahead")
    for unit, size in (("d", 2 * 86_400), ("h", 2 * 3_600), ("min", 2 * 60)):
        if seconds >= size:
            return say(language, f"age.{unit}", n=seconds // (size // 2))
    return say(language, "age.s", n=seconds)


def span(seconds: int | None) -> str:
    """A length of time, `3 d 04:05:06`."""
    if seconds is None or seconds < 0:
        return GAP
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3_600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def dong(amount: int | None) -> str:
    """An amount, `1.234.567 đ`; one that cannot be an amount is shown as the number it is."""
    if amount is None:
        return GAP
    try:
        return format_vi(amount)
    except FormatError:
        return f"{amount} đ ?"


def decimal(number: float) -> str:
    """A measure with one digit behind the comma, `12,5`."""
    return f"{number:.1f}".replace(".", ",")


def whole(number: int | None) -> str:
    """A count, `12.345`."""
    return GAP if number is None else f"{number:,}".replace(",", ".")


def masked(text: str) -> str:
    """Free text with every long number cut to its last digits, and not longer than TEXT_MAX."""
    covered = _LONG_NUMBER.sub(lambda found: "•••" + found[0][-SHOWN_DIGITS:], text)
    return covered if len(covered) <= TEXT_MAX else covered[: TEXT_MAX - 1] + "…"


def shortened(text: str) -> str:
    """A line of the registry log with its keys cut to their beginning."""
    return masked(_LONG_HEX.sub(lambda found: found[0][:SHOWN_HEX] + "…", text))


def account(number: str) -> str:
    """An account number by its last digits."""
    return "•••" + number[-SHOWN_DIGITS:] if number else GAP
