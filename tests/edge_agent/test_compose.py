"""Slips as dots: every letter comes out, none is lost, codes are readable, and no dot pattern is a command."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import unicodedata
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from edge_agent.drivers.printer import compose, raster
from edge_agent.drivers.printer.compose import clean, picture, wrap
from edge_agent.drivers.printer.symbols import ComposeError, code128, modules, qr
from edge_agent.effects import Slip
from edge_agent.ports import PortFault
from tests.edge_agent.slip_scenes import SLIPS

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "slips"
MARKED = [unicodedata.normalize("NFC", b + m) for b in "aăâeêioôơuưy" for m in ["", *"\u0300\u0301\u0309\u0303\u0323"]]
LETTERS = sorted({*MARKED, *"đ", *"bcdghklmnpqrstvx"} | {letter.upper() for letter in (*MARKED, "đ")})
SIGNS = "0123456789₫–…•·.,:;/()*-€"
URL = "https://tram.example/p/7F3K9Q2M4"

PENDING = Slip(
    (
        ("title", "TRẠM CÔNG DÂN SỐ"),
        ("small", "Chung cư Hoa Sữa – Sảnh S5.02, trạm K0001"),
        ("small", "Số 88 đường Phước Thiện, phường Long Bình, TP. Hồ Chí Minh"),
        ("rule", ""),
        ("box", "CHỜ XÁC NHẬN – CHƯA PHẢI BIÊN LAI"),
        ("box", "AWAITING CONFIRMATION – NOT A RECEIPT"),
        ("small", "Mã tạm / Provisional code"),
        ("code", "7F3K-9Q2M-4"),
        ("qr", URL),
        ("code128", "7F3K9Q2M4"),
        ("rule", ""),
        ("text", "Căn hộ\tS5.02-12A08"),
        ("text", "Chủ hộ\tCông Tằng Tôn Nữ Nguyễn Thị Hoàng Ph***"),
        ("text", "Đơn vị nhận\tBan Quản trị Cụm nhà chung cư Hoa Sữa và Thiên Lý"),
        ("bold", "Số tiền\t1.234.567 đ"),
        ("small", "Bằng chữ: Một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy đồng"),
        ("rule", ""),
        ("text", "Giữ phiếu này để hỏi kết quả tại máy hoặc Ban quản lý tòa nhà."),
        ("small", "Phiếu này không thay thế hóa đơn GTGT hoặc giấy tiếp nhận hồ sơ."),
    )
)
CONFIRMED = Slip(
    (
        ("title", "TRẠM CÔNG DÂN SỐ"),
        ("bold", "BẢN IN LẠI LẦN 2"),
        ("box", "ĐÃ XÁC NHẬN THANH TOÁN"),
        ("text", "Xác nhận lúc\t21/11/2026 22:15"),
        ("bold", "Số tiền\t1.234.567 đ"),
        ("code", "7F3K-9Q2M-4"),
        ("small", "".join(LETTERS)),
    )
)


def burnt(job: raster.Job) -> Image.Image:
    """Every GS v 0 block joined: what the head burns."""
    at, rows, width = 0, b"", 0
    while (at := job.body.find(b"\x1dv0", at)) >= 0:
        width, height = (int.from_bytes(job.body[at + n : at + n + 2], "little") for n in (4, 6))
        rows += job.body[at + 8 : at + 8 + width * height]
        at += 8 + width * height
    return Image.frombytes("1", (8 * width, len(rows) // width), bytes(255 - eight for eight in rows))


def read(image: Image.Image, folder: Path) -> list[str]:
    image.save(folder / "paper.png")
    done = subprocess.run(["zbarimg", "-q", folder / "paper.png"], capture_output=True, text=True, check=False)
    return sorted(done.stdout.split())


# --- letters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [compose._WIDE, compose._NARROW], ids=["80 mm", "58 mm"])
@pytest.mark.parametrize(
    ("style", "weight"),
    [("small", "Regular"), ("text", "Medium"), ("text", "Bold"), ("bold", "Bold"), ("box", "Bold"), ("title", "Bold")],
)
def test_every_vietnamese_letter_and_sign_has_dots_of_its_own(sizes, style, weight):
    font = compose._font(weight, getattr(sizes, style))
    drawn = {}
    for letter in {*LETTERS, *SIGNS, "\uffff"} - {"I"}:  # Roboto's I is its l at some sizes; codes use neither
        strip = compose._strip([letter], font, 80, "left").point(lambda dot: 255 if dot > compose._INK else 0, "1")
        drawn[letter] = strip.tobytes()
    assert len(set(drawn.values())) == len(drawn)
    assert sum(not letter.isascii() for letter in LETTERS) == 134


@pytest.mark.parametrize("width", [384, 576], ids=["58 mm", "80 mm"])
@pytest.mark.parametrize("style", ["title", "text", "small", "bold", "box", "code"])
def test_every_vietnamese_letter_in_pieces_is_drawn_as_the_whole_one(style, width):
    marked = [letter for letter in LETTERS if not letter.isascii()]
    whole = Slip(tuple((style, "".join(marked[at : at + 12])) for at in range(0, len(marked), 12)))
    pieces = Slip(tuple((style, unicodedata.normalize("NFD", text)) for style, text in whole.lines))
    assert sum(len(text) for _, text in pieces.lines) > 2 * 134
    assert picture(whole, width).tobytes() == picture(pieces, width).tobytes()


def test_tall_marks_are_not_cut_off_at_the_top_of_a_line():
    font = compose._font("Bold", compose._WIDE.title)
    strip = compose._strip(["ẪỔỮỂ", "ựợệy"], font, 400, "left")
    assert strip.crop((0, 0, 400, 1)).getextrema() == (255, 255)
    assert strip.crop((0, strip.height - 1, 400, strip.height)).getextrema() == (255, 255)


def test_letters_in_pieces_are_drawn_as_whole_ones():
    text = "Nguyễn Thị Ẩn, đường Hẻm Ớt"
    whole, pieces = (Slip((("text", unicodedata.normalize(form, text)),)) for form in ("NFC", "NFD"))
    assert picture(whole, 576).tobytes() == picture(pieces, 576).tobytes()


def test_no_text_is_smaller_than_what_was_read_back_exactly():
    for sizes in (compose._WIDE, compose._NARROW):
        assert min(getattr(sizes, one.name) for one in fields(sizes)) >= 24
        assert sizes.text >= 28


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\x1b@b\x00c", "a @b c"),
        ("Ph\u200bư\u00adợng\u202e", "Phượng"),
        ("a\tb\nc", "a\tb\nc"),
        ("e\u0302\u0301", "ế"),
    ],
)
def test_control_characters_and_invisible_marks_do_not_reach_the_paper(raw, cleaned):
    assert clean(raw) == cleaned


# --- lines -----------------------------------------------------------------------------------------------------------

WORDS = st.text(alphabet="aăểữ W-–·đ\u00a0\u0323", max_size=60)


@given(WORDS, st.integers(min_value=1, max_value=30))
@settings(deadline=None)
def test_wrapping_loses_no_letter_and_fits(text, width):
    lines = wrap(text, width, len)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        letters = sum(not unicodedata.combining(letter) for letter in line)
        assert len(line) <= width or letters <= 1 or unicodedata.combining(line[width])


@given(WORDS, st.integers(min_value=4, max_value=30))
@settings(deadline=None)
def test_even_lines_are_no_more_lines_and_lose_nothing(text, width):
    plain, even = wrap(text, width, len), compose._balanced(text, width, len)
    assert len(even) == len(plain)
    assert "".join(even).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("một hai ba", 7, ["một hai", "ba"]),
        ("số tiền 1.234 đ", 13, ["số tiền", "1.234 đ"]),
        ("CHỜ XÁC NHẬN – CHƯA", 13, ["CHỜ XÁC", "NHẬN – CHƯA"]),
        ("mộthaiba bốn", 4, ["mộth", "aiba", "bốn"]),
        ("mộthai ba", 4, ["mộth", "ai", "ba"]),
        ("ab\u0323c", 2, ["ab\u0323", "c"]),
        ("a\nb", 9, ["a", "b"]),
        ("", 9, [""]),
        ("1\u00a0234 567", 6, ["1\u00a0234", "567"]),
    ],
)
def test_where_lines_break(text, width, lines):
    assert wrap(text, width, len) == lines


def test_a_value_too_long_for_the_rest_of_the_line_is_not_lost():
    short, long = (picture(Slip((("text", f"Chủ hộ\t{name}"),)), 384) for name in ("Lê Lợi", "Công Tằng Tôn Nữ " * 3))
    assert short.height < long.height
    assert picture(Slip((("text", "Nhãn rất dài của một dòng\tgiá trị cũng dài"),)), 384).height > short.height


def test_a_code_is_as_large_as_fits_and_wrapped_only_when_it_must():
    heights = [picture(Slip((("code", "7F3K" * times),)), 384).height for times in (2, 5, 20)]
    assert heights[0] > heights[1]
    assert heights[2] > 2 * heights[1]


def test_a_code_too_long_for_one_line_is_broken_after_its_hyphens():
    code = "G01.899.909-260916-000017"
    for room in range(6, 30):
        lines = compose._hyphenated(code, room, len).split("\n")
        assert "".join(lines) == code
        assert all(line.endswith("-") for line in lines[:-1])
        assert all(len(line) <= room or "-" not in line[:-1] for line in lines)
    whole, two, one = (picture(Slip((("code", text),)), 384) for text in (code, code.replace("-", "0"), code[:19]))
    assert whole.height == two.height > one.height
    assert whole.tobytes() != two.tobytes()
    assert compose._hyphenated("TAM", 1, len) == "TAM"
    assert compose._hyphenated("a--b-", 2, len) == "a-\n-\nb-"


# --- codes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [384, 512, 576, 640])
def test_codes_are_read_back_from_the_bytes(width, tmp_path):
    assert read(burnt(raster.job(PENDING, width)), tmp_path) == ["CODE-128:7F3K9Q2M4", f"QR-Code:{URL}"]


@pytest.mark.parametrize("text", [" !\"#$%&'()*+,-./0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "[]^_`{|}~abc\\z", "0"])
def test_code_128_holds_all_of_set_b(text, tmp_path):
    page = Image.new("L", (1400, 200), 255)
    page.paste(code128(text, 1400), (10, 10))
    page.save(tmp_path / "bars.png")
    done = subprocess.run(["zbarimg", "-q", "--raw", tmp_path / "bars.png"], capture_output=True, text=True, check=True)
    assert done.stdout.removesuffix("\n") == text


def test_code_128_of_the_standards_example():
    assert modules("A") == "1101001000010100011000100010110001100011101011"


@pytest.mark.parametrize("text", ["", "é", "a\n", "Đ-1"])
def test_code_128_refuses_what_set_b_has_not(text):
    with pytest.raises(ComposeError, match="printable ASCII"):
        modules(text)
    with pytest.raises(PortFault, match="printable ASCII"):
        raster.job(Slip((("code128", text),)), 384)


def test_bars_too_long_for_the_paper_become_letters():
    slip = Slip((("code128", "KHONG-VUA-GIAY-58-MM"),))
    assert code128("KHONG-VUA-GIAY-58-MM", 384) is None
    assert picture(slip, 384).tobytes() == picture(Slip((("code", "KHONG-VUA-GIAY-58-MM"),)), 384).tobytes()


def test_qr_modules_are_at_least_three_dots_with_a_quiet_zone():
    symbol = qr("x" * 150, 368)
    left, top, right, bottom = symbol.point(lambda dot: 255 - dot).getbbox()
    module = left // 4
    assert module >= 3
    assert (left, top, right, bottom) == (4 * module, 4 * module, symbol.width - left, symbol.height - top)
    assert ((right - left) // module - 17) % 4 == 0


@pytest.mark.parametrize(("text", "words"), [("x" * 1500, "does not fit"), ("x" * 5000, "QR code"), ("", "QR code")])
def test_a_qr_that_does_not_fit_is_refused(text, words):
    with pytest.raises(ComposeError, match=words):
        qr(text, 368)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((("blod", "x"),), "'blod' is unknown; the nearest is 'bold'"),
        ((("bx", "x"),), "nearest is 'box'"),
        ((), "without lines"),
    ],
)
def test_a_slip_that_makes_no_sense_is_refused(lines, words):
    with pytest.raises(ComposeError, match=words):
        picture(Slip(lines), 576)


# --- bytes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [384, 576])
def test_the_job_burns_the_picture_and_ends_with_a_cut(width):
    job = raster.job(PENDING, width)
    assert burnt(job).tobytes() == raster.harmless(picture(PENDING, width)).tobytes()
    assert job.rows == picture(PENDING, width).height
    assert job.body.startswith(b"\x1b@\x1dv0\x00" + bytes([width // 8, 0]))
    assert job.tail == b"\x1bd\x06\x1dV\x00"
    assert raster.job(PENDING, width, cut=False).tail == b"\x1bd\x06"


def page_with(*commands: tuple[int, int]) -> Image.Image:
    """A page of 576 by 3 dots whose middle row holds each 24-bit pattern at its dot."""
    row = sum(pattern << (576 - dot - 24) for pattern, dot in commands).to_bytes(72, "big")
    return Image.frombytes("1", (576, 3), bytes(255 - eight for eight in bytes(72) + row + bytes(72)))


def is_command(page: Image.Image) -> bool:
    return raster._REAL_TIME.search(raster._burnt(page)) is not None


@pytest.mark.parametrize("command", [0x100401, 0x100404, 0x100408, 0x100500, 0x100502, 0x101401, 0x101408])
def test_a_dot_pattern_that_is_a_command_is_moved(command):
    page = page_with((command, 64))
    assert is_command(page)
    moved = raster.harmless(page)
    assert not is_command(moved)
    assert moved.histogram() == page.histogram()


def test_where_moving_does_not_help_single_dots_are_left_white():
    page = page_with(*((0x100401, 64 * dots + 8 - dots) for dots in range(8)))
    harmless = raster.harmless(page)
    assert not is_command(harmless)
    assert harmless.histogram()[0] == page.histogram()[0] - 1


def test_what_is_harmless_is_left_as_it_is():
    page = picture(CONFIRMED, 576)
    assert raster.harmless(page).tobytes() == page.tobytes()


def test_no_slip_of_many_holds_a_command():
    chance = random.Random(7)
    for _ in range(12):
        words = ["".join(chance.choices(LETTERS, k=chance.randint(1, 7))) for _ in range(60)]
        slip = Slip((("small", " ".join(words)), ("text", " ".join(words)), ("code128", str(chance.random())[2:12])))
        for width in (384, 576):
            assert not raster._REAL_TIME.search(raster.job(slip, width).body)


def test_the_first_print_leaves_nothing_in_the_temp_folder_and_is_quiet(tmp_path):
    program = (
        "import os\n"
        "from edge_agent.drivers.printer import raster\n"
        "from edge_agent.effects import Slip\n"
        "assert raster.job(Slip((('text', 'ố'),)), 384).rows\n"
        "assert raster.job(Slip((('text', 'ố'),)), 640).rows\n"
        "assert 'ESCPOS_CAPABILITIES_PICKLE_DIR' not in os.environ\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ESCPOS")}
    environment["TMPDIR"] = str(tmp_path)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_two_threads_may_print_for_the_first_time_at_once(tmp_path):
    program = (
        "import tempfile, threading\n"
        "from edge_agent.drivers.printer import raster\n"
        "from edge_agent.effects import Slip\n"
        "before, rows = tempfile.gettempdir(), []\n"
        "work = lambda: rows.append(raster.job(Slip((('rule', ''),)), 384).rows)\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "assert len(rows) == 4\n"
        "assert tempfile.gettempdir() == before\n"
        "with tempfile.TemporaryFile(): pass\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_first_print_of_a_process_makes_a_temporary_folder(monkeypatch):
    raster.job(CONFIRMED, 384)
    monkeypatch.setattr(raster.tempfile, "TemporaryDirectory", lambda **_: pytest.fail("made one"))
    raster.job(CONFIRMED, 384)


def test_an_operators_folder_for_the_printer_table_is_kept(tmp_path):
    program = "from edge_agent.drivers.printer import raster; raster._load_escpos()"
    environment = os.environ | {"TMPDIR": str(tmp_path), "ESCPOS_CAPABILITIES_PICKLE_DIR": str(tmp_path / "kept")}
    (tmp_path / "kept").mkdir()
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert len(list((tmp_path / "kept").iterdir())) == 1


# --- the look --------------------------------------------------------------------------------------------------------


# Every style, alone and beside each of its variants.
STYLES = Slip(
    (
        ("title", "TRẠM CÔNG DÂN SỐ – MỘT TIÊU ĐỀ DÀI HAI DÒNG"),
        ("small", "Dòng nhỏ dưới tiêu đề thì ở giữa"),
        ("bold", "Dòng đậm cũng vậy"),
        ("rule", ""),
        ("box", "KHUNG"),
        ("box", "dòng thứ hai của khung"),
        ("text", "Dòng chữ thường, dài hơn một dòng giấy và xuống dòng ở khoảng trắng, không mất chữ nào."),
        ("text", "Nhãn\tGiá trị"),
        ("text", "Một nhãn rất dài của dòng này\tGiá trị cũng dài"),
        ("small", "Nhãn nhỏ\tGiá trị nhỏ"),
        ("bold", "Tổng cộng\t9.999.999 đ"),
        ("text", "Hai\ndòng"),
        ("rule", ""),
        ("small", "Chữ nhỏ trên mã thì ở giữa"),
        ("code", "7F3K-9Q2M-4"),
        ("code", "MỘT MÃ DÀI 7F3K-9Q2M-4"),
        ("qr", URL),
        ("code128", "7F3K9Q2M4"),
    )
)
CODES = Slip((("qr", URL), ("rule", ""), ("code128", "7F3K9Q2M4")))
LOOKS = {
    (name, width): one
    for slips, widths in (
        ({"pending": PENDING, "confirmed": CONFIRMED, "styles": STYLES}, (384, 512, 576)),
        (SLIPS, (384, 576)),
    )
    for (name, one), width in itertools.product(slips.items(), widths)
}


def test_the_kept_pictures_show_every_style():
    assert {style for style, _ in STYLES.lines} == set(compose.STYLES)


@pytest.mark.parametrize("width", [384, 512, 576])
def test_a_slip_without_letters_is_the_same_bytes_everywhere(width):
    """No typeface, so no FreeType: to the byte, with its initialisation, bands, feed and cut."""
    path, job = GOLDEN / f"codes-{width}.bin", raster.job(CODES, width)
    if os.environ.get("REGENERATE_GOLDEN"):
        path.write_bytes(job.body + job.tail)
    assert job.body + job.tail == path.read_bytes()
    assert raster.job(CODES, width) == job


@pytest.mark.parametrize(("name", "width"), LOOKS)
def test_slips_look_as_they_were_approved(name, width):
    """To the dot with the FreeType that drew the kept picture; another one hints letters a little differently."""
    drawn, path, drawer = (
        picture(LOOKS[name, width], width),
        GOLDEN / f"{name}-{width}.png",
        features.version("freetype2"),
    )
    if os.environ.get("REGENERATE_GOLDEN"):
        info = PngInfo()
        info.add_text("freetype", drawer)
        drawn.save(path, pnginfo=info)
    with Image.open(path) as kept:
        if kept.text["freetype"] == drawer:
            assert drawn.tobytes() == kept.convert("1").tobytes()
        else:
            assert drawn.width == kept.width
            assert abs(drawn.height - kept.height) < 0.03 * kept.height
            black, kept_black = (image.convert("L").histogram()[0] for image in (drawn, kept))
            assert abs(black - kept_black) < 0.05 * kept_black
