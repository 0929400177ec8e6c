"""A slip: how long it takes to draw and to encode, and how many bytes go to the printer, on both widths of paper.

Beside it the same picture encoded by python-escpos alone: what it costs that no byte of a picture can be taken for a
command. Plain Pillow: the same lines in one size at the left, neither wrapped nor laid out nor coded, and encoded: what
a slip costs that is merely readable. And the text itself: what would go over the wire if printers agreed on letters.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from bench.fleet import now_ms
from bench.rows import Row, ratios, row
from device_profiles.bills import Bill
from device_profiles.catalogue_toml import load_shipped
from edge_agent.drivers.printer import raster
from edge_agent.drivers.printer.compose import _font, clean, picture
from edge_agent.machines.payment import Limits
from edge_agent.machines.scene import Payment, VisitSettings
from edge_agent.machines.slips import pending_slip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_agent.effects import Slip

# rounds, slips in each
COUNTS = {"full": (3, 10), "quick": (3, 3), "smoke": (1, 1)}
WIDTHS = {"80 mm": 576, "58 mm": 384}
_SETTINGS = VisitSettings(
    station="K0001",
    title="Trạm công dân số – Tòa A",
    address="Phường Phú Thượng, Thành phố Hà Nội",
    counter_first=1,
    counter_end=50_000,
    catalogue=load_shipped(),
    limits=Limits(),
    simulated=True,
)


def measure(size: str, folder: Path) -> list[Row]:
    rounds, count = COUNTS[size]
    assert folder.is_dir()
    slip = _slip()
    for width_dots in WIDTHS.values():  # the first of a process imports python-escpos and reads the letters
        raster.job(slip, width_dots)
    return [each for paper, dots in WIDTHS.items() for each in _rows(paper, slip, dots, rounds, count)]


def _slip() -> Slip:
    payment = Payment(
        txn=bytes(16),
        bill=Bill(b"bill0001", "A-12.05", "2026-11", 1_250_000, "2026-11-30", "NGUYEN *** AN"),
        payee_name="BAN QUAN TRI NHA CHUNG CU TOA A",
        payee_account="1020304050",
        bank="Vietcombank",
        code="TAM-K0001-000042-2",
        purpose="TT 4MJJA9954A",
        payload="",
        created_ms=now_ms(),
        online=True,
    )
    return pending_slip(_SETTINGS, payment, "vi", review=False)


def _rows(paper: str, slip: Slip, width_dots: int, rounds: int, count: int) -> list[Row]:
    image = picture(slip, width_dots)
    made = raster.job(slip, width_dots)
    assert len(made.body) >= made.rows * width_dots // 8
    took: dict[str, list[tuple[float, float]]] = {"whole": [], "drawn": [], "library": [], "plain": []}
    for _ in range(rounds):
        took["whole"].append(_each_ms(lambda: raster.job(slip, width_dots), count))
        took["drawn"].append(_each_ms(lambda: picture(slip, width_dots), count))
        took["library"].append(_each_ms(lambda: _encoded(image), count))
        took["plain"].append(_each_ms(lambda: _encoded(_plain(slip, width_dots)), count))
    waited = [wall for wall, _ in took["whole"]]
    whole, drawn, library, plain = ([worked for _, worked in took[name]] for name in took)
    least = [one + other for one, other in zip(drawn, library, strict=True)]
    done = rounds * count
    return [
        row(f"{paper}: drawn and encoded safely / drawn and encoded", "ratio", "×", ratios(whole, least), done),
        row(f"{paper}: drawn and encoded safely / plain Pillow, encoded", "ratio", "×", ratios(whole, plain), done),
        row(f"{paper}: drawn and encoded, on the wall", "ours", "ms", waited, done),
        row(f"{paper}: drawn and encoded, processor time", "ours", "ms", whole, done),
        row(f"{paper}: drawn, processor time", "part", "ms", drawn, done),
        row(f"{paper}: encoded by python-escpos alone, processor time", "peer", "ms", library, done),
        row(f"{paper}: plain Pillow, encoded, processor time", "peer", "ms", plain, done),
        row(f"{paper}: to the printer", "ours", "bytes", [len(made.body) + len(made.tail)], 1),
        row(f"{paper}: its text", "floor", "bytes", [sum(len(text.encode()) + 1 for _, text in slip.lines)], 1),
    ]


def _encoded(image: Image.Image) -> bytes:
    """The library's own way from the picture to its bytes."""
    from escpos.printer import Dummy

    printer = Dummy(profile="TM-T20II")
    printer.image(image, impl="bitImageRaster", fragment_height=raster.BAND_ROWS, center=False)
    output: bytes = printer.output
    return output


def _plain(slip: Slip, width_dots: int) -> Image.Image:
    """The lines one below the other, as a first script would draw them."""
    font, step = _font("Regular", 28), 36
    page = Image.new("1", (width_dots, step * len(slip.lines)), 1)
    draw = ImageDraw.Draw(page)
    for place, (_, text) in enumerate(slip.lines):
        draw.text((0, step * place), clean(text).replace("\t", "  ").replace("\n", " "), font=font, fill=0)
    return page


def _each_ms(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Time on the wall and of the processor, per call."""
    begun, worked = time.perf_counter(), time.process_time()
    for _ in range(count):
        work()
    return 1000 * (time.perf_counter() - begun) / count, 1000 * (time.process_time() - worked) / count
