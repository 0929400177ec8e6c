"""Money: only the bank's credit confirms, and the order in which things arrive does not matter."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from device_profiles.formats.reference import payment_reference
from fleet_server import money
from fleet_server.money import LATE_AFTER_MS, NO_CREDIT_AFTER_MS
from fleet_server.store import Conflict, Credit, Payment
from tests.fleet_server.station_bed import ACCOUNT, T0, open_fleet, payment_fields

REF_A, REF_B, REF_C = (payment_reference(bytes([n] * 6)) for n in (1, 2, 3))
DEVICE = b"d" * 16
MINUTE_MS = 60_000


def payment(name: str = "a", reference: str = REF_A, **changed) -> Payment:
    fields = payment_fields(reference=reference)
    kept = {key: value for key, value in fields.items() if key in Payment.__dataclass_fields__}
    return replace(Payment(DEVICE, name.encode() * 16, T0, 2, **kept), **changed)


def credit(bank_ref: str = "r1", reference: str = REF_A, amount: int = 1_250_000, **changed) -> Credit:
    new = money.credit(
        bank_ref, amount, f"MBVCB.123.SKHCM {reference}.CT tu 99", ACCOUNT, T0 + MINUTE_MS, T0, simulated=True
    )
    return replace(new, **changed)


@pytest.fixture
def fleet(tmp_path):
    store = open_fleet(tmp_path)
    yield store
    store.close()


def put(fleet, row: Payment) -> None:
    def work(store):
        store.put_payment(row)
        money.settle(store, row)

    fleet.run(work)


def post(fleet, *notices: Credit) -> None:
    for each in notices:
        fleet.run(lambda store, each=each: money.post(store, each))


def states(fleet) -> dict[str, tuple[str, str]]:
    return {each.txn[:1].decode(): (each.state, each.reason) for each in fleet.payments()}


def test_a_credit_with_reference_account_and_amount_confirms(fleet):
    put(fleet, payment())
    assert states(fleet) == {"a": ("", "")}
    post(fleet, credit())
    assert states(fleet) == {"a": ("CONFIRMED", "")}
    assert fleet.payments()[0].credited_ms == T0 + MINUTE_MS


def test_a_credit_may_come_before_the_station_was_heard(fleet):
    post(fleet, credit())
    assert [each.bank_ref for each in fleet.unknown_credits()] == ["r1"]
    put(fleet, payment())
    assert states(fleet) == {"a": ("CONFIRMED", "")}
    assert fleet.unknown_credits() == []


@pytest.mark.parametrize("memo", ["{}", "ck {} ", "SKHCM{}", "skhcm {}", "Nguyen Van An chuyen tien SKHCM {} FT2632"])
def test_a_reference_is_found_whatever_the_bank_wrote_around_it(fleet, memo):
    put(fleet, payment())
    new = money.credit("r1", 1_250_000, memo.format(REF_A), ACCOUNT, T0, T0, simulated=False)
    post(fleet, new)
    assert states(fleet) == {"a": ("CONFIRMED", "")}
    assert fleet.credits()[0] == new


@pytest.mark.parametrize("amount", [1_249_999, 1_250_001, 1])
def test_another_amount_is_an_exception(fleet, amount):
    put(fleet, payment())
    post(fleet, credit(amount=amount))
    assert states(fleet) == {"a": ("EXCEPTION", "AMOUNT_MISMATCH")}


def test_money_to_another_account_or_without_reference_is_listed_and_confirms_nothing(fleet):
    put(fleet, payment())
    post(fleet, credit("r1", account="999"), credit("r2", REF_B), credit("r3", references=()))
    assert states(fleet) == {"a": ("", "")}
    assert sorted(each.bank_ref for each in fleet.unknown_credits()) == ["r1", "r2", "r3"]


def test_a_second_credit_for_one_payment_is_a_duplicate(fleet):
    put(fleet, payment())
    post(fleet, credit(), credit("r2"))
    assert states(fleet) == {"a": ("EXCEPTION", "DUPLICATE")}


def test_the_same_credit_reported_again_counts_once_and_a_changed_one_is_refused(fleet):
    put(fleet, payment())
    post(fleet, credit(), credit(received_ms=T0 + 5))
    assert states(fleet) == {"a": ("CONFIRMED", "")}
    with pytest.raises(Conflict, match="r1 is kept with other content"):
        post(fleet, credit(amount=5))
    assert len(fleet.credits()) == 1


def test_a_second_payment_of_a_paid_bill_is_closed_by_the_first_credit(fleet):
    put(fleet, payment("a", REF_A))
    put(fleet, payment("b", REF_B))
    post(fleet, credit("r2", REF_B, at_ms=T0 + 2 * MINUTE_MS))
    assert states(fleet) == {"a": ("", ""), "b": ("CONFIRMED", "")}
    post(fleet, credit("r1", REF_A, at_ms=T0 + MINUTE_MS))
    assert states(fleet) == {"a": ("CONFIRMED", ""), "b": ("EXCEPTION", "BILL_CLOSED")}


def test_a_wrong_amount_does_not_close_a_bill(fleet):
    put(fleet, payment("a", REF_A))
    put(fleet, payment("b", REF_B))
    post(fleet, credit("r1", REF_A, amount=5), credit("r2", REF_B, at_ms=T0 + 2 * MINUTE_MS))
    assert states(fleet) == {"a": ("EXCEPTION", "AMOUNT_MISMATCH"), "b": ("CONFIRMED", "")}


def test_two_payments_with_one_reference_are_both_for_a_person(fleet):
    put(fleet, payment("a", REF_A))
    post(fleet, credit())
    assert states(fleet) == {"a": ("CONFIRMED", "")}
    put(fleet, payment("b", REF_A, bill=b"bill0002"))
    assert states(fleet) == {"a": ("EXCEPTION", "DUPLICATE"), "b": ("EXCEPTION", "DUPLICATE")}


def test_one_reference_at_two_accounts_is_no_clash(fleet):
    put(fleet, payment("a", REF_A))
    put(fleet, payment("b", REF_A, bill=b"bill0002", payee_account="777"))
    post(fleet, credit())
    assert states(fleet) == {"a": ("CONFIRMED", ""), "b": ("", "")}


@pytest.mark.parametrize("said", ["CANCELLED_BY_USER", "FAILED"])
def test_money_for_a_payment_that_was_called_off_is_for_a_person(fleet, said):
    put(fleet, payment(said=said))
    post(fleet, credit())
    assert states(fleet) == {"a": ("EXCEPTION", "LATE_CREDIT")}


@pytest.mark.parametrize("said", ["QR_SHOWN", "AWAITING_CONFIRMATION", "EXPIRED"])
def test_a_closed_screen_or_an_expired_code_still_takes_the_credit(fleet, said):
    put(fleet, payment(said=said))
    post(fleet, credit(at_ms=T0 + NO_CREDIT_AFTER_MS + 1))
    assert states(fleet) == {"a": ("CONFIRMED", "")}


def test_a_credit_after_three_days_is_for_a_person_if_the_stations_clock_was_sure(fleet):
    put(fleet, payment("a", REF_A))
    put(fleet, payment("b", REF_B, quality=1, bill=b"bill0002"))
    late = T0 + LATE_AFTER_MS + 1
    post(fleet, credit("r1", REF_A, at_ms=late), credit("r2", REF_B, at_ms=late))
    assert states(fleet) == {"a": ("EXCEPTION", "LATE_CREDIT"), "b": ("CONFIRMED", "")}


REF_E = payment_reference(bytes([9] * 6))
MADE = {
    "a": payment("a", REF_A),
    "b": payment("b", REF_B),
    "c": payment("c", REF_C, bill=b"bill0002"),
    "d": payment("d", REF_C, bill=b"bill0003"),
    "e": payment("e", REF_E, amount=7, bill=b"bill0003"),
}
SAID = {"a": ("CREATED", "QR_SHOWN"), "b": ("CREATED", "CANCELLED_BY_USER"), "c": ("CREATED", "EXPIRED")}
CREDITS = (
    credit("r1", REF_A),
    credit("r2", REF_A, at_ms=T0 + 5),
    credit("r3", REF_B, at_ms=T0 + 1),
    credit("r4", REF_C),
    credit("r5", REF_E, amount=7, at_ms=T0 + 9),
)


def outcome(folder, order) -> list[Payment]:
    """What a new fleet makes of it: a credit, or a payment's name for the next thing its station said of it."""
    store = open_fleet(folder)
    said = {name: iter(SAID.get(name, ("CREATED",))) for name in MADE}
    for each in order:
        if isinstance(each, Credit):
            post(store, each)
        else:
            before = store.payment(DEVICE, each.encode() * 16)
            put(store, replace(before or MADE[each], said=next(said[each])))
    found = store.payments()
    store.close()
    return found


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_order_of_arrival_the_judgement_is_the_same(tmp_path_factory, seed):
    straight = [*(name for name in MADE for _ in SAID.get(name, ("CREATED",))), *CREDITS]
    shuffled = straight[:]
    random.Random(seed).shuffle(shuffled)
    found = outcome(tmp_path_factory.mktemp("shuffled"), shuffled)
    assert found == outcome(tmp_path_factory.mktemp("straight"), straight)
    assert {each.txn[:1].decode(): each.reason for each in found} == {
        "a": "DUPLICATE",
        "b": "LATE_CREDIT",
        "c": "DUPLICATE",
        "d": "DUPLICATE",
        "e": "",
    }


