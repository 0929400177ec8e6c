"""Templates to HTML. Decides no content: the engine escapes everything, and a missing value is an error, not a gap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fleet_server.console import dossier_rows, telling
from fleet_server.console.marks import reason_text, state_mark, status_mark
from fleet_server.console.money_rows import doubts, money_mark, next_step, why_mark
from fleet_server.console.station_page import told
from fleet_server.console.wording import say, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet_server.console.wording import Language

FOLDER = Path(__file__).parent


class Pages:
    """The templates of one process, loaded when they are first needed and kept."""

    def __init__(self) -> None:
        self._pages = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._pages.globals |= {
            "moment": telling.moment,
            "dong": telling.dong,
            "whole": telling.whole,
            "masked": telling.masked,
            "shortened": telling.shortened,
            "account": telling.account,
        }

    def html(self, name: str, language: Language, now_ms: int, **data: object) -> str:
        """Give a page. Raises jinja2.TemplateError for data that lack."""

        def t(key: str, **gaps: object) -> str:
            return say(language, key, **gaps)

        def w(family: str, value: str) -> str:
            return word(language, family, value)

        def age(at_ms: int) -> str:
            return telling.age(language, now_ms - at_ms)

        def in_words(name: str, *args: object) -> object:
            return _IN_WORDS[name](language, *args)

        return self._pages.get_template(f"{name}.html").render(
            **data, t=t, w=w, age=age, in_words=in_words, lang=language, now_ms=now_ms, page=name
        )


_IN_WORDS: dict[str, Callable[..., object]] = {
    "state": state_mark,
    "reason": reason_text,
    "status": status_mark,
    "money": money_mark,
    "next": next_step,
    "why": why_mark,
    "doubts": doubts,
    "dossier": dossier_rows.cells,
    "dossier_state": dossier_rows.state_mark,
    "dossier_tiles": dossier_rows.tiles,
    "line": told,
}
