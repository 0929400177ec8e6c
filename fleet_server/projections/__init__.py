"""Projections: how one opened record changes one row. Pure folds of the log: nothing here stores or asks the time.

Equal logs give equal rows, so a projection can be dropped and made again at any time. `Unfit` is how a record says
that it does not fit what came before it: it is quarantined with the reason and changes no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Opened:
    """A record of the log after opening and checking: clear header fields, kind, and fields by name."""

    position: int
    device: bytes
    journal: bytes
    seq: int
    txn: bytes | None
    created_ms: int
    quality: int
    received_ms: int
    kind: str
    fields: Mapping[str, Any]


class Unfit(Exception):
    """A sound record that contradicts what came before it; `reason` is one short word, the text says more."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
