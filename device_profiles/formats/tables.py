"""The lists that change by decree, read from ``data/``: places, banks, telephone prefixes, hotlines, companies.

Decides which row holds on a day. A row without ``valid_from`` or ``valid_to`` has no known beginning or end. Knows
nothing about what the rows are used for; their sources stand in the files.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

Row = Mapping[str, Any]


@cache
def rows(table: str) -> tuple[Row, ...]:
    """Give all rows of ``data/<table>.toml``, whatever their dates."""
    text = resources.files(__package__).joinpath("data", f"{table}.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["row"])


def holding(table: Iterable[Row], day: date) -> list[Row]:
    """Give the rows that hold on ``day``; first and last day of a row are included."""
    return [row for row in table if row.get("valid_from", day) <= day <= row.get("valid_to", day)]
