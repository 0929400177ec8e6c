"""What a station says of one payment. Pure; whether money came is the bank's word (`fleet_server.money`), not its.

A transaction id stands for one payment for ever: the same id with other content is refused, never a second effect.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from fleet_server.masking import masked
from fleet_server.projections import Unfit
from fleet_server.store import Payment

if TYPE_CHECKING:
    from fleet_server.projections import Opened

KINDS = frozenset(("payment.created", "payment.state"))
_FROM_RECORD = tuple(
    each.name
    for each in fields(Payment)
    if each.name
    not in {
        *("device", "txn", "created_ms", "quality"),
        *("said", "said_reason", "said_ms", "state", "reason", "credited_ms"),
    }
)


def project(row: Payment | None, record: Opened) -> Payment:
    """Fold one record of KINDS into the payment of its txn (None before the first). Raises Unfit.

    The owner comes masked; one that does not is masked here, whoever forgot it.
    """
    if record.txn is None:
        raise Unfit("no_txn", "a payment's records share a transaction id")
    if record.kind == "payment.created":
        new = Payment(
            device=record.device,
            txn=record.txn,
            created_ms=record.created_ms,
            quality=record.quality,
            said_ms=record.created_ms,
            **{name: record.fields[name] for name in _FROM_RECORD if name != "owner"},
            owner=masked(record.fields["owner"]),
        )
        if row is None:
            return new
        if any(getattr(row, name) != getattr(new, name) for name in _FROM_RECORD):
            raise Unfit("txn_conflict", "this transaction id stands for another payment")
        return row
    if row is None:
        raise Unfit("no_payment", "payment.state before payment.created")
    return replace(
        row,
        said=record.fields["state"],
        said_reason=record.fields.get("reason") or "",
        said_ms=record.created_ms,
    )
