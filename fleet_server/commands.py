"""What operations do from the command line: stations, claims, signed sets, people, revocation, backup, rebuild.

Each works on the same database as a running server (SQLite lets two processes write in turn); the server notices by
the registry's log. Bill lists, catalogues and issuers' certificates are signed here with the offline set key, which the
server never has.
"""

from __future__ import annotations

import re
import secrets
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from device_profiles import anchors, catalogue, catalogue_toml, messages
from device_profiles.bills import BillSet
from device_profiles.cbor import WireError
from device_profiles.messages import SET_MAX_BYTES, SignedSet
from device_profiles.profile import load_shipped
from device_profiles.wire import ENVELOPE_BYTES, device_from_name
from fleet_server import backup, bills, fleet_keys
from fleet_server.enrol import add_claim
from fleet_server.opener import Opener, rebuild
from fleet_server.store import Conflict, SetPointer, Station, Why
from fleet_server.store_sqlite import SqliteStore
from provisioning.keys import SigningKey, sign_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fleet_server.bills import ImportReport

DATABASE = "fleet.db"
DAY_MS = 86_400_000
LIST_DAYS = 40
ANCHOR_DAYS = 400
CATALOGUE_DAYS = 400
CLAIM_HOURS = 48
STATION = re.compile("K[0-9]{4}")


class CommandRefused(Exception):
    """What was asked cannot be done; the words name the thing and the remedy."""


@dataclass(frozen=True, slots=True)
class Payee:
    """Where the money of a building goes."""

    bin: str
    account: str
    name: str


@contextmanager
def opened(folder: Path) -> Iterator[SqliteStore]:
    """The database of a server folder, open for writing. Raises CommandRefused."""
    _check_server(folder)
    with closing(SqliteStore.open(folder / DATABASE)) as store:
        yield store


def _check_server(folder: Path) -> None:
    if not (folder / "ca").is_dir():
        raise CommandRefused(f"{folder} is no server folder: make a fleet with `python -m fleet_server init DIR` first")


def add_station(folder: Path, station: Station, why: Why) -> None:
    """Put a station into the registry, or change it. Raises CommandRefused, ProfileError."""
    load_shipped(station.profile)
    if not STATION.fullmatch(station.id):
        raise CommandRefused(f"{station.id!r} is no station id: K and four digits, like K0001 (it is in every code)")
    if not (station.title.strip() and station.building.strip() and station.ward.strip()):
        raise CommandRefused(f"{station.id} needs a title, a building and a ward: residents and lists go by them")
    with opened(folder) as store:
        store.run(lambda desk: desk.put_station(station, why))


def make_claim(folder: Path, station: str, profile: str, kind: str, why: Why) -> bytes:
    """Give the signed claim for one device at one station, valid for 48 hours.

    Raises CommandRefused, FleetKeyFault, ProfileError, WireError.
    """
    load_shipped(profile)
    keys = fleet_keys.load(folder)
    claim = messages.Claim(
        claim=secrets.token_bytes(16),
        kind=kind,
        station=station,
        profile=profile,
        technician=why.person,
        not_before_ms=why.at_ms - 60_000,
        not_after_ms=why.at_ms + CLAIM_HOURS * 3_600_000,
    )
    claim.check()
    with opened(folder) as store:
        try:
            return store.run(lambda desk: add_claim(desk, claim, keys, why))
        except Conflict as error:
            raise CommandRefused(f"no claim for {station}: {error}") from error


def import_bills(
    folder: Path,
    data: bytes,
    station_building: tuple[str, str],
    payee: Payee,
    set_key: SigningKey,
    now_ms: int,
    *,
    offline: bool,
) -> tuple[ImportReport, SetPointer | None]:
    """Read a board's list, sign what is good, and put it where stations fetch it; None when nothing was good.

    station_building: (building, title). offline: sign PREFER_ONLINE, so that stations may show a code while blind.
    Raises ListRefused for a file that cannot be read as a whole, WireError for a payee that does not fit,
    CommandRefused for a building without a station and for a key that stations do not believe.
    """
    building, title = station_building
    report = bills.read_bills(data, building)
    if not report.bills:
        return report, None
    name = f"bills/{building}"
    with opened(folder) as store:
        _check_building(store, building)
        version = next_version(store, name, now_ms)
        body = BillSet(
            building=building,
            title=title,
            payee_bin=payee.bin,
            payee_account=payee.account,
            payee_name=payee.name,
            as_of_ms=now_ms,
            version=version,
            bills=report.bills,
            offline=offline,
        )
        pointer = publish(folder, store, set_key, _content(name, version, body.encode(), now_ms, LIST_DAYS))
    return report, pointer


def import_anchors(folder: Path, files: Mapping[str, bytes], set_key: SigningKey, now_ms: int) -> SetPointer:
    """Sign the issuers' certificates that stations shall trust, and put them where stations fetch them.

    files: certificates in DER or PEM by the name of their file; none: trust is withdrawn from all. Raises
    CommandRefused for one that stations would not use, and for a key that they do not believe.
    """
    certificates = tuple(_issuer(name, data, now_ms) for name, data in files.items())
    with opened(folder) as store:
        version = next_version(store, anchors.NAME, now_ms)
        body = anchors.AnchorSet(version=version, certificates=certificates).encode()
        return publish(folder, store, set_key, _content(anchors.NAME, version, body, now_ms, ANCHOR_DAYS))


