"""A whole station to be searched: fleet, agent, card reader, scanner, weston and Chromium, all real, and a hand at it.

The agent runs under the environment that its unit sets, the browser under the display's watchman. The hand touches the
page's own buttons through Chromium's debugging pipe: what goes over it are names of buttons and screens, never a
resident's word, so it leaves none behind. Decides no expectation.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.drivers.reader.virtual_chip import persona
from fleet_server.demo.stage import Stage
from tests.journeys import remains
from tests.journeys.display_bed import Systemd, children, policies, stand_ins
from tests.twins.pcscd import Pcscd
from tests.twins.printer import PrinterTwin
from tests.twins.scanner import SerialTwin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "kiosk-agent.service"
CARD = ROOT / "tests" / "twins" / "vpcd_card.py"
STATION = Path(__file__).with_name("wiped_station.py")
PATIENCE_S = 60.0  # for a loaded machine
SEED = 7
PERSON = persona(SEED)

CHROMIUM = """#!/bin/sh
exec {program} --no-sandbox --remote-debugging-pipe "$@" 3<{folder}/asks 4>{folder}/answers
"""
TOUCH = """(() => {{
  const found = [...document.querySelectorAll('[data-action="{action}"]{value}:not([disabled])')].pop();
  if (!found) return false;
  for (const kind of ["pointerdown", "pointerup"]) found.dispatchEvent(new PointerEvent(kind, {{ bubbles: true }}));
  found.click();
  return true;
}})()"""
QUESTION = "document.querySelector('[data-question]')?.dataset.question ?? ''"
PLACE = "document.querySelector('.screen')?.classList[1] ?? ''"


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait for it and give what it gave."""
    end_s = time.monotonic() + PATIENCE_S
    while not (given := true()):
        assert time.monotonic() < end_s, what
        time.sleep(0.05)
    return given


def environment(folder: Path) -> dict[str, str]:
    """What the agent's unit sets, in folders of the test."""
    lines = [line for line in UNIT.read_text("utf-8").splitlines() if line.startswith("Environment=")]
    pairs = [each.split("=", 1) for line in lines for each in shlex.split(line.partition("=")[2])]
    return {name: value.replace("/run/kiosk-agent", str(folder)) for name, value in pairs}


