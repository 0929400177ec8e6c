"""The limits on money, number by number; and the ledger's arithmetic under any order of events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.bills import Bill
from device_profiles.cbor import decode, encode
from edge_agent import events
from edge_agent.effects import Ask, Remember
from edge_agent.machines.ledger import LOCKS_KEPT_MAX, LOCKS_MAX, Claimed, Ledger, Lock
from edge_agent.machines.payment import HOUR_MS, Limits, Standing, bill_refusal, station_refusal, tightened
from tests.edge_agent.visit_bed import BILLS, NOVEMBER, OCTOBER, SETTINGS, START_MS, Bed, of

LIMITS = Limits(policy="PREFER_ONLINE")
OFFLINE = Standing(
    online=False,
    signed=True,
    trusted=True,
    wall_ms=START_MS,
    contact_ms=START_MS - HOUR_MS,
    bills_as_of_ms=START_MS - HOUR_MS,
    exposure_dong=0,
    exposure_count=0,
)
ONLINE = replace(OFFLINE, online=True)
DUE = "2026-11-18"  # the day of START_MS
ENDS_MS = START_MS + 300_000
MIDNIGHT_MS = 1_795_021_200_000  # 19 November 2026, 00:00 in Vietnam

STATION = {
    "good": (OFFLINE, None),
    "clock not trusted": (replace(OFFLINE, trusted=False), "clock"),
    "online, clock not trusted": (replace(ONLINE, trusted=False), "clock"),
    "list of the future": (replace(ONLINE, bills_as_of_ms=START_MS + 5 * 60_000 + 1), "clock"),
    "list a little ahead": (replace(OFFLINE, bills_as_of_ms=START_MS + 5 * 60_000), None),
    "never in contact": (replace(OFFLINE, contact_ms=None), "contact"),
    "contact of the future": (replace(OFFLINE, contact_ms=START_MS + 5 * 60_000 + 1), "contact"),
    "contact 24 h ago": (replace(OFFLINE, contact_ms=START_MS - 24 * HOUR_MS), None),
    "contact longer ago": (replace(OFFLINE, contact_ms=START_MS - 24 * HOUR_MS - 1), "contact"),
    "list 24 h old": (replace(OFFLINE, bills_as_of_ms=START_MS - 24 * HOUR_MS), None),
    "list older": (replace(OFFLINE, bills_as_of_ms=START_MS - 24 * HOUR_MS - 1), "stale"),
    "exposure below": (replace(OFFLINE, exposure_dong=9_999_999), None),
    "exposure full": (replace(OFFLINE, exposure_dong=10_000_000), "exposure"),
    "count below": (replace(OFFLINE, exposure_count=49), None),
    "count full": (replace(OFFLINE, exposure_count=50), "exposure"),
    "online, all of that": (
        replace(ONLINE, contact_ms=None, bills_as_of_ms=0, exposure_dong=10**9, exposure_count=99),
        None,
    ),
}


@pytest.mark.parametrize(("standing", "reason"), STATION.values(), ids=STATION.keys())
def test_what_withdraws_all_payments(standing, reason):
    assert station_refusal(LIMITS, standing) == reason


def test_without_a_signed_policy_nothing_is_paid_offline():
    assert station_refusal(Limits(), OFFLINE) == "policy"
    assert station_refusal(LIMITS, replace(OFFLINE, signed=False)) == "policy"
    assert station_refusal(LIMITS, replace(ONLINE, signed=False)) is None
    assert station_refusal(Limits(), ONLINE) is None


BILL = {
    "500,000 offline": (OFFLINE, 500_000, DUE, ENDS_MS, None),
    "500,001 offline": (OFFLINE, 500_001, DUE, ENDS_MS, "amount_offline"),
    "500,001 online": (ONLINE, 500_001, DUE, ENDS_MS, None),
    "9,999,999 online": (ONLINE, 9_999_999, DUE, ENDS_MS, None),
    "10,000,000 online": (ONLINE, 10_000_000, DUE, ENDS_MS, "amount"),
    "reaches the exposure": (replace(OFFLINE, exposure_dong=9_600_000), 400_000, DUE, ENDS_MS, None),
    "passes the exposure": (replace(OFFLINE, exposure_dong=9_600_000), 400_001, DUE, ENDS_MS, "exposure"),
    "the last second of the due day": (OFFLINE, 1, DUE, MIDNIGHT_MS - 1, None),
    "the code would outlive the due day": (OFFLINE, 1, DUE, MIDNIGHT_MS, "past_due"),
    "past due online": (ONLINE, 1, "2026-11-17", ENDS_MS, None),
    "no such day": (OFFLINE, 1, "2026-02-31", ENDS_MS, "past_due"),
    "the station's reason first": (replace(OFFLINE, trusted=False), 10**9, DUE, ENDS_MS, "clock"),
}


@pytest.mark.parametrize(("standing", "amount", "due", "ends_ms", "reason"), BILL.values(), ids=BILL.keys())
def test_what_refuses_one_bill(standing, amount, due, ends_ms, reason):
    assert bill_refusal(LIMITS, standing, amount, due, ends_ms) == reason


def test_the_fleet_may_tighten_and_never_loosen():
    assert tightened(LIMITS, {"offline_amount_max_dong": 100_000}).offline_amount_max_dong == 100_000
    assert tightened(LIMITS, {"offline_amount_max_dong": 600_000}) == LIMITS
    assert tightened(LIMITS, {"offline_amount_max_dong": -1, "exposure_max_count": "9", "nonsense": 0}) == LIMITS
    assert tightened(LIMITS, {"offline_amount_max_dong": True}) == LIMITS
    assert tightened(LIMITS, {"policy": "REQUIRE_ONLINE"}).policy == "REQUIRE_ONLINE"
    assert tightened(Limits(), {"policy": "PREFER_ONLINE"}).policy == "REQUIRE_ONLINE"


# the machine under these limits


def test_offline_a_small_fresh_bill_is_paid_with_the_words_read_before():
    bed = Bed(online=False)
    bed.to_review()
    assert (bed.data["offline"], bed.data["why_key"]) == (True, "")
    performed = bed.press_pay()
    assert of(performed, Ask) == []
    assert (bed.name, bed.data["offline"]) == ("qr", True)


def test_offline_a_large_bill_is_grey_with_its_reason_and_the_other_is_not():
    bed = Bed(online=False)
    bed.to_bills()
    assert [each["why"] for each in bed.data["bills"]] == ["", "amount_offline"]
    assert bed.touch("pay", NOVEMBER.hex()) == []


def test_a_clock_that_loses_trust_withdraws_the_open_review():
    bed = Bed(online=False)
    bed.to_review()
    bed.touch("consent", "1")
    bed.quality = 1
    bed.wait(1)
    assert bed.data["why_key"] == "clock"
    bed.touch("next")
    assert (bed.name, bed.data["reason"], bed.records()) == ("refused", "clock", [])


def test_an_overdue_bill_falls_back_to_a_refusal_when_the_fleet_is_silent():
    bed = Bed()
    bed.to_review(b"bill-201", "B0201")
    bed.press_pay()
    bed.wait(3)
    assert (bed.name, bed.data["reason"]) == ("refused", "past_due")


def test_tighter_settings_hold_at_once_and_after_a_restart_without_a_network():
    bed = Bed(online=False)
    bed.send(events.Configured({"offline_amount_max_dong": 1000, "heartbeat_s": 5}))
    bed.to_bills()
    assert bed.data["bills"][0]["why"] == "amount_offline"
    again = Bed(online=False, state=bed.state)
    again.to_bills()
    assert again.data["bills"][0]["why"] == "amount_offline"
    assert again.data["frame"]["limits"]["amount_offline"] == 1000
    again.send(events.Configured({}))
    assert again.data["bills"][0]["why"] == ""
    assert "pay.config" not in again.state


def test_the_same_settings_are_not_written_again():
    bed = Bed()
    assert of(bed.send(events.Configured({"offline_amount_max_dong": 1000})), Remember)
    assert not of(bed.send(events.Configured({"offline_amount_max_dong": 1000})), Remember)


def test_the_operator_may_take_the_station_out_of_service_with_words():
    bed = Bed()
    bed.send(events.Configured({"out_of_service": "Bảo trì đến 14:00"}))
    assert (bed.data["out"], bed.data["notice"]) == (True, "Bảo trì đến 14:00")
    bed.touch("start", "vi")
    assert (bed.name, bed.data["notice"]) == ("out", "Bảo trì đến 14:00")
    assert bed.records() == []


def test_contact_is_remembered_every_ten_minutes_and_no_more_often():
    bed = Bed()
    asked = [bed.send(events.Answered(b"?", {}, START_MS + minute * 60_000)) for minute in range(1, 21)]
    assert [len(of(each, Remember)) for each in asked].count(1) == 2
    assert bed.state["pay.contact_ms"] == START_MS + 20 * 60_000


def test_an_ack_is_a_contact():
    class Ack:
        time_ms, next = START_MS, 0

    bed = Bed(online=False, contact=False)
    assert bed.offer("management_fee") == ("limited", "contact")
    bed.send(events.Acked(Ack(), 0, None, 0))
    assert bed.offer("management_fee") == ("ready", "")


# one payment per bill, and the exposure


def test_an_unsettled_bill_stays_locked_in_later_visits_and_after_a_restart():
    bed = Bed(online=False)
    bed.to_qr()
    bed.touch("paid")
    bed.touch("end")
    bed.to_bills()
    assert bed.data["bills"][0]["why"] == "open"
    again = Bed(online=False, state=bed.state)
    again.to_bills()
    assert again.data["bills"][0]["why"] == "open"
    assert again.visit._checkout.ledger.exposure_dong == 485_000


@pytest.mark.parametrize(
    ("state", "reason", "lock", "exposure"),
    [
        ("CONFIRMED", None, "paid", 0),
        ("SETTLED", None, "paid", 0),
        ("EXCEPTION", "AMOUNT_MISMATCH", "review", 0),
        ("EXCEPTION", "NO_CREDIT", "", 0),
        ("REFUND_PENDING", None, "review", 0),
        ("REFUNDED", None, "", 0),
        ("EXPIRED", None, "", 0),
        ("FAILED", None, "", 0),
        ("CANCELLED_BY_USER", None, "", 0),
        ("AWAITING_CONFIRMATION", None, "open", 485_000),
        ("UNKNOWN", None, "open", 485_000),
    ],
)
def test_what_the_fleet_says_later_frees_exposure_and_lock(state, reason, lock, exposure):
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.touch("end")
    ask = bed.next_question(61)
    assert ask.fields == {"txn": bed.txn}
    records = len(bed.records())
    bed.answer(ask, state=state, reason=reason)
    assert bed.visit._checkout.ledger.exposure_dong == exposure
    bed.to_bills()
    assert bed.data["bills"][0]["why"] == lock
    assert len(bed.records()) == records
    assert Ledger.load(bed.state, 0).exposure_dong == exposure


def test_a_paid_bill_is_forgotten_when_the_list_no_longer_names_it():
    bed = Bed()
    bed.to_qr()
    bed.answer(bed.next_question(), state="CONFIRMED")
    bed.touch("end")
    bed.send(events.BillsApplied(replace(BILLS, version=4)))
    assert "pay.bills" in bed.state
    bed.send(events.BillsApplied(replace(BILLS, version=5, bills=BILLS.bills[1:])))
    assert "pay.bills" not in bed.state


def test_after_a_restart_the_station_asks_for_each_payment_in_turn_once_a_minute():
    locks = [[bytes([n]) * 8, bytes([n]) * 16, "open"] for n in (1, 2, 3)] + [[b"p" * 8, b"p" * 16, "paid"]]
    bed = Bed(state={"pay.bills": locks})
    seen = []
    for _ in range(4):
        ask = bed.next_question(60)
        assert of(bed.wait(1), Ask) == []
        bed.send(events.NotAnswered(ask.question, "busy"))
        seen.append(ask.fields["txn"][0])
    assert seen == [1, 2, 3, 1]


def test_background_questions_wait_for_the_network():
    bed = Bed(online=False, state={"pay.bills": [[b"1" * 8, b"1" * 16, "open"]]})
    assert of(bed.wait(600), Ask) == []
    bed.send(events.LinkUp(2))
    assert len(of(bed.wait(1), Ask)) == 1


def test_locks_are_bounded():
    ledger = [[n.to_bytes(8), n.to_bytes(16), "open"] for n in range(LOCKS_MAX)]
    bed = Bed(state={"pay.bills": ledger})
    bed.to_bills()
    assert bed.data["bills"][0]["why"] == "exposure"


# the ledger alone

TXNS = [bytes([n]) * 16 for n in range(6)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 5), st.integers(1, 500_000)),
        st.tuples(st.just("undo"), st.integers(0, 5), st.just(0)),
        st.tuples(
            st.sampled_from(["CONFIRMED", "EXPIRED", "EXCEPTION", "AWAITING_CONFIRMATION"]),
            st.integers(0, 5),
            st.just(0),
        ),
    ),
    max_size=40,
)


@given(STEPS)
def test_exposure_is_the_sum_of_what_is_open_and_survives_the_state_table(steps):
    ledger, kept, model, used = Ledger(), {}, {}, 0
    for word, n, amount in steps:
        txn = TXNS[n]
        if word == "open":
            if bytes([n]) * 8 in ledger.locks:
                continue
            values = ledger.open(f"biller {n % 2}", bytes([n]) * 8, Claimed(txn, amount, n))
            model[txn] = amount
            used += 1
        elif word == "undo":
            if txn not in model:
                continue
            ledger.undo(txn)
            del model[txn]
            kept = {}
            for biller in list(ledger.exposure):
                kept |= ledger._exposure_of(biller)
            values = ledger._locks()
        else:
            values = ledger.settle(txn, word, "AMOUNT_MISMATCH")
            if word != "AWAITING_CONFIRMATION":
                model.pop(txn, None)
        kept |= values
        assert ledger.exposure_dong == sum(model.values())
        assert ledger.exposure_count == len(model)
    stored = {name: decode(encode(value), 65_536) for name, value in kept.items() if value is not None}
    again = Ledger.load(stored, 0)
    assert (again.exposure_dong, again.exposure_count) == (sum(model.values()), len(model))
    assert again.locks == ledger.locks
    assert ledger.counter_next == used


def test_settling_twice_changes_nothing_the_second_time():
    ledger = Ledger()
    ledger.open("b", OCTOBER, Claimed(TXNS[0], 5, 1))
    assert ledger.settle(TXNS[0], "CONFIRMED", None) == {
        "pay.exposure.b": None,
        "pay.bills": [[OCTOBER, TXNS[0], "paid"]],
    }
    assert ledger.settle(TXNS[0], "SETTLED", None) == {}
    assert ledger.locks == {OCTOBER: Lock(TXNS[0], "paid")}


def test_the_counter_goes_on_where_it_was_and_never_back():
    assert Ledger.load({"pay.counter": 50}, 42).counter_next == 50
    assert Ledger.load({"pay.counter": 50}, 100).counter_next == 100
    assert Ledger.load({}, 42).counter_next == 42


def test_the_state_table_holds_only_what_the_wire_can_carry():
    bed = Bed()
    bed.send(events.Configured({"offline_amount_max_dong": 1}))
    bed.send(events.Configured({"out_of_service": ""}))
    bed.to_qr()
    bed.touch("paid")
    assert set(bed.state) <= {
        "pay.exposure.dao-kim-cuong",
        "pay.bills",
        "pay.counter",
        "pay.jobs",
        "pay.contact_ms",
        "pay.config",
    }
    for value in bed.state.values():
        encode(value)
    assert SETTINGS.counter_first < bed.state["pay.counter"]


def test_bills_that_are_paid_do_not_close_the_station_while_the_list_still_names_them():
    paid = [number.to_bytes(8) for number in range(LOCKS_MAX)]
    rows = [Bill(bill, f"C-{number}", "2026-11", 100_000, "2026-12-15", "LE *** A") for number, bill in enumerate(paid)]
    many = replace(BILLS, bills=(*BILLS.bills, *rows))
    bed = Bed(bills=many, state={"pay.bills": [[bill, bill * 2, "paid"] for bill in paid]})
    bed.to_review()
    assert bed.name == "review"


def test_the_locks_are_bounded_and_only_the_oldest_paid_one_is_forgotten():
    ledger = Ledger(locks={number.to_bytes(8): Lock(number.to_bytes(16), "paid") for number in range(LOCKS_KEPT_MAX)})
    ledger.locks[b"\0" * 8] = Lock(b"open" * 4, "open")
    values = ledger.open("b", b"new-bill", Claimed(b"t" * 16, 1000, START_MS))
    assert len(ledger.locks) == LOCKS_KEPT_MAX
    assert [each in ledger.locks for each in (b"\0" * 8, (1).to_bytes(8), (2).to_bytes(8))] == [True, False, True]
    assert len(encode(values["pay.bills"])) < 32_768


@pytest.mark.parametrize(("word", "place"), [("paid", "refused"), ("pending", "refused"), ("open", "review")])
def test_a_word_on_the_bill_that_comes_late_is_still_believed_when_it_forbids_the_payment(word, place):
    bed = Bed()
    bed.to_review()
    (ask,) = of(bed.press_pay(), Ask)
    bed.wait(SETTINGS.bill_answer_s)
    assert (bed.name, bed.data["offline"]) == ("review", True)
    bed.answer(ask, status=word)
    assert bed.name == place
