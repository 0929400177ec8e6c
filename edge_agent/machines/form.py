"""One form, question by question: what has been answered, which question stands on the screen, where a touch leads.

The order of the questions is the catalogue's, and it is linear: one question a screen, then all answers together.
What a card said is not asked again. A question that is changed later and brings new ones has them asked before the
review comes back. Decides no rule of an answer (`device_profiles.answers`), no record and no words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from device_profiles import answers as rules
from device_profiles.answers import Answer, Asked
from device_profiles.formats.refusal import FormatError
from edge_agent.machines import telex
from edge_agent.machines.moments import hour, today

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from device_profiles.catalogue import CardField, Field, Level, Service
    from edge_agent.effects import Effect
    from edge_agent.events import Now
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.scene import Scene

TEXTS = ("name", "text", "lines")
DIGITS = ("phone", "id_number", "number", "date", "time")
TYPED_MAX = {"phone": 15, "id_number": 12, "date": 8, "time": 4, "ward": 40}
NUMBER_DIGITS = 4
SIGNS = ",.-/:()?'"  # all that an address or a name needs (H'Lan)
FOUND_MAX = 6
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
FormState = Literal["", "saved", "sent", "accepted", "more", "rejected"]


@dataclass(slots=True)
class Form:
    """One resident's form. at: key of the question on the screen; typed: what stands in its field.

    skipped: optional questions that were passed over; card: what a card said, by the names of the catalogue; upper:
    the next letter is a large one; txn and what follows it: set once the record is made.
    """

    service: Service
    catalogue: int
    ward: str = ""
    answers: dict[str, Answer] = field(default_factory=dict, repr=False)
    skipped: set[str] = field(default_factory=set)
    card: dict[CardField, str] = field(default_factory=dict, repr=False)
    level: Level = "none"
    doubt: str = ""
    at: str = ""
    typed: str = field(default="", repr=False)
    telex: bool = True
    upper: bool = True
    plane: str = "letters"
    fault: str = ""
    editing: bool = False
    agreed: bool = False
    txn: bytes = b""
    code: str = ""
    created_ms: int = 0
    deadline_ms: int | None = None
    urgent: bool = False
    following: int = 0  # the journal's next number after its record; 0 until it is known
    sending_s: float = 0.0
    state: FormState = ""
    official: str = ""
    words: str = field(default="", repr=False)
    as_of_ms: int | None = None

    @property
    def questions(self) -> tuple[Asked, ...]:
        """What is asked of this resident, in order: not what a card has said."""
        return tuple(each for each in self.asked if not self.from_card(each.key))

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All that the record shall hold, in order."""
        return rules.asked(self.service, self.answers)

    @property
    def question(self) -> Asked:
        """The one on the screen."""
        return next(each for each in self.asked if each.key == self.at)

    def from_card(self, key: str) -> bool:
        """Whether a card gave this answer: nobody types over it."""
        told = self.answers.get(key)
        return told is not None and told.source in ("chip", "qr")

    def given(self) -> dict[str, Answer]:
        """The answers that are asked for now; what an earlier choice had asked besides is left out."""
        return {each.key: self.answers[each.key] for each in self.asked if each.key in self.answers}

    def forget_card(self) -> None:
        """Another way to say who one is was chosen: what the card had said does not stay."""
        self.card, self.level, self.doubt = {}, "none", ""
        self.answers = {key: each for key, each in self.answers.items() if each.source == "typed"}

    def faults(self, now: Now) -> dict[str, str]:
        """Everything that is wrong, at once: reason by key."""
        return rules.faults(self.service, self.given(), as_of=today(now.wall_ms), trusted=now.trusted)


def card_said(scene: Scene, said: Mapping[CardField, str], level: Level, doubt: str) -> None:
    """A card told who it is: what this form asks for is shown, the rest is dropped here."""
    form = scene.form
    assert form is not None  # noqa: S101  asked by the caller
    form.forget_card()
    wanted = {each.card for each in form.service.fields if each.card}
    form.card = {name: value for name, value in said.items() if name in wanted}
    form.level, form.doubt = level, doubt
    scene.place, scene.until_s, scene.revealed_s = "who", 0.0, 0.0


