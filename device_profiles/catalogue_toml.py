"""Reads a catalogue from a folder: `catalogue.toml` (version, groups, order of services) and one TOML per service.

Decides types and known words and says of every fault the file, the line and the nearest right word. What makes sense
together is judged by `catalogue_rules`; whether a service can be offered now, by the station.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any, get_args

from device_profiles import catalogue as shapes
from device_profiles import catalogue_rules, field_rules
from device_profiles.catalogue import Catalogue, Choice, Consent, Field, Group, Paper, Service, Words
from device_profiles.peripheral import PORTS
from device_profiles.strict_toml import ProfileError, StrictToml, nearest

if TYPE_CHECKING:
    from collections.abc import Collection
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from device_profiles.catalogue_rules import Problem

INDEX = "catalogue.toml"
_ARRAY = re.compile(r"\s*\[\[\s*([a-z_]+)\s*\]\]")
_WORDS = ("vi", "en")
_KEYS = tuple(key for key in Service.__dataclass_fields__ if key not in ("id", "fields", "papers"))
_FIELD_KEYS = tuple(Field.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder says: its catalogue (None where there is none to speak of) and every fault, by service.

    The services of the catalogue are those that could be read; "" holds the faults of `catalogue.toml` itself.
    """

    catalogue: Catalogue | None
    order: tuple[str, ...]
    faults: dict[str, ProfileError]


def load_shipped() -> Catalogue:
    """Give the catalogue that came with this software. Raises ProfileError where it is not right."""
    return load(shipped())


def shipped() -> Traversable:
    """The folder of the catalogue that came with this software."""
    return resources.files("device_profiles") / "services"


def load(folder: Traversable | Path) -> Catalogue:
    """Give the catalogue of a folder.

    Raises:
        ProfileError: file, line where it is known, and what would be right, of the first fault.
        OSError: the folder or its `catalogue.toml` cannot be read.
    """
    reading = read(folder)
    for fault in reading.faults.values():
        raise fault
    assert reading.catalogue is not None  # noqa: S101  without faults there is one
    return reading.catalogue


def read(folder: Traversable | Path) -> Reading:
    """Read a folder to its end: one fault of each file at most, the others all the same.

    Raises:
        OSError: the folder or its `catalogue.toml` cannot be read.
    """
    faults: dict[str, ProfileError] = {}
    texts = {each.name: each for each in folder.iterdir() if each.name.endswith(".toml")}
    try:
        index = _parsed(folder / INDEX)
        version, groups, order = _index(index, {name.removesuffix(".toml") for name in texts} - {"catalogue"})
    except ProfileError as fault:
        return Reading(None, (), {"": fault})
    found: dict[str, tuple[StrictToml, Service]] = {}
    for name in order:
        try:
            toml = _parsed(texts[f"{name}.toml"])
            found[name] = (toml, _service(toml, name))
        except ProfileError as fault:
            faults[name] = fault
    catalogue = Catalogue(version=version, groups=groups, services=tuple(service for _, service in found.values()))
    for problem in catalogue_rules.problems(catalogue):
        toml = found[problem.service][0] if problem.service in found else index
        faults.setdefault(problem.service, _located(toml, problem))
    return Reading(catalogue, order, faults)


def _parsed(file: Traversable | Path) -> StrictToml:
    try:
        return StrictToml.parse(file.read_text("utf-8"), file.name)
    except UnicodeDecodeError:
        raise ProfileError(file.name, "is not UTF-8; save it as UTF-8") from None


def _index(toml: StrictToml, present: Collection[str]) -> tuple[int, tuple[Group, ...], tuple[str, ...]]:
    toml.table((), ("version", "services", "group"))
    parts = _parts(toml, "group")
    groups = tuple(
        Group(
            part.string(("group", "id")),
            _words(part, ("group", "name")),
            part.word(("group", "icon"), shapes.ICONS, "icon"),
        )
        for part in parts
        if part.table(("group",), ("id", "name", "icon"))
    )
    order = toml.strings(("services",))
    for name in order:
        if name not in present:
            raise toml.fault(("services",), f"there is no {name}.toml{nearest(name, present)}")
    if forgotten := sorted(set(present) - set(order)):
        raise toml.fault(("services",), f"{forgotten[0]}.toml is not on the list; the list is the order of the tiles")
    if len(set(order)) != len(order):
        raise toml.fault(("services",), "a service stands on the list twice")
    return toml.number(("version",), 1, 2**53), groups, order


def _service(toml: StrictToml, name: str) -> Service:
    toml.table((), (*_KEYS, "paper", "field"))
    fee = None if "fee_dong" not in toml.root else toml.number(("fee_dong",), 0, catalogue_rules.FEE_MAX_DONG)
    return Service(
        id=name,
        code=toml.string(("code",)),
        group=toml.string(("group",)),
        kind=toml.word(("kind",), get_args(shapes.Kind), "kind"),  # type: ignore[arg-type]
        icon=toml.word(("icon",), shapes.ICONS, "icon"),
        name=_words(toml, ("name",)),
        help=_words(toml, ("help",)),
        form=toml.string(("form",)),
        valid_from=toml.string(("valid_from",)),
        valid_to=toml.string(("valid_to",)),
        offline=toml.word(("offline",), get_args(shapes.Offline), "policy"),  # type: ignore[arg-type]
        needs=_known(toml, ("needs",), PORTS, "port"),
        clock=_flag(toml, ("clock",)),
        identity=_word_or(toml, ("identity",), shapes.LEVELS, "level", "none"),
        consent=_consent(toml),
        fee_dong=fee,
        deadline=_word_or(toml, ("deadline",), get_args(shapes.Deadline), "deadline", ""),
        urgent=_condition(toml, ("urgent",)),
        slip=_word_or(toml, ("slip",), get_args(shapes.SlipLayout), "slip", "dossier"),
        notice=_optional_words(toml, ("notice",)),
        emergency=_flag(toml, ("emergency",)),
        channels=_flag(toml, ("channels",)),
        following=_optional_words(toml, ("following",)),
        papers=tuple(map(_paper, _parts(toml, "paper"))),
        fields=tuple(map(_field, _parts(toml, "field"))),
    )


