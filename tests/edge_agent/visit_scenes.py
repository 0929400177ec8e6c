"""Every screen a resident can meet, reached by touches: (name -> a bed that stands there). Decides no expectation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from edge_agent import events
from edge_agent.card import CardData
from edge_agent.effects import Ask, ReadCard
from edge_agent.machines.technician import hashed
from tests.edge_agent import form_bed
from tests.edge_agent.form_bed import NATIONAL, ZONE
from tests.edge_agent.visit_bed import START_MS, Bed, of

if TYPE_CHECKING:
    from collections.abc import Callable


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
    bed.touch("group", "bill")
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
    bed.touch("group", "lookup")
    bed.touch("service", "id_card_check")
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
    bed.touch("group", "lookup")
    bed.touch("service", "id_card_check")
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


def _upto(form: str, count: int, typed: str = "", **world: object) -> Bed:
    """A form after so many answers, with something typed at the next question."""
    make, steps = {"report": (form_bed.report, form_bed.REPORT), "stay": (form_bed.stay, form_bed.STAY)}[form]
    bed = make(**world)
    bed.fill(*steps[:count])
    bed.type(typed)
    return bed


def _asked_wrong() -> Bed:
    bed = _upto("stay", 0, "0123")
    bed.touch("next")
    return bed


def _who(way: str, **data: object) -> Bed:
    bed = form_bed.begin("dossier")
    bed.touch("way", way)
    if way == "code":
        bed.send(events.Scanned(form_bed.CODE.encode()))
    else:
        form_bed.read_card(bed, **data)
    return bed


def _code_wait(scan: bytes = b"") -> Bed:
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    if scan:
        bed.send(events.Scanned(scan))
    return bed


def _revealed() -> Bed:
    bed = form_bed.reviewed("stay")
    bed.touch("reveal")
    return bed


def _later_faults() -> Bed:
    """The first day has passed since it was answered: the review says all that is wrong now."""
    bed = form_bed.reviewed("stay")
    bed.wall_ms += 3 * 86_400_000
    bed.send(events.Tick())
    return bed


def _filed(form: str, *then: str, **world: object) -> Bed:
    bed = form_bed.filed(form, **world)
    if "sent" in then:
        bed.ack()
    if "printed" in then:
        bed.send(events.PrintDone(bed.slips()[-1].job, "confirmed"))
    for state in {"ACCEPTED", "NEEDS_MORE", "REJECTED"} & set(then):
        bed.answer(bed.next_question(), state=state, **TOLD[state])
    return bed


TOLD = {
    "ACCEPTED": {"official": "G01.899.909-261118-000017"},
    "NEEDS_MORE": {"words": "Thiếu số căn hộ của chỗ ở."},
    "REJECTED": {"words": "Khách đã được đăng ký tạm trú tại địa chỉ này."},
}


def _technician(*keys: str, pin: bool = True) -> Bed:
    bed = Bed()
    bed.send(events.PeripheralState("printer", "epson_tm_t20iii", "online", "low", "paper is low", "clear"))
    if pin:
        bed.send(events.Configured({"technician_pin": PIN_KEPT}))
    bed.touch("technician")
    for key in keys:
        bed.touch(*(("next",) if key == "next" else ("key", key)))
    return bed


PIN = "284613"
PIN_KEPT = b"s" * 16 + hashed(PIN, b"s" * 16)


def _full() -> Bed:
    bed = _home()
    bed.send(events.Storage(full=True))
    return bed


def _group() -> Bed:
    bed = form_bed.reader(_home())
    bed.touch("group", "lookup")
    return bed


def _code(typed: str = "", **answer: object) -> Bed:
    """The look-up by code, and what the fleet says where `answer` is given."""
    bed = _group()
    bed.touch("service", "code_lookup")
    bed.type(typed)
    bed.touch("next")
    asks = [each for each in of(bed.done, Ask) if each.kind == "code"]
    if asks and answer:
        bed.answer(asks[0], **answer)
    return bed


SLIP = "00010000422"
MADE = {"created_ms": START_MS - 3_600_000}


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
    "home_full": _full,
    "group": _group,
    "code_ask": lambda: _code("00010000"),
    "code_ask_wrong": lambda: _code("00010000423"),
    "code_ask_unknown": lambda: _code(SLIP, matter="none", state="UNKNOWN"),
    "code_checking": lambda: _code(SLIP),
    "code_told": lambda: _code(SLIP, matter="dossier", state="ACCEPTED", **MADE),
    "code_told_payment": lambda: _code(SLIP, matter="payment", state="AWAITING_CONFIRMATION", **MADE),
    "notice": lambda: form_bed.begin("report"),
    "identify": lambda: form_bed.begin("dossier"),
    "code_wait": _code_wait,
    "code_wait_wrong": lambda: _code_wait(b"https://example.vn"),
    "who_code": lambda: _who("code"),
    "who_chip": lambda: _who("card"),
    "who_verified": lambda: _who("card", authenticity="verified", doubt=""),
    "ask_choice": form_bed.report,
    "ask_place": lambda: _upto("report", 5, "taafng 12"),
    "ask_lines": lambda: _upto("report", 6, "hats to owr canw hooj been canhj, khoong cho ai ngur suoots tuwf toois"),
    "ask_phone": lambda: _upto("stay", 0, "0912345678"),
    "ask_phone_wrong": _asked_wrong,
    "ask_ward": lambda: _upto("stay", 3),
    "ask_ward_found": lambda: _upto("stay", 3, "binhf"),
    "ask_date": lambda: _upto("stay", 5),
    "ask_time": lambda: _upto("stay", 6),
    "ask_number": lambda: _upto("stay", 9),
    "ask_guest": lambda: _upto("stay", 10, "traanf vawn"),
    "ask_optional": lambda: _upto("report", 3),
    "form_review": lambda: form_bed.reviewed("stay"),
    "form_review_report": lambda: form_bed.reviewed("report"),
    "form_review_offline": lambda: form_bed.reviewed("stay", online=False),
    "form_review_revealed": _revealed,
    "form_review_faults": _later_faults,
    "form_saved": lambda: _filed("stay", online=False),
    "form_saved_report": lambda: _filed("report", "printed", online=False),
    "form_sending": lambda: _filed("stay"),
    "form_sent": lambda: _filed("stay", "sent", "printed"),
    "form_sent_wrong": lambda: _filed("wrong", "sent", "printed"),
    "form_no_printer": lambda: _filed("stay", "sent", printer=False),
    "form_accepted": lambda: _filed("stay", "sent", "printed", "ACCEPTED"),
    "form_more": lambda: _filed("stay", "sent", "printed", "NEEDS_MORE"),
    "form_rejected": lambda: _filed("stay", "sent", "printed", "REJECTED"),
    "recovered_saved": lambda: Bed(state=_filed("stay", online=False).state),
    "recovered_sent": lambda: Bed(state=_filed("stay", "sent", "printed").state),
    "technician": lambda: _technician("2", "8", "4"),
    "technician_wrong": lambda: _technician("1", "1", "1", "next"),
    "technician_locked": lambda: _technician(*("1", "next") * 3),
    "technician_unset": lambda: _technician(pin=False),
    "technician_page": lambda: _technician(*PIN, "next"),
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
