"""A resident's payment in a real browser, online and with the cable pulled, to the record at the fleet and back.

Real processes, broker, TLS, Chromium; the printer is the byte-level twin on TCP 9100's protocol; the bank is simulated.
Screenshots go to the folder that SHOTS names, when it is set.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from device_profiles.formats import vietqr
from tests.twins.printer import PrinterTwin

if TYPE_CHECKING:
    from PIL.Image import Image
    from playwright.sync_api import Page

pytestmark = pytest.mark.journey
SIZES = {"portrait": (1080, 1920), "landscape": (1280, 800)}
FLAGS = ["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def printer():
    with PrinterTwin() as twin:
        yield twin


def shot(page: Page, name: str) -> None:
    """Keep a picture for a person to look at."""
    folder = os.environ.get("SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png")


def read_codes(picture: Path) -> list[str]:
    """What a phone's camera would read."""
    done = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")


def touch(page: Page, action: str, value: str = "") -> None:
    chosen = f'[data-action="{action}"]' + (f'[data-value="{value}"]' if value else "")
    page.locator(f"{chosen}:not([disabled])").last.click()


def to_the_code(page: Page, unit: str, name: str) -> None:
    """From the idle screen to the payment code."""
    page.locator(".screen.idle").wait_for()
    shot(page, f"{name}-1-idle")
    touch(page, "start", "vi")
    page.locator(".screen.home").wait_for()
    shot(page, f"{name}-2-home")
    touch(page, "group", "bill")
    page.locator(".screen.unit").wait_for()
    for key in unit:
        touch(page, "key", key)
    shot(page, f"{name}-3-unit")
    touch(page, "next")
    page.locator(".screen.bills").wait_for()
    shot(page, f"{name}-4-bills")
    touch(page, "pay")
    page.locator(".screen.review").wait_for()
    touch(page, "consent")
    expect(page.locator('[role="checkbox"]')).to_have_attribute("aria-checked", "true")
    shot(page, f"{name}-5-review")
    touch(page, "next")
    page.locator(".screen.qr").wait_for()
    shot(page, f"{name}-6-qr")


def scan(page: Page, folder: Path) -> vietqr.VietQr:
    """Photograph the code on the screen and read it with a reader that knows nothing of us."""
    picture = folder / "code.png"
    page.locator("[data-vietqr]").screenshot(path=str(picture))
    return vietqr.parse(read_codes(picture)[0])


def slip_codes(slip: Image, folder: Path) -> list[str]:
    picture = folder / "slip.png"
    slip.convert("L").save(picture)
    shots = os.environ.get("SHOTS")
    if shots:
        slip.convert("L").save(f"{shots}/slip-{len(list(Path(shots).glob('slip-*.png')))}.png")
    return read_codes(picture)


