"""Whatever a scanner, or what pretends to be one, sends: bounded lines and named troubles, never a crash or a hang."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats import scan
from device_profiles.formats.explain import Circumstances, explain
from device_profiles.formats.refusal import FormatError
from edge_agent.drivers.scanner.keys import EVENT, PLAIN, SHIFTED, Keys
from edge_agent.drivers.scanner.lines import LINE_MAX_BYTES, Lines
from tests.device_profiles.test_formats_hostile import AS_OF
from tests.twins.scanner import keys

LONG = st.sampled_from([b"x" * 1000, b"x" * 4096, b"\r", b"\n", b"|" * 50])
CHUNKS = st.lists(st.tuples(st.one_of(st.binary(max_size=40), LONG), st.floats(0, 2)), max_size=30)
CODES = st.one_of(st.sampled_from([28, 96, 42, 54, 58, 69, 56, 29, 30, 71]), st.integers(0, 0xFFFF))
STAMPS = st.one_of(st.integers(0, 3), st.integers(-(2**40), 2**40))
CODE_BYTES = st.binary(min_size=1, max_size=30).map(lambda data: data.translate(None, b"\r\n"))
EVENTS = st.builds(
    EVENT.pack,
    STAMPS,
    st.one_of(st.integers(0, 200_000), st.integers(-(2**40), 2**40)),
    st.one_of(st.sampled_from([0, 1]), st.integers(0, 0xFFFF)),
    CODES,
    st.one_of(st.sampled_from([0, 1, 2]), st.integers(-(2**31), 2**31 - 1)),
)
STREAMS = st.one_of(st.binary(max_size=400), st.lists(EVENTS, max_size=60).map(b"".join))
TEXT = {*PLAIN.values(), *SHIFTED.values()}


@settings(deadline=None, max_examples=300)
@given(CHUNKS)
def test_any_bytes_in_any_pieces_are_bounded_lines(chunks):
    decoder, now_s = Lines(), 0.0
    for data, later_s in chunks:
        now_s += later_s
        for line in decoder.feed(data, now_s):
            assert 0 < len(line) <= LINE_MAX_BYTES
            assert b"\r" not in line
            assert b"\n" not in line
        assert len(decoder._text) <= LINE_MAX_BYTES
    decoder.silence()
    assert decoder.feed(b"0790\r", now_s + 9) == [b"0790"]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.binary(min_size=1, max_size=30).map(lambda piece: piece.translate(None, b"\r\n")), max_size=20),
    st.data(),
)
def test_lines_do_not_depend_on_how_their_bytes_arrive(codes, data):
    sent = b"".join(code + b"\r\n" for code in codes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=10)))
    decoder = Lines()
    pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert [line for piece in pieces for line in decoder.feed(piece, 1.0)] == [code for code in codes if code]


@settings(deadline=None, max_examples=400)
@given(STREAMS, st.lists(st.integers(0, 400), max_size=8))
def test_any_events_in_any_pieces_are_bounded_lines_of_ascii(stream, cuts):
    decoder = Keys()
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    for start, end in pairwise(places):
        for line in decoder.feed(stream[start:end], start / 100):
            assert 0 < len(line) <= LINE_MAX_BYTES
            assert set(line.decode("ascii")) <= TEXT
    decoder.silence()
    later = divmod(decoder._last_us + 10_000_000, 1_000_000)
    let_go = ((code, 0) for code in (42, 54, 29, 97, 56, 100, 125, 126))
    typed = b"".join(EVENT.pack(*later, 1, *event) for event in (*let_go, *keys("0790\n")))
    assert decoder.feed(typed, 9.0) == [b"0790"]


@settings(deadline=None, max_examples=200)
@given(st.text("".join(chr(each) for each in range(32, 127)) + "\t", min_size=1, max_size=60), st.integers(0, 100_000))
def test_every_ascii_text_is_typed_and_read_back(text, gap_us):
    stamped = (divmod(1_000_000 + place * gap_us, 1_000_000) + event for place, event in enumerate(keys(text + "\n")))
    data = b"".join(EVENT.pack(seconds, micros, 1, code, value) for seconds, micros, code, value in stamped)
    slow = any(second - first > 100_000 for first, second in pairwise(pressed_us(text, gap_us)))
    assert Keys().feed(data, 1.0) == ([] if slow else [text.encode()])


def pressed_us(text, gap_us):
    """When each key was pressed."""
    return [place * gap_us for place, (_, value) in enumerate(keys(text + "\n")) if value]


@pytest.mark.parametrize("kind", ["card-qr", "vietqr", "health-insurance-qr", "provisional-code"])
def test_any_scan_is_explained_or_refused(kind):
    bars = st.lists(st.one_of(st.text(max_size=12), st.sampled_from(["079190012345", "15011990", "Nam", "000201"])))

    @settings(deadline=None, max_examples=200)
    @given(st.one_of(st.binary(max_size=1100), bars.map("|".join).map(lambda text: text.encode("utf-8", "replace"))))
    def check(data):
        answer = explain(kind, data, Circumstances(AS_OF))
        assert answer["outcome"] in {"valid", "warn", "parse_only", "invalid"}

    check()


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=1500))
def test_any_bytes_are_a_whole_text_or_refused(data):
    try:
        text, reasons = scan.whole_text(data), set()
    except FormatError as refusal:
        text, reasons = "", set(refusal.reasons)
    assert reasons <= {"too_long", "encoding_damaged", "control_character"}
    assert ("too_long" in reasons) == (len(data) > scan.SIZE_MAX_BYTES)
    assert not any(letter < " " for letter in text)


@pytest.mark.parametrize("data", [b"\r" * 400_000, b"x" * 400_000, b"x\r" * 200_000, bytes(400_000), b"\xff" * 400_000])
def test_a_flood_is_over_at_once(data):
    for decoder in (Lines(), Keys()):
        began_s = time.monotonic()
        for start in range(0, len(data), 4096):
            decoder.feed(data[start : start + 4096], 1.0)
        assert time.monotonic() - began_s < 5
