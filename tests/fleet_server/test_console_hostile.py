"""What comes from an enemy or a stranger: shown as words, never run, and no long number in full."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fleet_server import money
from fleet_server.console import wording
from fleet_server.store import QuarantineRow, SideRow, StationState, TimelineRow, Why
from tests.fleet_server.console_bed import (
    REFERENCES,
    T0,
    WHY,
    Bed,
    Reading,
    add_station,
    device_of,
    dossier,
    open_bed,
    payment,
    place,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DEVICE = device_of("K0001")


@pytest.fixture
def bed(tmp_path: Path) -> Generator[Bed]:
    with open_bed(tmp_path) as bed:
        bed.sign_in()
        yield bed


def evil(name: str) -> str:
    return f"<b-evil>\"'&{{{{7*7}}}}{name}"


def talk_of_the_station(store: Any) -> None:
    spot = place(title=evil("title"), ward=evil("ward"), building=evil("building"), profile=evil("profile"))
    store.put_station(spot, Why(evil("person"), evil("why"), T0))
    store.put_settings("K0001", {"out_of_service": evil("notice")}, WHY)
    peripheral = {
        f"printer/{evil('pname')}": {"state": evil("pstate"), "paper": None, "detail": evil("pdetail"), "at_ms": T0}
    }
    sets = {evil("set"): {"version": evil("setv"), "result": "refused", "reason": evil("setr")}}
    store.put_station_state(
        StationState(
            DEVICE,
            "1",
            1,
            T0,
            1,
            evil("jreason"),
            3,
            "refused",
            evil("dreason"),
            peripheral,
            sets,
            {evil("visit"): 2},
            {evil("slip"): 2},
        )
    )


def talk_of_the_world(store: Any) -> None:
    bad = payment(
        unit=evil("unit"),
        owner=evil("owner"),
        period=evil("period"),
        code=evil("code"),
        said=evil("said"),
        reference=evil("reference"),
        amount=7,
    )
    store.put_payment(bad)
    facts = {"state": evil("fstate"), "reason": evil("freason"), evil("fname"): evil("fvalue")}
    store.add_line(TimelineRow(1, DEVICE, bad.txn, 3, evil("kind"), T0, 1, T0, facts))
    store.add_line(
        TimelineRow(2, DEVICE, None, 4, "payment.state", T0, 3, T0, {"state": evil("pay"), "detail": evil("fdetail")})
    )
    money.post(store, money.credit(evil("bankref"), 5, evil("memo"), evil("account"), T0, T0, simulated=True))
    money.post(store, money.credit("FT2", 5, f"SKHCM {REFERENCES[2]}", "1020304050", T0, T0, simulated=True))
    store.put_payment(payment(2, state="EXCEPTION", reason=evil("exception")))
    strange = {name: evil(f"d{name}") for name in ("code", "form", "service", "ward", "identity")}
    filed = dossier(**strange, sources={evil("dsource"): 1})
    store.put_dossier(filed)
    store.add_line(TimelineRow(3, DEVICE, filed.txn, 5, "dossier.created", T0, 1, T0, strange))
    store.quarantine(QuarantineRow(1, DEVICE, b"j" * 16, 4, evil("qkind"), evil("qreason"), evil("qdetail"), T0))
    store.add_side([SideRow(DEVICE, 1, b"k" * 16, 0, b"d" * 32, b"r", evil("sreason"), T0)])
    store.count_refusal(evil("rreason"), None, evil("example"), T0)


def hostile_fleet(bed: Bed) -> None:
    """One station whose every text is hostile, and a world that talks like it."""
    values = status(
        version=evil("version"),
        stopped=[evil("stopped")],
        peripherals=[["printer", evil("pname"), evil("pstate"), evil("paper")], [evil("port"), "x", "offline", ""]],
        refusals=[[evil("heard"), 2]],
    )
    add_station(bed.store, 1, T0, status=values)
    bed.store.run(talk_of_the_station)
    bed.store.run(talk_of_the_world)


SHOWN = {
    "/": ["title", "ward", "version", "stopped", "pstate", "paper", "port"],
    "/stations/K0001": [
        *("title", "ward", "building", "profile", "person", "why", "notice", "version", "stopped", "pname", "pstate"),
        *("pdetail", "paper", "port", "heard", "set", "setv", "setr", "jreason", "dreason", "visit", "slip", "unit"),
        *("owner", "code", "kind", "fstate", "freason", "fname", "fvalue", "pay", "fdetail", "reference"),
    ],
    "/money": ["unit", "owner", "period", "code", "reference", "exception", "bankref", "memo"],
    "/dossiers": ["dcode", "dform", "dservice", "dward", "didentity", "dsource"],
    "/apart": ["qkind", "qreason", "qdetail", "sreason", "rreason", "example"],
}


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_hostile_words_are_shown_as_words(bed: Bed, language: str) -> None:
    hostile_fleet(bed)
    for path, names in SHOWN.items():
        answer = bed.ask(f"{path}?language={language}")
        assert answer.status == 200, path
        page = Reading(answer.text)
        assert "b-evil" not in page.tags, path
        assert "49" not in re.findall(r"'&(\d+)", page.text), "no template is run on what came in"
        missing = [name for name in names if evil(name) not in page.text]
        assert missing == [], path
    asked = Reading(bed.ask(f"/?q={'%3Cb-evil%3E'}&ward=%3Cb-evil%3E&state=%3Cb-evil%3E").text)
    assert "b-evil" not in asked.tags
    assert "b-evil" not in Reading(bed.ask("/stations/%3Cb-evil%3E").text).tags
    assert "b-evil" not in Reading(bed.ask("/sign-in?to=%3Cb-evil%3E").text).tags
    answer = bed.ask("/api/stations")
    assert answer.header("content-type") == "application/json"
    assert answer.json["stations"][0]["title"] == evil("title")


def test_no_long_number_is_shown_in_full(bed: Bed) -> None:
    phone, card, spaced = "0912345678", "9704123412341234", "0912 345-678"
    add_station(bed.store, 1, T0)

    def fill(store: Any) -> None:
        store.put_payment(payment())
        money.post(store, money.credit("FT1", 5, f"{phone} {card} tel {spaced}", "1020304050", T0, T0, simulated=False))
        store.count_refusal("signature", None, f"example {phone}", T0)
        store.quarantine(QuarantineRow(1, DEVICE, b"j" * 16, 4, "", "contract", f"{card} is no amount", T0))
        store.add_line(TimelineRow(1, DEVICE, None, 3, "device.state", T0, 3, T0, {"detail": f"tel {phone}"}))
        store.put_settings("fleet", {"out_of_service": f"hỏi {phone}"}, Why("Kiểm", f"theo {phone}", T0))
        store.put_station(place(title="Sảnh 9"), Why("Kiểm", f"theo {phone}", T0))

    bed.store.run(fill)
    for path in ("/", "/stations/K0001", "/money", "/apart", "/nothing", "/api/stations", "/api/summary"):
        text = Reading(bed.ask(path).text).text
        for number in (phone, card, spaced, "1020304050"):
            assert number not in text, (path, number)
    assert "•••678" in bed.ask("/money").text
    assert "•••050" in bed.ask("/money").text
    assert "TAM-K0001-000001-2" in bed.ask("/money").text, "a payment's own code is no personal number"
