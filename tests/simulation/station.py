"""A station of the simulated world: the real agent and its journal on disk; link, printer and people are played."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_profiles.profile import load_shipped
from device_profiles.wire import topic_up
from edge_agent import boot, events
from edge_agent.agent import ROOM_BYTES, ROOM_EVERY_S
from edge_agent.clock import Clock
from edge_agent.journal import PAGE_BYTES, JournalFault
from edge_agent.sets import Sets
from provisioning import authority, enrolment
from provisioning.identity import Identity, store_enrolment
from tests.simulation.devices import Devices
from tests.simulation.people import Person
from tests.simulation.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.effects import Screen
    from edge_agent.errands import Errand
    from edge_agent.sealer import Sealer
    from tests.simulation.world import World

HEARTBEAT_S = 20.0
REIMAGE_WAIT_S = 30.0
PAGES_MAX = 1_073_741_823
BEGINNING = ("payment.created", "dossier.created")


@dataclass
class SimLink:
    """The link port over the simulated network."""

    station: Station
    up: bool = False
    connections: int = 0

    def start(self) -> None:
        """Connected once the hand runs."""

    def publish(self, data: bytes) -> bool:
        """Give one batch to the network."""
        if not self.up:
            return False
        self.station.world.up(self.station, topic_up(self.station.device), data)
        return True

    def stop(self) -> None:
        """Nothing to end."""

    def connect(self) -> None:
        """The broker took us."""
        if not self.up:
            self.up, self.connections = True, self.connections + 1
            self.station.post(events.LinkUp(self.connections))
            self.station.post(events.Received("desired", self.station.world.fleet.desired(self.station)))

    def flap(self, seconds: float) -> None:
        """The network is gone for so long."""
        if self.up:
            self.up = False
            self.station.post(events.LinkDown("simulated"))
            self.station.world.later(seconds, self.connect)


@dataclass
class SimDisplay:
    """The display port: keeps the screen undrawn (drawing is proven elsewhere), holds its code against the journal."""

    station: Station
    screen: Screen | None = None

    def start(self, post: Callable[[Any], None]) -> None:
        """Touches come from the residents of this world."""

    def show(self, screen: Screen) -> None:
        """Keep it."""
        self.screen = screen
        self.station.witness.see(screen)

    def wipe(self) -> None:
        """Forget it."""
        self.screen = None

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class SimErrands:
    """The HTTPS worker over the simulated network."""

    station: Station

    def send(self, errand: Errand) -> bool:
        """Carry a question up and its answer down, or time out."""
        world = self.station.world
        boot = self.station.boots

        def done(body: bytes | None) -> None:
            if boot == self.station.boots:
                self.station.post(events.HttpDone(errand.errand, body, "" if body else "timed out"))

        lost = not self.station.link.up or world.rng.random() < world.faults.loss
        if lost:
            world.later(errand.timeout_s, lambda: done(None))
        else:
            world.later(
                world.rng.random() * min(2.0, world.faults.delay_max_s), lambda: done(world.fleet.answer(errand))
            )
        return True


class Station:
    """One lobby: an agent, a resident in front of it now and then."""

    def __init__(self, world: World, index: int) -> None:
        self.world, self.index = world, index
        self.name, self.building = f"K{index + 1:04d}", f"TOA-{index}"
        self.folder = world.folder / self.name
        self.folder.mkdir(parents=True)
        self.skew_ms, self.boots, self.outcast, self.resting = 0, 0, False, False
        self.committed: dict[bytes, list[bytes]] = {}  # journal -> digests, in order
        self.lost_with_disk: set[tuple[bytes, int]] = set()
        self.told_codes: set[str] = set()
        self.told_confirmed: set[str] = set()
        self.witness = Witness(self)
        self.devices = Devices(self)
        self.person = Person(self)
        self._inbox: list[Any] = []
        self._full_until_s = self._low_until_s = 0.0
        self._low_since_s = self._reimage_until_s = 0.0
        self._enrol()

    def _enrol(self) -> None:
        """Real keys, a real request, and the reply is lost once: the same answer must come again."""
        claim = self.world.fleet.register(self.name, self.building)
        self.keys = Identity.create(self.folder / "identity")
        ask = {"nonce": b"n" * 16, "hardware": self.name.encode(), "time_ms": self.world.now_ms(), "software": "0"}
        request = enrolment.make_request(self.keys.key, self.keys.tls, claim, **ask)
        lost = self.world.fleet.enrol(request)
        assert self.world.fleet.enrol(request) == lost, "the answer that was lost is not given again"
        thief = Identity.create(self.folder / "thief")
        stolen = enrolment.make_request(thief.key, thief.tls, claim, **ask)
        assert not self.world.fleet.enrols(stolen), "a used claim admitted another device"
        root = self.world.fleet.keys.root_spki
        ca = self.world.fleet.issuer.authority.root
        bundle = enrolment.judge_bundle(lost, request, self.keys.tls.spki, root, ca)
        store_enrolment(self.folder / "identity", bundle, lost, authority.pem(ca), root)
        self.identity = Identity.load(self.folder / "identity")
        self.device = self.identity.device
        signed = self.world.fleet.bills(self.building)
        Sets(self.folder / "sets").store(signed.name, self.world.fleet.sign_set(signed))

    def boot(self) -> None:
        """Start the agent on what is on disk."""
        world = self.world
        self.boots += 1
        start_s = world.time_s
        clock = Clock(
            0,
            lambda: world.time_s - start_s,
            lambda: (world.now_ms() + self.skew_ms) / 1000,
            lambda: False,  # no NTP in a lobby: trusted time is the fleet's signed word
        )
        self.clock = clock
        self.link, self.display = SimLink(self), SimDisplay(self)
        self.witness.booted()
        self._booted_s = start_s
        around = boot.Surroundings(
            clock=clock,
            link=self.link,
            display=self.display,
            errands=SimErrands(self),
            printer=self.devices,
            reader=self.devices,
            random_bytes=world.rng.randbytes,
            jitter=world.rng.random,
        )
        self.agent = boot.assemble(self.folder, self.identity, load_shipped("simulated"), around, HEARTBEAT_S, "0.1.0")
        self.journal = self.agent.journal
        self.watch(self.agent.sealer)
        self.devices.boot()
        self.link.connect()

    def watch(self, sealer: Sealer) -> None:
        """Note what was committed, and what should have been or not."""
        inner, witness = sealer.append, self.witness

        def append(kind: str, fields: Any, *rest: Any, **more: Any) -> int:
            if kind in BEGINNING and self._is_low():
                witness.offend(f"{kind} was begun though the disk is nearly full")
            try:
                seq = inner(kind, fields, *rest, **more)
            except JournalFault:
                if not self._full_until_s:
                    witness.offend(f"the journal refused {kind}, and there was room")
                raise
            witness.appended(kind, fields, more.get("txn"), seq)
            if kind == "slip.result" and fields["result"] == "confirmed" and fields["job"] not in self.devices.printed:
                witness.offend(f"job {fields['job'].hex()} was called printed; no paper came out")
            return seq

        sealer.append = append  # type: ignore[method-assign]

    def _is_low(self) -> bool:
        """Whether the disk has been nearly full for so long that the agent must have looked."""
        since_s = max(self._low_since_s, self._booted_s)
        return bool(self._low_until_s) and self.world.time_s - since_s > ROOM_EVERY_S + 1.5

    def note_committed(self) -> None:
        """Remember the digest of every record the journal took, for the law of conservation."""
        known = self.committed.setdefault(self.journal.journal, [])
        while len(known) < self.journal.next:
            known.append(self.journal.digest_before(len(known) + 1) or b"")

    def post(self, event: Any) -> None:
        """An ear speaks."""
        self._inbox.append(event)

    def hear_ack(self, data: bytes) -> None:
        """The broker delivers."""
        if self.link.up:
            self.post(events.Received("ack", data))

    def turn(self) -> None:
        """The hand takes what waits, then a second's tick; then the resident does something."""
        self._make_room()
        self.devices.beat()
        waiting, self._inbox = self._inbox, []
        for event in [*waiting, events.Tick()]:
            if isinstance(event, events.Touched):
                self._touched(event)
            else:
                self.agent.handle(event, self.clock.now())
            self.note_committed()
            self.witness.look_inside()
        if not self.resting and not self._technician_waits():
            self.person.act()

    def _touched(self, event: events.Touched) -> None:
        """A touch; one on a screen of another place or visit changes nothing, but for what the time changes."""
        if self.witness.is_void(event.screen):
            self.agent.handle(events.Tick(), self.clock.now())
            self.note_committed()
        void = self.witness.is_void(event.screen)
        before = self.witness.screen, self.journal.next
        if event.action == "reveal":
            self.witness.revealed_s = self.world.time_s
        self.agent.handle(event, self.clock.now())
        if void and (self.witness.screen, self.journal.next) != before:
            self.witness.offend(f"a touch ({event.action}) on screen {event.screen} counted, which had gone")

    def _make_room(self) -> None:
        """The disk is full or nearly so for a while only."""
        ends_s = max(self._full_until_s, self._low_until_s)
        if ends_s and self.world.time_s >= ends_s:
            self._pages_max(PAGES_MAX)
            self._full_until_s = self._low_until_s = 0.0

    def _pages_max(self, pages: int) -> None:
        self.journal._db.execute(f"PRAGMA max_page_count = {pages}")

    def rest(self) -> None:
        """Nobody comes any more, the disk has room, the clock is right; the link comes back."""
        self.resting, self.skew_ms = True, 0
        self._full_until_s = self._low_until_s = self.world.time_s
        self.link.connect()

    # people

    def note_told(self, data: Any) -> None:
        """What the resident was told on the result screen."""
        self.told_codes.add(data["code"])
        if data.get("state") == "confirmed":
            self.told_confirmed.add(data["code"])

    # faults

    def crash(self, *, torn: bool) -> None:
        """Power cut: memory is gone, the disk is as it is; perhaps with a torn write at the end of the log."""
        self.note_committed()
        copy = self.folder / "cut"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for each in self.folder.glob("journal.db*"):
            shutil.copy(each, copy)
        self.close()
        for each in self.folder.glob("journal.db*"):
            each.unlink()
        for each in copy.iterdir():
            shutil.copy(each, self.folder)
        wal = self.folder / "journal.db-wal"
        if torn and wal.exists() and wal.stat().st_size:
            with wal.open("ab") as file:
                file.write(self.world.rng.randbytes(self.world.rng.randrange(1, 1500)))
        (self.folder / "journal.db-shm").unlink(missing_ok=True)
        self._inbox, self._full_until_s, self._low_until_s = [], 0.0, 0.0
        self.boot()
        self.note_committed()

    def reimage(self) -> None:
        """A technician wants to replace the card by a fresh one with the same identity: when nobody stands there."""
        self._reimage_until_s = self.world.time_s + REIMAGE_WAIT_S

    def _technician_waits(self) -> bool:
        """Whether nobody else may begin; the hard gate lets only a drained station without a visit be re-imaged."""
        screen = self.display.screen
        if self.world.time_s >= self._reimage_until_s or screen is None or screen.name != "idle":
            return False
        fleet = self.world.fleet
        head = fleet.store.head(self.device, self.journal.journal) if fleet.up else None
        if head is not None and head.next >= self.journal.next:
            fleet.backup()  # the gate asks for a durable Ack to the tip
            self._replace_card()
        return True

    def _replace_card(self) -> None:
        """What only the old disk held is gone with it."""
        self.note_committed()
        self._reimage_until_s = 0.0
        self.close()
        for each in self.folder.glob("journal.db*"):
            each.unlink()
        self._inbox, self._full_until_s, self._low_until_s = [], 0.0, 0.0
        self.boot()

    def fill_disk(self, seconds: float) -> None:
        """No page more than there are now, for so long."""
        self._pages_max(self.journal._db.execute("PRAGMA page_count").fetchone()[0])
        self._full_until_s, self._low_until_s = self.world.time_s + seconds, 0.0

    def crowd_disk(self, seconds: float) -> None:
        """Room for what is under way and for nothing that begins, for so long."""
        if not self._full_until_s:
            pages = self.journal._db.execute("PRAGMA page_count").fetchone()[0]
            self._pages_max(pages + ROOM_BYTES // 2 // PAGE_BYTES)
            self._low_since_s = self._low_since_s if self._low_until_s else self.world.time_s
            self._low_until_s = self.world.time_s + seconds

    def jump_clock(self, skew_ms: int) -> None:
        """The system clock is off by so much from now on."""
        self.skew_ms = skew_ms

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()