def live(rig, printer, browser, size: str):
    """A station of the demo profile with the twin as its printer, and a browser before it."""
    found = rig(1, profile="demo", printer_address=f"127.0.0.1:{printer.port}")
    page = browser.new_page(viewport=dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.set_default_timeout(20_000)
    page.goto(found.stage.lobbies[0].url)
    page.locator(".screen.idle").wait_for()
    # In service once the fleet was heard: its signed time is what money hangs on, and the bill list must have come.
    found.until(lambda: found.ask("SELECT count(*) FROM record")[0][0] >= 4, 20.0, "the station's first records")
    expect(page.locator(".screen.idle .touch").first).to_be_visible()
    found.until(lambda: "bills/" in str(found.ask("SELECT sets FROM station_state")), 20.0, "the bill list in force")
    return found, page


@pytest.mark.parametrize("size", sorted(SIZES))
def test_a_payment_online_is_confirmed_on_the_screen_by_the_fleets_signed_word(rig, printer, browser, tmp_path, size):
    found, page = live(rig, printer, browser, size)
    to_the_code(page, "A1205", f"online-{size}")
    code = scan(page, tmp_path)
    assert (code.bin, code.account) == ("970415", "113366668888")
    row = found.ask("SELECT amount, reference, said, state FROM payment")
    found.until(lambda: found.ask("SELECT said FROM payment") == [("QR_SHOWN",)], 10.0, "the payment at the fleet")
    row = found.ask("SELECT amount, reference, state FROM payment")[0]
    assert row[0] == code.amount
    assert row[1] in code.purpose
    assert row[2] == ""
    found.bank.pay(code.amount, code.purpose, code.account, 0.2)
    page.locator(".screen.result .state.good").wait_for()
    expect(page.locator(".screen.result h1")).to_have_text("ĐÃ XÁC NHẬN THANH TOÁN")
    shot(page, f"online-{size}-7-confirmed")
    provisional = page.locator(".provisional").inner_text()
    slips = printer.slips(2, 15.0)  # the first slip of a process may be an empty piece that clears the mechanism
    texts = [slip_codes(each, tmp_path) for each in slips[-1:]]
    assert provisional in texts[0]
    assert found.ask("SELECT code, state FROM payment") == [(provisional, "CONFIRMED")]
    found.until(lambda: found.ask("SELECT said FROM payment") == [("CONFIRMED",)], 10.0, "the station's own record")
    touch(page, "end")
    page.locator(".screen.idle").wait_for()
    assert provisional not in page.content()
    page.close()


def test_a_payment_with_the_cable_pulled_is_saved_says_so_and_is_confirmed_when_the_network_is_back(
    rig, printer, browser, tmp_path
):
    found, page = live(rig, printer, browser, "portrait")
    for cable in found.stage.cables:
        cable.cut()
    page.locator(".screen.idle .service.offline").wait_for(timeout=30_000)
    to_the_code(page, "A0304", "offline")
    expect(page.locator(".note.warn")).to_contain_text("Máy đang mất mạng nên chưa thể xác nhận ngay")
    code = scan(page, tmp_path)
    touch(page, "paid")
    expect(page.locator(".screen.result h1")).to_have_text("CHỜ XÁC NHẬN – CHƯA PHẢI BIÊN LAI")
    shot(page, "offline-7-awaiting")
    provisional = page.locator(".provisional").inner_text()
    assert provisional in slip_codes(printer.slips(2, 15.0)[-1], tmp_path)
    assert found.ask("SELECT count(*) FROM payment") == [(0,)]
    found.bank.pay(code.amount, code.purpose, code.account, 0.0)  # the payer's phone is online: the money moves
    for cable in found.stage.cables:
        cable.mend()
    page.locator(".screen.result .state.good").wait_for(timeout=60_000)
    expect(page.locator(".screen.result h1")).to_have_text("ĐÃ XÁC NHẬN THANH TOÁN")
    shot(page, "offline-8-confirmed")
    assert found.ask("SELECT code, state FROM payment") == [(provisional, "CONFIRMED")]
    page.close()


def test_a_cold_start_without_network_with_a_wrong_clock_still_serves_the_list(rig, printer, browser):
    found, page = live(rig, printer, browser, "landscape")
    lobby = found.stage.lobbies[0]
    for cable in found.stage.cables:
        cable.cut()
    lobby.part.kill()
    lobby.part.process.wait()
    lobby.part.command = ["faketime", "-f", "1980-01-01 00:00:00", *lobby.part.command]
    lobby.part.start()
    page.goto(lobby.url) if wait_for(found, lobby) else None
    page.locator(".screen.idle").wait_for()
    touch(page, "start", "vi")
    touch(page, "group", "bill")
    for key in "A0102":
        touch(page, "key", key)
    touch(page, "next")
    page.locator(".screen.bills").wait_for()
    expect(page.locator(".screen.bills")).to_contain_text("A-01.02")
    shot(page, "cold-start")
    page.close()


def wait_for(found, lobby) -> bool:
    import urllib.request

    def up() -> bool:
        try:
            with urllib.request.urlopen(lobby.url, timeout=1.0):
                return True
        except OSError:
            return False

    found.until(up, 30.0, "the station's page after the cold start")
    return True
