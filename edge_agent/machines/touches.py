"""Where each touch leads: one table, (place, action) -> move. An action that the table does not name does nothing.

An overlay (help, warning) has its own row and hides the place below it. Values come from outside and are checked here:
a key must be on the keyboard, a bill must be among those shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_agent.machines import dossier, form, idcard, identify, lookup, recovery, technician
from edge_agent.machines.checkout import SERVICE
from edge_agent.machines.scene import RESULTS

if TYPE_CHECKING:
    from edge_agent.effects import Effect
    from edge_agent.events import Now
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.scene import Place
    from edge_agent.machines.wording import Language

UNIT_MAX = 12
KEYS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
DIGITS = frozenset("0123456789")
_BACK: dict[str, Place] = {
    "bills": "unit",
    "review": "bills",
    "refused": "bills",
    "checking": "review",
}

Move = Callable[["Desk", str, "Now"], "list[Effect] | None"]


def move(place: str, action: str, *, in_visit: bool) -> Move | None:
    """What a touch does on a place (or overlay); None when it does nothing there."""
    return _MOVES[place].get(action) or (_IN_VISIT.get(action) if in_visit and place != "warning" else None)


def _start(desk: Desk, value: str, now: Now) -> list[Effect]:
    return desk.begin(_known(value), now)


def _language(desk: Desk, value: str, _now: Now) -> None:
    desk.scene.language = _known(value)


def _known(value: str) -> Language:
    return "en" if value == "en" else "vi"


def _big(desk: Desk, value: str, _now: Now) -> None:
    desk.scene.big = value == "1"


def _low(desk: Desk, value: str, _now: Now) -> None:
    desk.scene.low = value == "1"


def _help(desk: Desk, _value: str, _now: Now) -> None:
    desk.scene.overlay = "help"


def _here(_desk: Desk, _value: str, _now: Now) -> None:
    """Someone stands there: that alone is the news."""


def _close_help(desk: Desk, _value: str, now: Now) -> list[Effect]:
    desk.scene.overlay = ""
    return idcard.uncovered(desk, now)


def _reveal(desk: Desk, _value: str, now: Now) -> None:
    desk.scene.revealed_s = now.mono_s + desk.checkout.settings.reveal_s


def _group(desk: Desk, value: str, now: Now) -> list[Effect]:
    """One tile of the home screen: its only service at once, or the choice among its services."""
    if value == "help":
        desk.scene.overlay = "help"
        return []
    services = desk.checkout.world.catalogue.of_group(value)
    if len(services) == 1:
        return _service(desk, services[0].id, now)
    if services:
        desk.scene.place, desk.scene.group = "group", value
    return []


def _stay(desk: Desk, _value: str, now: Now) -> list[Effect]:
    desk.scene.overlay = desk.scene.under
    return idcard.uncovered(desk, now)


def _finish(desk: Desk, _value: str, now: Now) -> list[Effect]:
    paper = dossier.hurry(desk, now)  # "the slip follows at once" stood there
    return paper + desk.end("finished" if desk.scene.done else "cancelled", now)


def _leave(desk: Desk, _value: str, _now: Now) -> list[Effect]:
    return recovery.leave(desk)


def _restart(desk: Desk, _value: str, now: Now) -> list[Effect]:
    if stopped := _out_after(desk, now):
        return stopped
    left = [*idcard.leave(desk), *dossier.hurry(desk, now)]
    desk.restart()
    return left


def _out_after(desk: Desk, now: Now) -> list[Effect]:
    """A result was left where the service had stopped meanwhile: the visit ends, nothing else begins."""
    before = desk.scene
    if before.place not in RESULTS or not desk.checkout.world.out:
        return []
    effects = desk.end("finished", now)
    desk.out(now, before)
    return effects


def _back(desk: Desk, _value: str, _now: Now) -> None:
    scene = desk.scene
    scene.place, scene.until_s = "form_review" if scene.form else _BACK[scene.place], 0.0
    if scene.place == "bills":
        desk.find()


def _service(desk: Desk, value: str, now: Now) -> list[Effect]:
    """Begin a service that is offered."""
    service = desk.checkout.world.catalogue.service(value)
    if service is None or desk.checkout.offer(service, now).state == "none":
        return []
    left = idcard.leave(desk)
    desk.restart()
    desk.scene.group = service.group
    match service.kind:
        case "card":
            idcard.ask(desk)
        case "bill":
            desk.scene.place, desk.scene.served = "unit", SERVICE
        case "lookup":
            lookup.begin(desk)
        case _:
            left += identify.start(desk, service, now)
    return left


def _leave_service(desk: Desk, _value: str, _now: Now) -> None:
    desk.choose_again()


def _key(desk: Desk, value: str, _now: Now) -> None:
    scene = desk.scene
    if value in KEYS and len(scene.typed) < UNIT_MAX:
        scene.typed, scene.not_a_unit = scene.typed + value, False


def _erase(desk: Desk, value: str, _now: Now) -> None:
    scene = desk.scene
    scene.typed, scene.not_a_unit = ("" if value == "all" else scene.typed[:-1]), False


def _digit(desk: Desk, value: str, _now: Now) -> None:
    scene = desk.scene
    if value in DIGITS and len(scene.typed) < idcard.KEY_DIGITS:
        scene.typed, scene.wrong_code = scene.typed + value, False


def _to_card(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return idcard.wait(desk, now) if len(desk.scene.typed) == idcard.KEY_DIGITS else []


def _card_back(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return idcard.back(desk, now)


def _card_again(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return idcard.again(desk, now)


def _card_wrong(desk: Desk, _value: str, _now: Now) -> None:
    desk.scene.place = "card_wrong"


def _form_notice(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return identify.after_notice(desk, now)


def _form_way(desk: Desk, value: str, now: Now) -> list[Effect]:
    if desk.scene.form is None:
        return []
    left = idcard.leave(desk)
    return [*left, *identify.go(desk, value, now)]


def _form_back(desk: Desk, _value: str, now: Now) -> None:
    if desk.scene.place not in ("ask", "form_review") or not form.back(desk, now):
        identify.back(desk)


def _telex(desk: Desk, value: str, _now: Now) -> list[Effect]:
    return form.keyboard(desk, "telex", value)


def _upper(desk: Desk, value: str, _now: Now) -> list[Effect]:
    return form.keyboard(desk, "upper", value)


def _plane(desk: Desk, value: str, _now: Now) -> list[Effect]:
    return form.keyboard(desk, "plane", value)


def _agree(desk: Desk, value: str, _now: Now) -> None:
    assert desk.scene.form is not None  # noqa: S101  the review has one
    desk.scene.form.agreed = value == "1"


def _submit(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return dossier.submit(desk, now)


def _print_dossier(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return dossier.print_slip(desk, now) if desk.checkout.may_print(desk.scene) else []


def _technician(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return technician.enter(desk, now)


def _technician_leave(desk: Desk, _value: str, now: Now) -> list[Effect]:
    return technician.leave(desk, now)


def _lookup(desk: Desk, _value: str, _now: Now) -> None:
    if desk.scene.typed:
        desk.find()


def _choose(desk: Desk, value: str, now: Now) -> None:
    scene, checkout = desk.scene, desk.checkout
    bill = next((each for each in scene.found if each.bill.hex() == value), None)
    if bill is None or scene.listed is None:
        return
    if not checkout.refusal(scene.listed, bill, now, online=checkout.world.online):
        scene.place, scene.bill, scene.consent, scene.unanswered = "review", bill, False, False


def _consent(desk: Desk, value: str, _now: Now) -> None:
    desk.scene.consent = value == "1"


def _pay(desk: Desk, _value: str, now: Now) -> list[Effect]:
    scene, answer_s = desk.scene, desk.checkout.settings.bill_answer_s
    if not scene.consent or scene.bill is None:
        return []
    if scene.unanswered or not desk.checkout.world.online:
        return desk.checkout.create(scene, now, online=False)
    scene.place, scene.until_s = "checking", now.mono_s + answer_s
    return [desk.questions.bill(scene.bill.bill, now.mono_s, answer_s)]


def _paid(desk: Desk, _value: str, _now: Now) -> list[Effect]:
    return desk.checkout.close(desk.scene, closed=False)


def _close_code(desk: Desk, _value: str, _now: Now) -> list[Effect]:
    return desk.checkout.close(desk.scene, closed=True)


def _print(desk: Desk, _value: str, _now: Now) -> list[Effect]:
    return desk.checkout.reprint(desk.scene)


def _another(desk: Desk, _value: str, now: Now) -> list[Effect]:
    if stopped := _out_after(desk, now):
        return stopped
    typed = desk.scene.typed
    desk.restart()
    desk.scene.typed = typed
    desk.find()
    return []


_LOOKS: dict[str, Move] = {"language": _language, "big": _big, "low": _low}
_IN_VISIT: dict[str, Move] = {**_LOOKS, "help": _help, "here": _here, "restart": _restart}
_MOVES: dict[str, dict[str, Move]] = {
    "idle": {"start": _start, "technician": _technician},
    "home": {"group": _group, "end": _finish},
    "group": {"service": _service, "back": _restart, "end": _finish},
    "code_ask": {"key": lookup.press, "erase": lookup.erase, "next": lookup.onward, "back": lookup.back},
    "code_checking": {"back": lookup.back},
    "code_told": {"print": lookup.reprint, "back": lookup.back, "another": _restart, "end": _finish},
    "notice": {"next": _form_notice, "back": _form_back},
    "identify": {"way": _form_way, "back": _form_back},
    "code_wait": {"back": _form_back},
    "who": {"right": identify.right, "wrong": _card_wrong, "reveal": _reveal, "back": _form_back},
    "ask": {
        "choose": form.choose,
        "key": form.press,
        "erase": form.erase,
        "telex": _telex,
        "upper": _upper,
        "plane": _plane,
        "quick": form.quick,
        "ward": form.take_ward,
        "next": form.onward,
        "skip": form.skip,
        "back": _form_back,
    },
    "form_review": {"edit": form.edit, "consent": _agree, "reveal": _reveal, "next": _submit, "back": _form_back},
    "form_result": {"print": _print_dossier, "another": _restart, "end": _finish},
    "unit": {"key": _key, "erase": _erase, "next": _lookup, "back": _leave_service},
    "bills": {"pay": _choose, "back": _back, "end": _finish},
    "review": {"consent": _consent, "next": _pay, "back": _back},
    "checking": {"back": _back},
    "refused": {"back": _back, "end": _finish},
    "qr": {"paid": _paid, "back": _close_code, "restart": _close_code},
    "result": {"print": _print, "another": _another, "end": _finish},
    "card_key": {"key": _digit, "erase": _erase, "next": _to_card, "back": _card_back},
    "card_wait": {"back": _card_back},
    "card_reading": {"back": _card_back},
    "card_shown": {"wrong": _card_wrong, "end": _finish},
    "card_fault": {"again": _card_again, "way": _form_way, "back": _card_back, "end": _finish},
    "card_wrong": {"service": _service, "back": _card_back, "end": _finish},
    "out": {"end": _leave, **_LOOKS},
    "recovered": {"print": _print, "end": _leave, **_LOOKS},
    "technician": {
        "key": technician.press,
        "erase": technician.erase,
        "next": technician.open_page,
        "back": _technician_leave,
        "language": _language,
    },
    "technician_page": {"end": _technician_leave, "back": _technician_leave, "language": _language},
    "help": {"back": _close_help, "restart": _close_help},
    "warning": {"stay": _stay, "here": _stay, "end": _finish},
}
