"""The picture on the screen: weston and Chromium as child processes, their command lines, their end.

Decides how they are started and that both end together. When, and whether the page lives, says the watchman
(edge_agent.screen_watch). Standard library alone, as the watchman.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

log = logging.getLogger("display")

SOCKET = "kiosk-0"
PROBE_S = 5.0
WESTON_SHORT_NAMES = 12  # from this version on "drm" and "kiosk", before "drm-backend.so" and "kiosk-shell.so"
# No debugging port and no way around the sandbox: neither here nor by an option. What the resident may open is said by
# the policies (systemd/chromium), what Chromium may reach by the unit.
CHROMIUM = (
    "chromium",
    "--kiosk",
    "--ozone-platform=wayland",
    # Nothing is kept: no traces of residents, no "restore pages", no wear of the card.
    "--incognito",
    "--disk-cache-dir=/dev/null",
    "--password-store=basic",
    # After each visit the page goes to the other name of this machine (screens/kiosk.js): another site is another
    # process, whatever memory the board has.
    "--site-per-process",
    # Nothing is offered and nothing is asked of the internet.
    "--no-first-run",
    "--noerrdialogs",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=Translate",
    "--disable-sync",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
)


class ScreenFault(Exception):
    """The screen cannot go on as it is: the words name what ended or what is missing."""


def compositor(version: str, config: Path | None) -> list[str]:
    """The compositor's command line.

    Args:
        version: what `weston --version` says, as "weston 10.0.1".
        config: its weston.ini; None for none.

    Raises:
        ScreenFault: that is no version of weston.
    """
    name, _, number = version.strip().partition(" ")
    major = number.partition(".")[0]
    if name != "weston" or not major.isdecimal():
        raise ScreenFault(f"`weston --version` says {version.strip()[:80]!r}: is weston installed?")
    backend, shell = ("drm", "kiosk") if int(major) >= WESTON_SHORT_NAMES else ("drm-backend.so", "kiosk-shell.so")
    chosen = f"--config={config}" if config else "--no-config"
    return ["weston", f"--backend={backend}", f"--shell={shell}", f"--socket={SOCKET}", "--idle-time=0", chosen]


class Picture:
    """The compositor and the browser as children of this process; leaving the context ends both.

    folder: an own folder in memory (0700); the browser's profile in it is made anew at every start. config: the
    compositor's weston.ini, None for none. end_s: how long to wait for killed children.
    """

    def __init__(self, folder: Path, config: Path | None, end_s: float) -> None:
        self._folder, self._config, self._end_s = folder, config, end_s
        self._children: list[tuple[str, subprocess.Popen[bytes], int]] = []
        told = ("NOTIFY_", "WATCHDOG_", "LISTEN_")  # these speak to the watchman
        ours = {name: value for name, value in os.environ.items() if not name.startswith(told)}
        self._environment = ours | {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}

    def __enter__(self) -> Self:
        profile = self._folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        # A page that crashes would leave its memory here. A file where the folder should be keeps it from that; the
        # options --disable-breakpad and --disable-crash-reporter do not (docs/decisions/0011).
        reports = self._folder / ".config" / "chromium" / "Crash Reports"
        shutil.rmtree(reports, ignore_errors=True)
        reports.parent.mkdir(parents=True, exist_ok=True)
        reports.touch()
        (self._folder / SOCKET).unlink(missing_ok=True)  # else a dead compositor's socket
        self._start("the compositor", compositor(self._version(), self._config), self._environment)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        for name, child, fd in reversed(self._children):
            # The whole group: a hung page hears no other signal, and would outlive its browser.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            try:
                child.wait(self._end_s)
            except subprocess.TimeoutExpired:
                log.warning("%s does not end: systemd will see to it", name)
            os.close(fd)
        self._children.clear()

    def _version(self) -> str:
        try:
            done = subprocess.run(["weston", "--version"], capture_output=True, text=True, timeout=PROBE_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ScreenFault(f"the compositor cannot be started: {error}") from error
        return done.stdout

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        try:
            # A group of its own and not a session: the terminal of the unit stays the compositor's.
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, process_group=0)
        except OSError as error:
            raise ScreenFault(f"{name} cannot be started: {error}") from error
        self._children.append((name, child, os.pidfd_open(child.pid)))

    def listening(self) -> bool:
        """Whether the compositor takes clients."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self._folder / SOCKET))
            except OSError:
                return False
            return True

    def open(self, url: str) -> None:
        """Start the browser on a page. Raises ScreenFault."""
        # "disabled:": no service of a desktop (keyring, portals) is started for the browser's sake.
        environment = self._environment | {"WAYLAND_DISPLAY": SOCKET, "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
        profile = f"--user-data-dir={self._folder / 'profile'}"
        self._start("the browser", [*CHROMIUM, profile, url], environment)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises ScreenFault as soon as one of both ends."""
        ends = select.poll()
        for _, _, fd in self._children:
            ends.register(fd, select.POLLIN)
        ended = {fd for fd, _ in ends.poll(seconds * 1000)}
        for name, child, fd in self._children:
            if fd in ended:
                raise ScreenFault(f"{name} ended with {child.wait()}")
