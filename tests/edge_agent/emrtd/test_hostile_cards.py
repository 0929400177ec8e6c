"""Cards made to break the reader: each is the card's fault by name, never the end of the driver."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace

import pytest

from edge_agent.card import CardRequest, Secret
from edge_agent.drivers.reader.emrtd import files, reading
from edge_agent.drivers.reader.emrtd.reading import read
from edge_agent.drivers.reader.emrtd.tlv import encode
from edge_agent.drivers.reader.virtual_chip import Kind, VirtualChip
from tests.edge_agent.emrtd.der_tree import changed, paths, tree
from tests.edge_agent.emrtd.readings import fault_of, signed_anew, take

CHIP_KEY = bytes.fromhex("04007f000702020102")  # id-PK-ECDH


def integer(value: bytes) -> bytes:
    return encode(0x02, value)


@pytest.mark.parametrize("key_id", [b"\xff", b"\x80" + bytes(8), b"\x7f" + bytes(4000)])
def test_a_hostile_key_number_is_the_cards_fault_and_not_the_readers(key_id):
    chip = VirtualChip(kind=Kind(chip_authentication="AES-128"))
    file = tree(chip._inside[files.DG14])
    ((path, info),) = [(path, node) for path, node in paths(file) if node.within and node.within[0].value == CHIP_KEY]
    hostile = changed(file, path, replace(info, within=(*info.within, tree(integer(key_id)))))
    assert fault_of(signed_anew(chip, dg14=hostile.written())).kind == "damaged"


@pytest.mark.parametrize("salt", [b"\xff", b"\x7f" + bytes(8), b"\1" + bytes(3000)])
def test_a_hostile_salt_is_the_cards_doubt_and_not_the_readers_fault(salt):
    chip = VirtualChip(kind=Kind(signer="rsa_pss"))
    file = tree(chip._inside[files.SOD])
    *_, path = [path for path, node in paths(file) if node.written() == encode(0xA2, integer(b"\x20"))]
    chip._inside[files.SOD] = changed(file, (*path, 0), tree(integer(salt))).written()
    card = take(chip)
    assert (card.authenticity, card.doubt) == ("not_verified", "algorithm")


@pytest.mark.parametrize("slip", [OverflowError, ValueError, RecursionError, IndexError, KeyError, TypeError])
def test_what_a_parser_did_not_reckon_with_is_damaged_and_tells_nothing_that_was_read(slip, monkeypatch):
    def trip(data: bytes) -> str:
        raise slip(data)

    monkeypatch.setattr(reading, "mrz_text", trip)
    chip = VirtualChip()
    fault = fault_of(chip)
    assert fault.kind == "damaged"
    assert re.fullmatch(rf"{slip.__name__} at test_hostile_cards\.py:\d+", str(fault))
    assert fault.__cause__ is None
    assert fault.__suppress_context__


@pytest.mark.parametrize("slip", [OverflowError, ValueError, KeyError, TypeError, OSError])
def test_what_breaks_below_passes_through(slip):
    def broken(_: bytes) -> bytes:
        raise slip("the driver's own")

    with pytest.raises(slip, match="the driver's own"):
        read(broken, CardRequest(bytes(16), Secret("can", "000000")), os.urandom, math.inf)
