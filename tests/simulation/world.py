"""One fleet in one thread under one seed: real journals, real agents, real accept; a network and a clock that lie.

The seed decides everything: which faults there are, when they strike, and what residents do. Faults come first
(safety), then peace (liveness); `laws.py` judges both.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import logging
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation import forgery
from tests.simulation.devices import PORTS
from tests.simulation.fleet import Fleet
from tests.simulation.persona import Persona
from tests.simulation.station import Station

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.simulation.devices import Devices

OFFICE = 0.05  # of all quarters of a second the office decides something
START_MS = 1_790_000_000_000


@dataclass
class Faults:
    """How hostile this world is; drawn from the seed, all zero in peace."""

    loss: float = 0.0
    doubling: float = 0.0
    delay_max_s: float = 0.05
    link_flap: float = 0.0
    agent_crash: float = 0.0
    server_crash_before_ack: float = 0.0
    server_down: float = 0.0
    restore: float = 0.0
    reimage: float = 0.0
    disk_full: float = 0.0
    disk_low: float = 0.0
    clock_jump: float = 0.0
    printer: float = 0.0
    unplug: float = 0.0
    loose_cable: float = 0.0
    unplug_mid_print: float = 0.0
    card_pulled: float = 0.0
    page_dies: float = 0.0
    replay: float = 0.0
    forge: float = 0.0

    @classmethod
    def draw(cls, rng: random.Random) -> Faults:
        """A mix: each fault is off, rare or common."""

        def some(rare: float, common: float) -> float:
            return rng.choice([0.0, rare, common])

        return cls(
            loss=some(0.05, 0.4),
            doubling=some(0.05, 0.3),
            delay_max_s=rng.choice([0.05, 3.0, 25.0]),
            link_flap=some(0.005, 0.03),
            agent_crash=some(0.002, 0.01),
            server_crash_before_ack=some(0.02, 0.1),
            server_down=some(0.002, 0.01),
            restore=some(0.001, 0.005),
            reimage=some(0.001, 0.005),
            disk_full=some(0.002, 0.01),
            disk_low=some(0.002, 0.01),
            clock_jump=some(0.002, 0.01),
            printer=some(0.02, 0.2),
            unplug=some(0.004, 0.02),
            loose_cable=some(0.001, 0.005),
            unplug_mid_print=some(0.05, 0.2),
            card_pulled=some(0.1, 0.4),
            page_dies=some(0.001, 0.005),
            replay=some(0.01, 0.1),
            forge=some(0.01, 0.05),
        )


class _Ear(logging.Handler):
    """Keeps every line that station and fleet write to their logs."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines
        self._logs = [logging.getLogger(name) for name in ("edge_agent", "device_profiles", "fleet_server")]
        self._levels = [log.level for log in self._logs]

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        self._lines.append(record.getMessage())

    def listen(self) -> None:
        """From now on."""
        for log in self._logs:
            log.addHandler(self)
            log.setLevel(logging.DEBUG)

    def stop(self) -> None:
        """No longer."""
        for log, level in zip(self._logs, self._levels, strict=True):
            log.removeHandler(self)
            log.setLevel(level)


