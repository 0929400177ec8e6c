"""One rig per printer driver: the driver, what can be broken on its device, and what came out of it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from edge_agent.drivers.open import driver_names, open_driver
from edge_agent.drivers.printer import escpos_network, raster, tcp
from edge_agent.drivers.printer.compose import picture
from edge_agent.drivers.printer.simulated import _LABEL, Faults
from edge_agent.effects import Slip
from tests.twins.printer import PrinterTwin


class SimulatedRig:
    def __init__(self) -> None:
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

    def came_out(self, _: int) -> list[Image.Image]:
        """The paper between the two bars that say MÔ PHỎNG."""
        sheets = [Image.open(io.BytesIO(png)) for png in self.printer.slips_png()]
        bar = picture(Slip((("title", _LABEL),)), 576).height
        return [sheet.crop((0, bar, sheet.width, sheet.height - bar)).convert("1") for sheet in sheets]

    def end(self) -> None:
        pass


class NetworkRig:
    def __init__(self) -> None:
        self.twin = PrinterTwin()
        self.twin.__enter__()
        self.printer = self.driver()

    def driver(self, **more: object):
        address = {"host": "127.0.0.1", "tcp_port": self.twin.port}
        return open_driver("printer", "escpos_network", {"name": "rig", **address, **more})

    def fault(self, **faults: object) -> None:
        if faults.pop("ends_mid_slip", False):
            self.twin.manner.rows_left = 20
        for name, value in faults.items():
            setattr(self.twin.manner, name, value)

    def new_roll(self) -> None:
        self.fault(paper="full", rows_left=None)

    def lose(self) -> None:
        self.twin.__exit__()

    def came_out(self, count: int) -> list[Image.Image]:
        assert self.twin.paper.letters == b""
        return self.twin.slips(count, within_s=5.0 if count else 0.2)

    def end(self) -> None:
        self.twin.__exit__()


RIGS = {"simulated": SimulatedRig, "escpos_network": NetworkRig}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """The driver's patience, made short: the twin answers in milliseconds."""
    for name, seconds in (("_AFTER_S", 0.6), ("_GRACE_S", 0.3), ("_CLEAR_S", 0.3), ("_SEND_S", 1.5)):
        monkeypatch.setattr(escpos_network, name, seconds)
    monkeypatch.setattr(escpos_network, "_ROWS_PER_S", 100_000)
    monkeypatch.setattr(tcp, "_ANSWER_S", 0.4)


@pytest.fixture(params=driver_names("printer"))
def rig(request):
    made = RIGS[request.param]()
    yield made
    made.end()


@pytest.fixture
def network():
    made = NetworkRig()
    yield made
    made.end()


@pytest.fixture
def dots():
    """The dots that a slip must be on paper."""

    def burnt(slip: Slip, width: int = 576) -> Image.Image:
        return raster.harmless(picture(slip, width))

    return burnt
