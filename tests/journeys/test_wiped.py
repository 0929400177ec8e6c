"""Nothing of a visit remains in page, browser, files, or the memory of any of the station's processes."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from tests.journeys.wiped_bed import PERSON, Booth, until

pytestmark = pytest.mark.journey

UNIT = "ZQ7XKW4J9PLM"
NUMBER, CODE_NUMBER = "079185031778", "001190627483"
CODE = f"{CODE_NUMBER}|280123456|Hoặc Thuở Ngượng|15031990|Nữ|Số 77 Đường Khuỷu Tay, Phường Xyzzyq|20062021"
TYPED = (
    ("id_number", "type", NUMBER),
    ("name", "type", "ngoawxng quaaxy"),
    ("datum", "choose", "name"),
    ("seen", "choose", "card"),
    ("right", "type", "plokminb khuyru"),
    ("phone", "type", "0987654123"),
)
MASKED = f"{PERSON.id_number[:3]}*****{PERSON.id_number[-4:]}"
# Parts of what is typed, scanned and read, as they were and as they are kept and shown.
WORDS = [NUMBER[:9], NUMBER[-8:], "079 185 03", "Ngoẵng", "NGOẴNG", "Quẫy", "QUẪY", "okminb", "Khuỷu", "098765412"]
WORDS += [CODE_NUMBER[:9], CODE_NUMBER[-8:], "Hoặc Thuở", "HOẶC THUỞ", "Xyzzyq", "XYZZYQ", UNIT[:8]]
WORDS += [PERSON.id_number[3:], MASKED, PERSON.name, PERSON.residence[:20]]
WORDS += ["".join(PERSON.mrz_lines)[:25], PERSON.mrz_lines[2][:14]]
SOON_S = 15.0


@pytest.fixture(scope="module")
def booth(tmp_path_factory):
    made = Booth(tmp_path_factory.mktemp("booth"))
    yield made
    made.close()


def fill(booth, count: int = len(TYPED)) -> None:
    """Somebody types a form, as far as its question `count`."""
    booth.at("idle")
    booth.touch("start", "vi", then="home")
    booth.touch("group", "data", then="identify")
    booth.touch("way", "type", then="ask")
    for key, action, value in TYPED[:count]:
        booth.answer(key, action, value)


def send(booth) -> None:
    booth.at("form_review")
    booth.touch("consent", "1")
    booth.touch("next", then="form_result")


def read_card(booth) -> None:
    booth.touch("group", "lookup", then="group")
    booth.touch("service", "id_card_check", then="card_key")
    booth.type(PERSON.can)
    booth.touch("next", then="card_wait")
    booth.lay()
    booth.at("card_shown")


def scan_and_read(booth) -> None:
    """Somebody has a code scanned, types a flat, lays a card down."""
    booth.at("idle")
    booth.touch("start", "vi", then="home")
    booth.touch("group", "dossier", then="identify")
    booth.touch("way", "code", then="code_wait")
    booth.scan(CODE)
    booth.at("who")
    booth.touch("right", then="ask")
    booth.touch("restart", then="home")
    booth.touch("group", "bill", then="unit")
    booth.type(UNIT)
    booth.touch("restart", then="home")
    read_card(booth)


def clean(booth, page: set[int]) -> None:
    """Soon nothing is left anywhere, and the process of the page that has shown the visit is no more."""
    until(lambda: page - booth.renderers(), "the page's process ends")
    end_s = time.monotonic() + SOON_S
    time.sleep(1.0)  # the agent sweeps at its next half second
    while found := booth.held(WORDS):
        assert time.monotonic() < end_s, found
    assert booth.written(WORDS) == {}


def test_a_form_that_was_sent_off_leaves_nothing_behind(booth):
    fill(booth)
    found = booth.held(WORDS)
    assert {each.split(":")[0] for each in found} >= {"agent", "renderer"}, "the search finds what is there"
    send(booth)
    page = booth.renderers()
    booth.touch("end")
    clean(booth, page)


def test_an_agent_that_is_started_by_hand_overwrites_what_it_lets_go_as_well(booth):
    assert b"PYTHONMALLOC=malloc_debug" in booth.by_hand
    # glibc 2.36 cuts its variable in place
    assert any(each.startswith(b"GLIBC_TUNABLES=glibc.malloc.perturb=") for each in booth.by_hand)
    assert any(each.endswith(b"glibc.malloc.tcache_count=0") for each in booth.by_hand)


def test_a_visit_that_was_left_standing_leaves_nothing_behind(booth):
    scan_and_read(booth)
    assert {each.split(":")[0] for each in booth.held([MASKED])} >= {"agent", "renderer"}
    page = booth.renderers()
    booth.minute()
    booth.at("warning")
    booth.minute()
    booth.at("idle")
    clean(booth, page)
    booth.lift()


def test_a_page_and_then_an_agent_that_die_in_a_visit_leave_its_code_and_nothing_else(booth):
    fill(booth, 5)
    booth.asked("phone")
    starts, dumped = booth.systemd.starts, set()
    for pid in booth.renderers():
        os.kill(pid, signal.SIGSEGV)

    def again() -> bool:
        with contextlib.suppress(OSError):  # the folder goes with the browser
            dumped.update(booth.systemd.runtime.rglob("*.dmp"))
        return booth.systemd.starts > starts

    until(again, "a new browser")
    assert dumped == set()
    booth.answer(*TYPED[5])  # the visit goes on where it stood
    send(booth)
    code = booth.pipe.run("document.querySelector('.provisional').textContent")
    page = booth.renderers()
    booth.restart()
    booth.at("recovered")
    assert booth.pipe.run("document.querySelector('.provisional').textContent") == code
    clean(booth, page)
    booth.touch("end", then="idle")


def test_an_agent_that_dies_while_somebody_types_knows_nothing_of_it(booth):
    fill(booth, 2)
    booth.asked("datum")
    page = booth.renderers()
    booth.restart()
    booth.at("idle")
    clean(booth, page)


def test_a_word_that_is_kept_is_found(booth):
    booth.restart("holder,page")
    fill(booth, 2)
    page = booth.renderers()
    booth.touch("restart", then="home")
    booth.touch("end")
    booth.at("idle")
    until(lambda: page - booth.renderers(), "the page's process ends")
    time.sleep(1.0)
    keepers = {each.split(":")[0] for each in booth.held(WORDS)}
    assert keepers == {"agent", "storage.mojom.StorageService"}
