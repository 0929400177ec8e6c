"""A whole visit, on every way: what is recorded and in which order, what stands on the screen, what is printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles import records
from device_profiles.formats import vietqr
from device_profiles.formats.codes import parse_provisional_code
from edge_agent import events
from edge_agent.effects import Append, Ask, BeginVisit, Print, Show, Wipe
from tests.edge_agent.visit_bed import BILLS, NOVEMBER, OCTOBER, SETTINGS, START_MS, Bed, lines, of


def test_a_resident_pays_online_and_sees_the_confirmation():
    bed = Bed()
    bed.to_qr()
    assert bed.name == "qr"
    assert bed.touch("paid")
    assert (bed.name, bed.data["state"], bed.data["slip"]) == ("result", "awaiting", "printing")
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    assert bed.data["slip"] == "confirmed"
    bed.answer(bed.next_question(), state="CONFIRMED")
    assert (bed.name, bed.data["state"]) == ("result", "confirmed")
    assert bed.data["seconds"] == 20
    bed.touch("end")
    assert bed.name == "idle"
    assert bed.records() == [
        ("payment.created", None),
        ("payment.state", "QR_SHOWN"),
        ("payment.state", "AWAITING_CONFIRMATION"),
        ("slip.result", "confirmed"),
        ("payment.state", "CONFIRMED"),
        ("visit.ended", "finished"),
    ]
    assert [lines(job, "box")[0] for job in bed.slips()] == [
        "CHỜ XÁC NHẬN – CHƯA PHẢI BIÊN LAI",
        "ĐÃ XÁC NHẬN THANH TOÁN",
    ]


def test_the_visit_begins_at_the_first_touch_and_ends_with_the_wipe():
    bed = Bed()
    assert [type(each) for each in bed.touch("start", "vi")] == [BeginVisit, Show]
    assert [type(each) for each in bed.touch("end")] == [Append, Wipe, Show]
    assert bed.name == "idle"


def test_every_record_of_a_payment_satisfies_the_contract_and_shares_one_txn():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.answer(bed.next_question(), state="EXCEPTION", reason="AMOUNT_MISMATCH")
    bed.touch("end")
    written = of(bed.done, Append)
    for each in written:
        records.check(each.kind, each.fields)
    money = [each for each in written if each.kind.startswith("payment.")]
    assert {each.txn for each in money} == {bed.txn}
    assert len(bed.txn) == 16
    created = money[0].fields
    assert (created["amount"], created["unit"], created["bill"]) == (485_000, "A-12.05", OCTOBER)
    assert (created["online"], created["consent"]) == (True, "fee-consent/1")
    assert created["expires_ms"] == START_MS + 300_000


def test_the_code_appears_only_after_both_records():
    bed = Bed()
    performed = bed.to_qr()
    assert [type(each) for each in performed][:2] == [Append, Append]
    assert isinstance(performed[-1], Show)
    assert performed[0].remember["pay.exposure.dao-kim-cuong"] == [[bed.txn, 485_000, START_MS]]
    assert performed[0].remember["pay.counter"] == 43


def test_the_qr_code_says_payee_amount_and_reference():
    bed = Bed()
    bed.to_qr()
    read = vietqr.parse(bed.data["payload"])
    assert (read.bin, read.account, read.amount) == ("970436", "0071001234567", 485_000)
    assert read.purpose == bed.data["purpose"]
    assert read.purpose.split()[1] == of(bed.done, Append)[0].fields["reference"]
    assert (read.method, read.warnings, read.terminal) == ("dynamic", (), "K0001")


def test_all_periods_of_the_unit_are_listed_with_masked_owner():
    bed = Bed()
    bed.to_bills("a1205".upper())
    assert [each["period"] for each in bed.data["bills"]] == ["2026-10", "2026-11"]
    assert {each["owner"] for each in bed.data["bills"]} == {"NGUYEN *** AN"}
    assert bed.data["as_of_ms"] == BILLS.as_of_ms


def test_an_unknown_unit_is_said_so_and_can_be_typed_again():
    bed = Bed()
    bed.to_bills("Z99")
    assert (bed.name, bed.data["bills"], bed.data["unit"]) == ("bills", [], "Z99")
    bed.touch("back")
    assert (bed.name, bed.data["typed"]) == ("unit", "Z99")


def test_nothing_is_pre_ticked_and_nothing_goes_on_without_the_tick():
    bed = Bed()
    bed.to_review()
    assert bed.data["consent"] is False
    assert bed.touch("next") == []
    assert bed.name == "review"
    bed.touch("consent", "1")
    bed.touch("consent", "0")
    assert bed.touch("next") == []


def test_payee_and_amount_stand_on_the_review_before_the_code():
    bed = Bed()
    bed.to_review()
    assert (bed.data["payee"], bed.data["account"], bed.data["bank"]) == (
        "BAN QUAN TRI CHUNG CU",
        "0071001234567",
        "Vietcombank",
    )
    assert bed.data["bill"]["amount"] == 485_000


def test_an_unlisted_bank_is_shown_by_its_number():
    bed = Bed(bills=replace(BILLS, payee_bin="999999"))
    bed.to_review()
    assert bed.data["bank"] == "999999"


@pytest.mark.parametrize(("status", "reason"), [("pending", "open"), ("paid", "paid")])
def test_a_bill_that_the_fleet_knows_as_pending_or_paid_is_refused(status, reason):
    bed = Bed()
    bed.to_review()
    (ask,) = of(bed.press_pay(), Ask)
    assert (ask.kind, ask.fields, ask.timeout_s) == ("bill", {"bill": OCTOBER}, 3.0)
    assert bed.name == "checking"
    bed.answer(ask, status=status)
    assert (bed.name, bed.data["reason"]) == ("refused", reason)
    assert bed.records() == []
    bed.touch("back")
    assert bed.name == "bills"


def test_a_list_that_changed_under_the_resident_refuses_the_old_bill():
    bed = Bed()
    bed.to_review()
    (ask,) = of(bed.press_pay(), Ask)
    bed.send(events.BillsApplied(replace(BILLS, version=4, payee_account="1")))
    bed.answer(ask, status="open")
    assert (bed.name, bed.data["reason"]) == ("refused", "changed")
    bed.touch("back")
    bed.touch("pay", OCTOBER.hex())
    assert bed.data["account"] == "1"


def test_a_newer_list_with_the_same_bill_changes_nothing():
    bed = Bed()
    bed.to_review()
    (ask,) = of(bed.press_pay(), Ask)
    bed.send(events.BillsApplied(replace(BILLS, version=4)))
    bed.answer(ask, status="open")
    assert bed.name == "qr"


@pytest.mark.parametrize(
    "change",
    [{"payee_bin": "12"}, {"payee_account": "0071-001"}, {"payee_name": ""}, {"building": "4111 1111 1111 1111"}],
)
def test_a_faulty_list_gives_a_refusal_and_no_code(change):
    bed = Bed(bills=replace(BILLS, **change))
    bed.to_qr()
    assert (bed.name, bed.data["reason"]) == ("refused", "faulty")
    assert bed.records() == []
    assert bed.state.get("pay.bills") is None


def test_cancelling_before_the_code_records_no_payment():
    bed = Bed()
    bed.to_review()
    bed.touch("restart")
    bed.touch("end")
    assert bed.records() == [("visit.ended", "finished")]


def test_a_visit_that_leads_nowhere_is_cancelled():
    bed = Bed()
    bed.touch("start", "en")
    bed.wait(7)
    bed.touch("end")
    (ended,) = of(bed.done, Append)
    assert ended.fields == {"outcome": "cancelled", "seconds": 7, "language": "en"}


@pytest.mark.parametrize("action", ["back", "restart"])
def test_closing_the_code_leaves_the_payment_awaiting_and_spends_no_paper(action):
    bed = Bed()
    bed.to_qr()
    bed.touch(action)
    assert (bed.name, bed.data["state"], bed.data["closed"], bed.data["slip"]) == ("result", "awaiting", True, "none")
    assert bed.records()[-1] == ("payment.state", "AWAITING_CONFIRMATION")
    assert bed.slips() == []
    bed.touch("print")
    assert [lines(job, "code") for job in bed.slips()] == [["TAM-K0001-000042-2"]]


def test_a_confirmation_while_the_code_is_open_closes_it_and_prints_one_slip():
    bed = Bed()
    bed.to_qr()
    bed.touch("help")
    bed.answer(bed.next_question(), state="CONFIRMED")
    assert (bed.name, bed.data["state"]) == ("result", "confirmed")
    assert bed.records()[-2:] == [("payment.state", "AWAITING_CONFIRMATION"), ("payment.state", "CONFIRMED")]
    assert [lines(job, "box")[0] for job in bed.slips()] == ["ĐÃ XÁC NHẬN THANH TOÁN"]


def test_an_exception_asks_to_keep_the_slip_and_gives_one():
    bed = Bed()
    bed.to_qr()
    bed.answer(bed.next_question(), state="EXCEPTION", reason="AMOUNT_MISMATCH")
    assert bed.data["state"] == "exception"
    assert [lines(job, "box")[0] for job in bed.slips()] == ["CẦN KIỂM TRA – vui lòng giữ phiếu này"]
    assert of(bed.done, Append)[-1].fields["reason"] == "AMOUNT_MISMATCH"


def test_an_exception_after_the_pending_slip_prints_no_second_one():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.answer(bed.next_question(), state="EXCEPTION", reason="made up")
    assert len(bed.slips()) == 1
    assert "reason" not in of(bed.done, Append)[-1].fields


@pytest.mark.parametrize("state", ["CREATED", "QR_SHOWN", "AWAITING_CONFIRMATION", "", "NONSENSE"])
def test_a_word_that_settles_nothing_changes_nothing(state):
    bed = Bed()
    bed.to_qr()
    before = bed.records()
    bed.answer(bed.next_question(), state=state)
    assert (bed.name, bed.records()) == ("qr", before)


def test_the_station_asks_every_few_seconds_but_never_twice_at_once():
    bed = Bed()
    bed.to_qr()
    ask = bed.next_question(0)
    assert (ask.kind, ask.fields) == ("payment_state", {"txn": bed.txn})
    assert of(bed.wait(4), Ask) == []
    bed.send(events.NotAnswered(ask.question, "timed out"))
    assert len(of(bed.wait(0), Ask)) == 1


def test_a_question_that_the_hand_never_ends_does_not_stop_the_asking():
    bed = Bed()
    bed.to_qr()
    bed.next_question(0)
    assert len(of(bed.wait(10), Ask)) == 1


def test_nothing_is_asked_without_a_network():
    bed = Bed()
    bed.to_qr()
    bed.send(events.LinkDown("cut"))
    assert of(bed.wait(30), Ask) == []


def test_another_bill_of_the_same_unit_follows_without_typing_again():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.touch("another")
    assert (bed.name, [each["why"] for each in bed.data["bills"]]) == ("bills", ["open", ""])
    bed.touch("pay", NOVEMBER.hex())
    (ask,) = of(bed.press_pay(), Ask)
    bed.answer(ask, status="open")
    assert parse_provisional_code(bed.data["code"]).counter == 43
    assert len({each.txn for each in of(bed.done, Append) if each.kind == "payment.created"}) == 2


def test_a_notice_read_by_the_scanner_leads_to_the_bills():
    bed = Bed()
    bed.touch("start", "vi")
    bed.send(events.Scanned(b"A-12.05\r\n"))
    assert (bed.name, bed.data["unit"]) == ("bills", "A-12.05")


def test_language_and_large_text_hold_until_the_visit_ends():
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("language", "en")
    bed.touch("big", "1")
    assert (bed.screen.language, bed.screen.big) == ("en", True)
    bed.touch("group", "bill")
    assert (bed.screen.language, bed.screen.big) == ("en", True)
    bed.touch("restart")
    bed.touch("end")
    assert (bed.screen.language, bed.screen.big) == ("vi", False)


def test_nothing_of_a_visit_is_left_in_the_machine():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.touch("end")
    assert bed.visit._desk.scene == type(bed.visit._desk.scene)()
    assert not any("NGUYEN" in repr(value) or "A1205" in repr(value) for value in bed.state.values())


def test_the_station_names_what_it_cannot_do_on_the_idle_and_home_screens():
    bed = Bed(quality=1)
    assert bed.offer("management_fee") == ("limited", "clock")
    assert bed.data["frame"]["time_ms"] is None
    assert Bed(bills=None).offer("management_fee") == ("none", "no_list")
    assert Bed().offer("management_fee") == ("ready", "")


def test_without_a_list_the_service_does_not_open():
    bed = Bed(bills=None)
    bed.touch("start", "vi")
    assert bed.touch("group", "bill") == []
    assert bed.send(events.Scanned(b"A1205")) == []


def test_no_slip_without_its_record():
    bed = Bed()
    bed.to_qr()
    performed = bed.touch("paid")
    kinds = [type(each) for each in performed]
    assert kinds.index(Append) < kinds.index(Print)
    assert performed[0].remember["pay.jobs"] == [
        [of(performed, Print)[0].job, bed.txn, "pending", 1, "TAM-K0001-000042-2", START_MS]
    ]


def test_when_the_codes_are_used_up_payments_end_and_reading_goes_on():
    bed = Bed(settings=replace(SETTINGS, counter_first=7, counter_end=8))
    bed.to_qr()
    bed.touch("paid")
    bed.touch("another")
    assert [each["why"] for each in bed.data["bills"]] == ["open", "codes"]
