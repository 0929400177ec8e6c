"""The fleet's own keys: makes a fleet folder once, and reads the half of it that the server needs. Signs no message.

`offline/` holds what must be carried away: the fleet root (signs the key list), the CA's root key, the set key (signs
bill lists). With `server/` alone nobody can make a station believe a new key or another payee. In `server/` every role
has a key of its own; the opener's seeds lie in a folder of their own, because ingest must not have them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.cbor import WireError
from device_profiles.messages import FleetKeys
from provisioning import authority
from provisioning.authority import BACKDATE_MS, DAY_MS, Authority
from provisioning.identity import fsync_folder, make_folder, write_durably
from provisioning.keys import SigningKey, sign_message
from provisioning.sealing import SEED_BYTES, SUITE_BASE, SUITE_HYBRID, OpeningKey
from provisioning.trust import FleetTrust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OFFLINE, SERVER = "offline", "server"
ONLINE_ROLES = ("ack", "desired", "answer", "bundle", "claim")
KEY_LIST = "fleet-keys.cose"
ROOT_SPKI = "root.spki"
CA_ROOT, CA_ISSUING, CA_KEY, CA_CHAIN = "ca/root.crt", "ca/issuing.crt", "ca/issuing.pem", "ca/chain.crt"
DOORS = ("broker", "face")
INGEST = "ingest"
LOCAL_NAMES = ("localhost", "127.0.0.1")
HOST = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.:-]{0,251}[0-9A-Za-z])?")
SETTINGS = """# One fleet server: settings that differ from their defaults. Where stations reach it:
host = "{host}"
"""
SIGNING_DAYS = 5 * 365
SEALING_DAYS = 365


class FleetKeyFault(Exception):
    """The fleet folder cannot be made or used as it is; the words name the file and the remedy."""


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What the server signs with, one key per role, and the signed list by which stations believe it."""

    ack: SigningKey
    desired: SigningKey
    answer: SigningKey
    bundle: SigningKey
    claim: SigningKey
    key_list: bytes
    root_spki: bytes
    trust: FleetTrust
    version: int


def init(folder: Path, now_ms: int, host: str = "127.0.0.1") -> None:
    """Make a whole fleet folder with all its keys; `host`: name or address under which stations reach the server.

    It is made beside its place and renamed at the end, so that a cut leaves no half fleet under the name. Raises
    FleetKeyFault where something is there already, OSError where the disk cannot.
    """
    if not HOST.fullmatch(host):
        raise FleetKeyFault(f"{host!r} is no host: give a name like fleet.example or an IP address")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FleetKeyFault(f"{folder} is not empty: a fleet's keys are made once; name a new folder")
    folder = folder.absolute()
    draft = folder.with_name(f".{folder.name}.draft")
    if draft.exists():
        raise FleetKeyFault(f"{draft} is left from an attempt that was cut: remove it, then repeat")
    for each in ("", OFFLINE, SERVER, *(f"{SERVER}/{name}" for name in ("ca", "keys", "opener", "tls"))):
        make_folder(draft / each)
    root, set_key = SigningKey.generate(), SigningKey.generate()
    write_durably(draft / OFFLINE / "root.pem", root.to_pem())
    write_durably(draft / OFFLINE / "set.pem", set_key.to_pem())
    _make_authority(draft, now_ms)
    roles = {role: SigningKey.generate() for role in ONLINE_ROLES}
    for role, key in roles.items():
        write_durably(draft / SERVER / "keys" / f"{role}.pem", key.to_pem())
    opening = OpeningKey.generate(SUITE_HYBRID)
    write_durably(draft / SERVER / "opener" / f"seal-{opening.suite}-{opening.kid.hex()}.seed", opening.seed)
    signed = sign_key_list(root, {**roles, "set": set_key}, [opening], now_ms, version=1)
    write_durably(draft / SERVER / KEY_LIST, signed)
    write_durably(draft / SERVER / ROOT_SPKI, root.spki)
    renew_certificates(draft / SERVER, now_ms, host)
    write_durably(draft / SERVER / "server.toml", SETTINGS.format(host=host).encode())
    draft.rename(folder)
    fsync_folder(folder.parent)


def _make_authority(draft: Path, now_ms: int) -> None:
    root_key, issuing_key = SigningKey.generate(), SigningKey.generate()
    root = authority.make_root(root_key, now_ms)
    issuing = authority.make_issuing(root, root_key, issuing_key.spki, now_ms)
    write_durably(draft / OFFLINE / "ca_root.pem", root_key.to_pem())
    write_durably(draft / SERVER / CA_ROOT, authority.pem(root))
    write_durably(draft / SERVER / CA_ISSUING, authority.pem(issuing))
    write_durably(draft / SERVER / CA_KEY, issuing_key.to_pem())
    write_durably(draft / SERVER / CA_CHAIN, authority.pem(root, issuing))


