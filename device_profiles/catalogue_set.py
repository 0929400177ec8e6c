"""The body of the signed set named "catalogue": the whole catalogue as deterministic CBOR, and back.

Texts travel as [Vietnamese, English], everything else by number (WIRE.md). What is read is judged by the same rules as
the TOML, so that a set that is signed but senseless is refused whole. Hostile input ends in a WireError and nothing
else.
"""

from __future__ import annotations

from typing import Any

from device_profiles import catalogue_rules, field_rules, layout
from device_profiles.catalogue import (
    CHOICES_MAX,
    FIELDS_MAX,
    GROUPS_MAX,
    SERVICES_MAX,
    Catalogue,
    Choice,
    Consent,
    Field,
    Group,
    Paper,
    Service,
    Words,
)
from device_profiles.cbor import WireError
from device_profiles.cbor import decode as read
from device_profiles.cbor import encode as write
from device_profiles.messages import SET_MAX_BYTES

FORMAT = 1
TEXT_MAX = 1_000
WORDS_ROW = layout.shape(vi=layout.text(0, TEXT_MAX), en=layout.text(1, TEXT_MAX))
FLAGS = ("clock", "emergency", "channels")
FIELD_FLAGS = ("optional", "masked")

CATALOGUE = layout.shape(
    version=layout.number(1, least=1), groups=layout.items(2, GROUPS_MAX), services=layout.items(3, SERVICES_MAX)
)
GROUP_ROW = layout.shape(
    id=layout.text(0, 30), icon=layout.text(1, 20), vi=layout.text(2, TEXT_MAX), en=layout.text(3, TEXT_MAX)
)
SERVICE = layout.shape(
    id=layout.text(1, 30),
    code=layout.text(2, 4),
    group=layout.text(3, 30),
    kind=layout.text(4, 10),
    icon=layout.text(5, 20),
    name=layout.items(6, 2),
    help=layout.items(7, 2),
    form=layout.text(8, 40),
    valid=layout.items(9, 2),
    offline=layout.text(10, 10),
    needs=layout.items(11, 4),
    flags=layout.items(12, len(FLAGS)),
    identity=layout.text(13, 20),
    consent=layout.items(14, 3, optional=True),
    fee_dong=layout.number(15, catalogue_rules.FEE_MAX_DONG, optional=True),
    deadline=layout.text(16, 20, optional=True),
    urgent=layout.items(17, 2, optional=True),
    slip=layout.text(18, 20),
    notice=layout.items(19, 2, optional=True),
    following=layout.items(20, 2, optional=True),
    papers=layout.items(21, catalogue_rules.PAPERS_MAX, optional=True),
    fields=layout.items(22, FIELDS_MAX, optional=True),
)
FIELD = layout.shape(
    id=layout.text(1, 30),
    kind=layout.text(2, 10),
    ask=layout.items(3, 2),
    label=layout.items(4, 2),
    hint=layout.items(5, 2, optional=True),
    flags=layout.items(6, len(FIELD_FLAGS), optional=True),
    choices=layout.items(7, CHOICES_MAX, optional=True),
    least=layout.number(8, field_rules.BOUND_MAX, least=-field_rules.BOUND_MAX, optional=True),
    most=layout.number(9, field_rules.BOUND_MAX, least=-field_rules.BOUND_MAX, optional=True),
    when=layout.items(10, 2, optional=True),
    per=layout.text(11, 30, optional=True),
    card=layout.text(12, 20, optional=True),
    preset=layout.text(13, 10, optional=True),
    after=layout.text(14, 30, optional=True),
)
CHOICE_ROW = layout.shape(id=layout.text(0, 30), vi=layout.text(1, TEXT_MAX), en=layout.text(2, TEXT_MAX))
CONSENT_ROW = layout.shape(version=layout.text(0, 40), vi=layout.text(1, TEXT_MAX), en=layout.text(2, TEXT_MAX))
PAPER_ROW = layout.shape(
    id=layout.text(0, 30), vi=layout.text(1, TEXT_MAX), en=layout.text(2, TEXT_MAX), law=layout.text(3, 200)
)


def encode(catalogue: Catalogue) -> bytes:
    """Give the body of the set. Raises WireError: a rule is broken, or it is too large."""
    _check(catalogue)
    fields = {
        "version": catalogue.version,
        "groups": tuple([each.id, each.icon, *each.name] for each in catalogue.groups),
        "services": tuple(map(_service_out, catalogue.services)),
    }
    body = write({0: FORMAT, **layout.to_table(CATALOGUE, fields, "catalogue")})
    if len(body) > SET_MAX_BYTES:
        raise WireError("too_large", f"a catalogue of {len(body)} bytes, at most {SET_MAX_BYTES}")
    return body


def decode(body: bytes) -> Catalogue:
    """Read the body of the set. Raises WireError."""
    match read(body, SET_MAX_BYTES):
        case {0: int(found), **numbered} if type(found) is int and found == FORMAT:
            pass
        case _:
            raise WireError("format", f"a catalogue is a map of format {FORMAT}")
    told = layout.from_table(CATALOGUE, numbered, "catalogue")
    catalogue = Catalogue(
        version=told["version"],
        groups=tuple(map(_group, told["groups"])),
        services=tuple(map(_service_in, told["services"])),
    )
    _check(catalogue)
    return catalogue


def _check(catalogue: Catalogue) -> None:
    for each in catalogue_rules.problems(catalogue):
        where = ".".join(filter(None, (each.service[:30], each.field[:30], each.key)))
        raise WireError("catalogue", f"{where}: {each.words}"[:300])


