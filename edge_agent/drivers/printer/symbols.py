"""Codes for machines to read, drawn dot by dot: QR and Code 128 (set B). Decides their size, never what they say."""

from __future__ import annotations

import segno
from PIL import Image, ImageDraw

# ISO/IEC 15417, table 1: the widths of bar, space, bar, space, bar, space: six digits for each value 0 to 105.
_WIDTHS = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221"
    "223211221132221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321"
    "112313132113132311211313231113231311112133112331132131113123113321133121313121211331231131213113213311213131"
    "311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221112214112412122114"
    "122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141"
    "214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214211232"
)
_STOP = "2331112"
_START_B = 104
_BARS_QUIET_MODULES, _BARS_HEIGHT = 10, 88
_QR_QUIET_MODULES, _QR_MODULE_MIN, _QR_MODULE_MAX = 4, 3, 7
_WHITE, _BLACK = 255, 0


class ComposeError(ValueError):
    """A slip that cannot be drawn: an unknown style, or a code that does not fit the paper."""


def qr(text: str, width: int) -> Image.Image:
    """A QR code with its quiet zone; modules of 3 to 7 dots, about half the paper wide.

    Raises:
        ComposeError: the text is empty or its code does not fit the paper.
    """
    if not text:
        raise ComposeError("QR code: there is nothing to say")
    try:
        code = segno.make_qr(text, error="m")
    except ValueError as why:
        raise ComposeError(f"QR code: {why}; shorten what it says") from why
    across = int(code.symbol_size(scale=1, border=_QR_QUIET_MODULES)[0])
    module = max(_QR_MODULE_MIN, min(_QR_MODULE_MAX, int(width * 0.6) // across))
    if across * module > width:
        raise ComposeError(f"QR code of {across} modules does not fit {width} dots of paper; shorten what it says")
    dots = Image.new("L", (across, across), _WHITE)
    for y, row in enumerate(code.matrix_iter(border=_QR_QUIET_MODULES)):
        for x, dark in enumerate(row):
            if dark:
                dots.putpixel((x, y), _BLACK)
    return dots.resize((across * module, across * module), Image.Resampling.NEAREST)


def code128(text: str, width: int) -> Image.Image | None:
    """Bars of 2 or 3 dots with their quiet zones, at most `width` dots; None where even 2 dots do not fit.

    Raises:
        ComposeError: as `modules`.
    """
    row = modules(text)
    across = len(row) + 2 * _BARS_QUIET_MODULES
    module = min(3, width // across)
    if module < 2:
        return None
    strip = Image.new("L", (across * module, _BARS_HEIGHT + 16), _WHITE)
    draw = ImageDraw.Draw(strip)
    for place, dark in enumerate(row):
        x = (place + _BARS_QUIET_MODULES) * module
        if dark == "1":
            draw.rectangle((x, 8, x + module - 1, 7 + _BARS_HEIGHT), fill=_BLACK)
    return strip


def modules(text: str) -> str:
    """Give the Code 128 symbol of `text` as one "1" (bar) or "0" (space) per module, without the quiet zones.

    Args:
        text: one or more characters of printable ASCII (20 to 7E).

    Raises:
        ComposeError: for an empty text or a character that set B does not hold.
    """
    foreign = sorted({letter for letter in text if not " " <= letter <= "~"})
    if foreign or not text:
        raise ComposeError(f"Code 128 B holds printable ASCII only, and at least one letter; not {''.join(foreign)!r}")
    values = [_START_B, *(ord(letter) - 0x20 for letter in text)]
    check = (values[0] + sum(place * value for place, value in enumerate(values))) % 103
    widths = "".join(_WIDTHS[6 * value : 6 * value + 6] for value in (*values, check)) + _STOP
    return "".join("10"[place % 2] * int(width) for place, width in enumerate(widths))
