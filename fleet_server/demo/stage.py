"""The stage of a demonstration: makes the fleet's and the stations' folders, starts their processes, and kills them.

A process that ends is started again after a moment, as systemd would; the commands are those an operator types.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleet_server import commands, fleet_keys
from fleet_server.commands import Payee
from fleet_server.console.sign_in import put_user
from fleet_server.demo import board
from fleet_server.demo.cable import Cable, free_port
from fleet_server.store import Station, Why
from provisioning.keys import SigningKey

PATIENCE_S = 30.0
RESTART_S = 0.5
OPERATOR = "vanhanh"
PROFILE = "simulated"
PAYEE = Payee("970415", "113366668888", "BAN QUAN TRI CHUNG CU")


class DemoFailed(Exception):
    """Something did not come up in time; the words say what, and where its log is."""


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Part:
    """One process that shall run."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    again_at_s: float = 0.0
    kills: int = 0

    def start(self) -> None:
        """Start it; its words go to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)

    def tend(self) -> None:
        """Start it again when it has ended, after a moment."""
        if self.process is None or self.process.poll() is None:
            return
        if not self.again_at_s:
            self.again_at_s = time.monotonic() + RESTART_S
        elif time.monotonic() >= self.again_at_s:
            self.again_at_s = 0.0
            self.start()

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.kills += 1
            self.process.kill()

    def stop(self) -> None:
        """Ask it to end; by force after some seconds."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(8.0)
        # Whatever of its group still lives (a wrapper's child, a deaf process) goes as well.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True)
class Lobby:
    """One simulated station."""

    station: str
    block: str
    folder: Path
    screen_port: int
    part: Part

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.folder / "journal.db"

    @property
    def url(self) -> str:
        """Its screen."""
        return f"http://127.0.0.1:{self.screen_port}/"


@dataclass(slots=True)
class Stage:
    """Everything that runs; `folder` is a new, empty one."""

    folder: Path
    stations: int
    broker: str
    profile: str = PROFILE
    printer_address: str = ""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    lobbies: list[Lobby] = field(default_factory=list)
    server: Part | None = None
    cables: list[Cable] = field(default_factory=list)
    console_port: int = 0

    @property
    def desk(self) -> Path:
        """The server's folder."""
        return self.folder / "fleet" / "server"

    @property
    def database(self) -> Path:
        """The fleet's database."""
        return self.desk / "fleet.db"

    @property
    def console_url(self) -> str:
        """The operations page."""
        return f"http://127.0.0.1:{self.console_port}/"

    def bank_token(self) -> str:
        """The key of the simulated bank's door, as the running server drew it."""
        return (self.desk / "bank.token").read_text(encoding="ascii")

    def set_up(self) -> None:
        """Make keys, registry and bill lists, start the server, enrol every station. Raises DemoFailed."""
        fleet = self.folder / "fleet"
        fleet_keys.init(fleet, now_ms())
        ports = {name: free_port() for name in ("broker", "face")}
        self.console_port = free_port()
        self.cables = [Cable(ports["broker"]), Cable(ports["face"])]
        for cable in self.cables:
            cable.start()
        (self.desk / "server.toml").write_text(
            f'broker = "{self.broker}"\nbroker_port = {ports["broker"]}\nface_port = {ports["face"]}\n'
            f"public_broker_port = {self.cables[0].port}\npublic_face_port = {self.cables[1].port}\n"
            f"console_port = {self.console_port}\nheartbeat_s = 5\nbank_simulated = true\n",
            encoding="utf-8",
        )
        with commands.opened(self.desk) as store:
            put_user(store, OPERATOR, self.password, "operator", now_ms())
        for number in range(self.stations):
            self._add_lobby(number)
        command = [sys.executable, "-m", "fleet_server", "serve", str(self.desk)]
        self.server = Part("server", command, self.folder / "server.log")
        self.server.start()
        self._await(self.console_url + "healthz", self.server)
        for lobby in self.lobbies:
            self._enrol(lobby)

    def _add_lobby(self, number: int) -> None:
        station, block = f"K{number + 1:04d}", chr(ord("A") + number % 26)
        why = Why("demo", "demonstration", now_ms())
        building = f"TOA-{block}{number // 26 or ''}"
        title, ward = f"Trạm công dân số – Tòa {block}", "Phường Bình Trưng"
        place = Station(station, title, building, ward, self.profile, live=True)
        commands.add_station(self.desk, place, why)
        soon = datetime.now(UTC) + timedelta(days=20)
        listed = board.bill_list(block, number, soon.strftime("%m/%Y"), soon.strftime("%d/%m/%Y"))
        key = SigningKey.from_pem((self.folder / "fleet" / "offline" / "set.pem").read_bytes())
        commands.import_bills(self.desk, listed, (building, f"Tòa {block}"), PAYEE, key, now_ms(), offline=True)
        folder, port = self.folder / station, free_port()
        folder.mkdir()
        command = [sys.executable, "-m", "edge_agent", "run", str(folder), "--screen-port", str(port)]
        command += ["--heartbeat-s", "5"]
        if self.printer_address:
            command += ["--printer-address", self.printer_address]
        part = Part(station, command, self.folder / f"{station}.log")
        self.lobbies.append(Lobby(station, block, folder, port, part))

    def _enrol(self, lobby: Lobby) -> None:
        """The technician's commands, one after another."""
        identity, claim = lobby.folder / "identity", self.folder / f"{lobby.station}.claim"
        why = Why("demo", "demonstration", now_ms())
        claim.write_bytes(commands.make_claim(self.desk, lobby.station, self.profile, "install", why))
        for words in (
            ["prepare", str(identity)],
            [
                *(
                    "claim",
                    str(identity),
                    "--claim",
                    str(claim),
                    "--server",
                    f"https://127.0.0.1:{self.cables[1].port}",
                ),
                *("--ca", str(self.desk / "ca" / "root.crt"), "--root", str(self.desk / "root.spki")),
            ],
        ):
            done = subprocess.run(
                [sys.executable, "-m", "provisioning", *words], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise DemoFailed(f"{lobby.station}: {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
        lobby.part.start()
        self._await(lobby.url, lobby.part)

    def _await(self, url: str, part: Part) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if part.process is not None and part.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=2.0):  # noqa: S310  our own process on loopback
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        words = part.log.read_text(errors="replace").strip().splitlines()
        raise DemoFailed(f"{part.name} did not come up; its last words ({part.log}): {words[-1] if words else 'none'}")

    @property
    def parts(self) -> list[Part]:
        """Every process that shall run."""
        return [*([self.server] if self.server else []), *(lobby.part for lobby in self.lobbies)]

    def tend(self) -> None:
        """Start again what has ended."""
        for part in self.parts:
            part.tend()

    def kill_broker(self) -> bool:
        """Kill -9 the broker child of the server; False when none was found."""
        if self.server is None or self.server.process is None:
            return False
        found = _descendants(self.server.process.pid, self.broker)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)

    def tear_down(self) -> None:
        """Stop everything this stage started."""
        for part in reversed(self.parts):
            part.stop()
        for cable in self.cables:
            cable.end()


def _descendants(root: int, word: str) -> list[int]:
    """Process ids below `root` whose program's name holds `word`."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                stat = (entry / "stat").read_text()
                names[int(entry.name)] = stat[stat.index("(") + 1 : stat.rindex(")")]
                parents[int(entry.name)] = int(stat[stat.rindex(")") + 2 :].split()[1])
    below = {root}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return [pid for pid in below if word in names.get(pid, "")]
