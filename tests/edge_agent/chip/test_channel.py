"""The secure channel, where a checksum is right and something else is wrong; and two old tricks against the keys."""

from __future__ import annotations

import pytest

from edge_agent.drivers.reader.chip import apdu
from edge_agent.drivers.reader.chip.bac import Bac
from edge_agent.drivers.reader.chip.channel import Channel, ChannelBroken
from edge_agent.drivers.reader.chip.suite import SUITES
from edge_agent.drivers.reader.virtual_chip import Kind, VirtualChip
from tests.edge_agent.chip.terminal import general, tlv
from tests.edge_agent.chip.test_icao_examples import (
    KEY_CHIP,
    KEY_CHIP_POINT,
    MAP_CHIP,
    MAP_TERMINAL_POINT,
    NONCE,
    numbers,
    specimen,
)

AES = SUITES["AES-128"]
CIPHER_KEY, CHECKSUM_KEY = bytes(range(16)), bytes(range(16, 32))
COUNTER = (1).to_bytes(16, "big")
HEADER, ODD_HEADER = bytes.fromhex("0CB00000"), bytes.fromhex("0CB10000")


def hidden(data):
    return AES.encrypt(CIPHER_KEY, data, COUNTER)


def command(covered, header=HEADER):
    text = AES.pad(COUNTER + AES.pad(header) + covered)
    body = covered + tlv(0x8E, AES.checksum(CHECKSUM_KEY, text))
    return apdu.parse(header + bytes([len(body)]) + body + b"\0")


def opened(covered, header=HEADER):
    return Channel(AES, CIPHER_KEY, CHECKSUM_KEY).open(command(covered, header))


def test_right_ones_are_opened():
    assert opened(tlv(0x97, b"\x05")).expected == 5
    assert opened(tlv(0x97, b"\0\0")).expected == 65536
    assert opened(tlv(0x87, b"\1" + hidden(AES.pad(b"data")))).data == b"data"
    assert opened(tlv(0x85, hidden(AES.pad(b"data"))) + tlv(0x97, b"\0"), ODD_HEADER).data == b"data"


@pytest.mark.parametrize(
    ("covered", "header"),
    [
        (tlv(0x97, b"\1\2\3"), HEADER),
        (tlv(0x97, b"\1") + tlv(0x87, b"\1" + hidden(AES.pad(b"data"))), HEADER),  # the wrong order
        (tlv(0x97, b"\1") + tlv(0x97, b"\1"), HEADER),
        (tlv(0x80, b"data"), HEADER),
        (tlv(0x87, b"\2" + hidden(AES.pad(b"data"))), HEADER),  # another padding
        (tlv(0x87, b"\1"), HEADER),
        (tlv(0x87, b"\1" + hidden(AES.pad(b"data"))[:-1]), HEADER),
        (tlv(0x87, b"\1" + hidden(bytes(16))), HEADER),  # no padding inside
        (tlv(0x85, hidden(AES.pad(b"data"))), HEADER),  # the object of odd instructions
        (tlv(0x87, b"\1" + hidden(AES.pad(b"data"))), ODD_HEADER),
    ],
)
def test_a_right_checksum_over_wrong_objects_breaks_the_channel(covered, header):
    with pytest.raises(ChannelBroken) as broken:
        opened(covered, header)
    assert broken.value.status == 0x6988


def test_an_attempt_that_was_overheard_does_not_open_again():
    bac = Bac("L898902C<369080619406236", numbers("4608F91988702213", "00" * 8))
    bac.challenge()
    overheard = "72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A7"
    assert bac.authenticate(bytes.fromhex(overheard)) == ((b"", 0x6300), None)
    bac.challenge()
    assert bac.authenticate(bytes(39)) == ((b"", 0x6700), None)


def test_its_own_key_does_not_come_back_as_the_terminals():
    chip = VirtualChip(specimen("T22000129364081251010318"), Kind(), random_bytes=numbers(NONCE, MAP_CHIP, KEY_CHIP))
    chip.transmit(bytes.fromhex("0022C1A40F800A04007F00070202040202830101"))
    chip.transmit(general(b""))
    chip.transmit(general(tlv(0x81, bytes.fromhex("04" + MAP_TERMINAL_POINT))))
    assert chip.transmit(general(tlv(0x83, bytes.fromhex("04" + KEY_CHIP_POINT)))) == b"\x6a\x80"
