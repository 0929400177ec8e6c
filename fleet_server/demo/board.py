"""The building's board of a demonstration: writes a bill list as such lists come, dirt and all; invented persons."""

from __future__ import annotations

import random

UNITS = 400
FLOORS, DOORS = 20, 20
FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Hoàng", "Võ", "Đặng", "Bùi", "Đỗ")
MIDDLES = ("Thị", "Văn", "Minh", "Ngọc", "Gia", "Hoàng", "Thanh")
GIVEN = ("Anh", "Bình", "Châu", "Dũng", "Hà", "Khánh", "Lan", "Nam", "Oanh", "Phúc", "Quân", "Trang", "Uyên", "Vy")


def bill_list(block: str, seed: int, period: str, due: str) -> bytes:
    """A CSV of 400 units: BOM, semicolons, dots in amounts, an empty line, and three rows more.

    One of those contradicts the first unit (neither can be served), one has no amount, one no day that exists.
    period: as the board writes it ("09/2026"); due: dd/mm/yyyy.
    """
    rng = random.Random(seed)  # noqa: S311  invented bills, not secrets
    lines = ["Căn hộ;Kỳ;Số tiền;Hạn thanh toán;Chủ hộ"]
    for number in range(UNITS):
        unit = f"{block}-{number // DOORS + 1:02d}.{number % DOORS + 1:02d}"
        amount = rng.randrange(180, 499) * 1000
        owner = f"{rng.choice(FAMILIES)} {rng.choice(MIDDLES)} {rng.choice(GIVEN)}"
        lines.append(f"{unit};{period};{amount:,} đ;{due};{owner}".replace(",", "."))
    lines.insert(200, "")
    lines += [
        f"{block}-01.01;{period};200.000 đ;{due};Trùng Căn Hộ",
        f"{block}-99.01;{period};một triệu;{due};Sai Số Tiền",
        f"{block}-99.02;{period};250.000 đ;31/02/2026;Sai Ngày",
    ]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()
