"""What is written on the card, read by libraries that know nothing of it."""

from __future__ import annotations

import io
import struct
from typing import ClassVar

import pytest
from asn1crypto import core
from PIL import Image

from edge_agent.drivers.reader.chip import files
from edge_agent.drivers.reader.chip.ber import only, split
from edge_agent.drivers.reader.chip.picture import portrait
from edge_agent.drivers.reader.virtual_chip import Kind, VirtualChip, persona

ISO_10646 = "1.0.10646.1.0.8"


class Field(core.Sequence):
    _fields: ClassVar = [("number", core.Integer), ("value", core.Any)]


class Fields(core.SetOf):
    _child_spec = Field


class National(core.Sequence):
    _fields: ClassVar = [("version", core.Integer), ("charset", core.ObjectIdentifier), ("fields", Fields)]


def national(kind, seed=1):
    content = National.load(only(files.dg13(persona(seed), kind, seed), 0x6D), strict=True)
    assert content["charset"].native == ISO_10646
    return {field["number"].native: field["value"].native for field in content["fields"]}


def married():
    return next(seed for seed in range(100) if persona(seed).spouse and persona(seed).old_id_number)


def test_national_data_in_full():
    seed = married()
    person, fields = persona(seed), national("full", seed)
    assert sorted(fields) == list(range(1, 16))
    assert (fields[1], fields[2], fields[9]) == (person.id_number, person.name, person.residence)
    assert list(fields[13].values()) == [person.father, person.mother]
    assert list(fields[14].values()) == [person.spouse]


def test_national_data_with_fields_missing():
    assert sorted(national("partial", married())) == [1, 2, 3, 4, 5, 8, 9, 11, 12, 13]


def test_national_data_of_the_new_cards():
    fields = national("mixed", married())
    hidden = {number for number, value in fields.items() if isinstance(value, bytes)}
    assert hidden == {6, 7, 9, 10, 11, 13, 14, 15}


def test_national_data_that_say_nothing():
    (inner,) = split(only(files.dg13(persona(1), "opaque", 1), 0x6D))
    assert (inner[0], len(inner[1])) == (0x04, 640)
    assert files.dg13(persona(1), "absent", 1) == b""


@pytest.mark.parametrize(("kind", "code"), [("jpeg", 0), ("jpeg2000", 1)])
def test_the_face_is_a_picture_of_some_twenty_thousand_bytes(kind, code):
    picture = portrait(3, kind)
    assert 15_000 < len(picture) < 25_000
    template = only(only(files.dg2(picture), 0x75), 0x7F61)
    (count, (_, group)) = split(template)
    assert count == (0x02, b"\x01")
    record = dict(split(group))[0x5F2E]
    assert record[:8] == b"FAC\x00010\x00"
    assert struct.unpack("!IH", record[8:14]) == (len(record), 1)
    assert struct.unpack("!I", record[14:18]) == (len(record) - 14,)
    assert record[35] == code
    image = Image.open(io.BytesIO(record[46:]))
    assert (image.format, image.size) == (kind.upper(), struct.unpack("!HH", record[36:40]))


def test_a_seed_is_a_portrait():
    assert portrait.__wrapped__(4) == portrait(4) != portrait(5)


def test_every_listed_group_has_its_tag():
    chip = VirtualChip(kind=Kind(chip_authentication="AES-128"))
    assert dict(split(only(chip._inside[files.COM], 0x60)))[0x5C] == bytes.fromhex("61 75 63 6D 6E 6F")
    for group in (1, 2, 13, 14, 15):
        only(chip._inside[files.file_id(group)], files.GROUP_TAGS[group])
