"""Paper read back: real slips go over TCP to a printer that burns dots, and a machine that knows Vietnamese reads them.

The printer is the byte-level twin: it knows nothing of our drivers and obeys every byte it gets. Letters are read by
tesseract, codes by zbar. What a line says must be read exactly, every mark of every letter, on both rolls.
"""

from __future__ import annotations

import os
import re
import subprocess
import unicodedata
from dataclasses import replace

import pytest

from device_profiles.bills import Bill
from device_profiles.formats.codes import provisional_code
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.printer import compose, raster
from edge_agent.drivers.printer.width import JOB_ROWS_MAX
from edge_agent.machines.scene import Payment
from edge_agent.machines.slips import code_slip, confirmed_slip, pending_slip
from tests.edge_agent.visit_bed import SETTINGS, START_MS
from tests.twins.printer import PrinterTwin

pytestmark = pytest.mark.journey

MARKED = [unicodedata.normalize("NFC", b + m) for b in "aăâeêioôơuưy" for m in ["", *"\u0300\u0301\u0309\u0303\u0323"]]
LETTERS = {*MARKED, "đ", *"bcdghklmnpqrstvx"}

# Title and address of the station; owner, unit, payee; number of the slip; amount in dong.
STATIONS = [
    ("Chung cư Hoa Sữa – Sảnh S5.02", "Số 88 đường Phước Thiện, phường Long Bình, TP. Hồ Chí Minh"),
    ("Khu nhà ở Mỹ Đình – Sảnh Hà Nội", "Số 5 ngõ 12 phố Hàng Vải, phường Hoàn Kiếm, TP. Hà Nội"),
    ("Chung cư Cẩm Phụng – Sảnh Mễ Trì", "Số 9 phố Lý Thường Kiệt, phường Ninh Kiều, TP. Cần Thơ"),
    ("Khu tái định cư Thủ Thiêm – Sảnh Lê Lợi", "Số 3 đường Lương Định Của, phường An Khánh, TP. Hồ Chí Minh"),
]
BILLS = [
    ("Đỗ Thị Mỹ Lệ ***", "B-02.01", "Hội Giúp đỡ trẻ em Cái Bè, bến đỗ Cửa Lò, xóm Cù Lao", 42, 1_234_567),
    (
        "Nguyễn Vũ Khỏe ***",
        "Lô D, căn 12A08",
        "Quỹ khuyến học xuân Ất Tỵ, phường Thắng Lợi, nhà thờ họ Võ, chợ Rẫy",
        777,
        98_765_432,
    ),
    (
        "Lò Thị Mỡ ***",
        "Tầng 11, lô Tím",
        "Tổ kỹ thuật sẽ sửa chữa nhỏ lẻ, dọn cỏ mỗi tuần, sẵn sàng tự nguyện hỗ trợ kỹ sư",
        1000,
        205_015,
    ),
    (
        "Hồ Sĩ Ngỡ ***",
        "Nhà số 7, lô Lê",
        "Hợp tác xã Ổi Tứ Quý, cầu Mới, mũi Né, ngừng thu lúc trễ, dễ hẹn, khẳng định bằng phiếu, tỷ lệ, mẫu ký, nhà ở",
        31,
        10_000_000,
    ),
]
KINDS = ("pending", "confirmed", "code", "review")


def slip_of(kind, number):
    """The slip that the visit would print, in Vietnamese."""
    title, address = STATIONS[number]
    settings = replace(SETTINGS, title=title, address=address)
    owner, unit, payee, counter, amount = BILLS[number]
    payment = Payment(
        txn=bytes(16),
        bill=Bill(b"bill", unit, "2026-10", amount, "2026-11-30", owner),
        payee_name=payee,
        payee_account="0071001234567",
        bank="Vietcombank",
        code=provisional_code(settings.station, counter),
        purpose="SKHCM 9D4N7RQ2630",
        payload="",
        created_ms=START_MS,
        online=True,
    )
    slip = {
        "pending": lambda: pending_slip(settings, payment, "vi", review=False),
        "review": lambda: pending_slip(settings, payment, "vi", review=True, copy=2),
        "confirmed": lambda: confirmed_slip(settings, payment, "vi", START_MS + 3_600_000),
        "code": lambda: code_slip(settings, payment.code, START_MS, "vi"),
    }[kind]()
    return slip, payment.code


