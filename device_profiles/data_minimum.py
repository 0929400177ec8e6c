"""What a form may not ask: papers that the law has abolished, what the card already said, what no form needs.

Decides by words, on what a resident would read; a linter of catalogue entries, no filter of answers. The papers and
the law that ended each stand in `formats/data/abolished_papers.toml`, what is never asked in `never_asked.toml`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from device_profiles.formats import tables
from device_profiles.formats.text import search_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_profiles.catalogue import Service, Words

Found = tuple[str, str, str]  # field or paper (""), key, what is wrong

# "You need not bring the household book" may be said; it is asked for where none of this stands right before it.
_DENIED = re.compile(
    r"\b(?:(?:khong|chang) (?:can|phai|yeu cau|doi hoi)|(?:not|no) (?:need|longer|require|required|necessary)"
    r"|(?:not|no need) to|without)(?: \w+){0,4} $"
)


def problems(service: Service) -> Iterator[Found]:
    """Give (field or paper, key, words) of everything that may not be asked."""
    for paper in service.papers:
        yield from _abolished(paper.id, "vi", paper.words, strict=True)
    for field in service.fields:
        for key, words in (("ask", field.ask), ("label", field.label)):
            yield from _abolished(field.id, key, words, strict=True)
            yield from _never(field.id, key, words)
        for choice in field.choices:
            yield from _abolished(field.id, "choices", choice.words, strict=True)
        if field.hint:
            yield from _abolished(field.id, "hint", field.hint, strict=False)
    consent = service.consent.words if service.consent else None
    for key, said in (
        *(("help", service.help), ("notice", service.notice), ("following", service.following), ("consent", consent)),
    ):
        if said:
            yield from _abolished("", key, said, strict=False)
    if service.identity != "none":
        yield from _from_card(service)


def _from_card(service: Service) -> Iterator[Found]:
    """What a card says of the one who stands there is asked by that field of the card alone."""
    alone = [each for each in service.fields if not each.per]
    taken = {search_key(text) for each in alone if each.card for text in each.label}
    for field in alone:
        if field.card:
            continue
        keys = {search_key(text) for text in field.label}
        if field.kind == "id_number":
            yield field.id, "kind", 'the card gives the number: say card = "id_number", or leave the question out'
        elif keys & taken:
            yield field.id, "label", "a field that the card fills asks the same"
        else:
            for row in tables.rows("card_labels"):
                if keys & set(row["labels"]):
                    yield field.id, "label", f"the card gives this: say card = {row['card']!r}, or leave it out"


def _abolished(where: str, key: str, words: Words, *, strict: bool) -> Iterator[Found]:
    for row in _mentioned("abolished_papers", words, strict=strict):
        yield where, key, f"asks for {row['vi']} ({row['en']}), which is abolished: {row['law']}"


def _never(where: str, key: str, words: Words) -> Iterator[Found]:
    for row in _mentioned("never_asked", words, strict=True):
        yield where, key, f"asks for {row['vi']} ({row['en']}), which no form here may: {row['law']}"


def _mentioned(table: str, words: Words, *, strict: bool) -> Iterator[tables.Row]:
    keys = [search_key(sentence) for text in words for sentence in re.split(r"[.!?;:\n]", text)]
    for row, pattern in _patterns(table):
        if any(strict or not _DENIED.search(key[: match.start()]) for key in keys for match in pattern.finditer(key)):
            yield row


@cache
def _patterns(table: str) -> tuple[tuple[tables.Row, re.Pattern[str]], ...]:
    return tuple((row, re.compile(rf"\b(?:{'|'.join(row['patterns'])})\b")) for row in tables.rows(table))