def ask_first(desk: Desk, now: Now) -> list[Effect]:
    """The first question that no card has answered, or the review."""
    form = _form(desk)
    first = form.questions
    _show(desk, first[0] if first else None, now)
    return []


def choose(desk: Desk, value: str, now: Now) -> list[Effect]:
    """One of the choices: taken, and on to the next question."""
    form = _form(desk)
    asked = form.question
    if asked.field.kind != "choice" or value not in {each.id for each in asked.field.choices}:
        return []
    return _answer(desk, asked, value, now)


def press(desk: Desk, value: str, _now: Now) -> list[Effect]:
    """One key of the keyboard."""
    form = _form(desk)
    asked = form.question
    kind = asked.field.kind
    if len(value) != 1 or kind == "choice":
        return []
    if kind in DIGITS:
        if value in "0123456789" and len(form.typed) < _most(asked.field):
            form.typed, form.fault = form.typed + value, ""
        return []
    if not (value.isascii() and (value.isalnum() or value == " " or value in SIGNS)):
        return []
    key = value.upper() if form.upper and value.isalpha() else value.lower()
    # The ward's keyboard has no such switch; names without marks are found either way.
    text = telex.press(form.typed, key, telex=form.telex or kind == "ward")
    if len(text) <= _most(asked.field):
        form.typed, form.fault = text, ""
        form.upper = _upper_next(kind, text)
    return []


def erase(desk: Desk, value: str, _now: Now) -> list[Effect]:
    """The last letter away, or all."""
    form = _form(desk)
    kind = form.question.field.kind
    form.typed = "" if value == "all" else form.typed[:-1] if kind in DIGITS else telex.erase(form.typed)
    form.fault, form.upper = "", _upper_next(kind, form.typed)
    return []


def keyboard(desk: Desk, what: str, value: str) -> list[Effect]:
    """How the keyboard stands: Telex on or off, the next letter large or small, which keys it shows."""
    form = _form(desk)
    match what:
        case "telex":
            form.telex = value == "1"
        case "upper":
            form.upper = value == "1"
        case _ if value in ("letters", "digits", "signs"):
            form.plane = value
        case _:
            pass
    return []


def quick(desk: Desk, value: str, now: Now) -> list[Effect]:
    """A day or hour by its name."""
    form = _form(desk)
    kind = form.question.field.kind
    if kind == "date" and value in _DAYS and now.trusted:
        form.typed, form.fault = _day(today(now.wall_ms) + timedelta(days=_DAYS[value])), ""
    elif kind == "time" and value == "now" and now.trusted:
        form.typed, form.fault = hour(now.wall_ms).replace(":", ""), ""
    return []


def take_ward(desk: Desk, value: str, now: Now) -> list[Effect]:
    """One of the wards that were found."""
    form = _form(desk)
    if form.question.field.kind != "ward" or value not in {code for code, _ in found(form, now)}:
        return []
    return _answer(desk, form.question, value, now)


def found(form: Form, now: Now) -> list[tuple[str, str]]:
    """(code, name) of the wards that fit what was typed; the one that stands there where nothing was."""
    if form.question.field.kind != "ward":
        return []
    if form.typed:
        day = today(now.wall_ms) if now.trusted else None
        return [(each.code, each.name) for each in rules.find_wards(form.typed, day, FOUND_MAX)]
    told = form.answers.get(form.at)
    code = told.value if told else form.ward
    return [(code, rules.ward_name(code))] if code else []


