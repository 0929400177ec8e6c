"""A TOML text that must hold exactly what is expected of it, and may continue another one.

Decides types, bounds and known words, how a text takes over what stands in its parent, and says of every fault the
file, the line and the nearest right word. Knows nothing of stations.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import Field, dataclass, fields
from difflib import get_close_matches
from typing import Any, ClassVar, Protocol, TypeVar

Path = tuple[str, ...]

_TOML_LINE = re.compile("at line ([0-9]+)")
_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAMES = rf"({_NAME}(?:\s*\.\s*{_NAME})*)"
_HEADER = re.compile(rf"\s*\[+\s*{_NAMES}\s*\]+\s*(?:#|$)")
_KEY = re.compile(rf"\s*{_NAMES}\s*=")


class Numbers(Protocol):
    """A dataclass of integers; each field's metadata holds its bounds, ``low`` and ``high``."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


N = TypeVar("N", bound=Numbers)


class ProfileError(ValueError):
    """A profile that cannot be used: which one, on which line where that is known, and what would be right."""

    def __init__(self, name: str, problem: str, line: int | None = None) -> None:
        super().__init__(f"{name}: {problem}" if line is None else f"{name}, line {line}: {problem}")
        self.name = name
        self.problem = problem
        self.line = line


def nearest(word: str, known: Collection[str]) -> str:
    """Give the second half of "unknown word": the nearest known one, or all of them."""
    close = get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are: {', '.join(sorted(known))}" if known else "; nothing may stand here"


@dataclass(frozen=True, slots=True)
class StrictToml:
    """A parsed text with its name; a path such as ``("limits", "width_dots")`` says where in it.

    ``own`` is what it says itself, ``root`` that together with what it takes over from ``parent``.
    """

    text: str
    name: str
    root: dict[str, Any]
    own: dict[str, Any]
    parent: "StrictToml | None" = None

    @classmethod
    def parse(cls, text: str, name: str) -> "StrictToml":
        """Parse; raises ProfileError with the line."""
        try:
            root = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            line = _TOML_LINE.search(str(error))
            last = text.rstrip("\n").count("\n") + 1  # the text ended too early
            raise ProfileError(name, f"no TOML: {error}", int(line[1]) if line else last) from None
        return cls(text, name, root, root)

    @classmethod
    def inherit(cls, texts: Mapping[str, str], stem: str, folder: str) -> "StrictToml":
        """Parse ``texts[stem]`` and all that it inherits: ``inherit = "stem"`` names another of the texts.

        Tables are merged key by key and the child wins; a text may inherit from one that inherits. Faults are told of
        the file that holds them, ``folder/stem.toml``.

        Raises:
            ProfileError: no TOML, an unknown parent, or one that inherits from itself.
        """
        chain: list[StrictToml] = []
        stems: list[str] = []
        following: str | None = stem
        while following is not None:
            own = cls.parse(texts[following], f"{folder}/{following}.toml")
            stems.append(following)
            chain.append(own)
            following = own.optional_string(("inherit",))
            if following in stems:
                circle = " -> ".join([*stems[stems.index(following) :], following])
                raise own.fault(("inherit",), f"it inherits from itself: {circle}")
            if following is not None and following not in texts:
                known = texts.keys() - set(stems)
                raise own.fault(("inherit",), f"there is no {following!r} to inherit from{nearest(following, known)}")
        merged = chain.pop()
        while chain:
            child = chain.pop()
            merged = cls(child.text, child.name, _merged(merged.root, child.own), child.own, merged)
        return merged

    def fault(self, path: Path, problem: str) -> ProfileError:
        """Give the error to raise for what stands at ``path``, in the text (its own or a parent's) that says it.

        What stands nowhere is missed in the child: at the table around it, else at the first line.
        """
        layer: StrictToml | None = self
        while layer is not None and _at(layer.own, path) is None:
            layer = layer.parent
        says = layer or self
        lines = says._lines()  # noqa: SLF001 - another one of this class
        around = (path[:depth] for depth in range(len(path), 0, -1))
        return ProfileError(says.name, problem, next((lines[one] for one in around if one in lines), 1))

    def table(self, path: Path, known: Collection[str]) -> dict[str, Any]:
        """Give the table at ``path``, empty when absent; every key must be known."""
        table = self._get(path)
        if table is None:
            return {}
        if not isinstance(table, dict):
            raise self.fault(path, f"{path[-1]!r} must be a table")
        for key in table:
            if key not in known:
                raise self.fault((*path, key), f"unknown key {key!r}{nearest(key, known)}")
        return table

    def string(self, path: Path) -> str:
        """Give the text at ``path``, which must be there and not blank."""
        value = self._get(path)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(path, f"{'.'.join(path)} must be a text")
        return value

    def optional_string(self, path: Path) -> str | None:
        """Give the text at ``path``, None when absent."""
        return None if self._get(path) is None else self.string(path)

    def strings(self, path: Path) -> tuple[str, ...]:
        """Give the list of texts at ``path``, empty when absent."""
        value = self._get(path)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fault(path, f"{'.'.join(path)} must be a list of texts")
        return tuple(value)

    def word(self, path: Path, known: Collection[str], what: str) -> str:
        """Give the text at ``path``, which must be one of the known."""
        word = self.string(path)
        if word not in known:
            raise self.fault(path, f"unknown {what} {word!r}{nearest(word, known)}")
        return word

    def one_number(self, path: Path, known: Collection[int]) -> int:
        """Give the integer at ``path``, which must be one of the known."""
        value = self._get(path)
        if not isinstance(value, int) or isinstance(value, bool) or value not in known:
            raise self.fault(path, f"{'.'.join(path)} must be one of {', '.join(map(str, sorted(known)))}")
        return value

    def number(self, path: Path, low: int, high: int) -> int:
        """Give the integer at ``path``, both bounds included."""
        value = self._get(path)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fault(path, f"{'.'.join(path)} must be a whole number from {low} to {high}")
        return value

    def numbers(self, key: str, kind: type[N]) -> N:
        """Give a dataclass of integers from the table ``key``; what is absent keeps its default."""
        bounds = {one.name: one.metadata for one in fields(kind)}
        given = self.table((key,), bounds)
        return kind(**{name: self.number((key, name), bounds[name]["low"], bounds[name]["high"]) for name in given})

    def _get(self, path: Path) -> Any:
        return _at(self.root, path)

    def _lines(self) -> dict[Path, int]:
        """Find the line that first names each path of this text itself."""
        lines: dict[Path, int] = {}
        header: Path = ()
        for number, line in enumerate(self.text.split("\n"), 1):
            if match := _HEADER.match(line):
                header = here = _parts(match[1])
            elif match := _KEY.match(line):
                here = header + _parts(match[1])
            else:
                continue
            for depth in range(1, len(here) + 1):
                lines.setdefault(here[:depth], number)
        return lines


def _at(root: Mapping[str, Any], path: Path) -> Any:
    """Give what stands at ``path``, None when absent (TOML itself has no null)."""
    value: Any = root
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_NAME, dotted))


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Give both tables in one; the child wins, but of tables on both sides only key by key."""
    merged = dict(parent)
    for key, value in child.items():
        here = merged.get(key)
        merged[key] = _merged(here, value) if isinstance(here, dict) and isinstance(value, dict) else value
    return merged
