"""What makes sense in one question of a form, and what every text of a catalogue must be. Pure; raises nothing.

Gives (key, words) of each problem; which service and field it is about, the caller knows. Sizes are those that fit
the screens.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, get_args

from device_profiles import catalogue as shapes
from device_profiles.catalogue import CHOICES_MAX, REPEAT_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_profiles.catalogue import Field, Words

# Characters that fit where they stand, at the larger text size.
SIZES_MAX = {
    "name": 48,
    "help": 90,
    "notice": 400,
    "following": 300,
    "consent": 700,
    "ask": 90,
    "label": 32,
    "hint": 160,
    "choices": 60,
    "paper": 120,
}
CHARACTERS_MAX = {"name": 80, "text": 200, "lines": 1_000}
NUMBER_MAX = 999_999_999
BOUND_MAX = NUMBER_MAX
DAYS_MAX = 50_000

ID = re.compile("[a-z][a-z0-9_]{0,29}")
# How what a card says is held: the kinds of field that take it.
CARD_KINDS = {
    "id_number": ("id_number",),
    "name": ("name",),
    "birth_date": ("date",),
    "sex": ("choice",),
    "residence": ("text", "lines"),
}
SEXES = {"male", "female"}
_PRESETS = {"today": "date", "now": "time", "station": "ward"}


def problems(field: Field) -> Iterator[tuple[str, str]]:
    """Give what is not right in a field by itself."""
    if not ID.fullmatch(field.id):
        yield "id", "an id is small letters, digits and _"
    for key, known in (
        *(("kind", get_args(shapes.FieldKind)), ("card", get_args(shapes.CardField))),
        ("preset", get_args(shapes.Preset)),
    ):
        if getattr(field, key) not in known:
            yield key, f"{key} must be one of {', '.join(filter(None, known))}"
    for key, words in (("ask", field.ask), ("label", field.label), ("hint", field.hint)):
        if words is not None:
            yield from ((key, text) for text in text_problems(words, SIZES_MAX[key]))
    yield from _choices(field)
    if field.preset and _PRESETS.get(field.preset) != field.kind:
        yield "preset", f"{field.preset!r} cannot stand in a {field.kind}"
    if field.card in CARD_KINDS and field.kind not in CARD_KINDS[field.card]:
        yield "card", f"the card's {field.card} is taken by a {' or '.join(CARD_KINDS[field.card])}"
    if field.card == "sex" and {each.id for each in field.choices} != SEXES:
        yield "choices", "the card says one of: male, female; the choices must have these ids"
    if field.id == "ward" and (field.kind != "ward" or field.per):
        yield "kind", "the field 'ward' says whose the matter is: a ward that is asked once"
    if field.card and field.per:
        yield "card", "a card is one person's: it cannot fill what is asked several times"
    yield from _bounds(field)


def _choices(field: Field) -> Iterator[tuple[str, str]]:
    for choice in field.choices:
        yield from (("choices", text) for text in text_problems(choice.words, SIZES_MAX["choices"]))
        if not ID.fullmatch(choice.id):
            yield "choices", f"the id {choice.id[:30]!r} is not small letters, digits and _"
    if (field.kind == "choice") != (2 <= len(field.choices) <= CHOICES_MAX) or (
        field.kind != "choice" and field.choices
    ):
        yield "choices", f"a choice has 2 to {CHOICES_MAX} choices, and nothing else has any"
    for twice in twice_in(each.id for each in field.choices):
        yield "choices", f"the choice {twice!r} stands there twice"


def _bounds(field: Field) -> Iterator[tuple[str, str]]:
    least, most, key = field.least, field.most, "most"
    if field.kind in CHARACTERS_MAX:
        if not 0 <= least <= most or not 0 < most <= CHARACTERS_MAX[field.kind]:
            yield key, f"a {field.kind} has least to most characters, at most {CHARACTERS_MAX[field.kind]}"
    elif field.kind == "number":
        if not 0 <= least <= most <= NUMBER_MAX:
            yield key, f"a number goes from least to most, at most {NUMBER_MAX}"
    elif field.kind == "date":
        if not -DAYS_MAX <= least <= most <= DAYS_MAX:
            yield key, f"a day lies least to most days from today, at most {DAYS_MAX}"
    elif least or most:
        yield key, f"a {field.kind} has no least and no most"


def refers(field: Field, before: dict[str, Field]) -> Iterator[tuple[str, str]]:
    """Give what is not right in what it says of the fields before it."""
    if field.when is not None:
        name, values = field.when
        yield from (("when", words) for words in choice_of(name, values, before))
        if name in before and before[name].per not in ("", field.per):
            yield "when", f"{name!r} is asked of each of {before[name].per!r}, and this is not"
    if field.per:
        of = before.get(field.per)
        if of is None or of.kind != "number" or of.per or of.most > REPEAT_MAX:
            yield "per", f"per must name an earlier number that is asked once and is at most {REPEAT_MAX}"
    if field.after:
        of = before.get(field.after)
        if field.kind != "date" or of is None or of.kind != "date" or of.per not in ("", field.per):
            yield "after", "after must name an earlier date, and this must be one"


def choice_of(name: str, values: tuple[str, ...], fields: dict[str, Field]) -> Iterator[str]:
    """Give what is not right in naming these choices of a field."""
    field = fields.get(name)
    if field is None or field.kind != "choice":
        yield f"{name[:30]!r} is no choice that is asked before"
        return
    known = [each.id for each in field.choices]
    yield from (
        f"{name!r} has no choice {each[:30]!r}; it has: {', '.join(known)}" for each in values if each not in known
    )
    if not values:
        yield f"no choice of {name!r} is named"


def text_problems(words: Words, size_max: int) -> Iterator[str]:
    """Give what is not right in one text of both languages."""
    for language, text in zip(("vi", "en"), words, strict=True):
        if not text:
            yield f"the text {language} is missing"
        elif len(text) > size_max:
            yield f"the text {language} has {len(text)} characters, and {size_max} fit on the screen"
        elif not clean(text):
            yield f"the text {language} must be NFC, on one line, without blanks at its ends or two together"


def clean(text: str) -> bool:
    """Whether a text is NFC, on one line, and has no blank too many."""
    plain = unicodedata.is_normalized("NFC", text) and " ".join(text.split()) == text
    return plain and not any(unicodedata.category(each)[0] == "C" for each in text)


def twice_in(names: Iterable[str]) -> list[str]:
    """Give the names that stand there more than once."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for each in names:
        if each in seen:
            found[each] = None
        seen.add(each)
    return list(found)