def onward(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """What was typed is judged: on to the next question, or what is wrong with it."""
    form = _form(desk)
    asked = form.question
    if asked.field.kind == "choice":
        told = form.answers.get(asked.key)
        return _answer(desk, asked, told.value, now) if told else _wrong(form, "empty")
    if asked.field.kind == "ward":
        fits = found(form, now)
        return _answer(desk, asked, fits[0][0], now) if len(fits) == 1 else _wrong(form, "unknown_ward")
    if not form.typed.strip():
        return _wrong(form, "empty") if asked.field.required else skip(desk, "", now)
    return _answer(desk, asked, form.typed, now)


def skip(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """An optional question is passed over."""
    form = _form(desk)
    asked = form.question
    if asked.field.required:
        return []
    form.answers.pop(asked.key, None)
    form.skipped.add(asked.key)
    _next(desk, asked.key, now)
    return []


def back(desk: Desk, now: Now) -> bool:
    """The question before; False where this is the first one."""
    form = _form(desk)
    if form.editing:
        _show(desk, None, now)
        return True
    questions = form.questions
    at = len(questions)
    if desk.scene.place == "ask":
        at = next(number for number, each in enumerate(questions) if each.key == form.at)
    if at == 0:
        return False
    _show(desk, questions[at - 1], now)
    return True


def edit(desk: Desk, value: str, now: Now) -> list[Effect]:
    """Back from the review to one question."""
    form = _form(desk)
    asked = next((each for each in form.questions if each.key == value), None)
    if asked is not None:
        _show(desk, asked, now)
        form.editing = True
    return []


def _answer(desk: Desk, asked: Asked, text: str, now: Now) -> list[Effect]:
    form = _form(desk)
    try:
        since = rules.day_before(asked.field, form.answers, asked.key)
        value = rules.judge(asked.field, text, as_of=today(now.wall_ms), trusted=now.trusted, since=since)
    except FormatError as error:
        return _wrong(form, error.reason)
    form.answers[asked.key] = Answer(value, "typed")
    form.skipped.discard(asked.key)
    _next(desk, asked.key, now)
    return []


def _wrong(form: Form, reason: str) -> list[Effect]:
    form.fault = reason
    return []


def _next(desk: Desk, key: str, now: Now) -> None:
    form = _form(desk)
    questions = form.questions
    open_ones = [each for each in questions if each.key not in form.answers and each.key not in form.skipped]
    if form.editing:
        _show(desk, open_ones[0] if open_ones else None, now)
        form.editing = bool(open_ones)
        return
    after = next((number for number, each in enumerate(questions) if each.key == key), len(questions)) + 1
    _show(desk, questions[after] if after < len(questions) else open_ones[0] if open_ones else None, now)


def _show(desk: Desk, asked: Asked | None, now: Now) -> None:
    """Stand on a question with what was answered there before, or on the review (None)."""
    scene, form = desk.scene, _form(desk)
    form.editing, form.fault, form.agreed, scene.revealed_s = False, "", False, 0.0
    if asked is None:
        scene.place, form.at, form.typed = "form_review", "", ""
        return
    scene.place, form.at, form.plane = "ask", asked.key, "letters"
    told = form.answers.get(asked.key)
    form.typed = _as_typed(asked.field, told.value) if told else _preset(asked.field, now)
    form.upper = _upper_next(asked.field.kind, form.typed)


def _as_typed(asked: Field, value: str) -> str:
    """An answer as it was typed, to be typed on."""
    match asked.kind:
        case "choice" | "ward":
            return ""
        case "date":
            return "".join(reversed(value.split("-")))
        case "time":
            return value.replace(":", "")
        case "phone":
            return "0" + value.removeprefix("+84")
        case _:
            return value


def _preset(asked: Field, now: Now) -> str:
    if asked.preset == "today" and asked.kind == "date" and now.trusted:
        return _day(today(now.wall_ms))
    if asked.preset == "now" and asked.kind == "time" and now.trusted:
        return hour(now.wall_ms).replace(":", "")
    return ""


def _day(day: date) -> str:
    return f"{day:%d%m%Y}"


def _most(asked: Field) -> int:
    if asked.kind == "number":  # one digit too many is seen and refused, not swallowed
        return max(NUMBER_DIGITS, len(str(asked.most)) + 1)
    return TYPED_MAX.get(asked.kind, asked.most)


def _upper_next(kind: str, text: str) -> bool:
    """Whether the next letter begins a name or a sentence."""
    if kind == "name":
        return not text or text[-1] in " -'"
    if kind == "ward":
        return False
    return not text.strip() or text.rstrip()[-1] in ".?!"


def _form(desk: Desk) -> Form:
    assert desk.scene.form is not None  # noqa: S101  its places are entered with one only
    return desk.scene.form
