"""A mark: the smallest thing the console shows, a word with its tone and icon. Decides the tone of every state.

A tone is never alone: what is shown in a colour has its word, and its icon where the word is short.
Tones: ok, calm, warn, bad, off; "" = plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fleet_server.console.wording import say, word

if TYPE_CHECKING:
    from fleet_server.console.overall import Reason, State
    from fleet_server.console.wording import Language


class Mark(NamedTuple):
    """`at_ms` above 0: the age of that moment follows the text, and grows. `small`: on a quiet line of its own."""

    text: str
    tone: str = ""
    icon: str = ""
    at_ms: int = 0
    small: bool = False

    def as_json(self) -> dict[str, object]:
        """Without what is empty."""
        return {name: value for name, value in self._asdict().items() if value}


STATES: dict[State, tuple[str, str]] = {
    "IN_SERVICE": ("ok", "done"),
    "DEGRADED": ("warn", "alert"),
    "OUT_OF_SERVICE": ("bad", "stop"),
    "OFFLINE": ("bad", "offline"),
    "MAINTENANCE": ("calm", "wrench"),
    "PROVISIONING": ("calm", "box"),
    "DISABLED": ("off", "lock"),
    "UNKNOWN": ("off", "help"),
}
DEVICES = {
    "online": ("ok", "check"),
    "starting": ("calm", "clock"),
    "deviceBusy": ("calm", "clock"),
    "unknown": ("off", "help"),
}
WELL = ("online", "starting", "deviceBusy")
PAPER = {
    "full": ("ok", "check"),
    "low": ("warn", "alert"),
    "out": ("bad", "stop"),
    "jammed": ("bad", "stop"),
    "unknown": ("off", "help"),
}
REMEDIES = {"suspend": ("calm", "clock"), "paper.low": ("calm", "wrench")}
QUALITY = {0: ("warn", "help"), 1: ("warn", "alert"), 2: ("ok", "check"), 3: ("ok", "check")}
STATUS = {
    "ACTIVE": ("ok", "check"),
    "PROVISIONAL": ("warn", "alert"),
    "NEW": ("calm", "box"),
    "CLAIMED": ("calm", "box"),
    "QUARANTINED": ("bad", "stop"),
    "REVOKED": ("off", "lock"),
    "DECOMMISSIONED": ("off", "lock"),
}
FAULT = ("bad", "stop")
UNSURE = ("off", "help")


def state_mark(language: Language, state: State) -> Mark:
    """The state of a station."""
    return Mark(say(language, f"state.{state}"), *STATES[state])


def reason_text(language: Language, reason: Reason) -> str:
    """One reason in words, with its number or its device's state."""
    words = word(language, "reason", reason.code)
    if reason.code == "flapping":
        return f"{word(language, 'reason.port', reason.detail)} {words}"
    if reason.code.startswith("port."):
        return f"{words} {word(language, 'device', reason.detail)}"
    return f"{words} {reason.detail}".rstrip()


def device_mark(language: Language, state: str, before: str = "") -> Mark:
    """The state of one peripheral, behind the word for what it is."""
    return Mark(f"{before} {word(language, 'device', state)}".lstrip(), *DEVICES.get(state, FAULT))


def paper_mark(language: Language, paper: str) -> Mark:
    """What a printer says of its paper; "" = it does not tell."""
    return Mark(word(language, "paper", paper), *(PAPER.get(paper, FAULT) if paper else ("off", "")))


def remedy(state: str, paper: str, action: str, *, flapping: bool = False) -> str:
    """What is to be done for a peripheral, by the word behind "remedy."; "" where nothing, or nobody knows yet.

    action: XFS4IoT's word, where the device gave one. Who acts on what: domain reference, section 15.2.
    """
    if state == "unknown":
        return ""
    if flapping:
        return "flapping"
    if state == "noDevice":
        return state
    if paper in ("out", "jammed") or (paper == "low" and state in WELL):
        return f"paper.{paper}"
    return action or ("" if state in WELL else "maintenance")


def remedy_mark(language: Language, wanted: str) -> Mark:
    """What `remedy` gave, in words."""
    if not wanted:
        return Mark("")
    return Mark(word(language, "remedy", wanted), *REMEDIES.get(wanted, ("warn", "wrench")))


def quality_mark(language: Language, quality: int) -> Mark:
    """How far a station trusts its own clock."""
    return Mark(word(language, "quality", str(quality)), *QUALITY.get(quality, UNSURE))


def status_mark(language: Language, status: str) -> Mark:
    """What the registry says of a device."""
    return Mark(word(language, "status", status), *STATUS.get(status, UNSURE))
