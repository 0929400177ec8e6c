"""What makes sense in a catalogue: the cross-checks of its services, run on every TOML and on every received set.

Decides sizes that fit the screens, what may refer to what, and what a form may ask at all: nothing that the card gave,
nothing that the law has abolished. Pure; gives every problem it finds and raises none. Which papers are abolished and
what is never asked stands in `formats/data`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, get_args

from device_profiles import catalogue as shapes
from device_profiles import data_minimum, field_rules
from device_profiles.catalogue import FIELDS_MAX, GROUPS_MAX, ICONS, REPEAT_MAX, SERVICES_MAX
from device_profiles.field_rules import CHARACTERS_MAX, ID, SIZES_MAX, choice_of, clean, text_problems, twice_in
from device_profiles.formats import tables
from device_profiles.peripheral import PORTS
from device_profiles.records import ANSWERS_MAX, ANSWERS_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_profiles.catalogue import Catalogue, Field, Service

LAW_MAX = 120
PAPERS_MAX = 10
ANSWERS_CHARACTERS_MAX = ANSWERS_MAX_BYTES // 4  # no character has more bytes
OTHER_CHARACTERS = 40  # of a choice's id, a day, a number
FEE_MAX_DONG = 10**9

_CODE = re.compile("[A-Z][0-9]{1,2}")
_FORM = re.compile("[a-z][a-z0-9_]{0,29}/[1-9][0-9]{0,3}")
_CONSENT = re.compile("[a-z][a-z0-9_-]{0,29}/[1-9][0-9]{0,3}")
_PERSONAL = ("name", "phone", "id_number")
# What a deadline is counted from: field and kind, and whether there must be one.
DEADLINE_FIELDS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "": (),
    "stay_notice": (("from_date", "date", True), ("arrival", "time", False)),
}


class Problem(NamedTuple):
    """One thing that is not right: in which service ("": the catalogue's own), field and key, and what would be."""

    service: str
    field: str
    key: str
    words: str


def problems(catalogue: Catalogue) -> Iterator[Problem]:
    """Give everything that is not right, service by service."""
    yield from _own(catalogue)
    groups = {each.id for each in catalogue.groups}
    for service in catalogue.services:
        if service.group not in groups:
            known = ", ".join(sorted(groups))
            yield Problem(service.id, "", "group", f"there is no group {service.group!r}; known are: {known}")
        yield from _service(service)
        yield from _texts(service)
        before: dict[str, Field] = {}
        for field in service.fields:
            for key, words in (*field_rules.problems(field), *field_rules.refers(field, before)):
                yield Problem(service.id, field.id, key, words)
            before[field.id] = field
        for field_id, key, words in data_minimum.problems(service):
            yield Problem(service.id, field_id, key, words)


def _own(catalogue: Catalogue) -> Iterator[Problem]:
    if not 1 <= len(catalogue.groups) <= GROUPS_MAX:
        yield Problem("", "", "group", f"there must be 1 to {GROUPS_MAX} groups, as the home screen has tiles")
    if len(catalogue.services) > SERVICES_MAX:
        yield Problem("", "", "services", f"there are at most {SERVICES_MAX} services")
    for twice in twice_in(each.id for each in catalogue.groups):
        yield Problem("", twice, "id", f"the group {twice!r} stands there twice")
    for twice in twice_in(each.id for each in catalogue.services):
        yield Problem(twice, "", "id", f"the service {twice!r} stands there twice")
    for twice in twice_in(each.form for each in catalogue.services):
        second = [each.id for each in catalogue.services if each.form == twice][1]
        yield Problem(second, "", "form", f"the form {twice!r} is another service's already")
    for group in catalogue.groups:
        if not ID.fullmatch(group.id):
            yield Problem("", group.id, "id", "an id is small letters, digits and _")
        if group.icon not in ICONS:
            yield Problem("", group.id, "icon", f"there is no icon {group.icon!r}; known are: {', '.join(ICONS)}")
        for words in text_problems(group.name, SIZES_MAX["name"]):
            yield Problem("", group.id, "name", words)


def _service(service: Service) -> Iterator[Problem]:
    for key, words in (*_head(service), *_body(service), *_promises(service), *_costs(service)):
        yield Problem(service.id, "", key, words)


def _head(service: Service) -> Iterator[tuple[str, str]]:
    """What it is called and when it holds."""
    for key, form, example in (("id", ID, "stay_notice"), ("code", _CODE, "A8"), ("form", _FORM, "stay_notice/1")):
        if not form.fullmatch(getattr(service, key)):
            yield key, f"{key} must look like {example!r}"
    for key, words in (
        *(("kind", get_args(shapes.Kind)), ("offline", get_args(shapes.Offline)), ("identity", shapes.LEVELS)),
        *(("deadline", get_args(shapes.Deadline)), ("slip", get_args(shapes.SlipLayout)), ("icon", ICONS)),
    ):
        if getattr(service, key) not in words:
            yield key, f"{key} must be one of {', '.join(filter(None, words))}"
    for port in service.needs:
        if port not in PORTS:
            yield "needs", f"there is no port {port!r}; known are: {', '.join(PORTS)}"
    first, last = _day(service.valid_from), _day(service.valid_to)
    for key, day in (("valid_from", first), ("valid_to", last)):
        if day is None:
            yield key, f"{key} must be a day, yyyy-mm-dd"
    if first and last and first > last:
        yield "valid_to", "it ends before it begins"


def _body(service: Service) -> Iterator[tuple[str, str]]:
    """Its fields as a whole."""
    if (service.kind == "form") != bool(service.fields):
        yield "kind", "a form asks questions, and only a form does"
    if len(service.fields) > FIELDS_MAX:
        yield "field", f"there are at most {FIELDS_MAX} fields"
    by_id = {each.id: each for each in service.fields}
    for twice in twice_in(each.id for each in service.fields):
        yield "field", f"the field {twice!r} stands there twice"
    counts = [min(by_id[each.per].most, REPEAT_MAX) if each.per in by_id else 1 for each in service.fields]
    if sum(counts) > ANSWERS_MAX:
        yield "field", f"a dossier holds at most {ANSWERS_MAX} answers"
    lengths = (each.most if each.kind in CHARACTERS_MAX else OTHER_CHARACTERS for each in service.fields)
    characters = sum(count * length for count, length in zip(counts, lengths, strict=True))
    if characters > ANSWERS_CHARACTERS_MAX:
        yield "field", f"a dossier holds at most {ANSWERS_CHARACTERS_MAX} characters of answers"
    runs = [each.per for at, each in enumerate(service.fields) if not at or service.fields[at - 1].per != each.per]
    for twice in twice_in(filter(None, runs)):
        yield "field", f"what is asked of each of {twice!r} must stand together"
    cards = [each.card for each in service.fields if each.card]
    for twice in twice_in(cards):
        yield "field", f"the card's {twice!r} fills two fields: nobody is asked twice"
    if cards and service.identity == "none":
        yield "identity", "fields with `card` need an identity: name the level"
    if service.kind == "form" and service.identity != "none" and not {"id_number", "name"} & set(cards):
        yield "identity", 'who must say who they are: a field with card = "id_number" or "name" is missing'


def _promises(service: Service) -> Iterator[tuple[str, str]]:
    """Consent, deadline, urgency, notice, slip."""
    personal = service.identity != "none" or any(
        each.kind in _PERSONAL or each.card or each.masked for each in service.fields
    )
    if service.consent is None and personal and service.kind == "form":
        yield "consent", "personal data is asked: a consent with its version must stand there"
    if service.consent is not None and not _CONSENT.fullmatch(service.consent.version):
        yield "consent", "the version of a consent must look like 'stay-consent/1'"
    if service.kind == "lookup" and (service.consent or service.deadline or service.identity != "none"):
        yield "kind", "a lookup tells what became of a code and takes nothing: no consent, deadline or identity"
    by_id = {each.id: each for each in service.fields}
    for name, kind, needed in DEADLINE_FIELDS.get(service.deadline, ()):
        field = by_id.get(name)
        if field is None and not needed:
            continue
        if field is None or field.kind != kind or field.per or (needed and (field.when or not field.required)):
            yield (
                "deadline",
                f"{service.deadline} is counted from the field {name!r}, a {kind} that is asked of all once",
            )
    if service.deadline and not service.clock:
        yield "clock", "a deadline needs a trusted clock: clock = true"
    if service.urgent is not None:
        name, values = service.urgent
        yield from (("urgent", words) for words in choice_of(name, values, by_id))
        if name in by_id and by_id[name].per:
            yield "urgent", f"{name!r} is asked several times"
    if service.emergency and service.notice is None:
        yield "notice", "emergency numbers stand on the page of the notice: it must have one"
    if (service.slip == "payment") != (service.kind == "bill"):
        yield "slip", "the slip of a payment is a bill's, and a bill has no other"


def _costs(service: Service) -> Iterator[tuple[str, str]]:
    """Fee and papers."""
    if service.fee_dong is not None and not 0 <= service.fee_dong <= FEE_MAX_DONG:
        yield "fee_dong", f"fee_dong must be 0 to {FEE_MAX_DONG}"
    first = _day(service.valid_from)
    for row in tables.holding(tables.rows("procedures"), first) if first else ():
        if row["id"] == service.id and service.fee_dong not in (None, row["fee_online_dong"]):
            yield "fee_dong", f"the fee is {row['fee_online_dong']} dong: {row['law']}"
    if len(service.papers) > PAPERS_MAX:
        yield "paper", f"there are at most {PAPERS_MAX} papers"


def _texts(service: Service) -> Iterator[Problem]:
    """Every text in both languages, and short enough."""
    consent = service.consent.words if service.consent else None
    for key, words in (
        *(("name", service.name), ("help", service.help), ("notice", service.notice)),
        *(("following", service.following), ("consent", consent)),
    ):
        if words is not None:
            yield from (Problem(service.id, "", key, text) for text in text_problems(words, SIZES_MAX[key]))
    for twice in twice_in(each.id for each in service.papers):
        yield Problem(service.id, twice, "id", f"the paper {twice!r} stands there twice")
    for paper in service.papers:
        if not ID.fullmatch(paper.id):
            yield Problem(service.id, paper.id, "id", "an id is small letters, digits and _")
        if not 0 < len(paper.law) <= LAW_MAX or not clean(paper.law):
            yield Problem(service.id, paper.id, "law", f"law must name the rule, in at most {LAW_MAX} characters")
        for text in text_problems(paper.words, SIZES_MAX["paper"]):
            yield Problem(service.id, paper.id, "vi", text)


def _day(text: str) -> date | None:
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
