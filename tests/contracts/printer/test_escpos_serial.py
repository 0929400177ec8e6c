"""What only a serial line has: its settings, its speed, flow control by signs."""

from __future__ import annotations

import os
import pty
import socket
import termios
import time
from pathlib import Path

import pytest

from device_profiles.peripheral import Peripherals
from device_profiles.profile import texts
from edge_agent.drivers.open import DriverError, open_driver, open_peripheral
from edge_agent.drivers.printer import escpos, raster
from edge_agent.drivers.printer.escpos_serial import SerialLine
from edge_agent.drivers.printer.width import JOB_ROWS_MAX
from edge_agent.effects import Slip
from edge_agent.ports import PortFault
from tests.edge_agent.test_compose import PENDING

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("code", "7F3K-9Q2M")))
NODE = {"node": "/dev/ttyS0"}
PERIPHERALS = Peripherals(texts(Path(__file__).parents[3] / "device_profiles", "peripherals"))
SHIPPED = [name for name in PERIPHERALS if PERIPHERALS[name].driver == "escpos_serial"]


@pytest.fixture
def ends():
    """A pseudo terminal: the printer's end and the station's."""
    printer, station = pty.openpty()
    os.set_blocking(printer, False)
    yield printer, station
    os.close(printer)


def line(station: int, **settings) -> SerialLine:
    os.set_blocking(station, False)
    return SerialLine(station, **{"baud": 115_200, "flow": "none", **settings})


def soon(wanted) -> None:
    until = time.monotonic() + 30
    while not wanted():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "must give match or node"),
        (NODE | {"flow": "rts"}, "flow must be one of none, dtr, xon, not 'rts'"),
        (NODE | {"baud": 12_345}, "12345 is no baud"),
        (NODE | {"baud": 0}, "0 is no baud"),
        (NODE | {"width_dots": 100}, "width_dots"),
    ],
)
def test_a_wrong_setting_is_refused(settings, words):
    with pytest.raises(DriverError, match=words):
        open_driver("printer", "escpos_serial", settings)


@pytest.mark.parametrize(
    ("flow", "control", "incoming"), [("none", 0, 0), ("dtr", termios.CRTSCTS, 0), ("xon", 0, termios.IXON)]
)
@pytest.mark.parametrize(("baud", "speed"), [(19_200, termios.B19200), (115_200, termios.B115200)])
def test_the_line_is_raw_and_as_fast_as_the_profile_says(ends, flow, control, incoming, baud, speed):
    made = line(ends[1], baud=baud, flow=flow)
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = termios.tcgetattr(ends[0])
    assert (iflag, oflag, lflag) == (incoming, 0, 0)
    assert cflag & (termios.CRTSCTS | termios.CSIZE | termios.PARENB | termios.CSTOPB | termios.HUPCL) == (
        control | termios.CS8
    )
    assert (ispeed, ospeed) == (speed, speed)
    assert (characters[termios.VMIN], characters[termios.VTIME]) in ((1, 0), (b"\x01", b"\x00"))
    assert made.bytes_per_s == baud / 10
    made.close()


def test_every_byte_goes_through_both_ways(ends):
    made, every = line(ends[1]), bytes(range(256))
    assert made.write(every) == 256
    soon(lambda: os.read(ends[0], 300) == every)
    os.write(ends[0], every)
    read = b""
    until = time.monotonic() + 30
    while len(read) < 256 and time.monotonic() < until:
        read += made.read()
    assert read == every
    assert made.unsent_bytes() == 0
    made.close()
    made.close()


def test_xoff_stops_it_and_xon_lets_it_go_on(ends):
    made = line(ends[1], flow="xon")
    os.write(ends[0], b"\x13\x16")
    soon(lambda: made.read() == b"\x16")  # the sign itself is not a reply
    assert made.write(b"a") == 0
    os.write(ends[0], b"\x11")
    soon(lambda: made.write(b"a") == 1)
    made.close()


def test_without_flow_control_the_signs_are_read_and_stop_nothing(ends):
    made = line(ends[1])
    os.write(ends[0], b"\x13\x16")
    soon(lambda: made.read() == b"\x13\x16")
    assert made.write(b"a") == 1
    made.close()


