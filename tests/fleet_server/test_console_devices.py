"""Peripherals in the console: how each is, since when, who acts, what it did; never more than was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from device_profiles.messages import DEVICE_KEYS
from fleet_server.console.marks import remedy, remedy_mark
from fleet_server.console.said import said
from fleet_server.console.wording import LANGUAGES
from fleet_server.store import StationState
from tests.fleet_server.console_bed import ALL_WELL, T0, Reading, add_station, device_of, last, open_bed, status

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.fleet_server.console_bed import Bed

DEVICE = device_of("K0001")
MONO_MS = 5_000_000  # of the newest batch
HOUR_MS = 3_600_000


@pytest.fixture
def bed(tmp_path: Path) -> Generator[Bed]:
    with open_bed(tmp_path) as bed:
        bed.now_ms = T0
        bed.sign_in()
        yield bed


def device(port: str, **named: object) -> dict[int, object]:
    return {DEVICE_KEYS[name]: value for name, value in {"port": port, **named}.items()}


PRINTER = device(
    "printer",
    since_ms=12_345,  # by a clock that is wrong
    since_mono_ms=MONO_MS - HOUR_MS,
    action="clear",
    worked_ms=T0 - 2 * HOUR_MS,
    prints_confirmed=1234,
    prints_unknown=2,
    paper_mm=164_250,
    jams=3,
    lost=4,
    counted_ms=T0 - 60_000,
)
NO_PAPER = [["printer", "printer-network-80mm", "offline", "out"], *ALL_WELL[1:]]


def page_of(bed: Bed, **changed: Any) -> str:
    values = status(**({"peripherals": NO_PAPER, "devices": [PRINTER]} | changed.pop("status", {})))
    add_station(bed.store, 1, changed.pop("received_ms", T0), status=values, mono_ms=MONO_MS)
    return " ".join(Reading(bed.ask("/stations/K0001" + changed.pop("query", "")).text).text.split())


def test_the_page_tells_state_age_remedy_and_what_it_did(bed: Bed) -> None:
    page = page_of(bed)
    for words in (
        "không trả lời",
        "Giấy: hết",
        "Nạp giấy",
        "60 phút trước",  # by the monotonic clock: the wall clock was wrong
        "1.234 phiếu đã in · 164,2 m giấy",
        "2 phiếu không rõ · 3 lần kẹt giấy · 4 lần mất kết nối",
        "thành công gần nhất",
        "chưa có số đếm",  # the others did not tell
    ):
        assert words in page, words
    page = " ".join(Reading(bed.ask("/stations/K0001?language=en").text).text.split())
    assert "Load paper" in page


def test_which_device_it_is_and_its_words_come_from_its_newest_record(bed: Bed) -> None:
    word = {"state": "offline", "paper": "out", "detail": "cover open", "identity": "04b8:0e15:X1", "at_ms": T0}
    known = StationState(DEVICE, peripherals={"printer/printer-network-80mm": word})
    bed.store.run(lambda store: store.put_station_state(known))
    page = page_of(bed)
    assert "04b8:0e15:X1" in page
    assert "cover open" in page


def test_the_words_of_an_older_state_are_not_shown_for_the_present_one(bed: Bed) -> None:
    word = {"state": "online", "paper": "full", "detail": "all is well", "identity": "", "at_ms": T0}
    known = StationState(DEVICE, peripherals={"printer/printer-network-80mm": word})
    bed.store.run(lambda store: store.put_station_state(known))
    assert "all is well" not in page_of(bed)


def test_silence_is_unknown_without_a_remedy_and_with_the_last_word(bed: Bed) -> None:
    page = page_of(bed, received_ms=T0 - HOUR_MS)
    assert "lần cuối báo: không trả lời, hết" in page
    assert "Nạp giấy" not in page
    assert "lời cuối" in page


def test_a_station_that_tells_no_more_than_the_first_version_did_is_shown_all_the_same(bed: Bed) -> None:
    page = page_of(bed, status={"devices": None})
    assert "không trả lời" in page
    assert "Nạp giấy" in page
    assert "chưa có số đếm" in page


@pytest.mark.parametrize(
    "devices",
    [
        7,
        "printer",
        [7, "x", None],
        [{0: "printer", 3: "soon", 4: 9, 5: "yes", 7: "many", 13: None, 23: 1}],
        [{0: "printer", 3: MONO_MS + 1}],
        [{0: "printer", 1: -5, 3: -5}],
        [{0: ["printer"]}],
    ],
)
def test_what_is_no_such_value_is_as_if_it_was_not_told(bed: Bed, devices: object) -> None:
    page = page_of(bed, status={"devices": devices})
    assert "không trả lời" in page
    assert "chưa có số đếm" in page


def test_a_flapping_device_is_called_so_in_page_and_list(bed: Bed) -> None:
    loose = device("reader", since_mono_ms=MONO_MS, flapping=True)
    page = page_of(bed, status={"peripherals": ALL_WELL, "devices": [loose]})
    assert page.count("chập chờn") == 2, "once among the reasons, once beside its device"
    assert "đầu đọc thẻ chập chờn" in page
    (station,) = bed.ask("/api/stations").json["stations"]
    assert [each["flapping"] for each in station["peripherals"]] == [False, True, False]
    assert [each["text"] for each in station["cells"]["peripherals"]] == [
        "Đầu đọc chập chờn",
        "2 tốt",
        "Thay hoặc cắm chặt cáp",
    ]
    gone = [["reader", "reader-simulated", "noDevice", ""]]
    bed.now_ms = T0 + 2_000
    values = status(peripherals=gone, devices=[loose])
    bed.store.run(lambda store: store.put_last_values(last("K0001", T0 + 1, status=values, mono_ms=MONO_MS)))
    (station,) = bed.ask("/api/stations").json["stations"]
    assert station["cells"]["peripherals"][0]["text"] == "Đầu đọc không thấy, chập chờn"


def test_the_list_can_be_narrowed_to_stations_with_a_device_that_waits(bed: Bed) -> None:
    add_station(bed.store, 1, T0, status=status(peripherals=NO_PAPER))
    add_station(bed.store, 2, T0)
    add_station(bed.store, 3, T0, status=status(peripherals=[["printer", "p", "online", "low"], *ALL_WELL[1:]]))
    add_station(bed.store, 4, T0 - HOUR_MS, status=status(peripherals=NO_PAPER))  # silent: nobody knows
    news = bed.ask("/api/stations").json
    tile = next(each for each in news["tiles"] if each["state"] == "DEVICES")
    assert (tile["stations"], tile["text"], tile["href"]) == (1, "Thiết bị cần người", "/?state=DEVICES")
    narrowed = bed.ask("/api/stations?state=DEVICES").json
    assert [each["id"] for each in narrowed["stations"]] == ["K0001"]
    printer = narrowed["stations"][0]["peripherals"][0]
    assert (printer["action"], printer["flapping"]) == ("paper.out", False)
    assert "Nạp giấy" in bed.ask("/").text


def test_a_fleet_without_device_trouble_has_no_tile_for_it(bed: Bed) -> None:
    add_station(bed.store, 1, T0)
    assert "DEVICES" not in {each["state"] for each in bed.ask("/api/stations").json["tiles"]}


@pytest.mark.parametrize(
    ("state", "paper", "action", "wanted"),
    [
        ("online", "full", "", ""),
        ("online", "", "", ""),
        ("online", "low", "", "paper.low"),
        ("online", "out", "", "paper.out"),
        ("offline", "out", "clear", "paper.out"),
        ("offline", "jammed", "clear", "paper.jammed"),
        ("offline", "low", "maintenance", "maintenance"),
        ("offline", "unknown", "clear", "clear"),
        ("offline", "", "", "maintenance"),
        ("offline", "", "suspend", "suspend"),
        ("noDevice", "unknown", "maintenance", "noDevice"),
        ("hardwareError", "", "configuration", "configuration"),
        ("unknown", "unknown", "", ""),
        ("unknown", "out", "maintenance", ""),
        ("online", "full", "reset", "reset"),
    ],
)
def test_who_acts_follows_from_what_the_device_says(state: str, paper: str, action: str, wanted: str) -> None:
    assert remedy(state, paper, action) == wanted
    for language in LANGUAGES:
        assert bool(remedy_mark(language, wanted).text) == bool(wanted)


def test_a_loose_cable_is_mended_before_anything_else_but_not_while_nobody_knows() -> None:
    assert remedy("noDevice", "unknown", "maintenance", flapping=True) == "flapping"
    assert remedy("unknown", "", "", flapping=True) == ""


def test_a_remedy_of_tomorrow_is_shown_by_its_own_word() -> None:
    assert remedy_mark("vi", remedy("offline", "", "pray")).text == "pray"


def test_a_station_that_was_never_heard_has_no_peripherals_to_show(bed: Bed) -> None:
    add_station(bed.store, 1, None)
    assert "chưa báo thiết bị ngoại vi" in bed.ask("/stations/K0001").text


def test_counts_of_tomorrow_are_left_out() -> None:
    (printer,) = said({5: [["printer", "p", "online", ""]], 17: [{0: "printer", 10: 4, 23: 9}]}).peripherals or ()
    assert printer.counts == {"prints_confirmed": 4}
