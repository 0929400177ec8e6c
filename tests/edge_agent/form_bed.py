"""Residents who fill forms at the visit's bed: the touches of each of the three forms, from tile to review."""

from __future__ import annotations

from edge_agent import events
from edge_agent.card import CardData
from edge_agent.effects import ReadCard
from tests.edge_agent.visit_bed import Bed, of

ZONE = "IDVNM1900123457079190012345<<79001158F3001156VNM<<<<<<<<<<<2NGUYEN<<THI<MINH<ANH<<<<<<<<<<"
NATIONAL = {"id_number": "079190012345", "name": "Nguyễn Thị Minh Anh", "residence": "12 Lê Lợi, Bến Thành"}
CODE = "079190012345||Nguyễn Thị Minh Anh|15011990|Nữ|12 Lê Lợi, Bến Thành|01022022"

REPORT = (
    ("choose", "noise"),
    ("choose", "over"),
    ("quick", "yesterday"),
    ("type", "2230"),
    ("choose", "here"),
    ("type", "taafng 12"),
    ("type", "hats to owr canw hooj been canhj"),
    ("choose", "anonymous"),
)
WHO = (("type", "079190012345"), ("type", "nguyeenx thij minh anh"))
STAY = (
    ("type", "0912345678"),
    ("choose", "host"),
    ("choose", "home"),
    ("next", ""),
    ("type", "A-12.05"),
    ("quick", "today"),
    ("type", "1900"),
    ("quick", "tomorrow"),
    ("choose", "family"),
    ("type", "1"),
    ("type", "traanf vawn binhf"),
    ("choose", "number"),
    ("type", "001085000111"),
)
WRONG = (
    ("choose", "name"),
    ("choose", "card"),
    ("type", "Minh Anh, khoong phair Minh OAnh"),
    ("skip", ""),
)


def reader(bed: Bed) -> Bed:
    bed.send(events.PeripheralState("reader", "r", "online"))
    return bed


def begin(group: str, language: str = "vi", **world: object) -> Bed:
    """A bed that stands on the first screen of a group's only service."""
    bed = reader(Bed(**world))
    bed.touch("start", language)
    bed.touch("group", group)
    return bed


def report(language: str = "vi", **world: object) -> Bed:
    bed = begin("report", language, **world)
    bed.touch("next")
    return bed


def stay(language: str = "vi", *, way: str = "type", **world: object) -> Bed:
    """The notice of a stay at its first question after who it is."""
    bed = begin("dossier", language, **world)
    bed.touch("way", way)
    match way:
        case "type":
            bed.fill(*WHO)
        case "code":
            bed.send(events.Scanned(CODE.encode()))
            bed.touch("right")
        case _:
            read_card(bed)
            bed.touch("right")
    return bed


def read_card(bed: Bed, **data: object) -> None:
    """From the six digits to what the chip says."""
    bed.type("012345")
    bed.touch("next")
    (read,) = of(bed.send(events.CardIn("r")), ReadCard)
    bed.send(events.CardRead(read.request.number, CardData(mrz=ZONE, national=NATIONAL, **data)))


def wrong(language: str = "vi", **world: object) -> Bed:
    bed = begin("data", language, **world)
    bed.touch("way", "type")
    bed.fill(*WHO)
    return bed


def reviewed(form: str, language: str = "vi", **world: object) -> Bed:
    """A whole form, at its review."""
    make, steps = {"report": (report, REPORT), "stay": (stay, STAY), "wrong": (wrong, WRONG)}[form]
    bed = make(language, **world)
    bed.fill(*steps)
    return bed


def filed(form: str, language: str = "vi", **world: object) -> Bed:
    """A form that was sent off: its result stands there."""
    bed = reviewed(form, language, **world)
    bed.touch("consent", "1")
    bed.touch("next")
    return bed
