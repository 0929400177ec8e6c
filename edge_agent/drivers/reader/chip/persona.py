"""Invented people (MÔ PHỎNG): what stands on a simulated card, drawn from a seed. Nobody real is described.

Decides names, numbers and days; the numbers follow the published scheme and are visibly made up (serial numbers
000100 to 000999). Sources: ICAO Doc 9303-3 (check digits, letters), 9303-5 (TD1); how the twelve digits stand in the
printed lines is known from public samples.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from typing import Literal


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SURNAMES = _words("Nguyễn Trần Lê Phạm Hoàng Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Lò Mã Khổng Tạ Đoàn Kỷ Từ")
_MIDDLE = {
    "male": _words("Văn Hữu Đức Công Ngọc Quốc Bảo Chí Thế Trọng Tấn Mẫn Cẩn Sỹ Cử Lực"),
    "female": _words("Thị Ngọc Thúy Mỹ Như Diễm Bé Cẩm Huệ Tố Thu Kiều Quỳnh Phụng Thỏ Vẽ"),
}
_GIVEN = {
    "male": _words(
        "Anh Bình Cường Dũng Giang Hải Hùng Khánh Long Mẽ Nghĩa Phúc Quế Sơn Thắng Toản Tùng Việt Vĩ Nhật Thời Thới"
        " Nở Lợi Hưng Tứ Kỳ Hẹn Tèo Quẻ Lộc Thẳng Sẵn Cát Ân Đạt Sen Hẻo Kề Phó Mỡ Nhị Từ Thể Lỵ Cầm"
    ),
    "female": _words(
        "Ánh Bích Chi Dung Hà Hạnh Hằng Hiền Hoa Lan Lệ Mai Nga Nhung Phương Quyên Thảo Thủy Trúc Tuyết Uyên Yến Xuân"
        " Ngân Hiển Khuê Thì Nhỉ Tý Hỷ Thỏa Cúc Hậu Sương Thụy Ỷ Lặng Gấm Chép Mến Hòa Tó Mộng Bưởi Lữ Vượng"
    ),
}
_PLACES = (
    ("001", "Phường Ba Đình, TP. Hà Nội"),
    ("046", "Phường Thuận Hóa, TP. Huế"),
    ("048", "Phường Hải Châu, TP. Đà Nẵng"),
    ("066", "Phường Buôn Ma Thuột, Đắk Lắk"),
    ("079", "Phường Bình Trưng, TP. Hồ Chí Minh"),
    ("092", "Phường Ninh Kiều, TP. Cần Thơ"),
)
_STREETS = ("Số 5 ngõ 12", "Căn hộ A-12.05, Cao ốc Đảo Kim Cương", "Tổ 7, ấp Mỹ Lợi", "Thôn Đồng Giữa", "Khu phố 3")
_ETHNICITIES = ("Kinh", "Tày", "Ê Đê", "Mường", "Khơ-me", "Hoa")
_WEIGHTS = (7, 3, 1)
_NO_END = "31/12/2099"


@dataclass(frozen=True, slots=True)
class Persona:
    """One invented person with a card. Days are dd/mm/yyyy, as the chip's national data have them.

    sex: "Nam" or "Nữ". spouse, old_id_number: empty where there is none.
    """

    id_number: str
    name: str
    birth_date: str
    sex: Literal["Nam", "Nữ"]
    issue_date: str
    expiry_date: str
    place_of_origin: str
    residence: str
    ethnicity: str
    religion: str
    marks: str
    father: str
    mother: str
    spouse: str = ""
    old_id_number: str = ""

    @property
    def can(self) -> str:
        """The access number: the last six digits of the ID number (by public reports)."""
        return self.id_number[-6:]

    @property
    def mrz_lines(self) -> tuple[str, str, str]:
        """The printed lines: TD1, three of thirty characters."""
        document, birth, expiry = self.id_number[3:], _yymmdd(self.birth_date), _yymmdd(self.expiry_date)
        first = f"IDVNM{document}{check_digit(document)}{self.id_number}<<{check_digit(self.id_number)}"
        sex = "M" if self.sex == "Nam" else "F"
        dates = f"{birth}{check_digit(birth)}{sex}{expiry}{check_digit(expiry)}"
        optional = "<" * 11
        composite = check_digit(first[5:] + dates[:7] + dates[8:] + optional)
        surname, *others = (_letters(word) for word in self.name.split())
        third = f"{surname}<<{'<'.join(others)}".ljust(30, "<")[:30]
        return first, f"{dates}VNM{optional}{composite}", third

    @property
    def mrz_information(self) -> str:
        """What opens the chip (ICAO 9303-11, 4.3.2): document number, birth and expiry, each with its check digit."""
        first, second, _ = self.mrz_lines
        return first[5:15] + second[0:7] + second[8:15]


def persona(seed: int) -> Persona:
    """Give the person of this seed; the same seed, the same person."""
    draw = random.Random(f"persona {seed}")  # noqa: S311 - invented people, no keys
    male = draw.random() < 0.5
    sex = "male" if male else "female"
    place_code, place = draw.choice(_PLACES)
    year, month, day = draw.randint(1945, 2008), draw.randint(1, 12), draw.randint(1, 28)
    century = (0 if male else 1) + (2 if year > 1999 else 0)
    issue_year = draw.choice((2021, 2022, 2023, 2024, 2025))
    name = _name(draw, draw.choice(_SURNAMES), sex)
    married = issue_year - year > 24 and draw.random() < 0.7
    return Persona(
        id_number=f"{place_code}{century}{year % 100:02d}{draw.randint(100, 999):06d}",
        name=name,
        birth_date=f"{day:02d}/{month:02d}/{year}",
        sex="Nam" if male else "Nữ",
        issue_date=f"{draw.randint(1, 28):02d}/{draw.randint(1, 12):02d}/{issue_year}",
        expiry_date=_expiry(day, month, year, issue_year),
        place_of_origin=draw.choice(_PLACES)[1],
        residence=f"{draw.choice(_STREETS)}, {place}",
        ethnicity=draw.choice(_ETHNICITIES),
        religion=draw.choice(("Không", "Phật giáo", "Công giáo")),
        marks=f"Nốt ruồi cách {draw.randint(1, 4)} cm dưới sau khóe mắt {draw.choice(('trái', 'phải'))}",
        father=_name(draw, name.split()[0], "male"),
        mother=_name(draw, draw.choice(_SURNAMES), "female"),
        spouse=_name(draw, draw.choice(_SURNAMES), "female" if male else "male") if married else "",
        old_id_number=f"{place_code[1:]}9000{draw.randint(100, 999)}" if year < 2000 else "",
    )


def check_digit(text: str) -> str:
    """Give the check digit of printed lines: weights 7, 3, 1, modulo 10 (ICAO 9303-3, 4.9)."""
    values = (0 if c == "<" else int(c, 36) for c in text)
    return str(sum(value * _WEIGHTS[i % 3] for i, value in enumerate(values)) % 10)


def _name(draw: random.Random, surname: str, sex: str) -> str:
    words = [surname, draw.choice(_MIDDLE[sex]), *draw.sample(_GIVEN[sex], draw.choice((1, 1, 2)))]
    return unicodedata.normalize("NFC", " ".join(words))


def _expiry(day: int, month: int, year: int, issue_year: int) -> str:
    """A card is good to the 25th, 40th or 60th birthday, whichever comes first two years after it; then for ever."""
    age = next((age for age in (25, 40, 60) if year + age >= issue_year + 2), None)
    return f"{day:02d}/{month:02d}/{year + age}" if age else _NO_END


def _yymmdd(day_first: str) -> str:
    day, month, year = day_first.split("/")
    return year[2:] + month + day


def _letters(word: str) -> str:
    """Capital letters without marks."""
    plain = unicodedata.normalize("NFD", word.upper().replace("Đ", "D"))
    return "".join(c for c in plain if "A" <= c <= "Z")
