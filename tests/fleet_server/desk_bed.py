"""A desk: a fleet folder, and the fleet's command as people type it, in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_server import fleet_keys
from fleet_server.store_sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PAYEE = ("--bin", "970415", "--account", "113366668888", "--payee", "BAN QUAN TRI TOA A")


@dataclass
class Desk:
    """A fleet folder, and the command as people type it."""

    folder: Path

    @property
    def server(self) -> Path:
        return self.folder / "server"

    @property
    def set_key(self) -> Path:
        return self.folder / "offline" / "set.pem"

    def run(self, *words: object, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fleet_server", *map(str, words)]
        environment = os.environ | {"COLUMNS": "200"} | env
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=30
        )

    def done(self, *words: object, **more: Any) -> str:
        ended = self.run(*words, **more)
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return ended.stdout

    def bills(self, file: Path, *more: object) -> subprocess.CompletedProcess[str]:
        place = ("--building", "TOA-A", "--title", "Tòa A", *PAYEE, "--set-key", self.set_key)
        return self.run("bills", self.server, file, *place, *more)

    def read(self, fn: Callable[[SqliteStore], Any]) -> Any:
        with closing(SqliteStore.open(self.server / "fleet.db")) as store:
            return fn(store)


def make_desk(folder: Path) -> Desk:
    desk = Desk(folder / "fleet")
    fleet_keys.init(desk.folder, time.time_ns() // 1_000_000)
    return desk


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def is_one_clear_line(stderr: str, words: tuple[str, ...]) -> bool:
    return stderr.startswith("fleet_server: ") and stderr.count("\n") == 1 and all(word in stderr for word in words)
