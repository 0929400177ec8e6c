"""Slips of dossiers, reports and corrections: whole in every state, and nothing of a person but what is masked."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.answers import Answer, asked
from device_profiles.catalogue import Words
from edge_agent.drivers.printer import raster
from edge_agent.drivers.printer.compose import picture
from edge_agent.drivers.printer.width import JOB_ROWS_MAX
from edge_agent.machines import wording
from edge_agent.machines.slips import DossierSlip, dossier_slip, paper_rows
from tests.edge_agent.slip_scenes import CODE, NAME, OFFICE, OFFICIAL, PLACE, SLIPS, TEXT, rows, service, slip, told
from tests.edge_agent.test_compose import GOLDEN
from tests.edge_agent.visit_bed import START_MS

SERVICES = ("stay_notice", "police_report", "data_wrong")
STATES = ("saved", "sent", "accepted", "more", "rejected")
BOXES = {
    "saved": ["ĐÃ LƯU TẠI MÁY – CHƯA GỬI", "SAVED AT THE STATION – NOT SENT"],
    "sent": ["ĐÃ GỬI – CHỜ TIẾP NHẬN", "SENT – AWAITING ACCEPTANCE"],
    "accepted": ["ĐÃ TIẾP NHẬN", "ACCEPTED"],
    "more": ["CẦN BỔ SUNG", "MORE IS NEEDED"],
    "rejected": ["KHÔNG ĐƯỢC TIẾP NHẬN", "NOT ACCEPTED"],
}


def text_of(one) -> str:
    return "\n".join(text for _, text in one.lines)


def styles(one, style: str) -> list[str]:
    return [text for each, text in one.lines if each == style]


@pytest.mark.parametrize(
    ("name", "state", "language"), list(itertools.product(SERVICES, STATES, ("vi", "en"))), ids=lambda each: each
)
def test_every_slip_in_every_state_holds_all_that_a_slip_must_hold(name, state, language):
    one = slip(name, language, state=state)
    text = text_of(one)
    for part in (
        "Trạm công dân số",
        PLACE.title,
        PLACE.address,
        "K2741",
        "18/11/2026 18:06",
        getattr(told(name).service, language),
        getattr(OFFICE, language),
        wording.say(language, f"paper.{state}.next"),
        wording.say(language, "paper.legal"),
        wording.say(language, "paper.photo"),
    ):
        assert part in text
    assert styles(one, "box") == BOXES[state]
    assert styles(one, "code") == styles(one, "qr") == styles(one, "code128") == [CODE]
    assert all(way in text for way in ("VNeID", "0693187111", "Công an" if language == "vi" else "police"))
    assert not any(word in text for word in ("12345678", "345 678", "079190012345", NAME, TEXT, "Bình Trưng", "12A08"))


def test_a_dossier_says_the_masked_number_and_name_of_who_filed_it_and_nothing_of_guests():
    said = [(label.vi, value) for label, value in rows("stay_notice", "vi")]
    assert said == [("Số định danh", "079*****2345"), ("Họ và tên", "NGUYEN *** AN")]


@pytest.mark.parametrize(
    ("language", "kind"), [("vi", "Nguy cơ cháy nổ, lối thoát bị chặn"), ("en", "Fire risk, blocked exit")]
)
def test_a_report_says_its_category_and_code_alone_and_whom_to_call(language, kind):
    (row,) = rows("police_report", language)
    assert row == (Words("Loại việc", "Kind of matter"), kind)
    assert wording.say(language, "paper.emergency") in styles(slip("police_report", language), "bold")
    assert "113" in wording.say(language, "paper.emergency")


def test_a_correction_says_what_is_wrong_and_the_three_ways_with_their_steps():
    said = [(label.vi, value) for label, value in rows("data_wrong", "vi")]
    assert said[2:] == [("Điều ghi sai", "Địa chỉ, nơi cư trú")]
    lines = styles(slip("data_wrong"), "text")
    ways = [line for line in lines if line[:2] in ("1.", "2.", "3.")]
    assert [any(word in line for line in ways) for word in ("Công an phường", "0693187111", "VNeID")] == [True] * 3
    assert "Cài đặt > Phản ánh khó khăn, vướng mắc > Tạo phản ánh" in ways[2]
    short = wording.say("vi", "paper.channels", hotline="0693187111")
    assert short not in text_of(slip("data_wrong"))
    assert ways[0] in text_of(slip("stay_notice", channels=True))
    for name, state in (
        ("data_wrong", "accepted"),
        ("data_wrong", "more"),
        ("data_wrong", "rejected"),
        ("stay_notice", "saved"),
    ):
        assert ways[0] not in text_of(slip(name, state=state))
        assert short in text_of(slip(name, state=state))
        assert "Đường dây nóng\t0693187111" in text_of(slip(name, state=state))


def test_rows_are_those_that_were_answered():
    of = service("stay_notice")
    assert paper_rows(of, asked(of, {}), {}, "vi") == ()


def test_a_deadline_at_risk_names_the_other_ways_only_while_the_office_has_nothing():
    risk = wording.say("vi", "deadline.risk", time="18/11/2026 23:06", hotline="0693187111")
    for state, stands in (("saved", True), ("sent", True), ("accepted", False), ("more", False), ("rejected", False)):
        one = slip("stay_notice", state=state)
        assert (risk in styles(one, "bold")) is stands
        assert ("Hạn chót\t18/11/2026 23:06" in styles(one, "text")) is (state != "accepted")
    safe = slip("stay_notice", deadline=(START_MS + 5 * 3_600_000, False))
    assert risk not in text_of(safe)
    assert "Hạn chót\t18/11/2026 23:06" in styles(safe, "text")


def test_a_fee_stands_in_digits_and_words_and_none_is_said_to_be_none():
    paid = slip("stay_notice", fee_dong=15_000)
    assert "Lệ phí\t15.000 đ" in styles(paid, "bold")
    assert "Bằng chữ: Mười lăm nghìn đồng" in styles(paid, "small")
    assert "Fee\tVND 15,000" in styles(slip("stay_notice", "en", fee_dong=15_000), "bold")
    assert "Lệ phí\tKhông mất phí" in styles(slip("stay_notice"), "text")
    assert "Lệ phí" not in text_of(slip("police_report"))


def test_an_accepted_dossier_says_the_official_code_and_when_beside_the_provisional_one():
    one = slip("stay_notice", state="accepted", official=OFFICIAL, as_of_ms=START_MS + 3_600_000)
    assert styles(one, "code") == [CODE, OFFICIAL]
    assert "Trả lời lúc\t18/11/2026 19:06" in styles(one, "text")
    assert "Trả lời lúc" not in text_of(slip("stay_notice", state="sent", as_of_ms=START_MS))


def test_what_the_office_writes_stands_there_unless_it_names_a_number_of_a_person():
    words = "Thiếu số căn hộ, hẹn 20/11/2026 08:00 – 20/11/2026 11:30."
    assert f"Nơi nhận viết: {words}" in styles(slip("stay_notice", state="more", told=words), "small")
    assert words not in text_of(slip("stay_notice", state="sent", told=words))
    for number in ("079190012345", "0912 345 678", "0912.345.678", "025 123 456"):
        assert number not in text_of(slip("stay_notice", state="rejected", told=f"Gọi {number}"))


def test_a_reprint_says_so_and_so_does_a_simulated_station():
    assert "BẢN IN LẠI LẦN 2" in styles(slip("stay_notice", copy=3), "bold")
    assert "REPRINT NO. 1" in styles(slip("stay_notice", "en", copy=2), "bold")
    assert "BẢN IN LẠI" not in text_of(slip("stay_notice"))
    simulated = dossier_slip(replace(PLACE, simulated=True), told("stay_notice"), "en")
    assert "MÔ PHỎNG" in styles(simulated, "bold")


def test_a_slip_without_office_and_following_is_whole():
    text = text_of(slip("stay_notice", office=None, following=None))
    assert "Nơi nhận\t" not in text
    assert "None" not in text


def test_the_code_slip_of_a_saved_dossier_names_nobody():
    one = SLIPS["code-saved"]
    assert styles(one, "box") == BOXES["saved"]
    assert wording.say("vi", "paper.saved.next") in styles(one, "bold")
    assert "BẢN IN LẠI LẦN 1" in styles(one, "bold")
    assert "NGUYEN" not in text_of(one)


BLANKS = st.sampled_from(["", " ", ".", "-", "\u00a0", " - ", "(", "\u2009", "–"])
NUMBERS = st.one_of(
    st.from_regex("[0-9]{12}", fullmatch=True),
    st.from_regex("0[35789][0-9]{8}", fullmatch=True),
    st.from_regex("[+]84[35789][0-9]{8}", fullmatch=True),
    st.from_regex("[0-9]{9}", fullmatch=True),
    st.from_regex("[\u0660-\u0669]{12}", fullmatch=True),
    st.from_regex("[\uff10-\uff19]{12}", fullmatch=True),
)


@given(NUMBERS, BLANKS, st.integers(1, 8), st.text("ăb, ", max_size=6), st.text("ăb, ", max_size=6))
def test_a_number_that_is_not_masked_reaches_no_slip(number, blank, at, before, after):
    value = f"{before}{number[:at]}{blank}{number[at:]}{after}"
    row = (Words("Số", "Number"), value)
    with pytest.raises(AssertionError, match="unmasked"):
        dossier_slip(PLACE, told("stay_notice", rows=(row,)), "vi")


ANSWERS_AT_ALL = st.fixed_dictionaries(
    {
        "id_number": st.from_regex("0[0-9]{11}", fullmatch=True),
        "name": st.text("NguyễnTrầnẨ 'o", min_size=1, max_size=30),
        "phone": st.from_regex("[+]849[0-8][0-9]{7}", fullmatch=True),
        "address": st.text("0123456789 ăb", max_size=40),
        "right": st.text("0123456789 ăb", max_size=40),
        "what": st.text("0123456789 ăb", max_size=40),
    }
)


@given(ANSWERS_AT_ALL, st.sampled_from(SERVICES), st.sampled_from(("vi", "en")))
def test_whatever_a_resident_types_no_slip_stops_the_station_or_tells_a_number(answers, name, language):
    of = service(name)
    held = {key: Answer(value, "typed") for key, value in answers.items()}
    said = paper_rows(of, asked(of, held), held, language)
    text = text_of(dossier_slip(PLACE, told(name, rows=said), language))
    assert answers["id_number"] not in text
    assert answers["phone"][3:] not in text
    assert not any(answers[key] in text for key in ("address", "right", "what") if len(answers[key]) > 12)


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        DossierSlip,
        service=st.builds(Words, st.just("Dịch vụ"), st.just("Service")),
        layout=st.sampled_from(("dossier", "report", "correction")),
        code=st.just(CODE),
        created_ms=st.integers(0, 4_102_444_800_000),
        state=st.sampled_from(STATES),
        official=st.sampled_from(("", OFFICIAL)),
        as_of_ms=st.none() | st.just(START_MS),
        office=st.none() | st.just(OFFICE),
        told=st.text(max_size=40),
        rows=st.just(()),
        deadline=st.none() | st.tuples(st.just(START_MS), st.booleans()),
        following=st.none() | st.just(Words("Tiếp theo", "Next")),
        channels=st.booleans(),
        emergency=st.booleans(),
        fee_dong=st.none() | st.integers(0, 9_999_999),
    ),
    st.sampled_from(("vi", "en")),
    st.integers(1, 5),
)
def test_every_slip_can_be_drawn(one, language, copy):
    paper = dossier_slip(PLACE, one, language, copy=copy)
    assert picture(paper, 384).width == 384
    assert json.loads(json.dumps(paper.lines))


@pytest.mark.parametrize("width_dots", [384, 576])
def test_no_slip_is_longer_than_what_a_serial_line_is_made_for(width_dots):
    place = replace(PLACE, simulated=True)
    rows_max = 0
    for name, state, language in itertools.product(SERVICES, STATES, ("vi", "en")):
        official = OFFICIAL if state == "accepted" else ""
        most = told(name, language, state=state, official=official, as_of_ms=START_MS, told="Nơi nhận cần " * 23)
        assert len(most.told) <= 300
        rows_max = max(rows_max, picture(dossier_slip(place, most, language, copy=3), width_dots).height)
    assert rows_max + raster.BAND_ROWS <= JOB_ROWS_MAX


@pytest.mark.parametrize("width_dots", [384, 576])
@pytest.mark.parametrize("name", SLIPS)
def test_codes_are_read_back_from_the_paper(name, width_dots, tmp_path):
    picture(SLIPS[name], width_dots).save(tmp_path / "paper.png")
    done = subprocess.run(["zbarimg", "-q", tmp_path / "paper.png"], capture_output=True, text=True, check=True)
    wanted = [f"QR-Code:{CODE}"] if width_dots == 384 else [f"CODE-128:{CODE}", f"QR-Code:{CODE}"]
    assert sorted(done.stdout.splitlines()) == wanted


@pytest.mark.parametrize("name", SLIPS)
def test_what_slips_say_is_as_it_was_approved(name):
    path = GOLDEN / f"{name}.txt"
    said = "".join(f"{style}\t{text}\n" for style, text in SLIPS[name].lines)
    if os.environ.get("REGENERATE_GOLDEN"):
        path.write_text(said, "utf-8")
    assert said == path.read_text("utf-8")
