"""The catalogue: which services a station offers, and what each asks, as values. Decides nothing and reads no file.

A service is data: names, group, steps, questions with their checks, what it needs, what it does without a network,
consent, fee, deadline, slip. A new service of a known kind needs no code. Words stand in Vietnamese and English, side
by side. Read from TOML by `catalogue_toml`, carried to stations as the signed set named "catalogue"; what an answer
must be is judged by `answers`, at the station and again at the fleet. Source of kinds and rules: the domain reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

NAME = "catalogue"
GROUPS_MAX = 8  # tiles of the home screen (domain reference 14.2)
SERVICES_MAX = 64
FIELDS_MAX = 40
CHOICES_MAX = 8
REPEAT_MAX = 5

# The way through the screens: pay a bill, look at a card, answer questions, ask what became of a code.
Kind = Literal["bill", "card", "form", "lookup"]
FieldKind = Literal["choice", "name", "text", "lines", "phone", "id_number", "date", "time", "number", "ward"]
Offline = Literal["queue", "draft", "cached", "own", "none"]  # columns Q, D, C, O and X of the domain reference 2
Level = Literal["none", "typed", "claimed", "chip_read", "chip_verified", "online_verified"]
CardField = Literal["", "id_number", "name", "birth_date", "sex", "residence"]
Deadline = Literal["", "stay_notice"]
SlipLayout = Literal["payment", "dossier", "report", "correction"]
Preset = Literal["", "today", "now", "station"]

# The drawings that a tile may have; the screens draw each of them.
ICONS = ("bill", "building", "data", "dossier", "finance", "health", "help", "idcard", "phone", "report", "search")
LEVELS: tuple[Level, ...] = ("none", "typed", "claimed", "chip_read", "chip_verified", "online_verified")


class Words(NamedTuple):
    """One text in both languages."""

    vi: str
    en: str


class Choice(NamedTuple):
    """One answer that can be chosen; `id` is what the record holds."""

    id: str
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question: what is asked, how the answer is given, and when it is asked at all.

    least, most: characters (name, text, lines), a value (number), days from today (date; negative: the past). when:
    asked only where that other field was answered by one of these values. per: asked once for each of the number that
    this other field holds (at most REPEAT_MAX); its answers have the keys "id.1", "id.2". card: what of a card fills
    it, so that nobody types what a card says. masked: shown masked until it is tapped. preset: the answer that stands
    there at first ("today", "now", "station": its ward), which the resident can change. after: a day that comes after
    the answer to that other question; least and most then count from there.
    """

    id: str
    kind: FieldKind
    ask: Words
    label: Words
    hint: Words | None = None
    required: bool = True
    choices: tuple[Choice, ...] = ()
    least: int = 0
    most: int = 0
    when: tuple[str, tuple[str, ...]] | None = None
    per: str = ""
    card: CardField = ""
    masked: bool = False
    preset: Preset = ""
    after: str = ""


class Consent(NamedTuple):
    """What the resident agrees to; the version is sealed with each record."""

    version: str
    words: Words


class Paper(NamedTuple):
    """What a resident has to bring or attach; `law` names the rule that asks for it."""

    id: str
    words: Words
    law: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service, from its tile to its slip.

    code: its row in the domain reference ("A8"), which records carry. form: name and version of what is asked
    ("stay_notice/1"); a queued dossier keeps the one it was made with. needs: ports without which it cannot be offered.
    clock: it needs a trusted clock. urgent: answers that make the record go first. notice: a page before the questions,
    `emergency` with the numbers to call. channels: the three ways to correct data stand on its result and slip.
    fee_dong: None where there is none to name. following: what happens next, on result and slip.
    """

    id: str
    code: str
    group: str
    kind: Kind
    icon: str
    name: Words
    help: Words
    form: str
    valid_from: str
    valid_to: str
    offline: Offline
    needs: tuple[str, ...] = ()
    clock: bool = False
    identity: Level = "none"
    consent: Consent | None = None
    fee_dong: int | None = None
    deadline: Deadline = ""
    urgent: tuple[str, tuple[str, ...]] | None = None
    slip: SlipLayout = "dossier"
    notice: Words | None = None
    emergency: bool = False
    channels: bool = False
    following: Words | None = None
    papers: tuple[Paper, ...] = ()
    fields: tuple[Field, ...] = ()


class Group(NamedTuple):
    """One tile of the home screen."""

    id: str
    name: Words
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All groups in the order of their tiles and all services; a newer version replaces the older one whole."""

    version: int
    groups: tuple[Group, ...]
    services: tuple[Service, ...]

    def service(self, name: str) -> Service | None:
        """The service of this id."""
        return next((each for each in self.services if each.id == name), None)

    def of_group(self, group: str) -> tuple[Service, ...]:
        """The services behind one tile, in their order."""
        return tuple(each for each in self.services if each.group == group)

    def encode(self) -> bytes:
        """Give the body of the signed set. Raises WireError, also for a catalogue that breaks its rules."""
        from device_profiles.catalogue_set import encode

        return encode(self)

    @classmethod
    def decode(cls, body: bytes) -> Catalogue:
        """Read the body of a signed set. Raises WireError, also for a catalogue that breaks its rules."""
        from device_profiles.catalogue_set import decode

        return decode(body)
