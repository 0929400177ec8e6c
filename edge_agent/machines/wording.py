"""Every word a resident reads, Vietnamese and English side by side, by key. Decides no word's moment.

The words stand in `words_*`, by what they are about; here they are one table. A text names its gaps in braces; `say`
fills them. No text names an internal of the station. What a service itself is called and asks is the catalogue's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from edge_agent.machines import words_card, words_common, words_fee, words_form, words_lookup, words_paper

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["vi", "en"]

# The version is sealed with each consent. Other words are another version: the test that pins them says so.
CONSENT_VERSION = "fee-consent/1"


def merged(*tables: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """One table of several. Raises ValueError for a key that stands in two: which text holds would be chance."""
    whole: dict[str, tuple[str, str]] = {}
    for table in tables:
        if twice := whole.keys() & table.keys():
            raise ValueError(f"texts that stand in two tables of words: {', '.join(sorted(twice))}; keep one of each")
        whole |= table
    return whole


TEXTS = merged(*(each.TEXTS for each in (words_common, words_fee, words_card, words_form, words_lookup, words_paper)))


def say(language: Language, key: str, **gaps: object) -> str:
    """Give the text of a key in a language, gaps filled. Raises KeyError for a key that is not in the table."""
    text = TEXTS[key][0 if language == "vi" else 1]
    return text.format(**gaps) if gaps else text
