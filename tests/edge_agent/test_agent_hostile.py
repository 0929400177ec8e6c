"""A whole station against damaged disks, wrong clocks, old words and drivers that say anything."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from device_profiles.profile import load_shipped
from device_profiles.wire import BATCH_MAX_BYTES, REVOKED, Ack, Batch, envelope_decode
from edge_agent import boot, events
from edge_agent import effects as do
from edge_agent.clock import SIGNED, Clock
from edge_agent.journal import Journal, JournalFault
from edge_agent.sets import Sets
from tests.small_fleet import NOW_MS


@dataclass
class Outside:
    """Link, display and HTTPS worker at once, and the clocks."""

    mono_s: float = 100.0
    wall_s: float = NOW_MS / 1000
    sent: list[bytes] = field(default_factory=list)

    def publish(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    def show(self, screen) -> None:
        pass

    def wipe(self) -> None:
        pass

    def send(self, errand) -> bool:
        return True


class Rig:
    """A station booted from a folder, as `python -m edge_agent run` does it, without its threads."""

    def __init__(self, folder, fleet, outside: Outside | None = None, epoch: int = 1) -> None:
        self.fleet, self.out = fleet, outside or Outside()
        who: Any = SimpleNamespace(
            device=fleet.device,
            epoch=epoch,
            station="K0001",
            title="Sảnh A",
            address="Phường Bình Trưng",
            profile="simulated",
            key=fleet.station,
            trust=fleet.trust,
            counter_from=0,
            counter_to=1000,
            time_floor_ms=NOW_MS - 1000,
            rev_floor=0,
        )
        out = self.out
        self.clock = Clock(who.time_floor_ms, lambda: out.mono_s, lambda: out.wall_s, lambda: False)
        around: Any = {"link": out, "display": out, "errands": out, "printer": None, "clock": self.clock}
        surroundings = boot.Surroundings(**around, random_bytes=secrets.token_bytes, jitter=lambda: 0.5)
        self.agent = boot.assemble(folder, who, load_shipped("simulated"), surroundings, 60.0, "0.1.0")
        self.do(events.LinkUp(1))

    def do(self, event) -> None:
        self.agent.handle(event, self.clock.now())

    def wait(self, seconds: float) -> None:
        self.out.mono_s += seconds
        self.out.wall_s += seconds
        self.do(events.Tick())

    def ack(self, **said) -> bytes:
        """The fleet's Ack of the newest batch, which it took."""
        batch = Batch.decode(envelope_decode(self.out.sent[-1], BATCH_MAX_BYTES).payload)
        usual = {
            "device": batch.device,
            "epoch": batch.epoch,
            "journal": batch.journal,
            "next": batch.first + len(batch.records),
            "digest": batch.head,
            "durable_next": 0,
            "time_ms": int(self.out.wall_s * 1000),
            "lineage": b"L" * 16,
            "batch_hash": hashlib.sha256(self.out.sent[-1]).digest(),
            "verdict": 0,
            "retry_after_s": 0,
            "admit": 100,
        }
        return self.fleet.say("ack", Ack(**(usual | said)).encode())

    def hear(self, data: bytes) -> None:
        self.do(events.Received("ack", data))


@pytest.fixture
def served(tmp_path, fleet) -> Rig:
    """A station that has written and sent some dozens of records."""
    rig = Rig(tmp_path, fleet)
    rig.hear(rig.ack())
    for _ in range(40):
        rig.agent._perform_all([do.Append("station.started", {"version": "x", "boot": 1})], rig.clock.now())
        rig.wait(2)
        rig.hear(rig.ack())
    assert rig.agent.journal.state()["sync.ack"][0] > 40
    return rig


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_new_journal_is_sent_from_its_own_beginning(tmp_path, served, epoch):
    """What the fleet held of the damaged (or earlier enrolled) one is told once and says nothing about the new one."""
    served.agent.journal.close()
    if epoch == 1:
        with sqlite3.connect(tmp_path / "journal.db") as db:
            db.execute("DELETE FROM record WHERE seq = 7")
        db.close()
    again = Rig(tmp_path, served.fleet, Outside(served.out.mono_s, served.out.wall_s), epoch)
    assert again.agent.journal.journal != served.agent.journal.journal
    again.hear(again.ack())
    batch = Batch.decode(envelope_decode(again.out.sent[-1], BATCH_MAX_BYTES).payload)
    assert (batch.first, batch.ack_seen is None or batch.ack_seen[0]) == (0, 0)
    assert len(batch.records) == again.agent.journal.next


