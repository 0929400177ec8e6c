"""Dossiers on the operations page: what waits is found first, what is late is marked, and no answer is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fleet_server import dossiers
from fleet_server.console import dossier_rows
from fleet_server.console.dossier_rows import Totals
from fleet_server.store import TimelineRow
from tests.fleet_server.console_bed import T0, Bed, Reading, add_station, device_of, dossier, open_bed, said

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from fleet_server.store import Dossier

OFFICIAL = "H29.17-261122-0001"
HOUR_MS = 3_600_000
DEVICE = device_of("K0001")


@pytest.fixture
def bed(tmp_path: Path) -> Generator[Bed]:
    with open_bed(tmp_path) as bed:
        bed.sign_in()
        add_station(bed.store, 1, T0)
        yield bed


def put(bed: Bed, *rows: Dossier) -> None:
    def fill(store: Any) -> None:
        for each in rows:
            store.put_dossier(each)

    bed.store.run(fill)


def rows_of(page: str, section: str) -> list[str]:
    """The text of each row of a section."""
    part = page.split(f'id="{section}"')[1].partition("</section>")[0]
    return [" ".join(Reading(row).text.split()) for row in re.findall(r"<tr id=.*?</tr>", part, re.DOTALL)]


def test_what_waits_is_told_with_its_office_its_deadline_and_its_faults(bed: Bed) -> None:
    put(
        bed,
        dossier(1),
        dossier(2, urgent=True, service="A5", form="police_report/1", identity="none", online=False, faults=2),
        dossier(3, deadline_ms=T0 - 1, service="A8", form="stay_notice/1", quality=1),
        dossier(4, deadline_ms=T0 + HOUR_MS, ward="99999", faults=None, form="tomorrow/1", sources={}),
        dossier(5, received_ms=T0 - 2 * HOUR_MS, created_ms=T0 - 2 * HOUR_MS, deadline_ms=T0 + 9 * HOUR_MS),
    )
    page = bed.ask("/dossiers").text
    urgent, overdue, near, slow, plain = rows_of(page, "waiting")
    for row, texts in (
        (urgent, ("Khẩn", "Phản ánh an ninh trật tự", "2 lỗi", "lập khi mất mạng", "không hỏi", dossier(2).code)),
        (overdue, ("Quá hạn", "18/11/2026 18:06:39", "giờ trạm chưa tin được", "A8 · stay_notice/1")),
        (near, ("Sắp đến hạn", "chưa biết mẫu này", "tomorrow/1", "99999")),
        (slow, ("quá 1 giờ chưa có mã chính thức", "2 giờ trước", "19/11/2026 03:06:40")),
        (plain, ("Báo sai dữ liệu", "Phường Bình Trưng", "đã đọc chip", "đủ", "2 từ chip · 4 gõ tay", "K0001")),
    ):
        assert [text for text in texts if text not in row] == []
    assert "Khẩn" not in plain
    assert "quá 1 giờ" not in plain
    assert "Không có" not in page.partition("Cơ quan đã trả lời")[0]
    english = bed.ask("/dossiers?language=en").text
    for text in ("Report to the police", "Bình Trưng Ward", "2 faults"):
        assert text in english


def test_what_an_office_said_stands_apart_newest_first_and_whether_the_resident_knows(bed: Bed) -> None:
    first, second = dossier(1, deadline_ms=T0 - 1), dossier(2, seen="NEEDS_MORE", urgent=True)
    put(bed, first, second)
    secret = "Lời riêng cho cư dân"
    bed.store.run(lambda store: store.add_dossier_word(said(first, "ACCEPTED", OFFICIAL)))
    bed.store.run(lambda store: store.add_dossier_word(said(second, "NEEDS_MORE", secret)))
    page = bed.ask("/dossiers").text
    assert rows_of(page, "waiting") == []
    assert "Không có hồ sơ nào đang chờ." in page
    more, accepted = rows_of(page, "decided")
    assert [text for text in ("Cần bổ sung", "cư dân đã được báo tại trạm", "Khẩn") if text not in more] == []
    assert [text for text in ("Đã tiếp nhận", "trạm chưa báo cư dân", OFFICIAL) if text not in accepted] == []
    assert "Quá hạn" not in page
    assert secret not in page


def test_one_stations_dossiers_are_found_from_its_page_and_back(bed: Bed) -> None:
    add_station(bed.store, 2, T0)
    mine, other = dossier(1), dossier(2, device=device_of("K0002"))
    put(bed, mine, other)
    bed.store.run(lambda store: store.add_dossier_word(said(other, "ACCEPTED", OFFICIAL)))
    facts = {"service": "C4", "code": mine.code, "ward": "27097", "identity": "typed", "urgent": True, "online": False}
    seen = {"state": "ACCEPTED", "official": OFFICIAL}

    def fill(store: Any) -> None:
        store.add_line(TimelineRow(1, DEVICE, mine.txn, 3, "dossier.created", T0, 3, T0, facts))
        store.add_line(TimelineRow(2, DEVICE, mine.txn, 4, "dossier.seen", T0, 3, T0, seen))
        store.add_line(TimelineRow(3, DEVICE, None, 5, "technician.entry", T0, 3, T0, {"result": "locked"}))

    bed.store.run(fill)
    page = bed.ask("/stations/K0001").text
    assert f'href="/dossiers?station=K0001#{mine.code}"' in page
    text = Reading(page).text
    for words in (
        f"{mine.code} · tự gõ · lập khi mất mạng · C4 · Khẩn · Phường Bình Trưng",
        f"{OFFICIAL} · Đã tiếp nhận",
        "khóa vì sai nhiều lần",
        "Chờ tiếp nhận",
    ):
        assert words in text
    page = bed.ask("/dossiers?station=K0001").text
    assert len(rows_of(page, "waiting")) == 1
    assert rows_of(page, "decided") == []
    assert 'href="/stations/K0001"' in page
    assert 'href="/dossiers"' in page
    assert len(rows_of(bed.ask("/dossiers?station=K0002").text, "decided")) == 1
    assert bed.ask("/dossiers?station=K0009").status == 404
    assert bed.ask("/dossiers?station=%3Cb-evil%3E").status == 404


def test_the_overview_counts_what_waits_and_says_what_is_late_aloud(bed: Bed) -> None:
    def seen() -> tuple[list[Any], list[str]]:
        news = bed.ask("/api/stations").json
        tiles = [each for each in news["tiles"] if each["state"] == "dossiers"]
        return tiles, [each["tone"] for each in news["banners"] if each["href"] == "/dossiers#waiting"]

    assert seen() == ([], [])
    put(bed, dossier(1), dossier(2, deadline_ms=T0 + HOUR_MS + 3_600_000))
    ((tile,), banners) = seen()
    assert (tile["stations"], tile["href"], tile["tone"], banners) == (2, "/dossiers", "warn", ["warn"])
    bed.now_ms = T0 + 3 * HOUR_MS
    ((tile,), banners) = seen()
    assert (tile["tone"], banners) == ("bad", ["bad"])
    assert "1 quá hạn" in bed.ask("/").text
    summary = bed.ask("/api/summary").json
    assert {name: value for name, value in summary.items() if name.startswith("dossiers")} == {
        "dossiers": {"SENT": 2},
        "dossiers_urgent": 0,
        "dossiers_overdue": 1,
        "dossiers_at_risk": 0,
        "dossiers_faulty": 0,
    }


def test_a_long_list_says_that_it_is_cut(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dossier_rows, "WAITING_SHOWN", 2)
    put(bed, *(dossier(number) for number in range(1, 5)))
    page = bed.ask("/dossiers").text
    assert len(rows_of(page, "waiting")) == 2
    assert "Chỉ hiện 2 dòng." in page


def test_tiles_name_what_presses_first_and_always_how_many_wait() -> None:
    everything = Totals({"SENT": 4, "ACCEPTED": 2}, urgent=1, overdue=2, at_risk=3, faulty=1)
    told = [(mark.text, number) for mark, number in dossier_rows.tiles("en", everything)]
    assert told == [
        *(("Overdue", 2), ("At risk", 3), ("Urgent", 1), ("With faults", 1)),
        *(("Awaiting acceptance", 4), ("Accepted", 2)),
    ]
    assert [(mark.text, number) for mark, number in dossier_rows.tiles("en", Totals({}))] == [
        ("Awaiting acceptance", 0)
    ]
    assert {*dossiers.STATES} == {*dossier_rows.STATES}
