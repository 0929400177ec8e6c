"""`python -m fleet_server demo`: sets the stage, lets people come, pulls the cable, kills processes, and counts.

Ends with exit code 0 when nothing was lost, doubled or left pending, else 1. Stops everything it started.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_server.demo.bank import Bank
from fleet_server.demo.count import Count, judge, quick
from fleet_server.demo.resident import Resident
from fleet_server.demo.stage import OPERATOR, DemoFailed, Stage

if TYPE_CHECKING:
    import argparse

TURN_S = 0.25
SAY_EVERY_S = 5.0
DRAIN_MAX_S = 90.0
KILL_EVERY_S = (3.0, 7.0)
KILLS_END_S = 8.0  # before the end: what was killed last must come up again


@dataclass(slots=True)
class Demo:
    """One demonstration."""

    stage: Stage
    seconds: float
    cut_s: float
    kills: bool
    residents: list[Resident] = field(default_factory=list)
    count: Count = field(default_factory=Count)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _rng: random.Random = field(default_factory=random.Random)

    def run(self) -> Count:
        """Everything from the first visitor to the last count. Raises DemoFailed."""
        stage = self.stage
        bank = Bank(f"{stage.console_url}api/bank/credits", stage.bank_token)
        bank.start()
        for lobby in stage.lobbies:
            rng = random.Random(self._rng.random())  # noqa: S311  how people behave
            self.residents.append(Resident(lobby.station, lobby.screen_port, lobby.block, bank, rng))
        for resident in self.residents:
            resident.start()
        begun = time.monotonic()
        self._let_it_run(begun)
        for resident in self.residents:
            resident.rest()
        for cable in stage.cables:
            cable.mend()
        self._drain(bank)
        self.count.seconds = round(time.monotonic() - begun, 1)
        for resident in self.residents:
            resident.end()
        bank.end()
        stage.tear_down()
        told = {code for resident in self.residents for code in resident.told}
        confirmed = {code for resident in self.residents for code in resident.confirmed}
        self.count.stations, self.count.visits = len(stage.lobbies), sum(each.visits for each in self.residents)
        self.count.kills += sum(part.kills for part in stage.parts)
        judge(self.count, [lobby.journal for lobby in stage.lobbies], stage.database, told, confirmed)
        return self.count

    def stop(self) -> None:
        """Ctrl-C: finish as if the time were over."""
        self._stopped.set()

    def _let_it_run(self, begun: float) -> None:
        cut_from = begun + max(0.0, (self.seconds - self.cut_s) / 2) if self.cut_s else float("inf")
        next_kill, next_say, cut = begun + 2.0, begun + SAY_EVERY_S, False
        while not self._stopped.wait(TURN_S):
            now = time.monotonic()
            if self.seconds and now >= begun + self.seconds:
                return
            if not cut and cut_from <= now < cut_from + self.cut_s:
                cut = True
                self._say(f"the network is cut for {self.cut_s:g} s")
                for cable in self.stage.cables:
                    cable.cut()
            elif cut and now >= cut_from + self.cut_s:
                cut, cut_from, self.count.cut_s = False, float("inf"), self.cut_s
                self._say("the network is back")
                for cable in self.stage.cables:
                    cable.mend()
            near_end = bool(self.seconds) and now >= begun + self.seconds - KILLS_END_S
            if self.kills and not near_end and now >= next_kill:
                next_kill = now + self._rng.uniform(*KILL_EVERY_S)
                self._kill()
            self.stage.tend()
            if now >= next_say:
                next_say = now + SAY_EVERY_S
                self._say_count(begun)

    def _kill(self) -> None:
        choice = self._rng.choice([*self.stage.parts, None])
        if choice is None:
            if self.stage.kill_broker():
                self.count.kills += 1
                self._say("kill -9: the broker")
            return
        self._say(f"kill -9: {choice.name}")
        choice.kill()

    def _drain(self, bank: Bank) -> None:
        """Wait until the fleet holds what the stations hold and every credit is booked."""
        end = time.monotonic() + DRAIN_MAX_S
        quiet = 0
        while time.monotonic() < end and quiet < 8:
            time.sleep(TURN_S)
            self.stage.tend()
            committed, accepted = quick([lobby.journal for lobby in self.stage.lobbies], self.stage.database)
            quiet = quiet + 1 if committed <= accepted and not bank.waiting else 0

    def _say_count(self, begun: float) -> None:
        committed, accepted = quick([lobby.journal for lobby in self.stage.lobbies], self.stage.database)
        visits = sum(each.visits for each in self.residents)
        self._say(
            f"{time.monotonic() - begun:5.0f} s  visits {visits}  records committed {committed}, accepted {accepted}, "
            f"on the way {max(0, committed - accepted)}"
        )

    @staticmethod
    def _say(words: str) -> None:
        print(f"  {words}", flush=True)


def run(given: argparse.Namespace) -> int:
    """Run as the command line says; the exit code."""
    if given.stations < 1 or given.stations > 50 or given.cut < 0 or given.seconds < 0:
        print("fleet_server: demo: 1 to 50 stations, and no negative times", file=sys.stderr)
        return 2
    if given.cut and given.seconds and given.cut >= given.seconds:
        print("fleet_server: demo: --cut must be shorter than --seconds", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="station-demo-"))
    stage = Stage(folder, given.stations, given.broker)
    demo = Demo(stage, given.seconds, given.cut, given.kill)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: demo.stop())
    kept = False
    try:
        print(f"setting the stage: {given.stations} stations, broker {given.broker} …", flush=True)
        stage.set_up()
        _welcome(stage, given.seconds)
        count = demo.run()
        _report(count, given.json)
        kept = bool(count.lost or count.doubled or count.pending)
    except DemoFailed as error:
        print(f"fleet_server: demo: {error}", file=sys.stderr)
        kept = True
        return 1
    finally:
        stage.tear_down()
        if kept:
            print(f"the folder is kept for a look: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(kept)


def _welcome(stage: Stage, seconds: float) -> None:
    print(f"\n  operations page   {stage.console_url}   user {OPERATOR}   one-time password {stage.password}")
    for lobby in stage.lobbies:
        print(f"  station {lobby.station}     {lobby.url}   (unit for example {lobby.block}-12.05)")
    ending = f"for {seconds:g} s" if seconds else "until Ctrl-C"
    print(
        f"\n  MÔ PHỎNG: residents, bank, printer and readers are simulated; all else is real. Running {ending}.\n",
        flush=True,
    )


def _report(count: Count, target: Path | None) -> None:
    print(
        f"\n  visits {count.visits}   committed {count.committed}   accepted {count.accepted}   "
        f"lost {count.lost}   doubled {count.doubled}   pending {count.pending}"
        f"\n  payments {count.payments}, confirmed {count.confirmed} (seen by residents: {count.told_confirmed}); "
        f"dossiers {count.dossiers}, faulty {count.faulty}; "
        f"kills {count.kills}, network cut {count.cut_s:g} s",
        flush=True,
    )
    for fault in count.faults[:20]:
        print(f"  FAULT: {fault}", file=sys.stderr)
    if target is not None:
        target.write_text(json.dumps(count.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
