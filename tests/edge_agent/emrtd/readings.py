"""Readings of virtual chips, and cards whose files were changed and signed anew."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import pytest

from edge_agent.card import CardData, CardFault, CardRequest, Secret
from edge_agent.drivers.reader.chip import issuer
from edge_agent.drivers.reader.emrtd import files
from edge_agent.drivers.reader.emrtd.reading import read

if TYPE_CHECKING:
    from edge_agent.drivers.reader.virtual_chip import VirtualChip

KEY_FILES = {"dg14": files.DG14, "dg15": files.DG15}


def secret_of(chip: VirtualChip, kind: str = "can") -> Secret:
    return Secret("can", chip.person.can) if kind == "can" else Secret("mrz", chip.person.mrz_information)


def take(chip: VirtualChip, kind: str = "can", parts=("dg1", "dg13"), *, anchors=True, as_of_ms=None) -> CardData:
    known = (chip.anchor,) if anchors else ()
    request = CardRequest(bytes(16), secret_of(chip, kind), parts, known, as_of_ms)
    return read(chip.transmit, request, os.urandom, math.inf)


def fault_of(chip: VirtualChip, *arguments, **named) -> CardFault:
    with pytest.raises(CardFault) as fault:
        take(chip, *arguments, **named)
    return fault.value


def signed_anew(chip: VirtualChip, **groups: bytes) -> VirtualChip:
    """The card with other groups, and the issuer's true signature over them: the worst that a card can bring."""
    for name, content in groups.items():
        chip._inside[KEY_FILES[name]] = content
    listed = {file_id & 0xFF: content for file_id, content in chip._inside.items() if 0x0101 <= file_id <= 0x010F}
    signer = chip.kind.signer
    hashes = tuple(sorted(issuer.digests(signer, listed).items()))
    chip._inside[files.SOD] = issuer.security_object(signer, "right", hashes)
    return chip
