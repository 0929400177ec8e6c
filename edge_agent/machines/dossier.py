"""A dossier from the pressed button to the slip: its record, what the fleet has of it, what is printed.

A form is recorded before its code is shown: transaction, code, answers with their sources, consent and deadline are
committed first. "Saved" is commit point 1, "sent" the fleet's Ack of that record, all that follows is the fleet's own
word. Decides no question (`form`) and no paper (`slips`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_profiles import records
from device_profiles.catalogue import Words
from device_profiles.formats import codes
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.wards import office as office_of
from edge_agent.effects import Append, Effect, Remember
from edge_agent.machines import deadlines, slips
from edge_agent.machines.ledger import Filed, Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.events import Acked, Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.form import Form, FormState
    from edge_agent.machines.scene import Scene
    from edge_agent.machines.wording import Language

URGENT, NORMAL = 2, 1
WORD: dict[str, FormState] = {"ACCEPTED": "accepted", "NEEDS_MORE": "more", "REJECTED": "rejected"}


def submit(desk: Desk, now: Now) -> list[Effect]:
    """Record what was answered and go to its result; nothing where something is wrong or not agreed to."""
    scene, checkout = desk.scene, desk.checkout
    form = scene.form
    assert form is not None  # noqa: S101  the review has one
    if (form.service.consent and not form.agreed) or form.faults(now) or checkout.refused_form(form.service, now):
        return []
    given, ledger = form.given(), checkout.ledger
    ward = given["ward"].value if "ward" in given else form.ward
    form.deadline_ms = deadlines.due_ms(form.service.deadline, given)
    urgent = form.service.urgent
    form.urgent = urgent is not None and urgent[0] in given and given[urgent[0]].value in urgent[1]
    code = codes.provisional_code(checkout.settings.station, ledger.counter_next)
    fields: dict[str, object] = {
        "service": form.service.code,
        "form": form.service.form,
        "catalogue": form.catalogue,
        "code": code,
        "ward": ward or None,
        "identity": form.level,
        "answers": tuple([key, answer.value, answer.source] for key, answer in given.items()),
        "consent": form.service.consent.version if form.service.consent else None,
        "urgent": form.urgent,
        "deadline_ms": form.deadline_ms,
        "language": scene.language,
        "online": checkout.world.online,
    }
    try:
        records.check("dossier.created", fields)
    except (records.RecordError, FormatError):  # an answer that no rule of its own refused: said where it can be seen
        scene.place, scene.why = "refused", "faulty"
        return []
    form.txn, form.code, form.created_ms, form.state = checkout.random_bytes(16), code, now.wall_ms, "saved"
    form.sending_s = now.mono_s + checkout.settings.sending_s if checkout.world.online else 0.0
    scene.place, scene.done, scene.until_s, scene.slip, scene.copies = "form_result", True, 0.0, "waiting", 0
    kept = ledger.file(Filed(form.txn, code, now.wall_ms, sent=False))
    made = Append("dossier.created", fields, form.txn, order=URGENT if form.urgent else NORMAL, remember=kept)
    return [made, *([] if form.sending_s else print_slip(desk, now))]


def committed(scene: Scene, txn: bytes | None, following: int) -> None:
    """The journal took a record: the first one of a form's own transaction is the form."""
    form = scene.form
    if form and form.txn and form.txn == txn and not form.following:
        form.following = following


def acked(desk: Desk, event: Acked, now: Now) -> list[Effect]:
    """The fleet has everything before `ack.next`: the dossier on the screen is sent when that is more than its own."""
    scene = desk.scene
    form = scene.form
    same = event.own_digest is not None and event.ack.digest == event.own_digest
    if not same:
        return []
    if scene.place == "recovered" and scene.state == "saved" and event.ack.next >= event.own_next:
        scene.state = "sent"
    if not (form and form.state == "saved" and form.following and event.ack.next >= form.following):
        return []
    form.state = "sent"
    kept = desk.checkout.ledger.sent(form.txn)
    remember: list[Effect] = [Remember(kept)] if kept else []
    return [*remember, *(print_slip(desk, now) if scene.slip == "waiting" else _closing(desk, now))]


