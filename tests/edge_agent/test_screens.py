"""Every screen that the machine can show, drawn in both languages: whole, escaped, readable."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from html.parser import HTMLParser

import jinja2
import pytest

from device_profiles.bills import Bill
from edge_agent import events
from edge_agent.machines import views, wording
from edge_agent.screens.render import FOLDER, Renderer, qr
from tests.edge_agent.visit_bed import BILLS, OCTOBER, SETTINGS, Bed
from tests.edge_agent.visit_scenes import SCENES, scene

EVIL = "<script>alert('x')</script>\"'&"
VOID = {"meta", "link", "path", "circle"}
renderer = Renderer()


class Page(HTMLParser):
    """Reads a page strictly: what it opens it must close."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


def words(page: Page) -> str:
    return " ".join(page.text.split())


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", SCENES)
def test_every_screen_is_drawn_in_both_languages(name, language):
    screen = replace(scene(name).screen, language=language)
    page = Page(renderer.html(screen))
    assert page.tags[0][1]["lang"] == language
    assert page.tags[0][1]["class"].split()[:2] == ["screen", screen.name]
    text = words(page)
    assert not re.search(r"\{[a-z]|None|Undefined|\bwhy\.|\bstate\.", text)
    headings = [tag for tag, _ in page.tags if tag == "h1"]
    assert headings == ["h1"], "one title per screen"


def test_the_scenes_cover_every_screen_there_is():
    assert {scene(name).name for name in SCENES} == {path.stem for path in FOLDER.glob("*.html")} - {
        "base",
        "_icons",
        "index",
    }


@pytest.mark.parametrize("name", [name for name in SCENES if scene(name).name != "idle"])
def test_the_header_stands_on_every_screen(name):
    screen = scene(name).screen
    page = Page(renderer.html(screen))
    actions = {attrs.get("data-action") for tag, attrs in page.tags if tag == "button"}
    text = words(page)
    assert "Có mạng" in text or "Mất mạng" in text
    if screen.name != "warning":
        assert {"language", "big"} <= actions
    if screen.name not in ("warning", "out", "recovered"):
        assert "help" in actions or screen.name == "help"
    if step := screen.data["frame"]["step"]:
        assert screen.name in ("help", "warning") or f"Bước {step}/{len(screen.data['frame']['steps'])}" in text
    if screen.name in ("unit", "bills", "review", "checking", "refused"):
        assert {"back", "restart"} <= actions


@pytest.mark.parametrize("name", SCENES)
def test_every_button_of_a_screen_is_one_that_the_machine_knows_there(name):
    from edge_agent.machines import touches

    bed = scene(name)
    page = Page(renderer.html(bed.screen))
    for _, attrs in page.tags:
        action = attrs.get("data-action")
        if action and "disabled" not in attrs:
            assert touches.move(bed.name, action, in_visit=bed.data["frame"]["in_visit"]), (bed.name, action)