def test_what_a_damaged_journal_still_said_survives_a_start_that_is_cut_short(tmp_path, served, monkeypatch):
    def cut(_self, _values):
        raise KeyboardInterrupt

    served.agent.journal.remember({"pay.bills": [[b"b" * 8, b"t" * 16, "open"]], "sync.stopped": "rolled_back"})
    served.agent.journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("DELETE FROM record WHERE seq = 7")
    db.close()
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "remember", cut)
            with pytest.raises(KeyboardInterrupt):
                Rig(tmp_path, served.fleet)
    again = Rig(tmp_path, served.fleet)
    assert again.agent.journal.state()["pay.bills"] == [[b"b" * 8, b"t" * 16, "open"]]
    assert again.agent._stopped == {"rolled_back"}
    assert {each.name for each in tmp_path.glob("journal-*.db")} == {"journal-broken-1.db"}


def test_a_damaged_value_of_the_state_table_does_not_keep_the_station_from_starting(tmp_path, served, caplog):
    served.agent.journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE state SET value = x'ffff' WHERE name = 'boot'")
    db.close()
    again = Rig(tmp_path, served.fleet)
    assert again.agent.journal.journal == served.agent.journal.journal
    assert again.agent.journal.state()["sync.ack"]
    assert "boot in the state table is damaged" in caplog.text


def test_a_replayed_ack_neither_holds_the_clock_back_nor_makes_it_trusted(tmp_path, served):
    newest = served.ack()
    served.hear(newest)
    began_ms = served.clock.trusted_ms()
    for _ in range(20):
        served.wait(60)
        served.hear(newest)
    assert served.clock.trusted_ms() == began_ms + 20 * 60_000
    served.agent.journal.close()
    again = Rig(tmp_path, served.fleet, Outside(5.0, served.out.wall_s + 20 * 3600))
    again.hear(newest)
    assert again.clock.now().quality != SIGNED


def test_an_ack_that_was_held_back_does_not_set_the_clock(tmp_path, fleet):
    rig = Rig(tmp_path, fleet)
    late = rig.ack()
    rig.out.mono_s += 31
    rig.hear(late)
    assert rig.clock.now().quality != SIGNED


def test_a_clock_past_2100_does_not_end_the_station(tmp_path, fleet):
    rig = Rig(tmp_path, fleet, Outside(wall_s=5e9))
    rig.wait(1)
    assert rig.out.sent


@pytest.mark.parametrize("detail", ["4111 1111 1111 1111 is silent", "hỏng e\u0302", "\udc80 broken", "x" * 999])
def test_whatever_a_driver_says_of_its_device_is_recorded_or_left_out(tmp_path, fleet, detail):
    rig = Rig(tmp_path, fleet)
    before = rig.agent.journal.next
    rig.do(events.PeripheralState("printer", "simulated", "offline", detail=detail))
    assert rig.agent.journal.next == before + 1


def test_a_revoked_station_stays_so_though_the_disk_was_full_when_it_was_told(served, monkeypatch):
    def full(_values):
        raise JournalFault("disk full")

    served.wait(700)
    monkeypatch.setattr(served.agent.journal, "remember", full)
    served.hear(served.ack(verdict=REVOKED))
    monkeypatch.undo()
    served.wait(20)
    assert served.agent._stopped == {"revoked"}
    assert served.agent.journal.state()["sync.stopped"] == "revoked"


def test_a_list_of_another_building_does_not_come_back_at_the_next_start(tmp_path):
    sets = Sets(tmp_path / "sets")
    for name in ("bills/a", "bills/b", "texts"):
        sets.store(name, name.encode())
    assert {each.read_bytes() for each in (tmp_path / "sets").glob("*.cose")} == {b"bills/b", b"texts"}


def test_a_signal_while_the_hand_holds_the_inbox_ends_the_station_and_does_not_hang_it():
    code = (
        "import signal; signal.alarm(10); from edge_agent.__main__ import Inbox; inbox = Inbox()\n"
        "with inbox._queue.mutex: inbox.end()\n"
        "assert inbox.take() is None"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
