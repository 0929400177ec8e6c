"""What a printer's bytes mean, and which bytes mean nothing: frames, DLE EOT, pushed status, the mark."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.printer.status import (
    ASK,
    SILENT,
    Frame,
    Framer,
    Health,
    health,
    passes_barrier,
    port_health,
    printed_mark,
    pushed_health,
)

FINE = {1: 0x16, 2: 0x12, 3: 0x12, 4: 0x12}
# What a printer may say, whole, cut and mixed: noise of single bytes alone seldom makes a frame.
WORDS = ["16", "12", "10000000", "18080c00", "101300110000", "1000", "37226162636400", "37", "372500", "5f" + "41" * 94]
PIECES = st.lists(
    st.sampled_from([bytes.fromhex(word) for word in (*WORDS, "00", "03", "ff", "11", "13")]), max_size=40
)


@pytest.mark.parametrize(
    ("answers", "state", "paper", "action", "words"),
    [
        (FINE, "online", "full", "", ""),
        (FINE | {1: 0x12}, "online", "full", "", ""),
        (FINE | {1: 0x1E}, "offline", "full", "maintenance", "does not say why"),
        (FINE | {1: 0x1E, 2: 0x16}, "offline", "unknown", "clear", "cover open"),
        (FINE | {1: 0x1E, 2: 0x16, 4: 0x72}, "offline", "unknown", "clear", "cover open"),
        (FINE | {1: 0x1E, 2: 0x32}, "offline", "out", "clear", "out of paper"),
        (FINE | {4: 0x72}, "offline", "out", "clear", "out of paper"),
        (FINE | {1: 0x1E, 2: 0x32, 4: 0x7E}, "offline", "out", "clear", "out of paper"),
        (FINE | {4: 0x1E}, "online", "low", "", ""),
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x1A}, "hardwareError", "jammed", "clear", "cutter"),
        (FINE | {1: 0x1E, 2: 0x56, 3: 0x1A}, "offline", "unknown", "clear", "cover open"),
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x16}, "hardwareError", "jammed", "clear", "paper jammed"),
        (FINE | {3: 0x16}, "online", "full", "", ""),  # undefined on many models: they print
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x32}, "hardwareError", "full", "maintenance", "unrecoverable"),
        (FINE | {1: 0x1E, 2: 0x52, 3: 0x52}, "offline", "full", "suspend", "recovers by itself"),
        (FINE | {1: 0x1E, 2: 0x52}, "hardwareError", "full", "reset", "does not name"),
        (FINE | {1: 0x1E, 2: 0x36, 3: 0x32, 4: 0x72}, "hardwareError", "unknown", "maintenance", "unrecoverable"),
        ({1: 0x16}, "online", "unknown", "", ""),
        ({1: 0x16, 2: 0x12}, "online", "unknown", "", ""),
        ({}, "unknown", "unknown", "", "no valid status"),
    ],
)
def test_the_meaning_of_dle_eot(answers, state, paper, action, words):
    said = health(answers)
    assert (said.state, said.paper, said.action) == (state, paper, action)
    assert words in said.detail
    assert bool(said.detail) == (state != "online")
    assert bool(said.action) == said.blocked == (state in ("offline", "hardwareError"))


@pytest.mark.parametrize(
    ("four", "state", "paper", "action"),
    [
        ("10000000", "online", "full", ""),
        ("14000000", "online", "full", ""),
        ("18000000", "offline", "full", "maintenance"),
        ("38000000", "offline", "unknown", "clear"),
        ("18000c00", "offline", "out", "clear"),
        ("10000300", "online", "low", ""),
        ("18080000", "hardwareError", "jammed", "clear"),
        ("18040000", "hardwareError", "jammed", "clear"),
        ("10040000", "online", "full", ""),
        ("18200000", "hardwareError", "full", "maintenance"),
        ("18400000", "offline", "full", "suspend"),
    ],
)
def test_the_meaning_of_pushed_status(four, state, paper, action):
    said = pushed_health(bytes.fromhex(four))
    assert (said.state, said.paper, said.action) == (state, paper, action)


@pytest.mark.parametrize(
    ("byte", "state", "paper"),
    [
        (0x38, "offline", "out"),
        (0x30, "offline", "out"),
        (0x20, "offline", "out"),
        (0x10, "offline", "unknown"),
        (0x08, "offline", "unknown"),
    ],
)
def test_the_meaning_of_the_usb_interfaces_byte(byte, state, paper):
    said = port_health(byte)
    assert (said.state, said.paper) == (state, paper)
    assert "by its USB interface" in said.detail
    assert said.action


@pytest.mark.parametrize("byte", [0x18, 0x00, 0xFF, 0x58, 0x19, -1, 0x118])
def test_a_usb_interface_that_is_content_or_unbelievable_says_nothing(byte):
    assert port_health(byte) is None


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


@given(st.binary(max_size=300) | PIECES.map(b"".join), st.lists(st.integers(1, 40), min_size=1))
@settings(deadline=None, derandomize=True)
def test_any_noise_is_framed_the_same_however_it_arrives(noise, pieces):
    framer, frames, at = Framer(), [], 0
    for size in itertools.cycle(pieces):
        frames += framer.feed(noise[at : at + size])
        at += size
        if at >= len(noise):
            break
    assert frames == Framer().feed(noise)
    assert sum(len(frame.data) for frame in frames) <= len(noise)
    for frame in frames:
        assert frame.kind in ("status", "pushed", "block", "stray")
        assert frame.kind != "status" or frame.data[0] & 0x93 == 0x12
        assert frame.kind != "pushed" or (len(frame.data) == 4 and not any(byte & 0x90 for byte in frame.data[1:]))


@given(st.dictionaries(st.integers(1, 4), st.integers(0, 255)))
@settings(deadline=None, derandomize=True)
def test_any_answers_have_a_meaning_and_what_is_missing_is_never_fine(answers):
    said = health(answers)
    assert said.state in ("online", "offline", "hardwareError", "unknown")
    assert said.paper in ("full", "low", "out", "jammed", "unknown")
    assert said.action in ("", "clear", "maintenance", "reset", "suspend")
    assert bool(said.action) == said.blocked
    assert 1 in answers or said == SILENT
    assert 4 in answers or said.paper not in ("full", "low")


@given(st.binary(min_size=4, max_size=4))
@settings(deadline=None, derandomize=True)
def test_any_pushed_status_has_a_meaning(four):
    said = pushed_health(four)
    assert bool(said.action) == said.blocked == bool(said.detail)


def test_only_the_answer_to_gs_r_passes_the_barrier():
    passing = [byte for byte in range(256) if passes_barrier(Frame("stray", bytes([byte])))]
    assert {0x00, 0x03, 0x0C, 0x0F} <= set(passing)
    assert not {0x10, 0x12, 0x16, 0x90, 0xFF} & set(passing)
    assert not passes_barrier(Frame("pushed", bytes(4)))


def test_questions_are_as_epson_writes_them():
    assert ASK == {1: b"\x10\x04\x01", 2: b"\x10\x04\x02", 3: b"\x10\x04\x03", 4: b"\x10\x04\x04"}


@given(st.binary(min_size=16, max_size=16), st.integers(0, 255))
@settings(deadline=None, derandomize=True)
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
