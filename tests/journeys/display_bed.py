"""A station's screen without a screen and without systemd: who plays systemd, and what stands in for the hardware.

`Systemd` keeps the display's unit running as its file says: it notes READY and STATUS, ends what misses the watchdog,
kills what is left of a service, waits, starts again. The watchman, weston, Chromium and the policies are the real ones;
programs of the same name on the PATH exchange only what this machine lacks (a screen) or root forbids (Chromium's
sandbox), and open the debugging port that production has not. Decides no expectation.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "kiosk-display.service"
POLICY = ROOT / "systemd" / "chromium" / "kiosk-policy.json"
PR_SET_CHILD_SUBREAPER = 36
PRIVATE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
UNDER_POLICY = """
folder=/etc/chromium/policies/managed
mount -t tmpfs none /etc/chromium && mkdir -p "$folder" && cp "$0" "$folder/kiosk.json" && exec "$@"
"""

# Shown by desktop-shell: weston's kiosk-shell shows nothing where there is no seat, and a headless weston has none.
WESTON = """#!/bin/sh
pixman=--use-pixman
for word; do
  shift
  case $word in
    --version) exec {program} --version ;;
    --backend=drm-backend.so) word=--backend=headless-backend.so ;;
    --backend=drm) word=--backend=headless pixman=--renderer=pixman ;;
    --shell=kiosk-shell.so) word=--shell=desktop-shell.so ;;
    --shell=kiosk) word=--shell=desktop ;;
  esac
  set -- "$@" "$word"
done
exec {program} --width={width} --height={height} "$pixman" "$@"
"""
CHROMIUM = """#!/bin/sh
exec {program} --no-sandbox --remote-debugging-port=0 "$@"
"""


def unit(name: str) -> str:
    """The one value of a setting of the unit."""
    text = UNIT.read_text("utf-8").replace("\\\n", "")
    (value,) = re.findall(rf"(?m)^{name}=(.+)$", text)
    return value


def seconds(value: str) -> float:
    """ "10" or "500ms"."""
    return float(value[:-2]) / 1000 if value.endswith("ms") else float(value)


def stand_ins(folder: Path, size: tuple[int, int] = (1080, 1920)) -> str:
    """A PATH with this machine's weston and chromium on it."""
    folder.mkdir()
    for name, text in (("weston", WESTON), ("chromium", CHROMIUM)):
        (folder / name).write_text(text.format(program=shutil.which(name), width=size[0], height=size[1]))
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def policies(port: int, folder: Path) -> Path:
    """The policies for a page on `port`, without the two that forbid looking into the page."""
    given = json.loads(POLICY.read_text("utf-8"))
    given["URLAllowlist"] = [each.replace("8480", str(port)) for each in given["URLAllowlist"]]
    del given["DeveloperToolsAvailability"], given["RemoteDebuggingAllowed"]
    (folder / "kiosk.json").write_text(json.dumps(given))
    return folder / "kiosk.json"


def children() -> dict[int, tuple[int, str]]:
    """Every process below this one: pid -> (parent, command line)."""
    table: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            table[int(entry.name)] = (parent, entry.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    below, before = {os.getpid()}, 0
    while len(below) != before:
        before = len(below)
        below |= {pid for pid, (parent, _) in table.items() if parent in below}
    return {pid: table[pid] for pid in below - {os.getpid()}}


class Systemd:
    """Plays systemd for kiosk-display.service."""

    def __init__(self, folder: Path, page: str, path: str, policy: Path) -> None:
        self.runtime = folder / "kiosk-display"
        words = [sys.executable, *shlex.split(unit("ExecStart"))[1:]]
        exchanged = {"${KIOSK_PAGE}": page, "/etc/kiosk-display/weston.ini": str(ROOT / "systemd/weston/kiosk.ini")}
        self._command = [
            *PRIVATE,
            "sh",
            "-c",
            UNDER_POLICY,
            str(policy),
            *[exchanged.get(each, each) for each in words],
        ]
        self._watchdog_s, self._restart_s = seconds(unit("WatchdogSec")), seconds(unit("RestartSec"))
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._address = str(folder / "notify")
        self._socket.bind(self._address)
        self._socket.settimeout(0.05)
        self._before = set(children())
        self._ends = False
        self._log = (folder / "journal").open("wb")
        self._thread = threading.Thread(target=self._keep, name="systemd")
        self.main: subprocess.Popen[bytes] | None = None
        self.starts = self.bites = 0
        self.said: list[str] = []

    def start(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a service leaves behind comes to us
        self._thread.start()

    def stop(self) -> None:
        self._ends = True
        self._thread.join()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0)
        self._socket.close()
        self._log.close()

    def pids(self, *words: str) -> list[int]:
        """The service's processes whose command line has all the words."""
        ours = {pid: words for pid, words in children().items() if pid not in self._before}
        return sorted(pid for pid, (_, command) in ours.items() if all(word in command for word in words))

    def _keep(self) -> None:
        while not self._ends:
            shutil.rmtree(self.runtime, ignore_errors=True)
            self.runtime.mkdir(mode=0o700)
            asks = {"NOTIFY_SOCKET": self._address, "WATCHDOG_USEC": str(int(self._watchdog_s * 1e6))}
            environment = os.environ | asks | {"RUNTIME_DIRECTORY": str(self.runtime), "PATH": self._path}
            self.main = subprocess.Popen(self._command, cwd=ROOT, env=environment, stderr=self._log, stdout=self._log)
            self.starts += 1
            self._guard(self.main)
            self._clear()
            time.sleep(self._restart_s)

    def _guard(self, main: subprocess.Popen[bytes]) -> None:
        """Until the main process ends, or must."""
        fed_s, limit_s = time.monotonic(), seconds(unit("TimeoutStartSec"))
        while main.poll() is None:
            if self._ends:
                main.send_signal(signal.SIGTERM)
                main.wait(seconds(unit("TimeoutStopSec")))
                return
            if time.monotonic() - fed_s > limit_s:
                self.bites += 1
                main.send_signal(signal.SIGABRT)
                main.wait()
                return
            try:
                data, extra, _, _ = self._socket.recvmsg(1024, socket.CMSG_SPACE(12))
            except TimeoutError:
                continue
            if struct.unpack("3i", extra[0][2])[0] != main.pid:
                continue  # NotifyAccess=main
            self.said.append(data.decode())
            if data in {b"WATCHDOG=1", b"READY=1"}:
                fed_s, limit_s = time.monotonic(), self._watchdog_s

    def _clear(self) -> None:
        """KillMode=control-group: nothing of a service outlives its main process."""
        while left := self.pids():
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    continue
