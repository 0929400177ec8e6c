"""Rows of what residents file: a dossier, the office's word on it, and both together. Decides nothing.

As in `fleet_server.rows`: import them from `fleet_server.store`, which is the one door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Dossier:
    """Projection of one dossier: which form it is and how it came, never what was answered.

    `position` is the place of its record in the log, where the answers stay sealed. `service` is the row of the domain
    reference ("A8"), `ward` the code of the office's ward; times of the station by its own clock with its `quality`.
    `answers` counts them, `sources` counts them by source. `faults`: how many the form's own rules find, None where the
    form is not known here. `seen`, `seen_official`, `seen_ms`: what of the fleet's word the station showed last.
    """

    device: bytes
    txn: bytes
    position: int
    created_ms: int
    quality: int
    received_ms: int
    service: str
    form: str
    catalogue: int
    code: str
    ward: str
    identity: str
    urgent: bool
    deadline_ms: int | None
    language: str
    online: bool
    answers: int
    sources: Mapping[str, int]
    faults: int | None
    seen: str = ""
    seen_official: str = ""
    seen_ms: int = 0


@dataclass(frozen=True, slots=True)
class DossierWord:
    """What the office decided of a dossier, kept for ever; the newest one holds.

    `state`: ACCEPTED with `official` code, or NEEDS_MORE or REJECTED with `words` for the resident. `person` put it in.
    """

    device: bytes
    txn: bytes
    state: str
    official: str
    words: str
    person: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Filed:
    """A dossier with the newest word on it, None while there is none."""

    dossier: Dossier
    word: DossierWord | None

    @property
    def state(self) -> str:
        """SENT while it lies in the fleet's log and nobody has decided."""
        return self.word.state if self.word else "SENT"


@dataclass(frozen=True, slots=True)
class DossierCount:
    """How many dossiers are in one state, and of these: urgent, with a fault, past and near their deadline."""

    state: str
    dossiers: int
    urgent: int
    faulty: int
    overdue: int
    at_risk: int
