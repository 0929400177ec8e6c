"""The card service: a resident opens their own chip card and sees, masked, what stands on it. Decides its moves.

Six digits open the chip (typed, or taken from the card's own QR code); a card that lies on the reader is then read
once. What was read is judged and masked here and forgotten: only the masked words enter the scene. No record holds
anything of it. Sources: the domain reference 4.3 (assurance), 4.4 (the name of the printed lines is never shown), 4.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.formats.card_qr import parse_card_qr
from device_profiles.formats.id_number import parse_id_number
from device_profiles.formats.mrz import parse_mrz
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import NO_NAME, mask_name
from edge_agent.card import CardRequest, Secret
from edge_agent.effects import Effect, ReadCard
from edge_agent.machines.moments import today

if TYPE_CHECKING:
    from device_profiles.formats.mrz import Mrz
    from edge_agent.card import CardData, FaultKind
    from edge_agent.events import Now
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.scene import World

SERVICE = "C1"
PLACES = ("card_key", "card_wait", "card_reading", "card_shown", "card_fault", "card_wrong")
KEY_DIGITS = 6
READ_S = 25.0  # the driver gives up after 20
SAME_SECRET = ("no_card", "two_cards", "torn", "mute", "too_slow", "blocked")
_TD1 = re.compile("[A-Z0-9<]{90}")
_LINE = 30


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen says of a card: masked words only. `expiry_date` is yyyy-mm-dd.

    checked: the issuer's signature holds.
    """

    name: str
    number: str
    birth_year: str
    expiry_date: str
    expired: bool
    checked: bool


def refusal(world: World) -> str:
    """Why no card can be read now; empty when one can."""
    return "" if world.reader == "online" else "no_reader"


def ask(desk: Desk) -> None:
    """Begin: ask for what opens the chip."""
    scene = desk.scene
    if not refusal(desk.checkout.world):
        scene.place, scene.served, scene.typed, scene.wrong_code = "card_key", SERVICE, "", False


def scanned(desk: Desk, data: bytes, now: Now) -> list[Effect]:
    """The QR code of the card gives the six digits; its other words are dropped at once."""
    scene = desk.scene
    try:
        number = parse_card_qr(data, as_of=today(now.wall_ms), clock_trusted=now.trusted).id_number.number
    except FormatError:
        scene.wrong_code = True
        return []
    scene.typed = number[-KEY_DIGITS:]
    return wait(desk, now)


def wait(desk: Desk, now: Now) -> list[Effect]:
    """Ask for the card; one that lies there already is read at once."""
    scene = desk.scene
    scene.place, scene.until_s, scene.wrong_code = "card_wait", 0.0, False
    return read(desk, now) if desk.checkout.world.card else []


def read(desk: Desk, now: Now) -> list[Effect]:
    """Have the card read."""
    scene, world = desk.scene, desk.checkout.world
    scene.place, scene.until_s, scene.touched_s = "card_reading", now.mono_s + READ_S, now.mono_s
    scene.reading = desk.checkout.random_bytes(16)
    request = CardRequest(
        number=scene.reading,
        secret=Secret("can", scene.typed),
        parts=("dg1", "dg13"),
        anchors=world.anchors,
        as_of_ms=now.wall_ms if now.trusted else None,
    )
    return [ReadCard(request)]


def card_in(desk: Desk, now: Now) -> list[Effect]:
    """A card was laid down: read it where one is waited for."""
    return read(desk, now) if desk.scene.place == "card_wait" and not desk.scene.overlay else []


def done(desk: Desk, number: bytes, card: CardData, now: Now) -> None:
    """The reading gave something; one that nobody waits for any more is dropped."""
    scene = desk.scene
    if scene.place != "card_reading" or number != scene.reading:
        return
    shown = _judge(card, now)
    if shown is None:
        fault(desk, "damaged", now)
        return
    scene.place, scene.card, scene.done = "card_shown", shown, True
    _settle(desk, now)


def failed(desk: Desk, number: bytes, kind: FaultKind, now: Now) -> None:
    """The reading gave nothing."""
    if desk.scene.place == "card_reading" and number == desk.scene.reading:
        fault(desk, kind, now)


def fault(desk: Desk, kind: FaultKind, now: Now) -> None:
    """Say what went wrong and what to do."""
    desk.scene.place, desk.scene.why = "card_fault", kind
    _settle(desk, now)


def again(desk: Desk, now: Now) -> list[Effect]:
    """Once more: with the same digits where they were not the cause."""
    scene = desk.scene
    if refusal(desk.checkout.world):
        return []
    if scene.why in SAME_SECRET:
        return wait(desk, now)
    ask(desk)
    return []


def _settle(desk: Desk, now: Now) -> None:
    scene = desk.scene
    scene.reading, scene.until_s, scene.touched_s = b"", 0.0, now.mono_s


def _judge(card: CardData, now: Now) -> Shown | None:
    """The masked words of a card whose two tellings agree; None for data that no such card holds."""
    zone = _zone(card.mrz, now)
    if zone is None or card.national.get("id_number", zone.id_number) != zone.id_number:
        return None
    try:
        number = parse_id_number(zone.id_number, source="chip", as_of=today(now.wall_ms), clock_trusted=now.trusted)
    except FormatError:
        return None
    name = card.national.get("name", "")
    return Shown(
        name=mask_name(name) if name else NO_NAME,
        number=number.masked,
        birth_year=zone.birth_date[:4],
        expiry_date=zone.expiry_date,
        expired=now.trusted and "card_expired" in zone.remarks,
        checked=card.authenticity == "verified",
    )


def _zone(text: str, now: Now) -> Mrz | None:
    if not _TD1.fullmatch(text):
        return None
    try:
        return parse_mrz("\n".join(text[at : at + _LINE] for at in (0, 30, 60)), as_of=today(now.wall_ms))
    except FormatError:
        return None
