"""The hand: what it does of itself, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from device_profiles import records
from device_profiles.messages import DEVICE_KEYS, STATUS, STATUS_KEYS
from device_profiles.wire import Batch, envelope_decode, record_decode, unpad
from edge_agent import effects as do
from edge_agent import events
from edge_agent.agent import PAGE_SILENT_S, ROOM_AGAIN_BYTES, ROOM_BYTES, Agent
from edge_agent.clock import Clock
from edge_agent.inbound import Inbound
from edge_agent.journal import Journal
from edge_agent.lease import Lease
from edge_agent.machines.devices import Devices
from edge_agent.sealer import Sealer
from edge_agent.sets import Sets
from provisioning.sealing import ContentKey, record_info
from tests.small_fleet import NOW_MS


@dataclass
class Script:
    """A machine that answers each kind of event with what the test wrote down, and notes what it heard."""

    answers: dict[str, list] = field(default_factory=dict)
    heard: list[Any] = field(default_factory=list)

    def on(self, event, now) -> list:
        self.heard.append(event)
        return self.answers.pop(type(event).__name__, [])

    def names(self) -> list[str]:
        return [type(each).__name__ for each in self.heard]


@dataclass
class Outside:
    """Link, display and errands at once: keeps what it was given."""

    taken: list[Any] = field(default_factory=list)
    up: bool = True

    def publish(self, data: bytes) -> bool:
        self.taken.append(data)
        return self.up

    def show(self, screen) -> None:
        self.taken.append(screen)

    def wipe(self) -> None:
        self.taken.append("wipe")

    def send(self, errand) -> bool:
        self.taken.append(errand)
        return self.up


class Rig:
    def __init__(self, folder, fleet) -> None:
        self.time_s = 100.0
        self.fleet, self.script, self.outside = fleet, Script(), Outside()
        self.clock = Clock(NOW_MS, lambda: self.time_s, lambda: 0.0, lambda: False)
        self.journal = Journal.open(folder / "journal.db", fleet.device, 1)
        self.agent = Agent(
            key=fleet.station,
            clock=self.clock,
            journal=self.journal,
            sealer=Sealer(self.journal, fleet.trust),
            inbound=Inbound(fleet.device, fleet.station, fleet.trust, self.clock),
            sets=Sets(folder / "sets"),
            lease=Lease(folder, 1, 1000),
            machines=(Devices((port, port) for port in ("printer", "display")), self.script),
            link=self.outside,
            display=self.outside,
            errands=self.outside,
        )

    def start(self, opened: str = "new") -> None:
        self.agent.start(self.clock.now(), "0.1.0", (), opened)

    def do(self, event, *effects) -> None:
        if effects:
            self.script.answers[type(event).__name__] = list(effects)
        self.agent.handle(event, self.clock.now())

    def kinds(self) -> list[str]:
        """What the fleet would read, oldest first."""
        keys, found = {}, []
        for data in self.journal.after(0, 1000, 1 << 24):
            header, raw, sealed = record_decode(data)
            if header.suite:
                keys[header.seq] = ContentKey(self.fleet.opening.open(sealed, record_info(raw)))
            else:
                found.append(records.unpack(unpad(keys[header.key].open(raw, sealed)))[0])
        return found

    def full(self, *, full: bool = True) -> None:
        pages = self.journal._db.execute("PRAGMA page_count").fetchone()[0] if full else 1_000_000
        self.journal._db.execute(f"PRAGMA max_page_count = {pages}")

    def fill(self) -> None:
        """Use up the room inside the last pages, then be full."""
        self.full()
        for _ in range(200):
            self.do(events.LinkUp(1), started())


def started() -> do.Append:
    return do.Append("station.started", {"version": "x" * 40, "boot": 1})


def screen(number: int = 1) -> do.Screen:
    return do.Screen(number, "qr", {})


@pytest.fixture
def rig(tmp_path, fleet):
    made = Rig(tmp_path, fleet)
    yield made
    made.journal.close()


def test_a_start_counts_the_boot_and_says_why_the_journal_is_new(rig):
    rig.start()
    assert rig.kinds() == ["journal.opened", "station.started"]
    assert rig.journal.state()["boot"] == 1
    assert rig.script.heard[0] == events.Started(1, {})


def test_what_stands_behind_a_refused_record_does_not_happen_and_the_machine_hears_it_first(rig):
    rig.start()
    rig.fill()
    rig.outside.taken.clear()
    rig.script.heard.clear()
    rig.do(events.Touched(1, "next"), started(), do.Show(screen()), do.Print(b"j" * 16, do.Slip(())))
    assert rig.outside.taken == []
    assert rig.script.names()[:2] == ["Touched", "AppendFailed"]


def test_a_refused_record_stops_the_service_until_a_probe_succeeds(rig):
    rig.start()
    rig.fill()
    assert rig.script.names().count("ServiceStopped") == 1
    rig.time_s += 20
    rig.do(events.Tick())
    assert "ServiceResumed" not in rig.script.names()
    rig.full(full=False)
    rig.time_s += 20
    rig.do(events.Tick())
    assert rig.script.names().count("ServiceResumed") == 1


def test_a_code_that_cannot_be_reserved_is_not_used(rig, monkeypatch):
    rig.start()
    monkeypatch.setattr("edge_agent.lease.write_durably", lambda *_: (_ for _ in ()).throw(OSError("read-only")))
    rig.do(
        events.Touched(1, "next"),
        do.Append("station.started", {"version": "1", "boot": 1}, remember={"pay.counter": 2}),
    )
    assert rig.script.names()[-1] == "AppendFailed"
    assert "pay.counter" not in rig.journal.state()


def test_without_a_printer_a_job_has_failed_not_vanished(rig):
    rig.start()
    rig.do(events.Touched(1, "next"), do.Print(b"j" * 16, do.Slip(())))
    assert rig.script.heard[-1] == events.PrintDone(b"j" * 16, "failed", "no printer takes jobs now")


def test_a_batch_carries_the_chain_and_the_status_and_names_itself_to_the_machine(rig):
    rig.start()
    rig.do(events.LinkUp(1), do.SendBatch(0, 100))
    message = rig.outside.taken[-1]
    batch = Batch.decode(envelope_decode(message, 1 << 20).payload)
    assert batch.newest == rig.journal.next - 1
    assert len(batch.records) == rig.journal.next
    assert batch.head == rig.journal.tip
    sent = rig.script.heard[-1]
    assert (type(sent).__name__, sent.count) == ("BatchSent", rig.journal.next)
    named = {STATUS[key]: value for key, value in batch.status.items()}
    assert named["version"] == "0.1.0"
    assert named["stopped"] == []
    assert named["exposure_count"] == 0


def test_a_link_that_takes_nothing_is_said(rig):
    rig.start()
    rig.outside.up = False
    rig.do(events.LinkUp(1), do.SendBatch(0, 0))
    assert rig.script.names()[-1] == "BatchNotSent"
    rig.do(events.Touched(1, "x"), do.Ask(b"q" * 16, "bill", {"bill": b"12345678"}))
    assert rig.script.names()[-1] == "NotAnswered"


def test_exposure_is_counted_from_the_state_table(rig):
    rig.start()
    rig.journal.remember({"pay.exposure.TOA-A": [[b"t" * 16, 1000, NOW_MS]] * 3})
    rig.do(events.LinkUp(1), do.SendBatch(0, 0))
    batch = Batch.decode(envelope_decode(rig.outside.taken[-1], 1 << 20).payload)
    assert {STATUS[key]: value for key, value in batch.status.items()}["exposure_count"] == 3


def test_the_page_is_online_while_it_beats_and_offline_when_it_falls_silent_each_said_once(rig):
    rig.start()
    for _ in range(3):
        rig.do(events.PageBeat(1))
    rig.time_s += PAGE_SILENT_S + 1
    for _ in range(3):
        rig.do(events.Tick())
    said = [each for each in rig.script.heard if isinstance(each, events.PeripheralState)]
    assert [(each.port, each.state) for each in said] == [("display", "online"), ("display", "offline")]
    assert rig.kinds().count("device.state") == 2


def test_a_device_that_says_the_same_again_is_no_news_to_any_machine(rig):
    rig.start()
    said = events.PeripheralState("printer", "p", "online", "full")
    for each in (said, said, replace(said, paper="low"), said):
        rig.do(each)
    heard = [each.paper for each in rig.script.heard if isinstance(each, events.PeripheralState)]
    assert heard == ["full", "low", "full"]
    assert rig.kinds().count("device.state") == 3


def test_every_peripheral_rides_on_the_heartbeat_unknown_until_it_spoke(rig):
    rig.start()
    rig.do(events.PeripheralState("printer", "p", "online", "full"))
    rig.do(events.LinkUp(1), do.SendBatch(0, 0))
    batch = Batch.decode(envelope_decode(rig.outside.taken[-1], 1 << 20).payload)
    named = {STATUS[key]: value for key, value in batch.status.items()}
    assert named["peripherals"] == [["printer", "printer", "online", "full"], ["display", "display", "unknown", ""]]
    assert [each[DEVICE_KEYS["port"]] for each in named["devices"]] == ["printer", "display"]
    assert [each[DEVICE_KEYS["since_mono_ms"]] for each in named["devices"]] == [100_000, 100_000]


def test_a_change_that_the_journal_refused_is_recorded_when_it_is_back(rig):
    rig.start()
    rig.fill()
    before = rig.kinds().count("device.state")
    rig.do(events.PeripheralState("printer", "p", "noDevice"))
    rig.do(events.Tick())
    assert rig.kinds().count("device.state") == before
    rig.full(full=False)
    rig.time_s += 20
    rig.do(events.Tick())
    assert rig.kinds().count("device.state") == before + 1


def test_counts_survive_a_restart_in_the_state_table(rig):
    rig.start()
    rig.do(events.PrintDone(b"j" * 16, "confirmed", paper_mm=120))
    rig.do(events.PeripheralState("printer", "p", "online", "full"))
    again = Devices((("printer", "p"),))
    again.on(events.Started(2, rig.journal.state()), rig.clock.now())
    counts = again.components["printer"].counts
    assert (counts["prints_confirmed"], counts["paper_mm"], counts["worked_ms"]) == (1, 120, rig.clock.now().wall_ms)


def test_a_visit_has_its_own_key_and_the_wipe_clears_the_page(rig):
    rig.start()
    rig.do(events.Touched(1, "start"), do.BeginVisit(), started(), do.Wipe())
    assert "wipe" in rig.outside.taken
    assert rig.agent.sealer._visit is None
    assert rig.kinds()[-1] == "station.started"


def test_a_slip_behind_a_refused_write_was_never_printed_and_is_said_to_have_failed(rig):
    rig.start()
    rig.fill()
    slip = do.Print(b"j" * 16, do.Slip((("text", "x"),)))
    rig.do(events.LinkDown("x"), do.Remember({"pay.jobs": "y" * 20_000}), slip)
    assert events.PrintDone(b"j" * 16, "failed", "not kept on disk") in rig.script.heard


def test_a_disk_that_is_nearly_full_is_said_in_time_and_again_when_there_is_room(tmp_path, fleet):
    rig = Rig(tmp_path, fleet)
    rig.start()
    rig.do(events.Tick())
    assert not [each for each in rig.script.heard if isinstance(each, events.Storage)]
    pages = rig.journal._db.execute("PRAGMA page_count").fetchone()[0]

    def leave(size_bytes: int) -> list[bool]:
        rig.journal._db.execute(f"PRAGMA max_page_count = {pages + size_bytes // 1024}")
        rig.script.heard.clear()
        rig.time_s += 6
        rig.do(events.Tick())
        return [each.full for each in rig.script.heard if isinstance(each, events.Storage)]

    assert leave(ROOM_BYTES - 1024 * 1024) == [True]
    assert rig.agent._status(rig.clock.now())[STATUS_KEYS["stopped"]] == ["storage"]
    assert leave(ROOM_BYTES + 1024 * 1024) == [], "just above the line it does not flap"
    assert leave(ROOM_AGAIN_BYTES + 1024 * 1024) == [False]
    assert rig.agent._status(rig.clock.now())[STATUS_KEYS["stopped"]] == []
    rig.journal.close()


def test_a_journal_that_cannot_say_how_much_room_it_has_has_none(tmp_path, fleet):
    rig = Rig(tmp_path, fleet)
    rig.journal.close()
    assert rig.journal.room_bytes() == 0
