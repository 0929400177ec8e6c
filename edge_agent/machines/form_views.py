"""What the screens of a form show: the catalogue's words and the resident's answers as plain values. Decides nothing.

A masked value leaves the machine in full only while it is revealed; a question that is being answered shows what is
typed. Words of the catalogue go out in both languages, the page picks.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from device_profiles import answers as rules
from edge_agent.machines import deadlines, degradation, dossier, form, identify
from edge_agent.machines.technician import HASH_BYTES, SALT_BYTES

if TYPE_CHECKING:
    from device_profiles.catalogue import CardField, Field, Words
    from edge_agent.events import Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.form import Form
    from edge_agent.machines.scene import Scene

Data = dict[str, Any]
PLACES = ("notice", "identify", "code_wait", "who", "ask", "form_review", "form_result")
CARD_LABELS = {
    "id_number": ("Số định danh", "ID number"),
    "name": ("Họ và tên", "Full name"),
    "birth_date": ("Ngày sinh", "Date of birth"),
    "sex": ("Giới tính", "Sex"),
    "residence": ("Nơi cư trú", "Residence"),
}


def words(text: Words | tuple[str, str]) -> Data:
    """Words as a page takes them."""
    return {"vi": text[0], "en": text[1]}


def view(name: str, desk: Desk, now: Now) -> Data:
    """The data of one screen of a form."""
    scene, checkout = desk.scene, desk.checkout
    held = scene.form
    assert held is not None  # noqa: S101  these places are entered with one
    service = held.service
    head: Data = {"service": words(service.name), "icon": service.icon}
    match name:
        case "notice":
            return head | {"text": words(service.notice or service.help), "emergency": service.emergency}
        case "identify":
            ways = [each._asdict() for each in degradation.ways(service, checkout.here(now))]
            return head | {
                "ways": [each | {"state": "none" if each["why"] else "ready"} for each in ways],
                "optional": False,
            }
        case "code_wait":
            return head | {"wrong": scene.wrong_code}
        case "who":
            return head | _who(scene, held, checkout, now)
        case "ask":
            return head | _ask(held, scene, now)
        case "form_review":
            return head | _review(scene, held, checkout, now)
        case _:
            return head | _result(scene, held, checkout, now)


def _revealed(scene: Scene, now: Now) -> bool:
    return now.mono_s < scene.revealed_s


def _who(scene: Scene, held: Form, checkout: Checkout, now: Now) -> Data:
    revealed = _revealed(scene, now)
    fields: dict[CardField, Field] = {each.card: each for each in held.service.fields if each.card}
    return {
        "rows": [
            {"label": words(CARD_LABELS[name]), "value": _said(fields[name], value, scene, revealed=revealed)}
            for name, value in identify.rows(held)
        ],
        "level": held.level,
        "doubt": held.doubt,
        "lies": checkout.world.card,
        "revealed": revealed,
    }


def _said(field: Field, value: str, scene: Scene, *, revealed: bool) -> str:
    tell = rules.shown if revealed else rules.masked
    return tell(field, value, scene.language)


def _ask(held: Form, scene: Scene, now: Now) -> Data:
    asked, questions = held.question, held.questions
    field, told = asked.field, held.answers.get(asked.key)
    number = next((at for at, each in enumerate(questions) if each.key == held.at), 0) + 1
    return {
        "key": asked.key,
        "kind": field.kind,
        "ask": words(field.ask),
        "label": words(field.label),
        "hint": words(field.hint) if field.hint else None,
        "number": number,
        "count": len(questions),
        "required": field.required,
        "typed": held.typed,
        "shown": rules.shown(field, told.value, scene.language) if told else "",
        "choices": [
            {"id": each.id, "words": words(each.words), "chosen": told is not None and told.value == each.id}
            for each in field.choices
        ],
        "fault": held.fault,
        "facts": {"least": abs(field.least), "most": abs(field.most)},
        "person": asked.number,
        "persons": max((each.number for each in held.asked if each.field.per == field.per), default=0),
        "telex": held.telex,
        "upper": held.upper,
        "plane": held.plane,
        "found": [{"code": code, "name": name} for code, name in form.found(held, now)],
        "skip": not field.required,
        "most": field.most,
        "editing": held.editing,
        "trusted": now.trusted,
    }


def _review(scene: Scene, held: Form, checkout: Checkout, now: Now) -> Data:
    revealed, faults = _revealed(scene, now), held.faults(now)
    rows = []
    for each in held.asked:
        told = held.answers.get(each.key)
        hidden = rules.masked(each.field, told.value, scene.language) if told else ""
        plain = rules.shown(each.field, told.value, scene.language) if told else ""
        rows.append(
            {
                "key": each.key,
                "label": words(each.field.label),
                "person": each.number,
                "value": plain if revealed else hidden,
                "masked": hidden != plain and not revealed,
                "fault": faults.get(each.key, ""),
                "source": told.source if told else "",
                "editable": not held.from_card(each.key),
            }
        )
    service = held.service
    due_ms = deadlines.due_ms(service.deadline, held.given())
    return {
        "rows": rows,
        "faults": len(faults),
        "consent": words(service.consent.words) if service.consent else None,
        "agreed": held.agreed,
        "revealed": revealed,
        "office": words(receiver) if (receiver := dossier.office(held)) else None,
        "deadline": _deadline(due_ms, checkout, now),
        "offline": not checkout.world.online,
        "fee_dong": service.fee_dong,
        "withheld": checkout.offer(service, now).why if checkout.refused_form(service, now) else "",
    }


def _result(scene: Scene, held: Form, checkout: Checkout, now: Now) -> Data:
    service = held.service
    data: Data = {
        "slip_layout": service.slip,
        "state": held.state,
        "code": held.code,
        "official": held.official,
        "words": held.words,
        "office": words(receiver) if (receiver := dossier.office(held)) else None,
        "following": words(service.following) if service.following else None,
        "deadline": _deadline(held.deadline_ms, checkout, now),
        "emergency": service.emergency,
        "channels": service.channels,
        "slip": scene.slip,
        "may_print": checkout.may_print(scene),
        "as_of_ms": held.as_of_ms,
    }
    return data | (
        {"seconds": max(0, round(scene.until_s - now.mono_s)), "until_s": scene.until_s} if scene.until_s else {}
    )


def _deadline(due_ms: int | None, checkout: Checkout, now: Now) -> Data | None:
    if due_ms is None:
        return None
    return {"at_ms": due_ms, "risk": deadlines.at_risk(due_ms, now, online=checkout.world.online)}


def technician_pin(desk: Desk, now: Now) -> Data:
    """The PIN pad: how many digits stand there, never which."""
    scene, until_s = desk.scene, desk.guard.until_s
    locked = {"seconds": ceil(until_s - now.mono_s), "until_s": until_s} if now.mono_s < until_s else {}
    return locked | {
        "typed_count": len(scene.typed),
        "wrong": scene.wrong_code,
        "set": len(desk.checkout.world.pin) == SALT_BYTES + HASH_BYTES,
    }


def technician_page(desk: Desk, now: Now) -> Data:
    """How the station is; nothing of any resident."""
    settings, world = desk.checkout.settings, desk.checkout.world
    devices = [
        {"port": each.port, "name": each.name, "state": each.state, "action": each.action, "detail": each.detail}
        for each in world.devices.values()
    ]
    return {
        "station": settings.station,
        "device": settings.device,
        "version": settings.version,
        "profile": settings.profile,
        "boot": world.boot,
        "online": world.online,
        "journal_next": world.written,
        "acked_next": world.accepted,
        "storage_full": world.full,
        "devices": devices,
        "clock": now.quality,
    }
