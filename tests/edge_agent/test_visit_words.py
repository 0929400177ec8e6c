"""The words and the slips: whole in both languages, the domain's words unchanged, nothing unused or unmasked."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import string
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import edge_agent
from edge_agent.machines import moments, slips, wording
from edge_agent.machines.scene import Payment
from tests.edge_agent.visit_bed import BILLS, SETTINGS, START_MS

if TYPE_CHECKING:
    from edge_agent.effects import Slip

ROOM = Path(edge_agent.__file__).parent
SOURCES = [*(ROOM / "screens").glob("*.html"), *(ROOM / "machines").glob("*.py"), *(ROOM / "screens").glob("*.py")]
DOMAIN_WORDS = {
    "offline.banner": (
        "Đang mất mạng: hồ sơ được lưu an toàn và gửi khi có mạng.",
        "No network: your dossier is stored safely and sent when the network returns.",
    ),
    "qr.offline": (
        (
            "Máy đang mất mạng nên chưa thể xác nhận ngay. Tiền chỉ được ghi nhận khi ngân hàng báo có. "
            "Không thanh toán lại hóa đơn này trong 24 giờ."
        ),
        (
            "The station is offline and cannot confirm now. The payment counts only when the bank reports the credit. "
            "Do not pay this bill again within 24 hours."
        ),
    ),
    "state.awaiting": ("CHỜ XÁC NHẬN – CHƯA PHẢI BIÊN LAI", "AWAITING CONFIRMATION – NOT A RECEIPT"),
    "state.confirmed": ("ĐÃ XÁC NHẬN THANH TOÁN", "PAYMENT CONFIRMED"),
    "state.exception": ("CẦN KIỂM TRA – vui lòng giữ phiếu này", "UNDER REVIEW – please keep this slip"),
    "state.saved": ("ĐÃ LƯU TẠI MÁY – CHƯA GỬI", "SAVED AT THE STATION – NOT SENT"),
    "state.sent": ("ĐÃ GỬI – CHỜ TIẾP NHẬN", "SENT – AWAITING ACCEPTANCE"),
    "state.accepted": ("ĐÃ TIẾP NHẬN", "ACCEPTED"),
    "slip.failed": (
        "Đã lưu. Mã của bạn: {code}. Máy chưa in được phiếu.",
        "Saved. Your code: {code}. The slip could not be printed.",
    ),
    "slip.paper_out": (
        "Máy hết giấy. Hãy chụp lại mã trên màn hình.",
        "Out of paper. Please photograph the code on the screen.",
    ),
    "clock": ("Máy đang đồng bộ giờ", "The clock is being set"),
    "why.clock": ("Máy đang đồng bộ giờ", "The clock is being set"),
    "emergency": (
        "Khẩn cấp: gọi 113 (công an), 114 (cứu hỏa), 115 (cấp cứu)",
        "Emergency: call 113 (police), 114 (fire), 115 (ambulance)",
    ),
    "idle.touch": ("Chạm để bắt đầu", "Touch to begin"),
    "paper.legal": (
        "Phiếu này không thay thế hóa đơn GTGT hoặc giấy tiếp nhận hồ sơ.",
        "This slip replaces no VAT invoice and no acknowledgement of a dossier.",
    ),
}

PAYMENT = Payment(
    txn=b"t" * 16,
    bill=BILLS.bills[0],
    payee_name=BILLS.payee_name,
    payee_account=BILLS.payee_account,
    bank="Vietcombank",
    code="TAM-K0001-000042-2",
    purpose="SKHCM K7Q2M9XA3B",
    payload="",
    created_ms=START_MS,
    online=True,
)


@pytest.mark.parametrize("key", DOMAIN_WORDS)
def test_the_domains_words_stand_unchanged(key):
    assert wording.TEXTS[key] == DOMAIN_WORDS[key]


def test_the_words_of_a_deadline_at_risk_are_the_domains_with_the_stations_hotline():
    said = [wording.say(each, "deadline.risk", time="23:00", hotline="0693187111") for each in ("vi", "en")]
    assert said == [
        ("Thủ tục này có hạn 23:00. Nếu máy chưa gửi kịp, hãy báo Công an phường, gọi 0693187111 hoặc dùng VNeID."),
        (
            "This procedure is due at 23:00. If the station cannot send in time, tell the ward police, "
            "call 0693187111 or use VNeID."
        ),
    ]


def test_a_text_that_stands_in_two_tables_is_an_error():
    with pytest.raises(ValueError, match=r"two tables of words: b; keep one"):
        wording.merged({"a": ("1", "1"), "b": ("2", "2")}, {"b": ("3", "3")})


@pytest.mark.parametrize("key", wording.TEXTS)
def test_every_text_is_whole_in_both_languages(key):
    vi, en = wording.TEXTS[key]
    gaps = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (vi, en)]
    assert gaps[0] == gaps[1]
    for text in (vi, en):
        assert text == unicodedata.normalize("NFC", text).strip() != ""
        assert not re.search(r"journal|exception|agent|server|database|txn|http", text, re.IGNORECASE)


def used_keys() -> set[str]:
    """Every key that a template or a machine names, whole or by its first part."""
    text = "\n".join(path.read_text("utf-8") for path in SOURCES if not path.name.startswith("word"))
    whole = set(re.findall(r'"([a-z_0-9]+(?:\.[a-z_0-9]+)*)"', text))
    whole |= set(re.findall(r"'([a-z_0-9]+(?:\.[a-z_0-9]+)*)'", text))
    first = set(re.findall(r"""["']([a-z_.]+\.)["']\s*~""", text)) | {"why."}
    return {key for key in wording.TEXTS if key in whole or any(key.startswith(each) for each in first)}


def test_no_text_is_left_over():
    assert set(wording.TEXTS) - used_keys() == set()


def test_other_words_of_consent_are_another_version():
    digest = hashlib.sha256("\n".join(wording.TEXTS["consent"]).encode()).hexdigest()[:16]
    assert (wording.CONSENT_VERSION, digest) == ("fee-consent/1", "41b0da81bdf00d1f")


def test_a_missing_key_is_an_error():
    with pytest.raises(KeyError):
        wording.say("vi", "no such key")


def styles(slip: Slip, style: str) -> list[str]:
    return [text for each, text in slip.lines if each == style]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_pending_slip_holds_all_that_a_slip_must_hold(language):
    slip = slips.pending_slip(SETTINGS, PAYMENT, language, review=False)
    text = "\n".join(text for _, text in slip.lines)
    for part in (
        "Trạm công dân số",
        "Sảnh A",
        "Phường Bình Trưng",
        "K0001",
        "18/11/2026 18:06",
        "A-12.05",
        "NGUYEN *** AN",
        "10/2026",
        "30/11/2026",
        "BAN QUAN TRI CHUNG CU",
        "Bốn trăm tám mươi lăm nghìn đồng",
        "0693187111",
        wording.say(language, "fee"),
        wording.say(language, "paper.pending.next"),
        wording.say(language, "paper.legal"),
        wording.say(language, "paper.photo"),
        "485.000 đ" if language == "vi" else "VND 485,000",
    ):
        assert part in text
    assert styles(slip, "box") == ["CHỜ XÁC NHẬN – CHƯA PHẢI BIÊN LAI", "AWAITING CONFIRMATION – NOT A RECEIPT"]
    assert styles(slip, "code") == styles(slip, "qr") == styles(slip, "code128") == ["TAM-K0001-000042-2"]
    assert "MÔ PHỎNG" not in text


def test_the_confirmed_slip_says_when_and_the_exception_slip_says_what_to_do():
    confirmed = slips.confirmed_slip(SETTINGS, PAYMENT, "vi", START_MS + 3_600_000)
    assert styles(confirmed, "box")[0] == "ĐÃ XÁC NHẬN THANH TOÁN"
    assert "Xác nhận lúc\t18/11/2026 19:06" in styles(confirmed, "text")
    review = slips.pending_slip(SETTINGS, PAYMENT, "vi", review=True)
    assert styles(review, "box")[0] == "CẦN KIỂM TRA – vui lòng giữ phiếu này"
    assert wording.say("vi", "paper.exception.next") in styles(review, "bold")


def test_the_code_slip_names_no_person_no_unit_and_no_amount():
    slip = slips.code_slip(SETTINGS, "TAM-K0001-000042-2", START_MS, "vi")
    text = repr(slip)
    assert not any(part in text for part in ("NGUYEN", "A-12.05", "485", "BAN QUAN TRI"))
    assert styles(slip, "code") == ["TAM-K0001-000042-2"]


def test_a_simulated_station_says_so_on_paper():
    simulated = dataclasses.replace(SETTINGS, simulated=True)
    assert "MÔ PHỎNG" in styles(slips.code_slip(simulated, "X", START_MS, "en"), "bold")


def test_every_slip_can_be_drawn_on_both_widths():
    from edge_agent.drivers.printer.compose import picture

    for language in ("vi", "en"):
        for slip in (
            slips.pending_slip(SETTINGS, PAYMENT, language, review=False, copy=2),
            slips.confirmed_slip(SETTINGS, PAYMENT, language, START_MS),
            slips.code_slip(SETTINGS, PAYMENT.code, START_MS, language),
        ):
            assert picture(slip, 576).width == 576
            assert picture(slip, 384).width == 384


def test_times_and_days_are_those_of_vietnam():
    assert moments.moment(0) == "01/01/1970 07:00"
    assert moments.hour(START_MS) == "18:06"
    assert moments.today(1_795_021_200_000).isoformat() == "2026-11-19"
    assert moments.today(1_795_021_199_999).isoformat() == "2026-11-18"
    assert moments.day_first("2026-10") == "10/2026"
