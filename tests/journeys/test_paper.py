"""Paper read back: real slips go over TCP to a printer, and machines that know Vietnamese and codes read what came out.

The byte-level twin takes the place of the printer, because it answers as one. What it heard then goes to npos, a
decoder of ESC/POS that others wrote, in its own process (`tests/npm`): its picture is what is read, and must be the
twin's to the dot. Letters are read by tesseract, codes by zbar. What a line says must be read exactly, every mark of
every letter, on both rolls, on every kind of slip.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import subprocess
import time
import unicodedata
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from device_profiles.bills import Bill
from device_profiles.formats.codes import provisional_code
from edge_agent.bench import LETTERS as FOR_EYES
from edge_agent.bench import TRIAL_SLIP
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.printer import compose, raster, status
from edge_agent.drivers.printer.width import JOB_ROWS_MAX
from edge_agent.machines.scene import Payment
from edge_agent.machines.slips import code_slip, confirmed_slip, pending_slip
from tests.edge_agent.slip_scenes import SLIPS
from tests.edge_agent.visit_bed import HOUR_MS, SETTINGS, START_MS
from tests.npm_tools import NPM, NotInstalledError, npm_folder, run_node
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
# Every function that makes a slip, in every state of a payment, as a first and a later copy, in both languages.
KINDS = {
    "pending": lambda s, p: pending_slip(s, p, "vi", review=False),
    "pending again": lambda s, p: pending_slip(s, p, "vi", review=False, copy=2),
    "pending in English": lambda s, p: pending_slip(s, p, "en", review=False),
    "pending simulated": lambda s, p: pending_slip(replace(s, simulated=True), p, "vi", review=False),
    "review": lambda s, p: pending_slip(s, p, "vi", review=True),
    "review again": lambda s, p: pending_slip(s, p, "vi", review=True, copy=2),
    "confirmed": lambda s, p: confirmed_slip(s, p, "vi", START_MS + HOUR_MS),
    "confirmed again in English": lambda s, p: confirmed_slip(s, p, "en", START_MS + HOUR_MS, copy=2),
    "code awaiting": lambda s, p: code_slip(s, p.code, START_MS, "vi"),
    "code confirmed": lambda s, p: code_slip(s, p.code, START_MS, "vi", state="confirmed"),
    "code exception": lambda s, p: code_slip(s, p.code, START_MS, "vi", state="exception", copy=2),
    "trial": lambda s, p: TRIAL_SLIP,
    **{name: lambda _s, _p, name=name: SLIPS[name] for name in SLIPS if not name.endswith("-en")},
}
# With whose words: an English slip with some of them mixes what neither language's reader knows.
WORDS = {
    "pending": (0, 1, 3),
    "pending again": (1,),
    "pending in English": (2,),
    "pending simulated": (2,),
    "review": (2,),
    "review again": (0,),
    "confirmed": (0, 2, 3),
    "confirmed again in English": (0,),
    "code awaiting": (0,),
    "code confirmed": (0,),
    "code exception": (1,),
    "trial": (0,),
    **{name: (0,) for name in SLIPS if not name.endswith("-en")},
}
KIND_OF = {"qr": "QR-Code", "code128": "CODE-128"}  # a slip's styles as zbar calls them


def slip_of(kind, number):
    """The slip of that kind with the words of that number."""
    title, address = STATIONS[number]
    # No zero in the station's number: among small letters the reader takes it for an O. The codes are full of them.
    settings = replace(SETTINGS, station="K2741", title=title, address=address)
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
    return KINDS[kind](settings, payment)


@dataclass
class Decoded:
    """What npos makes of a job's bytes."""

    commands: list[str]
    text: bytes
    picture: Image.Image


def decoded(raw):
    """Have npos read what a printer was sent."""
    found = json.loads(run_node("decode.mjs", bytes(raw)))
    size, rows = (found["picture"]["width"], found["picture"]["height"]), base64.b64decode(found["picture"]["rows"])
    picture = Image.frombytes("1", size, bytes(255 - eight for eight in rows))
    return Decoded(found["commands"], bytes.fromhex(found["text"]), picture)


def print_it(slip, width_dots):
    """What comes out of a network printer of that width, as the twin has it and as npos reads it."""
    with PrinterTwin() as twin:
        settings = {"name": "paper", "host": "127.0.0.1", "tcp_port": twin.port, "width_dots": width_dots}
        printer = open_driver("printer", "escpos_network", settings)
        assert printer.print(b"\x07" * 16, slip) == "confirmed"
        printer.close()
        (paper,) = twin.slips(1)
        assert twin.paper.letters == b""
        until = time.monotonic() + 10
        while not twin.heard.endswith(status.BARRIER) and time.monotonic() < until:
            time.sleep(0.01)
        raw = bytes(twin.heard)
    return paper, decoded(raw)


def run(*command):
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def plain(text):
    """One line in NFC; a dash is a dash, or a dot; and what no reader can tell apart is the same.

    Capital I and small l are one stroke in this typeface; tesseract's Vietnamese knows no y with a dot below, at any
    size (`test_what_the_reader_cannot_read`).
    """
    text = unicodedata.normalize("NFC", text)
    text = text.replace("–", "-").replace("—", "-").replace("·", "-")
    return " ".join(text.split()).replace("I", "l").replace("ỵ", "y")