def _field(toml: StrictToml) -> Field:
    toml.table(("field",), _FIELD_KEYS)
    return Field(
        id=toml.string(("field", "id")),
        kind=toml.word(("field", "kind"), get_args(shapes.FieldKind), "kind"),  # type: ignore[arg-type]
        ask=_words(toml, ("field", "ask")),
        label=_words(toml, ("field", "label")),
        hint=_optional_words(toml, ("field", "hint")),
        required=_flag(toml, ("field", "required"), absent=True),
        choices=_choices(toml),
        least=_bound(toml, ("field", "least")),
        most=_bound(toml, ("field", "most")),
        when=_condition(toml, ("field", "when")),
        per=toml.optional_string(("field", "per")) or "",
        card=_word_or(toml, ("field", "card"), get_args(shapes.CardField), "card field", ""),
        masked=_flag(toml, ("field", "masked")),
        preset=_word_or(toml, ("field", "preset"), get_args(shapes.Preset), "preset", ""),
        after=toml.optional_string(("field", "after")) or "",
    )


def _paper(toml: StrictToml) -> Paper:
    toml.table(("paper",), ("id", "vi", "en", "law"))
    words = Words(toml.string(("paper", "vi")), toml.string(("paper", "en")))
    return Paper(toml.string(("paper", "id")), words, toml.string(("paper", "law")))


def _choices(toml: StrictToml) -> tuple[Choice, ...]:
    path = ("field", "choices")
    found = toml.root["field"].get("choices", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise toml.fault(path, "choices must be a list of { id, vi, en }")
    for each in found:
        for key in each:
            if key not in ("id", *_WORDS):
                raise toml.fault(path, f"unknown key {key!r} in a choice{nearest(key, ('id', *_WORDS))}")
        if not all(isinstance(each.get(key), str) for key in ("id", *_WORDS)):
            raise toml.fault(path, "each choice must have the texts id, vi and en")
    return tuple(Choice(each["id"], Words(each["vi"], each["en"])) for each in found)


def _consent(toml: StrictToml) -> Consent | None:
    if not toml.table(("consent",), ("version", *_WORDS)):
        return None
    words = Words(toml.string(("consent", "vi")), toml.string(("consent", "en")))
    return Consent(toml.string(("consent", "version")), words)


def _condition(toml: StrictToml, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    if not toml.table(path, ("field", "is")):
        return None
    return toml.string((*path, "field")), toml.strings((*path, "is"))


def _words(toml: StrictToml, path: tuple[str, ...]) -> Words:
    toml.table(path, _WORDS)
    return Words(toml.string((*path, "vi")), toml.string((*path, "en")))


def _optional_words(toml: StrictToml, path: tuple[str, ...]) -> Words | None:
    return _words(toml, path) if toml.table(path, _WORDS) else None


def _known(toml: StrictToml, path: tuple[str, ...], known: Collection[str], what: str) -> tuple[str, ...]:
    found = toml.strings(path)
    for each in found:
        if each not in known:
            raise toml.fault(path, f"unknown {what} {each!r}{nearest(each, known)}")
    return found


def _word_or(toml: StrictToml, path: tuple[str, ...], known: Collection[str], what: str, absent: str) -> Any:
    """One of the known words; what is absent is the word that stands for it."""
    if toml.optional_string(path) is None:
        return absent
    return toml.word(path, [each for each in known if each], what)


def _flag(toml: StrictToml, path: tuple[str, ...], *, absent: bool = False) -> bool:
    table: Any = toml.root
    for key in path[:-1]:
        table = table[key]
    value = table.get(path[-1], absent)
    if not isinstance(value, bool):
        raise toml.fault(path, f"{path[-1]} must be true or false")
    return value


def _bound(toml: StrictToml, path: tuple[str, ...]) -> int:
    if path[-1] not in toml.root["field"]:
        return 0
    return toml.number(path, -field_rules.BOUND_MAX, field_rules.BOUND_MAX)


def _parts(toml: StrictToml, name: str) -> tuple[StrictToml, ...]:
    """Give each table of an array as a text of its own in which every line keeps its number."""
    found = toml.root.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise toml.fault((name,), f"{name} must be tables, each beginning with [[{name}]]")
    lines = toml.text.split("\n")
    starts = [(at, match[1]) for at, line in enumerate(lines) if (match := _ARRAY.match(line))]
    ends = [at for at, _ in starts[1:]] + [len(lines)]
    spans = [(start, end) for (start, array), end in zip(starts, ends, strict=False) if array == name]
    if len(spans) != len(found):  # written inline, or a header inside a text: the lines are the whole file's
        spans = [(0, len(lines))] * len(found)
    return tuple(
        replace(toml, text="\n" * start + "\n".join(lines[start:end]), root={name: each}, own={name: each})
        for (start, end), each in zip(spans, found, strict=True)
    )


def _located(toml: StrictToml, problem: Problem) -> ProfileError:
    """The fault of a rule, at the line of the field and key that it is about."""
    for name in ("field", "paper") if problem.service else ("group",):
        for part in _parts(toml, name) if problem.field else ():
            if part.root[name].get("id") == problem.field:
                return part.fault((name, problem.key), f"{name} {problem.field!r}: {problem.words}")
    return toml.fault((problem.key,), problem.words)
