"""Files that were changed: bit by bit, or as trees whose lengths stay right. Each is read, or refused by name."""

from __future__ import annotations

import math
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.card import CardFault, CardRequest
from edge_agent.drivers.reader.emrtd import files, lds
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.clone_check import check_for_clone
from edge_agent.drivers.reader.emrtd.reading import read
from edge_agent.drivers.reader.emrtd.sod import read_security_object
from edge_agent.drivers.reader.emrtd.tlv import encode
from edge_agent.drivers.reader.virtual_chip import Kind, VirtualChip
from tests.edge_agent.emrtd.der_tree import INTEGER, ODD_NUMBERS, Node, changed, changes, everywhere, paths, tree
from tests.edge_agent.emrtd.readings import secret_of

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)
WRITTEN = VirtualChip(seed=11, kind=Kind(chip_authentication="AES-128"))
PARSERS = {
    files.CARD_ACCESS: lds.security_infos,
    files.DG1: lds.mrz_text,
    files.DG2: lds.portrait,
    files.DG13: lds.national_data,
    files.DG14: lds.chip_security_infos,
    files.DG15: lds.public_key_bytes,
    files.SOD: lambda data: read_security_object(data).issuer_doubt([WRITTEN.anchor], 0),
}


def content_of(file_id: int) -> bytes:
    return WRITTEN._outside[file_id] if file_id == files.CARD_ACCESS else WRITTEN._inside[file_id]


@pytest.mark.parametrize("file_id", PARSERS)
@given(data=st.data())
@settings(QUICK)
def test_a_changed_file_is_read_or_refused_by_name(file_id, data):
    content = bytearray(content_of(file_id))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(content) - 1, 2000)))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
        if not content:
            break
    try:
        PARSERS[file_id](bytes(content))
    except CardFault as fault:
        assert fault.kind in {"damaged", "not_authentic"}  # noqa: PT017 - most changed files are read


@pytest.mark.parametrize("file_id", PARSERS)
@given(data=st.binary(max_size=300))
@settings(QUICK)
def test_any_bytes_for_a_file_are_read_or_refused_by_name(file_id, data):
    tag = content_of(file_id)[0]
    for content in (data, encode(tag, data)):
        try:
            PARSERS[file_id](content)
        except CardFault as fault:
            assert fault.kind in {"damaged", "not_authentic"}  # noqa: PT017


CHIP_KEY, CHIP_SUITE = bytes.fromhex("04007f000702020102"), bytes.fromhex("04007f00070202030202")


def numbered_offer() -> bytes:
    """DG14 of a chip that gives its key a number; the simulated chip has one key and needs none."""
    file = tree(content_of(files.DG14))
    for path, node in paths(file):
        if node.within and node.within[0].value in {CHIP_KEY, CHIP_SUITE}:
            file = changed(file, path, Node(node.tag, b"", (*node.within, Node(INTEGER, b"\7"))))
    return file.written()


def judge_signed(sod: bytes) -> None:
    found = read_security_object(sod)
    for anchor in (WRITTEN.anchor, PSS.anchor):
        found.issuer_doubt([anchor], 0)


def prove(dg14: bytes | None, dg15: bytes | None) -> None:
    check_for_clone(Exchange(lambda _: bytes(128) + b"\x90\x00", math.inf), dg14, dg15, bytes)


PSS = VirtualChip(kind=Kind(signer="rsa_pss", active="rsa"))
WRITTEN_OUT = VirtualChip(kind=Kind(signer="ec_explicit"))
SIGNED = {
    "EF.SOD": (content_of(files.SOD), judge_signed),
    "EF.SOD, RSA-PSS": (PSS._inside[files.SOD], judge_signed),
    "DG14": (numbered_offer(), lambda data: prove(data, None)),
    "DG14, Active Authentication": (WRITTEN_OUT._inside[files.DG14], lambda data: prove(data, content_of(files.DG15))),
    "DG15": (content_of(files.DG15), lambda data: prove(WRITTEN_OUT._inside[files.DG14], data)),
    "DG15, written out": (WRITTEN_OUT._inside[files.DG15], lambda data: prove(WRITTEN_OUT._inside[files.DG14], data)),
    "DG15, RSA": (PSS._inside[files.DG15], lambda data: prove(None, data)),
}


def judge(name: str, data: bytes) -> None:
    """Read a changed file as its reader does, outside the fence of `reading.read`: nothing without a name may come."""
    try:
        SIGNED[name][1](data)
    except CardFault as fault:
        assert fault.kind in {"damaged", "not_authentic", "copied"}  # noqa: PT017


@pytest.mark.parametrize("name", SIGNED)
def test_the_files_are_sound_before_they_are_changed(name):
    file = tree(SIGNED[name][0])
    assert file.written() == SIGNED[name][0]
    judge(name, file.written())


@pytest.mark.parametrize("name", SIGNED)
def test_every_number_in_a_signed_file_may_be_any_number(name):
    file = tree(SIGNED[name][0])
    for path, number in paths(file):
        for odd in ODD_NUMBERS if number.tag == INTEGER else ():
            other = Node(INTEGER, odd)
            judge(name, changed(file, path, other).written())
            judge(name, everywhere(file, number, other).written())  # a key and its suite, or both of a certificate


@pytest.mark.parametrize("name", SIGNED)
@given(data=st.data())
@settings(QUICK)
def test_a_signed_file_with_other_elements_is_read_or_refused_by_name(name, data):
    judge(name, data.draw(changes(tree(SIGNED[name][0]))))


@given(at=st.integers(0, 40), answer=st.binary(max_size=80), status=st.sampled_from([b"", b"\x90\x00", b"\x62\x82"]))
@settings(QUICK)
def test_one_strange_answer_anywhere_ends_in_a_fault_with_a_name_or_in_a_reading(at, answer, status):
    chip, count = VirtualChip(seed=1), 0

    def transmit(apdu: bytes) -> bytes:
        nonlocal count
        count += 1
        return answer + status if count == at else chip.transmit(apdu)

    try:
        card = read(transmit, CardRequest(bytes(16), secret_of(chip), ("dg1", "dg13")), os.urandom, math.inf)
    except CardFault as fault:
        assert fault.kind not in {"torn", "mute", "reader_lost", "no_card"}  # noqa: PT017
        assert not re.fullmatch(r"\w+ at \w+\.py:\d+", str(fault))  # noqa: PT017 - the fence had nothing to do
    else:
        assert card.mrz == "".join(chip.person.mrz_lines)
