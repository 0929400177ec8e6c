"""Three forms in a real browser, online and with the cable pulled, to opened records at the fleet.

Real processes, broker, TLS, Chromium, and the byte-level printer; a card's code is scanned by the named simulator.
The fourth kind of service, the fee, has its own journeys (`test_payment`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.journeys.opened import records
from tests.journeys.test_payment import browser, live, printer, shot, slip_codes, touch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.journey
__all__ = ["browser", "printer"]
SAVED, SENT = "ĐÃ LƯU TẠI MÁY – CHƯA GỬI", "ĐÃ GỬI – CHỜ TIẾP NHẬN"
NUMBER = "079190012345"
APART_MS = 400  # a second tap that comes sooner is the first one's echo (screens/kiosk.js)


def at(page: Page, place: str, question: str = "") -> None:
    page.locator(f".screen.{place}" + (f" [data-question='{question}']" if question else "")).first.wait_for()


def choose(page: Page, question: str, value: str) -> None:
    at(page, "ask", question)
    page.wait_for_timeout(APART_MS)
    touch(page, "choose", value)


def write(page: Page, question: str, keys: str) -> None:
    """Press the keys of the keyboard on the screen, as a finger would."""
    at(page, "ask", question)
    for key in keys:
        wanted = page.locator(f'[data-action="key"][data-value="{key}" i]')  # a large letter where a word begins
        if not wanted.count():
            touch(page, "plane", "digits" if key.isdigit() else "letters")
        wanted.click()
    touch(page, "next")


def fill_report(page: Page) -> None:
    touch(page, "group", "report")
    at(page, "notice")
    touch(page, "next")
    choose(page, "category", "noise")
    choose(page, "now", "now")
    choose(page, "where", "here")
    write(page, "place", "taafng 12")
    write(page, "what", "hats to owr canw hooj been canhj")
    choose(page, "contact", "anonymous")


def who(page: Page) -> None:
    at(page, "identify")
    touch(page, "way", "type")
    write(page, "id_number", NUMBER)
    write(page, "name", "nguyeenx thij anh")


def fill_stay(page: Page) -> None:
    touch(page, "group", "dossier")
    who(page)
    write(page, "phone", "0912345678")
    choose(page, "reporter", "host")
    choose(page, "lodging", "home")
    at(page, "ask", "ward")
    touch(page, "next")
    write(page, "address", "awn hooj 12")
    for question, day in (("from_date", "today"), ("arrival", "now"), ("to_date", "tomorrow")):
        at(page, "ask", question)
        touch(page, "quick", day)
        page.wait_for_timeout(APART_MS)
        touch(page, "next")
    choose(page, "reason", "family")
    write(page, "guests", "1")
    write(page, "guest_name.1", "traanf vawn binhf")
    choose(page, "guest_paper.1", "number")
    write(page, "guest_number.1", "001085000111")


def fill_wrong(page: Page) -> None:
    touch(page, "group", "data")
    who(page)
    choose(page, "datum", "name")
    choose(page, "seen", "card")
    write(page, "right", "phair laf oanh")
    at(page, "ask", "phone")
    touch(page, "skip")


ANSWERS = {
    "report": {
        "category": "noise",
        "now": "now",
        "where": "here",
        "place": "Tầng 12",
        "what": "Hát to ở căn hộ bên cạnh",
        "contact": "anonymous",
    },
    "stay": {
        "id_number": NUMBER,
        "name": "Nguyễn Thị Anh",
        "phone": "+84912345678",
        "reporter": "host",
        "lodging": "home",
        "ward": "27097",
        "address": "Ăn hộ 12",
        "reason": "family",
        "guests": "1",
        "guest_name.1": "Trần Văn Bình",
        "guest_paper.1": "number",
        "guest_number.1": "001085000111",
    },
    "wrong": {"id_number": NUMBER, "name": "Nguyễn Thị Anh", "datum": "name", "seen": "card", "right": "Phải là oanh"},
}
FILL = {"report": fill_report, "stay": fill_stay, "wrong": fill_wrong}


def file(page: Page, form: str, name: str) -> str:
    """From the home screen to the result; gives the code."""
    touch(page, "start", "vi")
    at(page, "home")
    FILL[form](page)
    at(page, "form_review")
    shot(page, f"{name}-review")
    touch(page, "consent")
    expect(page.locator('[role="checkbox"]')).to_have_attribute("aria-checked", "true")
    touch(page, "next")
    at(page, "form_result")
    return page.locator(".provisional").inner_text()


@pytest.mark.parametrize(("form", "size"), [("report", "portrait"), ("stay", "landscape"), ("wrong", "portrait")])
def test_a_form_reaches_the_fleet_whole_online_and_after_the_cable_was_pulled(
    rig, printer, browser, tmp_path, form, size
):
    found, page = live(rig, printer, browser, size)
    online = file(page, form, f"{form}-online")
    expect(page.locator(".screen.form_result h1")).to_have_text(SENT)
    slip = printer.slips(2, 20.0)[-1]  # the first piece of a process may be an empty one that clears the mechanism
    assert online in slip_codes(slip, tmp_path)
    shot(page, f"{form}-online-result")
    touch(page, "end")
    at(page, "idle")
    assert NUMBER not in page.content()

    for cable in found.stage.cables:
        cable.cut()
    page.locator(".screen.idle .offline").first.wait_for(timeout=30_000)
    offline = file(page, form, f"{form}-offline")
    expect(page.locator(".screen.form_result h1")).to_have_text(SAVED)
    assert offline in slip_codes(printer.slips(3, 20.0)[-1], tmp_path)
    shot(page, f"{form}-offline-result")
    assert [each["code"] for each in records(found.stage, "dossier.created")] == [online]
    touch(page, "end")
    at(page, "idle")
    for cable in found.stage.cables:
        cable.mend()
    found.until(lambda: len(records(found.stage, "dossier.created")) == 2, 60.0, "the dossier after the cut")
    found.settle()
    arrived = records(found.stage, "dossier.created")
    assert [(each["code"], each["online"]) for each in arrived] == [(online, True), (offline, False)]
    for each in arrived:
        told = {key: value for key, value, _ in each["answers"]}
        assert ANSWERS[form].items() <= told.items()
        assert {source for _, _, source in each["answers"]} == {"typed"}
        assert each["identity"] == ("none" if form == "report" else "typed")
        assert each["consent"].endswith("-consent/1")
    page.close()
