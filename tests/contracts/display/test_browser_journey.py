"""The resident's page in a real browser: a hand touches through a whole visit, and every screen is measured.

The machine, the server and the browser are real; only the hand's journal is a stand-in (the visit bed).
"""

from __future__ import annotations

import queue
import shutil
import subprocess
import time
from dataclasses import replace

import pytest
from playwright.sync_api import sync_playwright

from device_profiles.formats import vietqr
from edge_agent.effects import Ask, Wipe
from edge_agent.events import PageBeat, Touched
from tests.contracts.display.rigs import BrowserRig
from tests.edge_agent.visit_bed import OCTOBER, Bed, of
from tests.edge_agent.visit_scenes import SCENES, scene

pytestmark = pytest.mark.journey

PORTRAIT, LANDSCAPE = (1080, 1920), (1280, 800)
# A 21.5 inch screen of 1920 x 1080 has about 4.03 pixels per millimetre: a payment code of 4 cm.
CODE_MIN_PX = 162

# Long lists of one's own answers; their page has a way to see more (`tests/journeys/test_access.py` measures it).
SCROLLED = ("form_review",)
CUT = "() => { const main = document.querySelector('main'); return main.scrollHeight > main.clientHeight + 12; }"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as played:
        opened = played.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def rig():
    made = BrowserRig()
    made.start()
    yield made
    made.end()


class Hand:
    """Carries touches from the page to the machine and its screens back, as the agent's hand does."""

    def __init__(self, rig: BrowserRig, page, bed: Bed) -> None:
        self.rig, self.page, self.bed = rig, page, bed
        self.shown = 0
        self._perform([])

    def _perform(self, performed) -> None:
        for effect in performed:
            if isinstance(effect, Wipe):
                self.rig.display.wipe()
        if self.bed.screen.number != self.shown:
            self.shown = self.bed.screen.number
            self.rig.display.show(self.bed.screen)

    def carry(self) -> list[object]:
        """Wait for the page's next touch and give it to the machine."""
        while True:
            event = self.rig.posted.get(timeout=5)
            if isinstance(event, Touched) and event.action != "here":
                break
        performed = self.bed.send(event)
        self._perform(performed)
        return performed

    def send(self, performed) -> None:
        self._perform(performed)

    def tap(self, selector: str) -> list[object]:
        self.page.locator(selector).first.click()
        return self.carry()

    def sees(self, name: str) -> None:
        self.page.wait_for_selector(f".screen.{name}", timeout=5000)


def test_a_hand_touches_from_idle_to_the_code_and_to_the_wipe(browser, rig, tmp_path):
    page = browser.new_page(viewport={"width": 1080, "height": 1920})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(rig.display.url)
    hand = Hand(rig, page, Bed())
    hand.sees("idle")
    hand.tap("button.touch")
    hand.sees("home")
    hand.tap("[data-action=group][data-value=bill]")
    hand.sees("unit")
    for letter in "A1205":
        hand.tap(f"[data-action=key][data-value='{letter}']")
    page.wait_for_function("() => document.querySelector('.field').textContent.trim() === 'A1205'")
    hand.tap("[data-action=next]")
    hand.sees("bills")
    assert "NGUYEN *** AN" in page.content()
    hand.tap(f"[data-action=pay][data-value='{OCTOBER.hex()}']")
    hand.sees("review")
    assert page.locator("[data-action=next]").is_disabled()
    hand.tap("[data-action=consent]")
    page.wait_for_selector("[aria-checked=true]")
    (ask,) = of(hand.tap("[data-action=next]"), Ask)
    hand.sees("checking")
    hand.send(hand.bed.answer(ask, status="open"))
    hand.sees("qr")

    payload = page.locator("[data-vietqr]").get_attribute("data-vietqr")
    assert vietqr.parse(payload).amount == 485_000
    assert read_code(page, "[data-vietqr]", tmp_path) == payload
    page.wait_for_function("() => document.querySelector('[data-countdown]').textContent.startsWith('4:5')")

    hand.tap("[data-action=paid]")
    hand.sees("result")
    assert read_code(page, ".code.small", tmp_path) == "TAM-K0001-000042-2"
    page.evaluate("window.witness = 1; sessionStorage.setItem('left', 'over'); localStorage.setItem('left', 'over')")
    hand.tap("[data-action=end]")
    hand.sees("idle")
    page.wait_for_function("() => window.witness === undefined")
    assert "NGUYEN" not in page.content()
    assert page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    assert faults == []
    page.close()


