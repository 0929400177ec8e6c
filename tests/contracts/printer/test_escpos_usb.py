"""What only a USB printer's node has: being found by its ids, the interface's status byte, transfers that wait."""

from __future__ import annotations

import os
import socket
import struct
import time

import pytest

from device_profiles.profile import Match
from edge_agent import plugs
from edge_agent.drivers.open import DriverError, open_driver
from edge_agent.drivers.printer import escpos_usb, status
from edge_agent.drivers.printer.escpos_usb import UsbLine
from edge_agent.drivers.printer.wire import LinkLost, Wire
from edge_agent.effects import Slip
from edge_agent.events import Plugged
from edge_agent.ports import PortFault

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("code", "7F3K-9Q2M")))
EPSON = Match(("04b8:0e15",))


@pytest.fixture
def line():
    """A line over one end of a socket pair, and the other end: what usblp lets a poll see, a full socket shows too."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    made = UsbLine(os.dup(ours.fileno()))
    ours.close()
    yield made, theirs
    made.close()
    theirs.close()


def test_a_profile_must_say_which_one():
    with pytest.raises(DriverError, match="must give match or node"):
        open_driver("printer", "escpos_usb", {})
    with pytest.raises(DriverError, match="multiple of 8"):
        open_driver("printer", "escpos_usb", {"match": EPSON, "width_dots": 580})


def test_none_of_that_kind_is_plugged_in():
    printer = open_driver("printer", "escpos_usb", {"match": Match(("0000:0001",))})
    for ask in (printer.open, printer.state, lambda: printer.print(JOB, SLIP)):
        with pytest.raises(PortFault, match="0000:0001") as caught:
            ask()
        assert caught.value.state == "noDevice"


def test_it_is_found_by_its_ids_and_its_states_carry_its_name(usb, monkeypatch):
    asked = []

    def locate(*what):
        asked.append(what)
        return Plugged("04b8:0e15:X7A1", "usbmisc", str(usb.twin.node))

    monkeypatch.setattr(plugs, "locate", locate)
    printer = open_driver("printer", "escpos_usb", {"match": EPSON})
    assert printer.state().identity == "04b8:0e15:X7A1"
    assert printer.print(JOB, SLIP) == "confirmed"
    assert asked == [(EPSON, "usbmisc", "")] * 2


def test_another_printer_in_its_place_is_not_held_to_the_last_ones_word(usb, monkeypatch, hasty):
    names = ["04b8:0e15:A"]
    monkeypatch.setattr(plugs, "locate", lambda *_: Plugged(names[-1], "usbmisc", str(usb.twin.node)))
    usb.printer.print(JOB, SLIP)
    usb.fault(rows_left=20)
    with pytest.raises(PortFault, match="out of paper"):
        usb.printer.print(JOB, Slip((("text", "Dòng"),) * 90))
    usb.fault(buffer_bytes=0)
    hasty(answer_s=0.1)
    assert usb.printer.state().paper == "out"
    names.append("04b8:0e15:B")
    said = usb.printer.state()
    assert (said.state, said.identity) == ("unknown", "04b8:0e15:B")


def test_a_printer_that_was_away_is_not_held_to_its_last_word(usb, hasty, told):
    usb.printer.print(JOB, SLIP)
    usb.fault(rows_left=20)
    with pytest.raises(PortFault, match="out of paper"):
        usb.printer.print(JOB, Slip((("text", "Dòng"),) * 90))
    usb.lose()
    assert told(usb.printer).state == "noDevice"
    usb.back()
    usb.fault(silent=True)
    hasty(answer_s=0.1)
    assert usb.printer.state().state == "unknown"


def test_a_node_that_is_no_device_is_not_written_to(tmp_path):
    (tmp_path / "lp0").write_bytes(b"")
    printer = open_driver("printer", "escpos_usb", {"node": str(tmp_path / "lp0")})
    said = printer.state()
    assert (said.state, said.action) == ("offline", "configuration")
    with pytest.raises(PortFault, match="is no device node: correct the profile"):
        printer.print(JOB, SLIP)
    assert (tmp_path / "lp0").read_bytes() == b""


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (BlockingIOError(16, "Device or resource busy"), "offline", "another program holds it"),
        (PermissionError(13, "Permission denied"), "offline", "install the udev rules"),
        (OSError(24, "Too many open files"), "offline", "unplug it and plug it in again"),
        (OSError(19, "No such device"), "noDevice", "plug it in and switch it on"),
        (OSError(6, "No such device or address"), "noDevice", "plug it in"),
        (OSError(5, "Input/output error"), "noDevice", "plug it in"),
    ],
)
def test_why_a_node_cannot_be_opened(usb, monkeypatch, told, error, state, words):
    """usblp's own errors, which no pseudo terminal gives."""
    real_open = os.open

    def refuse(path, *more, **named):
        if str(path) == str(usb.twin.node):
            raise error
        return real_open(path, *more, **named)

    monkeypatch.setattr(os, "open", refuse)
    said = told(usb.printer)
    assert said.state == state
    assert words in (str(said) if isinstance(said, PortFault) else said.detail)


def test_where_the_printer_is_silent_the_interfaces_byte_is_asked_and_stops_nothing(usb, monkeypatch, hasty):
    """The byte itself is made up here: only usblp has it."""
    asked = []

    def status_byte(node, number, room):
        asked.append(number)
        return struct.pack("i", 0x38)

    hasty(answer_s=0.1, after_s=0.1)
    usb.fault(silent=True)
    assert usb.printer.state().state == "unknown"
    monkeypatch.setattr(escpos_usb.fcntl, "ioctl", status_byte)
    said = usb.printer.state()
    assert (said.state, said.paper, said.action) == ("offline", "out", "clear")
    assert said.detail == "out of paper, by its USB interface: put in a roll"
    assert asked == [0x060B]
    assert usb.printer.print(JOB, SLIP) == "unknown"


def test_a_printer_that_answers_is_not_asked_twice(usb, monkeypatch):
    monkeypatch.setattr(status, "port_health", lambda _: pytest.fail("asked"))
    assert usb.printer.state().state == "online"


def test_a_transfer_that_is_not_taken_is_unsent(line):
    made, theirs = line
    assert made.unsent_bytes() == 0
    while made.write(b"\0" * 4096):
        pass
    assert made.unsent_bytes() == 1
    theirs.settimeout(5)
    while made.unsent_bytes():
        theirs.recv(1 << 16)


def test_an_empty_packet_is_not_the_end_but_a_device_that_left_is(line, monkeypatch):
    made, theirs = line
    wire, chunks = Wire(made), [b"", b"", b"\x16"]
    theirs.send(b"!")  # there is always something to read
    monkeypatch.setattr(os, "read", lambda *_: chunks.pop(0))
    assert wire.next_frame(time.monotonic() + 30).data == b"\x16"
    monkeypatch.undo()
    made.read()
    theirs.close()
    with pytest.raises(LinkLost) as lost:
        made.read()
    assert lost.value.gone


def test_an_error_of_one_transfer_is_no_device_that_left(line, monkeypatch):
    made, _ = line

    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", fails)
    with pytest.raises(LinkLost, match="Input/output error") as lost:
        made.read()
    assert not lost.value.gone


def test_a_printer_that_is_pulled_while_it_is_asked_is_no_device(usb):
    usb.fault(reset_after_bytes=1)
    with pytest.raises(PortFault, match=r"^the printer is gone \(.*plug it in$") as caught:
        usb.printer.state()
    assert caught.value.state == "noDevice"
