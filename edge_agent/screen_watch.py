"""The watchman of the screen: shows the agent's page by compositor and Chromium, and ends both when the page is dead.

A crashed or hung page leaves Chromium running, and a reload heals no hung one: the only sign of life is the page's own
beat, and the only cure a new browser. So this program asks the agent on loopback how old the newest beat is. It feeds
systemd's watchdog while the answer is good, and while it waits for what has a limit of its own; otherwise it ends the
browser and itself, and systemd starts it again.

- The page beats: all is well. The page shows its own waiting screen when the agent goes, and comes back by itself.
- The agent cannot be asked: nothing is known of the page, so the screen stays. (The agent has a watchdog of its own.)
- The agent answers and there is no beat: the browser is ended.

Decides nothing about screens. `python -m edge_agent display` is this program; it stands on the standard library alone
and apart from the agent's own modules, because it sits beside the agent for as long as the station runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from edge_agent import notify
from edge_agent.picture import Picture, ScreenFault

log = logging.getLogger("display")

ANSWER_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait, in seconds.

    ask_s: pause between two questions. answer_s: an agent that takes longer cannot be asked. silent_s: three of the
    page's beats (screens/kiosk.js). start_s: from the start of the browser, or of the agent, to the first beat.
    pause_s: between two starts that showed nothing. end_s: for killed children to be gone.

    A dead page is gone after silent_s + ask_s at most; then come the unit's RestartSec and a start.
    """

    ask_s: float = 1.0
    answer_s: float = 2.0
    silent_s: float = 6.0
    start_s: float = 30.0
    pause_s: float = 10.0
    end_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Beat:
    """What the agent says of the page: the age of its newest beat, None when there was none since the agent began."""

    age_s: float | None


@dataclass(frozen=True, slots=True)
class Page:
    """The page's address on loopback, and whom to ask about it."""

    url: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Page:
        """Read "http://HOST:PORT/…". Raises ScreenFault when it is none or leads off this machine."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if host not in {"127.0.0.1", "localhost"} or port is None or not url.startswith("http://"):
            raise ScreenFault(f"{url!r} is no page of this machine: give it as http://127.0.0.1:8480/")
        return cls(url, host, port)


class Watch:
    """Whether the page lives, from what the agent says. No clock and no I/O: time is an argument.

    A beat counts when it is younger than this browser; `beaten` says that there was one.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since_s = 0.0
        self._heard = False
        self.beaten = False

    def begin(self, now_s: float) -> None:
        """The browser has just been started."""
        self._since_s = now_s

    def judge(self, beat: Beat | None, now_s: float) -> Literal["beats", "starts", "away", "silent"]:
        """Take an answer (None: the agent could not be asked) and say how the page is."""
        if beat is None:
            self._since_s, self._heard = now_s, False
            return "away"
        if beat.age_s is None:
            if self._heard:  # the agent began anew between two questions: the page needs a moment to find it
                self._since_s, self._heard = now_s, False
        elif now_s - beat.age_s > self._since_s:
            self._heard = self.beaten = True
            return "beats" if beat.age_s <= self._limits.silent_s else "silent"
        return "starts" if now_s - self._since_s <= self._limits.start_s else "silent"


def ask(page: Page, answer_s: float) -> Beat | None:
    """Ask the agent for the page's beat; None where nobody answers in time, or not as the agent does."""
    end_s = time.monotonic() + answer_s
    request = f"GET /beat HTTP/1.0\r\nHost: {page.host}:{page.port}\r\n\r\n"
    answer = b""
    try:
        with socket.create_connection((page.host, page.port), answer_s) as connection:
            connection.sendall(request.encode())
            while len(answer) <= ANSWER_MAX_BYTES:
                connection.settimeout(max(0.001, end_s - time.monotonic()))
                part = connection.recv(ANSWER_MAX_BYTES)
                if not part:
                    break
                answer += part
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        said = json.loads(body) if head.split(b" ")[1:2] == [b"200"] else None
    except ValueError:
        return None
    match said:
        case {"age_s": None}:
            return Beat(None)
        case {"age_s": float() | int() as age_s} if type(age_s) is not bool and age_s >= 0:
            return Beat(float(age_s))
        case _:
            return None


WORDS = {
    "beats": "the page beats",
    "starts": "waits for the page's first beat",
    "away": "the agent cannot be asked: the screen stays as it is",
}


class Say:
    """Tells systemd that all goes well, and in which way; only news is logged."""

    def __init__(self) -> None:
        self._said = ""

    def __call__(self, words: str) -> None:
        """All is well: `words`."""
        notify.alive()
        if words != self._said:
            self._said = words
            notify.status(words)
            log.info("%s", words)


def _show(page: Page, picture: Picture, limits: Limits, watch: Watch) -> None:
    """Wait for compositor and agent, open the page, watch it. Ends only by ScreenFault, or by a signal."""
    say = Say()
    begun_s = time.monotonic()
    while (beat := ask(page, limits.answer_s)) is None or not picture.listening():
        if beat is None:
            say(f"waits for the agent at {page.host}:{page.port}")
        elif time.monotonic() - begun_s > limits.start_s:
            raise ScreenFault(f"the compositor does not listen after {limits.start_s:.0f} s")
        else:  # its limit is longer than systemd's watchdog
            say("waits for the compositor")
        picture.wait(limits.ask_s if beat is None else limits.ask_s / 10)
    picture.open(page.url)
    watch.begin(time.monotonic())
    while True:
        found = watch.judge(ask(page, limits.answer_s), time.monotonic())
        if found == "silent":
            raise ScreenFault("the page does not beat")
        say(WORDS[found])
        picture.wait(limits.ask_s)


def run(page: Page, folder: Path, config: Path | None = None, limits: Limits | None = None) -> int:
    """Show the page until it dies; gives 1, so that systemd starts all of it again.

    What never showed anything (no screen plugged in, a browser that does not start) is not tried again at once.
    """
    limits = limits or Limits()
    begun_s = time.monotonic()
    watch = Watch(limits)
    notify.ready()
    try:
        with Picture(folder, config, limits.end_s) as picture:
            _show(page, picture, limits, watch)
    except ScreenFault as fault:
        log.error("%s: the screen is started again", fault)  # noqa: TRY400  its words are the whole story
        notify.status(str(fault))
    while not watch.beaten and (left_s := begun_s + limits.pause_s - time.monotonic()) > 0:
        notify.alive()
        time.sleep(min(left_s, limits.ask_s))
    return 1


def _end(*_: object) -> None:
    notify.stopping()
    sys.exit(0)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; give the exit code: 0 ended as asked, 1 the screen died or cannot be started, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent display", description="Keeps the page on the screen.")
    parser.add_argument("page", help="the page's address on loopback, as http://127.0.0.1:8480/")
    parser.add_argument("--weston-config", type=Path, metavar="FILE", help="the compositor's weston.ini")
    given = parser.parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if not folder:
        log.error("no folder in memory: RUNTIME_DIRECTORY is not set (kiosk-display.service sets it)")
        return 1
    try:
        page = Page.parse(given.page)
    except ScreenFault as fault:
        log.error("%s", fault)  # noqa: TRY400
        return 1
    return run(page, Path(folder), given.weston_config)


if __name__ == "__main__":
    sys.exit(main())
