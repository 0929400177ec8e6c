"""Who is it: by the chip of a card, by the code printed on it, or by typing. Decides the way and what it proves.

What a card says is shown masked and confirmed before a form takes it over; each answer keeps its source. The code on a
card can be printed by anyone: it is a claim. Levels: the domain reference, section 4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_profiles import answers as rules
from device_profiles.answers import Answer
from device_profiles.formats.card_qr import parse_card_qr
from device_profiles.formats.refusal import FormatError
from edge_agent.machines import degradation, form, idcard
from edge_agent.machines.form import Form
from edge_agent.machines.moments import today

if TYPE_CHECKING:
    from device_profiles.answers import Source
    from device_profiles.catalogue import CardField, Service
    from edge_agent.effects import Effect
    from edge_agent.events import Now
    from edge_agent.machines.desk import Desk


def start(desk: Desk, service: Service, now: Now) -> list[Effect]:
    """A service was chosen that asks questions: its notice first, then who it is, then the questions."""
    scene, checkout = desk.scene, desk.checkout
    scene.served = service.code
    scene.form = Form(service, checkout.world.catalogue.version, checkout.settings.ward)
    if service.notice:
        scene.place = "notice"
        return []
    return after_notice(desk, now)


def after_notice(desk: Desk, now: Now) -> list[Effect]:
    """Where nobody has to say who they are, the questions come at once."""
    scene = desk.scene
    assert scene.form is not None  # noqa: S101  a form begins with it
    if scene.form.service.identity == "none":
        return form.ask_first(desk, now)
    scene.place = "identify"
    return []


def go(desk: Desk, value: str, now: Now) -> list[Effect]:
    """One of the ways; one that cannot be gone now leads nowhere."""
    scene, checkout = desk.scene, desk.checkout
    assert scene.form is not None  # noqa: S101  the screen belongs to a form
    if value not in {each.way for each in degradation.ways(scene.form.service, checkout.here(now)) if not each.why}:
        return []
    match value:
        case "card":
            idcard.ask(desk)
        case "code":
            scene.place, scene.wrong_code = "code_wait", False
        case _:
            scene.form.forget_card()
            scene.form.level = "typed"
            return form.ask_first(desk, now)
    return []


def scanned(desk: Desk, data: bytes, now: Now) -> list[Effect]:
    """The code of a card: what it claims is shown."""
    scene = desk.scene
    assert scene.form is not None  # noqa: S101
    try:
        card = parse_card_qr(data, as_of=today(now.wall_ms), clock_trusted=now.trusted)
    except FormatError:
        if not scene.wrong_code:  # a code that lies before the scanner for hours is nobody's presence
            scene.touched_s = now.mono_s
        scene.wrong_code = True
        return []
    scene.touched_s, scene.wrong_code = now.mono_s, False
    said: dict[CardField, str] = {
        "id_number": card.id_number.number,
        "name": card.full_name,
        "birth_date": card.birth_date,
        "sex": card.sex,
        "residence": card.address,
    }
    form.card_said(scene, said, "claimed", "")
    return []


def right(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """The resident says that it is so: the form takes over what it asks for, and nothing else of the card is kept."""
    held = desk.scene.form
    assert held is not None  # noqa: S101
    source: Source = "qr" if held.level == "claimed" else "chip"
    for each in held.service.fields:
        text = held.card.get(each.card, "") if each.card else ""
        if not text:
            continue
        try:
            value = rules.judge(each, text, as_of=today(now.wall_ms), trusted=now.trusted, source=source)
        except FormatError:
            continue  # asked by hand then
        held.answers[each.id] = Answer(value, source)
    held.card = {}
    return form.ask_first(desk, now)


def back(desk: Desk) -> None:
    """From the questions back to who it is, or to the notice, or to the choice of the service."""
    scene = desk.scene
    assert scene.form is not None  # noqa: S101
    service = scene.form.service
    if scene.place in ("ask", "code_wait", "who", "form_review") and service.identity != "none":
        scene.form.forget_card()
        scene.place = "identify"
    elif service.notice and scene.place != "notice":
        scene.place = "notice"
    else:
        desk.choose_again()


def rows(held: Form) -> list[tuple[CardField, str]]:
    """What the card said of that which this form asks for."""
    wanted = {each.card for each in held.service.fields if each.card}
    return [(name, value) for name, value in held.card.items() if name in wanted and value]
