"""Writes a simulated card: all files of its application, with the issuer's signature over them. Decides nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from edge_agent.drivers.reader.chip import files, issuer
from edge_agent.drivers.reader.chip.pace import infos
from edge_agent.drivers.reader.chip.picture import portrait

if TYPE_CHECKING:
    from edge_agent.drivers.reader.chip.kind import Kind
    from edge_agent.drivers.reader.chip.persona import Persona
    from edge_agent.drivers.reader.chip.proof import ActiveKey, ChipKey

FINGERS = 3  # the data group that is there and that no terminal without the state's key may read


def write(
    kind: Kind, person: Persona, seed: int, active: ActiveKey | None, chip_key: ChipKey | None
) -> dict[int, bytes]:
    """Give the files by identifier; a kind without the application has none."""
    if kind.access == "none":
        return {}
    groups = {
        1: files.dg1(person),
        2: files.dg2(portrait(seed, kind.picture)),
        13: files.dg13(person, kind.national, seed),
        14: files.dg14((*infos(kind.pace), *(chip_key.infos if chip_key else ()), active.info if active else b"")),
        15: files.dg15(active.public) if active else b"",
    }
    groups = {number: content for number, content in groups.items() if content}
    found = {files.file_id(number): content for number, content in groups.items()}
    found[files.COM] = files.com(tuple(sorted({*groups, FINGERS})))
    if kind.sod != "absent":
        found[files.SOD] = _signed(kind, person, groups)
    return found


def _signed(kind: Kind, person: Persona, groups: dict[int, bytes]) -> bytes:
    signed = {number: content for number, content in groups.items() if number not in kind.unlisted}
    signed |= dict.fromkeys(kind.forged, b"what stood there when it was signed")
    signed[FINGERS] = hashlib.sha256(person.name.encode()).digest()  # nobody reads it: any content will do
    return issuer.security_object(kind.signer, kind.sod, tuple(sorted(issuer.digests(kind.signer, signed).items())))
