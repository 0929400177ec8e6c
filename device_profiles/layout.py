"""Message layouts as data: which number is which field, of what type and how large. Knows no particular message.

A message is a frozen dataclass whose fields carry a `Rule`; this module turns it into a map with keys 0 to 23 and
back. Key 0 is always the format number. An unknown key, a missing field, a wrong type or a size past its limit is a
`WireError`: a new field means a new format number, announced in WIRE.md with its date.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, TypeVar

from device_profiles.cbor import WireError

T = TypeVar("T")
TIME_MAX_MS = 4_102_444_800_000  # the year 2100: a later time is a mistake, not a time
COUNTER_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Rule:
    """One field: its key, its type, and least and most (a length for bytes, text, lists and maps; else a value)."""

    key: int
    kind: type
    least: int
    most: int
    optional: bool


def raw(key: int, size: int, size_max: int | None = None, *, optional: bool = False) -> Any:
    """Bytes of exactly `size`, or from `size` to `size_max`."""
    return _rule(Rule(key, bytes, size, size if size_max is None else size_max, optional))


def text(key: int, size_max: int, *, optional: bool = False) -> Any:
    """Text of 1 to `size_max` characters."""
    return _rule(Rule(key, str, 1, size_max, optional))


def number(key: int, most: int = COUNTER_MAX, *, least: int = 0, optional: bool = False) -> Any:
    """An integer from `least` to `most`."""
    return _rule(Rule(key, int, least, most, optional))


def time_ms(key: int, *, optional: bool = False) -> Any:
    """UTC milliseconds since 1970."""
    return number(key, TIME_MAX_MS, optional=optional)


def flag(key: int, *, optional: bool = False) -> Any:
    """True or false."""
    return _rule(Rule(key, bool, 0, 1, optional))


def items(key: int, count_max: int, *, optional: bool = False) -> Any:
    """A list of at most `count_max`; what stands in it is checked by the message."""
    return _rule(Rule(key, tuple, 0, count_max, optional))


def table(key: int, count_max: int = 24, *, optional: bool = False) -> Any:
    """A map with small integer keys; what stands in it is checked by the message."""
    return _rule(Rule(key, dict, 0, count_max, optional))


def _rule(rule: Rule) -> Any:
    return field(metadata={"rule": rule}, **({"default": None} if rule.optional else {}))


@cache
def rules(message: type) -> tuple[tuple[str, Rule], ...]:
    """The layout of a message class: (field name, rule) in the order of its fields."""
    return tuple((each.name, each.metadata["rule"]) for each in fields(message) if "rule" in each.metadata)


def check(rule: Rule, value: object, where: str) -> None:
    """Refuse a value that does not fit its rule. Raises WireError("field")."""
    if type(value) is not rule.kind:
        raise WireError("field", f"{where} must be {rule.kind.__name__}, not {type(value).__name__}")
    size = value if rule.kind in (int, bool) else len(value)  # type: ignore[arg-type]
    if not rule.least <= size <= rule.most:  # type: ignore[operator]
        raise WireError("field", f"{where} is {size}, allowed {rule.least} to {rule.most}")


def to_map(message: Any, fmt: int) -> dict[int, Any]:
    """Give the map of a message. Raises WireError where one of our own values does not fit (our mistake, seen early)."""
    out: dict[int, Any] = {0: fmt}
    for name, rule in rules(type(message)):
        value = getattr(message, name)
        if value is None and rule.optional:
            continue
        check(rule, value, f"{type(message).__name__}.{name}")
        out[rule.key] = list(value) if rule.kind is tuple else value
    return out


def from_map(message: type[T], value: object, fmt: int, **by_hand: Any) -> T:
    """Read a message from its map; `by_hand`: fields its class has read itself. Raises WireError("format" | "field")."""
    if type(value) is not dict:
        raise WireError("field", f"{message.__name__} must be a map")
    found = value.get(0)
    if type(found) is not int or found != fmt:
        raise WireError("format", f"{message.__name__} format {found!r}, known here: {fmt}")
    layout = rules(message)
    unknown = set(value) - {rule.key for _, rule in layout} - {0}
    if unknown:
        raise WireError("field", f"{message.__name__} has unknown keys {sorted(unknown)}")
    taken: dict[str, Any] = {}
    for name, rule in layout:
        got = value.get(rule.key, MISSING)
        if got is MISSING:
            if not rule.optional:
                raise WireError("field", f"{message.__name__}.{name} is missing")
            continue
        if rule.kind is tuple and type(got) is list:
            got = tuple(got)
        check(rule, got, f"{message.__name__}.{name}")
        taken[name] = got
    return message(**taken, **by_hand)


def shape(**described: Any) -> dict[str, Rule]:
    """A layout without a class: `shape(bill=raw(1, 8), …)`; for record bodies, questions and answers."""
    return {name: each.metadata["rule"] for name, each in described.items()}


def to_table(rules_by_name: dict[str, Rule], fields_by_name: Any, where: str) -> dict[int, Any]:
    """Fields by name -> fields by number. Raises WireError("field") for a missing, unknown or unfit field."""
    unknown = set(fields_by_name) - set(rules_by_name)
    if unknown:
        raise WireError("field", f"{where} has no field {sorted(unknown)[0]!r}")
    out: dict[int, Any] = {}
    for name, rule in rules_by_name.items():
        value = fields_by_name.get(name)
        if value is None:
            if not rule.optional:
                raise WireError("field", f"{where}.{name} is missing")
            continue
        check(rule, value, f"{where}.{name}")
        out[rule.key] = value
    return out


def from_table(rules_by_name: dict[str, Rule], numbered: object, where: str) -> dict[str, Any]:
    """Fields by number -> fields by name. Raises WireError("field")."""
    if type(numbered) is not dict:
        raise WireError("field", f"{where} must be a map")
    names = {rule.key: name for name, rule in rules_by_name.items()}
    unknown = set(numbered) - set(names)
    if unknown:
        raise WireError("field", f"{where} has unknown keys {sorted(unknown)}")
    named = {names[key]: value for key, value in numbered.items()}
    to_table(rules_by_name, named, where)
    return named
