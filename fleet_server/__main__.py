"""`python -m fleet_server`: the fleet's one command. Reads the command line and says what came of it; decides nothing.

DIR is the `server` half of a fleet folder, but for `init`, which makes both halves.
"""

from __future__ import annotations

import argparse
import getpass
import logging
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from device_profiles.cbor import WireError
from device_profiles.messages import CLAIM_KINDS
from device_profiles.profile import ProfileError
from fleet_server import backup, commands, commands_services, fleet_keys, settings
from fleet_server.bills import ListRefused
from fleet_server.broker import BrokerError
from fleet_server.commands import CommandRefused, Payee
from fleet_server.fleet_keys import FleetKeyFault
from fleet_server.store import Conflict, Station, Why
from fleet_server.store_sqlite import StoreRefused
from provisioning.keys import SigningKey

if TYPE_CHECKING:
    from fleet_server.dossiers import Decision

FAULTS = (
    backup.BackupRefused,
    BrokerError,
    CommandRefused,
    Conflict,
    FleetKeyFault,
    ListRefused,
    ProfileError,
    StoreRefused,
    WireError,
)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _why(given: argparse.Namespace, reason: str) -> Why:
    return Why(given.person, given.reason or reason, _now_ms())


def _init(given: argparse.Namespace) -> int:
    fleet_keys.init(given.folder, _now_ms(), given.host)
    print(f"made {given.folder}: carry {given.folder / 'offline'} away, and run `serve {given.folder / 'server'}`")
    return 0


