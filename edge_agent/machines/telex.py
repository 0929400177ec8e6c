"""Vietnamese Telex: the text after one more key of the on-screen keyboard. Holds no state and draws no key.

All is read off the word before the cursor, so the screen shows everything there is to know: a key that marks a letter
(aa, aw, dd ...) or sets a tone (s f r x j, z takes it away) acts wherever it stands after that letter, and only in a
word that can still become a Vietnamese one. In any other word (windows) it is a letter. The same key again undoes its
mark and writes the letter; the word is then left alone. Tones stand in the old style (hòa, khỏe, thúy), and follow the
letters typed after them; a text in the other style (hoà) is not rewritten unless its word is typed on.

Source of the keys: the Telex convention as TCVN 5712 and common keyboards have it. Source of the words: the rhymes of
Vietnamese spelling, and the consonants of place and family names of the Central Highlands (Krông, Đắk, Kpă).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import product
from typing import NamedTuple

_TONES = {"f": "\u0300", "s": "\u0301", "x": "\u0303", "r": "\u0309", "j": "\u0323"}
_ROUND = {"a": "â", "e": "ê", "o": "ô"}  # the key's own letter, doubled
_HORN = {"a": "ă", "o": "ơ", "u": "ư"}  # the letter that w acts on
_BASE = dict(zip("ăâêôơư", "aaeoou", strict=True))
_VOWELS = "aăâeêioôơuưy"

# What a word may begin with (no vowel before it) and end with; "qu" and "gi" are consonants only before a vowel.
_ONSETS = "b c d đ g h j k l m n p r s t v x ch gh gi kh ng ngh nh ph qu th tr"
_ONSETS_HIGHLAND = "bl br dr đr gl gr hl hm hr jr kb kd kl kn kp kr ks ml mn mr pl pr rl sr"
_BEGIN = frozenset({"", *_ONSETS.split(), *_ONSETS_HIGHLAND.split()})
_CODAS = "c k h m n p t ch ng nh"
_END = frozenset({"", *_CODAS.split()})
# Vowels that end a word, and vowels that may have a consonant behind them.
_OPEN = "ai ao au ay âu ây eo êu iu ia iêu yêu oi ôi ơi oai oao oay oeo ui ua uôi uây uêu uya uyu uơ ưi ưu ưa ươi ươu"
_CLOSED = "a ă â e ê i o ô ơ u ư y iê yê oa oă oe oo uâ uê uô uy uyê ươ"

_CONSONANTS = "b-df-hj-np-tv-xzđ"
_SYLLABLE = re.compile(
    rf"(?P<onset>(?:qu|gi)(?=[{_VOWELS}])|[{_CONSONANTS}]*)(?P<vowels>[{_VOWELS}]*)(?P<coda>[{_CONSONANTS}]*)"
)


def _on_the_way(vowels: str) -> set[str]:
    """The vowels themselves, and as they look before all of their marks are typed."""
    return {"".join(letters) for letters in product(*({each, _BASE.get(each, each)} for each in vowels))}


_BEFORE_CODA = frozenset().union(*map(_on_the_way, _CLOSED.split()))
_AT_END = _BEFORE_CODA.union(*map(_on_the_way, _OPEN.split()))


class _Word(NamedTuple):
    """The word before the cursor without its tone, cut up where it can become Vietnamese; all in the case typed."""

    onset: str
    vowels: str
    coda: str
    tone: str


def press(text: str, key: str, *, telex: bool) -> str:
    """Give the text after one more key.

    Args:
        text: what was typed so far.
        key: one letter in the case it shall have, one digit, one space or one sign.
        telex: whether keys may act on the last word; otherwise, and where it is on no keyboard, it is added as it is.

    Returns:
        The text in NFC, longer by one letter at most.
    """
    text = unicodedata.normalize("NFC", text)
    start = len(text)
    while start and text[start - 1].isalpha():
        start -= 1
    typed = _typed(text[start:], key) if telex and key.isascii() else text[start:] + key
    return unicodedata.normalize("NFC", text[:start] + typed)


def erase(text: str) -> str:
    """Give the text without its last letter, the marks on it included; an empty text stays empty."""
    text = unicodedata.normalize("NFC", text)
    end = len(text) - 1
    while end > 0 and unicodedata.category(text[end]).startswith("M"):
        end -= 1
    return text[: max(end, 0)]


def _typed(text: str, key: str) -> str:
    """One word after a key."""
    word = _word(text)
    if word is None:
        return _followed(text, key)
    kind = key.lower()
    done = None
    if kind in _TONES or kind == "z":
        done = _toned(word, key)
    elif kind in _ROUND:
        done = _rounded(word, key)
    elif kind == "w":
        done = _horned(word, key)
    elif kind == "d":
        done = _crossed(word, key)
    return _followed(text, key) if done is None else done


def _word(text: str) -> _Word | None:
    """Cut up a word; None where it cannot become Vietnamese any more."""
    plain = "".join(map(_untoned, text))
    toned = [place for place, letter in enumerate(text) if plain[place] != letter]
    cut = _SYLLABLE.fullmatch(plain.lower())
    if cut is None or not _viable(cut["onset"], cut["vowels"], cut["coda"]):
        return None
    first, last = cut.span("vowels")
    if len(toned) > 1 or not all(first <= place < last for place in toned):
        return None
    tone = next((mark for place in toned for mark in _pieces(text[place]) if mark in _TONES.values()), "")
    return _Word(plain[:first], plain[first:last], plain[last:], tone)


def _pieces(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)


def _untoned(letter: str) -> str:
    return unicodedata.normalize("NFC", "".join(piece for piece in _pieces(letter) if piece not in _TONES.values()))


def _viable(onset: str, vowels: str, coda: str) -> bool:
    """Whether a word of these parts, in small letters without a tone, is a Vietnamese one or can become one."""
    if onset not in _BEGIN or coda not in _END:
        return False
    return not vowels or vowels in (_BEFORE_CODA if coda else _AT_END)


def _written(word: _Word) -> str:
    """The word with its tone in its place."""
    place = _tone_place(word.vowels.lower(), word.coda) + 1
    vowels = word.vowels[:place] + word.tone + word.vowels[place:]
    return unicodedata.normalize("NFC", word.onset + vowels + word.coda)


def _tone_place(vowels: str, coda: str) -> int:
    """Which vowel bears the tone: the last marked one, else the last before a consonant, else the middle or first."""
    marked = [place for place, letter in enumerate(vowels) if letter in _BASE]
    if marked:
        return marked[-1]
    if coda:
        return len(vowels) - 1
    return 1 if len(vowels) > 2 else 0


def _followed(text: str, key: str) -> str:
    """The key as a letter behind the word; a tone moves to where it then belongs, and uơ becomes ươ (thuơ, thương)."""
    word = _word(text + key)
    if word is None or not word.vowels:
        return text + key
    vowels = word.vowels.lower()
    if vowels in ("uơi", "uơu") or (vowels == "uơ" and word.coda):
        word = word._replace(vowels=_put(word.vowels, 0, "ư"))
    return _written(word)


def _put(text: str, place: int, letter: str) -> str:
    """Another letter in a place, in the case of the one that stood there."""
    return text[:place] + (letter.upper() if text[place].isupper() else letter) + text[place + 1 :]


def _bare(vowels: str, marks: dict[str, str]) -> str:
    """Vowels without these marks."""
    for place, letter in enumerate(vowels.lower()):
        if letter in marks.values():
            vowels = _put(vowels, place, _BASE[letter])
    return vowels


def _toned(word: _Word, key: str) -> str | None:
    if not word.vowels:
        return None
    tone = _TONES.get(key.lower(), "")
    if tone != word.tone:
        return _written(word._replace(tone=tone))
    return _written(word._replace(tone="")) + key if tone else None


def _first_viable(word: _Word, tried: list[str]) -> str | None:
    """The word with the first of these vowels that can be."""
    for vowels in tried:
        if _viable(word.onset.lower(), vowels.lower(), word.coda.lower()):
            return _written(word._replace(vowels=vowels))
    return None


def _undone(word: _Word, key: str, marks: dict[str, str]) -> str | None:
    """The word without the marks that this key makes, and the key behind it as a letter; None where there is none."""
    vowels = _bare(word.vowels, marks)
    return None if vowels == word.vowels else _written(word._replace(vowels=vowels)) + key


def _rounded(word: _Word, key: str) -> str | None:
    """The keys a, e, o: a circumflex on their own letter. On an ươ it takes the horn of both (uô)."""
    kind, lower = key.lower(), word.vowels.lower()
    tried = []
    for place, letter in enumerate(lower):
        if _BASE.get(letter, letter) == kind and letter != _ROUND[kind]:
            vowels = _put(word.vowels, place, _ROUND[kind])
            tried += [vowels, _bare(vowels, {"u": "ư"})]
    return _first_viable(word, tried) or _undone(word, key, {kind: _ROUND[kind]})


def _horned(word: _Word, key: str) -> str | None:
    """The key w: breve or horn; a letter ư where no vowel stands yet, which the same key makes a w again."""
    whole = (word.onset + word.vowels + word.coda).lower()
    if not word.vowels or whole == "gi":
        return _written(word) + ("Ư" if key.isupper() else "ư")
    if whole == "ư" and not word.tone:
        return "W" if word.vowels.isupper() else "w"
    lower = word.vowels.lower()
    if lower.startswith(("uo", "uô", "uơ", "ưo")):
        both = _put(_put(word.vowels, 0, "ư"), 1, "ơ")
        half = lower in ("uo", "uô") and not word.coda  # uow: thuở as it is, thương when letters follow
        tried = [_put(word.vowels, 1, "ơ")] if half else [both]
    else:
        bare = _bare(lower, _ROUND)
        tried = [_put(word.vowels, place, _HORN[letter]) for place, letter in enumerate(bare) if letter in _HORN]
    return _first_viable(word, tried) or _undone(word, key, _HORN)


def _crossed(word: _Word, key: str) -> str | None:
    """The key d: đ, however far behind its letter it is typed."""
    if word.onset[:1] in ("d", "D"):
        return _written(word._replace(onset=_put(word.onset, 0, "đ")))
    if word.onset[:1] in ("đ", "Đ"):
        return _written(word._replace(onset=_put(word.onset, 0, "d"))) + key
    return None