@pytest.mark.parametrize("flow", ["none", "dtr", "xon"])
def test_a_slip_is_confirmed_with_any_flow_control(serial, flow, dots):
    serial.fault(flow_inside=True)
    printer = serial.driver(flow=flow)
    assert printer.state().state == "online"
    assert printer.print(JOB, SLIP) == "confirmed"
    assert serial.came_out(1)[0].tobytes() == dots(SLIP).tobytes()


def test_what_was_said_before_the_question_is_no_answer(serial):
    assert serial.printer.state().state == "online"
    serial.twin.blurt(b"\x1a\x16\x72\x10\x08\x00\x0c\x00\x37\x22old!\x00\x13\x00")
    assert serial.printer.state().state == "online"
    serial.twin.blurt(b"\x1a\x16\x72\x10\x08\x00\x0c\x00\x37\x22old!\x00\x13\x00")
    assert serial.printer.print(JOB, SLIP) == "confirmed"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_serial_printer_prints_a_payment_slip_at_its_own_speed(name, serial, dots):
    """The first of a process: what an earlier one may have left is cleared away, for the printer is not asked."""
    told = open_peripheral(PERIPHERALS[name])._settings
    printer = serial.driver(baud=told.baud, flow=told.flow, width_dots=told.width_dots, no_realtime_status=True)
    assert printer.print(JOB, PENDING) == "confirmed"
    assert serial.came_out(1)[0].tobytes() == dots(PENDING).tobytes()


@pytest.mark.parametrize(
    ("baud", "width_dots"), [(9_600, 384), (19_200, 576), (38_400, 384), (38_400, 576), (57_600, 576)]
)
def test_a_speed_at_which_the_longest_slip_never_ends_in_time_is_refused_when_the_driver_is_made(baud, width_dots):
    with pytest.raises(DriverError, match=rf"at {baud} baud the longest slip takes \d+ s.* set .* to 115200"):
        open_driver("printer", "escpos_serial", NODE | {"baud": baud, "width_dots": width_dots})


@pytest.mark.parametrize(("baud", "width_dots"), [(57_600, 384), (115_200, 384), (115_200, 576), (115_200, 640)])
def test_a_speed_that_is_taken_is_enough_even_when_the_printer_may_hold_the_rest_of_a_slip(baud, width_dots):
    made = open_driver("printer", "escpos_serial", NODE | {"baud": baud, "width_dots": width_dots})
    assert JOB_ROWS_MAX * made._settings.width_dots / 8 / (baud / 10) + 5 <= escpos._PRINT_S
    assert raster.job(PENDING, width_dots).rows + raster.BAND_ROWS <= JOB_ROWS_MAX


def test_a_slip_that_would_take_too_long_is_not_begun_with(serial):
    long = Slip((("text", "Dòng"),) * 130)
    with pytest.raises(
        PortFault, match=r"the line is too slow: this slip takes \d+ s at 11520 bytes.*higher baud"
    ) as why:
        serial.driver(baud=115_200).print(JOB, long)
    assert why.value.action == "configuration"
    assert serial.printer.print(JOB, long) == "confirmed"
    assert len(serial.came_out(1)) == 1


def test_a_device_that_is_no_line_is_named():
    printer = open_driver("printer", "escpos_serial", {"node": os.devnull})
    said = printer.state()
    assert (said.state, said.action) == ("offline", "configuration")
    assert f"{os.devnull} is no serial line" in said.detail


def test_a_line_that_is_pulled_while_it_is_set_is_no_device(serial, monkeypatch):
    def hung_up(_):
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr(termios, "tcgetattr", hung_up)
    with pytest.raises(PortFault, match="plug it in") as caught:
        serial.printer.state()
    assert caught.value.state == "noDevice"


def test_what_the_kernel_still_holds_is_unsent_and_thrown_away_at_the_end(ends, monkeypatch):
    """A socket stands for the kernel's queue, which a pseudo terminal has not: TIOCOUTQ is the same number on both."""
    made, (ours, theirs) = line(ends[1]), socket.socketpair()
    thrown = []
    monkeypatch.setattr(termios, "tcflush", lambda node, which: thrown.append(which))
    monkeypatch.setattr(made, "fileno", ours.fileno)
    assert made.unsent_bytes() == 0
    ours.send(b"picture")
    assert made.unsent_bytes() == 1
    theirs.recv(100)
    assert made.unsent_bytes() == 0
    ours.send(b"tail")
    made.close()
    assert thrown == [termios.TCOFLUSH]
    ours.close()
    theirs.close()
