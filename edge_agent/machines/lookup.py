"""Look-up by the code on a slip: what the fleet says of it now, and the slip once more, at any station.

A code can be guessed, so by it alone only the state is told: no name, amount, unit or service (domain reference 6).
What is printed is a reprint, and only within REPRINT_MS of the making (domain reference 11). Decides its moves; asks,
records nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.formats import scan
from device_profiles.formats.codes import parse_provisional_code
from device_profiles.formats.refusal import FormatError
from edge_agent.machines import slips
from edge_agent.machines.ledger import Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.effects import Effect
    from edge_agent.events import Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.scene import Scene

PLACES = ("code_ask", "code_checking", "code_told")
PARTS = (4, 6, 1)  # station, counter, check digit: all that has to be typed of TAM-K0001-000042-2
DIGITS = sum(PARTS)
ANSWER_S = 5.0
REPRINT_MS = 72 * 3_600_000
_PAYMENT = {"CONFIRMED": "confirmed", "SETTLED": "confirmed"} | dict.fromkeys(
    ("EXCEPTION", "REFUND_PENDING", "REFUNDED"), "exception"
)
_NOTHING = ("FAILED", "CANCELLED_BY_USER")  # no code of such a payment was ever shown
_DOSSIER = {"ACCEPTED": "accepted", "NEEDS_MORE": "more", "REJECTED": "rejected"}


@dataclass(frozen=True, slots=True)
class Told:
    """What the fleet said of a code; word: a state as slips and screens name it; created_ms: None where untold."""

    code: str
    word: str
    created_ms: int | None
    as_of_ms: int


def begin(desk: Desk) -> None:
    """Ask for the code."""
    desk.scene.place, desk.scene.served, desk.scene.typed, desk.scene.why = "code_ask", "A4", "", ""


def press(desk: Desk, value: str, _now: Now) -> list[Effect]:
    """One digit."""
    scene = desk.scene
    if len(value) == 1 and value in "0123456789" and len(scene.typed) < DIGITS:
        scene.typed, scene.why = scene.typed + value, ""
    return []


def erase(desk: Desk, value: str, _now: Now) -> list[Effect]:
    """The last digit away, or all."""
    desk.scene.typed, desk.scene.why = ("" if value == "all" else desk.scene.typed[:-1]), ""
    return []


def onward(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """All digits stand there: ask the fleet."""
    typed = desk.scene.typed
    if len(typed) < DIGITS:
        return []
    return _ask(desk, f"TAM-K{typed[:4]}-{typed[4:10]}-{typed[10:]}", now)


def scanned(desk: Desk, data: bytes, now: Now) -> list[Effect]:
    """The code of a slip was held before the scanner."""
    scene = desk.scene
    try:
        text = scan.whole_text(data)
    except FormatError:
        text = ""
    if not scene.why:  # a code that lies before the scanner for hours is nobody's presence
        scene.touched_s = now.mono_s
    return _ask(desk, text, now)


def _ask(desk: Desk, text: str, now: Now) -> list[Effect]:
    scene = desk.scene
    try:
        code = parse_provisional_code(text)
    except FormatError as error:
        scene.why = error.reason
        return []
    scene.typed = "".join(each for each in code.code if each.isdigit())
    if not desk.checkout.world.online:
        scene.why = "no_answer"
        return []
    scene.place, scene.until_s, scene.touched_s = "code_checking", now.mono_s + ANSWER_S + 1, now.mono_s
    return [desk.questions.code(code.code, now.mono_s, ANSWER_S)]


def unanswered(desk: Desk, now: Now) -> None:
    """The fleet did not say: what was typed stays, to be asked again."""
    scene = desk.scene
    scene.place, scene.why, scene.until_s, scene.touched_s = "code_ask", "no_answer", 0.0, now.mono_s


def told(desk: Desk, asked: bytes, fields: Mapping[str, object], as_of_ms: int, now: Now) -> None:
    """The fleet's word on the code that is asked for."""
    scene = desk.scene
    code = asked.decode()
    if scene.place != "code_checking" or scene.typed != "".join(each for each in code if each.isdigit()):
        return
    scene.until_s, scene.touched_s = 0.0, now.mono_s
    matter, state = fields.get("matter"), str(fields.get("state"))
    if matter not in ("payment", "dossier") or state in _NOTHING:
        scene.place, scene.why = "code_ask", "unknown_code"
        return
    word = _PAYMENT.get(state, "awaiting") if matter == "payment" else _DOSSIER.get(state, "sent")
    created_ms = fields.get("created_ms")
    scene.told = Told(
        code=code,
        word=word,
        created_ms=created_ms if isinstance(created_ms, int) else None,
        as_of_ms=as_of_ms,
    )
    scene.place, scene.done, scene.slip, scene.copies = "code_told", True, "none", 0


def may_print(scene: Scene, checkout: Checkout, now: Now) -> bool:
    """Whether the slip may be printed again: the printer works, and the matter is not older than REPRINT_MS."""
    told = scene.told
    if told is None or told.created_ms is None or not now.trusted:
        return False
    return checkout.may_print(scene) and abs(now.wall_ms - told.created_ms) <= REPRINT_MS


def reprint(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """The slip once more, marked as a reprint; it names no person."""
    scene, checkout = desk.scene, desk.checkout
    told = scene.told
    if told is None or told.created_ms is None or not may_print(scene, checkout, now):
        return []
    scene.copies, scene.slip = scene.copies + 1, "printing"
    paper = slips.code_slip(
        checkout.settings, told.code, told.created_ms, scene.language, state=told.word, copy=scene.copies + 1
    )
    # No transaction of this station: its print is counted, and belongs to nobody who could be offered it again.
    return checkout.print_job(scene, paper, Job(b"", "code", scene.copies + 1))


def back(desk: Desk, _value: str, _now: Now) -> list[Effect]:
    """From the answer to the code, from the code to the services."""
    if desk.scene.place == "code_ask":
        desk.choose_again()
    else:
        desk.scene.place, desk.scene.until_s, desk.scene.told, desk.scene.why = "code_ask", 0.0, None, ""
    return []
