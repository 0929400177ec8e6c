"""What a printer's bytes mean, and which bytes mean nothing: frames, DLE EOT, pushed status, the mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.printer.status import (
    ASK,
    Frame,
    Framer,
    Health,
    health,
    passes_barrier,
    printed_mark,
    pushed_health,
)

FINE = {1: 0x16, 2: 0x12, 3: 0x12, 4: 0x12}


@pytest.mark.parametrize(
    ("answers", "state", "paper", "words"),
    [
        (FINE, "online", "full", ""),
        (FINE | {1: 0x12}, "online", "full", ""),
        (FINE | {1: 0x1E}, "offline", "full", "does not say why"),
        (FINE | {1: 0x1E, 2: 0x16}, "offline", "unknown", "cover open"),
        (FINE | {1: 0x1E, 2: 0x16, 4: 0x72}, "offline", "unknown", "cover open"),
        (FINE | {1: 0x1E, 2: 0x32}, "offline", "out", "out of paper"),
        (FINE | {4: 0x72}, "offline", "out", "out of paper"),
        (FINE | {1: 0x1E, 2: 0x32, 4: 0x7E}, "offline", "out", "out of paper"),
        (FINE | {4: 0x1E}, "online", "low", ""),
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x1A}, "hardwareError", "full", "cutter"),
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x32}, "hardwareError", "full", "unrecoverable"),
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x52}, "offline", "full", "recovers by itself"),
        (FINE | {1: 0x1E, 2: 0x52}, "hardwareError", "full", "does not name"),
        (FINE | {1: 0x1E, 2: 0x36, 3: 0x32, 4: 0x72}, "hardwareError", "unknown", "unrecoverable"),
        ({1: 0x16}, "online", "unknown", ""),
        ({1: 0x16, 2: 0x12}, "online", "unknown", ""),
        ({}, "unknown", "unknown", "no valid status"),
    ],
)
def test_the_meaning_of_dle_eot(answers, state, paper, words):
    said = health(answers)
    assert (said.state, said.paper) == (state, paper)
    assert words in said.detail
    assert bool(said.detail) == (state != "online")
    assert said.blocked == (state in ("offline", "hardwareError"))


@pytest.mark.parametrize(
    ("four", "state", "paper"),
    [
        ("10000000", "online", "full"),
        ("14000000", "online", "full"),
        ("18000000", "offline", "full"),
        ("38000000", "offline", "unknown"),
        ("18000c00", "offline", "out"),
        ("10000300", "online", "low"),
        ("18080000", "hardwareError", "full"),
        ("18200000", "hardwareError", "full"),
        ("18400000", "offline", "full"),
        ("18040000", "hardwareError", "full"),
    ],
)
def test_the_meaning_of_pushed_status(four, state, paper):
    said = pushed_health(bytes.fromhex(four))
    assert (said.state, said.paper) == (state, paper)


@pytest.mark.parametrize(
    ("received", "frames"),
    [
        ("16", [("status", "16")]),
        ("00", [("stray", "00")]),
        ("10000000", [("pushed", "10000000")]),
        ("1000", []),
        ("100012", [("stray", "10"), ("stray", "00"), ("status", "12")]),
        ("1011001300 00", [("pushed", "10000000")]),
        ("11 13", []),
        ("3722616263640012", [("block", "372261626364"), ("status", "12")]),
        ("3722616263", []),
        ("371600", [("block", "3716")]),
        ("ff16", [("stray", "ff"), ("status", "16")]),
    ],
)
def test_frames(received, frames):
    data = bytes.fromhex(received)
    expected = [Frame(kind, bytes.fromhex(held)) for kind, held in frames]
    assert Framer().feed(data) == expected
    framer = Framer()
    assert [frame for byte in data for frame in framer.feed(bytes([byte]))] == expected


def test_a_block_without_an_end_does_not_swallow_what_follows_for_ever():
    frames = Framer().feed(b"\x37" + b"A" * 95 + b"\x16")
    assert Frame("status", b"\x16") in frames


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=7))
def test_any_noise_is_framed_the_same_however_it_arrives(noise, piece):
    noise = bytes(byte for byte in noise if byte not in (0x37, 0x3B, 0x53, 0x5F))
    whole, pieces = Framer().feed(noise), Framer()
    assert [f for at in range(0, len(noise), piece) for f in pieces.feed(noise[at : at + piece])] == whole


def test_only_the_answer_to_gs_r_passes_the_barrier():
    passing = [byte for byte in range(256) if passes_barrier(Frame("stray", bytes([byte])))]
    assert {0x00, 0x03, 0x0C, 0x0F} <= set(passing)
    assert not {0x10, 0x12, 0x16, 0x90, 0xFF} & set(passing)
    assert not passes_barrier(Frame("pushed", bytes(4)))


def test_questions_are_as_epson_writes_them():
    assert ASK == {1: b"\x10\x04\x01", 2: b"\x10\x04\x02", 3: b"\x10\x04\x03", 4: b"\x10\x04\x04"}


@given(st.binary(min_size=16, max_size=16), st.integers(0, 255))
def test_a_mark_is_four_printable_letters_and_comes_back(job, attempt):
    command, answer = printed_mark(job, attempt)
    assert command[:7] == bytes.fromhex("1d284806003030")
    assert len(command) == 11
    assert all(0x20 <= byte <= 0x7E for byte in command[7:])
    assert Framer().feed(b"\x37\x22" + command[7:] + b"\0") == [Frame("block", answer)]


def test_two_attempts_of_one_job_have_two_marks():
    assert printed_mark(bytes(16), 1) != printed_mark(bytes(16), 2)


def test_health_that_is_unknown_does_not_block():
    assert not Health("unknown", "unknown").blocked
