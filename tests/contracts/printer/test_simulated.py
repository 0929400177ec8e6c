"""What only the simulated printer has: pictures that say what they are, of the last few slips, in memory."""

from __future__ import annotations

import io
import os
import sys

import pytest
from PIL import Image, ImageOps

from edge_agent.drivers.open import open_driver
from edge_agent.drivers.printer.compose import picture
from edge_agent.drivers.printer.simulated import Faults
from edge_agent.effects import Slip
from edge_agent.ports import PortFault

SLIP = Slip((("text", "Xin chào"),))


@pytest.fixture
def printer():
    return open_driver("printer", "simulated", {"width_dots": 384})


def test_without_a_slip_there_is_no_picture(printer):
    assert printer.last_slip_png() is None
    assert printer.slips_png() == ()


def test_every_picture_says_that_it_is_a_simulation_above_and_below(printer):
    printer.print(bytes(16), SLIP)
    label = ImageOps.invert(picture(Slip((("title", "MÔ PHỎNG – SIMULATED"),)), 384).convert("L"))
    with Image.open(io.BytesIO(printer.last_slip_png())) as sheet:
        above = sheet.crop((0, 0, 384, label.height))
        below = sheet.crop((0, sheet.height - label.height, 384, sheet.height))
    assert above.tobytes() == below.tobytes() == label.tobytes()


def test_only_the_last_slips_are_kept(printer):
    for number in range(10):
        printer.print(bytes([number] * 16), Slip((("text", f"Phiếu {number}"),)))
    assert len(set(printer.slips_png())) == 8
    assert printer.slips_png()[-1] == printer.last_slip_png()


def test_slips_are_not_written_anywhere(printer):
    opened = []

    def watch(event, arguments):
        if watching and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            opened.append(arguments[0])

    printer.print(bytes(16), SLIP)  # the first print of a process loads python-escpos, which writes its table
    watching = [True]
    sys.addaudithook(watch)
    printer.print(bytes(16), SLIP)
    watching.clear()
    assert opened == []


def test_unplugged_is_no_device(printer):
    printer.set_faults(Faults(unplugged=True))
    for ask in (printer.open, printer.state, lambda: printer.print(bytes(16), SLIP)):
        with pytest.raises(PortFault, match="plug it in") as caught:
            ask()
        assert caught.value.state == "noDevice"
    assert printer.faults.unplugged
