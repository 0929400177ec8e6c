"""Which kinds of simulated card there are. Decides nothing; values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge_agent.drivers.reader.chip.pace import Offer

if TYPE_CHECKING:
    from edge_agent.drivers.reader.chip.files import NationalKind
    from edge_agent.drivers.reader.chip.issuer import SignerKind, SodKind
    from edge_agent.drivers.reader.chip.proof import ActiveKind, ChipKind


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of card it is.

    access: what opens it; "none" is a card without the application, known by its UID only. offers: its ways of PACE.
    national: how DG13 is written. signer, sod: who signed it, and what is wrong with that. forged: data groups that are
    not what was signed; unlisted: those that were not signed at all. active, chip_authentication: what it can prove;
    cloned: it cannot. uid: what the sensor sees; "random" is drawn at each power-up, None is not told.
    knows_master_file: most chips do, citizen cards do not. attempts_max: so many wrong secrets in a row, then it takes
    no more.
    """

    access: Literal["pace_bac", "pace", "bac", "none"] = "pace_bac"
    offers: tuple[Offer, ...] = (Offer(),)
    national: NationalKind = "full"
    picture: Literal["jpeg", "jpeg2000"] = "jpeg"
    signer: SignerKind = "ec"
    sod: SodKind = "right"
    forged: tuple[int, ...] = ()
    unlisted: tuple[int, ...] = ()
    active: ActiveKind = "ec"
    chip_authentication: ChipKind = "none"
    cloned: bool = False
    uid: bytes | Literal["random"] | None = "random"
    knows_master_file: bool = False
    attempts_max: int | None = None

    @property
    def pace(self) -> tuple[Offer, ...]:
        """Its ways of PACE, none where it has no PACE."""
        return self.offers if self.access in {"pace_bac", "pace"} else ()

    @property
    def has_bac(self) -> bool:
        """The printed lines open it in the old way."""
        return self.access in {"pace_bac", "bac"}

    @property
    def explicit(self) -> bool:
        """Its keys have the curve written out, as its signer's have."""
        return self.signer in {"ec_explicit", "ec_384"}
