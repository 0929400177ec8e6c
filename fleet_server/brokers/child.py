"""Supervises one child process: start, readiness, log, restart with back-off, end. Knows nothing of MQTT.

One thread owns the child: it starts it, reads its output line by line into a bounded log, and starts it anew when it
ends. The kernel kills the child when that thread ends, however it ends, so no broker is ever orphaned.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_server.broker import BrokerError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from fleet_server.broker import BrokerSettings

LOG_MAX_BYTES = 4 * 1024 * 1024  # one file and one older one: a noisy client cannot fill the disk
LINE_MAX_BYTES = 4096
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
STEADY_S = 60.0  # who lived this long starts again from the shortest wait
WAIT_FIRST_S, WAIT_MAX_S = 0.1, 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and how to read it.

    prepare: called before each start (writes files, empties the store). ready: a line that says "I listen now".
    sick: a line after which only a restart mends it, or None.
    """

    name: str
    argv: tuple[str, ...]
    folder: Path
    prepare: Callable[[], None]
    ready: re.Pattern[bytes]
    sick: re.Pattern[bytes] | None = None


class _Log:
    """The child's words on disk: the newest LOG_MAX_BYTES and as much before them. A full disk costs lines, no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._file.tell() > LOG_MAX_BYTES:
                self._file.close()
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._file = self._path.open("ab", buffering=0)
            self._file.write(line)

    def close(self) -> None:
        self._file.close()


class Child:
    """One child process that is kept alive until `stop`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._deaths = 0
        self._awaited: re.Pattern[bytes] | None = None
        self._answer: bytes | None = None
        self._tail: deque[bytes] = deque(maxlen=20)

    @property
    def pid(self) -> int | None:
        """Process id, None while there is no child."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def deaths(self) -> int:
        """How often it ended by itself since `start`."""
        return self._deaths

    def alive(self) -> bool:
        """Whether it runs and has said that it is ready."""
        return self._ready

    def start(self) -> None:
        """Start it and wait until it is ready. Raises BrokerError with its last words if it is not."""
        self._stopping.clear()
        self._deaths = 0
        self._thread = threading.Thread(target=self._supervise, name=f"{self._plan.name}-child", daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._deaths, START_TIMEOUT_S)
            if self._ready:
                return
        self.stop()
        words = b"".join(self._tail).decode(errors="replace").strip()
        raise BrokerError(f"{self._plan.name} did not start; its last words (all: {self.log_file}):\n{words}")

    @property
    def log_file(self) -> Path:
        """Where its output goes."""
        return self._plan.folder / "broker.log"

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait for a child that is ready; False when there is none in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ready, timeout_s)

    def ask(self, signal: int, answer: re.Pattern[bytes] | None, timeout_s: float) -> bytes | None:
        """Send a signal and wait for a line that matches `answer`; None when it died or kept silent."""
        with self._changed:
            process, deaths = self._process, self._deaths
            if process is None or not self._ready:
                return None
            self._awaited, self._answer = answer, None
            process.send_signal(signal)
            if answer is None:
                return b""
            self._changed.wait_for(lambda: self._answer is not None or self._deaths != deaths, timeout_s)
            self._awaited = None
            return self._answer

    def stop(self) -> None:
        """End it, by force after STOP_TIMEOUT_S. Never raises."""
        self._stopping.set()
        thread = self._thread
        if thread is None:
            return
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while thread.is_alive():
            process = self._process
            if process is not None:
                (process.terminate if time.monotonic() < deadline else process.kill)()
            thread.join(0.5)  # again and again: the child may just be on its way up
        self._thread = None

    def _supervise(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            why = self._run_once()
            with self._changed:
                self._ready, self._process = False, None
                self._deaths += 1
                self._changed.notify_all()
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - began > STEADY_S else failures + 1
            wait_s = min(WAIT_MAX_S, WAIT_FIRST_S * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311  no secret
            _log.error("%s ended (%s); again in %.1f s; see %s", self._plan.name, why, wait_s, self.log_file)
            self._stopping.wait(wait_s)

    def _run_once(self) -> str:
        """Run it to its end; give the reason of the end for the log."""
        tether = Path(__file__).with_name("tether.py")
        argv = (sys.executable, "-I", "-S", str(tether), str(os.getpid()), *self._plan.argv)
        try:
            self._plan.prepare()
            with (
                contextlib.closing(_Log(self.log_file)) as log,
                subprocess.Popen(
                    argv,
                    cwd=self._plan.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    process_group=0,  # Ctrl-C in a terminal is for the server, which then ends its child in order
                ) as process,
            ):
                self._process = process
                sick = self._follow(process, log)
        except OSError as error:
            return f"{type(error).__name__}: {error}"
        return f"killed because it said: {sick}" if sick else f"exit {process.returncode}"

    def _follow(self, process: subprocess.Popen[bytes], log: _Log) -> str:
        """Read its output to the end, which is the end of the process; give the line for which it was killed, or ""."""
        sick = ""
        output = process.stdout
        if output is None:
            raise AssertionError("started with a pipe")
        while line := output.readline(LINE_MAX_BYTES):
            self._tail.append(line)
            log.write(line)
            if not sick and self._plan.sick is not None and self._plan.sick.search(line):
                sick = line.decode(errors="replace").strip()
                process.kill()
            with self._changed:
                if self._plan.ready.search(line):
                    self._ready = True
                if self._awaited is not None and self._awaited.search(line):
                    self._answer = line
                self._changed.notify_all()
        return sick


class ChildBroker:
    """The part of a `Broker` that is the same for every engine: one supervised child in a private folder."""

    def __init__(self, settings: BrokerSettings, plan: Plan) -> None:
        self._settings = settings
        self._child = Child(plan)
        self._reloading = threading.Lock()

    @property
    def port(self) -> int:
        """As in `Broker`."""
        return self._settings.port

    @property
    def pid(self) -> int | None:
        """As in `Broker`."""
        return self._child.pid

    @property
    def restarts(self) -> int:
        """As in `Broker`."""
        return self._child.deaths

    def alive(self) -> bool:
        """As in `Broker`."""
        return self._child.alive()

    def start(self) -> None:
        """As in `Broker`."""
        self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings.folder.chmod(0o700)
        self._child.start()

    def stop(self) -> None:
        """As in `Broker`."""
        self._child.stop()
