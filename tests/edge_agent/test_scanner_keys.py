"""Key events to lines (pure): every key of the US layout, and every reason why a line is none."""

from __future__ import annotations

import math

import pytest

from edge_agent.drivers.scanner.keys import EVENT, Keys
from edge_agent.drivers.scanner.lines import LINE_MAX_BYTES
from tests.twins.scanner import ALT, ENTER, KEYPAD, SHIFT, keys

CAPS, NUM, TAB, CTRL, F1, KP_ENTER, DROPPED = 58, 69, 15, 29, 59, 96, (0, 3, 0)
PRINTABLE = "".join(map(chr, range(32, 127)))


class Typist:
    """Feeds a decoder; time goes on by 2 ms with every event."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.now_us = 10_000_000

    def events(self, *events, gap_us=2_000):
        data = b""
        for kind, code, value in events:
            self.now_us += gap_us
            data += EVENT.pack(*divmod(self.now_us, 1_000_000), kind, code, value) + EVENT.pack(0, 0, 0, 0, 0)
        return self.keys.feed(data, self.now_us / 1_000_000)

    def tap(self, *codes, gap_us=2_000):
        return self.events(*((1, code, value) for code in codes for value in (1, 0)), gap_us=gap_us)

    def type(self, text):
        return self.events(*((1, code, value) for code, value in keys(text)))


@pytest.fixture
def typist():
    return Typist()


def test_every_letter_of_the_us_layout(typist):
    assert typist.type(PRINTABLE + "\t\n") == [PRINTABLE.encode() + b"\t"]
    assert typist.type("7F3K\n9Q2M\n") == [b"7F3K", b"9Q2M"]


def test_the_keypad_types_digits_whatever_numlock_says(typist):
    assert typist.tap(NUM, *(KEYPAD[digit] for digit in "0123456789"), 55, 74, 78, 83, 98, KP_ENTER) == [
        b"0123456789*-+./"
    ]


@pytest.mark.parametrize("shift", [42, 54])
def test_both_shifts_and_caps_lock(typist, shift):
    hold, drop = (1, shift, 1), (1, shift, 0)
    assert typist.events(hold, (1, 30, 1), (1, 30, 0), drop, (1, 30, 1)) == []
    typist.tap(CAPS, 30, 2)
    typist.events(hold, (1, 30, 1), (1, 2, 1), drop)
    assert typist.tap(CAPS, 30, ENTER) == [b"AaA1a!a"]


def test_two_shifts_held_are_one(typist):
    typist.events((1, 42, 1), (1, 54, 1), (1, 42, 0), (1, 30, 1), (1, 54, 0), (1, 30, 1))
    assert typist.tap(ENTER) == [b"Aa"]


def test_caps_lock_ends_with_the_line(typist):
    typist.tap(CAPS)
    assert typist.type("a\na\n") == [b"A", b"a"]


def test_auto_repeat_and_other_events_are_no_keys(typist):
    typist.events((1, 30, 1), (1, 30, 2), (1, 30, 2), (1, 30, 0), (4, 4, 0x70004), (2, 0, 1), (17, 1, 1))
    assert typist.tap(ENTER) == [b"a"]


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([(ALT, 1), (KEYPAD["7"], 1), (ALT, 0)], "types with ALT"),
        ([(100, 1), (30, 1), (100, 0)], "types with ALT"),
        ([(CTRL, 1), (50, 1), (CTRL, 0)], "types with CTRL"),
        ([(CTRL, 1), (SHIFT, 1), (22, 1), (SHIFT, 0), (CTRL, 0)], "types with CTRL"),
        ([(125, 1), (30, 1), (125, 0)], "types with META"),
        ([(F1, 1)], "typed key 59"),
        ([(14, 1)], "typed key 14"),
        ([(86, 1)], "typed key 86"),
    ],
    ids=["ALT code", "AltGr", "CTRL", "Unicode by CTRL and SHIFT", "META", "F1", "backspace", "the 102nd key"],
)
def test_a_key_that_is_no_text_spoils_its_line_alone(typist, codes, words):
    typist.type("12")
    typist.events(*((1, code, value) for code, value in codes))
    assert typist.type("34\n") == []
    assert words in typist.keys.trouble
    assert typist.type("56\n") == [b"56"]
    assert typist.keys.trouble == ""


def test_alt_that_is_still_held_spoils_the_next_line_too(typist):
    typist.events((1, ALT, 1))
    assert typist.type("1\n2\n") == []
    typist.events((1, ALT, 0))
    assert typist.type("3\n") == [b"3"]


def test_keys_that_the_kernel_dropped_spoil_the_line_and_let_go_of_shift(typist):
    typist.events((1, 42, 1), (1, 30, 1), DROPPED)
    assert typist.type("bc\n") == []
    assert "kernel dropped" in typist.keys.trouble
    assert typist.type("bc\n") == [b"bc"]


@pytest.mark.parametrize(
    ("gap_us", "given"),
    [(100_000, [b"1234"]), (100_001, []), (499_999, []), (500_000, [b"34"]), (-1, []), (-10_000_000, [])],
)
def test_only_keys_close_together_are_a_line(typist, gap_us, given):
    typist.type("12")
    typist.now_us += gap_us - 2_000 - 2_000  # key 2 was pressed one event ago; the next event adds its own
    assert typist.type("34\n") == given


def test_a_slow_enter_ends_nothing(typist):
    typist.type("12")
    typist.now_us += 200_000
    assert typist.tap(ENTER) == []
    assert "100 ms apart" in typist.keys.trouble


def test_silence_drops_what_has_no_enter(typist):
    assert typist.keys.drop_at_s == math.inf
    typist.type("12")
    assert typist.keys.drop_at_s == pytest.approx(typist.now_us / 1e6 + 0.5)
    typist.keys.silence()
    assert typist.keys.drop_at_s == math.inf
    assert "no Enter" in typist.keys.trouble
    assert typist.type("3\n") == [b"3"]


def test_forgetting_takes_the_rest_of_the_line_with_it(typist):
    typist.type("12")
    typist.keys.forget()
    assert typist.type("34\n") == []
    assert typist.type("56\n") == [b"56"]
    typist.keys.forget()
    assert typist.type("78\n") == [b"78"]


def test_the_longest_line_and_one_key_more(typist):
    assert typist.type("a" * LINE_MAX_BYTES + "\n") == [b"a" * LINE_MAX_BYTES]
    assert typist.type("a" * (LINE_MAX_BYTES + 1) + "\n") == []
    assert typist.type("b" * 3 * LINE_MAX_BYTES + "\n") == []
    assert "longer" in typist.keys.trouble
    assert typist.type("b\n") == [b"b"]


def test_events_in_pieces(typist):
    at = divmod(20_000_000, 1_000_000)
    data = b"".join(EVENT.pack(*at, 1, code, value) for code, value in keys("Ab|1\n"))
    given = [line for place in range(len(data)) for line in typist.keys.feed(data[place : place + 1], 1.0)]
    assert given == [b"Ab|1"]


def test_an_empty_line_is_none(typist):
    assert typist.type("\n\n") == []
    assert typist.keys.trouble == ""