@pytest.mark.parametrize("place", ["bills", "review", "qr", "result", "out"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_comes_from_lists_and_settings_is_escaped(place, language):
    listed = replace(
        BILLS, title=EVIL, payee_name=EVIL, bills=(Bill(OCTOBER, "A1205", "2026-10", 1, "2026-11-30", EVIL),)
    )
    bed = Bed(bills=listed, settings=replace(SETTINGS, title=EVIL, address=EVIL, hotline=EVIL, nearest=EVIL))
    match place:
        case "bills":
            bed.to_bills()
        case "review":
            bed.to_review()
        case "qr":
            bed.to_qr()
        case "result":
            bed.to_qr()
            bed.touch("paid")
        case "out":
            bed.send(events.Configured({"out_of_service": EVIL}))
            bed.touch("start", "vi")
    assert bed.name == place
    html = renderer.html(replace(bed.screen, language=language))
    assert "<script" not in html.lower()
    page = Page(html)
    assert EVIL in page.text
    assert not any(attr.startswith("on") or attr == "style" for _, attrs in page.tags for attr in attrs)


@pytest.mark.parametrize("name", [path.stem for path in FOLDER.glob("*.html")])
def test_no_template_turns_escaping_off_or_carries_script_or_style(name):
    text = (FOLDER / f"{name}.html").read_text("utf-8")
    assert not re.search(r"\|\s*safe|autoescape|<style|style=|javascript:|\bon[a-z]+=", text)
    assert "<script" not in text or name == "index"


def test_the_payment_code_carries_its_payload_and_is_large():
    bed = Bed()
    bed.to_qr()
    page = Page(renderer.html(bed.screen))
    (code,) = [attrs for tag, attrs in page.tags if attrs.get("data-vietqr")]
    assert code["data-vietqr"] == bed.data["payload"]
    assert ("svg", "qr") in [(tag, attrs.get("class")) for tag, attrs in page.tags]


def test_a_code_is_drawn_with_correction_m_and_a_quiet_zone_of_four():
    svg = str(qr("A" * 20))
    assert 'viewBox="0 0 29 29"' in svg, "21 modules of version 1 and twice four"
    assert 'viewBox="0 0 33 33"' in qr("A" * 21), "version 1 holds 25 letters at L, 20 at M, 16 at Q"
    assert "M4 4.5h7" in svg
    assert 'fill="#fff"' in svg


def test_a_forged_payload_stays_inside_its_attribute():
    bed = Bed()
    bed.to_qr()
    evil = replace(bed.screen, data={**bed.data, "payload": '"><script>'})
    html = renderer.html(evil)
    assert "<script" not in html
    assert [attrs["data-vietqr"] for _, attrs in Page(html).tags if "data-vietqr" in attrs] == ['"><script>']


def test_data_that_lack_are_an_error_and_never_a_gap():
    bed = Bed()
    bed.to_qr()
    lacking = {key: value for key, value in bed.data.items() if key != "payee"}
    with pytest.raises(jinja2.UndefinedError):
        renderer.html(replace(bed.screen, data=lacking))
    with pytest.raises(jinja2.TemplateNotFound):
        renderer.html(replace(bed.screen, name="nowhere"))


def test_the_before_offline_words_stand_on_review_and_code_and_only_offline():
    for language in ("vi", "en"):
        for name, wanted in (("review_offline", True), ("qr_offline", True), ("review", False), ("qr", False)):
            page = Page(renderer.html(replace(scene(name).screen, language=language)))
            assert (wording.say(language, "qr.offline") in words(page)) == wanted


def test_a_reason_names_its_limit_in_the_residents_own_way():
    bed = Bed(online=False)
    bed.to_bills()
    assert "Số tiền vượt hạn mức khi mất mạng (500.000 đ)" in words(Page(renderer.html(bed.screen)))
    english = replace(bed.screen, language="en")
    assert "Over the limit without network (VND 500,000)" in words(Page(renderer.html(english)))


@pytest.mark.parametrize("reason", sorted({*views.READ_ONLY, "no_list"}))
def test_a_tile_says_why_it_is_grey(reason):
    bed = Bed()
    bed.touch("start", "vi")
    state = "none" if reason == "no_list" else "read_only"
    frame = {**bed.data["frame"], "service": {"state": state, "why": reason}}
    text = words(Page(renderer.html(replace(bed.screen, data={**bed.data, "frame": frame}))))
    assert wording.say("vi", f"why.{reason}") in text
    assert wording.say("vi", f"fee.{state}") in text


@pytest.mark.parametrize(
    "reason",
    sorted(key.removeprefix("why.") for key in wording.TEXTS if key.startswith("why.")),
)
def test_every_refusal_is_said_with_what_was_not_recorded(reason):
    bed = scene("refused")
    text = words(Page(renderer.html(replace(bed.screen, data={**bed.data, "reason": reason}))))
    assert wording.say("vi", "refused.nothing") in text


def test_a_simulated_station_says_so_on_every_screen():
    bed = Bed(settings=dataclasses.replace(SETTINGS, simulated=True))
    assert "MÔ PHỎNG" in words(Page(renderer.html(bed.screen)))
    bed.touch("start", "en")
    assert "MÔ PHỎNG" in words(Page(renderer.html(bed.screen)))
    assert "MÔ PHỎNG" not in words(Page(renderer.html(scene("home").screen)))


def test_services_to_come_are_grey_with_the_honest_reason():
    text = words(Page(renderer.html(scene("home").screen)))
    assert text.count("Sắp có") == 6
    assert "Sắp có" not in words(Page(renderer.html(scene("unit").screen)))


def test_the_idle_screen_knows_nobody():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.touch("end")
    html = renderer.html(bed.screen)
    assert not any(part in html for part in ("NGUYEN", "A-12.05", "A1205", "485"))
    for part in ("Chạm để bắt đầu", "Touch to begin", "0693187111", "18:06", "18/11/2026"):
        assert part in html


# colours: WCAG relative luminance of the pairs that the style sheet puts together

PAIRS = [
    ("ink", "paper"),
    ("ink", "card"),
    ("quiet", "paper"),
    ("quiet", "card"),
    ("accent", "paper"),
    ("accent", "card"),
    ("accent", "soft"),
    ("accent-deep", "soft"),
    ("warn-ink", "warn"),
    ("bad-ink", "bad"),
    ("bad-ink", "card"),
    ("bad-ink", "paper"),
    ("good-ink", "good"),
    ("good-ink", "card"),
    ("off-ink", "off"),
    ("card", "accent"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_what_is_read_has_a_contrast_of_seven(ink, ground):
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", (FOLDER / "style.css").read_text("utf-8")))
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 7


def test_nothing_is_fetched_from_elsewhere():
    for path in FOLDER.iterdir():
        if path.suffix in (".html", ".css", ".js"):
            assert not re.search(r"https?:|//[a-z]+\.|@import|data:", path.read_text("utf-8"))
