"""Whatever a terminal sends, the chip answers a status word; what it was told before does not change that."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.reader.virtual_chip import APPLICATION, Kind, Offer, VirtualChip
from tests.edge_agent.chip.terminal import Messaging, pace

KINDS = (
    Kind(chip_authentication="AES-128"),
    Kind(access="bac", active="rsa", chip_authentication="3DES"),
    Kind(access="pace", offers=(Offer("3DES", 12), Offer("AES-256", 12))),
    Kind(access="none"),
)
HEADERS = """
    00A4040C 00A4020C 00A4000C 00B00000 00B08100 00B10000 00840000 00820000 0022C1A4 002241A4 002241A6 10860000 00860000
    00880000 0CB00000 0CA4020C FFCA0000
"""
USEFUL = """
    A0000002471001 011C 011E 0101 7C00 7C028100 7C0A85080000000000000000 54020000 540201 91020400 0000000000000000
    800A04007F00070202040202830102 800A04007F00070202030202 990290008E080000000000000000
"""


def one_of(text):
    return st.sampled_from([bytes.fromhex(word) for word in text.split()])


BODIES = st.one_of(one_of(USEFUL), st.binary(max_size=80))
EXPECTED = st.sampled_from([b"", b"\0", b"\x08", b"\0\0"])
COMMANDS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda header, body, expected: header + (bytes([len(body)]) + body if body else b"") + expected,
        one_of(HEADERS),
        BODIES,
        EXPECTED,
    ),
)


@given(kind=st.sampled_from(KINDS), commands=st.lists(COMMANDS, max_size=12))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_any_bytes_get_a_status_word(kind, commands):
    chip = VirtualChip(kind=kind)
    for command in commands:
        answer = chip.transmit(command)
        assert len(answer) >= 2
        assert answer[-2] >> 4 in {6, 9}


@given(header=one_of(HEADERS), body=st.one_of(st.just(b""), BODIES), expected=st.sampled_from([None, 1, 8, 256]))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_any_well_protected_command_gets_a_protected_answer(header, body, expected):
    chip = VirtualChip(kind=KINDS[0])
    terminal, _ = pace(chip, chip.person.can)
    messaging = Messaging(chip, terminal, 16)
    assert messaging.ask("00A4040C", APPLICATION) == (b"", 0x9000)
    if header[0] != 0xFF:
        messaging.ask(header.hex(), body, expected)
        messaging.ask("00B08100", expected=4)
    terminal.close()