def due(desk: Desk, now: Now) -> list[Effect]:
    """The wait for the fleet's Ack is over: the slip says what is proven until now."""
    form = desk.scene.form
    waits = form and desk.scene.slip == "waiting" and (now.mono_s >= form.sending_s or not desk.checkout.world.online)
    return print_slip(desk, now) if waits else []


def hurry(desk: Desk, now: Now) -> list[Effect]:
    """The resident goes on to something else within the visit: the slip that still waited comes now."""
    return print_slip(desk, now) if desk.scene.slip == "waiting" else []


def told(desk: Desk, txn: bytes, fields: Mapping[str, object], as_of_ms: int, now: Now) -> list[Effect]:
    """The fleet's word on the dossier that stands on the screen; it is recorded before it is shown."""
    scene = desk.scene
    form = scene.form
    state, official = WORD.get(str(fields.get("state"))), fields.get("official")
    if form is None or form.txn != txn or state is None or form.state in ("", state):
        return []
    form.state, form.words, form.as_of_ms = state, str(fields.get("words") or ""), as_of_ms
    # What is no office's code stands in no record, and is not shown as one.
    form.official = official if isinstance(official, str) and codes.DOSSIER.fullmatch(official) else ""
    # A slip that is still being printed says the old word: its end is no news of this one's.
    scene.copies, scene.slip, scene.job = 0, "none", b""
    # What has to be read and done stays as long as somebody reads it: the warning comes before it goes.
    scene.touched_s = now.mono_s
    scene.until_s = now.mono_s + desk.checkout.settings.done_s if state == "accepted" else 0.0
    seen = {"state": fields["state"], "official": form.official or None}
    # The official code is worth a second paper; other words are read on the screen, and printed when asked for.
    printing = print_slip(desk, now) if state == "accepted" else []
    return [Append("dossier.seen", seen, txn), *printing]


def print_slip(desk: Desk, now: Now) -> list[Effect]:
    """The slip of the form's state; where nothing can be printed the screen says so and shows the code."""
    scene, checkout = desk.scene, desk.checkout
    form = scene.form
    assert form is not None  # noqa: S101  asked by the caller
    if not checkout.world.prints:
        scene.slip = "paper_out" if checkout.world.paper == "out" else "failed"
        return []
    scene.copies, scene.slip = scene.copies + 1, "printing"
    paper = slips.dossier_slip(
        checkout.settings, told_of(form, checkout, scene.language, now), scene.language, copy=scene.copies
    )
    slip = "rejected" if form.state in ("more", "rejected") else form.state
    return checkout.print_job(scene, paper, Job(form.txn, slip, scene.copies, form.code, form.created_ms))


def printed(desk: Desk, now: Now) -> None:
    """Paper came out, or not: a result that has nothing more to come closes by itself."""
    if desk.scene.place == "form_result" and desk.scene.slip == "confirmed":
        _closing(desk, now)


def _closing(desk: Desk, now: Now) -> list[Effect]:
    scene = desk.scene
    if scene.slip == "confirmed" and scene.form and scene.form.state != "saved":
        scene.until_s = scene.until_s or now.mono_s + desk.checkout.settings.done_s
    return []


def told_of(form: Form, checkout: Checkout, language: Language, now: Now) -> slips.DossierSlip:
    """What paper says of a form that was saved."""
    assert form.state  # noqa: S101  asked by the caller
    due_ms, service = form.deadline_ms, form.service
    risk = deadlines.at_risk(due_ms, now, online=checkout.world.online)
    return slips.DossierSlip(
        service=service.name,
        layout=service.slip,
        code=form.code,
        created_ms=form.created_ms,
        state=form.state,
        official=form.official,
        as_of_ms=form.as_of_ms,
        office=office(form),
        told=form.words,
        rows=slips.paper_rows(service, form.asked, form.given(), language),
        deadline=None if due_ms is None else (due_ms, risk),
        following=service.following,
        channels=service.channels,
        emergency=service.emergency,
        fee_dong=service.fee_dong,
    )


def office(form: Form) -> Words | None:
    """Who receives it: the police of the ward the matter is in, of the station's own where none was named."""
    told = form.given().get("ward")  # not one that an earlier choice had asked for
    found = office_of(told.value if told else form.ward)
    return Words(found.vi, found.en) if found else None
