"""The sync machine: what to send, when, and what an Ack means. Pure: no clock, no disk, no socket.

The Ack is cumulative and is the fleet's truth: the cursor moves to its word, forwards or backwards. At most one batch
is in flight; the first after link-up is empty, because its Ack says where to resume. A repeat costs traffic, never
correctness; a lost Ack is asked for again with full jitter. Verification of signatures is the hand's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_profiles.wire import OK, QUARANTINED, RECORDS_PER_BATCH_MAX, REVOKED, SLOW_DOWN
from edge_agent import events
from edge_agent.effects import Effect, Prune, Remember, Report, ResumeService, SendBatch, StopService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_agent.events import Acked, Event, Now

ACK_TIMEOUT_S = 10.0
BACKOFF_MAX_S = 60.0
SENT_KEPT = 8  # how many of our latest batches an Ack may name
PRUNE_AT_LEAST = 64  # records; fewer are not worth a write
FLOOR_STEP_MS = 600_000  # the time floor is written at most every ten minutes of fleet time
ROLLED_BACK = "rolled_back"
CLONED = "quarantined"
OUTCAST = "revoked"


@dataclass(slots=True)
class Sync:
    """One journal's way to the fleet.

    heartbeat_s: pause between empty batches when nothing is to be sent. jitter: gives a float in [0, 1).
    """

    heartbeat_s: float
    jitter: Callable[[], float]
    cursor: int = 0
    tip: int = 0
    linked: bool = False
    lineage: bytes = b""
    floor_ms: int = 0
    alarms: int = 0
    _sent: deque[tuple[bytes, int]] = field(default_factory=lambda: deque(maxlen=SENT_KEPT))
    _in_flight: bytes | None = None
    _deadline_s: float = 0.0
    _not_before_s: float = 0.0
    _next_beat_s: float = 0.0
    _resumed: bool = False
    _failures: int = 0
    _admit: int = RECORDS_PER_BATCH_MAX
    _stopped: set[str] = field(default_factory=set)
    _branch_sent: bool = False

    def on(self, event: Event, now: Now) -> list[Effect]:
        """Take one event; give what is to be done."""
        match event:
            case events.Started(state=state):
                return self._load(state) + self._next(now)
            case events.Committed(next=tip):
                self.tip = tip
            case events.LinkUp():
                self.linked, self._resumed, self._in_flight = True, False, None
                self._not_before_s = now.mono_s
            case events.LinkDown():
                self.linked, self._in_flight = False, None
            case events.BatchSent(batch_hash=batch_hash, first=first, count=count):
                self._sent.append((batch_hash, first + count if count else 0))
                self._in_flight, self._deadline_s = batch_hash, now.mono_s + ACK_TIMEOUT_S
                return []
            case events.ServiceResumed() if self._stopped:  # the journal is back: it may have refused this before
                return [Remember({"sync.stopped": min(self._stopped)}), *self._next(now)]
            case events.BatchNotSent():
                self._in_flight = None
                self._back_off(now)
            case events.Configured(values=values):
                beat = values.get("heartbeat_s")
                if type(beat) is int and beat > 0:
                    self.heartbeat_s = float(beat)
            case events.Acked():
                return self._acked(event, now) + self._next(now)
            case _:
                pass
        return self._next(now)

    def _load(self, state: Mapping[str, object]) -> list[Effect]:
        match state.get("sync.ack"):
            case [int(cursor), bytes(), bytes(lineage)]:
                self.cursor, self.lineage = cursor, lineage
            case _:
                pass
        floor = state.get("time.floor", 0)
        self.floor_ms = floor if type(floor) is int else 0
        reason = state.get("sync.stopped")
        return self._stop(reason) if isinstance(reason, str) else []

    def _next(self, now: Now) -> list[Effect]:
        """What to send now, if anything."""
        if self._in_flight is not None and now.mono_s >= self._deadline_s:
            self._in_flight = None
            self._back_off(now)
        if not self.linked or self._in_flight is not None or now.mono_s < self._not_before_s:
            return []
        if self._resumed and OUTCAST not in self._stopped and self.tip > self.cursor and self._admit:
            return self._send(self.cursor, min(self._admit, RECORDS_PER_BATCH_MAX), now)
        if not self._resumed or now.mono_s >= self._next_beat_s:
            return self._send(self.cursor, 0, now)
        return []

    def _send(self, first: int, count_max: int, now: Now) -> list[Effect]:
        # Until the hand says BatchSent, this stands for "asked": the hand answers in the same turn.
        self._in_flight, self._deadline_s = b"", now.mono_s + ACK_TIMEOUT_S
        self._next_beat_s = now.mono_s + self.heartbeat_s
        return [SendBatch(first, count_max)]

    def _back_off(self, now: Now) -> None:
        self._failures += 1
        ceiling = min(BACKOFF_MAX_S, 2.0 ** min(self._failures, 6))
        self._not_before_s = now.mono_s + self.jitter() * ceiling
        self._resumed = False  # what the fleet holds is asked again before anything is sent again

    def _acked(self, event: Acked, now: Now) -> list[Effect]:
        ack = event.ack
        reached = next((upto for batch_hash, upto in self._sent if batch_hash == ack.batch_hash), None)
        if reached is None:
            return self._alarm()  # a replay, or an answer to another process of ours: proves nothing about now
        if ack.batch_hash == self._in_flight:
            self._in_flight = None
        effects: list[Effect] = []
        ahead = ack.next > event.own_next
        other = event.own_digest is not None and event.own_digest != ack.digest
        if ahead or other:
            return self._rolled_back(event, now, other=other)
        if ack.next < self.cursor and ack.lineage == self.lineage:
            effects += self._alarm()  # the fleet forgot without saying so; we send again all the same
        if ack.next < event.first_held:
            effects.append(Report({"lost_range": [ack.next, event.first_held]}))
        effects += self._follow(event, now)
        if ack.next < reached:
            self._back_off(now)  # what we sent was not taken: asking again at once would only repeat it
        else:
            self._failures = 0
        match ack.verdict:
            case v if v == QUARANTINED:
                effects = self._stop(CLONED) + effects  # first: a full disk refuses what is to be remembered
            case v if v == REVOKED:
                effects = self._stop(OUTCAST) + effects
            case v if v == SLOW_DOWN:
                self._not_before_s = now.mono_s + ack.retry_after_s * (0.5 + self.jitter())
            case v if v == OK:
                effects += self._resume(CLONED) + self._resume(OUTCAST)
            case _:
                pass
        return effects

    def _rolled_back(self, event: Acked, now: Now, *, other: bool) -> list[Effect]:
        """The fleet witnesses more than we hold, or something else: this disk was rolled back or rewritten.

        A person decides which branch is right, so both are kept: ours is sent whole, once, for the fleet to put apart.
        """
        effects = [*self._stop(ROLLED_BACK), *self._alarm()]
        if other and not self._branch_sent:
            self._branch_sent, self._resumed, self.cursor = True, True, event.first_held
        else:
            self._not_before_s = now.mono_s + self.heartbeat_s
        return effects

    def _follow(self, event: Acked, now: Now) -> list[Effect]:
        """Move the cursor to the Ack's word; remember it, and the floor, when that is news."""
        ack = event.ack
        news = ack.next != self.cursor or ack.lineage != self.lineage
        values: dict[str, object] = {}
        if news:
            values["sync.ack"] = [ack.next, ack.digest, ack.lineage]
        if ack.time_ms >= self.floor_ms + FLOOR_STEP_MS:
            self.floor_ms = ack.time_ms
            values["time.floor"] = ack.time_ms
        self.cursor, self.lineage, self._resumed = max(ack.next, event.first_held), ack.lineage, True
        self._admit = ack.admit
        if not ack.admit:
            self._not_before_s = now.mono_s + max(1, ack.retry_after_s) * (0.5 + self.jitter())
            self._resumed = False
        effects: list[Effect] = [Remember(values)] if values else []
        prunable = min(ack.durable_next, ack.next)
        if prunable - event.first_held >= PRUNE_AT_LEAST:
            effects.append(Prune(prunable))
        return effects

    def _alarm(self) -> list[Effect]:
        self.alarms += 1
        return [Report({"ack_alarms": self.alarms})]

    def _stop(self, reason: str) -> list[Effect]:
        if reason in self._stopped:
            return []
        self._stopped.add(reason)
        # Remembered: a restart must not take transactions again until a good Ack (or a person) says so.
        return [StopService(reason), Remember({"sync.stopped": reason})]

    def _resume(self, reason: str) -> list[Effect]:
        if reason not in self._stopped:
            return []
        self._stopped.discard(reason)
        return [ResumeService(reason), Remember({"sync.stopped": min(self._stopped, default=None)})]
