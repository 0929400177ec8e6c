"""The technician's hidden entry: a PIN, and a page that says how the station is. Shows no resident's data, ever.

The PIN is set for stations by the fleet as a salted scrypt hash (Desired, "technician_pin") and works without a
network. Wrong ones are counted across restarts, and each further one is waited for longer. Every entry is a record.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.effects import Append, Effect
from edge_agent.machines.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.events import Now
    from edge_agent.machines.desk import Desk

PIN_MAX = 8
SALT_BYTES, HASH_BYTES = 16, 32
FREE_TRIES = 3
LOCK_S, LOCK_MAX_S = 60.0, 3_600.0
KEPT = "technician.wrong"


@dataclass(slots=True)
class Guard:
    """How many wrong PINs there were in a row, and until when none is taken."""

    wrong: int = 0
    until_s: float = 0.0

    def load(self, state: Mapping[str, object], now: Now) -> None:
        """Take the count that an earlier process left: pulling the plug opens no lock."""
        kept = state.get(KEPT)
        self.wrong = kept if type(kept) is int and kept > 0 else 0
        self._lock(now)

    def missed(self, now: Now) -> None:
        """One more wrong PIN."""
        self.wrong += 1
        self._lock(now)

    def _lock(self, now: Now) -> None:
        if self.wrong >= FREE_TRIES:
            self.until_s = now.mono_s + min(LOCK_MAX_S, LOCK_S * 2.0 ** min(self.wrong - FREE_TRIES, 10))


def enter(desk: Desk, now: Now) -> list[Effect]:
    """The hidden place was pressed for long: ask for the PIN."""
    old = desk.scene
    desk.scene = Scene(place="technician", language=old.language, touched_s=now.mono_s)
    _wait(desk, now)
    return []


def press(desk: Desk, value: str, now: Now) -> list[Effect]:
    """One digit."""
    scene = desk.scene
    if len(value) == 1 and value in "0123456789" and len(scene.typed) < PIN_MAX:
        scene.typed, scene.wrong_code = scene.typed + value, False
    _wait(desk, now)
    return []


def erase(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """All digits away."""
    desk.scene.typed = ""
    _wait(desk, now)
    return []


def open_page(desk: Desk, _value: str, now: Now) -> list[Effect]:
    """Compare the PIN; a wrong one is counted durably before it is said."""
    scene, guard, kept = desk.scene, desk.guard, desk.checkout.world.pin
    typed, scene.typed = scene.typed, ""
    _wait(desk, now)
    if not typed or now.mono_s < guard.until_s or len(kept) != SALT_BYTES + HASH_BYTES:
        return []
    if hmac.compare_digest(hashed(typed, kept[:SALT_BYTES]), kept[SALT_BYTES:]):
        guard.wrong, guard.until_s = 0, 0.0
        scene.place, scene.began_s = "technician_page", now.mono_s
        return [Append("technician.entry", {"result": "opened"}, order=0, remember={KEPT: None})]
    guard.missed(now)
    scene.wrong_code = True
    result = "locked" if now.mono_s < guard.until_s else "refused"
    return [Append("technician.entry", {"result": result}, order=0, remember={KEPT: guard.wrong})]


def leave(desk: Desk, now: Now) -> list[Effect]:
    """Back to the idle screen."""
    scene, desk.scene = desk.scene, Scene()
    if scene.place != "technician_page":
        return []
    seconds = min(86_400, int(now.mono_s - scene.began_s))
    return [Append("technician.entry", {"result": "left", "seconds": seconds}, order=0)]


def hashed(pin: str, salt: bytes) -> bytes:
    """The hash that travels instead of the PIN: scrypt, n 2**14, r 8, p 1, 32 bytes."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1, dklen=HASH_BYTES)


def _wait(desk: Desk, now: Now) -> None:
    desk.scene.until_s = now.mono_s + desk.checkout.settings.technician_s
