"""How a resident of a demonstration (MÔ PHỎNG) answers one question of a form: from the page to touches. Invented data.

Knows a question by the words that stand on the page, as a person does, and the form's rules only where a person would
know them as well (a birth was long ago). Touches nothing itself.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING

from fleet_server.forms import shipped

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from device_profiles.catalogue import Field

VIETNAM = timezone(timedelta(hours=7))  # no summer time
# As they are typed on the station's keyboard, where aa is â and f a falling tone.
NAMES = ("nguyeenx thij minh anh", "traanf vawn binhf", "lee quoocs huy", "phamj gia han", "ddoox ngocj mai")
PLACES = ("taafng 12", "haamf xe b1", "cawn hooj a 12", "soos 5 dduwowngf hoa mai")
STORIES = ("hats to owr canw hooj been canhj", "xe ddeer chawns loois thoats", "teen phair laf minh anh")
WARD = "beens thanhf"
BIRTH_DAYS = -3_650
SKIPS = 0.6
_QUESTION = re.compile(r'<h1 id="question">(.*?)</h1>', re.DOTALL)
_FAULT = 'class="note bad"'
_KIND = re.compile(r"\bkind-([a-z_]+)")

Touches = list[tuple[str, str]]


def values(page: str, action: str) -> list[str]:
    """What can be touched on a page for this action; what is greyed out is left aside."""
    found = re.findall(rf'data-action="{action}" data-value="([^"]*)"(?![^>]*\bdisabled)', page)
    return [html.unescape(each) for each in found]


def question(page: str) -> str:
    """The words of the question; "" where none stands on the page."""
    found = _QUESTION.search(page)
    return html.unescape(found[1]).strip() if found else ""


def is_open(page: str) -> bool:
    """Whether a page waits for more than "next": a fault stands there, or something is to be chosen, or no question."""
    return _FAULT in page or not question(page) or bool(values(page, "choose") or values(page, "ward"))


def answer(page: str, rng: random.Random, now_ms: int) -> Touches:
    """Give the touches that answer the question on this page; none where it is not understood."""
    kind = _KIND.search(page)
    if kind is None:
        return []
    if 'data-action="skip"' in page and rng.random() < SKIPS:
        return [("skip", "")]
    match kind[1]:
        case "choice":
            choices = values(page, "choose")
            return [("choose", rng.choice(choices))] if choices else []
        case "ward":
            wards = values(page, "ward")
            return [("ward", rng.choice(wards))] if wards else _typed(WARD)[:-1]
        case _:
            return _typed(_text(kind[1], _fields().get(question(page)), rng, now_ms))


def _typed(text: str) -> Touches:
    return [("erase", "all"), *(("key", each) for each in text), ("next", "")]


def _text(kind: str, field: Field | None, rng: random.Random, now_ms: int) -> str:
    match kind:
        case "name":
            return rng.choice(NAMES)
        case "phone":
            return f"09{rng.randrange(10**8):08}"
        case "id_number":
            return f"079{rng.randrange(2)}{rng.randrange(60, 100)}{rng.randrange(1, 10**6):06}"
        case "date":
            return _day(field, now_ms)
        case "time":
            return f"{rng.randrange(24):02}{rng.randrange(60):02}"
        case "number":
            return "1"
        case "lines":
            return rng.choice(STORIES)
        case _:
            return rng.choice(PLACES)


def _day(field: Field | None, now_ms: int) -> str:
    """Today; where that is not asked for: long ago for a birth, yesterday for what happened, tomorrow for an end."""
    if field is not None and field.least < BIRTH_DAYS:
        return "02031990"
    days = 1 if field and field.after else -1 if field and field.least < 0 and not field.most else 0
    day = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(VIETNAM) + timedelta(days=days)
    return day.strftime("%d%m%Y")


@cache
def _fields() -> Mapping[str, Field]:
    """Every question of every form by its words, in both languages."""
    return {words: field for service in shipped().services for field in service.fields for words in field.ask}
