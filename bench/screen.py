"""How soon a touch is answered on the screen: the real agent, its local web server, and a real Chromium on a slow core.

A finger goes from the home screen into a report to the police, types a few letters with Telex and starts over, again
and again; every tap is an input event of the browser, every answer a screen that the visit machine made. The browser's
processor is slowed by the DevTools protocol (Emulation.setCPUThrottlingRate), the agent's is not. Beside it, on the
same browser in the same minute, a bare page that fetches the very same HTML as files from Python's own web server and
puts it in: what a tap costs when nobody thinks. bench/screen.js measures in the page.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from bench import processes
from bench.agent import unit_environment
from bench.fleet import Fleet, free_port
from bench.rows import Goal, Row, percentile, ratios, row
from edge_agent.screens.render import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

# rounds, walks in each, how many times slower the browser's processor
COUNTS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "full": (3, 2, (1, 4, 6)),
    "quick": (1, 2, (1, 4, 6)),
    "smoke": (1, 1, (4,)),
}
TAP_MOST_MS = 100.0  # domain reference, 14.2: feedback of a touch
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZE = {"width": 1080, "height": 1920}
SCRIPT = Path(__file__).with_name("screen.js")
WAIT_MS = 20_000
# One walk, from the home screen back to it: a report to the police, up to its first line of text. (action, value)
TOUCHES = (
    ("group", "report"),
    ("next", ""),
    ("choose", "noise"),
    ("choose", "over"),
    ("quick", "yesterday"),
    ("next", ""),
    ("skip", ""),
    ("choose", "here"),
    *(("key", letter) for letter in "taafng mootj"),
    ("erase", "one"),
    ("restart", ""),
)
BOUNCE_S = 0.3  # the page takes two equal touches within a quarter of a second for one; keys apart
BARE = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><link rel="stylesheet" href="/static/style.css"></head>
<body><div id="stage"></div><script>
const stage = document.getElementById("stage");
let place = -1;
const put = (html) => { stage.innerHTML = html; };
const next = () => fetch(`/${place = (place + 1) % COUNT}.html`).then((answer) => answer.text()).then(put);
document.addEventListener("click", next);
next();
</script></body></html>
"""


@dataclass(slots=True)
class _Felt:
    """Milliseconds of one page's life, and the agent's memory meanwhile (MB)."""

    taps: list[float]
    presses: list[float]
    first: float
    paint: float


@dataclass(slots=True)
class _Seen:
    """What all rounds showed, by how slow the browser was."""

    ours: dict[int, list[_Felt]] = field(default_factory=dict)
    bare: dict[int, list[_Felt]] = field(default_factory=dict)
    resident_mb: list[float] = field(default_factory=list)


