"""Money: which payment is proven by which bank credit. The bank's word alone confirms; a station's never does.

The judgement is a pure function of the payments and credits there are, so the order in which they arrive cannot
matter. A credit is matched by the reference in its memo, the payee's account and the exact amount. What time alone
changes (nothing came within a day) is judged when shown and never stored. States and reasons: see `Payment`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.reference import find_reference
from fleet_server.store import Credit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fleet_server.store import Payment, Store

CONFIRMED, EXCEPTION = "CONFIRMED", "EXCEPTION"
NEVER_SHOWN = ("CANCELLED_BY_USER", "FAILED")  # the station says that no QR was in use: money for it needs a person
NO_CREDIT_AFTER_MS = 24 * 3_600_000
LATE_AFTER_MS = 72 * 3_600_000
QUALITY_TRUSTED = 2
MEMO_MAX = 500


class Judged(NamedTuple):
    """What the credits make of a payment: state, reason, and when its first fitting credit was booked (0 = none)."""

    state: str = ""
    reason: str = ""
    credited_ms: int = 0


def credit(
    bank_ref: str, amount: int, memo: str, account: str, at_ms: int, received_ms: int, *, simulated: bool
) -> Credit:
    """A credit as a bank reported it. `simulated` marks what did not come from a bank (MÔ PHỎNG).

    Raises ValueError for an amount that is no credit or an unusable reference, naming it.
    """
    if amount <= 0:
        raise ValueError(f"bank reference {bank_ref}: a credit is more than 0 đ, not {amount}")
    if not bank_ref or len(memo) > MEMO_MAX:
        raise ValueError(f"bank reference {bank_ref!r}: needs a reference, and a memo of at most {MEMO_MAX} characters")
    return Credit(bank_ref, amount, memo, account, at_ms, tuple(find_reference(memo)), received_ms, simulated)


def post(store: Store, new: Credit) -> bool:
    """Keep a credit and judge again what it may concern; False if it was kept before. Raises Conflict (store)."""
    if not store.add_credit(new):
        return False
    for reference in new.references:
        for payment in store.payments_of_reference(reference):
            settle(store, payment)
    return True


def settle(store: Store, payment: Payment) -> None:
    """Judge a payment again, after it or a credit for it changed, and with it every payment it has a bearing on.

    These are the payments of the same bill, and those that share its reference together with their bills.
    """
    sharers = store.payments_of_reference(payment.reference) or [payment]
    for building, bill in sorted({(each.building, each.bill) for each in sharers}):
        group = store.payments_of_bill(building, bill)
        credits_of = {each.reference: store.credits_of_reference(each.reference) for each in group}
        shared = {
            each.reference
            for each in group
            if sum(other.payee_account == each.payee_account for other in store.payments_of_reference(each.reference))
            > 1
        }
        for each, judged in zip(group, judge(group, credits_of, shared), strict=True):
            if judged != (each.state, each.reason, each.credited_ms):
                store.put_payment(replace(each, **judged._asdict()))


def judge(payments: Sequence[Payment], credits_of: Mapping[str, Iterable[Credit]], shared: set[str]) -> list[Judged]:
    """Judge all payments of one bill.

    credits_of: credits by the reference their memo names. shared: references that more than one payment to one account
    carries. Gives one Judged for each payment, in order. The bill is paid by the credit that was booked first; what
    comes for it by another payment is BILL_CLOSED.
    """
    fitting = [
        sorted(
            (each for each in credits_of.get(payment.reference, ()) if each.account == payment.payee_account),
            key=lambda each: (each.at_ms, each.bank_ref),
        )
        for payment in payments
    ]
    paying = [
        (found[0].at_ms, found[0].bank_ref, index)
        for index, (payment, found) in enumerate(zip(payments, fitting, strict=True))
        if found and not _doubt(payment, found[0], shared)
    ]
    first = min(paying)[2] if paying else None
    return [
        _judge(payment, found, shared, is_first=index == first)
        for index, (payment, found) in enumerate(zip(payments, fitting, strict=True))
    ]


def _judge(payment: Payment, found: Sequence[Credit], shared: set[str], *, is_first: bool) -> Judged:
    if not found:
        return Judged()
    doubt = _doubt(payment, found[0], shared)
    if not doubt and len(found) > 1:
        doubt = "DUPLICATE"
    if not doubt and not is_first:
        doubt = "BILL_CLOSED"
    return Judged(EXCEPTION if doubt else CONFIRMED, doubt, found[0].at_ms)


def _doubt(payment: Payment, first: Credit, shared: set[str]) -> str:
    """Why the first credit does not pay this payment; "" if it does."""
    if payment.reference in shared:
        return "DUPLICATE"
    if first.amount != payment.amount:
        return "AMOUNT_MISMATCH"
    late = payment.quality >= QUALITY_TRUSTED and first.at_ms > payment.created_ms + LATE_AFTER_MS
    return "LATE_CREDIT" if late or payment.said in NEVER_SHOWN else ""


def shown(payment: Payment, now_ms: int) -> tuple[str, str]:
    """State and reason as a person is told them now.

    A credit decides. Without one, a station's own "confirmed" proves nothing and reads AWAITING_CONFIRMATION; a day
    after its making a payment that was not called off is EXCEPTION, NO_CREDIT (and still confirmed if money comes).
    """
    if payment.state:
        return payment.state, payment.reason
    if payment.said in NEVER_SHOWN:
        return payment.said, ""
    if now_ms >= payment.created_ms + NO_CREDIT_AFTER_MS:
        return EXCEPTION, "NO_CREDIT"
    return (payment.said if payment.said in ("CREATED", "QR_SHOWN", "EXPIRED") else "AWAITING_CONFIRMATION"), ""


def bill_status(payments: Iterable[Payment], now_ms: int) -> str:
    """What the payments of one bill make of it: "paid", "pending" (do not pay again now) or "open"."""
    states = [shown(payment, now_ms) for payment in payments]
    if any(state == CONFIRMED or reason in ("DUPLICATE", "BILL_CLOSED") for state, reason in states):
        return "paid"
    done = [("EXCEPTION", "NO_CREDIT"), *((state, "") for state in NEVER_SHOWN)]
    return "pending" if any(each not in done for each in states) else "open"