def import_catalogue(folder: Path, source: Path, set_key: SigningKey, now_ms: int) -> SetPointer:
    """Sign the catalogue of services in a folder, and put it where every station fetches it.

    Its version stands in the folder and must be newer than the published one. Raises ProfileError for a file that is
    not in order, CommandRefused for a version that is not newer and for a key that stations do not believe.
    """
    new = catalogue_toml.load(source)
    with opened(folder) as store:
        newest = newest_version(store, catalogue.NAME)
        if new.version <= newest:
            raise CommandRefused(
                f"{source} is version {new.version}, published is {newest}: stations take only a newer one, raise it"
            )
        return publish(
            folder, store, set_key, _content(catalogue.NAME, new.version, new.encode(), now_ms, CATALOGUE_DAYS)
        )


def newest_version(store: SqliteStore, name: str) -> int:
    """The version of a set that stations are told to hold; 0 = none."""
    return max((each.version for each in store.newest_sets() if each.name == name), default=0)


def next_version(store: SqliteStore, name: str, now_ms: int) -> int:
    """A version above every one there was, also above those that a restored backup forgot."""
    return max(newest_version(store, name) + 1, now_ms // 1000)


def publish(folder: Path, store: SqliteStore, set_key: SigningKey, content: SignedSet) -> SetPointer:
    """Sign a set with the offline key and put it where stations fetch it. Raises CommandRefused."""
    signed = sign_set(set_key, content)
    _believed(folder, signed, content.issued_ms)
    pointer = pointer_of(content.name, content.version, signed)
    store.run(lambda desk: desk.add_set(pointer, signed, content.issued_ms))
    return pointer


def _content(name: str, version: int, body: bytes, now_ms: int, days: int) -> SignedSet:
    return SignedSet(name=name, version=version, issued_ms=now_ms, not_after_ms=now_ms + days * DAY_MS, body=body)


def _issuer(name: str, data: bytes, now_ms: int) -> bytes:
    """Give a certificate in DER; refuse one that stations would not use. Raises CommandRefused."""
    pem = data.lstrip().startswith(b"-----BEGIN")
    try:
        read = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        extensions = {each.oid: each.value for each in read.extensions}
    except ValueError as error:
        raise CommandRefused(f"{name} is no certificate in DER or PEM ({error}): is it the right file?") from error
    basic, usage = extensions.get(x509.OID_BASIC_CONSTRAINTS), extensions.get(x509.OID_KEY_USAGE)
    may_sign = usage.key_cert_sign if isinstance(usage, x509.KeyUsage) else True
    if not (isinstance(basic, x509.BasicConstraints) and basic.ca and may_sign):
        raise CommandRefused(f"{name} is no issuing authority's certificate (CA): give the country's CSCA certificate")
    if read.not_valid_after_utc.timestamp() * 1000 < now_ms:
        raise CommandRefused(f"{name} ended on {read.not_valid_after_utc:%Y-%m-%d}: give the one that follows it")
    return read.public_bytes(Encoding.DER)


def _check_building(store: SqliteStore, building: str) -> None:
    """A list under a name that no station asks for would be in force nowhere."""
    known = sorted({each.building for each in store.stations()})
    if building not in known:
        raise CommandRefused(
            f"no station stands in building {building!r} (there are: {', '.join(known) or 'none'}): add one first"
        )


def _believed(folder: Path, signed: bytes, now_ms: int) -> None:
    """A list under another key would take the place of the one in force, and no station could use it."""
    try:
        fleet_keys.load(folder).trust.verify("set", signed, SET_MAX_BYTES + ENVELOPE_BYTES, now_ms)
    except WireError as error:
        raise CommandRefused(f"no station would believe this set ({error}): sign with the fleet's set.pem") from error


def sign_set(key: SigningKey, content: SignedSet) -> bytes:
    """Sign a set with the offline key."""
    return sign_message(key, "kiosk/set/1", content.encode())


def pointer_of(name: str, version: int, signed: bytes) -> SetPointer:
    """Where a signed set is found: by its hash."""
    import hashlib

    return SetPointer(name, version, len(signed), hashlib.sha256(signed).digest())


def revoke(folder: Path, device: str, why: Why) -> None:
    """Revoke a device by its name; a running server cuts it off within a second. Raises CommandRefused."""
    try:
        wanted = device_from_name(device)
    except WireError as error:
        raise CommandRefused(
            f"{device!r} is no device name: 26 letters and digits, as the operations page has it"
        ) from error
    with opened(folder) as store:
        found = store.device(wanted)
        if found is None:
            raise CommandRefused(f"the fleet has no device {device}: the operations page names them")
        if found.status == "REVOKED":
            raise CommandRefused(f"{device} is revoked already")
        store.run(lambda desk: desk.put_device(replace(found, status="REVOKED"), why))


def make_backup(folder: Path, target: Path, now_ms: int) -> int:
    """Write a checked backup while the server may run; give how many journals it holds.

    Raises BackupRefused, CommandRefused.
    """
    if not target.parent.is_dir():
        raise CommandRefused(f"{target.parent} is no folder: make it, or name another place for the backup")
    with opened(folder) as store:
        store.run(lambda desk: desk.set_keeps_backups(True))
        return backup.backup(store, folder / DATABASE, target, now_ms)


def restore_backup(folder: Path, source: Path, now_ms: int) -> bytes:
    """Make the database from a backup; give the new lineage. Raises BackupRefused, CommandRefused."""
    _check_server(folder)
    if not source.is_file():
        raise CommandRefused(f"{source} is no file: name the backup to restore, the newest there is")
    return backup.restore(source, folder / DATABASE, now_ms)


def fold_again(folder: Path) -> int:
    """Drop every projection and fold the log again; give how many records that were."""
    with opened(folder) as store:
        return rebuild(store, Opener(store, store, fleet_keys.load_openers(folder)))