def is_read(line, seen):
    """Whether a reading holds a line; of a masked name's asterisks, only how many letters they may be read as."""
    wanted = re.sub(r"(?:\\\*){3,}", r"\\S{1,6}", re.escape(plain(line.replace("\t", " "))))
    return re.search(wanted, plain(seen)) is not None


def unread(slip, path, languages):
    """The lines of a slip that nobody reads, as one block of text or as a column; tables of letters are for eyes."""
    lines = [line for style, line in slip.lines if style not in ("rule", *KIND_OF)]
    lines = [line for line in lines if line.upper() != FOR_EYES.upper()]
    # A code that is too long for one line goes on behind one of its hyphens.
    codes = {line for style, line in slip.lines if style == "code"}
    for language in languages:
        for layout in ("6", "4"):
            if lines:
                seen = run("tesseract", path, "-", "-l", language, "--psm", layout)
                whole = seen.replace("-\n", "-")
                lines = [line for line in lines if not is_read(line, whole if line in codes else seen)]
    return lines


@pytest.mark.parametrize("width_dots", [384, 576])
@pytest.mark.parametrize(("kind", "number"), [(kind, number) for kind in KINDS for number in WORDS[kind]])
def test_every_line_and_code_of_a_slip_is_read_back_from_what_another_decoder_drew(kind, number, width_dots, tmp_path):
    slip = slip_of(kind, number)
    paper, theirs = print_it(slip, width_dots)
    assert (theirs.picture.size, theirs.picture.tobytes()) == (paper.size, paper.tobytes())
    assert paper.tobytes() == raster.harmless(compose.picture(slip, width_dots)).tobytes()
    assert theirs.picture.width == width_dots
    assert theirs.text == b""
    bands = math.ceil(paper.height / raster.BAND_ROWS)
    asked = [*["DLE 4"] * 4, "DLE 14 8", "ESC d", "GS V", "GS a", "ESC @"]
    assert theirs.commands == [*asked, *["GS v 0"] * bands, "ESC d", "GS V", "GS ( H", "GS r"]
    path = tmp_path / "paper.png"
    theirs.picture.save(path)
    wanted = {KIND_OF[style]: text for style, text in slip.lines if style in KIND_OF}
    if width_dots == 384 and kind != "trial":  # bars of two dots do not fit: their text stands there in letters
        del wanted["CODE-128"]
    assert dict(line.split(":", 1) for line in run("zbarimg", "-q", path).splitlines()) == wanted
    assert unread(slip, path, ["vie", "eng"] if "English" in kind else ["vie"]) == []


def test_without_the_decoder_nothing_is_skipped(tmp_path):
    (tmp_path / "package.json").write_text((NPM / "package.json").read_text("utf-8"), "utf-8")
    with pytest.raises(NotInstalledError, match=r"nothing of the npm package .* run \./station test once"):
        npm_folder(tmp_path)
    for name in ("axe-core", "npos"):
        (tmp_path / "node_modules" / name).mkdir(parents=True)
        (tmp_path / "node_modules" / name / "package.json").write_text('{"version": "0.0.1"}', "utf-8")
    with pytest.raises(NotInstalledError, match=r"holds 0\.0\.1 of the npm package"):
        npm_folder(tmp_path)
    assert npm_folder() == NPM / "node_modules"


def test_the_decoder_says_what_it_cannot_read():
    with pytest.raises(RuntimeError, match="Can not parse commands"):
        run_node("decode.mjs", b"\x1b@\x1d~\x01")
    with pytest.raises(RuntimeError, match="0 pictures"):
        run_node("decode.mjs", b"\x1b@letters\n")


def test_these_slips_hold_every_small_letter_of_the_language():
    said = "".join(text for number in range(4) for _, text in slip_of("pending", number).lines)
    assert LETTERS - set(unicodedata.normalize("NFC", said)) == set()


@pytest.mark.parametrize("width_dots", [384, 576, 640])
def test_no_slip_is_longer_than_what_a_serial_line_is_made_for(width_dots):
    """The heads' lines too: a copy, and SIMULATED."""
    slips = [slip_of(kind, number) for kind in KINDS for number in range(4)]
    more = ("bold", "BẢN IN LẠI LẦN 2"), ("bold", "MÔ PHỎNG")
    rows = max(compose.picture(replace(slip, lines=(*slip.lines, *more)), width_dots).height for slip in slips)
    assert rows + raster.BAND_ROWS <= JOB_ROWS_MAX


def test_a_wrong_letter_is_seen(tmp_path):
    slip = slip_of("pending", 0)
    wrong = replace(slip, lines=tuple((style, text.replace("Sữa", "Sứa")) for style, text in slip.lines))
    path = tmp_path / "paper.png"
    print_it(wrong, 576)[1].picture.save(path)
    seen = run("tesseract", path, "-", "-l", "vie", "--psm", "6")
    assert not is_read("Chung cư Hoa Sữa", seen)
    assert is_read("Chung cư Hoa Sứa", seen)


def test_what_the_reader_cannot_read(tmp_path):
    """Letters of 60 dots, as large as anything on a slip: were they read right, `plain` would have no excuse."""
    compose._strip(["Ất Tỵ"], compose._font("Bold", 60), 400, "center").save(tmp_path / "paper.png")
    assert run("tesseract", tmp_path / "paper.png", "-", "-l", "vie", "--psm", "6").strip() == "Ất Ty"
