"""The converge machine: makes the station what Desired says, and says by a record what came of it. Pure.

Only a higher `rev` is news; it is remembered (fsync) before anything is done. What is asked for and already held is
left alone; a set is fetched by its hash, and until a verified one is in force the old one stays in force.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_profiles.messages import CONFIG
from edge_agent import events
from edge_agent.effects import Append, ApplyConfig, Effect, Fetch, Report, StoreSet

if TYPE_CHECKING:
    from device_profiles.messages import Desired
    from edge_agent.events import Event, Now

RETRY_S = 30.0
ASKED_S = 600.0  # longer than any errand waits and lasts: an answer that never comes is asked for again
SYSTEM = 0


@dataclass(slots=True)
class Converge:
    """One station's way to its Desired. `rev`: the highest seen; `held`: sets in force, name -> version."""

    device: bytes
    rev: int = 0
    held: dict[str, int] = field(default_factory=dict)
    _wanted: dict[str, Fetch] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)
    _rev_before: int | None = None
    _retry_at_s: float = 0.0
    _refused: set[int] = field(default_factory=set)

    def on(self, event: Event, now: Now) -> list[Effect]:
        """Take one event; give what is to be done."""
        match event:
            case events.Started(state=state):
                rev = state.get("desired.rev", 0)
                self.rev = max(self.rev, rev if type(rev) is int else 0)
                return [Report({"desired_rev": self.rev})]
            case events.DesiredSeen(desired=desired):
                return self._desired(desired, now)
            case events.SetVerified():
                return self._verified(event)
            case events.FetchFailed(name=name, version=version):
                self._asked.pop(name, None)
                if self.held.get(name) == version:  # verified, but the disk did not take it
                    self.held[name] = self._before.get(name, -1)
                self._retry_at_s = now.mono_s + RETRY_S
                return []
            case events.Committed():
                self._rev_before = None
                return []
            case events.AppendFailed(kind="desired.result") if self._rev_before is not None:
                # Nothing of it happened; the fleet says it again to a station that reports the older one.
                self.rev, self._rev_before, self._wanted = self._rev_before, None, {}
                return []
            case events.Tick() | events.LinkUp() if now.mono_s >= self._retry_at_s:
                return self._fetch(now)
            case _:
                return []

    def _desired(self, desired: Desired, now: Now) -> list[Effect]:
        reason = ""
        if desired.device != self.device:
            reason = "for another device"
        elif now.wall_ms >= desired.not_after_ms:
            reason = "expired"
        elif desired.rev < self.rev:
            reason = f"older than {self.rev}"
        if reason:
            # One record per refused revision: a broker that repeats itself must not fill the journal.
            if desired.rev in self._refused or len(self._refused) >= 16:
                return []
            self._refused.add(desired.rev)
            return [Append("desired.result", {"rev": desired.rev, "result": "refused", "reason": reason}, order=SYSTEM)]
        self._wanted = {
            name: Fetch(name, version, size, bytes(sha256))
            for name, version, size, sha256 in desired.sets
            if self.held.get(name, -1) < version
        }
        self._asked = {name: until_s for name, until_s in self._asked.items() if name in self._wanted}
        config = {CONFIG[key]: value for key, value in desired.config.items() if key in CONFIG}
        effects: list[Effect] = []
        if desired.rev > self.rev:
            self._rev_before, self.rev = self.rev, desired.rev
            applied = {"rev": self.rev, "result": "applied"}
            effects += [
                Append("desired.result", applied, order=SYSTEM, remember={"desired.rev": self.rev}),
                Report({"desired_rev": self.rev}),
            ]
        return [*effects, ApplyConfig(config), *self._fetch(now)]

    def _fetch(self, now: Now) -> list[Effect]:
        new = [
            fetch
            for name, fetch in self._wanted.items()
            if self.held.get(name, -1) < fetch.version and now.mono_s >= self._asked.get(name, 0.0)
        ]
        self._asked.update((fetch.name, now.mono_s + ASKED_S) for fetch in new)
        return list(new)

    def _verified(self, event: events.SetVerified) -> list[Effect]:
        wanted = self._wanted.get(event.name)
        self._asked.pop(event.name, None)
        if wanted is None or wanted.version != event.version:
            return []
        self._before[event.name] = self.held.get(event.name, -1)
        self.held[event.name] = event.version
        result = {"name": event.name, "version": event.version, "result": "applied"}
        return [
            StoreSet(event.name, event.version, event.data, event.body),
            Append("set.result", result, order=SYSTEM),
        ]