def _service_out(service: Service) -> dict[int, Any]:
    consent, urgent = service.consent, service.urgent
    fields = {
        **{name: getattr(service, name) for name in ("id", "code", "group", "kind", "icon", "form", "offline")},
        **{name: getattr(service, name) for name in ("identity", "fee_dong", "slip")},
        "name": tuple(service.name),
        "help": tuple(service.help),
        "valid": (service.valid_from, service.valid_to),
        "needs": service.needs,
        "flags": tuple(each for each in FLAGS if getattr(service, each)),
        "consent": (consent.version, *consent.words) if consent else None,
        "deadline": service.deadline or None,
        "urgent": (urgent[0], list(urgent[1])) if urgent else None,
        "notice": _words_out(service.notice),
        "following": _words_out(service.following),
        "papers": tuple([each.id, *each.words, each.law] for each in service.papers) or None,
        "fields": tuple(map(_field_out, service.fields)) or None,
    }
    return _lists(layout.to_table(SERVICE, fields, "service"))


def _field_out(field: Field) -> dict[int, Any]:
    flags = (*(() if field.required else ("optional",)), *(("masked",) if field.masked else ()))
    fields = {
        "id": field.id,
        "kind": field.kind,
        "ask": tuple(field.ask),
        "label": tuple(field.label),
        "hint": _words_out(field.hint),
        "flags": flags or None,
        "choices": tuple([each.id, *each.words] for each in field.choices) or None,
        "least": field.least or None,
        "most": field.most or None,
        "when": (field.when[0], list(field.when[1])) if field.when else None,
        **{name: getattr(field, name) or None for name in ("per", "card", "preset", "after")},
    }
    return _lists(layout.to_table(FIELD, fields, "field"))


def _lists(numbered: dict[int, Any]) -> dict[int, Any]:
    return {key: list(value) if type(value) is tuple else value for key, value in numbered.items()}


def _words_out(words: Words | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)


def _service_in(numbered: object) -> Service:
    told = layout.from_table(SERVICE, numbered, "service")
    valid = _texts(told["valid"], "service.valid")
    if len(valid) != 2:
        raise layout.FieldError("service", "valid", "must be [first day, last day]")
    flags = _texts(told["flags"], "service.flags", FLAGS)
    return Service(
        id=told["id"],
        code=told["code"],
        group=told["group"],
        kind=told["kind"],
        icon=told["icon"],
        name=_words(told["name"], "service.name"),
        help=_words(told["help"], "service.help"),
        form=told["form"],
        valid_from=valid[0],
        valid_to=valid[1],
        offline=told["offline"],
        needs=_texts(told["needs"], "service.needs"),
        clock="clock" in flags,
        identity=told["identity"],
        consent=_consent(told.get("consent")),
        fee_dong=told.get("fee_dong"),
        deadline=told.get("deadline", ""),
        urgent=_condition(told.get("urgent"), "service.urgent"),
        slip=told["slip"],
        notice=_optional_words(told.get("notice"), "service.notice"),
        emergency="emergency" in flags,
        channels="channels" in flags,
        following=_optional_words(told.get("following"), "service.following"),
        papers=tuple(map(_paper, told.get("papers", ()))),
        fields=tuple(map(_field, told.get("fields", ()))),
    )


def _field(numbered: object) -> Field:
    told = layout.from_table(FIELD, numbered, "field")
    flags = _texts(told.get("flags", ()), "field.flags", FIELD_FLAGS)
    return Field(
        id=told["id"],
        kind=told["kind"],
        ask=_words(told["ask"], "field.ask"),
        label=_words(told["label"], "field.label"),
        hint=_optional_words(told.get("hint"), "field.hint"),
        required="optional" not in flags,
        choices=tuple(map(_choice, told.get("choices", ()))),
        least=told.get("least", 0),
        most=told.get("most", 0),
        when=_condition(told.get("when"), "field.when"),
        per=told.get("per", ""),
        card=told.get("card", ""),
        masked="masked" in flags,
        preset=told.get("preset", ""),
        after=told.get("after", ""),
    )


def _group(row: Any) -> Group:
    layout.check_row(GROUP_ROW, row, "group")
    return Group(row[0], Words(row[2], row[3]), row[1])


def _choice(row: Any) -> Choice:
    layout.check_row(CHOICE_ROW, row, "choice")
    return Choice(row[0], Words(row[1], row[2]))


def _paper(row: Any) -> Paper:
    layout.check_row(PAPER_ROW, row, "paper")
    return Paper(row[0], Words(row[1], row[2]), row[3])


def _consent(row: Any) -> Consent | None:
    if row is None:
        return None
    layout.check_row(CONSENT_ROW, row, "consent")
    return Consent(row[0], Words(row[1], row[2]))


def _words(row: Any, where: str) -> Words:
    layout.check_row(WORDS_ROW, row, where)
    return Words(row[0], row[1])


def _optional_words(row: Any, where: str) -> Words | None:
    return None if row is None else _words(row, where)


def _condition(row: Any, where: str) -> tuple[str, tuple[str, ...]] | None:
    match row:
        case None:
            return None
        case [str(name), list(values)]:
            return name, _texts(values, where)
        case _:
            raise layout.FieldError(where, "row", "must be [field, [choices]]")


def _texts(values: Any, where: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A list of texts, and none that is unknown where the known ones are named."""
    if not all(type(each) is str and (not known or each in known) for each in values):
        raise layout.FieldError(where, "row", f"must be texts{', of ' + ', '.join(known) if known else ''}")
    return tuple(values)
