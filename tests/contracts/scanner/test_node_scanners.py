"""What the scanners behind a device node promise beside: half a code is never a code, and every trouble has a name."""

from __future__ import annotations

import errno
import os
import termios
import time
from pathlib import Path

import pytest

from edge_agent.drivers.open import DriverError, open_driver
from edge_agent.drivers.scanner import hid_events, keys, lines
from edge_agent.events import PeripheralState, Scanned
from edge_agent.ports import PortFault
from tests.twins.scanner import ENTER
from tests.twins.scanner import keys as typed_keys


@pytest.fixture
def patient(monkeypatch):
    """No silence ends a line: what the test does between two pieces may take any time."""
    monkeypatch.setattr(lines, "QUIET_S", 60.0)
    monkeypatch.setattr(keys, "QUIET_S", 60.0)


def pieces(rig, code):
    """Half of a code as the twin would send it, and the rest with its end."""
    if hasattr(rig.twin, "typed"):
        whole = rig.twin.typed(code.decode() + "\n")
        middle = len(whole) // 2 + 5  # in the middle of an event
        return whole[:middle], whole[middle:]
    return code[:4], code[4:] + b"\r"


def trouble(rig, within_s=5.0):
    """The next state that the scanner says, and that nothing was read before it."""
    said = rig.scanner.wait(within_s)
    assert isinstance(said, PeripheralState)
    assert (said.state, said.action) == ("online", "maintenance" if said.detail else "")
    return said.detail


def test_a_line_in_pieces_is_one_line(node_rig, patient):
    node_rig.scanner.open()
    half, rest = pieces(node_rig, b"079090012345")
    node_rig.twin.send(half)
    assert node_rig.scanner.wait(0.02) is None
    node_rig.twin.send(rest)
    assert node_rig.scanner.wait(5) == Scanned(b"079090012345")


def test_a_line_without_an_end_is_dropped_and_named_and_never_begins_the_next(node_rig):
    node_rig.scanner.open()
    node_rig.twin.send(pieces(node_rig, b"079090012345")[0])
    assert trouble(node_rig).endswith(("set its suffix to CR or LF", "set its suffix to Enter"))
    node_rig.scan(b"7F3K9Q2M4")
    assert node_rig.scanner.wait(5) == Scanned(b"7F3K9Q2M4")
    assert trouble(node_rig) == ""


def test_half_a_line_is_forgotten_with_its_rest(node_rig, patient):
    node_rig.scanner.open()
    half, rest = pieces(node_rig, b"079090012345")
    node_rig.twin.send(half)
    assert node_rig.scanner.wait(0.02) is None
    node_rig.scanner.forget()
    node_rig.twin.send(rest)
    assert node_rig.scanner.wait(0.02) is None
    node_rig.scan(b"mine")
    assert node_rig.scanner.wait(5) == Scanned(b"mine")


def test_a_trouble_is_told_though_the_visit_ends_in_between(serial):
    serial.scanner.open()
    serial.scanner._decoder.feed(b"x" * 4097, time.monotonic())  # how much of it had come differs from run to run
    serial.scanner.forget()
    assert "longer than 4096" in trouble(serial, within_s=0.01)
    serial.scanner.forget()
    assert serial.scanner.wait(0.01) is None


def test_half_a_line_that_waited_before_opening_is_dropped_with_its_rest(node_rig, patient):
    half, rest = pieces(node_rig, b"079090012345")
    node_rig.twin.send(half)
    time.sleep(0.02)  # a pseudo-terminal hands it over by a thread of the kernel
    node_rig.scanner.open()
    node_rig.twin.send(rest)
    node_rig.scan(b"mine")
    assert node_rig.scanner.wait(5) == Scanned(b"mine")


def test_a_line_that_is_too_long_is_dropped_whole_and_named_once(node_rig):
    node_rig.scanner.open()
    node_rig.scan(b"x" * 4097)
    assert "longer than 4096" in trouble(node_rig)
    node_rig.scan(b"x" * 4097)
    assert node_rig.scanner.wait(0.02) is None
    node_rig.scan(b"after")
    assert node_rig.scanner.wait(5) == Scanned(b"after")
    assert trouble(node_rig) == ""


