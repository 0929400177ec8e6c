"""A child process and what the kernel says of its memory. Decides nothing about what is measured."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_S = 0.005
START_MAX_S = 60.0
STOP_MAX_S = 15.0


class Memory(NamedTuple):
    """MB (10^6 bytes): resident now, its highest so far, and what no other process shares."""

    resident: float
    highest: float
    private: float


class NotServed(Exception):
    """A process did not come up; the words hold its last ones."""


def memory(pid: int) -> Memory:
    """proc(5): VmRSS and VmHWM of status; Private_Clean and Private_Dirty of smaps_rollup."""
    status = _kib(Path(f"/proc/{pid}/status"))
    shares = _kib(Path(f"/proc/{pid}/smaps_rollup"))
    private = shares["Private_Clean"] + shares["Private_Dirty"]
    return Memory(*(kib * 1024 / 1e6 for kib in (status["VmRSS"], status["VmHWM"], private)))


def _kib(path: Path) -> dict[str, int]:
    rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) == 3 and row[2] == "kB"}


@contextlib.contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child with its words in `log`; asked to end at the end, by force after STOP_MAX_S.

    environment: the child's whole one; None for this process's own.
    """
    with log.open("wb") as words, subprocess.Popen(command, stdout=words, stderr=words, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_served(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Wait until an HTTP page is answered with 200. Raises NotServed."""
    end_s = time.monotonic() + START_MAX_S
    while time.monotonic() < end_s and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                connection.close()
                return
        connection.close()
        time.sleep(POLL_S)
    raise NotServed(f"{path} on port {port} is not served: {log.read_text(errors='replace')[-400:]}")
