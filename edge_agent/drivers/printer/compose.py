"""A slip as a picture: which letters stand where, at which size, on paper of a given width.

Decides the look of paper and nothing else: what it says is `effects.Slip`, how a printer is spoken to is for `raster`
and the drivers. All is drawn (text, rules, boxes, codes): printers disagree on code pages, so a picture is the one way
in which every Vietnamese letter comes out. Pure: the same slip and width give the same dots.

Sizes are in dots of about 1/8 mm (203 dpi). No text is below 24 dots (regular) or 28 (medium): smaller, a machine that
reads slips back mistakes one Vietnamese mark for another, and so may a resident. Below 22, dot patterns too often
hold bytes that a printer takes for a real-time command (see `raster`).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import font_roboto
from PIL import Image, ImageDraw, ImageFont

from edge_agent.drivers.printer.symbols import ComposeError, code128, qr

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.effects import Slip

    Align = Literal["left", "center", "right"]
    _Fonts = tuple[ImageFont.FreeTypeFont, ImageFont.FreeTypeFont]  # of the label (or all), and of the value

MARGIN_LEFT = 4
MARGIN_RIGHT = 12  # `raster` may move the picture up to 7 dots to the right
_WHITE, _BLACK = 255, 0
_INK = 140  # a dot darker than this (0 black, 255 white) is burnt: thin strokes stay whole
_CODES = ("code", "qr", "code128")
STYLES = ("title", "text", "small", "bold", "box", "rule", *_CODES)
_SPACE = re.compile(r"[ \t]+(?![–·đ₫](?:[ \t]|$))")

_CODE_PART = re.compile(r"[^-]*-|[^-]+")


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Letter sizes in dots; two sets, because a 58 mm roll holds two thirds of an 80 mm roll."""

    title: int
    text: int
    small: int
    bold: int
    box: int
    code: int


_WIDE = _Sizes(title=40, text=28, small=24, bold=31, box=34, code=60)
_NARROW = _Sizes(title=33, text=28, small=24, bold=28, box=29, code=46)
_WIDE_FROM = 500