class Pipe:
    """Chromium's debugging pipe; after a new browser has come, it speaks to that one.

    https://chromedevtools.github.io/devtools-protocol: JSON, each message ended by a zero byte.
    """

    def __init__(self, folder: Path) -> None:
        for name in ("asks", "answers"):
            os.mkfifo(folder / name)
        # For both: nobody waits for the other end, and a browser that ends ends nothing here.
        self._asks, self._answers = (os.open(folder / name, os.O_RDWR) for name in ("asks", "answers"))
        os.set_blocking(self._answers, False)
        self._number, self._got, self._session = 0, b"", ""

    def close(self) -> None:
        os.close(self._asks)
        os.close(self._answers)

    def run(self, script: str) -> Any:
        """What a script gives in the page; None while there is no page that could run it."""
        if not self._session and not self._attach():
            return None
        answer = self._ask("Runtime.evaluate", self._session, expression=script, returnByValue=True)
        if answer is None or "result" not in answer:
            self._session = ""
            return None
        return answer["result"]["result"].get("value")

    def _attach(self) -> bool:
        told = self._ask("Target.getTargets")
        pages = [each for each in told["result"]["targetInfos"] if each["type"] == "page"] if told else []
        if not pages:
            return False
        told = self._ask("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)
        self._session = told["result"]["sessionId"] if told and "result" in told else ""
        return bool(self._session)

    def _ask(self, method: str, session: str = "", **given: object) -> dict[str, Any] | None:
        self._number += 1
        message = {"id": self._number, "method": method, "params": given} | ({"sessionId": session} if session else {})
        os.write(self._asks, json.dumps(message).encode() + b"\0")
        end_s = time.monotonic() + 2.0  # a browser that is gone answers nothing
        while time.monotonic() < end_s:
            with suppress(BlockingIOError):
                self._got += os.read(self._answers, 1 << 16)
            *messages, self._got = self._got.split(b"\0")
            for each in messages:
                with suppress(ValueError):  # the half of one, of a browser that was killed
                    answer: dict[str, Any] = json.loads(each)
                    if answer.get("id") == self._number:
                        return answer
            time.sleep(0.01)
        return None


class Display(Systemd):
    """The display's unit, among other processes of the test."""

    def pids(self, *words: str) -> list[int]:
        table, names = children(), ("edge_agent.screen_watch", "weston", "chromium")
        return [pid for pid in super().pids(*words) if any(name in table.get(pid, (0, ""))[1] for name in names)]


class Booth:
    """The station, one resident's hand, and the one who searches it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun_s = time.time()
        self.there = set(Path(tempfile.gettempdir()).iterdir())
        self._pcscd = Pcscd().start()
        self._printer = PrinterTwin().__enter__()
        self._scanner = SerialTwin(folder)
        (folder / "stage").mkdir()
        address = f"127.0.0.1:{self._printer.port}"
        self._stage = Stage(folder / "stage", 1, "nats", profile="lobby-80mm", printer_address=address)
        self._stage.set_up()
        self.lobby = self._stage.lobbies[0]
        first = self.lobby.part.process
        assert first
        self.by_hand = Path(f"/proc/{first.pid}/environ").read_bytes().split(b"\0")  # of an agent that no unit started
        self.lobby.part.stop()
        self.agent: subprocess.Popen[bytes] | None = None
        self.start()
        path = stand_ins(folder / "bin")
        script = CHROMIUM.format(program=shutil.which("chromium"), folder=folder)
        (folder / "bin" / "chromium").write_text(script)
        self.pipe = Pipe(folder)
        self.systemd = Display(folder, self.lobby.url, path, policies(self.lobby.screen_port, folder))
        self.systemd.start()
        self._laid = False

    def close(self) -> None:
        self.systemd.stop()
        self.pipe.close()
        self.kill()
        self._stage.tear_down()
        self._printer.__exit__(None, None, None)
        self._pcscd.close()
        with suppress(ChildProcessError):  # what a killed browser left to us
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    # The agent

    def start(self, planted: str = "-") -> None:
        """Start the agent, with bugs."""
        words = [sys.executable, STATION, self._scanner.node, planted, *self.lobby.part.command[3:]]
        (self.folder / "run").mkdir(exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        surroundings = os.environ | environment(self.folder / "run") | {"TMPDIR": str(self.folder / "tmp")}
        with self.lobby.part.log.open("ab") as log:
            self.agent = subprocess.Popen(words, cwd=ROOT, env=surroundings, stdout=log, stderr=log)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.agent
        self.agent.kill()
        self.agent.wait()

    def restart(self, planted: str = "-") -> None:
        """Kill it and start it again, until its own page stands there."""
        self.kill()
        begun_ms = time.time() * 1000
        self.start(planted)
        until(lambda: (self.pipe.run("performance.timeOrigin") or 0) > begun_ms, "the new agent's page")

    def minute(self) -> None:
        """Let a minute pass for the agent."""
        assert self.agent
        self.agent.send_signal(signal.SIGUSR1)

    # The resident's hand

    def at(self, place: str) -> None:
        until(lambda: self.pipe.run(PLACE) == place, f"the screen {place}")

    def touch(self, action: str, value: str = "", *, then: str = "") -> None:
        """Touch a button once it can be touched; `then`: the screen that it leads to."""
        chosen = TOUCH.format(action=action, value=f'[data-value="{value}" i]' if value else "")
        until(lambda: self.pipe.run(chosen), f"a button {action} {value}")
        if then:
            self.at(then)

    def asked(self, key: str) -> None:
        until(lambda: self.pipe.run(QUESTION) == key, f"the question {key}")

    def answer(self, key: str, action: str, value: str) -> None:
        """Answer one question: by keys, by a choice, or not at all."""
        self.asked(key)
        if action == "type":
            self.type(value)
        else:
            self.touch(action, value)
        if action != "skip":
            self.touch("next")

    def type(self, text: str) -> None:
        for letter in text:
            self.touch("key", letter)

    def scan(self, text: str) -> None:
        self._scanner.scan(text.encode())

    def lay(self) -> None:
        """Lay the card on the reader: the same one each time, since a new one would have another issuer."""
        if self._laid:
            self._pcscd.tell(0, "insert")
        else:
            self._pcscd.insert_program(0, sys.executable, CARD, json.dumps({"seed": SEED}))
        self._laid = True

    def lift(self) -> None:
        self._pcscd.tell(0, "remove")

    # What remains

    def processes(self) -> dict[int, str]:
        """Every process of the station: pid -> what it is. (The card's own program is no part of it.)"""
        assert self.agent
        display = set(self.systemd.pids())
        found = {
            pid: _kind(command)
            for pid, (_, command) in children().items()
            if (pid in display or "pcscd --foreground" in command) and CARD.name not in command
        }
        return found | {self.agent.pid: "agent"}

    def held(self, words: Iterable[str]) -> Counter[str]:
        """What is in the memory of any of them."""
        words, found = tuple(words), Counter[str]()
        for pid, kind in self.processes().items():
            found.update({f"{kind}: {what}": count for what, count in remains.look(remains.memory(pid), words).items()})
        return found

    def written(self, words: Iterable[str]) -> Counter[str]:
        """What is in any file of the station, of its browser, or made in the temporary folder since it began.

        The fleet's own folder is another machine's; the test's own folders lie in the temporary one.
        """
        since = [each for each in Path(tempfile.gettempdir()).iterdir() if each not in self.there]
        others = [each for each in since if not self.folder.is_relative_to(each)]
        mine = [self.lobby.folder, self.lobby.part.log, self.folder / "run", self.folder / "tmp"]
        return remains.files([*mine, self.systemd.runtime, self.folder / "journal", *others], words)

    def renderers(self) -> set[int]:
        return set(self.systemd.pids("--type=renderer"))


def _kind(command: str) -> str:
    for pattern in (r"--utility-sub-type=(\S+)", r"--type=(\S+)"):
        if found := re.search(pattern, command):
            return found[1]
    return Path(command.partition(" ")[0]).name
