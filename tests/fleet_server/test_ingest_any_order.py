"""accept under any mix of send, lose, repeat, reorder, restore and clone: each record once, or apart with an alarm."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from fleet_server.store_sqlite import SqliteStore
from tests.fleet_server.station_bed import T0, Sender, logged, open_fleet, refusals, register, send

if TYPE_CHECKING:
    from pathlib import Path

    from device_profiles import wire
    from fleet_server.ingest import Message

TURNS = ("write", "send", "send", "send", "lose", "late", "again", "restore", "backup", "clone")


@dataclass
class Kiosk:
    """A station that follows the Acks it gets, as the sync machine does: the cursor is the Ack's word."""

    sender: Sender
    cursor: int = 0
    late: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    def message(self, count_max: int) -> Message:
        return self.sender.batch(self.cursor, min(len(self.sender.records) - self.cursor, count_max))

    def heard(self, ack: wire.Ack | None, message: Message) -> None:
        if ack is not None and ack.batch_hash == hashlib.sha256(message.data).digest():
            self.cursor = min(ack.next, len(self.sender.records))


class World:
    """One fleet, one card that may be cloned once, and a seed that decides everything."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.draw = random.Random(seed)
        self.path = folder / "fleet.db"
        self.fleet = open_fleet(folder)
        self.kiosks = [Kiosk(Sender())]
        self.saved: bytes | None = None
        register(self.fleet, self.kiosks[0].sender)

    def turn(self) -> None:
        kiosk = self.draw.choice(self.kiosks)
        getattr(self, self.draw.choice(TURNS))(kiosk)

    def deliver(self, kiosk: Kiosk, message: Message, lost: float) -> None:
        ack = send(self.fleet, message)
        if self.draw.random() >= lost:
            kiosk.heard(ack, message)

    def write(self, kiosk: Kiosk) -> None:
        if self.draw.random() < 0.3:
            kiosk.sender.begin_visit()
        kiosk.sender.fill(len(kiosk.sender.records) + self.draw.randint(1, 12))

    def send(self, kiosk: Kiosk) -> None:
        message = kiosk.message(self.draw.choice((0, 1, 4, 9)))
        kiosk.sent.append(message)
        self.deliver(kiosk, message, lost=0.3)

    def lose(self, kiosk: Kiosk) -> None:
        kiosk.late.append(kiosk.message(9))

    def late(self, kiosk: Kiosk) -> None:
        if kiosk.late:
            self.deliver(kiosk, kiosk.late.pop(self.draw.randrange(len(kiosk.late))), lost=0.5)

    def again(self, kiosk: Kiosk) -> None:
        if kiosk.sent:
            self.deliver(kiosk, self.draw.choice(kiosk.sent), lost=0.5)

    def backup(self, _: Kiosk) -> None:
        self.fleet.close()
        self.saved = self.path.read_bytes()
        self.fleet = SqliteStore.open(self.path)

    def restore(self, _: Kiosk) -> None:
        if self.saved is not None:
            self.fleet.close()
            self.path.write_bytes(self.saved)
            self.fleet = SqliteStore.open(self.path)
            self.fleet.run(lambda store: store.new_lineage(T0))

    def clone(self, kiosk: Kiosk) -> None:
        if len(self.kiosks) == 1 and self.draw.random() < 0.3:
            twin = kiosk.sender.clone()
            twin.begin_visit()
            self.kiosks.append(Kiosk(twin))

    def peace(self) -> None:
        for _ in range(30):
            for kiosk in self.kiosks:
                self.deliver(kiosk, kiosk.message(0), lost=0)
                self.deliver(kiosk, kiosk.message(20), lost=0)


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_every_record_is_in_the_log_once_or_apart_with_an_alarm(tmp_path, seed):
    world = World(tmp_path, seed)
    for _ in range(120):
        world.turn()
    world.peace()
    first = world.kiosks[0].sender
    in_log = logged(world.fleet, first)
    apart = {row.record for row in world.fleet.side(limit=10_000)}
    written = [kiosk.sender.records for kiosk in world.kiosks]
    assert all(record in in_log or record in apart for each in written for record in each)
    assert {*in_log, *apart} <= {record for each in written for record in each}
    assert not apart & set(in_log)
    if len(written) == 1:
        assert in_log == first.records
        assert world.fleet.device(first.device).status == "ACTIVE"
    elif not any(each == other[: len(each)] for each, other in (written, written[::-1])):
        assert world.fleet.device(first.device).status == "QUARANTINED"
        assert refusals(world.fleet)["equivocation"] >= 1
        assert apart
    world.fleet.close()
