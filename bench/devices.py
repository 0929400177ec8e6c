"""The agent with real drivers: what it costs when nobody comes, and its memory once it has read a card.

A shipped lobby model: pcscd with a virtual reader and a virtual chip on it, a serial scanner that is a pseudo-terminal,
a network printer on loopback. Beside the agent, in the same seconds, the floor of `idle`. Not shown: what a real bus, a
real reader or a real network costs; pcscd's own time (it is another process).
"""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import processes
from bench.agent import HARD_MB, STEADY_MB, unit_environment
from bench.fleet import Fleet, free_port
from bench.idle import COUNTS, SETTLE_S, Page, floor, one_round
from bench.person import Person
from bench.rows import Goal, Row, ratios, row
from edge_agent.drivers.reader.virtual_chip import persona
from tests.twins.pcscd import Pcscd
from tests.twins.printer import PrinterTwin
from tests.twins.scanner import SerialTwin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.processes import Memory

PROFILE = "lobby-80mm"
PROGRAMS = {"pcscd": "pcscd vsmartcard-vpcd", "unshare": "util-linux"}
SEED = 7
# The agent as it is started, but that the model's scanner is at a fixed node.
_LAUNCH = """
import sys
from dataclasses import replace
import edge_agent.__main__ as agent
from device_profiles.profile import Match

shipped = agent.load_shipped

def model(name):
    found = shipped(name)
    at_node = {"match": Match(), "settings": {"node": sys.argv[1]}}
    devices = tuple(replace(each, **at_node) if each.port == "scanner" else each for each in found.peripherals)
    return replace(found, peripherals=devices)

agent.load_shipped = model
sys.exit(agent.main(sys.argv[2:]))
"""


class NotInstalled(Exception):
    """A program that stands for a device is missing; the words name its package."""


def measure(size: str, folder: Path) -> list[Row]:
    for program, packages in PROGRAMS.items():
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            raise NotInstalled(f"{program} is not here: install {packages} (./station test does)")
    rounds, seconds = COUNTS[size]
    with _station(folder) as station, floor() as least:
        station.page.beats(SETTLE_S)
        station.check()
        before, begun = station.printer_heard(), time.monotonic()
        seen = [one_round((station.agent, least), station.page, seconds) for _ in range(rounds)]
        heard = (station.printer_heard() - before) / (time.monotonic() - begun)
        memory = {"at rest": processes.memory(station.agent)}
        memory |= station.read_card()
    used = {"ours": [one for one, _ in seen], "floor": [other for _, other in seen]}
    shares = ratios([each.wakings for each in used["ours"]], [each.wakings for each in used["floor"]])
    found = [row("wakings of the agent with real drivers / of the floor", "ratio", "×", shares, rounds)]
    for kind, name in (("ours", "agent at rest, real drivers"), ("floor", "interpreter that waits likewise")):
        found += [
            row(f"{name}: processor", kind, "% of core", [each.percent for each in used[kind]], rounds),
            row(f"{name}: wakings of all threads", kind, "1/s", [each.wakings for each in used[kind]], rounds),
            row(f"{name}: threads", "part", "threads", [float(each.threads) for each in used[kind]], rounds),
        ]
    found.append(row("asked of the idle printer", "part", "B/s", [heard], 1))
    for stage, each in memory.items():
        goal = Goal("most", STEADY_MB if stage == "at rest" else HARD_MB)
        found += [
            row(f"agent, {stage}: resident", "ours", "MB", [each.resident], 1, goal),
            row(f"agent, {stage}: highest", "ours", "MB", [each.highest], 1),
            row(f"agent, {stage}: private", "ours", "MB", [each.private], 1),
        ]
    return found


class _Station:
    """A served station with its devices."""

    def __init__(
        self, agent: int, person: Person, page: Page, pcscd: Pcscd, printer: PrinterTwin, scanner: SerialTwin
    ) -> None:
        self.agent, self.page = agent, page
        self._person, self._pcscd, self._printer, self._scanner = person, pcscd, printer, scanner

    def check(self) -> None:
        """Each device is served; that the reader is, `read_card` shows."""
        opened = {os.path.realpath(each) for each in Path(f"/proc/{self.agent}/fd").iterdir()}
        assert os.path.realpath(self._scanner.node) in opened
        assert self._printer.heard_bytes

    def printer_heard(self) -> int:
        return self._printer.heard_bytes

    def read_card(self) -> dict[str, Memory]:
        """A resident shows a card; the memory while its words are on the screen, and when it is forgotten."""
        chip, screen, found = persona(SEED), self.page.seen, dict[str, processes.Memory]()
        self._person.touch(screen["number"], "start", "vi")
        screen = self._person.see_until("home")
        self._person.touch(screen["number"], "group", "lookup")
        screen = self._person.see_until("group")
        self._person.touch(screen["number"], "service", "id_card_check")
        screen = self._person.see_until("card_key")
        for digit in chip.can:
            self._person.touch(screen["number"], "key", digit)
        self._person.touch(screen["number"], "next")
        self._person.see_until("card_wait")
        card = [sys.executable, "-m", "tests.twins.vpcd_card", f'{{"seed": {SEED}}}']
        self._pcscd.insert_program(0, *card)
        screen = self._person.see_until("card_shown")
        time.sleep(SETTLE_S / 3)
        found["a card shown"] = processes.memory(self.agent)
        self._person.touch(screen["number"], "end")
        self._person.see_until("idle")
        time.sleep(SETTLE_S / 3)
        found["the card forgotten"] = processes.memory(self.agent)
        return found


@contextmanager
def _station(folder: Path) -> Iterator[_Station]:
    """A served station beside its fleet server, each of its devices online."""
    fleet = Fleet.make(folder / "fleet")
    station = folder / "K0001"
    fleet.enrol("K0001", station, PROFILE)
    console_port, port = free_port(), free_port()
    (fleet.server / "server.toml").write_text(
        f"broker_port = {fleet.broker_port}\nface_port = {fleet.face_port}\nconsole_port = {console_port}\n",
        encoding="utf-8",
    )
    serve, log = [sys.executable, "-m", "fleet_server", "serve", str(fleet.server)], folder / "server.log"
    with ExitStack() as stack:
        pcscd = stack.enter_context(closing(Pcscd().start()))
        printer = stack.enter_context(PrinterTwin())
        scanner = SerialTwin(folder)
        stack.callback(lambda: scanner.plug(plugged=False))
        (station / "agent.toml").write_text(f'printer_address = "127.0.0.1:{printer.port}"\n', encoding="utf-8")
        server = stack.enter_context(processes.running(serve, log))
        processes.wait_served(server, console_port, "/healthz", log)
        run = [sys.executable, "-c", _LAUNCH, os.path.realpath(scanner.node), "run", str(station)]
        environment = os.environ | unit_environment(folder) | {"PCSCLITE_CSOCK_NAME": str(pcscd.address)}
        run += ["--screen-port", str(port)]
        agent = stack.enter_context(processes.running(run, folder / "agent.log", environment))
        processes.wait_served(agent, port, "/", folder / "agent.log")
        person = stack.enter_context(closing(Person(port)))
        screen = person.wait_ready(person.look())
        beats = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20.0)))
        yield _Station(agent.pid, person, Page(person, beats, screen), pcscd, printer, scanner)
