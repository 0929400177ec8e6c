"""The card service: a resident opens their own chip card and sees, masked, what stands on it. Decides its moves.

Six digits open the chip (typed, or taken from the card's own QR code); a card that lies on the reader is then read
once. What was read is judged and masked here and forgotten: only the masked words enter the scene. No record holds
anything of it. Sources: the domain reference 4.3 (assurance), 4.4 (the name of the printed lines is never shown), 4.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from device_profiles.formats.card_qr import parse_card_qr
from device_profiles.formats.id_number import parse_id_number
from device_profiles.formats.mrz import parse_mrz
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import NO_NAME, mask_name
from edge_agent.card import CardRequest, Secret
from edge_agent.effects import Effect, LeaveCard, ReadCard
from edge_agent.machines.form import card_said
from edge_agent.machines.moments import today

if TYPE_CHECKING:
    from device_profiles.catalogue import CardField, Level
    from device_profiles.formats.mrz import Mrz
    from edge_agent.card import CardData, FaultKind
    from edge_agent.events import Now
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.scene import World

SERVICE = "C1"
PLACES = ("card_key", "card_wait", "card_reading", "card_shown", "card_fault", "card_wrong")
KEY_DIGITS = 6
READ_S = 25.0  # the driver gives up after 20
SAME_SECRET = ("no_card", "two_cards", "torn", "mute", "too_slow", "blocked", "reader_lost")
NO_END = "2099-12-31"  # how a card without an end of validity is taken to write it (domain reference 4.4, unverified)
_FOREIGN = re.compile("(?!IDVNM)[ACIP][A-Z0-9<][A-Z<]{3}")
_TD1 = re.compile("[A-Z0-9<]{90}")
_LINE = 30


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen says of a card: masked words only. `expiry_date` is yyyy-mm-dd, "" where there is no end.

    checked: the issuer's signature holds, and the chip is no copy as far as it can prove that; doubt: else, why not.
    """

    name: str
    number: str
    birth_year: str
    expiry_date: str
    expired: bool
    checked: bool
    doubt: str


def refusal(world: World) -> str:
    """Why no card can be read now; empty when one can."""
    return "" if world.reader == "online" else "no_reader"


def ask(desk: Desk) -> None:
    """Begin: ask for what opens the chip. That a reader is there, the callers know."""
    scene = desk.scene
    scene.place, scene.typed = "card_key", ""
    scene.served = scene.served if scene.form else SERVICE
    scene.wrong_code = scene.from_code = False


def scanned(desk: Desk, data: bytes, now: Now) -> list[Effect]:
    """The QR code of the card gives the six digits; its other words are dropped at once."""
    scene = desk.scene
    try:
        number = parse_card_qr(data, as_of=today(now.wall_ms), clock_trusted=now.trusted).id_number.number
    except FormatError:
        if not scene.wrong_code:  # a code that lies before the scanner for hours is nobody's presence
            scene.touched_s = now.mono_s
        scene.wrong_code = True
        return []
    scene.touched_s = now.mono_s
    scene.typed, scene.from_code = number[-KEY_DIGITS:], True
    return wait(desk, now)


def wait(desk: Desk, now: Now) -> list[Effect]:
    """Ask for the card; one that was laid down since is read at once."""
    scene, world = desk.scene, desk.checkout.world
    if refusal(world):
        fault(desk, "reader_lost", now)
        return []
    scene.place, scene.until_s, scene.wrong_code = "card_wait", 0.0, False
    return read(desk, now) if world.card and not world.left_behind else []


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


def leave(desk: Desk) -> list[Effect]:
    """The resident goes elsewhere within the visit: a reading under way is broken off."""
    return [LeaveCard()] if desk.scene.reading else []


def back(desk: Desk, now: Now) -> list[Effect]:
    """One step back: a reading under way is broken off, and no digits outlive the service or a scan."""
    scene, left = desk.scene, leave(desk)
    if scene.place in ("card_wait", "card_reading"):
        scene.place = "card_key"
        scene.typed, scene.from_code = ("", False) if scene.from_code else (scene.typed, False)
    elif scene.form:
        scene.place, scene.typed = ("who" if scene.place == "card_wrong" else "identify"), ""
    elif scene.place == "card_wrong":
        scene.place, scene.typed = "card_shown", ""
    else:
        desk.choose_again()
    _settle(desk, now)
    return left


