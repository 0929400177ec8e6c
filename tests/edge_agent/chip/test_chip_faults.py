"""What the chip does on command: taken away, mute, slow, and answers that no chip may give."""

from __future__ import annotations

import pytest

from edge_agent.card import CardFault
from edge_agent.drivers.reader.virtual_chip import Manner, VirtualChip

SELECT = bytes.fromhex("00A4020C02011C")
READ = bytes.fromhex("00B0000000")


def test_taken_away_after_so_many_commands_and_laid_down_again():
    chip = VirtualChip(manner=Manner(torn_after=1))
    assert chip.transmit(SELECT) == b"\x90\0"
    for _ in range(2):
        with pytest.raises(CardFault, match=r"taken away|not there") as fault:
            chip.transmit(READ)
        assert fault.value.kind == "torn"
    assert chip.taken
    chip.reset()
    assert not chip.taken
    assert [chip.transmit(SELECT)[-2:], chip.transmit(READ)[-2:]] == [b"\x90\0"] * 2


def test_mute_until_the_fault_is_over():
    chip = VirtualChip(manner=Manner(mute_after=1))
    assert chip.transmit(SELECT) == b"\x90\0"
    for _ in range(2):
        with pytest.raises(CardFault) as fault:
            chip.transmit(READ)
        assert fault.value.kind == "mute"
    assert not chip.taken
    chip.manner.mute_after = None
    assert chip.transmit(READ)[-2:] == b"\x90\0"


def test_one_long_silence_and_slow_answers():
    waits = []
    chip = VirtualChip(manner=Manner(silence_after=1, silence_s=30.0, answer_delay_s=0.5, pause=waits.append))
    for command in (SELECT, READ, READ):
        assert chip.transmit(command)[-2:] == b"\x90\0"
    assert waits == [0.5, 30.5, 0.5]


@pytest.mark.parametrize(
    ("garble", "right"),
    [
        ("short", lambda answer: len(answer) == 23 and answer[-2:] == b"\x90\0"),
        ("long", lambda answer: len(answer) == 324 and answer[-2:] == b"\x90\0"),
        ("scrap", lambda answer: len(answer) == 1),
        ("status", lambda answer: len(answer) == 2 and answer != b"\x90\0"),
        ("noise", lambda answer: len(answer) > 2 and answer[-2:] == b"\x90\0"),
        ("mute_status", lambda answer: answer == b"\x90\0"),
    ],
)
def test_answers_that_no_chip_may_give(garble, right):
    chip = VirtualChip(manner=Manner(garble_after=1, garble=garble))
    assert chip.transmit(SELECT) == b"\x90\0"
    for _ in range(3):
        assert right(chip.transmit(READ))


def test_a_byte_short_is_never_less_than_a_status_word():
    chip = VirtualChip(manner=Manner(garble_after=0, garble="short"))
    assert chip.transmit(SELECT) == b"\x90\0"


def test_extended_commands_are_refused_on_command():
    chip = VirtualChip()
    chip.transmit(SELECT)
    read = bytes.fromhex("00B000000000FF")
    assert chip.transmit(read)[-2:] == b"\x62\x82"
    chip.manner.refuses_long = True
    assert chip.transmit(read) == b"\x67\0"


def test_a_seed_is_a_run():
    runs = [[VirtualChip(seed=5, manner=Manner(garble_after=0, garble="noise")).transmit(READ) for _ in range(3)]] * 2
    assert runs[0] == runs[1]
