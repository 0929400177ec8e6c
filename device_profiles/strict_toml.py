"""A TOML text that must hold exactly what is expected of it.

Decides types, bounds and known words, and says of every fault the line and the nearest right word. Knows nothing of
stations.
"""

import re
import tomllib
from collections.abc import Collection
from dataclasses import Field, dataclass, fields
from difflib import get_close_matches
from typing import Any, ClassVar, Protocol, TypeVar

Path = tuple[str, ...]

_TOML_LINE = re.compile("at line ([0-9]+)")
_HEADER = re.compile(r"\s*\[+([^\[\]]+)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=")


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
    """A parsed text with its name; a path such as ``("limits", "width_dots")`` says where in it."""

    text: str
    name: str
    root: dict[str, Any]

    @classmethod
    def parse(cls, text: str, name: str) -> "StrictToml":
        """Parse; raises ProfileError with the line."""
        try:
            return cls(text, name, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            line = _TOML_LINE.search(str(error))
            raise ProfileError(name, f"no TOML: {error}", int(line[1]) if line else None) from None

    def fault(self, path: Path, problem: str) -> ProfileError:
        """Give the error to raise for what stands at ``path``."""
        return ProfileError(self.name, problem, self._line(path))

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
        value: Any = self.root
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _line(self, path: Path) -> int | None:
        """Find the line that names ``path``, else the nearest table around it; None for what is not there at all."""
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
        around = (path[:depth] for depth in range(len(path), 0, -1))
        return next((lines[one] for one in around if one in lines), None)


def _parts(dotted: str) -> Path:
    return tuple(part.strip() for part in dotted.split("."))
