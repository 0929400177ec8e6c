"""The rig of the journeys: the demonstration's own stage, with real processes, brokers and TLS; always torn down."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from fleet_server.demo.bank import Bank
from fleet_server.demo.count import Count, judge, quick
from fleet_server.demo.resident import Resident
from fleet_server.demo.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


expect.set_options(timeout=20_000)  # two slow cores are enough for a build


class Rig:
    """A stage with a bank and residents, and questions a test asks of the disks."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.set_up()
        self.bank = Bank(f"{stage.console_url}api/bank/credits", stage.bank_token)
        self.bank.start()
        self.residents: list[Resident] = []

    def people(self, seed: int = 1) -> None:
        """Residents come to every station."""
        for lobby in self.stage.lobbies:
            rng = random.Random(seed + len(self.residents))
            self.residents.append(Resident(lobby.station, lobby.screen_port, lobby.block, self.bank, rng))
        for resident in self.residents:
            resident.start()

    def until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        """Tend the stage until something holds. Raises AssertionError naming what did not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.stage.tend()
            if true():
                return
            time.sleep(0.1)
        logs = "\n".join(part.log.read_text(errors="replace")[-800:] for part in self.stage.parts)
        raise AssertionError(f"{what}: not within {seconds} s\n{logs}")

    def ask(self, statement: str, *values: object) -> list[tuple]:
        """Read from the fleet's database."""
        uri = f"{self.stage.database.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as db:
            return db.execute(statement, values).fetchall()

    def drained(self) -> bool:
        """Whether the fleet holds all that the stations hold, and every credit is booked."""
        committed, accepted = quick([lobby.journal for lobby in self.stage.lobbies], self.stage.database)
        return committed <= accepted and not self.bank.waiting

    def settle(self, seconds: float = 60.0) -> None:
        """Nobody comes any more; everything arrives."""
        for resident in self.residents:
            resident.rest()
        self.until(self.drained, seconds, "the stations' records at the fleet")
        time.sleep(1.0)
        self.until(self.drained, seconds, "the stations' last records at the fleet")

    def count(self) -> Count:
        """Stop everything, then hold the disks against each other."""
        for resident in self.residents:
            resident.end()
        self.stage.tear_down()
        found = Count()
        told = {code for resident in self.residents for code in resident.told}
        confirmed = {code for resident in self.residents for code in resident.confirmed}
        judge(found, [lobby.journal for lobby in self.stage.lobbies], self.stage.database, told, confirmed)
        return found

    def close(self) -> None:
        """Stop everything."""
        for resident in self.residents:
            resident.end()
        self.bank.end()
        self.stage.tear_down()


@pytest.fixture
def rig(tmp_path: Path):
    """`rig(stations, broker, **stage)` gives a running fleet."""
    made: list[Rig] = []

    def make(stations: int = 1, broker: str = "nats", **more: object) -> Rig:
        stage = Stage(tmp_path / "stage", stations, broker, **more)
        stage.folder.mkdir()
        try:
            made.append(Rig(stage))
        except BaseException:
            stage.tear_down()
            raise
        return made[-1]

    yield make
    for each in made:
        each.close()
