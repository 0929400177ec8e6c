"""A picture as ESC/POS bytes: what goes over the wire to a printer that knows raster graphics (`GS v 0`).

Decides the bytes, and that none of them can be taken for a real-time command: printers obey those inside a picture too.
python-escpos composes; it is imported at the first print only (memory).
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

from edge_agent.drivers.printer.compose import picture
from edge_agent.drivers.printer.symbols import ComposeError
from edge_agent.drivers.printer.width import WIDTH_DOTS_MAX
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from edge_agent.effects import Slip

BAND_ROWS = 255
ROWS_PER_MM = 8  # 203 dpi
_SHIFT_DOTS_MAX = 7
# The library's own names for "raster up to so many dots, full cut": nothing else of them is used.
_PROFILES = ((576, "TM-T20II"), (WIDTH_DOTS_MAX, "CT-S651"))
_PICKLE_FOLDER = "ESCPOS_CAPABILITIES_PICKLE_DIR"
_LOADING = threading.Lock()
# DLE EOT n, DLE ENQ n, DLE DC4 n: Epson ESC/POS reference, "real-time commands".
_REAL_TIME = re.compile(rb"\x10(?:\x04[\x01-\x08]|\x05[\x00-\x03]|\x14[\x01\x02\x03\x08])")


@dataclass(frozen=True, slots=True)
class Job:
    """A slip ready to be sent: `body` is the picture, `tail` feeds and cuts; `rows` is the picture's height in dots."""

    body: bytes
    tail: bytes
    rows: int


def job(slip: Slip, width_dots: int, *, cut: bool = True) -> Job:
    """Draw a slip and give its bytes; without `cut` they only feed the slip past the tear bar.

    Raises:
        PortFault: the slip cannot be drawn, in the words of `compose.picture`.
    """
    try:
        image = harmless(picture(slip, width_dots))
    except ComposeError as why:
        raise PortFault(str(why), "softwareError") from why
    _load_escpos()
    from escpos.printer import Dummy

    printer = Dummy(profile=next(name for dots, name in _PROFILES if width_dots <= dots))
    printer.hw("INIT")
    printer.image(image, impl="bitImageRaster", fragment_height=BAND_ROWS, center=False)
    body = printer.output
    printer.clear()
    if cut:
        printer.cut()
    else:
        printer.print_and_feed(6)
    return Job(body=body, tail=printer.output, rows=image.height)


def harmless(image: Image.Image) -> Image.Image:
    """Give the picture, moved by up to 7 dots or with single dots left white, so that no real-time command is in it.

    Takes and gives mode "1", 0 = black, a multiple of 8 wide; the last 7 columns must be white.
    """
    for dots in range(_SHIFT_DOTS_MAX + 1):
        moved = ImageChops.offset(image, dots, 0)
        if not _REAL_TIME.search(_burnt(moved)):
            return moved
    rows = bytearray(_burnt(image))
    while hit := _REAL_TIME.search(rows):
        rows[hit.start()] = 0  # 10 hex is one single black dot
    return Image.frombytes("1", image.size, bytes(255 - eight for eight in rows))


def _burnt(image: Image.Image) -> bytes:
    """The rows as the printer gets them: one bit per dot, 1 = black."""
    return bytes(255 - eight for eight in image.tobytes())


def _load_escpos() -> None:
    """Import python-escpos without what it leaves behind.

    On import it pickles its table of printers into the folder named by ESCPOS_CAPABILITIES_PICKLE_DIR, and makes one
    more temporary folder even when that is set (3.1). Both go into a folder that is gone when the import is over; who
    sets the variable keeps the pickle there (0.1 s faster at the first print of a process). One thread at a time: the
    folder is the whole process's.
    """
    with _LOADING:
        if "escpos.printer" not in sys.modules:
            _import_escpos()


def _import_escpos() -> None:
    kept, before = os.environ.get(_PICKLE_FOLDER), tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="escpos-") as folder:
        os.environ.setdefault(_PICKLE_FOLDER, folder)
        tempfile.tempdir = folder
        try:
            import escpos.printer  # noqa: F401
        finally:
            tempfile.tempdir = before
            if kept is None:
                os.environ.pop(_PICKLE_FOLDER, None)
