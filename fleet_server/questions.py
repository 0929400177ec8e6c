"""What the fleet answers a station that asks for a resident at the screen. Rules only: no transport, no side effects.

Who asks was verified by the caller, from the same moment of the store. The answer names no person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_profiles.cbor import WireError
from fleet_server import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_server.store import Device, Store

UNKNOWN = "UNKNOWN"


def answer(store: Store, kind: str, fields: Mapping[str, Any], device: Device, now_ms: int) -> dict[str, Any]:
    """Give the fields of the answer (by name, as `messages.ANSWERS` has them) to a question of `kind`.

    "payment_state": state and reason of this device's own payment; UNKNOWN while its records have not come.
    "bill": "open", "pending" (being paid at some station: do not pay again now) or "paid", fleet-wide, for a bill of
    the station's own building.

    Raises WireError("question") for another kind.
    """
    if kind == "payment_state":
        payment = store.payment(device.id, fields["txn"])
        if payment is None:
            return {"state": UNKNOWN}
        state, reason = money.shown(payment, now_ms)
        return {"state": state, "reason": reason} if reason else {"state": state}
    if kind == "bill":
        place = store.station(device.station)
        building = place.building if place else ""
        return {"status": money.bill_status(store.payments_of_bill(building, fields["bill"]), now_ms)}
    raise WireError("question", f"{kind!r} has no answer here")
