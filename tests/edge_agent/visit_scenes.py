"""Every screen a resident can meet, reached by touches: (name -> a bed that stands there). Decides no expectation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from edge_agent import events
from edge_agent.card import CardData
from edge_agent.effects import Ask, ReadCard
from tests.edge_agent.visit_bed import START_MS, Bed, of

if TYPE_CHECKING:
    from collections.abc import Callable

ZONE = "IDVNM1900123457079190012345<<79001158F3001156VNM<<<<<<<<<<<2NGUYEN<<THI<MINH<ANH<<<<<<<<<<"
NATIONAL = {"id_number": "079190012345", "name": "Nguyễn Thị Minh Anh"}


def _idle_clock() -> Bed:
    return Bed(quality=0, online=False)


def _idle_out() -> Bed:
    bed = Bed()
    bed.send(events.ServiceStopped("journal"))
    return bed


def _home(**world: object) -> Bed:
    bed = Bed(**world)
    bed.touch("start", "vi")
    return bed


def _unit() -> Bed:
    bed = _home()
    bed.touch("service")
    bed.type("A1205")
    return bed


def _unit_bad() -> Bed:
    bed = _home()
    bed.send(events.Scanned(b"https://example.vn"))
    return bed


def _bills(unit: str = "A1205", **world: object) -> Bed:
    bed = Bed(**world)
    bed.to_bills(unit)
    return bed


def _review(**world: object) -> Bed:
    bed = Bed(**world)
    bed.to_review()
    return bed


def _checking() -> Bed:
    bed = _review()
    bed.press_pay()
    return bed


def _refused() -> Bed:
    bed = _review()
    (ask,) = of(bed.press_pay(), Ask)
    bed.answer(ask, status="pending")
    return bed


def _qr(**world: object) -> Bed:
    bed = Bed(**world)
    bed.to_qr()
    return bed


def _result(action: str = "paid", **world: object) -> Bed:
    bed = _qr(**world)
    bed.touch(action)
    return bed


def _settled(state: str, reason: str | None = None) -> Bed:
    bed = _qr()
    bed.answer(bed.next_question(), state=state, reason=reason)
    return bed


def _printed(result: str) -> Bed:
    bed = _result()
    bed.send(events.PrintDone(bed.slips()[0].job, result))
    return bed


def _help() -> Bed:
    bed = _home()
    bed.touch("help")
    return bed


def _warning() -> Bed:
    bed = _bills()
    bed.wait(60)
    return bed


def _card(place: str, **data: object) -> Bed:
    bed = Bed()
    bed.send(events.PeripheralState("reader", "r", "online"))
    bed.touch("start", "vi")
    bed.touch("service", "card")
    if place == "card_key":
        return bed
    bed.type("012345")
    bed.touch("next")
    if place == "card_wait":
        return bed
    (read,) = of(bed.send(events.CardIn("r")), ReadCard)
    if place == "card_fault":
        bed.send(events.CardFailed(read.request.number, "torn"))
    elif place != "card_reading":
        bed.send(events.CardRead(read.request.number, CardData(mrz=ZONE, national=NATIONAL, **data)))
    if place == "card_wrong":
        bed.touch("wrong")
    return bed


def _key_bad() -> Bed:
    bed = _card("card_key")
    bed.send(events.Scanned(b"A-12.05"))
    return bed


def _card_left() -> Bed:
    bed = _card("card_shown")
    bed.touch("end")
    return bed


def _card_behind(place: str) -> Bed:
    bed = Bed()
    bed.send(events.PeripheralState("reader", "r", "online"))
    bed.send(events.CardIn("r"))
    bed.touch("start", "vi")
    bed.touch("service", "card")
    if place == "card_wait":
        bed.type("012345")
        bed.touch("next")
    return bed


def _reprint(slip: str) -> Bed:
    bed = _settled("CONFIRMED") if slip == "confirmed" else _result()
    return Bed(state=bed.state)


def _out() -> Bed:
    bed = _idle_out()
    bed.touch("start", "vi")
    return bed


def _out_kept() -> Bed:
    bed = _qr()
    bed.refuse = "payment.state:AWAITING_CONFIRMATION"
    bed.touch("paid")
    return bed


def _recovered() -> Bed:
    return Bed(state={"pay.showing": [b"t" * 16, "TAM-K0001-000042-2", START_MS, True]})


SCENES: dict[str, Callable[[], Bed]] = {
    "idle": Bed,
    "idle_clock": _idle_clock,
    "idle_out": _idle_out,
    "home": _home,
    "home_offline": lambda: _home(online=False, contact=False),
    "home_no_list": lambda: _home(bills=None),
    "unit": _unit,
    "unit_bad": _unit_bad,
    "bills": _bills,
    "bills_offline": lambda: _bills(online=False),
    "bills_none": lambda: _bills("Z99"),
    "review": _review,
    "review_offline": lambda: _review(online=False),
    "checking": _checking,
    "refused": _refused,
    "qr": _qr,
    "qr_offline": lambda: _qr(online=False),
    "result": _result,
    "result_offline": lambda: _result(online=False),
    "result_closed": lambda: _result("back"),
    "result_no_printer": lambda: _result(printer=False),
    "result_unknown": lambda: _printed("unknown"),
    "result_failed": lambda: _printed("failed"),
    "result_confirmed": lambda: _settled("CONFIRMED"),
    "result_exception": lambda: _settled("EXCEPTION", "AMOUNT_MISMATCH"),
    "card_key": lambda: _card("card_key"),
    "card_key_left": lambda: _card_behind("card_key"),
    "card_wait_left": lambda: _card_behind("card_wait"),
    "card_unsigned": lambda: _card("card_shown", doubt="unsigned"),
    "recovered_exception": lambda: Bed(state=_settled("EXCEPTION", "AMOUNT_MISMATCH").state),
    "card_key_bad": _key_bad,
    "card_wait": lambda: _card("card_wait"),
    "card_reading": lambda: _card("card_reading"),
    "card_shown": lambda: _card("card_shown"),
    "card_verified": lambda: _card("card_shown", authenticity="verified"),
    "card_fault": lambda: _card("card_fault"),
    "card_wrong": lambda: _card("card_wrong"),
    "idle_card_left": _card_left,
    "recovered_reprint": lambda: _reprint("pending"),
    "recovered_confirmed": lambda: _reprint("confirmed"),
    "help": _help,
    "warning": _warning,
    "out": _out,
    "out_kept": _out_kept,
    "recovered": _recovered,
}


@cache
def scene(name: str) -> Bed:
    """The bed of a scene, built once; look at it, do not touch it."""
    return SCENES[name]()
