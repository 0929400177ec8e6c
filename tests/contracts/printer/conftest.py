"""One rig per printer driver: the driver, what can be broken on its device, and what came out of it.

Patience: by default nobody gives up as long as an answer may still come, however busy the machine is; a test in which
none will come says so with `hasty`, and only then does a wait run to its end.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from edge_agent.drivers.open import driver_names, open_driver
from edge_agent.drivers.printer import escpos, job, raster, wire
from edge_agent.drivers.printer.compose import picture
from edge_agent.drivers.printer.simulated import _LABEL, Faults
from edge_agent.effects import Slip
from edge_agent.ports import PortFault
from tests.twins.printer import NodeTwin, PrinterTwin

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.events import PeripheralState


class SimulatedRig:
    """The printer that exists in memory only."""

    lost_state = "noDevice"

    def __init__(self, folder: Path) -> None:
        self.printer = open_driver("printer", "simulated", {"name": "rig"})
        self._faults: dict[str, object] = {}

    def fault(self, **faults: object) -> None:
        self._faults |= faults
        self.printer.set_faults(Faults(**self._faults))

    def new_roll(self) -> None:
        self._faults = {}
        self.printer.set_faults(Faults())

    def lose(self) -> None:
        self.fault(unplugged=True)

    def back(self) -> None:
        self.fault(unplugged=False)

    def came_out(self, _: int) -> list[Image.Image]:
        """The paper between the two bars that say MÔ PHỎNG."""
        sheets = [Image.open(io.BytesIO(png)) for png in self.printer.slips_png()]
        bar = picture(Slip((("title", _LABEL),)), 576).height
        return [sheet.crop((0, bar, sheet.width, sheet.height - bar)).convert("1") for sheet in sheets]

    def end(self) -> None:
        pass


class TwinRig:
    """A real driver and a byte-level printer."""

    name: str

    def __init__(self, twin: PrinterTwin | NodeTwin) -> None:
        self.twin = twin
        self.twin.__enter__()
        self.printer = self.driver()

    def where(self) -> dict[str, object]:
        raise NotImplementedError

    def driver(self, **more: object):
        return open_driver("printer", self.name, {"name": "rig", **self.where(), **more})

    def fault(self, **faults: object) -> None:
        self.twin.received = 0
        if faults.pop("ends_mid_slip", False):
            self.twin.manner.rows_left = 20
        for name, value in faults.items():
            setattr(self.twin.manner, name, value)

    def mend(self) -> None:
        """Whatever stalls or breaks it no longer does."""
        self.fault(stalled=False, stall_after_bytes=None, reset_after_bytes=None, at_row=None, buffer_bytes=4096)

    def new_roll(self) -> None:
        self.fault(paper="full", rows_left=None)

    def came_out(self, count: int) -> list[Image.Image]:
        assert self.twin.paper.letters == b""
        return self.twin.slips(count, **({} if count else {"within_s": 0.05}))

    def end(self) -> None:
        self.twin.__exit__()


class NetworkRig(TwinRig):
    """On TCP; nobody listens there once it is lost."""

    name = "escpos_network"
    lost_state = "offline"

    def __init__(self, folder: Path) -> None:
        super().__init__(PrinterTwin())

    def where(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "tcp_port": self.twin.port}

    def lose(self) -> None:
        self.twin.__exit__()

    def back(self) -> None:
        there = self.twin
        self.twin = PrinterTwin(there.port)
        self.twin.__enter__()


class NodeRig(TwinRig):
    """Behind a device node, which is gone while it is lost."""

    lost_state = "noDevice"

    def where(self) -> dict[str, object]:
        return {"node": str(self.twin.node)}

    def mend(self) -> None:
        super().mend()
        self.twin.plug()

    def lose(self) -> None:
        self.twin.pull()

    def back(self) -> None:
        self.twin.plug()


class UsbRig(NodeRig):
    """A pseudo terminal stands for /dev/usb/lp0.

    It shows: bytes as they are, a node that is gone, an opener that is cut off in the middle of anything, late replies
    of an earlier opening. It cannot show what usblp alone does: POLLOUT only when the last transfer was taken (a pty
    takes about 12 KiB first), that closing kills a transfer, EBUSY for a second opener, LPGETSTATUS, empty packets.
    """

    name = "escpos_usb"

    def __init__(self, folder: Path) -> None:
        super().__init__(NodeTwin(folder / "lp0", raw=True))


class SerialRig(NodeRig):
    """A pseudo terminal in its usual state (echo, line by line), which the driver has to change.

    It cannot show baud, DTR and CTS, nor the kernel's queue of bytes not yet sent (TIOCOUTQ is always 0).
    """

    name = "escpos_serial"

    def __init__(self, folder: Path) -> None:
        super().__init__(NodeTwin(folder / "ttyS0", raw=False))

    def where(self) -> dict[str, object]:
        return {**super().where(), "baud": 921_600}


RIGS = {"simulated": SimulatedRig, "escpos_network": NetworkRig, "escpos_usb": UsbRig, "escpos_serial": SerialRig}


@pytest.fixture
def hasty(monkeypatch):
    """Shorten the waits of the given names; they are then expected to run to their end."""
    places = {
        "state_s": escpos,
        "print_s": escpos,
        "quiet_s": wire,
        "answer_s": wire,
        "late_s": wire,
        "send_s": job,
        "after_s": job,
        "clear_s": job,
        "grace_s": job,
    }

    def shorten(**seconds: float) -> None:
        for name, value in seconds.items():
            monkeypatch.setattr(places[name], f"_{name.upper()}", value)

    return shorten


@pytest.fixture(autouse=True)
def _patient(hasty, monkeypatch):
    """Three are short: what they wait for has been said or never will be, but where a test says otherwise."""
    hasty(quiet_s=0.01, late_s=0.1, grace_s=0.2)
    hasty(answer_s=4.0, send_s=15.0, after_s=10.0, clear_s=4.0)
    monkeypatch.setattr(job, "_ROWS_PER_S", 100_000)


@pytest.fixture(params=driver_names("printer"))
def rig(request, tmp_path):
    """Every implementation."""
    made = RIGS[request.param](tmp_path)
    yield made
    made.end()


@pytest.fixture(params=[name for name in RIGS if name != "simulated"])
def real(request, tmp_path):
    """Every driver with a byte-level printer."""
    made = RIGS[request.param](tmp_path)
    yield made
    made.end()


def _one(name: str):
    @pytest.fixture(name=name.removeprefix("escpos_"))
    def single(tmp_path):
        made = RIGS[name](tmp_path)
        yield made
        made.end()

    return single


network, usb, serial = (_one(name) for name in ("escpos_network", "escpos_usb", "escpos_serial"))


@pytest.fixture
def dots():
    """The dots that a slip must be on paper."""

    def burnt(slip: Slip, width: int = 576) -> Image.Image:
        return raster.harmless(picture(slip, width))

    return burnt


@pytest.fixture
def told():
    """What a driver says of its device now, however it says that it is gone."""

    def ask(printer) -> PeripheralState | PortFault:
        try:
            return printer.state()
        except PortFault as fault:
            return fault

    return ask