@pytest.mark.parametrize(
    ("row", "after_ms", "told"),
    [
        (payment(), 0, ("CREATED", "")),
        (payment(said="QR_SHOWN"), 0, ("QR_SHOWN", "")),
        (payment(said="AWAITING_CONFIRMATION"), 0, ("AWAITING_CONFIRMATION", "")),
        (payment(said="EXPIRED"), 0, ("EXPIRED", "")),
        (payment(said="CONFIRMED"), 0, ("AWAITING_CONFIRMATION", "")),
        (payment(said="SETTLED"), NO_CREDIT_AFTER_MS - 1, ("AWAITING_CONFIRMATION", "")),
        (payment(said="QR_SHOWN"), NO_CREDIT_AFTER_MS, ("EXCEPTION", "NO_CREDIT")),
        (payment(said="FAILED"), NO_CREDIT_AFTER_MS, ("FAILED", "")),
        (payment(said="CANCELLED_BY_USER"), 0, ("CANCELLED_BY_USER", "")),
        (payment(said="FAILED", state="EXCEPTION", reason="LATE_CREDIT"), 0, ("EXCEPTION", "LATE_CREDIT")),
        (payment(state="CONFIRMED"), NO_CREDIT_AFTER_MS, ("CONFIRMED", "")),
    ],
)
def test_what_a_person_is_told(row, after_ms, told):
    assert money.shown(row, T0 + after_ms) == told


