"""The measuring of test_access.py, measured: a page without a fault is silent, and each planted fault is told by name.

The page is ours, drawn with the stations' own style sheet and sent through the real web server, so that it stays the
same when screens change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.journeys.access_bed import CHROMIUM, FLAGS, Booth, panels

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.journey

LINE = "<p>Một dòng chữ để đọc, đủ dài để thấy.</p>"
PAGE = f"""
<div class="screen planted" lang="vi">
<header><p class="brand">Trạm</p></header>
<main data-scroll tabindex="0">
  <h1>Bạn cần làm gì?</h1>
  <p id="read">Chữ <b>thường</b> trên nền giấy</p>
  <div class="card"><p id="boxed">Trong khung</p></div>
  <div class="line">
    <button type="button" class="button" data-action="one">Một</button>
    <button type="button" class="button" data-action="two">Hai</button>
    <button type="button" class="button" data-action="off" disabled>Chưa được</button>
  </div>
  {LINE * 24}
  <button type="button" class="button" data-action="last">Dưới cùng</button>
</main>
<footer><div class="gap">
  <button type="button" class="more" data-more hidden>Xem thêm</button></div>
  <button type="button" class="button primary" data-action="next">Tiếp tục</button></footer>
</div>
"""
PLANTED = {  # what is told of it: what is planted
    "touch: button[one]": "pick('[data-action=one]').style.cssText = 'min-height: 60px; height: 60px'",
    "touch: button.more": "pick('[data-more]').style.minWidth = pick('[data-more]').style.width = '70px'",
    "gap: button[one]": "pick('[data-action=two]').style.marginLeft = '-8px'",
    "px to button[next]": "pick('footer').style.gap = '4px', pick('.gap').style.flex = 'none'",
    "covered: button[one]": "lay(pick('[data-action=one]'), 20, 0)",
    "covered: h1": "lay(pick('h1'), 400, 0)",
    "unreachable: button[next]": "pick('[data-action=next]').style.marginBottom = '-60px'",
    "unreachable: button[two]": "pick('[data-action=two]').style.cssText = 'position: relative; left: 4000px'",
    "no “more”": "pick('[data-more]').remove()",
    "nothing below": "pick('[data-more]').removeAttribute('data-more')",
    "contrast: p#read": "pick('#read').style.color = '#6a6a6a'",
    "contrast: b": "pick('b').style.cssText = 'font-weight: 400; color: rgb(27 36 34 / .6)'",
    "contrast: p#boxed": "pick('.card').style.background = '#0a4a47'",
    "contrast: h1": "pick('h1').style.color = '#999'",
    "contrast: button[off]": "pick('[data-action=off]').style.color = '#888'",
    "contrast: p.tenth": "pick('p:nth-of-type(20)').className = 'tenth', pick('.tenth').style.color = '#aaa'",
    "on its pixels": "pick('#read').style.background = 'linear-gradient(#555, #444)'",
    "p#boxed “Trong khung”: 1.": "pick('.card').style.opacity = '.2'",
    "contrast: li": "pick('.card').innerHTML = ITEM, pick('ul').style.setProperty('--accent', '#bbb')",
    "small: p#read": "pick('#read').style.fontSize = '23px'",
    "small: h1": "pick('h1').style.fontSize = '35px'",
    "clipped: p#read": "pick('#read').style.marginLeft = '-100px'",
    "clipped: p#boxed": "pick('.card').style.cssText = 'height: 30px; overflow: hidden'",
    "overflow: p#boxed": "pick('.card').style.width = '120px', pick('#boxed').style.whiteSpace = 'nowrap'",
    "px wider than it": "pick('#read').style.cssText = 'overflow: hidden; white-space: nowrap; width: 90px'",
    "px higher than it": "pick('#read').style.cssText = 'overflow: hidden; height: 20px'",
    "title: div.screen": "pick('h1').outerHTML = '<p>no title</p>'",
    "2 titles": "pick('#read').outerHTML = '<h1>two</h1>'",
    "name: button[two]": "pick('[data-action=two]').textContent = ''",
    "drift: p.brand": "pick('.brand').animate([{translate: '0'}, {translate: '-60px'}, {translate: '0'}], 240e3)",
    "lang: html": "document.documentElement.lang = 'en'",
    "lang: div.screen": "pick('.screen').lang = 'en'",
    "lang: b": "pick('b').lang = 'en'",
    "axe button-name": "pick('[data-action=two]').textContent = ''",
    "axe image-alt": "pick('main').append(document.createElement('img'))",
}
TOOLS = """
  const ITEM = '<ul class="todo"><li>x</li></ul>';
  const pick = (chosen) => document.querySelector('#stage').querySelector(chosen);
  const lay = (over, width, dx) => {
    const box = over.getBoundingClientRect(), sheet = document.createElement('div');
    sheet.style.cssText = `position: fixed; left: ${box.left + dx}px; top: ${box.top}px; width: ${width}px;
      height: ${box.height}px; background: #fff`;
    pick('.screen').append(sheet);
  };
"""


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def booth(browser: Browser) -> Generator[Booth]:
    made = Booth(browser, panels()["display-browser-15in"])
    yield made
    made.close()


def test_a_page_without_a_fault_is_silent(booth):
    booth.put(PAGE)
    assert booth.complaints("vi") == []


@pytest.mark.parametrize("complaint", PLANTED)
def test_a_planted_fault_is_told(booth, complaint):
    booth.put(PAGE)
    booth.page.evaluate(f"() => {{ {TOOLS} {PLANTED[complaint]}; }}")
    told = booth.complaints("vi")
    assert [each for each in told if complaint in each], told


def test_in_the_low_mode_of_an_upright_panel_nothing_is_touched_high_above(browser):
    booth = Booth(browser, panels()["display-browser"])
    booth.put(PAGE)
    assert [each for each in booth.complaints("vi", low=True) if "reach: button[one]" in each]
    assert not [each for each in booth.complaints("vi", low=True) if "reach: button[next]" in each]
    assert not [each for each in booth.complaints("vi", low=False) if "reach" in each]
    booth.close()


def test_more_goes_down_to_the_end_as_the_measuring_does(booth):
    booth.put(PAGE)
    more, area = booth.page.locator("[data-more]"), booth.page.locator("[data-scroll]")
    places = booth.page.evaluate("access.places(document.querySelector('[data-scroll]'))")
    assert len(places) >= 3
    for place in places[1:]:
        more.click()
        booth.page.wait_for_timeout(700)  # it scrolls smoothly
        assert area.evaluate("area => area.scrollTop") == pytest.approx(place, abs=2)
    assert more.is_hidden()


def test_contrast_reckoned_from_colours_is_what_the_pixels_say(booth):
    booth.put(PAGE)
    texts = booth.page.evaluate("access.texts()")
    assert len({round(each["reckoned"], 3) for each in texts}) >= 5
    for text in texts:
        if text["y"] + text["height"] < 600:
            assert booth.contrast_on_pixels(text) == pytest.approx(text["reckoned"], rel=0.01), text
