"""One job against a line that does anything at all: the three words are true whatever is said, taken and broken when.

The line is in memory and never waits, so that hundreds of courses are tried; real lines are in tests/contracts/printer.
"""

from __future__ import annotations

import select
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.printer import job, status, wire
from edge_agent.drivers.printer.job import Run
from edge_agent.drivers.printer.raster import Job
from edge_agent.drivers.printer.wire import LinkLost, Wire
from edge_agent.ports import PortFault

MADE = Job(body=b"\x1b@\x1dv0\0\x01\0\xff\0" + b"p" * 9000, tail=b"\x1bd\x06\x1dV\0", rows=100)
MARK = status.printed_mark(b"\x07" * 16, 1)
OTHER = status.printed_mark(b"\x07" * 16, 2)[1]
AFTER = MADE.tail + MARK[0] + status.BARRIER
STREAM = status.PUSH_STATUS + MADE.body + AFTER
FINE = (b"\x16", b"\x12", b"\x12", b"\x12")
WORDS = ("10000000", "18000c00", "18080000", "1000", "372500", "00", "03", "1e", "32", "ff", "37", "5f41")
SAID = [*FINE, *(bytes.fromhex(word) for word in WORDS), MARK[1] + b"\0", OTHER + b"\0"]


@dataclass
class Line:
    """A line in memory; `turns`: what comes (None: silence) and how much is taken, one for each time it is looked at.

    unsent: what it says of bytes on their way, 0 in the end. After the last turn the link is lost.
    """

    turns: list[tuple[bytes | None, int]]
    unsent: list[int] = field(default_factory=list)
    gone: bool = False
    bytes_per_s: float | None = None
    remembers: bool = True
    taken: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)
    closed: bool = False
    now: tuple[bytes | None, int] = (None, 0)

    def fileno(self):
        return 0

    def read(self):
        if self.now[0] is None:
            raise LinkLost("the end", gone=self.gone)
        self.heard += self.now[0]
        return self.now[0]

    def write(self, data):
        data = data[: self.now[1]]
        self.taken += data
        return len(data)

    def unsent_bytes(self):
        return self.unsent.pop(0) if self.unsent else 0

    def port_status(self):
        return None

    def hang_up(self):
        return False

    def close(self, *, abort=False):
        self.closed = True


class ScriptedWire(Wire):
    """Looks at the script where the real one polls."""

    def _ready(self, until, wanted):
        if not self.line.turns:
            self.line.now = (None, 0)
            return True, False
        self.line.now = comes, takes = self.line.turns.pop(0)
        return comes is not None, bool(wanted & select.POLLOUT and takes)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    for name in ("_SEND_S", "_AFTER_S", "_CLEAR_S", "_FINISH_S"):
        monkeypatch.setattr(job, name, 60.0)  # nothing waits: the script is over at once
    monkeypatch.setattr(wire, "_ANSWER_S", 60.0)
    monkeypatch.setattr(wire, "_EMPTY_S", 0.0)


def course(line, *, asks=False, filler=b""):
    """One job on it: its word or its fault, and the run."""
    run = Run(ScriptedWire(line), MADE, MARK, filler, time.monotonic() + 60)
    try:
        return run.result(asks=asks), run
    except PortFault as fault:
        return fault, run


NOTHING: tuple[bytes | None, int] = (None, 0)
TAKES: tuple[bytes | None, int] = (None, 4096)
QUIET, SENT = [NOTHING], [TAKES, NOTHING] * 3  # the picture, in three pieces
AFTER_TAKEN = [NOTHING, TAKES, NOTHING]


def says(*words: bytes) -> list[tuple[bytes | None, int]]:
    return [(word, 0) for word in words]


def test_all_goes_well():
    line = Line([*QUIET, *SENT, *AFTER_TAKEN, *says(MARK[1] + b"\0", b"\0")])
    said, run = course(line)
    assert said == "confirmed"
    assert bytes(line.taken) == STREAM
    assert line.closed
    assert not run.holds_rest


def test_questions_come_first_and_a_bad_answer_ends_it():
    asked = [turn for answer in FINE for turn in (TAKES, (answer, 0))]
    line = Line([*QUIET, *asked, *SENT, *AFTER_TAKEN, *says(MARK[1] + b"\0")])
    assert course(line, asks=True)[0] == "confirmed"
    assert bytes(line.taken) == b"".join(status.ASK.values()) + STREAM
    asked[1], asked[3] = (b"\x1e", 0), (b"\x16", 0)
    line = Line([*QUIET, *asked, *SENT])
    said, run = course(line, asks=True)
    assert (str(said), said.action, said.state) == ("cover open: close it", "clear", "offline")
    assert bytes(line.taken) == b"".join(status.ASK.values())
    assert not run.holds_rest


def test_silence_confirms_nothing():
    said, run = course(Line([*QUIET, *SENT, *AFTER_TAKEN, NOTHING]))
    assert said == "unknown"
    assert not run.holds_rest