@lru_cache(maxsize=32)
def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """Roboto in a weight ("Regular" has the bare name); the plain layout engine, so that every machine draws alike."""
    path = font_roboto.font_files["Roboto" + weight.removeprefix("Regular")]
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=32)
def _reach(font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """Dots above and below the base line that the tallest Vietnamese capital and the deepest tail need."""
    _, top, _, bottom = font.getbbox("ẪỔỮĐựgjpqy", anchor="ls")
    return -int(top), int(bottom)


def clean(text: str) -> str:
    """NFC, with control characters as spaces (tab and line feed keep their meaning) and invisible marks removed."""
    kinds = ((letter, unicodedata.category(letter)) for letter in text if letter not in "\t\n")
    drop = {ord(letter): " " if kind == "Cc" else None for letter, kind in kinds if kind in ("Cc", "Cf")}
    return unicodedata.normalize("NFC", text.translate(drop))


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Break `text` into lines of at most `width` as `measure` counts it; never loses a letter.

    Breaks at spaces (a no-break space holds), but not before a lone dash, dot or currency sign; a word wider than a
    line is broken between letters, never before a combining mark. A letter wider than the line stands alone on it.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in filter(None, _SPACE.split(paragraph)):
            if not line or measure(f"{line} {word}") > width:
                lines += [line] if line else []
                *full, line = _broken(word, width, measure)
                lines += full
            else:
                line = f"{line} {word}"
        lines.append(line)
    return lines


def _broken(word: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """One word as pieces that fit."""
    if measure(word) <= width:
        return [word]
    pieces = [""]
    for letter in word:
        if pieces[-1] and not unicodedata.combining(letter) and measure(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _balanced(text: str, width: float, measure: Callable[[str], float], least: float = 0.5) -> list[str]:
    """As few lines as `wrap` needs, but of even length (down to `least` of the width): no lonely last word."""
    best = wrap(text, width, measure)
    low, high = width * least, width
    while len(best) > 1 and high - low > 4:
        middle = (low + high) / 2
        tried = wrap(text, middle, measure)
        if len(tried) > len(best) or max(map(measure, tried)) > middle:
            low = middle
        else:
            best, high = tried, middle
    return best


def _strip(lines: list[str], font: ImageFont.FreeTypeFont, width: int, align: Align) -> Image.Image:
    """Lines of text, white behind, `width` dots wide."""
    up, down = _reach(font)
    step = up + down + 2
    strip = Image.new("L", (width, step * len(lines)), _WHITE)
    draw = ImageDraw.Draw(strip)
    for place, line in enumerate(lines):
        free = width - font.getlength(line)
        x = {"left": 0, "center": free / 2, "right": free}[align]
        draw.text((max(0, int(x)), place * step + up + 1), line, font=font, fill=_BLACK, anchor="ls")
    return strip


def _stack(strips: list[Image.Image], width: int) -> Image.Image:
    """Strips below one another."""
    whole = Image.new("L", (width, sum(strip.height for strip in strips)), _WHITE)
    y = 0
    for strip in strips:
        whole.paste(strip, ((width - strip.width) // 2, y))
        y += strip.height
    return whole


def _centred(text: str, font: ImageFont.FreeTypeFont, width: int) -> Image.Image:
    return _strip(_balanced(text, width, font.getlength), font, width, "center")


def _pair(label: str, value: str, fonts: _Fonts, width: int) -> Image.Image:
    """`label<TAB>value`: the label on the left, the value on the right; below it where that breaks the value less."""
    left, right = fonts
    room = max(1.0, width - left.getlength(label) - right.size / 2)
    beside, below = (_balanced(value, space, right.getlength) for space in (room, width * 0.94))
    if len(beside) > len(below) + (len(below) > 1):
        above = _strip(_balanced(label, width, left.getlength), left, width, "left")
        return _stack([above, _strip(below, right, width, "right")], width)
    strip = _strip(beside, right, width, "right")
    ImageDraw.Draw(strip).text((0, _reach(right)[0] + 1), label, font=left, fill=_BLACK, anchor="ls")
    return strip


def _text(text: str, fonts: _Fonts, width: int, align: Align = "left") -> Image.Image:
    label, tab, value = text.partition("\t")
    if tab:
        return _pair(label, value.replace("\t", " "), fonts, width)
    least = 0.5 if align == "center" else 0.75
    return _strip(_balanced(text, width, fonts[0].getlength, least), fonts[0], width, align)


def _box(texts: list[str], sizes: _Sizes, width: int) -> Image.Image:
    """The state of the matter in a thick frame: first line large, what follows smaller."""
    pad, edge = 12, 5
    inner = width - 2 * (pad + edge)
    rows = []
    for place, text in enumerate(texts):
        font = _font("Bold", sizes.text - 2 if place else sizes.box)
        fits = font.getlength(text) <= inner
        rows.append(_centred(text if fits else text.replace(" – ", " –\n"), font, inner))
    content = _stack(rows, inner)
    strip = Image.new("L", (width, content.height + 2 * (pad + edge) + 16), _WHITE)
    frame = (0, 8, width - 1, strip.height - 9)
    ImageDraw.Draw(strip).rounded_rectangle(frame, radius=14, outline=_BLACK, width=edge)
    strip.paste(content, (pad + edge, 8 + pad + edge))
    return strip


def _rule(width: int) -> Image.Image:
    strip = Image.new("L", (width, 20), _WHITE)
    ImageDraw.Draw(strip).rectangle((0, 9, width - 1, 10), fill=_BLACK)
    return strip


def _code(text: str, sizes: _Sizes, width: int) -> Image.Image:
    """A code to be read aloud: as large as fits on one line, and wrapped only when even the text size does not fit."""
    for size in range(sizes.code, sizes.text, -2):
        font = _font("Bold", size)
        if font.getlength(text) <= width:
            return _centred(text, font, width)
    return _centred(text if " " in text else _hyphenated(text, width, font.getlength), font, width)


def _hyphenated(code: str, width: float, measure: Callable[[str], float]) -> str:
    """A long code broken after its hyphens, so that who reads it aloud finds its parts whole."""
    lines = [""]
    for part in _CODE_PART.findall(code):
        if lines[-1] and measure(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _bars(text: str, sizes: _Sizes, width: int) -> Image.Image:
    """Code 128; a text too long for readable bars is printed as a code in letters instead."""
    return code128(text, width) or _code(text, sizes, width)


def _block(style: str, texts: list[str], sizes: _Sizes, width: int, align: Align) -> Image.Image:
    """One run of lines of the same style; `align` is for text."""
    if style == "box":
        return _box(texts, sizes, width)
    text_fonts = _font("Medium", sizes.text), _font("Bold", sizes.text)
    bold_fonts = (_font("Bold", sizes.bold),) * 2
    small_fonts = (_font("Regular", sizes.small),) * 2
    draw: dict[str, Callable[[str], Image.Image]] = {
        "title": lambda text: _centred(text, _font("Bold", sizes.title), width),
        "text": lambda text: _text(text, text_fonts, width, align),
        "small": lambda text: _text(text, small_fonts, width, align),
        "bold": lambda text: _text(text, bold_fonts, width, align),
        "rule": lambda _: _rule(width),
        "code": lambda text: _code(text, sizes, width),
        "qr": lambda text: qr(text, width),
        "code128": lambda text: _bars(text, sizes, width),
    }
    if style not in STYLES:
        near = difflib.get_close_matches(style, STYLES, n=1, cutoff=0.0)[0]
        raise ComposeError(f"slip style {style!r} is unknown; the nearest is {near!r}")
    return _stack([draw[style](text) for text in texts], width)


def picture(slip: Slip, width_dots: int) -> Image.Image:
    """Draw a slip.

    Args:
        slip: what it says. Lines of the style "box" that follow one another share one box; a tab in "text", "small" or
            "bold" sets what follows it to the right; a line feed breaks a line; "small" and "bold" right below a title
            and "small" right above a code are centred.
        width_dots: the width of the printer's head (576 for 80 mm, 384 for 58 mm); a multiple of 8.

    Returns:
        A picture of mode "1" (0 = black), `width_dots` wide.

    Raises:
        ComposeError: an unknown style, no line at all, or a code that does not fit.
    """
    if not slip.lines:
        raise ComposeError("a slip without lines has nothing to print")
    sizes = _WIDE if width_dots >= _WIDE_FROM else _NARROW
    width = width_dots - MARGIN_LEFT - MARGIN_RIGHT
    runs = [(style, [clean(text) for _, text in run]) for style, run in groupby(slip.lines, key=lambda line: line[0])]
    blocks, heading = [], False
    for place, (style, texts) in enumerate(runs):
        heading = style == "title" or (heading and style in ("small", "bold"))
        caption = style == "small" and place + 1 < len(runs) and runs[place + 1][0] in _CODES
        blocks.append(_block(style, texts, sizes, width, "center" if heading or caption else "left"))
    content = _stack(blocks, width)
    page = Image.new("L", (width_dots, content.height + 16), _WHITE)
    page.paste(content, (MARGIN_LEFT, 8))
    return page.point(lambda dot: _WHITE if dot > _INK else _BLACK, "1")
