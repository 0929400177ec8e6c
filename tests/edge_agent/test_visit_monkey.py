"""A monkey at the station: whatever is touched, scanned, laid down, cut, filled up or answered, in whatever order.

The machine never raises; every screen can be drawn in both languages, every record is one that the contract allows and
every remembered value can be kept; a station that is left alone comes back to its first screen; and nothing that was
typed, scanned or read in a visit outlives it, neither on a screen nor anywhere in the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from device_profiles import records
from device_profiles.bills import BillSet
from device_profiles.catalogue import Catalogue, Choice, Field, Service, Words
from device_profiles.cbor import encode
from edge_agent import events
from edge_agent.card import CardData
from edge_agent.effects import Append, Ask, Print, ReadCard, Remember
from edge_agent.machines.scene import RESULTS, VisitSettings
from edge_agent.machines.touches import _IN_VISIT, _MOVES
from edge_agent.screens.render import Renderer
from tests.edge_agent import form_bed
from tests.edge_agent.visit_bed import BILLS, SETTINGS, START_MS, Bed, of
from tests.edge_agent.visit_scenes import PIN, PIN_KEPT, SCENES

WORDS = Words("Chữ", "Words")
SEXES = (Choice("male", Words("Nam", "Male")), Choice("female", Words("Nữ", "Female")))
EVERYTHING = Service(
    id="everything",
    code="Z1",
    group="dossier",
    kind="form",
    icon="dossier",
    name=WORDS,
    help=WORDS,
    form="everything/1",
    valid_from="2026-01-01",
    valid_to="2099-12-31",
    offline="cached",
    identity="typed",
    fee_dong=25_000,
    fields=(
        Field(id="name", kind="name", ask=WORDS, label=WORDS, least=2, most=60, card="name", masked=True),
        Field(id="birth", kind="date", ask=WORDS, label=WORDS, least=-45_000, card="birth_date", masked=True),
        Field(id="sex", kind="choice", ask=WORDS, label=WORDS, choices=SEXES, card="sex", masked=True),
        Field(id="home", kind="lines", ask=WORDS, label=WORDS, most=200, card="residence", masked=True, required=False),
        Field(id="begins", kind="date", ask=WORDS, label=WORDS, preset="today", required=False, most=30),
        Field(id="hour", kind="time", ask=WORDS, label=WORDS, preset="now", masked=True),
        Field(id="ward", kind="ward", ask=WORDS, label=WORDS, preset="station", masked=True),
        Field(id="many", kind="number", ask=WORDS, label=WORDS, most=5, masked=True, required=False),
        Field(id="each", kind="phone", ask=WORDS, label=WORDS, per="many", masked=True),
        Field(id="either", kind="choice", ask=WORDS, label=WORDS, choices=SEXES, required=False),
    ),
)
SHIPPED = SETTINGS.catalogue
CATALOGUES = (
    SHIPPED,
    replace(SHIPPED, version=2, services=SHIPPED.services[:1], groups=SHIPPED.groups[:3]),
    replace(SHIPPED, version=3, services=(*SHIPPED.services, EVERYTHING)),
    replace(SHIPPED, version=4, services=()),
    replace(SHIPPED, version=5, services=(EVERYTHING, *(replace(each, group="bill") for each in SHIPPED.services))),
)
# What residents typed, scanned and showed in the scenes below and in the steps, and what is made of it.
CANARIES = (
    *("079190012345", "190012345", "012345", "0912345678", "912345678", "001085000111", PIN),
    *("Nguyễn Thị Minh Anh", "NGUYEN<<THI", "NGUYEN *** ANH", "079*****2345", "12 Lê Lợi", "12 LE LOI"),
    *("hát to ở căn hộ", "tầng 12", "Minh OAnh", "ANH HAI", "CHIM HOANG YEN", "15011990", "1990-01-15"),
)
CARD_CODES = (
    form_bed.CODE,
    form_bed.CODE.replace("Nữ", "Nam"),
    form_bed.CODE[:60],
    "A-12.05",
    "TAM-K0001-000042-2",
    "CHIM HOANG YEN",
    "",
)
CARDS = (
    CardData(mrz=form_bed.ZONE, national=form_bed.NATIONAL),
    CardData(mrz=form_bed.ZONE, national={"name": " \x00 ", "sex": "Nữ"}, authenticity="verified", doubt=""),
    CardData(mrz=form_bed.ZONE, national={"name": "n" * 300, "residence": "12 Lê Lợi\n\n" * 80, "sex": "female"}),
    CardData(mrz=form_bed.ZONE, national={"id_number": "001085000111"}, doubt="unsigned"),
    CardData(mrz=form_bed.ZONE.replace("VNM", "ABC")),
    CardData(mrz="CHIM HOANG YEN"),
)
FAULTS = ("no_card", "wrong_can", "blocked", "torn", "damaged", "copied", "reader_lost")
LEAVING = ("restart", "end", "back", "another")
ACTIONS = sorted({each for row in (*_MOVES.values(), _IN_VISIT) for each in row})
VALUES = (
    *("", "0", "1", "9", "a", "S", "x", " ", ".", "all", "one", "vi", "en", "card", "code", "type", "vneid"),
    *("letters", "digits", "signs", "today", "tomorrow", "now", "26740", "27097", "help", "data_wrong", "everything"),
    *("ĐỖ", "é", "\x00", "\ud800", "<script>", "../..", "9" * 400, "12345678", "CHIM HOANG YEN", "anh hai"),
)
TOLD = {
    "bill": tuple({"status": each} for each in ("open", "open", "pending", "paid", "unknown")),
    "code": (
        *({"matter": "payment", "state": each, "created_ms": START_MS} for each in ("CONFIRMED", "EXCEPTION", "X")),
        *({"matter": "dossier", "state": each, "created_ms": START_MS} for each in ("ACCEPTED", "NEEDS_MORE", "SENT")),
        {"matter": "dossier", "state": "REJECTED", "service": "A8", "official": "G01.899.909-261118-000017"},
        {"matter": "none"},
    ),
    "payment_state": (
        *({"state": each} for each in ("CONFIRMED", "EXPIRED", "FAILED", "SETTLED", "REFUND_PENDING", "UNKNOWN", "")),
        *({"state": "EXCEPTION", "reason": each} for each in ("AMOUNT_MISMATCH", "NO_CREDIT", "nonsense")),
    ),
    "dossier": (
        {"state": "ACCEPTED", "official": "G01.899.909-261118-000017"},
        *({"state": each, "official": "Số 17/2026 – việc", "words": "<b>x</b>"} for each in ("ACCEPTED", "NEEDS_MORE")),
        *({"state": each} for each in ("ACCEPTED", "NEEDS_MORE", "REJECTED", "UNKNOWN")),
    ),
}
CONFIGS = (
    {},
    {"out_of_service": "Bảo trì"},
    {"technician_pin": PIN_KEPT},
    {"technician_pin": b"short", "out_of_service": 7, "offline_amount_max_dong": 0},
)
REFUSED = ("payment.created", "payment.state", "dossier.created", "dossier.seen", "slip.result", "visit.ended")
RECORDS = (*REFUSED, "technician.entry", "device.state")
PORTS = ("printer", "reader", "scanner", "display")
STATES = ("online", "offline", "noDevice", "unknown", "hardwareError")
PAPERS = (None, "full", "low", "out", "jammed")
DAY_S = 86_400
DRAWN = Renderer()
NOT_OF_A_VISIT = (Catalogue, Service, BillSet, VisitSettings)  # as the operator signed them


class Watched(Bed):
    """A bed that goes on where a scene stands, and looks at everything that comes out of the machine."""

    def __init__(self, bed: Bed) -> None:
        self.__dict__ |= bed.__dict__
        self.numbers = [each.request.number for each in of(bed.done, ReadCard)]
        self.asks, self.jobs = of(bed.done, Ask), [each.job for each in of(bed.done, Print)]

    def send(self, event: object) -> list[object]:
        shown, was_in_visit = len(self.screens), self.in_visit
        performed = super().send(event)
        for each in self.screens[shown:]:
            for language in ("vi", "en"):
                assert DRAWN.html(replace(each, language=language))
        for each in performed:
            match each:
                case Append():
                    records.check(each.kind, each.fields)
                    assert each.txn is None or len(each.txn) == 16
                    encode(list(each.remember.values()))
                case Remember():
                    encode(list(each.values.values()))
                case ReadCard(request=request):
                    self.numbers.append(request.number)
                case Ask():
                    self.asks.append(each)
                case Print(job=job):
                    self.jobs.append(job)
                case _:
                    pass
        if not self.in_visit:
            assert not canaries_in(repr(self.data)), self.name
            assert not canaries_in(repr(self.state))
            if was_in_visit:
                self.look_everywhere()
        return performed

    @property
    def in_visit(self) -> bool:
        return self.visit._desk.scene.in_visit

    def look_everywhere(self) -> None:
        found = {path: canaries_in(text) for path, text in texts(self.visit, "visit", set())}
        assert not {path: words for path, words in found.items() if words}


def canaries_in(text: str) -> list[str]:
    return [each for each in CANARIES if each in text]


def texts(value: object, path: str, seen: set[int]):
    """(where, what) of every text and number of bytes below a value."""
    if id(value) in seen or isinstance(value, (*NOT_OF_A_VISIT, type)):
        return
    seen.add(id(value))
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, bytes):
        yield path, value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts(key, f"{path}[]", seen)
            yield from texts(each, f"{path}[{key!r}]", seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from texts(each, f"{path}[]", seen)
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts(getattr(value, each.name), f"{path}.{each.name}", seen)
    elif hasattr(value, "__dict__"):
        yield from texts(vars(value), path, seen)


@dataclass(frozen=True)
class Step:
    """One thing that happens: what, and numbers that choose among what is there when it happens."""

    what: str
    one: int
    two: int
    three: int


def pick(choices, number):
    return choices[number % len(choices)]


def plausible(bed: Watched, action: str) -> list[str]:
    """Values that this screen itself offers for an action."""
    data = bed.data
    match action:
        case "group":
            return [each["id"] for each in data.get("groups", ())]
        case "service":
            return [each["id"] for each in data["frame"]["offers"]]
        case "choose":
            return [each["id"] for each in data.get("choices", ())]
        case "edit":
            return [each["key"] for each in data.get("rows", ()) if "key" in each]
        case "pay":
            return [each["id"] for each in data.get("bills", ())]
        case "ward":
            return [each["code"] for each in data.get("found", ())]
        case _:
            return []


def touch(bed: Watched, step: Step) -> None:
    row = sorted({**_MOVES[bed.name], **(_IN_VISIT if step.one % 3 == 0 else {})})
    action = pick(row or ACTIONS, step.one) if step.one % 11 else pick(ACTIONS, step.one // 11)
    if action in LEAVING and step.three % 4:  # else it is nowhere for long
        type_well(bed, step)
        return
    offered = plausible(bed, action)
    value = pick(offered, step.two) if offered and step.two % 5 else pick(VALUES, step.two)
    off = 0 if step.three % 6 else step.three // 6 % 5 - 3
    bed.touch(action, value, screen=bed.screen.number + off)


def type_well(bed: Watched, step: Step) -> None:
    """Answer a question as a resident would."""
    known = {
        "id_number": "079190012345",
        "name": "nguyeenx thij minh anh",
        "phone": "0912345678",
        "time": "2330",
        "number": "2",
        "date": "15011990",
        "text": "12 lee lowij",
        "lines": "hats to owr canw hooj",
        "ward": "binhf",
    }
    if bed.name == "card_key":
        bed.type("012345")
    elif bed.name == "code_ask":
        bed.type("00010000422")
    elif bed.name == "technician":
        bed.type(PIN)
    elif bed.name == "unit":
        bed.type("A1205")
    elif bed.name == "ask" and bed.data["kind"] in known:
        if step.one % 2:
            bed.touch("erase", "all")
        bed.type(known[bed.data["kind"]])
    elif bed.name in ("form_review", "review"):
        bed.touch("consent", "1")
    bed.touch("choose", pick(plausible(bed, "choose") or [""], step.two))
    bed.touch("next")


def happen(bed: Watched, step: Step) -> None:  # noqa: C901  a table
    one, two, three = step.one, step.two, step.three
    what = pick(LATER, one) if step.what in ("touch", "type") and bed.name in RESULTS and two % 2 else step.what
    match what:
        case "touch":
            touch(bed, step)
        case "type":
            type_well(bed, step)
        case "wait":
            bed.wait(pick((0.1, 1, 3, 5, 20, 31, 61, 95, 400), one))
        case "scan":
            bed.send(events.Scanned(bytes((one % 256, two % 256, three % 256)) * (one % 90)))
        case "code":
            bed.send(events.Scanned(pick(CARD_CODES, one).encode()))
        case "card":
            bed.send(pick((events.CardIn("r"), events.CardIn("r"), events.CardOut("r")), one))
        case "read" if bed.numbers:
            number = bed.numbers[-1] if two % 4 else bed.numbers[0]
            good = events.CardRead(number, pick(CARDS, one))
            bed.send(good if three % 4 else events.CardFailed(number, pick(FAULTS, one), "detail"))
        case "link":
            bed.send(events.LinkUp(1) if one % 2 else events.LinkDown("cut"))
        case "device":
            paper = pick(PAPERS, three) if one % 2 else None
            bed.send(events.PeripheralState(pick(PORTS, one), "d", pick(STATES, two), paper))
        case "disk":
            bed.send(events.Storage(full=one % 2 == 0))
        case "ack":
            bed.ack(following=max(0, bed.next - one % 3))
        case "answer" if bed.asks:
            ask = bed.asks[-1 - one % min(3, len(bed.asks))]
            late = events.NotAnswered(ask.question, "late")
            bed.send(late) if two % 7 == 0 else bed.answer(ask, **pick(TOLD[ask.kind], two))
        case "printed" if bed.jobs:
            job = bed.jobs[-1 - one % min(3, len(bed.jobs))]
            bed.send(events.PrintDone(job, pick(("confirmed", "failed", "unknown"), two)))
        case "refuse":
            bed.refuse = pick(REFUSED, one)
        case "refused":
            bed.send(events.AppendFailed(pick(RECORDS, one), None, "disk full"))
            bed.send(events.ServiceStopped("journal"))
        case _:
            rule(bed, what, one, two)


def rule(bed: Watched, what: str, one: int, two: int) -> None:
    """What the hand, the fleet's word and the clock bring."""
    match what:
        case "stop":
            bed.send(pick((events.ServiceStopped, events.ServiceResumed), one)(pick(("journal", "revoked"), two)))
        case "catalogue":
            bed.send(events.CatalogueApplied(pick(CATALOGUES, one)))
        case "bills":
            bed.send(events.BillsApplied(replace(BILLS, version=4 + one % 3, bills=BILLS.bills[one % 4 :])))
        case "config":
            bed.send(events.Configured(pick(CONFIGS, one)))
        case "clock":
            bed.quality = pick((0, 2, 3), one)
            bed.wall_ms += int(timedelta(days=pick((0, 0, 1, -1, 200, -17_000, 26_000), two)).total_seconds()) * 1000
            bed.wall_ms = max(0, min(bed.wall_ms, 4_000_000_000_000))
        case _:
            bed.send(events.Tick())


NUMBER = st.integers(0, 2**16)
LATER = ("wait", "ack", "answer", "answer", "printed", "device")
OFTEN = ("touch",) * 8 + ("type",) * 4 + ("wait", "code", "card", "read", "read", "ack", "answer", "answer", "printed")
RARE = ("scan", "link", "device", "disk", "refuse", "refused", "stop", "catalogue", "bills", "config", "clock", "tick")
STEPS = st.lists(st.builds(Step, st.sampled_from(OFTEN + RARE), NUMBER, NUMBER, NUMBER), min_size=5, max_size=60)


@settings(
    max_examples=80,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],  # the steps of a failure are few enough to be read; to make them fewer takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(scene=st.sampled_from(sorted(SCENES)), steps=STEPS)
def test_whatever_happens_the_machine_goes_on_and_keeps_nothing_of_a_visit(scene, steps):
    bed = Watched(SCENES[scene]())
    for each in steps:
        happen(bed, each)
    for _ in range(8):
        bed.wait(400)
    assert bed.name in ("idle", "out", "recovered"), "whoever goes away leaves no visit open"
    bed.look_everywhere()