@pytest.mark.parametrize(
    ("rows", "after_ms", "status"),
    [
        ([], 0, "open"),
        ([payment()], 0, "pending"),
        ([payment(said="EXPIRED")], 0, "pending"),
        ([payment(said="CANCELLED_BY_USER")], 0, "open"),
        ([payment(said="FAILED"), payment("b", said="QR_SHOWN")], 0, "pending"),
        ([payment(said="QR_SHOWN")], NO_CREDIT_AFTER_MS, "open"),
        ([payment(state="CONFIRMED")], NO_CREDIT_AFTER_MS, "paid"),
        ([payment(state="EXCEPTION", reason="DUPLICATE")], 0, "paid"),
        ([payment(state="EXCEPTION", reason="BILL_CLOSED")], 0, "paid"),
        ([payment(state="EXCEPTION", reason="AMOUNT_MISMATCH")], NO_CREDIT_AFTER_MS, "pending"),
        ([payment(state="EXCEPTION", reason="LATE_CREDIT")], NO_CREDIT_AFTER_MS, "pending"),
    ],
)
def test_what_a_bill_is(rows, after_ms, status):
    assert money.bill_status(rows, T0 + after_ms) == status


@pytest.mark.parametrize(
    ("bank_ref", "amount", "memo"), [("r1", 0, "x"), ("r1", -5, "x"), ("", 5, "x"), ("r1", 5, "x" * 501)]
)
def test_what_is_no_credit_is_refused_by_name(bank_ref, amount, memo):
    with pytest.raises(ValueError, match=f"bank reference '?{bank_ref}"):
        money.credit(bank_ref, amount, memo, ACCOUNT, T0, T0, simulated=True)