def print_it(slip, width_dots):
    """What comes out of a network printer of that width."""
    with PrinterTwin() as twin:
        settings = {"name": "paper", "host": "127.0.0.1", "tcp_port": twin.port, "width_dots": width_dots}
        printer = open_driver("printer", "escpos_network", settings)
        assert printer.print(b"\x07" * 16, slip) == "confirmed"
        printer.close()
        (paper,) = twin.slips(1)
        assert twin.paper.letters == b""
    assert paper.width == width_dots
    return paper


def run(*command):
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def plain(text):
    """One line in NFC; a dash is a dash, and what no reader can tell apart is the same.

    Capital I and small l are one stroke in this typeface; tesseract's Vietnamese knows no y with a dot below, at any
    size (`test_what_the_reader_cannot_read`).
    """
    text = unicodedata.normalize("NFC", text).replace("–", "-").replace("—", "-")
    return " ".join(text.split()).replace("I", "l").replace("ỵ", "y")


def is_read(line, seen):
    """Whether a reading holds a line; of a masked name's asterisks, only how many letters they may be read as."""
    wanted = re.escape(plain(line.replace("\t", " "))).replace(r"\*\*\*", r"\S{1,4}")
    return re.search(wanted, plain(seen)) is not None


@pytest.mark.parametrize("width_dots", [384, 576])
@pytest.mark.parametrize(
    ("kind", "number"),
    [("pending", 0), ("pending", 1), ("confirmed", 2), ("confirmed", 3), ("code", 1), ("review", 0)],
)
def test_every_line_and_code_of_a_slip_is_read_back(kind, number, width_dots, tmp_path):
    slip, code = slip_of(kind, number)
    path = tmp_path / "paper.png"
    print_it(slip, width_dots).save(path)
    assert set(run("zbarimg", "-q", "--raw", path).split()) == {code}
    seen = run("tesseract", path, "-", "-l", "vie", "--psm", "6")
    said = [line for style, line in slip.lines if style not in ("rule", "qr", "code128")]
    unread = [line for line in said if not is_read(line, seen)]
    if any(line.isascii() or "–" in line for line in unread):  # the box speaks English too
        latin = run("tesseract", path, "-", "-l", "eng", "--psm", "4")
        unread = [line for line in unread if not is_read(line, latin)]
    assert unread == [], seen


def test_these_slips_hold_every_small_letter_of_the_language():
    said = "".join(text for number in range(4) for _, text in slip_of("pending", number)[0].lines)
    assert LETTERS - set(unicodedata.normalize("NFC", said)) == set()


@pytest.mark.parametrize("width_dots", [384, 576, 640])
def test_no_slip_is_longer_than_what_a_serial_line_is_made_for(width_dots):
    """The heads' lines too: a copy, and SIMULATED."""
    slips = [slip_of(kind, number)[0] for kind in KINDS for number in range(4)]
    more = ("bold", "BẢN IN LẠI LẦN 2"), ("bold", "MÔ PHỎNG")
    rows = max(compose.picture(replace(slip, lines=(*slip.lines, *more)), width_dots).height for slip in slips)
    assert rows + raster.BAND_ROWS <= JOB_ROWS_MAX


def test_a_wrong_letter_is_seen(tmp_path):
    slip, _ = slip_of("pending", 0)
    wrong = replace(slip, lines=tuple((style, text.replace("Sữa", "Sứa")) for style, text in slip.lines))
    path = tmp_path / "paper.png"
    print_it(wrong, 576).save(path)
    seen = run("tesseract", path, "-", "-l", "vie", "--psm", "6")
    assert not is_read("Chung cư Hoa Sữa", seen)
    assert is_read("Chung cư Hoa Sứa", seen)


def test_what_the_reader_cannot_read(tmp_path):
    """Letters of 60 dots, as large as anything on a slip: were they read right, `plain` would have no excuse."""
    compose._strip(["Ất Tỵ"], compose._font("Bold", 60), 400, "center").save(tmp_path / "paper.png")
    assert run("tesseract", tmp_path / "paper.png", "-", "-l", "vie", "--psm", "6").strip() == "Ất Ty"
