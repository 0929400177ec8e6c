"""A printer without paper, for demonstrations and tests: composes the same bytes and draws what the head would burn.

Decides nothing that a real printer would not. Slips stay in memory, the last few only, and every picture of one carries
the words MÔ PHỎNG: nobody shall take it for paper. Chosen by a station's profile, never by a flag in code.
"""

from __future__ import annotations

import io
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from edge_agent.drivers.open import read_settings
from edge_agent.drivers.printer import status
from edge_agent.drivers.printer.width import check_width
from edge_agent.effects import Slip
from edge_agent.events import PeripheralState
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT_SLIPS = 8
_LABEL = "MÔ PHỎNG – SIMULATED"


@dataclass(frozen=True, slots=True)
class Settings:
    """The head's width in dots."""

    width_dots: int = 576
    name: str = "simulated"


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the pretended device.

    silent: it prints, but tells nothing. ends_mid_slip: the roll ends in the middle of the next slip. jammed: paper
    blocks the cutter. head_hot: it stopped, and recovers by itself.
    """

    cover_open: bool = False
    paper: Literal["full", "low", "out"] = "full"
    jammed: bool = False
    head_hot: bool = False
    silent: bool = False
    ends_mid_slip: bool = False
    unplugged: bool = False


def make(settings: Mapping[str, object]) -> SimulatedPrinter:
    """Give the driver.

    Raises:
        DriverError: a setting that cannot be used.
    """
    read = read_settings(Settings, "simulated", settings)
    check_width("simulated", read.width_dots)
    return SimulatedPrinter(read)


class SimulatedPrinter:
    """A `Printer` (edge_agent.ports); `faults`, `set_faults` and `last_slip_png` may be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._faults = Faults()
        self._slips: deque[bytes] = deque(maxlen=_KEPT_SLIPS)
        self.slip_mm = 0  # paper that the newest slip takes

    @property
    def faults(self) -> Faults:
        """What is wrong with it now."""
        return self._faults

    def set_faults(self, faults: Faults) -> None:
        """Replace what is wrong with it."""
        self._faults = faults

    def slips_png(self) -> tuple[bytes, ...]:
        """The last slips that came out whole, oldest first, as PNG files that say MÔ PHỎNG."""
        return tuple(self._slips)

    def last_slip_png(self) -> bytes | None:
        """The last slip that came out whole, or None."""
        return self._slips[-1] if self._slips else None

    def forget(self) -> None:
        """The visit is over: its slips are in its hand, and no picture of them stays."""
        self._slips.clear()

    def open(self) -> PeripheralState:
        """As `state`."""
        return self.state()

    def state(self) -> PeripheralState:
        """How it is, read from the same status bytes as a real one's.

        Raises:
            PortFault: it is unplugged (state "noDevice").
        """
        self._present()
        health = self._health()
        told = (health.state, health.paper, health.detail, health.action)
        return PeripheralState("printer", self._settings.name, *told)

    def print(self, job: bytes, slip: Slip) -> str:  # noqa: ARG002 - a pretended printer needs no mark
        """Draw a slip, unless a fault forbids; "confirmed", or "unknown" when silent.

        Raises:
            PortFault: no slip came out.
        """
        from edge_agent.drivers.printer import raster

        faults = self._faults
        self._present()
        made = raster.job(slip, self._settings.width_dots)
        self.slip_mm = made.rows // raster.ROWS_PER_MM
        health = self._health()
        if health.blocked:
            raise PortFault(health.detail, health.action)
        if faults.ends_mid_slip:
            self._faults = replace(faults, ends_mid_slip=False, paper="out")
            raise PortFault("out of paper: put in a roll; the slip is not whole", "clear")
        self._slips.append(_labelled(made.body))
        return "unknown" if faults.silent else "confirmed"

    def close(self) -> None:
        """Nothing is held."""

    def _present(self) -> None:
        if self._faults.unplugged:
            raise PortFault("the printer is unplugged: plug it in", state="noDevice")

    def _health(self) -> status.Health:
        """The DLE EOT bytes of a printer with these faults, judged as anyone's."""
        faults = self._faults
        if faults.silent:
            return status.health({})
        out, low = faults.paper == "out", faults.paper == "low"
        stopped = out or faults.cover_open or faults.jammed or faults.head_hot
        return status.health(
            {
                1: 0x12 | 0x08 * stopped,
                2: 0x12 | 0x04 * faults.cover_open | 0x20 * out | 0x40 * faults.jammed,
                3: 0x12 | 0x08 * faults.jammed | 0x40 * faults.head_hot,
                4: 0x12 | 0x60 * out | 0x0C * low,
            }
        )


def _labelled(body: bytes) -> bytes:
    """What the head would burn, between two black bars that say MÔ PHỎNG; a PNG file."""
    from PIL import Image, ImageOps

    from edge_agent.drivers.printer.compose import picture

    rows, width, at = bytearray(), 0, 0
    while (at := body.find(b"\x1dv0\x00", at)) >= 0:
        width = int.from_bytes(body[at + 4 : at + 6], "little")
        end = at + 8 + width * int.from_bytes(body[at + 6 : at + 8], "little")
        rows += body[at + 8 : end]
        at = end
    paper = ImageOps.invert(Image.frombytes("1", (8 * width, len(rows) // width), bytes(rows)).convert("L"))
    bar = ImageOps.invert(picture(Slip((("title", _LABEL),)), paper.width).convert("L"))
    sheet = Image.new("L", (paper.width, paper.height + 2 * bar.height), 255)
    for y, part in ((0, bar), (bar.height, paper), (bar.height + paper.height, bar)):
        sheet.paste(part, (0, y))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
