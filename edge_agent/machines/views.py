"""What each screen shows: turns the scene into the name of a template and its data. Decides no transition.

The data are plain values, never HTML: reasons and states are keys of wording, amounts are dong, times are UTC
milliseconds. "seconds" is what is left at the moment of showing; it alone may differ between two equal screens.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge_agent.machines import degradation, form_views, idcard, lookup
from edge_agent.machines.form_views import words
from edge_agent.machines.scene import BILL_WAY, CARD_WAY, CODE_WAY, FORM_STEPS, FORM_WAY, STEPS

if TYPE_CHECKING:
    from device_profiles.bills import Bill, BillSet
    from device_profiles.catalogue import Service
    from edge_agent.events import Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.scene import Scene

Data = dict[str, Any]
RANK = {"ready": 0, "limited": 1, "none": 2}
REPORT = "data_wrong"  # the service that takes "my data is wrong"; its screens lead there where the catalogue has it


def view(desk: Desk, now: Now) -> tuple[str, Data]:
    """Give (name of the screen, its data) for where the resident stands."""
    name = desk.scene.overlay or desk.scene.place
    return name, {"frame": _frame(desk.scene, desk.checkout, now)} | _data(name, desk, now)


def _data(name: str, desk: Desk, now: Now) -> Data:
    scene, checkout = desk.scene, desk.checkout
    if name in idcard.PLACES:
        return _card(name, scene, checkout, now)
    if name in form_views.PLACES:
        return form_views.view(name, desk, now)
    match name:
        case "idle":
            return {"out": checkout.world.out, "notice": checkout.world.notice, "card_left": checkout.world.card}
        case "home":
            return {"groups": _groups(checkout, now)}
        case "group":
            return _group(scene, checkout, now)
        case "code_ask" | "code_told":
            return _code(name, scene, checkout, now)
        case "technician":
            return form_views.technician_pin(desk, now)
        case "technician_page":
            return form_views.technician_page(desk, now)
        case "warning":
            return _seconds(scene.warning_until_s, now)
        case _:
            return _of_bill(name, scene, checkout, now)


def _of_bill(name: str, scene: Scene, checkout: Checkout, now: Now) -> Data:
    match name:
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
        case _:
            return {}


def _offer(service: Service, checkout: Checkout, now: Now) -> Data:
    offered = checkout.offer(service, now)
    return {
        "id": service.id,
        "name": words(service.name),
        "help": words(service.help),
        "icon": service.icon,
        "state": offered.state,
        "why": offered.why,
    }


def _groups(checkout: Checkout, now: Now) -> list[Data]:
    """The tiles: a group is as ready as the readiest of its services; help is always there."""
    catalogue, tiles = checkout.world.catalogue, []
    for group in catalogue.groups:
        offers = [checkout.offer(each, now) for each in catalogue.of_group(group.id)]
        best = min(offers, key=lambda each: RANK[each.state], default=degradation.Offer("none", "not_yet"))
        if group.id == "help":
            best = degradation.Offer("ready")
        tile = {"id": group.id, "name": words(group.name), "icon": group.icon}
        tiles.append(tile | {"state": best.state, "why": best.why})
    return tiles


def _group(scene: Scene, checkout: Checkout, now: Now) -> Data:
    catalogue = checkout.world.catalogue
    name = next((each.name for each in catalogue.groups if each.id == scene.group), ("", ""))
    return {"group": words(name), "services": [_offer(each, checkout, now) for each in catalogue.of_group(scene.group)]}


def _way(scene: Scene) -> tuple[tuple[str, ...], str]:
    """The steps of the way through the screens, and the one that this place belongs to."""
    way: tuple[str, ...]
    if scene.form:
        step = FORM_STEPS.get(scene.place, "")
        way = FORM_WAY if scene.form.service.identity != "none" else FORM_WAY[1:]
    else:
        step = STEPS.get(scene.place, "")
        way = next(each for each in (BILL_WAY, CODE_WAY, CARD_WAY) if not step or step in each)
    return (way, step) if step else ((), "")


def _frame(scene: Scene, checkout: Checkout, now: Now) -> Data:
    settings, world = checkout.settings, checkout.world
    steps, step = _way(scene)
    return {
        "station": settings.station,
        "title": settings.title,
        "address": settings.address,
        "hotline": settings.hotline,
        "simulated": settings.simulated,
        "online": world.online,
        "trusted": now.trusted,
        "steps": steps,
        "step": steps.index(step) + 1 if steps else 0,
        "offers": [_offer(each, checkout, now) for each in world.catalogue.services],
        "limits": {
            "amount": checkout.limits.amount_max_dong,
            "amount_offline": checkout.limits.offline_amount_max_dong,
        },
        "time_ms": now.wall_ms // 60_000 * 60_000 if now.trusted and scene.place == "idle" else None,
        "in_visit": scene.in_visit,
    }


def _code(name: str, scene: Scene, checkout: Checkout, now: Now) -> Data:
    told = scene.told
    if name == "code_ask" or told is None:
        return {"typed": scene.typed, "parts": lookup.PARTS, "fault": scene.why}
    return {
        "code": told.code,
        "state": told.word,
        "as_of_ms": told.as_of_ms,
        "created_ms": told.created_ms,
        "slip": scene.slip,
        "may_print": lookup.may_print(scene, checkout, now),
    }


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


def _card(name: str, scene: Scene, checkout: Checkout, now: Now) -> Data:
    match name:
        case "card_key":
            return {"typed": scene.typed, "wrong_code": scene.wrong_code, "left": checkout.world.left_behind}
        case "card_wait":
            return {"left": checkout.world.left_behind}
        case "card_shown":
            return {"card": asdict(scene.card) if scene.card else {}, "lies": checkout.world.card}
        case "card_fault":
            ways = degradation.ways(scene.form.service, checkout.here(now)) if scene.form else ()
            may_type = any(each.way == "type" for each in ways)
            return {"fault": scene.why, "may_again": not idcard.refusal(checkout.world), "may_type": may_type}
        case "card_wrong":
            report = checkout.world.catalogue.service(REPORT)
            asking = scene.form.service.id if scene.form else ""
            may_report = report is not None and asking != REPORT and checkout.offer(report, now).state != "none"
            return {"lies": checkout.world.card, "may_report": may_report, "report": REPORT}
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