def test_what_came_before_the_cable_was_pulled_is_whole_or_nothing(node_rig):
    node_rig.scanner.open()
    node_rig.scan(b"whole")
    assert node_rig.scanner.wait(5) == Scanned(b"whole")
    node_rig.twin.send(pieces(node_rig, b"079090012345")[0])
    assert node_rig.scanner.wait(0.02) is None
    node_rig.plug(plugged=False)
    with pytest.raises(PortFault, match="pulled out") as fault:
        node_rig.scanner.wait(5)
    assert fault.value.state == "noDevice"
    node_rig.plug(plugged=True)
    assert node_rig.scanner.open().state == "online"
    node_rig.scan(b"7F3K9Q2M4")
    assert node_rig.scanner.wait(5) == Scanned(b"7F3K9Q2M4")


def test_a_node_that_is_no_scanner_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_bytes(b"079090012345\r")
    for name in ("serial_lines", "hid_events"):
        scanner = open_driver("scanner", name, {"node": str(tmp_path / "file")})
        with pytest.raises(PortFault, match="is it the scanner's node") as fault:
            scanner.open()
        assert fault.value.state == "offline"
        scanner.close()


@pytest.mark.parametrize(
    ("number", "words", "state"),
    [
        (errno.EACCES, "may not be read: put the agent's user into the group", "offline"),
        (errno.EBUSY, "another program holds", "offline"),
        (errno.ENOENT, "pulled out", "noDevice"),
    ],
)
def test_what_cannot_be_opened_is_told_by_its_cure(node_rig, monkeypatch, number, words, state):
    real = os.open

    def refused(path, *more):
        if path == str(node_rig.twin.node):
            raise OSError(number, os.strerror(number))
        return real(path, *more)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(PortFault, match=words) as fault:
        node_rig.scanner.open()
    assert fault.value.state == state


def test_keys_are_taken_from_everyone_else_or_not_at_all(tmp_path):
    os.mkfifo(tmp_path / "event5")
    scanner = open_driver("scanner", "hid_events", {"node": str(tmp_path / "event5")})
    assert hid_events.prepare.__module__ == hid_events.__name__
    with pytest.raises(PortFault, match="Inappropriate ioctl"):
        scanner.open()
    scanner.close()


def test_a_serial_line_is_raw_quick_and_silent(tmp_path, serial):
    serial.scanner.open()
    serial.twin.send(b"\x03\x04\x11\x13\x1a\x7f\xff\r")
    assert serial.scanner.wait(5) == Scanned(b"\x03\x04\x11\x13\x1a\x7f\xff")
    assert serial.twin.heard() == b""
    assert serial.twin.speed() == termios.B115200
    serial.scanner.close()
    slow = open_driver("scanner", "serial_lines", {"node": str(serial.twin.node), "baud": 9600})
    slow.open()
    assert serial.twin.speed() == termios.B9600
    slow.close()


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_every_usual_end_of_a_line(serial, end):
    serial.scanner.open()
    for code in (b"one", b"two"):
        serial.scan(code, end)
    assert [serial.scanner.wait(5), serial.scanner.wait(5)] == [Scanned(b"one"), Scanned(b"two")]
    assert serial.scanner.wait(0.02) is None


def test_a_speed_that_no_line_has_is_refused():
    with pytest.raises(DriverError, match=r"baud must be one of 1200, .*not 12345"):
        open_driver("scanner", "serial_lines", {"baud": 12345})


def test_alt_codes_are_named_and_the_next_code_is_read(typing):
    typing.scanner.open()
    typing.scan("079090012345|Nguyễn|Nữ".encode(), unknown="alt")
    assert "types with ALT" in trouble(typing)
    typing.scan(b"7F3K9Q2M4")
    assert typing.scanner.wait(5) == Scanned(b"7F3K9Q2M4")


def test_keys_far_apart_by_their_own_stamps_are_no_line_however_they_arrive(typing):
    typing.scanner.open()
    typing.twin.gap_us = 101_000
    typing.scan(b"079090012345")
    assert "100 ms apart" in trouble(typing)
    typing.twin.gap_us = 49_000  # two events, pressed and released, between two keys
    typing.scan(b"7f3k9q2m4")
    assert typing.scanner.wait(5) == Scanned(b"7f3k9q2m4")


def test_the_twin_knows_another_table_than_the_driver():
    assert "USAGES" not in Path(keys.__file__).read_text("utf-8")
    assert list(typed_keys("A\n")) == [(42, 1), (30, 1), (30, 0), (42, 0), (ENTER, 1), (ENTER, 0)]