def measure(size: str, folder: Path) -> list[Row]:
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        raise FileNotFoundError(f"{CHROMIUM} is missing; install it by: apt install chromium")
    rounds, walks, rates = COUNTS[size]
    seen = _Seen()
    with _station(folder) as (agent, port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with _bare(folder / "bare", _visit(browser, port, 1, 1)[1]) as bare_port:
            for _ in range(rounds):
                for rate in rates:
                    seen.ours.setdefault(rate, []).append(_visit(browser, port, rate, walks)[0])
                    seen.resident_mb.append(processes.memory(agent).resident)
                    seen.bare.setdefault(rate, []).append(_tap(browser, bare_port, rate, walks * len(TOUCHES)))
        browser.close()
    return [each for rate in rates for each in _rows(rate, seen, rounds)] + [
        row("agent during these visits: resident", "ours", "MB", seen.resident_mb, len(seen.resident_mb))
    ]


def _rows(rate: int, seen: _Seen, rounds: int) -> list[Row]:
    ours, bare = seen.ours[rate], seen.bare[rate]
    taps = sum(len(each.taps) for each in ours)
    pressed = [_p95(each.presses) for each in ours]
    late, late_bare = ([_p95(each.taps) for each in side] for side in (ours, bare))
    slow = f"browser {rate}× slower" if rate > 1 else "browser at full speed"
    return [
        row(f"{slow}: tap to screen, p95, ours / bare page", "ratio", "×", ratios(late, late_bare), taps),
        row(f"{slow}: tap to screen, p95", "ours", "ms", late, taps, Goal("most", TAP_MOST_MS)),
        row(f"{slow}: tap to screen, p50", "ours", "ms", [_p50(each.taps) for each in ours], taps),
        row(f"{slow}: tap to pressed look, p95", "ours", "ms", pressed, taps, Goal("most", TAP_MOST_MS)),
        row(f"{slow}: bare page, tap to screen, p95", "peer", "ms", late_bare, sum(len(each.taps) for each in bare)),
        row(f"{slow}: bare page, tap to screen, p50", "peer", "ms", [_p50(each.taps) for each in bare], taps),
        row(f"{slow}: start of the page to first paint", "ours", "ms", [each.paint for each in ours], rounds),
        row(f"{slow}: start of the page to first screen", "ours", "ms", [each.first for each in ours], rounds),
        row(f"{slow}: bare page, start to first screen", "peer", "ms", [each.first for each in bare], rounds),
    ]


def _p95(values: list[float]) -> float:
    return percentile(sorted(values), 0.95)


def _p50(values: list[float]) -> float:
    return percentile(sorted(values), 0.5)


@contextlib.contextmanager
def _station(folder: Path) -> Iterator[tuple[int, int]]:
    """A served station beside its fleet server: the agent's pid, and the port of its page."""
    fleet = Fleet.make(folder / "fleet")
    station = folder / "K0001"
    fleet.enrol("K0001", station)
    console_port, port = free_port(), free_port()
    (fleet.server / "server.toml").write_text(
        f"broker_port = {fleet.broker_port}\nface_port = {fleet.face_port}\nconsole_port = {console_port}\n",
        encoding="utf-8",
    )
    serve, log = [sys.executable, "-m", "fleet_server", "serve", str(fleet.server)], folder / "server.log"
    run = [sys.executable, "-m", "edge_agent", "run", str(station), "--screen-port", str(port)]
    with processes.running(serve, log) as server:
        processes.wait_served(server, console_port, "/healthz", log)
        with processes.running(run, folder / "agent.log", os.environ | unit_environment(folder)) as agent:
            processes.wait_served(agent, port, "/", folder / "agent.log")
            yield agent.pid, port


@contextlib.contextmanager
def _bare(folder: Path, screens: list[str]) -> Iterator[int]:
    """The same screens as files behind Python's own web server; gives its port."""
    (folder / "static").mkdir(parents=True)
    (folder / "fonts").mkdir()
    shutil.copy(FOLDER / "style.css", folder / "static")
    for name in ("Roboto-Regular.ttf", "Roboto-Medium.ttf", "Roboto-Bold.ttf"):
        shutil.copy(str(resources.files("font_roboto").joinpath("files", name)), folder / "fonts")
    for place, html in enumerate(screens):
        (folder / f"{place}.html").write_text(html, encoding="utf-8")
    (folder / "index.html").write_text(BARE.replace("COUNT", str(len(screens))), encoding="utf-8")
    port, log = free_port(), folder / "log"
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--protocol", "HTTP/1.1"]
    with processes.running([*command, "--directory", str(folder)], log) as server:
        processes.wait_served(server, port, "/", log)
        yield port


def _open(browser: Browser, port: int, rate: int) -> Page:
    """A page that stands on its first screen, on a slowed processor."""
    page = browser.new_page(viewport=SIZE)
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(path=SCRIPT)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
    page.goto(f"http://127.0.0.1:{port}/")
    _until(page, "felt.first && performance.getEntriesByName('first-contentful-paint').length")
    return page


def _until(page: Page, true: str) -> None:
    """Raises TimeoutError when it does not come true."""
    end_s = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(true):
        if time.monotonic() > end_s:
            raise TimeoutError(f"{true} did not come true on {page.locator('.screen').get_attribute('class')}")
        time.sleep(0.005)


def _touch(page: Page, chosen: str, done: int) -> None:
    """One finger on the middle of what is chosen; waits for the answer, the `done`-th of this page."""
    box = page.locator(chosen).last.bounding_box()
    assert box is not None, chosen
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    _until(page, f"felt.taps.length >= {done}")


def _walk(page: Page) -> Iterator[str]:
    """One walk with all its answers; gives the HTML of each screen on its way."""
    before = ""
    for action, value in TOUCHES:
        if action == before != "key":
            time.sleep(BOUNCE_S)
        before = action
        wanted = f'[data-value="{value}" i]' if value else ""  # the keyboard may show capitals
        done: int = page.evaluate("felt.taps.length")
        _touch(page, f'[data-action="{action}"]{wanted}:not([disabled])', done + 1)
        yield page.evaluate("document.getElementById('stage').innerHTML")


def _home(page: Page) -> None:
    """To the home screen, from the idle one."""
    page.locator('.screen.idle button[data-action="start"][data-value="vi"]').click()
    page.locator(".screen.home").wait_for()
    _until(page, "felt.taps.length >= 1")
    page.evaluate("felt.taps.length = felt.presses.length = 0")


def _visit(browser: Browser, port: int, rate: int, walks: int) -> tuple[_Felt, list[str]]:
    """Walks of one resident; also gives the HTML of every screen of the last walk, in its order."""
    page = _open(browser, port, rate)
    started = page.evaluate(_STARTED)
    _home(page)
    for _ in range(walks):
        screens = list(_walk(page))
    assert page.locator(".screen.home").count() == 1
    felt = _felt(page, started, walks * len(TOUCHES))
    page.locator('.screen.home [data-action="end"]').click()
    page.locator(".screen.idle").wait_for()
    page.close()
    return felt, screens


def _tap(browser: Browser, port: int, rate: int, taps: int) -> _Felt:
    page = _open(browser, port, rate)
    started = page.evaluate(_STARTED)
    for number in range(1, taps + 1):
        _touch(page, "body", number)
    felt = _felt(page, started, taps)
    page.close()
    return felt


_STARTED = "[felt.first, performance.getEntriesByName('first-contentful-paint')[0].startTime]"


def _felt(page: Page, started: list[float], taps: int) -> _Felt:
    told = page.evaluate("felt")
    assert (len(told["taps"]), len(told["presses"])) == (taps, taps)
    return _Felt(told["taps"], told["presses"], *started)
