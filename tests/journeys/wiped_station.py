"""The real agent, with two things that no test has: a scanner's node, and a clock that goes on when told. A program.

    python tests/journeys/wiped_station.py NODE PLANTED run FOLDER …

NODE stands for what udev would find of a serial scanner. SIGUSR1 lets a minute pass. PLANTED names bugs with a comma
between them, or is "-": `holder` keeps every screen in the agent, `page` keeps one in the browser's storage.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge_agent import __main__ as station
from edge_agent import plugs
from edge_agent.clock import Clock
from edge_agent.drivers.display import browser
from edge_agent.events import Plugged

if TYPE_CHECKING:
    from edge_agent.effects import Screen

MINUTE_S = 61.0
KEPT: list[object] = []


class Minutes(Clock):
    """The station's clock; each signal is a minute."""

    passed = 0

    def __init__(self, floor_ms: int) -> None:
        super().__init__(floor_ms, lambda: time.monotonic() + MINUTE_S * Minutes.passed)


def a_minute_passes(*_: object) -> None:
    Minutes.passed += 1


def find_scanner(node: str) -> None:
    really = plugs.locate

    def locate(match: Any, subsystem: str, fixed: str = "") -> Plugged:
        return Plugged("0000:0000:twin", "tty", node) if subsystem == "tty" else really(match, subsystem, fixed)

    plugs.locate = locate


def plant_holder() -> None:
    really = browser.BrowserDisplay.show

    def show(self: browser.BrowserDisplay, screen: Screen) -> None:
        KEPT.append(screen)
        really(self, screen)

    browser.BrowserDisplay.show = show  # type: ignore[method-assign]


def plant_page() -> None:
    really, wanted = browser._file, "location.replace("

    def file(name: str) -> bytes:
        text = really(name).decode()
        if name == "kiosk.js":
            assert text.count(wanted) == 1
            text = text.replace(wanted, f'localStorage.setItem("kept", window.kept), {wanted}')
            kept = "window.kept = (window.kept ?? '') + event.data"
            text = text.replace("JSON.parse(event.data)", f"JSON.parse(({kept}, event.data))")
        return text.encode()

    browser._file = file  # type: ignore[assignment]


if __name__ == "__main__":
    find_scanner(sys.argv[1])
    for bug in sys.argv[2].split(","):
        {"-": lambda: None, "holder": plant_holder, "page": plant_page}[bug]()
    station.Clock = Minutes  # type: ignore[misc]
    signal.signal(signal.SIGUSR1, a_minute_passes)
    sys.exit(station.main(sys.argv[3:]))
