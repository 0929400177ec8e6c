"""Bytes to lines (pure): what a line is, and what becomes of half a line."""

from __future__ import annotations

import math

import pytest

from edge_agent.drivers.scanner.lines import LINE_MAX_BYTES, QUIET_S, Lines


@pytest.fixture
def lines():
    return Lines()


@pytest.mark.parametrize(
    ("data", "given"),
    [
        (b"a\rb\nc\r\n", [b"a", b"b", b"c"]),
        (b"\r\n\r\n", []),
        (b"\xff\x00\x1b\t \x85\x0b\x0c\r", [b"\xff\x00\x1b\t \x85\x0b\x0c"]),
        (b"no end", []),
        (b"x" * LINE_MAX_BYTES + b"\r", [b"x" * LINE_MAX_BYTES]),
        (b"x" * (LINE_MAX_BYTES + 1) + b"\rok\r", [b"ok"]),
        (b"", []),
    ],
)
def test_lines_come_as_they_are(lines, data, given):
    assert lines.feed(data, 1.0) == given


def test_a_long_line_is_dropped_up_to_its_own_end_and_holds_no_memory(lines):
    for step in range(100):
        assert lines.feed(b"x" * 4096, 1.0 + step / 1000) == []
    assert len(lines._text) == 0
    assert "longer" in lines.trouble
    assert lines.feed(b"tail\rok\r", 1.2) == [b"ok"]
    assert lines.trouble == ""


def test_after_a_silence_a_new_line_begins(lines):
    lines.feed(b"0790", 1.0)
    assert lines.drop_at_s == 1.0 + QUIET_S
    assert lines.feed(b"7F3K\r", 1.0 + QUIET_S) == [b"7F3K"]
    lines.feed(b"0790", 2.0)
    assert lines.feed(b"9001\r", 2.0 + QUIET_S - 0.001) == [b"07909001"]
    assert lines.drop_at_s == math.inf


def test_silence_is_a_trouble_only_where_something_was_lost(lines):
    lines.silence()
    assert lines.trouble == ""
    lines.feed(b"\r\n", 1.0)
    lines.silence()
    assert lines.trouble == ""
    lines.feed(b"0790", 1.0)
    lines.silence()
    assert "no line end" in lines.trouble


def test_forgetting_takes_the_rest_of_the_line_with_it(lines):
    lines.feed(b"0790", 1.0)
    lines.forget()
    assert lines.feed(b"9001\r7F3K\r", 1.1) == [b"7F3K"]
    lines.feed(b"0790", 2.0)
    lines.forget()
    lines.silence()
    assert lines.trouble == ""
    assert lines.feed(b"whole\r", 3.0) == [b"whole"]
    lines.forget()
    assert lines.feed(b"whole\r", 3.1) == [b"whole"]
