"""Every screen that the machine can show, drawn in both languages: whole, escaped, readable."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import jinja2
import pytest

from device_profiles import answers, catalogue
from device_profiles.bills import Bill
from edge_agent import events
from edge_agent.card import Doubt, FaultKind
from edge_agent.effects import Screen
from edge_agent.machines import wording
from edge_agent.machines.form import FormState
from edge_agent.screens.render import FOLDER, Renderer, icons, qr
from tests.edge_agent import form_samples, screen_samples
from tests.edge_agent.visit_bed import BILLS, OCTOBER, SETTINGS, Bed
from tests.edge_agent.visit_scenes import SCENES, scene

EVIL = "<script>alert('x')</script>\"'&"
VOID = {"meta", "link", "path", "circle", "br"}
SAMPLES = screen_samples.FRAMES | form_samples.FRAMES
TECHNICAL = ("technician", "technician_page")
renderer = Renderer()


def sample(name: str, **changes: object) -> Screen:
    """A hand-made screen; changes are of its data."""
    template, data = SAMPLES[name]
    return Screen(1, template, {**data, **changes})


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


def whole(screen: Screen, language: str) -> Page:
    """A page that is well-formed, in its language, with one title, no gap, no doubled id and a name on every button."""
    page = Page(renderer.html(replace(screen, language=language)))
    assert page.tags[0][1]["lang"] == language
    assert page.tags[0][1]["class"].split()[:2] == ["screen", screen.name]
    text = words(page)
    assert not re.search(r"\{[a-z]|None|Undefined|\b(?:why|state|fault|step|slip)\.[a-z]", text)
    headings = [tag for tag, _ in page.tags if tag == "h1"]
    assert headings == ["h1"], "one title per screen"
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    regions = [attrs["data-region"] for _, attrs in page.tags if "data-region" in attrs]
    assert len(regions) == len(set(regions)), "the page exchanges regions by name"
    return page


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", SCENES)
def test_every_screen_is_drawn_in_both_languages(name, language):
    whole(scene(name).screen, language)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_every_branch_of_a_screen_is_drawn_in_both_languages(name, language):
    whole(sample(name), language)
    other = sample(name)
    frame = {**other.data["frame"], "simulated": not other.data["frame"]["simulated"]}
    whole(replace(other, big=True, low=True, data={**other.data, "frame": frame}), language)


OUTSIDE = ("value", "name", "detail", "title", "hotline", "official", "words")


def hostile(values: object) -> object:
    """The same data with every word that comes from outside turned into a hostile one."""
    if isinstance(values, list | tuple):
        return [hostile(each) for each in values]
    if not isinstance(values, dict):
        return values
    if set(values) == {"vi", "en"}:
        return dict.fromkeys(values, EVIL)
    return {
        key: EVIL if key in OUTSIDE and isinstance(value, str) and value else hostile(value)
        for key, value in values.items()
    }


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_hostile_words_of_a_catalogue_stay_words(name, language):
    screen = sample(name)
    html = renderer.html(replace(screen, language=language, data=hostile(screen.data)))
    assert "<script" not in html.lower()
    page = Page(html)
    assert not any(attr.startswith("on") or attr == "style" for _, attrs in page.tags for attr in attrs)


def test_regions_do_not_stand_in_regions():
    """The page exchanges each by itself: an inner one would be torn out of the outer one that just came."""
    for name in SAMPLES:
        html, depth = renderer.html(sample(name)), 0
        opened: list[bool] = []
        for tag in re.finditer(r"<(/?)([a-z0-9]+)([^>]*)>", html):
            if tag[2] in VOID or tag[3].endswith("/"):
                continue
            if not tag[1]:
                opened.append("data-region" in tag[3])
                depth += opened[-1]
                assert depth < 2, (name, tag[0])
            else:
                depth -= opened.pop()


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
    if screen.name not in ("warning", *TECHNICAL):
        assert {"language", "big", "low"} <= actions
    if screen.name not in ("warning", "out", "recovered", *TECHNICAL):
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


@pytest.mark.parametrize("reason", ["no_list", "no_reader", "no_printer", "storage", "not_valid", "clock"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_is_grey_says_why(reason, language):
    grey = screen_samples.offer("a", "house", "Một", "One", "none", reason)
    why = wording.say(language, f"why.{reason}")
    frame = screen_samples.frame(offers=(grey,))
    idle = sample("idle", frame={**frame, "in_visit": False})
    home = sample("home", groups=(grey,))
    group = sample("group", services=({**grey, "help": screen_samples.both("Hai", "Two")},))
    for screen in (idle, home, group):
        page = Page(renderer.html(replace(screen, language=language)))
        assert why in words(page)
        assert all("disabled" in attrs for _, attrs in page.tags if attrs.get("data-value") == "a")


def test_what_is_limited_can_be_touched_and_says_its_limit():
    limited = screen_samples.offer("a", "house", "Một", "One", "limited", "offline")
    group = sample("group", services=({**limited, "help": screen_samples.both("Hai", "Two")},))
    page = Page(renderer.html(group))
    assert "Lưu tại máy, gửi khi có mạng" in words(page)
    assert [attrs for _, attrs in page.tags if attrs.get("data-value") == "a" and "disabled" not in attrs]


def test_every_reason_of_a_refused_answer_has_words_that_say_what_to_do():
    for reason in (*answers.REASONS, *get_args(FaultKind)):
        assert wording.say("vi", f"fault.{reason}")
    page = Page(renderer.html(sample("ask_name", fault="bad_letter")))
    assert wording.say("vi", "fault.bad_letter") in words(page)
    assert [attrs for _, attrs in page.tags if attrs.get("role") == "alert"]


def test_every_state_and_every_doubt_has_words():
    for state in filter(None, get_args(FormState)):
        assert wording.say("vi", f"state.{state}")
    for doubt in filter(None, get_args(Doubt)):
        assert wording.say("vi", f"doubt.{doubt}")


def test_every_icon_of_a_catalogue_is_drawn():
    assert set(catalogue.ICONS) <= icons()
    svg = renderer.html(sample("notice", icon="no such icon"))
    assert "M4.5 4.5h6v6h-6z" in svg, "four plain squares, and no broken page"


def test_nothing_is_ticked_beforehand_and_faults_or_silence_send_nothing():
    def sends(**changes: object) -> bool:
        page = Page(renderer.html(sample("form_review", **changes)))
        (button,) = [attrs for _, attrs in page.tags if attrs.get("data-action") == "next"]
        return "disabled" not in button

    page = Page(renderer.html(sample("form_review")))
    assert [attrs["aria-checked"] for _, attrs in page.tags if attrs.get("role") == "checkbox"] == ["false"]
    assert sends(agreed=True)
    assert not sends(agreed=False)
    assert not sends(agreed=True, faults=1)
    assert not sends(agreed=True, withheld="storage")
    assert sends(consent=None, agreed=False)


def test_a_deadline_at_risk_names_its_time_and_the_way_out():
    for name in ("form_review_offline", "form_result_saved"):
        text = words(Page(renderer.html(sample(name))))
        assert "Thủ tục này có hạn 18/11/2026 18:06. Nếu máy chưa gửi kịp" in text
        assert "gọi 0693187111 hoặc dùng VNeID" in text
    assert "Thủ tục này có hạn" not in words(Page(renderer.html(sample("form_review"))))


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [
        ("ask_phone", "0912345678", "0912 345 678"),
        ("ask_phone", "0912345", "0912 345"),
        ("ask_phone", "0912", "0912"),
        ("ask_id", "079190012345", "079 190 012 345"),
    ],
)
def test_digits_stand_in_groups(name, typed, shown):
    assert f"<b>{shown}</b>" in renderer.html(sample(name, typed=typed))


def test_a_day_is_asked_digit_by_digit_and_never_filled_by_an_untrusted_clock():
    page = Page(renderer.html(sample("ask_date", typed="1811")))
    assert "1 8 ngày / 1 1 tháng / năm" in words(page)
    actions = [attrs.get("data-action") for _, attrs in page.tags]
    assert actions.count("quick") == 3
    page = Page(renderer.html(sample("ask_date", trusted=False)))
    assert "quick" not in [attrs.get("data-action") for _, attrs in page.tags]


def test_the_keyboard_holds_every_letter_every_digit_and_the_signs_of_an_address():
    def keys(**changes: object) -> set[str | None]:
        page = Page(renderer.html(sample("ask_name", **changes)))
        return {attrs.get("data-value") for _, attrs in page.tags if attrs.get("data-action") == "key"}

    assert keys(upper=False) >= set("abcdefghijklmnopqrstuvwxyz ,.")
    assert keys(upper=True) >= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ ,.")
    assert keys(plane="digits") == keys(plane="signs") >= set("0123456789 ,./-")
    assert keys(kind="ward") >= set("abcdefghijklmnopqrstuvwxyz ")


def test_a_pin_is_on_no_page():
    html = renderer.html(sample("technician"))
    assert html.count("•") == 4
    assert "disabled" in renderer.html(sample("technician", set=False)).split('data-action="next"')[1][:10]


def test_the_script_leaves_no_trace_of_what_is_typed():
    script = (FOLDER / "kiosk.js").read_text("utf-8")
    assert not re.search(r"console\.|setItem|document\.title|history\.|location\.(?:hash|search)|cookie", script)


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
    assert text.count("Sắp có") == 2, "health and finance"
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
            assert not re.search(r"https?://[a-z0-9]|//[a-z]+\.|@import|data:", path.read_text("utf-8"))
