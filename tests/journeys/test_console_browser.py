"""The console in a real browser, on a real store, over real HTTP: it lives, and it says so when it does not."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from fleet_server.console.app import Console, console_app
from fleet_server.console.sign_in import put_user
from fleet_server.console.telling import age
from fleet_server.settings import Settings
from fleet_server.store_sqlite import SqliteReaders, SqliteStore
from fleet_server.writer import Writer
from tests.fleet_server.console_bed import ALL_WELL, WHY, add_station, device_of, last, payment, place, status

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.journey
CHROMIUM = "/usr/bin/chromium"
NAME, PASSWORD = "huyen", "một mật khẩu dài"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
# What a browser complains of when the server is gone, the session has ended, the password was wrong.
EXPECTED = ("ERR_CONNECTION_REFUSED", "401 (Unauthorized)", "403 (Forbidden)")
EVIL = "<img src=x onerror=\"document.title='taken'\">"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Served:
    """A console that listens; `stop` ends it as a crash would, in the middle of whatever is asked."""

    writer: Writer
    url: str
    web: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        self.web.should_exit = self.web.force_exit = True
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()


@pytest.fixture
def served(tmp_path: Path, free_port: Callable[[], int]) -> Generator[Served]:
    database, port = tmp_path / "fleet.db", free_port()
    writer = Writer(lambda: SqliteStore.open(database))
    writer.start()
    writer.run(lambda store: put_user(store, NAME, PASSWORD, "operator", now_ms()))
    readers = SqliteReaders(database)
    settings = Settings(folder=tmp_path, console_port=port, bank_simulated=True)
    console = Console(writer, readers, now_ms, settings, lambda: True, "bank-key")
    config = uvicorn.Config(
        console_app(console), host="127.0.0.1", port=port, log_level="error", lifespan="off", ws="none"
    )
    web = uvicorn.Server(config)
    thread = threading.Thread(target=web.run, name="console", daemon=True)
    thread.start()
    while not web.started:
        assert thread.is_alive()
        time.sleep(0.02)
    served = Served(writer, f"http://127.0.0.1:{port}", web, thread)
    yield served
    served.stop()
    writer.stop()
    readers.close()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless=new"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Generator[Page]:
    """A signed-in page of 1440 x 900; nothing it complains about is overlooked."""
    page = browser.new_page(viewport=DESK)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(served.url)
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator("#stations")).to_be_attached()
    yield page
    assert [each for each in complaints if not any(reason in each for reason in EXPECTED)] == []
    page.close()


def seconds(told: str) -> int:
    number, unit = told.split(" ", 1)
    assert unit == "giây trước"
    return int(number)


def hear(served: Served, station: str, **changed: Any) -> None:
    """A newer batch of a station has come in."""
    served.writer.run(lambda store: store.put_last_values(last(station, now_ms(), **changed)))


def test_the_list_lives_without_being_loaded_again(page: Page, served: Served) -> None:
    add_station(served.writer, 1, now_ms())
    row = page.locator("tr[data-id=K0001]")
    expect(row.locator("td.state")).to_contain_text("Đang phục vụ", timeout=10_000)
    page.evaluate(
        "document.body.dataset.witness = 'the same page'; document.querySelector('tr[data-id=K0001] a').focus()"
    )
    served.writer.run(lambda store: store.put_station(place(title=EVIL), WHY))
    no_paper = status(peripherals=[["printer", EVIL, "online", "out"], *ALL_WELL[1:]], version=EVIL)
    add_station(served.writer, 2, now_ms(), status=no_paper, newest=400)
    hear(served, "K0001", status=status(stopped=["journal"]))
    expect(row.locator("td.state")).to_contain_text("Ngừng phục vụ", timeout=10_000)
    second = page.locator("tr[data-id=K0002]")
    expect(second.locator("td.paper")).to_have_text("hết")
    expect(second.locator("td.version")).to_have_text(EVIL)
    expect(second.locator("td.backlog")).to_have_text("391 bản ghi")
    expect(page.locator("#tiles [data-state=OUT_OF_SERVICE] b")).to_have_text("1")
    assert page.locator("#stations tbody tr").count() == 2
    assert page.locator("#stations img").count() == 0
    assert page.evaluate("document.body.dataset.witness") == "the same page"
    assert page.evaluate("document.activeElement.closest('tr')?.dataset.id") == "K0001", "focus stays where it was"
    before = row.locator("td.seen time").inner_text()
    expect(row.locator("td.seen time")).not_to_have_text(before, timeout=5_000)
    expect(row.locator("th")).to_contain_text(EVIL)
    page.reload()
    expect(row.locator("th")).to_contain_text(EVIL)
    assert page.locator("#stations img").count() == 0
    assert page.title() == "Các trạm · Trạm công dân số"


def test_a_server_that_is_gone_is_said_aloud_and_what_is_shown_is_called_old(page: Page, served: Served) -> None:
    add_station(served.writer, 1, now_ms())
    expect(page.locator("tr[data-id=K0001]")).to_be_visible(timeout=10_000)
    stale = page.locator("#stale")
    page.wait_for_timeout(7_000)
    expect(stale).to_be_hidden()
    served.stop()
    expect(stale).to_be_visible(timeout=15_000)
    expect(stale).to_contain_text("Mất liên lạc với máy chủ")
    first = seconds(stale.locator("time").inner_text())
    assert 6 <= first <= 11, "counted from the last answer, not from the first"
    page.wait_for_timeout(2_200)
    assert seconds(stale.locator("time").inner_text()) >= first + 2, "the age grows"
    assert "stale" in (page.locator("body").get_attribute("class") or "")
    expect(page.locator("tr[data-id=K0001]")).to_be_visible()


def test_a_session_that_ended_is_said_and_leads_to_sign_in(page: Page, served: Served) -> None:
    served.writer.run(lambda store: put_user(store, NAME, "một mật khẩu khác", "operator", now_ms()))
    expect(page.locator("#ended")).to_be_visible(timeout=10_000)
    page.click("#ended a")
    expect(page.locator("#password")).to_be_visible()
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.get_by_role("alert").filter(has_text="không đúng")).to_be_visible()


def test_money_refreshes_itself_and_leaves_a_selection_alone(page: Page, served: Served) -> None:
    add_station(served.writer, 1, now_ms())
    waiting = replace(payment(1), device=device_of("K0001"), created_ms=now_ms(), said_ms=now_ms())
    served.writer.run(lambda store: store.put_payment(waiting))
    page.click("nav a[href='/money']")
    expect(page.locator("main")).to_contain_text("Chờ xác nhận")
    code = page.locator("main .mono", has_text=waiting.code)
    code.evaluate("each => getSelection().selectAllChildren(each)")
    served.writer.run(lambda store: store.put_payment(replace(waiting, state="CONFIRMED", credited_ms=now_ms())))
    time.sleep(6)
    assert page.evaluate("String(getSelection())") == waiting.code
    page.evaluate("getSelection().empty()")
    expect(page.locator("main")).to_contain_text("Đã xác nhận thanh toán", timeout=10_000)


def test_on_a_phone_every_row_is_a_card_and_nothing_runs_over_the_edge(page: Page, served: Served) -> None:
    for number in range(1, 4):
        add_station(served.writer, number, now_ms() - number * 10**6)
    served.writer.run(lambda store: store.put_payment(payment()))
    longest = {0: "printer", 3: 1, 4: "maintenance", 5: True, 6: 1, 16: 1} | dict.fromkeys(range(7, 16), 10**9)
    ill = [["printer", "epson-tm-t20iii-usb", "hardwareError", "jammed"], *ALL_WELL[1:]]
    hear(served, "K0001", status=status(peripherals=ill, devices=[longest]))
    expect(page.locator("tr[data-id=K0003]")).to_be_visible(timeout=10_000)
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)
        for path in ("/", "/stations/K0001", "/money", "/apart", "/?language=en"):
            page.goto(served.url + path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], (path, viewport)
    expect(page.locator("#stations thead")).to_be_hidden()
    expect(page.locator("tr[data-id=K0001] td.paper")).to_be_visible()
    label = page.locator("tr[data-id=K0001] td.paper").evaluate("each => getComputedStyle(each, '::before').content")
    assert label == '"Paper"'
    font = page.evaluate(
        "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status === 'loaded').length)"
    )
    assert font >= 2, "the typeface is the package's own"


def test_ages_are_told_alike_by_server_and_page(page: Page) -> None:
    for age_ms in (-1, 0, 999, 119_999, 120_000, 7_199_999, 7_200_000, 172_799_999, 172_800_000, 10**12):
        assert page.evaluate("ms => age(ms)", age_ms) == age("vi", age_ms)
