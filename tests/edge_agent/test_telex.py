"""Telex: every Vietnamese syllable in every common way of typing it, what undoes what, and any keys at all."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.machines.telex import erase, press

TONES = {"\u0300": "f", "\u0301": "s", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
MARKS = {"â": "aa", "ă": "aw", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}

ONSETS = "b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x"
# Every rhyme of Vietnamese spelling; the letter that bears the tone is the large one (old style: hòa, khỏe, thúy).
RHYMES = """
A Ai Ao Au Ay Am An Ang Anh Ac Ach Ap At Ăm Ăn Ăng Ăc Ăp Ăt Ăk Âm Ân Âng Âc Âp Ât Âu Ây
E Eo Em En Eng Ec Ep Et Ê Êu Êm Ên Ênh Êch Êp Êt I Iu Im In Inh Ich Ip It Ia iÊm iÊn iÊng iÊc iÊp iÊt iÊu
O Oi Om On Ong Oc Op Ot oOng oOc Ô Ôi Ôm Ôn Ông Ôc Ôp Ôt Ơ Ơi Ơm Ơn Ơp Ơt
U Ui Um Un Ung Uc Up Ut Ua uÔi uÔm uÔn uÔng uÔc uÔt Ư Ưi Ưu Ưm Ưn Ưng Ưc Ưt Ưa ưƠi ưƠu ưƠm ưƠn ưƠng ưƠc ưƠp ưƠt
Oa oAi oAo oAy oAm oAn oAng oAnh oAc oAch oAp oAt oĂm oĂn oĂng oĂc oĂt Oe oEo oEn oEt
uÂn uÂng uÂt uÂy uÊ uÊnh uÊch uÊu uƠ Uy uYa uYÊn uYÊt uYt uYch uYnh uYu uYp Y yÊm yÊn yÊng yÊt yÊu
"""
NAMES = """
Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đinh Lâm Phùng Mai Tô Trịnh Đoàn Hà Tăng
Lương Vương Trương Châu Quách Tạ Kiều Thái Cao Chu La Lưu Mạc Nghiêm Ông Phó Quản Sầm Tiêu Tống Triệu Từ Ung Văn Vi
Viên Xa Yên Thị Hữu Đức Ngọc Minh Quang Xuân Thanh Kim Thúy Thùy Hòa Hóa Khỏe Loan Oanh Uyên Uyển Quyên Quỳnh Quý Quốc
Quân Quế Quyết Khuê Huệ Tuệ Tuấn Tuyền Tuyết Nguyệt Khuyên Duyên Hiền Hiếu Hương Phượng Phương Trường Trưởng Cường
Cương Thương Thường Vượng Bích Cẩm Chiến Chính Công Dũng Duy Đạt Điền Điệp Định Đình Đông Gấm Giang Giàu Gia Hải Hạnh
Hằng Hậu Hạ Hoài Hoan Hồng Hợi Hợp Huy Hưng Hường Khoa Khải Khang Khánh Khiêm Khôi Kiên Kiệt Lan Lệ Liên Liễu Linh
Long Lộc Lợi Luân Luyến Lụa Mẫn Mận Mỹ Nam Nga Ngân Nghĩa Nghi Nhàn Nhã Nhẫn Nhật Nhiên Nhung Nữ Phát Phong Phú Phúc
Phước Quyền Sang Sáng Sơn Sương Tài Tâm Tân Tấn Tất Thảo Thắm Thắng Thăng Thế Thiện Thịnh Thọ Thoa Thơm Thu Thuận Thục
Thủy Thư Tiến Tín Toàn Toản Trà Trang Trâm Trí Trinh Trọng Trung Trúc Tú Tùng Tường Vân Việt Vinh Vĩnh Vui Vy Xoan Yến
Ý Út Ẩn Ánh Ái Ân Ấn Én Ổn Ước Ưng Niê Kpă Đắk Lắk Krông Pưh Tẻh Hmông Thành phố Chí phường Bến Nghé Sài Gòn Thủ Bình
Thạnh Gò Vấp Hóc Môn Củ Chi Nhà Bè Cần Giờ Vũng Tàu Bà Rịa An Dĩ Đồng Nai Khuyến Nông Thuở Khuỷu Ngoằn Ngoèo Khuya
Xoong Moóc Giếng Giặt Gì Gìn Giữ Giường Giêng Giết được đường người trước ruộng rượu hươu khướu nghiêng nghề nghiệp
chuyển nhượng thuê mướn tạm trú thường vắng khai báo mất trộm cướp giật lừa đảo đánh nhau gây rối cháy nổ tiếng ồn xe
máy căn cước biển số tầng hầm chung cư sảnh quầy quẹo quào quạu khuấy ngoáy xoáy loắt choắt hoặc oái oăm khuâng huênh
hoang nguều tuýp suýt huých huỵch ủy uống ướt yếu yêu ỷ ưa ừ ở ơn ổ ẻo ếch ít
"""


def typed(keys: str, *, telex: bool = True) -> str:
    text = ""
    for key in keys:
        text = press(text, key, telex=telex)
    return text


def parts(word: str) -> list[tuple[str, str]]:
    """(letter without its tone, tone key) of each letter."""
    found = []
    for letter in word:
        pieces = unicodedata.normalize("NFD", letter)
        bare = unicodedata.normalize("NFC", "".join(piece for piece in pieces if piece not in TONES))
        found.append((bare, "".join(TONES.get(piece, "") for piece in pieces)))
    return found


def plain(word: str) -> str:
    return "".join(letter for letter, _ in parts(word))


def in_case(keys: str, letter: str) -> str:
    return keys.upper() if letter.isupper() else keys


def ways(word: str) -> dict[str, str]:
    """The keys of a word in each common way of typing it."""
    cut = parts(word)
    bare = "".join(in_case(MARKS.get(letter.lower(), letter)[0], letter) for letter, _ in cut)
    each = [in_case(MARKS.get(letter.lower(), letter), letter) for letter, _ in cut]
    if "oo" in plain(word):  # the one word with two plain o: the third says so
        bare, each = (text.lower().replace("oo", "ooo", 1) for text in (bare, "".join(each)))
        bare, each = (text[0].upper() + text[1:] if word[0].isupper() else text for text in (bare, each))
        each = list(each)
    marks = [MARKS[letter.lower()][1] for letter, _ in cut if letter.lower() in MARKS]
    marks = list(dict.fromkeys(marks))  # one w does for both letters of ươ
    tone = "".join(tone for _, tone in cut)
    found = {
        "marks at the letter, tone last": "".join(each) + tone,
        "marks last, tone last": bare + "".join(marks) + tone,
        "tone first, marks last": bare + tone + "".join(marks),
    }
    if "oo" not in plain(word):
        found["all at the letter"] = "".join(keys + tone for keys, (_, tone) in zip(each, cut, strict=True))
    if "uwow" in (keys := "".join(each)):
        found["one w for both"] = keys.replace("uwow", "uow") + tone
    return found


def syllables() -> list[str]:
    """Every onset with every rhyme and every tone that a stop allows, where the spelling is one syllable."""
    found = []
    for onset, rhyme in itertools.product(["", *ONSETS.split()], RHYMES.split()):
        if (
            (onset == "qu" and rhyme[0] in "uUoOưƯ")
            or (onset == "gi" and rhyme[0] in "iIyY")
            or (onset == "g" and rhyme in ("Ia", "Iu"))
        ):
            continue
        place = next(place for place, letter in reversed(list(enumerate(rhyme))) if letter.isupper())
        stopped = rhyme.endswith(("c", "ch", "p", "t", "k"))
        for tone in ("\u0301", "\u0323") if stopped else ("", *TONES):
            small = rhyme.lower()
            found.append(unicodedata.normalize("NFC", onset + small[: place + 1] + tone + small[place + 1 :]))
    return found


def test_every_syllable_of_vietnamese_comes_out_in_every_way_of_typing_it():
    words = syllables()
    assert len(words) > 14_000
    wrong = {(keys, typed(keys)) for word in words for keys in ways(word).values() if typed(keys) != word}
    assert wrong == set()


@pytest.mark.parametrize("word", NAMES.split())
def test_names_and_words_of_the_forms(word):
    for keys in ways(word).values():
        assert typed(keys) == word
        assert typed(keys.upper()) == word.upper()


def test_there_are_many_real_words_in_the_table():
    assert len(set(NAMES.split())) >= 300


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("tieengs", "tiếng"),
        ("tieesng", "tiếng"),
        ("nguyeenx", "nguyễn"),
        ("hoaf", "hòa"),
        ("hoafn", "hoàn"),
        ("hoafnh", "hoành"),
        ("hoefn", "hoèn"),
        ("thuysnh", "thuýnh"),
        ("thuowng", "thương"),
        ("thuowngr", "thưởng"),
        ("thuowr", "thuở"),
        ("ruowu", "rươu"),
        ("nguoiwf", "người"),
        ("quas", "quá"),
        ("quys", "quý"),
        ("quowis", "quới"),
        ("gif", "gì"),
        ("gias", "giá"),
        ("gifn", "gìn"),
        ("giwx", "giữ"),
        ("tw", "tư"),
        ("w", "ư"),
        ("W", "Ư"),
        ("wowcs", "ước"),
        ("huw", "hư"),
        ("dand", "đan"),
        ("duocwjd", "được"),
        ("DDoonfg", "Đồng"),
        ("Dd", "Đ"),
        ("dD", "đ"),
        ("aA", "â"),
        ("Aa", "Â"),
        ("TIEENGS VIEETJ", "TIẾNG VIỆT"),
        ("Nguyeenx Thij Hoaf", "Nguyễn Thị Hòa"),
        ("H'Hen Niee", "H'Hen Niê"),
        ("Ban Mee-Thuootj", "Ban Mê-Thuột"),
        ("S5.02 tangaf 12", "S5.02 tầng 12"),
        # another tone takes the place of the first, z takes it away, another mark takes the place of a mark
        ("asf", "à"),
        ("tieengsz", "tiêng"),
        ("aaw", "ă"),
        ("awa", "â"),
        ("oow", "ơ"),
        ("owo", "ô"),
        ("buonwo", "buôn"),
        ("uwowo", "uô"),
        ("buoonw", "bươn"),
        # the same key again undoes and writes the letter
        ("aaa", "aa"),
        ("eee", "ee"),
        ("ooo", "oo"),
        ("ass", "as"),
        ("tieengss", "tiêngs"),
        ("ddd", "dd"),
        ("DDd", "Dd"),
        ("danddd", "dandd"),
        ("aww", "aw"),
        ("oww", "ow"),
        ("tuww", "tuw"),
        ("ww", "w"),
        ("Ww", "W"),
        ("www", "ww"),
        ("uoww", "ươ"),
        ("uowww", "uow"),
        ("thuongww", "thuongw"),
        ("tanaa", "tana"),
        ("buoonoo", "buonoo"),
        # ... and leaves the word alone after that
        ("aaaa", "aaa"),
        ("dddd", "ddd"),
        ("asss", "ass"),
        # keys without their letter, and words that are not Vietnamese, stay as typed
        ("s", "s"),
        ("z", "z"),
        ("az", "az"),
        ("ths", "ths"),
        ("qw", "qw"),
        ("quw", "quw"),
        ("hiw", "hiw"),
        ("dw", "dư"),
        ("xyz", "xyz"),
        ("facebook", "facebook"),
        ("zalo zoom", "zalo zoom"),
        ("flats", "flats"),
        ("class", "class"),
        ("hoaa", "hoaa"),
        ("beste", "bết"),
        ("lonss", "lons"),
        ("a1s", "a1s"),
        ("a-s", "a-s"),
        ("as s", "á s"),
    ],
)
def test_keys(keys, text):
    assert typed(keys) == text


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("Thuý", " ", "Thuý "),  # the other spelling of a name stays as somebody wrote it
        ("Thuý", "1", "Thuý1"),
        ("Hoà ", "a", "Hoà a"),
        ("hoà", "n", "hoàn"),
        ("thuỳ", "z", "thuy"),
        ("Êñ", "a", "Êña"),  # a tilde that is no tone
        ("ńa", "s", "ńas"),
        ("áà", "s", "áàs"),
        ("Trâ\u0300", "n", "Trần"),  # letters in pieces are taken as whole ones
        ("x\u0323", "a", "x\u0323a"),
        ("Иa", "s", "Иas"),
        ("İ", "s", "İs"),
    ],
)
def test_what_stood_there_before(before, key, after):
    assert press(before, key, telex=True) == after


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ""),
        ("a", ""),
        ("Nguyễn", "Nguyễ"),
        ("Nguyễ", "Nguy"),
        ("Nguye\u0302\u0303", "Nguy"),
        ("ax\u0323\u0301", "a"),
        ("hoàn", "hoà"),
        ("đ ", "đ"),
        ("\u0301\u0301", ""),
    ],
)
def test_erasing_takes_the_last_letter_with_its_marks(text, left):
    assert erase(text) == left


KEYS = st.text(alphabet="aeouiydwsfrxjzngthcmpqkbAEOUWDSFJ 12'-.", max_size=24)


@given(KEYS)
def test_without_telex_the_text_is_what_was_typed(keys):
    assert typed(keys, telex=False) == keys


@given(KEYS)
def test_any_keys_give_whole_letters_and_never_more_than_keys(keys):
    text = ""
    for key in keys:
        longer = press(text, key, telex=True)
        assert len(longer) <= len(text) + 1
        text = longer
        assert unicodedata.is_normalized("NFC", text)
    assert text.count(" ") == keys.count(" ")


@given(st.text(max_size=12), st.characters(), st.booleans())
@example("", "\u0309", True)
def test_any_text_and_any_key_are_borne(text, key, telex):
    out = press(text, key, telex=telex)
    assert unicodedata.is_normalized("NFC", out)
    assert len(out) <= len(unicodedata.normalize("NFC", text)) + len(unicodedata.normalize("NFC", key))


@given(st.one_of(st.text(max_size=12), KEYS.map(typed)))
def test_erasing_always_shortens(text):
    count = 0
    while text:
        shorter = erase(text)
        assert len(shorter) < len(unicodedata.normalize("NFC", text))
        text, count = shorter, count + 1
    assert count <= 40


@given(st.sampled_from([word for word in NAMES.split() if "oo" not in plain(word)]), st.randoms(use_true_random=False))
def test_marks_and_tone_behind_a_word_come_in_any_order(word, chance):
    cut = parts(word)
    bare = "".join(in_case(MARKS.get(letter.lower(), letter)[0], letter) for letter, _ in cut)
    after = list(dict.fromkeys(MARKS[letter.lower()][1] for letter, _ in cut if letter.lower() in MARKS))
    after += [tone for _, tone in cut if tone]
    chance.shuffle(after)
    assert typed(bare + "".join(after)) == word