def test_the_mark_is_heard_while_the_last_bytes_still_wait():
    line = Line([*QUIET, *SENT, NOTHING, (None, len(AFTER) - 3), *says(MARK[1] + b"\0"), NOTHING, TAKES, NOTHING])
    assert course(line)[0] == "confirmed"


def test_a_job_that_was_read_to_its_end_is_not_waited_for_much_longer_whenever_that_is_heard(monkeypatch):
    waits = []
    monkeypatch.setattr(Wire, "next_frame", _noting(Wire.next_frame, waits))
    for heard_at in (2, 3):  # while the last bytes are handed over, and after
        last = [*AFTER_TAKEN, NOTHING, NOTHING]
        last[heard_at] = (b"\0", 0)
        began = time.monotonic()
        assert course(Line([*QUIET, *SENT, *last]))[0] == "unknown"
        assert waits[-1] - began < 2 + 30  # of the minute that a silent printer gets


def _noting(next_frame, waits):
    def noted(self, until):
        waits.append(until)
        return next_frame(self, until)

    return noted


@pytest.mark.parametrize("piece", [0, 1, 2])
def test_a_mark_that_comes_before_it_was_asked_for_confirms_nothing(piece):
    sent = [*SENT]
    sent[2 * piece : 2 * piece + 2] = [(MARK[1] + b"\0", 4096)]
    assert course(Line([*QUIET, *sent, *AFTER_TAKEN, NOTHING]))[0] == "unknown"


def test_what_follows_the_picture_waits_until_the_picture_has_left():
    line = Line([*QUIET, *SENT, *[NOTHING] * 50], unsent=[1] * 1000)
    said, run = course(line)
    assert isinstance(said, PortFault)
    assert bytes(line.taken) == STREAM[: -len(AFTER)]
    assert run.holds_rest


def test_a_picture_that_has_left_is_unknown_even_if_what_follows_has_not():
    line = Line([*QUIET, *SENT, NOTHING, *AFTER_TAKEN, NOTHING], unsent=[1, 0, 1, 1, 1])
    said, run = course(line)
    assert said == "unknown"
    assert bytes(line.taken) == STREAM
    assert run.holds_rest


@pytest.mark.parametrize(("gone", "state"), [(True, "noDevice"), (False, "offline")])
def test_a_link_that_is_lost_in_the_picture_says_whether_the_device_is(gone, state):
    said, _ = course(Line([*QUIET, TAKES], gone=gone))
    words = "the connection to the printer broke (the end): check its power and cable; the slip is not whole"
    assert (str(said), said.state) == (words, state)


def test_a_line_that_is_too_slow_is_not_begun_with():
    line = Line([*QUIET, *SENT, *AFTER_TAKEN], bytes_per_s=100.0)
    said, run = course(line)
    assert "the line is too slow" in str(said)
    assert (bytes(line.taken), run.holds_rest) == (b"", False)


anything = st.lists(
    st.tuples(
        st.none() | st.none() | st.sampled_from(SAID) | st.binary(max_size=12),
        st.sampled_from([4096, 4096, 4096, 300, 7, 1, 0]),
    ),
    max_size=40,
)
HEALTHY = [*QUIET, *SENT, *AFTER_TAKEN, *says(MARK[1] + b"\0")]
turns = st.builds(lambda whole, more: [*HEALTHY[:whole], *more], st.integers(0, len(HEALTHY)), anything)


@given(turns, st.lists(st.integers(0, 2), max_size=9), st.booleans(), st.booleans(), st.booleans())
@settings(deadline=None, derandomize=True, max_examples=600)
def test_the_three_words_are_true_whatever_happens(turns, unsent, asks, gone, holds):
    line = Line(list(turns), list(unsent), gone)
    said, run = course(line, asks=asks, filler=bytes(50) if holds else b"")
    assert line.closed
    taken, heard = bytes(line.taken), bytes(byte for byte in line.heard if byte not in (0x11, 0x13))
    if said == "confirmed":
        assert MARK[0] in taken  # it was asked for this job's mark,
        assert MARK[1] in heard  # and gave it
        assert not run.holds_rest
    elif said == "unknown":
        assert MADE.body in taken  # all of the picture was handed over
    else:
        assert isinstance(said, PortFault)
        assert MADE.tail + MARK[0] not in taken  # what follows the picture was never begun with
        assert said.state in ("offline", "noDevice")
        assert said.action in ("clear", "maintenance", "reset", "suspend")
        assert run.holds_rest or status.PUSH_STATUS not in taken


def test_the_courses_that_are_tried_end_in_each_word():
    """Or the test before this one would prove little."""
    seen = set()

    @given(turns, st.booleans())
    @settings(deadline=None, derandomize=True, max_examples=200)
    def run(turns, asks):
        said, _ = course(Line(turns), asks=asks)
        seen.add(said if isinstance(said, str) else "failed")

    run()
    assert seen == {"confirmed", "unknown", "failed"}