def sign_key_list(
    root: SigningKey, roles: dict[str, SigningKey], sealing: Sequence[OpeningKey], now_ms: int, version: int
) -> bytes:
    """Let the offline root say whom stations shall believe (kiosk/keys/1): a key per role, and the sealing keys."""
    from_ms = now_ms - BACKDATE_MS
    listed = FleetKeys(
        version=version,
        issued_ms=now_ms,
        signing=tuple(
            [key.kid, role, key.spki, from_ms, now_ms + SIGNING_DAYS * DAY_MS] for role, key in roles.items()
        ),
        sealing=tuple([key.kid, key.suite, key.public, from_ms, now_ms + SEALING_DAYS * DAY_MS] for key in sealing),
    )
    return sign_message(root, "kiosk/keys/1", listed.encode())


def renew_certificates(server: Path, now_ms: int, host: str = "127.0.0.1") -> tuple[str, ...]:
    """Give broker, HTTPS face and ingest client certificates where missing, near their end or not for this host.

    Near means in the last third of their life. Gives the names of those made: who uses them reads them again. Key and
    chain: `tls/<name>.pem`, `tls/<name>.crt`.
    """
    issuing = load_authority(server)
    names = tuple(dict.fromkeys((host, *LOCAL_NAMES)))
    made = []
    for name in (*DOORS, INGEST):
        wanted = () if name == INGEST else names
        if _lasts(server / "tls" / f"{name}.crt", now_ms, wanted):
            continue
        key = SigningKey.generate()
        certificate = (
            issuing.client(name, key.spki, now_ms) if name == INGEST else issuing.server(names, key.spki, now_ms)
        )
        # A cut between the two leaves a pair that does not fit; the old certificate is still due: both are made again.
        write_durably(server / "tls" / f"{name}.pem", key.to_pem())
        write_durably(server / "tls" / f"{name}.crt", authority.pem(certificate, issuing.certificate))
        made.append(name)
    return tuple(made)


def _lasts(path: Path, now_ms: int, names: tuple[str, ...]) -> bool:
    if not path.is_file():
        return False
    certificate = authority.certificate_from_pem(_read(path), str(path))
    first_ms, last_ms = authority.life_ms(certificate)
    return now_ms < last_ms - (last_ms - first_ms) // 3 and (not names or authority.host_names(certificate) == names)


def load(server: Path) -> ServerKeys:
    """Read the signing keys and prove that the list carries each of them for its role. Raises FleetKeyFault."""
    root_spki, key_list = _read(server / ROOT_SPKI), _read(server / KEY_LIST)
    trust = FleetTrust(root_spki)
    try:
        listed = trust.accept_keys(key_list)
        keys = {role: SigningKey.from_pem(_read(server / "keys" / f"{role}.pem")) for role in ONLINE_ROLES}
    except WireError as error:
        raise FleetKeyFault(f"{server}: {KEY_LIST} or a key is damaged ({error}): restore the backup") from error
    known = {(each[1], each[0]) for each in listed.signing}
    for role, key in keys.items():
        if (role, key.kid) not in known:
            raise FleetKeyFault(
                f"{server}/keys/{role}.pem is not in {KEY_LIST}: restore the pair that belongs together"
            )
    return ServerKeys(**keys, key_list=key_list, root_spki=root_spki, trust=trust, version=listed.version)


def load_authority(server: Path) -> Authority:
    """Read the issuing CA. Raises FleetKeyFault."""
    try:
        return Authority.load(*(_read(server / name) for name in (CA_ROOT, CA_ISSUING, CA_KEY)))
    except authority.AuthorityFault as error:
        raise FleetKeyFault(f"{server}/ca: {error}") from error


def load_openers(server: Path) -> list[OpeningKey]:
    """Read the opener's keys (only the opener asks for them). Raises FleetKeyFault."""
    found = [_opener(path) for path in sorted((server / "opener").glob("seal-*.seed"))]
    if not found:
        raise FleetKeyFault(
            f"{server}/opener holds no seal-*.seed: without it no record can be read; restore the backup"
        )
    return found


def _opener(path: Path) -> OpeningKey:
    """The name carries suite and kid, so that a seed in the wrong file is seen."""
    seed = _read(path)
    suite = path.stem.split("-")[1]
    if len(seed) == SEED_BYTES and suite in (str(SUITE_BASE), str(SUITE_HYBRID)):
        key = OpeningKey(int(suite), seed)
        if path.stem == f"seal-{suite}-{key.kid.hex()}":
            return key
    raise FleetKeyFault(f"{path} is not the seed its name says (seal-SUITE-KID.seed, 32 bytes): restore the backup")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FleetKeyFault(f"{path}: {error.strerror}: is this the server folder of a fleet?") from error
