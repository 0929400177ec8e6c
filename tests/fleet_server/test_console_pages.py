"""The pages and their JSON: everything escaped, long numbers covered, and no more said than is proven."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from fleet_server import money
from fleet_server.console import money_rows, wording
from fleet_server.console.banners import OPENER_SLOW_MS
from fleet_server.console.glance import APART_MAX, LOOK_MS
from fleet_server.store import (
    OPENER_CURSOR,
    DesiredRow,
    QuarantineRow,
    SideRow,
    TimelineRow,
    Why,
)
from tests.fleet_server.console_bed import (
    ALL_WELL,
    REFERENCES,
    T0,
    WHY,
    Bed,
    Reading,
    add_station,
    device_of,
    last,
    open_bed,
    payment,
    place,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Generator

PAGES = ("/", "/stations/K0001", "/dossiers", "/money", "/apart", "/nothing")
CONSOLE = Path(wording.__file__).parent
DEVICE = device_of("K0001")


@pytest.fixture
def bed(tmp_path: Path) -> Generator[Bed]:
    with open_bed(tmp_path) as bed:
        bed.sign_in()
        yield bed


def test_a_silent_station_is_told_by_its_age_and_nothing_of_it_is_well(bed: Bed) -> None:
    add_station(bed.store, 1, T0 - 20 * 60_000, newest=41)
    (station,) = bed.ask("/api/stations").json["stations"]
    assert (station["state"], station["last_ms"], station["backlog"]) == ("OFFLINE", T0 - 20 * 60_000, 32)
    assert {each["state"] for each in station["peripherals"]} == {"unknown"}
    assert {each["paper"] for each in station["peripherals"]} == {"unknown", ""}
    assert "ok" not in {mark.get("tone") for marks in station["cells"].values() for mark in marks}
    page = bed.ask("/stations/K0001").text
    assert "Mất liên lạc" in page
    assert "20 phút trước" in page
    assert "lần cuối báo: tốt, đủ" in page
    assert "mark ok" not in page.partition("Thiết bị ngoại vi")[2].partition("Hiện trạng")[0]


def test_a_fleet_without_backups_says_nothing_about_what_is_in_one(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    assert "không có bản sao lưu" in bed.ask("/stations/K0001").text
    bed.store.run(lambda store: store.set_keeps_backups(True))
    assert "không có bản sao lưu" not in bed.ask("/stations/K0001").text


def test_the_list_tells_every_column(bed: Bed) -> None:
    values = status(peripherals=[*ALL_WELL[1:], ["printer", "p", "noDevice", ""]], exposure_count=3)
    add_station(bed.store, 1, T0, status=values, quality=1, newest=19)
    add_station(bed.store, 2, None, device_is={"status": "CLAIMED"})

    def fill(store: Any) -> None:
        store.put_desired(DesiredRow(DEVICE, 4, b"c", b"d", T0))
        store.count_refusal("stale", DEVICE, "boot 1", T0)
        store.count_refusal("stale", DEVICE, "boot 1", T0)

    bed.store.run(fill)
    news = bed.ask("/api/stations").json
    assert [each["id"] for each in news["stations"]] == ["K0001", "K0002"], "the worst first"
    first, second = news["stations"]
    assert {name: first[name] for name in ("state", "next", "newest", "backlog", "version", "quality", "refused")} == {
        "state": "DEGRADED",
        "next": 10,
        "newest": 19,
        "backlog": 10,
        "version": "0.1.0",
        "quality": 1,
        "refused": 2,
    }
    assert (first["desired_rev"], first["wanted_rev"], first["exposure_count"]) == (3, 4, 3)
    assert first["reasons"] == ["port.printer", "clock_untrusted", "desired_waiting"]
    texts = {name: " ".join(mark.get("text", "") for mark in marks) for name, marks in first["cells"].items()}
    assert texts == {
        "state": "Phục vụ hạn chế máy in không thấy · đồng hồ chưa tin được · cấu hình chưa áp dụng 3 / 4",
        "seen": "",
        "backlog": "10 bản ghi",
        "peripherals": "Máy in không thấy 2 tốt Cắm lại cáp; không được thì gọi kỹ thuật",
        "paper": "không báo",
        "version": "0.1.0",
        "desired": "rev 3, cần 4",
        "clock": "chưa tin được",
        "exposure": "3 khoản",
        "refusals": "2",
    }
    assert first["cells"]["seen"] == [{"at_ms": T0}]
    assert (second["state"], second["last_ms"], second["backlog"], second["peripherals"]) == (
        "PROVISIONING",
        None,
        None,
        [],
    )
    page = Reading(bed.ask("/").text)
    for text in ("Phục vụ hạn chế", "máy in không thấy · đồng hồ chưa tin được", "rev 3, cần 4"):
        assert text in page.text
    assert {"th", "td", "time", "form"} <= page.tags


def test_what_operations_set_counts_in_the_list(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    add_station(bed.store, 2, T0)
    bed.now_ms = T0

    def states() -> dict[str, str]:
        return {each["id"]: each["state"] for each in bed.ask("/api/stations").json["stations"]}

    def close_one(store: Any) -> None:
        store.put_settings("K0001", {"out_of_service": "lau máy"}, WHY)
        for number in (1, 2):
            store.put_desired(DesiredRow(device_of(f"K000{number}"), 3, b"c", b"d", T0))

    bed.store.run(close_one)
    assert states() == {"K0001": "OUT_OF_SERVICE", "K0002": "IN_SERVICE"}
    bed.store.run(lambda store: store.put_settings("fleet", {"heartbeat_s": 2}, WHY))
    assert states() == {"K0001": "OFFLINE", "K0002": "OFFLINE"}
    assert "Mất liên lạc" in bed.ask("/stations/K0001").text
    assert "lần cuối báo" in bed.ask("/stations/K0001").text


def test_the_list_is_narrowed_and_cut_by_the_server(bed: Bed) -> None:
    for number in range(1, 6):
        add_station(bed.store, number, T0 if number > 2 else T0 - 10**7)
    bed.store.run(lambda store: store.put_station(place(4, title="Chung cư Hồ Gươm", ward="Phường Cửa Nam"), WHY))

    def found(query: str) -> list[str]:
        return [each["id"] for each in bed.ask(f"/api/stations?{query}").json["stations"]]

    assert found("") == ["K0001", "K0002", "K0003", "K0004", "K0005"]
    assert found("state=OFFLINE") == ["K0001", "K0002"]
    assert (
        found("q=ho%20guom")
        == found(urlencode({"q": "HỒ GƯƠM"}))
        == found(urlencode({"ward": "Phường Cửa Nam"}))
        == ["K0004"]
    )
    assert found("q=k0003&state=IN_SERVICE") == ["K0003"]
    assert found("q=k0003&state=OFFLINE") == []
    assert len(found("state=NOTHING")) == 5
    assert found("limit=2") == ["K0001", "K0002"]
    assert bed.ask("/api/stations?limit=0").status == bed.ask(f"/api/stations?q={'x' * 81}").status == 422
    tiles = {each["state"]: each for each in bed.ask("/api/stations?q=k000&state=OFFLINE").json["tiles"]}
    assert {state: tile["stations"] for state, tile in tiles.items()} == {"": 5, "OFFLINE": 2, "IN_SERVICE": 3}
    assert tiles["IN_SERVICE"]["href"] == "/?q=k000&state=IN_SERVICE"
    assert tiles["OFFLINE"]["chosen"]
    assert "Hiện tất cả 5 trạm" in bed.ask("/?limit=2").text
    assert "5 trên 5 trạm" in bed.ask("/").text
    assert "Không có trạm nào khớp" in bed.ask("/?q=zzz").text


def test_everything_that_must_not_be_overlooked_stands_on_top(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    bed.settings = type(bed.settings)(folder=bed.settings.folder)
    bed.open()

    def top() -> list[tuple[str, str]]:
        return [(each["tone"], each["text"]) for each in bed.ask("/api/stations").json["banners"]]

    def no_longer(store: Any) -> None:
        store.set_keeps_backups(True)
        store.put_cursor(OPENER_CURSOR, 10)

    assert [tone for tone, _ in top()] == ["warn"], "no backups"
    bed.now_ms += OPENER_SLOW_MS
    assert [tone for tone, _ in top()] == ["bad", "warn"], "and the opener has not begun"
    bed.store.run(no_longer)
    assert top() == []
    bed.broker = False
    assert "MQTT" in top()[0][1]
    bed.broker = True

    def apart(store: Any) -> None:
        store.quarantine(QuarantineRow(1, DEVICE, b"j" * 16, 4, "", "contract", "", T0))
        store.add_side([SideRow(DEVICE, 1, b"k" * 16, n, b"d" * 32, b"r", "revoked", T0) for n in range(APART_MAX)])
        store.count_refusal("signature", None, "x", T0)
        store.count_refusal("signature", None, "x", T0)

    bed.store.run(apart)
    assert top() == [
        ("warn", "1 bản ghi bị cách ly"),
        ("warn", f"≥ {APART_MAX} bản ghi để riêng"),
        ("calm", "2 thông điệp bị từ chối"),
    ]
    for path in ("/", "/money", "/apart", "/stations/K0001"):
        assert "1 bản ghi bị cách ly" in bed.ask(path).text
    assert "bản ghi" not in bed.ask("/sign-in").text, "nothing is told before sign-in"
    assert f"Chỉ đếm {APART_MAX} dòng mới nhất" in bed.ask("/apart").text
    bed.settings = replace(bed.settings, bank_simulated=True)
    bed.open()
    assert "MÔ PHỎNG" in top()[-1][1]


def test_what_stands_apart_is_grouped_with_its_newest_example(bed: Bed) -> None:
    add_station(bed.store, 1, T0)

    def apart(store: Any) -> None:
        for number in range(3):
            store.quarantine(
                QuarantineRow(
                    number, DEVICE, b"j" * 16, number, "visit.ended", "contract", f"field {number}", T0 + number
                )
            )
        store.quarantine(QuarantineRow(9, b"?" * 16, b"j" * 16, 9, "", "unknown_key", "", T0))
        store.count_refusal("stale", DEVICE, "boot 1 after boot 2", T0)
        store.count_refusal("stale", DEVICE, "boot 3 after boot 4", T0 + 1)

    bed.store.run(apart)
    text = " ".join(Reading(bed.ask("/apart?language=en").text).text.split())
    assert "breaks the contract" in text
    assert "seq 2: visit.ended field 2" in text
    assert "field 1" not in text
    assert "boot 3 after boot 4" in text
    assert "boot 1 after boot 2" not in text
    assert "no known station" in text


def test_money_tells_exceptions_first_with_what_to_do(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    cases = [payment(1), payment(2, amount=9), payment(3, online=False, quality=1), payment(4, created_ms=T0 - 10**8)]

    def fill(store: Any) -> None:
        for each in cases:
            store.put_payment(each)
        for number in (1, 2):
            memo = f"SKHCM {REFERENCES[number]}"
            money.post(
                store,
                money.credit(f"FT{number}", 1_250_000, memo, "1020304050", T0 + 9, T0, simulated=number == 2),
            )
        money.post(store, money.credit("FT7", 88_000, "tiền gì đây", "1020304050", T0, T0, simulated=False))

    bed.store.run(fill)
    text = bed.ask("/money").text
    exceptions = text.partition("Cần người xử lý")[2].partition("Báo có không rõ cho ai")[0]
    assert "sai số tiền: 1" in exceptions
    assert "quá 24 giờ chưa thấy tiền: 1" in exceptions
    assert exceptions.index("quá 24 giờ chưa thấy tiền</span>") < exceptions.index("sai số tiền</span>"), (
        "longest first"
    )
    assert "So báo có với hóa đơn" in exceptions
    assert "Hỏi ngân hàng theo tham chiếu" in exceptions
    assert exceptions.count("MÔ PHỎNG") == 1
    assert "Đã xác nhận thanh toán" not in exceptions
    unknown = text.partition("Báo có không rõ cho ai")[2].partition("Thanh toán mới nhất")[0]
    assert "tiền gì đây" in unknown
    assert "MÔ PHỎNG" not in unknown
    rest = text.partition("Thanh toán mới nhất")[2]
    assert "lập khi mất mạng" in rest
    assert "giờ trạm chưa tin được" in rest
    summary = bed.ask("/api/summary").json
    assert summary["payments"] == {"EXCEPTION": 2, "CONFIRMED": 1, "AWAITING_CONFIRMATION": 1}
    assert summary["payments_dong"]["CONFIRMED"] == 1_250_000
    assert summary["exceptions"] == {"AMOUNT_MISMATCH": 1, "NO_CREDIT": 1}
    assert (summary["unknown_credits"], summary["payments_counted_all"]) == (1, True)


def test_sums_over_a_part_say_so(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    add_station(bed.store, 1, T0)
    monkeypatch.setattr(money_rows, "PAYMENTS_MAX", 2)
    bed.store.run(lambda store: [store.put_payment(payment(number)) for number in (1, 2, 3)])
    assert "Chỉ tính 2 thanh toán mới nhất" in bed.ask("/money").text
    assert bed.ask("/api/summary").json["payments_counted_all"] is False


def test_an_empty_fleet_is_told_as_such(bed: Bed) -> None:
    for path in PAGES:
        assert bed.ask(path).status == (200 if path in ("/", "/dossiers", "/money", "/apart") else 404)
    assert "Không có trạm này" in bed.ask("/stations/K0001").text
    assert "Chưa có thanh toán nào" in bed.ask("/money").text
    assert "Không có gì ở đây" in bed.ask("/apart").text


def test_programs_get_the_fleet_in_numbers(bed: Bed) -> None:
    add_station(bed.store, 1, T0, newest=12)
    add_station(bed.store, 2, None)
    lineage = bed.store.lineage().hex()
    health = bed.ask("/healthz", cookies=False)
    assert (health.status, health.json) == (200, {"ok": True, "lineage": lineage, "accepted": 10})
    summary = bed.ask("/api/summary").json
    assert (summary["lineage"], summary["accepted"], summary["broker_alive"]) == (lineage, 10, True)
    assert summary["states"] == {"UNKNOWN": 1, "IN_SERVICE": 1}
    assert summary["stations"] == [
        {"id": "K0002", "state": "UNKNOWN", "next": 0, "newest": None, "backlog": None, "last_ms": None},
        {"id": "K0001", "state": "IN_SERVICE", "next": 10, "newest": 12, "backlog": 3, "last_ms": T0},
    ]
    news = bed.ask("/api/stations").json
    assert {
        "now_ms",
        "as_of_ms",
        "lineage",
        "accepted",
        "total",
        "found",
        "matching",
        "tiles",
        "banners",
        "stations",
    } == set(news)
    assert (news["total"], news["found"], news["accepted"]) == (2, 2, 10)


def test_many_who_look_at_once_share_one_reading(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    bed.ask("/")
    add_station(bed.store, 2, T0)

    def total(after_ms: int) -> int:
        bed.now_ms += after_ms - 10_000  # `ask` moves the clock by itself
        found: int = bed.ask("/api/stations").json["total"]
        return found

    assert total(LOOK_MS - 1) == 1
    assert total(1) == 2
    add_station(bed.store, 3, T0)
    assert total(-5_000) == 3, "a clock that was set back does not freeze the page"


def test_a_station_that_changed_hands_shows_every_device_and_line(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    old = replace(bed.store.devices("K0001")[0], status="REVOKED")
    new = replace(old, id=b"n" * 16, epoch=2, kid=b"newkey00", spki=b"new", status="ACTIVE")

    def fill(store: Any) -> None:
        store.put_device(old, Why("Trần Thị Thu Hồi", "mất thẻ nhớ", T0 + 1))
        store.put_device(new, Why("Trần Thị Thu Hồi", "thẻ mới", T0 + 2))
        store.put_last_values(last("K0001", T0, device=new.id))
        for number, kind in enumerate(("journal.opened", "station.started", "visit.ended", "slip.result")):
            facts = {
                "reason": "new",
                "copy": 2,
                "seconds": 8,
                "outcome": "timed_out",
                "result": "confirmed",
                "slip": "pending",
            }
            store.add_line(TimelineRow(number + 1, old.id, None, number, kind, T0, number, T0, facts))

    bed.store.run(fill)
    text = " ".join(Reading(bed.ask("/stations/K0001").text).text.split())
    for words in (
        "thu hồi",
        "hoạt động",
        "mất thẻ nhớ",
        "Mở nhật ký",
        "Hết lượt khách",
        "hết giờ",
        "phiếu chờ xác nhận",
        "bản 2",
    ):
        assert words in text, words
    assert "status: ACTIVE -> REVOKED" in text