def card_in(desk: Desk, now: Now) -> list[Effect]:
    """A card was laid down: somebody is there, and it is read where one is waited for."""
    scene, world = desk.scene, desk.checkout.world
    world.left_behind = False
    if scene.in_visit:
        scene.touched_s = now.mono_s
        scene.overlay = scene.under if scene.overlay == "warning" else scene.overlay
    return read(desk, now) if scene.place == "card_wait" and not scene.overlay else []


def uncovered(desk: Desk, now: Now) -> list[Effect]:
    """Help or the warning was closed: a card that was laid down meanwhile is read."""
    world = desk.checkout.world
    waits = desk.scene.place == "card_wait" and not desk.scene.overlay
    return read(desk, now) if waits and world.card and not world.left_behind else []


def lost(desk: Desk, now: Now) -> None:
    """The reader has gone: whoever waits for it is told."""
    if desk.scene.place == "card_wait":
        fault(desk, "reader_lost", now)


def done(desk: Desk, number: bytes, card: CardData, now: Now) -> None:
    """The reading gave something; one that nobody waits for any more is dropped."""
    scene = desk.scene
    if scene.place != "card_reading" or number != scene.reading:
        return
    zone, shown = _zone(card.mrz, now), _judge(card, now)
    if shown is None or zone is None:
        fault(desk, "foreign" if _FOREIGN.match(card.mrz) else "damaged", now)
        return
    if scene.form:
        _settle(desk, now)
        level: Level = "chip_verified" if card.authenticity == "verified" else "chip_read"
        card_said(scene, _said(card, zone), level, card.doubt)
        return
    scene.place, scene.card, scene.done = "card_shown", shown, True
    _settle(desk, now)


def failed(desk: Desk, number: bytes, kind: FaultKind, now: Now) -> None:
    """The reading gave nothing."""
    if desk.scene.place == "card_reading" and number == desk.scene.reading:
        fault(desk, kind, now)


def fault(desk: Desk, kind: FaultKind | Literal["foreign"], now: Now) -> None:
    """Say what went wrong and what to do."""
    desk.scene.place, desk.scene.why = "card_fault", kind
    _settle(desk, now)


def again(desk: Desk, now: Now) -> list[Effect]:
    """Once more: with the same digits where they were not the cause."""
    scene = desk.scene
    if refusal(desk.checkout.world):
        return []
    if scene.why in SAME_SECRET and scene.typed:
        return wait(desk, now)
    ask(desk)
    return []


def _said(card: CardData, zone: Mrz) -> dict[CardField, str]:
    """What the chip says of its holder; the name of the printed lines is no one's name (domain reference 4.4)."""
    return {
        "id_number": zone.id_number,
        "name": card.national.get("name", ""),
        "birth_date": zone.birth_date,
        "sex": card.national.get("sex", ""),
        "residence": card.national.get("residence", ""),
    }


def _settle(desk: Desk, now: Now) -> None:
    scene = desk.scene
    scene.reading, scene.until_s, scene.touched_s = b"", 0.0, now.mono_s


def _judge(card: CardData, now: Now) -> Shown | None:
    """The masked words of a card whose two tellings agree; None for data that no such card holds."""
    zone = _zone(card.mrz, now)
    if zone is None or card.national.get("id_number", zone.id_number) != zone.id_number:
        return None
    # A chip's number of twelve digits is believed: what is odd about it is a remark, never a refusal.
    number = parse_id_number(zone.id_number, source="chip", as_of=today(now.wall_ms), clock_trusted=now.trusted)
    name = card.national.get("name", "")
    return Shown(
        name=mask_name(name) if name else NO_NAME,
        number=number.masked,
        birth_year=zone.birth_date[:4],
        expiry_date="" if zone.expiry_date == NO_END else zone.expiry_date,
        expired=now.trusted and "card_expired" in zone.remarks,
        checked=card.authenticity == "verified",
        doubt=card.doubt,
    )


def _zone(text: str, now: Now) -> Mrz | None:
    if not _TD1.fullmatch(text):
        return None
    try:
        return parse_mrz("\n".join(text[at : at + _LINE] for at in (0, 30, 60)), as_of=today(now.wall_ms))
    except FormatError:
        return None