def _serve(given: argparse.Namespace) -> int:
    from fleet_server.serve import Server

    chosen = settings.read(given.folder)
    logging.basicConfig(level=chosen.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    server = Server(chosen)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    return server.run()


def _station(given: argparse.Namespace) -> int:
    place = Station(given.id, given.title, given.building, given.ward, given.profile, live=given.live)
    commands.add_station(given.folder, place, _why(given, "added from the command line"))
    print(f"{given.id} {given.title}, building {given.building}, {'live' if given.live else 'not live'}")
    return 0


def _claim(given: argparse.Namespace) -> int:
    signed = commands.make_claim(given.folder, given.station, given.profile, given.kind, _why(given, "claim"))
    # It admits one device: for the eyes of whoever asked for it.
    with os.fdopen(os.open(given.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(signed)
    print(f"claim for {given.station} ({given.kind}) in {given.out}, valid for {commands.CLAIM_HOURS} hours, one use")
    return 0


def _set_key(path: Path) -> SigningKey:
    try:
        return SigningKey.from_pem(path.read_bytes())
    except WireError as error:
        raise CommandRefused(f"{path} is no signing key ({error}): give the fleet's set.pem") from error


def _anchors(given: argparse.Namespace) -> int:
    key = _set_key(given.set_key)
    if given.none != (not given.certificates):
        raise CommandRefused("give certificates, or --none to withdraw trust from every issuer")
    files = {str(each): each.read_bytes() for each in given.certificates}
    pointer = commands.import_anchors(given.folder, files, key, _now_ms())
    print(f"{pointer.name} version {pointer.version}: {len(files)} certificates, {pointer.size_bytes} bytes, signed")
    return 0


def _bills(given: argparse.Namespace) -> int:
    key = _set_key(given.set_key)
    payee = Payee(given.bin, given.account, given.payee)
    place = (given.building, given.title)
    report, pointer = commands.import_bills(
        given.folder, given.csv.read_bytes(), place, payee, key, _now_ms(), offline=given.offline
    )
    for bad in report.bad:
        print(f"{given.csv.name}, line {bad.line}: {bad.reason}", file=sys.stderr)
    print(f"{report.rows_in} rows: {report.good} served, {len(report.bad)} bad, {report.blank} blank")
    if pointer is None:
        print("nothing was good: the list in force stays", file=sys.stderr)
        return 1
    print(f"{pointer.name} version {pointer.version}, {pointer.size_bytes} bytes, signed")
    return 0


def _catalogue(given: argparse.Namespace) -> int:
    pointer = commands.import_catalogue(given.folder, given.source, _set_key(given.set_key), _now_ms())
    print(f"{pointer.name} version {pointer.version}, {pointer.size_bytes} bytes, signed")
    return 0


def _dossier(given: argparse.Namespace) -> int:
    said: tuple[tuple[Decision, str | None], ...] = (
        ("ACCEPTED", given.accept),
        ("NEEDS_MORE", given.needs_more),
        ("REJECTED", given.reject),
    )
    ((decision, told),) = ((state, words) for state, words in said if words is not None)
    why = Why(given.person, "", _now_ms())
    done = commands_services.decide(given.folder, given.code, decision, told, why)
    state, words = done.word.state, done.word.official or done.word.words
    print(f"{done.code} {'is' if done.is_news else 'was already'} {state}: {words}")
    return 0


def _technician_pin(given: argparse.Namespace) -> int:
    if given.all == bool(given.station):
        raise CommandRefused("name one station, or say --all")
    typed = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    stations = commands_services.set_pin(given.folder, given.station, typed, _why(given, "technician's PIN"))
    print(f"a new PIN holds at {given.station or f'all {stations} stations'} once they have heard of it")
    return 0


def _user(given: argparse.Namespace) -> int:
    from fleet_server.console.sign_in import UserRefused, put_user

    password = sys.stdin.readline().rstrip("\n") if given.stdin else getpass.getpass("Password: ")
    with commands.opened(given.folder) as store:
        try:
            store.run(lambda desk: put_user(desk, given.name, password, given.role, _now_ms()))
        except UserRefused as refused:
            raise CommandRefused(str(refused)) from refused
    print(f"{given.name} may sign in as {given.role}")
    return 0


def _revoke(given: argparse.Namespace) -> int:
    commands.revoke(given.folder, given.device, _why(given, "revoked from the command line"))
    print(f"{given.device} is revoked; a running server cuts it off within a second")
    return 0


def _backup(given: argparse.Namespace) -> int:
    chosen = settings.read(given.folder)
    if not (given.target or chosen.backup_folder):
        raise CommandRefused("no place for the backup: set backup_folder in server.toml or name a file with --target")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = given.target or Path(chosen.backup_folder) / f"fleet-{stamp}.db"
    journals = commands.make_backup(given.folder, target, _now_ms())
    print(f"{target}: {journals} journals, checked")
    return 0


def _restore(given: argparse.Namespace) -> int:
    lineage = commands.restore_backup(given.folder, given.source, _now_ms())
    print(f"restored from {given.source}; new lineage {lineage.hex()}: stations send again what came after it")
    return 0


def _rebuild(given: argparse.Namespace) -> int:
    print(f"{commands.fold_again(given.folder)} records folded again")
    return 0


def _demo(given: argparse.Namespace) -> int:
    from fleet_server.demo.run import run

    return run(given)


class _Words:
    """The command line, verb by verb."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser(
            prog="python -m fleet_server", description="The fleet server and its desk."
        )
        self._verbs = self.parser.add_subparsers(dest="command", required=True)

    def verb(self, name: str, work: object, words: str) -> argparse.ArgumentParser:
        """One sub-command."""
        made = self._verbs.add_parser(name, help=words, description=words)
        made.set_defaults(work=work)
        return made

    def desk(self, name: str, work: object, words: str, *, optional: bool = False) -> argparse.ArgumentParser:
        """One that works in a server folder; `optional`: under systemd its state directory is taken."""
        made = self.verb(name, work, words)
        state = Path(os.environ["STATE_DIRECTORY"]) if optional and "STATE_DIRECTORY" in os.environ else None
        made.add_argument(
            "folder", type=Path, metavar="DIR", help="the server folder", nargs="?" if state else None, default=state
        )
        return made


def _person(made: argparse.ArgumentParser) -> None:
    made.add_argument("--person", default=getpass.getuser(), help="who asks (default: this user)")


def _signed(made: argparse.ArgumentParser) -> None:
    _person(made)
    made.add_argument("--reason", default="", help="why, for the registry's log")


def _registry_words(words: _Words) -> None:
    made = words.desk("station", _station, "put a station into the registry, or change it")
    made.add_argument("id", help="like K0001")
    for name in ("title", "building", "ward"):
        made.add_argument(f"--{name}", required=True)
    made.add_argument("--profile", required=True, help="name of a station profile")
    made.add_argument("--live", action="store_true", help="in service (else screens say: not in service yet)")
    _signed(made)
    made = words.desk("claim", _claim, "sign a claim: one device, one station, one use")
    made.add_argument("station")
    made.add_argument("--profile", required=True)
    made.add_argument("--kind", default="install", choices=CLAIM_KINDS)
    made.add_argument("--out", type=Path, required=True, help="file to write")
    _signed(made)
    made = words.desk("revoke", _revoke, "revoke a device for good")
    made.add_argument("device", help="its name (26 letters and digits)")
    _signed(made)
    made = words.desk("user", _user, "add a person of central operations, or set a new password")
    made.add_argument("name")
    made.add_argument("--role", default="operator")
    made.add_argument("--stdin", action="store_true", help="read the password from standard input")
    made = words.desk("bills", _bills, "read a board's bill list (CSV), sign it, and put it where stations fetch it")
    made.add_argument("csv", type=Path)
    for name, help_ in (("building", "as in the registry"), ("title", "for screens"), ("bin", "bank, six digits")):
        made.add_argument(f"--{name}", required=True, help=help_)
    made.add_argument("--account", required=True)
    made.add_argument("--payee", required=True, help="name of the account's owner")
    made.add_argument("--set-key", type=Path, required=True, help="the offline set key (offline/set.pem)")
    made.add_argument("--offline", action="store_true", help="allow codes while a station is offline, within limits")


def _set_words(words: _Words) -> None:
    made = words.desk(
        "anchors", _anchors, "sign the certificates of those who issue chip cards (CSCA) for all stations"
    )
    made.add_argument("certificates", type=Path, nargs="*", help="files in DER or PEM; they replace those in force")
    made.add_argument("--none", action="store_true", help="give no file: withdraw trust from every issuer")
    made.add_argument("--set-key", type=Path, required=True, help="the offline set key (offline/set.pem)")


def _service_words(words: _Words) -> None:
    made = words.desk("catalogue", _catalogue, "sign a catalogue of services and publish it to all stations")
    made.add_argument("source", type=Path, metavar="FOLDER", help="its TOML files; its version must be a newer one")
    made.add_argument("--set-key", type=Path, required=True, help="the offline set key (offline/set.pem)")
    made = words.desk("dossier", _dossier, "put in what an office decided of a resident's dossier")
    made.add_argument("code", help="the station's code, like TAM-K0001-000042-2")
    decision = made.add_mutually_exclusive_group(required=True)
    decision.add_argument("--accept", metavar="OFFICIAL", help="accepted, with the office's code")
    decision.add_argument("--needs-more", metavar="WORDS", help="what the resident has to add or mend")
    decision.add_argument("--reject", metavar="WORDS", help="why not, for the resident")
    _person(made)
    made = words.desk("technician-pin", _technician_pin, "set the PIN of the stations' technician page")
    made.add_argument("station", nargs="?", help="like K0001")
    made.add_argument("--all", action="store_true", help="of every station; a station's own PIN ends")
    _signed(made)


def _parser() -> argparse.ArgumentParser:
    words = _Words()
    made = words.verb("init", _init, "make a whole fleet folder with its keys")
    made.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    made.add_argument("--host", default="127.0.0.1", help="name or address under which stations reach the server")
    words.desk("serve", _serve, "run the fleet server until told to end", optional=True)
    _registry_words(words)
    _set_words(words)
    _service_words(words)
    made = words.desk("backup", _backup, "write a checked backup while the server runs", optional=True)
    made.add_argument("--target", type=Path)
    made = words.desk("restore", _restore, "make the database from a backup; the server must not run")
    made.add_argument("source", type=Path)
    words.desk("rebuild", _rebuild, "drop every projection and fold the log again; the server must not run")
    made = words.verb("demo", _demo, "a fleet and simulated stations with residents on this machine")
    made.add_argument("--seconds", type=float, default=0.0, help="how long (default: until Ctrl-C)")
    made.add_argument("--stations", type=int, default=3)
    made.add_argument("--cut", type=float, default=0.0, help="cut the network for so many seconds in the middle")
    made.add_argument("--kill", action="store_true", help="kill processes at random moments")
    made.add_argument("--broker", default="nats", choices=("nats", "mosquitto"))
    made.add_argument("--json", type=Path, help="write the summary to this file")
    return words.parser


def _file_words(error: OSError) -> str:
    """Which file, what is wrong, what to look at."""
    if error.filename is None:
        return str(error)
    return f"{error.filename}: {error.strerror}: check the name, and who may read or write there"


def main(arguments: list[str] | None = None) -> int:
    """Give the exit code: 0 done, 1 refused or failed, 2 wrong usage."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.work(given)
    except FAULTS as error:
        print(f"fleet_server: {error}", file=sys.stderr)
    except OSError as error:
        print(f"fleet_server: {_file_words(error)}", file=sys.stderr)
    except sqlite3.Error as error:
        print(f"fleet_server: the database: {error}; is its disk full, or is it damaged (`restore`)?", file=sys.stderr)
    else:
        return code
    return 1


if __name__ == "__main__":
    sys.exit(main())
