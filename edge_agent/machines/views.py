"""What each screen shows: turns the scene into the name of a template and its data. Decides no transition.

The data are plain values, never HTML: reasons and states are keys of wording, amounts are dong, times are UTC
milliseconds. "seconds" is what is left at the moment of showing; it alone may differ between two equal screens.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge_agent.machines import idcard
from edge_agent.machines.scene import SAME_STEP, WAYS

if TYPE_CHECKING:
    from device_profiles.bills import Bill, BillSet
    from edge_agent.events import Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.scene import Scene

Data = dict[str, Any]
READ_ONLY = ("clock", "policy", "contact", "stale", "exposure", "codes")
LATER = ("dossier", "search", "report", "health", "finance", "data")


def view(scene: Scene, checkout: Checkout, now: Now) -> tuple[str, Data]:
    """Give (name of the screen, its data) for where the resident stands."""
    name = scene.overlay or scene.place
    return name, {"frame": _frame(scene, checkout, now)} | _data(name, scene, checkout, now)


def _data(name: str, scene: Scene, checkout: Checkout, now: Now) -> Data:  # noqa: PLR0911  one arm per screen: a table
    if name in idcard.PLACES:
        return _card(name, scene, checkout)
    match name:
        case "idle":
            return {"out": checkout.world.out, "notice": checkout.world.notice, "card_left": checkout.world.card}
        case "home":
            return {"later": LATER}
        case "unit":
            return {"typed": scene.typed, "not_a_unit": scene.not_a_unit}
        case "bills":
            return _bills(scene, checkout, now)
        case "review":
            return _review(scene, checkout, now)
        case "refused":
            return {"reason": scene.why}
        case "qr":
            return _qr(scene, checkout, now)
        case "result":
            return _result(scene, checkout, now)
        case "out":
            return _out(scene, checkout, now)
        case "recovered":
            return _recovered(scene, checkout, now)
        case "warning":
            return _seconds(scene.warning_until_s, now)
        case _:
            return {}


def _frame(scene: Scene, checkout: Checkout, now: Now) -> Data:
    settings, world = checkout.settings, checkout.world
    why, no_card = checkout.service_refusal(now), idcard.refusal(world)
    steps = next((way for way in WAYS if _step(scene.place) in way), ())
    return {
        "station": settings.station,
        "title": settings.title,
        "address": settings.address,
        "hotline": settings.hotline,
        "simulated": settings.simulated,
        "online": world.online,
        "trusted": now.trusted,
        "steps": steps,
        "step": steps.index(_step(scene.place)) + 1 if steps else 0,
        "service": {"state": _service_state(why), "why": why},
        "card": {"state": "none" if no_card else "ready", "why": no_card},
        "limits": {
            "amount": checkout.limits.amount_max_dong,
            "amount_offline": checkout.limits.offline_amount_max_dong,
        },
        "time_ms": now.wall_ms // 60_000 * 60_000 if now.trusted and scene.place == "idle" else None,
        "in_visit": scene.in_visit,
    }


def _step(place: str) -> str:
    return SAME_STEP.get(place, place)


def _service_state(why: str) -> str:
    if not why:
        return "ready"
    return "read_only" if why in READ_ONLY else "none"


def _seconds(until_s: float, now: Now) -> Data:
    return {"seconds": max(0, round(until_s - now.mono_s)), "until_s": until_s} if until_s else {}


def _bill(bill: Bill) -> Data:
    return {
        "id": bill.bill.hex(),
        "unit": bill.unit,
        "period": bill.period,
        "amount": bill.amount,
        "due": bill.due,
        "owner": bill.owner,
    }


def _payee(bills: BillSet | None) -> Data:
    return {"as_of_ms": bills.as_of_ms, "building": bills.title} if bills else {}


def _bills(scene: Scene, checkout: Checkout, now: Now) -> Data:
    listed, online = scene.listed, checkout.world.online
    rows = [_bill(b) | {"why": checkout.refusal(listed, b, now, online=online) if listed else ""} for b in scene.found]
    return {"unit": scene.unit, "bills": rows} | _payee(listed)


def _review(scene: Scene, checkout: Checkout, now: Now) -> Data:
    bill, listed = scene.bill, scene.listed
    online = checkout.world.online and not scene.unanswered
    assert bill is not None  # noqa: S101  chosen on the screen before
    assert listed is not None  # noqa: S101
    return {
        "bill": _bill(bill),
        "payee": listed.payee_name,
        "account": listed.payee_account,
        "bank": checkout.bank(listed, now),
        "consent": scene.consent,
        "offline": not online,
        "why_key": checkout.refusal(listed, bill, now, online=online),
    } | _payee(listed)


def _qr(scene: Scene, checkout: Checkout, now: Now) -> Data:
    payment = scene.payment
    assert payment is not None  # noqa: S101  recorded before its screen
    return {
        "bill": _bill(payment.bill),
        "payee": payment.payee_name,
        "account": payment.payee_account,
        "bank": payment.bank,
        "purpose": payment.purpose,
        "code": payment.code,
        "payload": payment.payload,
        "offline": not payment.online or not checkout.world.online,
    } | _seconds(scene.until_s, now)


def _result(scene: Scene, checkout: Checkout, now: Now) -> Data:
    payment = scene.payment
    assert payment is not None  # noqa: S101  recorded before its screen
    return {
        "bill": _bill(payment.bill),
        "payee": payment.payee_name,
        "code": payment.code,
        "state": scene.state,
        "closed": scene.closed,
        "as_of_ms": scene.as_of_ms,
        "slip": scene.slip,
        "may_print": checkout.may_print(scene),
        "another": len(scene.found) > 1,
    } | _seconds(scene.until_s, now)


def _card(name: str, scene: Scene, checkout: Checkout) -> Data:
    match name:
        case "card_key":
            return {"typed": scene.typed, "wrong_code": scene.wrong_code, "left": checkout.world.left_behind}
        case "card_wait":
            return {"left": checkout.world.left_behind}
        case "card_shown":
            return {"card": asdict(scene.card) if scene.card else {}, "lies": checkout.world.card}
        case "card_fault":
            return {"fault": scene.why, "may_again": not idcard.refusal(checkout.world)}
        case "card_wrong":
            return {"lies": checkout.world.card}
        case _:
            return {}


def _out(scene: Scene, checkout: Checkout, now: Now) -> Data:
    return {
        "code": scene.kept.code if scene.kept else "",
        "notice": checkout.world.notice,
        "nearest": checkout.settings.nearest,
    } | _seconds(scene.until_s, now)


def _recovered(scene: Scene, checkout: Checkout, now: Now) -> Data:
    code = scene.kept.code if scene.kept else ""
    return {
        "code": code,
        "state": scene.state or "awaiting",
        "slip": scene.slip,
        "may_print": checkout.may_print(scene),
    } | _seconds(scene.until_s, now)
