"""A dead screen heals by itself: real watchman, weston and Chromium, a real page server, somebody who plays systemd.

The visit lives in the agent: a page that comes back shows what stands there now, and nothing of what stood there then.
Times are printed, and only the limits are asserted (tests/systemd/test_units.py): a slow machine is not a broken one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from edge_agent.effects import Wipe
from edge_agent.events import PageBeat, Touched
from tests.contracts.display.rigs import BrowserRig
from tests.edge_agent.visit_bed import Bed
from tests.journeys.display_bed import Systemd, policies, stand_ins

pytestmark = pytest.mark.journey

CANARY = "NGUYEN"
PATIENCE_S = 60.0  # for a loaded machine; the watchman's own limits are far shorter


class Stage:
    """A station's screen: the page's server with a resident's visit behind it, and the display's unit."""

    def __init__(self, folder) -> None:
        self.rig = BrowserRig()
        self.rig.start()
        self.bed = Bed()
        path = stand_ins(folder / "bin")
        self.systemd = Systemd(folder, self.rig.display.url, path, policies(self.rig.address[1], folder))
        self.journal = folder / "journal"

    def perform(self, effects) -> None:
        """What the agent's hand does with a machine's effects."""
        for effect in effects:
            if isinstance(effect, Wipe):
                self.rig.display.wipe()
        self.rig.display.show(self.bed.screen)

    def take(self, kind):
        """The page's next event of a kind."""
        end_s = time.monotonic() + PATIENCE_S
        while (left_s := end_s - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                event = self.rig.posted.get(timeout=left_s)
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"no {kind.__name__} came\n{self.told()}")

    def told(self) -> str:
        """The end of the service's log, without what Chromium misses on a machine without D-Bus and GPU."""
        lines = self.journal.read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if ":ERROR:" not in line][-40:])

    def beaten(self) -> int:
        """Wait for a new beat; the number of the screen that stands there."""
        while not self.rig.posted.empty():
            self.rig.posted.get()
        return self.take(PageBeat).screen

    def until(self, true, what: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end_s, f"{what}\n{self.told()}"
            time.sleep(0.05)

    @contextlib.contextmanager
    def healed(self, what: str):
        """The body breaks the screen; waits until a new browser's page beats."""
        starts, begun_s = self.systemd.starts, time.monotonic()
        yield
        self.until(lambda: self.systemd.starts > starts, f"{what}: the service did not end")
        ended_s = time.monotonic() - begun_s
        self.beaten()
        print(f"{what}: ended after {ended_s:.1f} s, healed after {time.monotonic() - begun_s:.1f} s")  # noqa: T201
        assert self.systemd.bites == 0, "the watchman was late: systemd had to end it"

    @contextlib.contextmanager
    def page(self):
        """What stands in the browser, by the debugging port of its stand-in."""
        port = (self.systemd.runtime / "profile" / "DevToolsActivePort").read_text().split()[0]
        with sync_playwright() as played:
            opened = played.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
            (page,) = [page for context in opened.contexts for page in context.pages]
            yield page
            opened.close()

    def signal(self, number: int, *words: str) -> None:
        found = self.systemd.pids(*words)
        assert found, words
        for pid in found:
            os.kill(pid, number)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    made = Stage(tmp_path_factory.mktemp("stage"))
    made.perform([])
    made.systemd.start()
    yield made
    made.systemd.stop()
    made.rig.end()
    assert made.systemd.pids() == []


@pytest.fixture
def visit(stage):
    """A resident stands before the bills of a flat; the page shows them."""
    while stage.bed.name != "idle":  # the one before has gone
        stage.perform(stage.bed.wait(60))
    stage.bed.to_bills()
    stage.perform([])
    assert stage.beaten() == stage.bed.screen.number
    return stage


def everything(page) -> str:
    """All that the document holds: text, attributes, fields, what hides in templates and storage."""
    told = page.evaluate(
        """() => [document.documentElement.outerHTML, document.title, JSON.stringify({...sessionStorage}),
        JSON.stringify({...localStorage}), JSON.stringify(history.state), location.href,
        ...[...document.querySelectorAll('*')].flatMap((each) => [each.value, each.shadowRoot?.innerHTML]),
        ].join(' ')"""
    )
    assert "Trạm công dân số" in told
    return told


def test_the_screen_comes_up_and_its_watchman_costs_next_to_nothing(stage):
    assert stage.beaten() == stage.bed.screen.number
    assert "READY=1" in stage.systemd.said
    main = stage.systemd.main.pid
    stage.until(lambda: "STATUS=the page beats" in stage.systemd.said, "the status")
    before = cpu_s(main)
    time.sleep(1)
    used = cpu_s(main) - before
    (resident,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{main}/status").read_text())
    print(f"watchman: {int(resident) // 1024} MB, {used:.1%} of a core")  # noqa: T201
    assert used < 0.05
    assert int(resident) < 30_000


def cpu_s(pid: int) -> float:
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def test_a_page_that_died_comes_back_with_the_visit_that_goes_on(visit):
    shown = visit.bed.screen
    with visit.healed("page killed"):
        visit.signal(signal.SIGKILL, "--type=renderer")
    with visit.page() as page:
        page.wait_for_selector(".screen.bills")
        assert CANARY in everything(page)
        page.locator("[data-action=pay]").first.click()
    touched = visit.take(Touched)
    assert (touched.screen, touched.action) == (shown.number, "pay")
    visit.perform(visit.bed.send(touched))
    assert visit.bed.name == "review"
    assert visit.beaten() == visit.bed.screen.number


def test_a_page_that_hung_in_one_visit_shows_nothing_of_it_in_the_next(visit):
    with visit.page() as page:
        assert CANARY in everything(page), "the search finds what is there"
    with visit.healed("page hung, visit over"):
        visit.signal(signal.SIGSTOP, "--type=renderer")
        visit.perform(visit.bed.touch("end"))
        visit.perform(visit.bed.touch("start", "en"))
    assert visit.bed.name == "home"
    with visit.page() as page:
        page.wait_for_selector(".screen.home")
        assert CANARY not in everything(page)
        assert "A-12.05" not in everything(page)
        page.go_back()
        page.wait_for_timeout(300)
        assert CANARY not in page.content()


@pytest.mark.parametrize("words", [("/chromium ", "--kiosk"), ("/weston ", "--socket")], ids=["browser", "compositor"])
def test_a_process_that_ends_is_started_again_with_the_visit(visit, words):
    with visit.healed(words[0].strip()):
        visit.signal(signal.SIGKILL, *words)
    with visit.page() as page:
        page.wait_for_selector(".screen.bills")


def test_an_agent_that_starts_again_costs_no_browser(visit):
    """The page shows its waiting screen and finds the new agent by itself; nothing of the visit is left."""
    starts, (host, port) = visit.systemd.starts, visit.rig.address
    with visit.page() as page:
        visit.rig.end()
        page.wait_for_selector("#lost", state="visible", timeout=PATIENCE_S * 1000)
        assert CANARY not in everything(page)
        visit.until(lambda: any("cannot be asked" in words for words in visit.systemd.said), "the watchman notices")
        visit.rig = BrowserRig(host=host, port=port)
        visit.bed = Bed()
        visit.rig.start()
        visit.perform([])
        page.wait_for_selector(".screen.idle", timeout=PATIENCE_S * 1000)
        assert visit.beaten() == visit.bed.screen.number
        assert CANARY not in everything(page)
    assert visit.systemd.starts == starts