def read_code(page, selector: str, folder) -> str:
    """What a scanner reads from the screen."""
    picture = folder / "code.png"
    page.locator(selector).screenshot(path=picture)
    done = subprocess.run(["zbarimg", "-q", "--raw", picture], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def next_beat(rig, patience_s: float = 15.0) -> int:
    """The next beat that counts; the screen that it names."""
    end_s = time.monotonic() + patience_s
    while True:
        event = rig.posted.get(timeout=max(0.01, end_s - time.monotonic()))
        if isinstance(event, PageBeat):
            return event.screen


def test_the_page_beats_at_once_and_again_with_the_screen_that_it_shows(browser, rig):
    page = browser.new_page()
    rig.display.show(scene("home").screen)
    page.goto(rig.display.url)
    assert next_beat(rig) == scene("home").screen.number
    rig.display.show(scene("help").screen)
    assert next_beat(rig) == scene("help").screen.number
    page.close()


def test_a_page_that_follows_no_more_or_draws_no_more_does_not_beat(browser, rig):
    bugs = [
        "() => { document.getElementById('stage').replaceChildren = () => { throw new Error('stuck') } }",
        "() => { window.requestAnimationFrame = () => 0 }",
    ]
    pages = [browser.new_page() for _ in bugs]
    rig.display.show(scene("home").screen)
    for page, bug in zip(pages, bugs, strict=True):
        page.goto(rig.display.url)
        next_beat(rig)
        page.evaluate(bug)
    rig.display.show(scene("bills").screen)
    pages[0].wait_for_timeout(300)  # a beat that was under way
    while not rig.posted.empty():
        rig.posted.get()
    with pytest.raises(queue.Empty):
        next_beat(rig, 2.5)  # one beat and a half
    for page in pages:
        page.close()


def test_a_double_click_sends_one_touch_and_fast_keys_send_all(browser, rig):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(rig.display.url)
    rig.display.show(scene("unit").screen)
    page.wait_for_selector(".screen.unit")
    page.locator("[data-action=back]").dblclick()
    page.locator("[data-action=key][data-value=B]").dblclick()
    time.sleep(0.3)
    sent = [each.action for each in list(rig.posted.queue) if isinstance(each, Touched)]
    assert sent == ["back", "key", "key"]
    page.close()


def test_a_finger_beside_every_button_says_that_somebody_is_there(browser, rig):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(rig.display.url)
    rig.display.show(scene("bills").screen)
    page.wait_for_selector(".screen.bills")
    page.mouse.click(640, 660)
    posted = rig.posted.get(timeout=5)
    while isinstance(posted, PageBeat):
        posted = rig.posted.get(timeout=5)
    assert posted == Touched(scene("bills").screen.number, "here", "")
    page.close()


def test_when_the_agent_dies_the_page_clears_itself_and_comes_back_with_the_next(browser, rig):
    page = browser.new_page()
    page.goto(rig.display.url)
    rig.display.show(scene("bills").screen)
    page.wait_for_selector(".screen.bills")
    address = rig.address
    rig.display.close()
    page.wait_for_function("() => !document.body.textContent.includes('NGUYEN')", timeout=15_000)
    assert page.locator("#lost").is_visible()
    following = BrowserRig(host=address[0], port=address[1])
    following.start()
    following.display.show(scene("idle").screen)
    page.wait_for_selector(".screen.idle", timeout=15_000)
    assert not page.locator("#lost").is_visible()
    following.end()
    page.close()


@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
def test_every_screen_but_a_long_review_fits_without_scrolling(browser, rig, size):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(rig.display.url)
    cut = []
    for number, name in enumerate(SCENES, start=10_000):
        screen = replace(scene(name).screen, number=number)
        rig.display.show(screen)
        page.wait_for_selector(f".screen.{screen.name}[lang={screen.language}]")
        page.wait_for_function("() => document.fonts.status === 'loaded'")
        page.wait_for_timeout(30)
        if page.evaluate(CUT) and screen.name not in SCROLLED:
            cut.append(name)
    page.close()
    assert cut == []


@pytest.mark.parametrize("big", [False, True], ids=["normal", "big"])
@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
def test_a_payment_code_is_large_enough_for_a_telephone(browser, rig, size, big):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(rig.display.url)
    for number, name in enumerate(("qr", "qr_offline"), start=10_000):
        rig.display.show(replace(scene(name).screen, number=number, big=big))
        page.wait_for_selector(".screen.qr")
        box = page.locator("[data-vietqr] svg").bounding_box()
        assert min(box["width"], box["height"]) >= CODE_MIN_PX
    page.close()