@dataclass
class World:
    """The fleet, its stations, the wire between them, and everything that was ever on that wire."""

    seed: int
    folder: Path
    stations_count: int = 2
    faults: Faults = field(default_factory=Faults)
    time_s: float = 0.0
    wire_bytes: list[bytes] = field(default_factory=list)
    batches: int = 0
    personas: int = 0
    struck: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.lines: list[str] = []
        self._ear = _Ear(self.lines)
        self._ear.listen()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.fleet = Fleet(self.folder / "fleet", self.now_ms)
        self.stations = [Station(self, index) for index in range(self.stations_count)]
        for station in self.stations:
            station.boot()

    def new_persona(self) -> Persona:
        """Somebody who was never here before."""
        self.personas += 1
        return Persona(self.personas)

    def now_ms(self) -> int:
        """True time, UTC milliseconds."""
        return START_MS + int(self.time_s * 1000)

    def later(self, delay_s: float, work: Callable[[], None]) -> None:
        """Run `work` when its time comes."""
        heapq.heappush(self._queue, (self.time_s + delay_s, next(self._order), work))

    def carry(self, data: bytes, deliver: Callable[[bytes], None]) -> None:
        """The network: loses, delays and doubles; remembers every byte."""
        self.wire_bytes.append(data)
        copies = 0 if self._hit("loss") else 1
        copies += self._hit("doubling")
        for _ in range(copies):
            self.later(self.rng.random() * self.faults.delay_max_s, lambda: deliver(data))

    def up(self, station: Station, topic: str, data: bytes) -> None:
        """A station published a batch."""
        self.batches += 1
        if self._hit("forge"):
            forged = self.rng.choice([self.tampered, forgery.batch])(data)
            self.carry(forged, lambda sent: self._at_server(station, topic, sent))
        if self.wire_bytes and self._hit("replay"):
            old = self.rng.choice(self.wire_bytes)
            self.carry(old, lambda again: self._at_server(station, topic, again))
        self.carry(data, lambda sent: self._at_server(station, topic, sent))

    def tampered(self, data: bytes) -> bytes:
        """The same bytes with one changed, cut short, or with a tail."""
        match self.rng.randrange(3):
            case 0:
                at = self.rng.randrange(len(data))
                return data[:at] + bytes([data[at] ^ (1 << self.rng.randrange(8))]) + data[at + 1 :]
            case 1:
                return data[: self.rng.randrange(len(data))]
            case _:
                return data + b"\x00"

    def _at_server(self, station: Station, topic: str, data: bytes) -> None:
        if not self.fleet.up:
            return
        ack = self.fleet.accept(topic, data)
        if self._hit("server_crash_before_ack"):
            self.fleet.crash()  # committed, and nobody was told
            return
        if ack is not None:
            if self._hit("forge"):
                self.carry(self.rng.choice([self.tampered, forgery.ack])(ack), station.hear_ack)
            if self._hit("replay"):
                self.carry(self.rng.choice(self.wire_bytes), station.hear_ack)
            self.carry(ack, station.hear_ack)

    def step(self, step_s: float = 0.25) -> None:
        """Let a little time pass."""
        self.time_s += step_s
        gc.freeze()  # a wipe collects garbage: all that this process holds for its tests is not looked through again
        while self._queue and self._queue[0][0] <= self.time_s:
            heapq.heappop(self._queue)[2]()
        self._strike()
        for station in self.stations:
            station.turn()
        self.fleet.turn()

    def _hit(self, fault: str) -> bool:
        """Whether this fault strikes now; counted."""
        hit = self.rng.random() < getattr(self.faults, fault)
        self.struck[fault] += hit
        return hit

    def _strike(self) -> None:
        """Draw this step's faults."""
        rng = self.rng
        if self.fleet.up and self._hit("server_down"):
            self.fleet.stop()
            self.later(rng.random() * 60, self.fleet.start)
        if self.fleet.up and self._hit("restore"):
            self.fleet.restore()
        if self.fleet.up and rng.random() < 0.01:
            self.fleet.backup()
        if self.fleet.up and rng.random() < OFFICE:
            self.fleet.decide(rng.random())
        for station in self.stations:
            if self._hit("link_flap"):
                station.link.flap(rng.random() * 40)
            if self._hit("agent_crash"):
                station.crash(torn=rng.random() < 0.5)
            if self._hit("reimage"):
                station.reimage()
            if self._hit("disk_full"):
                station.fill_disk(rng.random() * 30)
            if self._hit("disk_low"):
                station.crowd_disk(rng.random() * 60)
            if self._hit("clock_jump"):
                station.jump_clock(rng.choice([-(10**12), -3_600_000, 0, 3_600_000, 10**12]))
            self._strike_devices(station.devices)

    def _strike_devices(self, devices: Devices) -> None:
        """Cables and browsers."""
        rng = self.rng
        if self._hit("unplug"):
            port = rng.choice(PORTS)
            devices.plug(port, plugged=False)
            self.later(rng.random() * 40, lambda: devices.plug(port, plugged=True))
        if self._hit("loose_cable"):
            devices.loosen(rng.choice(PORTS), rng.randrange(4, 80))
        if self._hit("page_dies"):
            devices.open_page(alive=False)
            self.later(rng.random() * 200, lambda: devices.open_page(alive=True))

    def run(self, seconds: float) -> None:
        """Let faults rage for so long."""
        end = self.time_s + seconds
        while self.time_s < end:
            self.step()

    def peace(self, limit_s: float = 900.0) -> None:
        """No more faults and no more visits: everything must arrive. Raises AssertionError when it does not settle."""
        self.faults = Faults()
        for station in self.stations:
            station.rest()
        if not self.fleet.up:
            self.fleet.start()
        end = self.time_s + limit_s
        while self.time_s < end:
            self.step(1.0)
            if all(self.fleet.holds(station) for station in self.stations if not station.outcast):
                break
        for _ in range(420):  # longer than a payment code stays on a screen that nobody touches
            self.step(1.0)
        self.fleet.open_all()

    def close(self) -> None:
        """Close every file."""
        self._ear.stop()
        gc.unfreeze()
        for station in self.stations:
            station.close()
        self.fleet.close()


def disk_bytes(folder: Path) -> bytes:
    """Everything that stands in a folder, file after file."""
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())
