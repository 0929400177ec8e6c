"""The card end of vpcd, against a socket that plays vpcd."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.drivers.reader.virtual_chip import Manner, VirtualChip
from tests.twins import vpcd_card
from tests.twins.vpcd_card import VpcdCard

OPEN = bytes.fromhex("00A4040C07A0000002471001")
PATIENCE_S = 30


class Vpcd:
    """pcscd's end of one reader."""

    def __init__(self):
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(PATIENCE_S)
        self.port = self._door.getsockname()[1]
        self.line = None

    def accept(self):
        self.line, _ = self._door.accept()
        self.line.settimeout(PATIENCE_S)

    def send(self, payload):
        self.line.sendall(struct.pack("!H", len(payload)) + payload)

    def ask(self, payload):
        self.send(payload)
        (size,) = struct.unpack("!H", self._take(2))
        return self._take(size)

    def ended(self):
        return self.line.recv(1) == b""

    def _take(self, size):
        data = b""
        while len(data) < size:
            part = self.line.recv(size - len(data))
            assert part, "the card closed the line"
            data += part
        return data

    def close(self):
        for end in (self.line, self._door):
            if end is not None:
                end.close()


@pytest.fixture
def vpcd():
    made = Vpcd()
    yield made
    made.close()


@pytest.fixture
def lay(vpcd):
    laid = []

    def lay(chip):
        card = VpcdCard(chip, vpcd.port)
        laid.append(card)
        card.insert()
        vpcd.accept()
        return card

    yield lay
    for card in laid:
        card.remove()


def test_answers_frames(vpcd, lay):
    lay(VirtualChip())
    vpcd.send(b"\1")
    assert vpcd.ask(b"\4") == bytes.fromhex("3B80800101")
    assert vpcd.ask(OPEN) == b"\x90\0"
    vpcd.send(b"\2")
    assert vpcd.ask(bytes.fromhex("00A4020C020101")) == b"\x6a\x82"  # the reset left the application


def test_is_taken_away_and_laid_again(vpcd, lay):
    card = lay(VirtualChip())
    card.remove()
    card.remove()
    assert vpcd.ended()
    vpcd.line.close()
    card.insert()
    vpcd.accept()
    assert vpcd.ask(OPEN) == b"\x90\0"


def test_a_torn_card_closes_the_line(vpcd, lay):
    lay(VirtualChip(manner=Manner(torn_after=1)))
    assert vpcd.ask(OPEN) == b"\x90\0"
    vpcd.send(OPEN)
    assert vpcd.ended()


def test_a_mute_card_says_nothing_until_power_up(vpcd, lay):
    card = lay(VirtualChip(manner=Manner(mute_after=0)))
    vpcd.send(OPEN)
    assert vpcd.ask(b"\4") == card.chip.atr  # the first thing that comes back
    card.chip.manner.mute_after = None
    assert vpcd.ask(OPEN) == b"\x90\0"


def test_as_a_program(vpcd):
    said = {"seed": 4, "kind": {"access": "pace", "uid": "04112233", "offers": [["AES-256", 12]], "forged": [1]}}
    command = [sys.executable, str(Path(vpcd_card.__file__)), json.dumps(said), str(vpcd.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:

        def tell(*line):
            program.stdin.write(json.dumps(line) + "\n")
            program.stdin.flush()
            return json.loads(program.stdout.readline())

        assert program.stdout.readline() == "in\n"
        vpcd.accept()
        assert vpcd.ask(bytes.fromhex("FFCA000000")) == bytes.fromhex("041122339000")
        facts = tell("facts")
        person = VirtualChip(seed=4).person
        assert (facts["can"], facts["name"], facts["mrz"]) == (person.can, person.name, "".join(person.mrz_lines))
        assert bytes.fromhex(facts["anchor"])[0] == 0x30
        assert tell("log") == ["FFCA0000 +1 -> 4 9000"]
        assert tell("manner", {"torn_after": 1}) == "done"
        vpcd.send(OPEN)
        assert vpcd.ended()
        vpcd.line.close()
        assert tell("remove") == "done"
        assert tell("insert") == "done"
        vpcd.accept()
        assert vpcd.ask(OPEN) == b"\x90\0"
        program.stdin.close()
        assert program.wait(PATIENCE_S) == 0
