"""What the fleet answers a station that asks for a resident at the screen. Rules only: no transport, no side effects.

Who asks was verified by the caller, from the same moment of the store, and how often is limited there. No answer names
a person, but what an office wrote for the resident is told in its own words, to the station that took the dossier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_profiles.cbor import WireError
from device_profiles.formats.codes import parse_provisional_code
from device_profiles.formats.refusal import FormatError
from fleet_server import dossiers, money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_server.store import Device, Dossier, Payment, Store


def answer(store: Store, kind: str, fields: Mapping[str, Any], device: Device, now_ms: int) -> dict[str, Any]:
    """Give the fields of the answer (by name, as `messages.ANSWERS` has them) to a question of `kind`.

    "payment_state": state and reason of this device's own payment; UNKNOWN while its records have not come.
    "bill": "open", "pending" (being paid at some station: do not pay again now) or "paid", fleet-wide, for a bill of
    the station's own building.

    "dossier": what the office said of this device's own dossier; SENT while it has not, UNKNOWN while its record is
    not there or not opened.

    "code": what became of the one payment or dossier with this code of any station, without a word of an office: a code
    can be guessed (domain reference, section 6). UNKNOWN where the fleet knows none, or more than one.

    Raises WireError("question") for another kind, and for what is no provisional code.
    """
    if kind == "payment_state":
        payment = store.payment(device.id, fields["txn"])
        if payment is None:
            return {"state": dossiers.UNKNOWN}
        state, reason = money.shown(payment, now_ms)
        return {"state": state, "reason": reason} if reason else {"state": state}
    if kind == "bill":
        place = store.station(device.station)
        building = place.building if place else ""
        return {"status": money.bill_status(store.payments_of_bill(building, fields["bill"]), now_ms)}
    if kind == "dossier":
        return dossiers.answer(store.filed(device.id, fields["txn"]))
    if kind == "code":
        return _by_code(store, fields["code"], now_ms)
    raise WireError("question", f"{kind!r} has no answer here")


def _by_code(store: Store, text: str, now_ms: int) -> dict[str, Any]:
    try:
        code = parse_provisional_code(text).code
    except FormatError as error:
        raise WireError("question", f"what is asked for is no provisional code: {error.reason}") from error
    payments, filed = store.payments_of_code(code), store.filed_under(code)
    if len(payments) + len(filed) != 1:
        return {"state": dossiers.UNKNOWN, "matter": "none"}
    if payments:
        state, reason = money.shown(payments[0], now_ms)
        told = {"state": state, "matter": "payment"} | ({"reason": reason} if reason else {})
        return told | _made(payments[0])
    return {"state": filed[0].state, "matter": "dossier"} | _made(filed[0].dossier)


def _made(matter: Payment | Dossier) -> dict[str, Any]:
    """When it was made, where its clock was trusted: another time would stand on a reprint as if it were true."""
    return {"created_ms": matter.created_ms} if matter.quality >= money.QUALITY_TRUSTED else {}
