"""What the agent weighs and how soon it serves: the real process, enrolled, with a real fleet server beside it.

Three starts give the time until the page is served and the memory at rest, with the page open and after a slip; the
last one goes on to many visits, each paid and printed. Floors of the same run: a bare interpreter, and one that has
only imported what the agent imports at its start. All have the environment of the unit that runs the agent.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import processes
from bench.fleet import Fleet, free_port, units
from bench.person import Person
from bench.rows import Goal, Row, row

if TYPE_CHECKING:
    from bench.processes import Memory

# starts, visits after the last one
COUNTS = {"full": (3, 100), "quick": (2, 10), "smoke": (1, 2)}
SETTLE_S = 1.0
STEADY_MB, HARD_MB = 40.0, 60.0
_BARE = "import sys; sys.stdin.read()"
_IMPORTED = f"import edge_agent.__main__, starlette.applications, uvicorn; {_BARE}"
UNIT = Path(__file__).parents[1] / "systemd" / "kiosk-agent.service"
RUN_FOLDER = "/run/kiosk-agent"  # the unit's own; here a folder of the bench stands for it
STAGES = ("served", "page open", "first slip", "all visits")


@dataclass(slots=True)
class _Seen:
    """What all starts showed."""

    served_s: list[float] = field(default_factory=list)
    visit_s: list[float] = field(default_factory=list)
    memory: dict[str, list[Memory]] = field(default_factory=lambda: {stage: [] for stage in STAGES})

    def note(self, stage: str, pid: int) -> None:
        time.sleep(SETTLE_S)  # what a stage allocates for a moment is not what stays; the peak is noted beside it
        self.memory[stage].append(processes.memory(pid))


def measure(size: str, folder: Path) -> list[Row]:
    starts, visits = COUNTS[size]
    fleet = Fleet.make(folder / "fleet")
    station = folder / "K0001"
    fleet.enrol("K0001", station)
    console_port = free_port()
    (fleet.server / "server.toml").write_text(
        f"broker_port = {fleet.broker_port}\nface_port = {fleet.face_port}\nconsole_port = {console_port}\n",
        encoding="utf-8",
    )
    seen, waiting = _Seen(), units()
    environment = os.environ | unit_environment(folder)
    floors = {
        name: [_floor(code, environment) for _ in range(starts)]
        for name, code in (("bare", _BARE), ("imports", _IMPORTED))
    }
    command, log = [sys.executable, "-m", "fleet_server", "serve", str(fleet.server)], folder / "server.log"
    with processes.running(command, log) as server:
        processes.wait_served(server, console_port, "/healthz", log)
        for number in range(starts):
            last = number == starts - 1
            theirs = [waiting.pop() for _ in range(visits if last else 1)]
            _start(station, seen, theirs, folder / f"agent-{number}.log", environment)
        server_memory = processes.memory(server.pid)
    return _rows(seen, floors, server_memory)


def unit_environment(folder: Path) -> dict[str, str]:
    """What the agent's unit sets (systemd.exec(5), Environment=)."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    pairs = [each for line in lines if line.startswith("Environment=") for each in shlex.split(line.partition("=")[2])]
    found = dict(each.split("=", 1) for each in pairs)
    return {name: value.replace(RUN_FOLDER, str(folder)) for name, value in found.items()}


def _floor(code: str, environment: dict[str, str]) -> Memory:
    """The memory of an interpreter that has run `code` and waits."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        before = None
        while (now := processes.memory(process.pid)) != before:  # until it has stopped growing
            before = now
            time.sleep(SETTLE_S / 2)
        process.stdin.close()
    return now


def _start(station: Path, seen: _Seen, waiting: list[str], log: Path, environment: dict[str, str]) -> None:
    """One life of the agent: served, page open, first slip, and the other visits."""
    port = free_port()
    begun = time.perf_counter()
    command = [sys.executable, "-m", "edge_agent", "run", str(station), "--screen-port", str(port)]
    with processes.running(command, log, environment) as agent:
        processes.wait_served(agent, port, "/", log)
        seen.served_s.append(time.perf_counter() - begun)
        seen.note("served", agent.pid)
        person = Person(port)
        screen = person.wait_ready(person.look())
        seen.note("page open", agent.pid)
        for number, unit in enumerate(waiting):
            came_s = time.perf_counter()
            screen = person.visit(screen, unit)
            seen.visit_s.append(time.perf_counter() - came_s)
            if number == 0:
                seen.note("first slip", agent.pid)
        if len(waiting) > 1:
            seen.note("all visits", agent.pid)
        person.close()


def _rows(seen: _Seen, floors: dict[str, list[Memory]], server: Memory) -> list[Row]:
    starts = len(seen.served_s)
    visits = len(seen.visit_s)
    bare = [each.resident for each in floors["bare"]]
    imports = [each.resident for each in floors["imports"]]
    found = [
        row("start until the page is served", "ours", "s", seen.served_s, starts),
        row("one visit, paid and printed, without a pause", "ours", "s", seen.visit_s, visits),
        row("bare interpreter", "floor", "MB", bare, starts),
        row("interpreter with the agent's imports", "floor", "MB", imports, starts),
        row("fleet server beside it, resident", "part", "MB", [server.resident], 1),
    ]
    goals = {"served": Goal("most", STEADY_MB), "page open": Goal("most", STEADY_MB)}
    for stage, rounds in seen.memory.items():
        if not rounds:
            continue
        counted = visits - starts + 1 if stage == "all visits" else len(rounds)
        words = f"after {counted} visits" if stage == "all visits" else stage
        goal = goals.get(stage, Goal("most", HARD_MB))
        found += [
            row(f"agent, {words}: resident", "ours", "MB", [each.resident for each in rounds], counted, goal),
            row(f"agent, {words}: highest", "ours", "MB", [each.highest for each in rounds], counted),
            row(f"agent, {words}: private", "ours", "MB", [each.private for each in rounds], counted),
        ]
    resident = [each.resident for each in seen.memory["page open"]]
    shares = [one / other for one, other in zip(resident, bare, strict=True)]
    return [row("agent with its page open / bare interpreter", "ratio", "×", shares, starts), *found]
