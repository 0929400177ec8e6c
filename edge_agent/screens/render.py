"""Turns a `Screen` value into the HTML of its page. Decides no content: words are wording's, data are the machine's.

Everything that is shown is escaped by the template engine; a name that the data lack is an error, never an empty gap.
What a service is called comes with the data, in both languages at once; `w` picks. QR codes are drawn as inline SVG:
error correction M, quiet zone of four modules (domain reference, section 12).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edge_agent.machines import moments, slips, wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.effects import Screen
    from edge_agent.machines.wording import Language

FOLDER = Path(__file__).parent
QUIET_MODULES = 4


class Renderer:
    """The templates of one process, loaded when they are first needed and kept."""

    def __init__(self) -> None:
        self._pages = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._pages.filters |= {"moment": moments.moment, "hour": moments.hour, "day": moments.day_first}
        self._pages.filters |= {"in_words": slips.in_words}
        self._pages.globals |= {"qr": qr}

    def html(self, screen: Screen) -> str:
        """Give the page of a screen. Raises jinja2.TemplateError for a screen that nobody drew or data that lack."""
        return self._pages.get_template(f"{screen.name}.html").render(
            **screen.data, **_said(screen), lang=screen.language, big=screen.big, low=screen.low, name=screen.name
        )


def icons() -> frozenset[str]:
    """Names of the icons that are drawn: those that a catalogue may ask for are among them."""
    return frozenset(re.findall(r'name == "([a-z]+)"', (FOLDER / "_icons.html").read_text("utf-8")))


def qr(payload: str) -> Markup:
    """Draw a QR code as an SVG without a size: the style sheet says how large it is."""
    code = segno.make_qr(payload, error="m", boost_error=False)
    svg = code.svg_inline(border=QUIET_MODULES, omitsize=True, dark="#000", light="#fff", svgclass="qr")
    return Markup(svg)  # noqa: S704  drawn by segno from modules; no text of the payload is in it


def _said(screen: Screen) -> dict[str, Any]:
    """What templates say things with, in the language of this screen and in the other one."""
    language = screen.language
    second: Language = "en" if language == "vi" else "vi"

    def t(key: str, **gaps: object) -> str:
        return wording.say(language, key, **gaps)

    def other(key: str) -> str:
        return wording.say(second, key)

    def w(words: Mapping[str, str]) -> str:
        return words[language]

    def other_w(words: Mapping[str, str]) -> str:
        return words[second]

    def dong(amount: int) -> str:
        return slips.amount(language, amount)

    def why(reason: str) -> str:
        return _why(screen, reason)

    return {"t": t, "other": other, "w": w, "other_w": other_w, "dong": dong, "why": why}


def _why(screen: Screen, reason: str) -> str:
    limit = screen.data["frame"]["limits"].get(reason)  # type: ignore[index]
    return wording.say(screen.language, f"why.{reason}", limit=slips.amount(screen.language, limit) if limit else "")
