"""What a station costs its processor when nobody comes: the real agent with all its peripherals, served and left alone.

Simulated reader, scanner and printer behind their real worker threads, the ear for USB plugs, a page that beats every
two seconds as the browser's does, a heartbeat to a real fleet server. Beside it, in the same seconds, the floor: an
interpreter that waits at a queue and wakes as often as the hand does. Counted are ticks of the processor (user and
system) and the times a thread went to sleep by itself, which is how often the process woke.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import processes
from bench.fleet import Fleet, free_port
from bench.person import Person
from bench.rows import Row, ratios, row
from edge_agent.__main__ import TICK_S

if TYPE_CHECKING:
    from collections.abc import Iterator

# rounds, and seconds of each
COUNTS = {"full": (3, 20.0), "quick": (2, 8.0), "smoke": (1, 2.0)}
SETTLE_S = 3.0  # first records and their exchange
BEAT_S = 2.0
_FLOOR = (
    f"import queue\nwaits = queue.Queue()\nwhile True:\n try: waits.get(timeout={TICK_S})\n except queue.Empty: pass"
)
_HERTZ = os.sysconf("SC_CLK_TCK")


def measure(size: str, folder: Path) -> list[Row]:
    rounds, seconds = COUNTS[size]
    with _station(folder) as (agent, page), floor() as least:
        page.beats(SETTLE_S)
        seen = [one_round((agent, least), page, seconds) for _ in range(rounds)]
    used = {"ours": [one for one, _ in seen], "floor": [other for _, other in seen]}
    shares = ratios([each.wakings for each in used["ours"]], [each.wakings for each in used["floor"]])
    # No ratio of processor time: the floor's is often less than the kernel counts in a round.
    found = [row("wakings of the agent at rest / of the floor", "ratio", "×", shares, rounds)]
    for kind, name in (("ours", "agent at rest, all peripherals there"), ("floor", "interpreter that waits likewise")):
        found += [
            row(f"{name}: processor", kind, "% of core", [each.percent for each in used[kind]], rounds),
            row(f"{name}: wakings of all threads", kind, "1/s", [each.wakings for each in used[kind]], rounds),
            row(f"{name}: threads", "part", "threads", [float(each.threads) for each in used[kind]], rounds),
        ]
    return found


class _Used:
    """What one process used in one round."""

    def __init__(self, before: tuple[int, int, int], after: tuple[int, int, int], seconds: float) -> None:
        self.percent = 100 * (after[0] - before[0]) / _HERTZ / seconds
        self.wakings = (after[1] - before[1]) / seconds
        self.threads = after[2]


class Page:
    """The page of the browser: it follows the screens, and beats for the one it shows."""

    def __init__(self, person: Person, connection: http.client.HTTPConnection, seen: dict[str, Any]) -> None:
        self._person, self._connection = person, connection
        self.seen = seen  # the screen that it shows

    def beats(self, seconds: float) -> None:
        """Live for so long."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            while self._beat() == HTTPStatus.CONFLICT:  # another screen is on its way
                self.seen = self._person.see()
            time.sleep(min(BEAT_S, left_s))

    def _beat(self) -> int:
        body = json.dumps({"screen": self.seen["number"]})
        self._connection.request("POST", "/beat", body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        reply.read()
        assert reply.status in (HTTPStatus.NO_CONTENT, HTTPStatus.CONFLICT)
        return reply.status


def one_round(pids: tuple[int, int], page: Page, seconds: float) -> tuple[_Used, _Used]:
    before, begun = [_now(pid) for pid in pids], time.monotonic()
    page.beats(seconds)
    took = time.monotonic() - begun
    ours, theirs = (_Used(old, _now(pid), took) for old, pid in zip(before, pids, strict=True))
    return ours, theirs


def _now(pid: int) -> tuple[int, int, int]:
    """proc(5): ticks of user and system time of the whole process; its threads' voluntary switches; their number."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    switches = [
        int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text(encoding="utf-8").splitlines()
        if line.startswith("voluntary_ctxt_switches")
    ]
    return int(fields[11]) + int(fields[12]), sum(switches), len(switches)


@contextmanager
def _station(folder: Path) -> Iterator[tuple[int, Page]]:
    """A served station beside its fleet server: the agent's pid, and its page."""
    fleet = Fleet.make(folder / "fleet")
    station = folder / "K0001"
    fleet.enrol("K0001", station)
    console_port, port = free_port(), free_port()
    (fleet.server / "server.toml").write_text(
        f"broker_port = {fleet.broker_port}\nface_port = {fleet.face_port}\nconsole_port = {console_port}\n",
        encoding="utf-8",
    )
    serve, log = [sys.executable, "-m", "fleet_server", "serve", str(fleet.server)], folder / "server.log"
    run = [sys.executable, "-m", "edge_agent", "run", str(station), "--screen-port", str(port)]
    with processes.running(serve, log) as server:
        processes.wait_served(server, console_port, "/healthz", log)
        with processes.running(run, folder / "agent.log") as agent:
            processes.wait_served(agent, port, "/", folder / "agent.log")
            page = http.client.HTTPConnection("127.0.0.1", port, timeout=20.0)
            with closing(Person(port)) as person, closing(page):
                screen = person.wait_ready(person.look())
                yield agent.pid, Page(person, page, screen)


@contextmanager
def floor() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", _FLOOR]) as process:
        try:
            yield process.pid
        finally:
            process.kill()
