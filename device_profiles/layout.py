"""Message layouts as data: which number is which field, of what type and how large. Knows no particular message.

A message is a frozen dataclass whose fields carry a `Rule`; this module turns it into a map with keys 0 to 23 and
back. Key 0 is always the format number. An unknown key, a missing field, a wrong type or a size past its limit is a
`WireError`: a new field means a new format number, announced in WIRE.md with its date.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from device_profiles.cbor import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
TIME_MAX_MS = 4_102_444_800_000  # the year 2100: a later time is a mistake, not a time
COUNTER_MAX = 2**53


class FieldError(WireError):
    """A field that does not fit its layout: `where` names the message or kind, `name` the field."""

    def __init__(self, where: str, name: str, words: str) -> None:
        super().__init__("field", f"{where}.{name} {words}")
        self.where = where
        self.name = name
        self.words = words


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
    if rule.optional:
        return field(metadata={"rule": rule}, default=None)
    return field(metadata={"rule": rule})


def rules(message: Any) -> tuple[tuple[str, Rule], ...]:
    """The layout of a message class: (field name, rule) in the order of its fields."""
    return _rules(message)


@cache
def _rules(message: Any) -> tuple[tuple[str, Rule], ...]:
    return tuple((each.name, each.metadata["rule"]) for each in fields(message) if "rule" in each.metadata)


def check(rule: Rule, value: object, where: str, name: str) -> None:
    """Refuse a value that does not fit its rule. Raises FieldError."""
    if type(value) is not rule.kind:
        raise FieldError(where, name, f"must be {rule.kind.__name__}, not {type(value).__name__}")
    if rule.kind is int or rule.kind is bool:
        # A number is not repeated: it may be what must reach no log.
        if not rule.least <= value <= rule.most:  # type: ignore[operator]
            raise FieldError(where, name, f"must be {rule.least} to {rule.most}")
    elif not rule.least <= len(value) <= rule.most:  # type: ignore[arg-type]
        raise FieldError(where, name, f"has length {len(value)}, allowed {rule.least} to {rule.most}")  # type: ignore[arg-type]


def to_map(message: Any, fmt: int) -> dict[int, Any]:
    """Give the map of a message. Raises FieldError where our own value does not fit: our mistake, seen early."""
    out: dict[int, Any] = {0: fmt}
    for name, rule in rules(type(message)):
        value = getattr(message, name)
        if value is None and rule.optional:
            continue
        check(rule, value, type(message).__name__, name)
        out[rule.key] = list(value) if rule.kind is tuple else value
    return out


def from_map(message: type[T], value: object, fmt: int, **by_hand: Any) -> T:
    """Read a message from its map; `by_hand`: fields its class has read itself. Raises WireError (format, field)."""
    if type(value) is not dict:
        raise WireError("field", f"{message.__name__} must be a map")
    found = value.get(0)
    if type(found) is not int or found != fmt:
        raise WireError("format", f"{message.__name__} format {str(found)[:20]}, known here: {fmt}")
    layout = rules(message)
    unknown = set(value) - {rule.key for _, rule in layout} - {0}
    if unknown:
        raise WireError("field", f"{message.__name__} has unknown keys {sorted(unknown)}")
    taken: dict[str, Any] = {}
    for name, rule in layout:
        got = value.get(rule.key, MISSING)
        if got is MISSING:
            if not rule.optional:
                raise FieldError(message.__name__, name, "is missing")
            continue
        if rule.kind is tuple and type(got) is list:
            got = tuple(got)
        check(rule, got, message.__name__, name)
        taken[name] = got
    return message(**taken, **by_hand)


def shape(**described: Any) -> dict[str, Rule]:
    """A layout without a class: `shape(bill=raw(1, 8), …)`; for record bodies, questions, answers and rows of lists."""
    return {name: each.metadata["rule"] for name, each in described.items()}


def check_row(columns: dict[str, Rule], row: object, where: str) -> None:
    """Refuse one row of a list that is not its columns in their order (rule keys 0, 1, …). Raises FieldError."""
    if not isinstance(row, list | tuple) or len(row) != len(columns):
        raise FieldError(where, "row", f"must be [{', '.join(columns)}]")
    for name, rule in columns.items():
        check(rule, row[rule.key], where, name)


def check_rows(columns: dict[str, Rule], rows: Sequence[object], where: str) -> None:
    """Refuse a list of which one row does not fit. Raises FieldError."""
    for row in rows:
        check_row(columns, row, where)


def to_table(rules_by_name: dict[str, Rule], fields_by_name: Mapping[str, Any], where: str) -> dict[int, Any]:
    """Fields by name -> fields by number; None is "not there". Raises FieldError (missing, unknown or unfit)."""
    for name in fields_by_name:
        if name not in rules_by_name:
            raise FieldError(where, str(name)[:40], "is not a field")
    out: dict[int, Any] = {}
    for name, rule in rules_by_name.items():
        value = fields_by_name.get(name)
        if value is None:
            if not rule.optional:
                raise FieldError(where, name, "is missing")
            continue
        check(rule, value, where, name)
        out[rule.key] = value
    return out


def from_table(rules_by_name: dict[str, Rule], numbered: object, where: str) -> dict[str, Any]:
    """Fields by number -> fields by name. Raises WireError("field"); null is refused: what is not there is left out."""
    if type(numbered) is not dict:
        raise WireError("field", f"{where} must be a map")
    names = {rule.key: name for name, rule in rules_by_name.items()}
    named: dict[str, Any] = {}
    for key, value in numbered.items():
        name = names.get(key, f"key {key}")
        if value is None:
            raise FieldError(where, name, "is null")
        named[name] = tuple(value) if type(value) is list else value
    to_table(rules_by_name, named, where)
    return named
