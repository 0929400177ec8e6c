"""The hand: takes one event, runs the machines, performs their effects. The only place that may touch everything.

Effects of one machine are performed in order and stop at the first record the journal refuses, so that nothing is
shown, printed or sent on the strength of a record that is not durable. Nothing here decides what a resident sees, what
is sent or what Desired means: those are the machines'. One thread calls `handle`; ears only fill the inbox.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from device_profiles import anchors, catalogue
from device_profiles.bills import BillSet
from device_profiles.messages import STATUS_KEYS
from device_profiles.wire import BATCH_MAX_BYTES, Batch
from edge_agent import effects as do
from edge_agent import events, forgetting
from edge_agent.journal import JournalFault, Stamp
from edge_agent.machines.sync import SENT_KEPT
from edge_agent.sets import BILLS
from provisioning.keys import sign_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_profiles.messages import SignedSet
    from edge_agent.clock import Clock
    from edge_agent.drivers.worker import PrinterWorker, ReaderWorker, ScannerWorker
    from edge_agent.effects import Effect
    from edge_agent.errands import Errands
    from edge_agent.events import Event, Now
    from edge_agent.inbound import Inbound
    from edge_agent.journal import Journal
    from edge_agent.lease import Lease
    from edge_agent.ports import Display, Link
    from edge_agent.sealer import Sealer
    from edge_agent.sets import Sets
    from provisioning.keys import SigningKey

log = logging.getLogger(__name__)
RECORDS_MAX_BYTES = BATCH_MAX_BYTES - 16 * 1024  # leaves room for the head and the envelope
JOURNAL_FAULT = "journal"
PROBE_S = 15.0
ACK_FRESH_S = 30.0  # an Ack that took longer does not set the clock: the broker may have held it back
PROBE_BYTES = 8192
ROOM_EVERY_S = 5.0
ROOM_BYTES = 24 * 1024 * 1024  # below it no transaction begins: the largest record is 64 KiB, a visit has a few
ROOM_AGAIN_BYTES = 32 * 1024 * 1024
PAGE_SILENT_S = 6.0  # three beats of the page (screens/kiosk.js)
_PAGE_BEATS = events.PeripheralState("display", "page", "online")
_PAGE_SILENT = events.PeripheralState("display", "page", "offline", detail="the page does not beat", action="reset")
EXPOSURE = "pay.exposure."  # names of the state table: payments of a biller that await their credit


class Machine(Protocol):
    """`on(event, now) -> [Effect]`: no clock, disk, socket or thread."""

    def on(self, event: Event, now: Now) -> list[Effect]:
        """Take one event; give what is to be done."""
        ...


@dataclass(slots=True)
class Agent:
    """One station, put together by the composition root (`edge_agent.__main__`) or by the simulation."""

    key: SigningKey
    clock: Clock
    journal: Journal
    sealer: Sealer
    inbound: Inbound
    sets: Sets
    lease: Lease
    machines: Sequence[Machine]
    link: Link
    display: Display
    errands: Errands
    printer: PrinterWorker | None = None
    reader: ReaderWorker | None = None
    scanner: ScannerWorker | None = None
    status: dict[str, Any] = field(default_factory=dict)
    boot: int = 0
    _events: deque[Event] = field(default_factory=deque)
    _stopped: set[str] = field(default_factory=set)
    _heard: dict[str, events.PeripheralState] = field(default_factory=dict)
    _ack_seen: tuple[int, bytes, bytes] | None = None
    _probe_at_s: float = 0.0
    _in_visit: bool = False
    _wiped: bool = False
    _look_again: bool = False
    _sent_s: dict[bytes, float] = field(default_factory=dict)
    _beat_s: float | None = None
    _full: bool = False
    _room_at_s: float = 0.0

    def start(self, now: Now, version: str, kept: Iterable[SignedSet], opened: str) -> None:
        """Count the boot, say so by a record, put the kept sets in force, and tell the machines.

        `opened`: why the journal is a new one, "" where it is the old one.
        """
        state = self.journal.state()
        boot = state.get("boot", 0)
        self.boot = (boot if isinstance(boot, int) else 0) + 1
        self._ack_seen = _ack(state.get("sync.ack"))
        self.status["version"] = version
        last: dict[str, object] = {}
        if opened:
            if self._ack_seen:
                last = {"last_next": self._ack_seen[0], "last_digest": self._ack_seen[1]}
            # That Ack was another journal's: its number says nothing about where this one goes on.
            self._ack_seen = None
            state.pop("sync.ack", None)
        kept_ack = {"sync.ack": None} if last else {}
        self._try_journal(now, lambda: self.journal.remember({"boot": self.boot, **kept_ack}))
        self.handle(events.Started(self.boot, state), now)
        for each in kept:
            if (in_force := _applied(each.name, each.body)) is not None:
                self.handle(in_force, now)
        first: list[Effect] = []
        if opened:
            first.append(do.Append("journal.opened", {"reason": opened, **last}, order=0))
        first.append(do.Append("station.started", {"version": version, "boot": self.boot}, order=0))
        self._perform_all(first, now)
        self._drain(now)

    def handle(self, event: Event, now: Now) -> None:
        """Take one event and everything that follows from it."""
        self._events.append(event)
        self._drain(now)

    def _drain(self, now: Now) -> None:
        while self._events:
            believed = self._believe(self._events.popleft(), now)
            if believed is None:
                continue
            for machine in self.machines:
                self._perform_all(machine.on(believed, now), now)

    def _believe(self, event: Event, now: Now) -> Event | None:
        """Verify what came from outside; None for what nobody shall hear."""
        match event:
            case events.Received():
                believed = self.inbound.received(event, self.journal)
            case events.HttpDone():
                believed = self.inbound.done(event)
            case _:
                believed = event
        return believed if believed is not None and self._note(believed, now) else None

    def _note(self, event: Event, now: Now) -> bool:
        """Keep what the clock and the status map need; False for what is no news."""
        match event:
            case events.Acked(ack=ack):
                sent_s = self._sent_s.pop(ack.batch_hash, None)
                if sent_s is not None:  # else a replay, which proves nothing about now
                    self._ack_seen = (ack.next, ack.digest, ack.lineage)
                    if now.mono_s - sent_s <= ACK_FRESH_S:
                        self.clock.witness(ack.time_ms)
            case events.PeripheralState(port=port):
                if self._heard.get(port) == event:
                    return False
                self._heard[port] = event
            case events.Due(name="self_test") if self.printer is not None:
                self.printer.ask_state()
            case events.Plugged(identity=identity, node=node):
                log.info("plugged in: %s at %s", identity, node)
                self._plugs_changed()
            case events.Unplugged(identity=identity):
                log.info("pulled out: %s", identity)
                self._plugs_changed()
            case events.PageBeat():
                self._beat_s = now.mono_s
                self._events.append(_PAGE_BEATS)
            case events.Tick():
                self._idle(now)
            case _:
                pass
        return True

    def _plugs_changed(self) -> None:
        """Have the drivers look, at once and at the next Tick again.

        One device makes several events, the node that a driver opens comes last, and a printer's queue is short: so
        once for the first event and once for all that follow it.
        """
        if not self._look_again:
            self._look()
        self._look_again = True

    def _look(self) -> None:
        for worker in (self.printer, self.reader, self.scanner):
            if worker is not None:
                worker.look()

    def _idle(self, now: Now) -> None:
        """What the hand does of itself: prepare the next visit's key, probe a refused journal, miss the page's beat."""
        if self._wiped:  # not in `_wipe`: the event that ended the visit was still at work, with all that it held
            self._wiped = False
            forgetting.sweep()
        if self._look_again:
            self._look_again = False
            self._look()
        if self._beat_s is not None and now.mono_s - self._beat_s > PAGE_SILENT_S:
            self._events.append(_PAGE_SILENT)
        if now.mono_s >= self._room_at_s:
            self._room_at_s = now.mono_s + ROOM_EVERY_S
            self._look_at_room()
        if JOURNAL_FAULT in self._stopped:
            if now.mono_s >= self._probe_at_s:
                self._try_journal(now, self._probe)
        elif not self._in_visit and self._try_journal(
            now, lambda: self.sealer.prepare(self._stamp(now), self._trusted())
        ):
            self._events.append(events.Committed(self.journal.next))

    def _look_at_room(self) -> None:
        """Say in time that the disk is nearly full: what is under way must still fit, and what frees it again."""
        room = self.journal.room_bytes()
        full = room < (ROOM_AGAIN_BYTES if self._full else ROOM_BYTES)
        if full != self._full:
            self._full = full
            log.warning("the disk has room for %d KiB: %s", room // 1024, "nothing begins" if full else "enough again")
            self._events.append(events.Storage(full))

    def _probe(self) -> None:
        """Write as much as a visit's first records would, and take it away again. Raises JournalFault."""
        self.journal.remember({"probe": bytes(PROBE_BYTES)})
        self.journal.remember({"probe": None})

    def _perform_all(self, effects: Iterable[Effect], now: Now) -> None:
        """Perform in order; a slip that stood behind a refused write was never given to the printer, and has failed."""
        rest = iter(effects)
        for effect in rest:
            if not self._perform(effect, now):
                slips = [each for each in rest if isinstance(each, do.Print)]
                self._events.extend(events.PrintDone(each.job, "failed", "not kept on disk") for each in slips)
                return

    def _perform(self, effect: Effect, now: Now) -> bool:  # noqa: C901, PLR0912  one arm per effect: a table
        """Perform one effect; False where what stands behind it in its list must not happen."""
        match effect:
            case do.Append():
                return self._append(effect, now)
            case do.Remember(values=values):
                return self._try_journal(now, lambda: self.journal.remember(values))
            case do.SendBatch(first=first, count_max=count_max):
                self._send(first, count_max, now)
            case do.Prune(before=before):
                self._try_journal(now, lambda: self.journal.prune(before))
            case do.Show(screen=screen):
                self.display.show(screen)
            case do.Print(job=job, slip=slip):
                if self.printer is None or not self.printer.print(job, slip):
                    self._events.append(events.PrintDone(job, "failed", "no printer takes jobs now"))
            case do.ReadCard(request=request):
                if self.reader is None or not self.reader.read(request):
                    self._events.append(events.CardFailed(request.number, "reader_lost", "no reader takes requests"))
            case do.LeaveCard():
                if self.reader is not None:
                    self.reader.forget()
            case do.Ask():
                if not self.errands.send(self.inbound.ask(effect)):
                    self._events.append(events.NotAnswered(effect.question, "too many questions wait"))
            case do.Fetch():
                if not self.errands.send(self.inbound.fetch(effect)):
                    self._events.append(events.FetchFailed(effect.name, effect.version, "too many errands wait"))
            case do.StoreSet():
                return self._store_set(effect)
            case do.BeginVisit():
                self._in_visit = True
                self.status["visits"] = self.status.get("visits", 0) + 1
                return self._try_journal(now, lambda: self.sealer.begin(self._stamp(now), self._trusted()))
            case do.Wipe():
                self._wipe()
            case do.StopService(reason=reason):
                self._stop(reason)
            case do.ResumeService(reason=reason):
                self._resume(reason)
            case do.Report(values=values):
                self.status.update(values)
            case do.ApplyConfig(values=values):
                self._events.append(events.Configured(values))
        return True

    def _wipe(self) -> None:
        self._in_visit = False
        self._wiped = True
        self.sealer.wipe()
        self.display.wipe()
        for worker in (self.printer, self.scanner, self.reader):
            if worker is not None:
                worker.forget()

    def _append(self, effect: do.Append, now: Now) -> bool:
        following = effect.remember.get("pay.counter")
        written = (not isinstance(following, int) or self._covered(following)) and self._try_journal(
            now,
            lambda: self.sealer.append(
                effect.kind,
                effect.fields,
                self._stamp(now),
                self._trusted(),
                order=effect.order,
                txn=effect.txn,
                remember=effect.remember,
            ),
        )
        if written:
            self._events.append(events.Committed(self.journal.next, effect.txn))
        else:
            # First of all: the machine must know before anything else makes it show what hung on the record.
            self._events.appendleft(events.AppendFailed(effect.kind, effect.txn, "the journal did not take the record"))
        return written

    def _covered(self, following: int) -> bool:
        """Whether the code that this record uses up was reserved before."""
        try:
            self.lease.cover(following)
        except OSError as error:
            log.warning("no code can be reserved: %s", error)
            return False
        return True

    def _try_journal(self, now: Now, write: Any) -> bool:
        """Run one write; a refused one stops the service until a probe succeeds."""
        try:
            write()
        except JournalFault as error:
            if JOURNAL_FAULT not in self._stopped:
                log.error("journal: %s: no transactions are taken until it can be written again", error)  # noqa: TRY400
            self._probe_at_s = now.mono_s + PROBE_S
            self._stop(JOURNAL_FAULT)
            return False
        self._resume(JOURNAL_FAULT)
        return True

    def _stop(self, reason: str) -> None:
        if reason not in self._stopped:
            self._stopped.add(reason)
            self._events.append(events.ServiceStopped(reason))

    def _resume(self, reason: str) -> None:
        if reason in self._stopped:
            self._stopped.discard(reason)
            self._events.append(events.ServiceResumed(reason))

    def _store_set(self, effect: do.StoreSet) -> bool:
        try:
            self.sets.store(effect.name, effect.data)
        except OSError as error:
            log.warning("set %s could not be kept: %s", effect.name, error)
            self._events.append(events.FetchFailed(effect.name, effect.version, str(error)))
            return False
        if (in_force := _applied(effect.name, effect.body)) is not None:
            self._events.append(in_force)
        return True

    def _send(self, first: int, count_max: int, now: Now) -> None:
        records = self.journal.after(first, count_max, RECORDS_MAX_BYTES) if count_max else []
        before = self.journal.digest_before(first)
        if before is None:
            self._events.append(events.BatchNotSent("the record before is no longer held"))
            return
        batch = Batch(
            device=self.journal.device,
            epoch=self.journal.epoch,
            journal=self.journal.journal,
            first=first,
            before=before,
            head=hashlib.sha256(records[-1]).digest() if records else before,
            time_ms=now.wall_ms,
            quality=now.quality,
            boot=self.boot,
            mono_ms=int(now.mono_s * 1000),
            status=self._status(now),
            newest=max(0, self.journal.next - 1),
            ack_seen=self._ack_seen,
            records=tuple(records),
        )
        message = sign_message(self.key, "kiosk/batch/1", batch.encode())
        if self.link.publish(message):
            batch_hash = hashlib.sha256(message).digest()
            self._sent_s = dict([*self._sent_s.items(), (batch_hash, now.mono_s)][-SENT_KEPT:])
            self._events.append(events.BatchSent(batch_hash, first, len(records)))
        else:
            self._events.append(events.BatchNotSent("the link does not take it"))

    def _status(self, now: Now) -> dict[int, Any]:
        folder = shutil.disk_usage(self._folder())
        self.status |= {
            "stopped": sorted(self._stopped | ({"storage"} if self._full else set())),
            "disk_free_percent": folder.free * 100 // folder.total,
            "uptime_s": int(now.mono_s),
            "rss_kib": _rss_kib(),
            "sealing_expired": self.sealer.expired,
            "exposure_count": sum(
                len(each)
                for name, each in self.journal.state().items()
                if name.startswith(EXPOSURE) and isinstance(each, list)
            ),
            **({} if self._beat_s is None else {"page_age_s": int(now.mono_s - self._beat_s)}),
            "refusals": [[reason, count] for reason, count in sorted(self.inbound.refusals.items())[:20]],
        }
        return {STATUS_KEYS[name]: value for name, value in self.status.items()}

    def _folder(self) -> Path:
        return self.journal.path.parent

    def _stamp(self, now: Now) -> Stamp:
        return Stamp(now.wall_ms, now.quality, self.boot, int(now.mono_s * 1000))

    def _trusted(self) -> int:
        return self.clock.trusted_ms()


def _applied(name: str, body: bytes) -> Event | None:
    """What the machines are told of a verified set; None for one that nobody here uses."""
    if name.startswith(BILLS):
        return events.BillsApplied(BillSet.decode(body))
    if name == catalogue.NAME:
        return events.CatalogueApplied(catalogue.Catalogue.decode(body))
    return events.AnchorsApplied(anchors.AnchorSet.decode(body)) if name == anchors.NAME else None


def _ack(kept: object) -> tuple[int, bytes, bytes] | None:
    match kept:
        case [int(following), bytes(digest), bytes(lineage)]:
            return following, digest, lineage
        case _:
            return None


def _rss_kib() -> int:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
