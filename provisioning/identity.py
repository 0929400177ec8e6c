"""Identity: the folder that says who a station is, and whom it believes. Decides nothing about enrolment.

Two keys lie in it: the identity key signs (batches, requests), the TLS key only opens connections and is certified on
a request that the identity key signed. Every file is written whole or not at all (temporary file, fsync, rename, fsync
of the folder), mode 0600. `bundle.cose` is written last: with it the station is enrolled, without it every earlier
file may be written again. Losing power between any two of them costs one repetition of the same command.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from device_profiles.cbor import WireError
from device_profiles.messages import BUNDLE_MAX_BYTES, KEYS_MAX_BYTES
from device_profiles.wire import device_name
from provisioning import authority
from provisioning.enrolment import open_bundle
from provisioning.keys import SignatureRefused, SigningKey, device_id
from provisioning.trust import FleetTrust

if TYPE_CHECKING:
    from device_profiles.messages import Bundle

IDENTITY_KEY = "identity.pem"
TLS_KEY = "tls.pem"
TLS_CERTIFICATE = "tls.crt"
CA = "ca.crt"
ROOT = "fleet-root.spki"
KEYS = "keys.cose"
REQUEST = "request.cose"
BUNDLE = "bundle.cose"
FILE_MAX_BYTES = max(BUNDLE_MAX_BYTES, KEYS_MAX_BYTES)


# Where a board says which one it is: a Raspberry Pi's serial number, a PC's board serial.
HARDWARE_MARKS = ("proc/device-tree/serial-number", "sys/class/dmi/id/board_serial", "sys/class/dmi/id/product_uuid")
HARDWARE_MAX_BYTES = 64


class IdentityFault(Exception):
    """The folder cannot be used as it is; the words name the file and the remedy."""


def write_durably(path: Path, data: bytes) -> None:
    """Put `data` under `path` (mode 0600) so that after a power cut the old file is there or the new one, whole.

    Raises OSError where the disk cannot; the old file then still stands.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(temporary, path)  # noqa: PTH105 - one family of calls, so that a test can cut between them
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make what was created or renamed in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder only its owner can enter, with its parents; one that exists stays as it is."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
        fsync_folder(folder.parent)


def hardware_mark(system: Path = Path("/")) -> bytes:
    """What tells this board from another (1 to 64 bytes); b"unknown" where it does not say or this user may not ask."""
    for name in HARDWARE_MARKS:
        try:
            mark = (system / name).read_bytes().strip(b"\0 \n\t")
        except OSError:
            continue
        if mark:
            return mark[:HARDWARE_MAX_BYTES]
    return b"unknown"


def read_file(path: Path, remedy: str) -> bytes:
    """Read a file of the identity (at most 64 KiB). Raises IdentityFault that ends with `remedy`."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise IdentityFault(f"{path}: {error.strerror}: {remedy}") from error
    if len(data) > FILE_MAX_BYTES:
        raise IdentityFault(f"{path}: over {FILE_MAX_BYTES} bytes: {remedy}")
    return data


@dataclass(frozen=True, slots=True)
class Keys:
    """The two private keys of a device."""

    key: SigningKey
    tls: SigningKey

    @property
    def device(self) -> bytes:
        """The device id (16 bytes)."""
        return device_id(self.key.spki)

    @classmethod
    def load(cls, folder: Path) -> Keys:
        """Read both keys. Raises IdentityFault."""
        return cls(_load_key(folder / IDENTITY_KEY), _load_key(folder / TLS_KEY))


def _load_key(path: Path) -> SigningKey:
    if not path.is_file():
        raise IdentityFault(f"{path} is not there: run `prepare` with this folder first")
    try:
        return SigningKey.from_pem(read_file(path, "give this user the right to read it"))
    except SignatureRefused as error:
        raise IdentityFault(f"{path} is damaged ({error}): prepare a new folder, ask for a claim card-swap") from error


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled device, as its folder says and the fleet's signatures prove.

    counter_from, counter_to: the leased block of provisional codes [from, to). certificate_ends_ms: end of the TLS
    certificate's life. time_floor_ms: it cannot be earlier than this. rev_floor: no Desired below it is taken.
    """

    device: bytes
    epoch: int
    station: str
    title: str
    address: str
    building: str
    profile: str
    key: SigningKey
    trust: FleetTrust
    broker: tuple[str, int]
    face_url: str
    counter_from: int
    counter_to: int
    tls_key: Path
    tls_certificate: Path
    ca: Path
    certificate_ends_ms: int
    time_floor_ms: int
    rev_floor: int

    @staticmethod
    def create(folder: Path) -> Keys:
        """Make the two keys where they are missing; keys that exist stay. Raises IdentityFault, OSError.

        A folder that lost a key it once had is refused: a new key under an old name would be another device.
        """
        make_folder(folder)
        for name, later in ((IDENTITY_KEY, (TLS_KEY, REQUEST, BUNDLE)), (TLS_KEY, (REQUEST, BUNDLE))):
            if (folder / name).exists():
                continue
            remains = [other for other in later if (folder / other).exists()]
            if remains:
                raise IdentityFault(
                    f"{folder / name} is lost ({remains[0]} is there): prepare a new folder, ask for a claim card-swap"
                )
            write_durably(folder / name, SigningKey.generate().to_pem())
        return Keys.load(folder)

    @classmethod
    def load(cls, folder: Path, *, may_connect: bool = True) -> Identity:
        """Read an enrolled folder and prove it by the fleet root's signature. Raises IdentityFault.

        A newer key list (keys.cose) counts if it verifies; a damaged one does not stop the station, the bundle's own
        list then stands. may_connect=False: a damaged certificate is no fault either (its end is given as 0): the
        station serves residents without a network, and the link names what is wrong.
        """
        keys = Keys.load(folder)
        if not (folder / BUNDLE).is_file():
            raise IdentityFault(f"{folder / BUNDLE} is not there: the device is not enrolled, run `claim`")
        root_spki = read_file(folder / ROOT, "run `claim` again with --root")
        try:
            bundle = open_bundle(read_file(folder / BUNDLE, "run `claim` again"), root_spki)
            trust = FleetTrust(root_spki)
            trust.accept_keys(bundle.keys)
        except WireError as error:
            raise IdentityFault(f"{folder / BUNDLE} is damaged ({error}): remove it and run `claim` again") from error
        if bundle.device != keys.device:
            raise IdentityFault(f"{folder / BUNDLE} is of device {device_name(bundle.device)}, the key is another's")
        accept_newer_keys(folder, trust)
        try:
            ends_ms = _certificate_end(folder, keys)
        except IdentityFault:
            if may_connect:
                raise
            ends_ms = 0
        return cls._of(folder, keys, bundle, trust, ends_ms)

    @classmethod
    def _of(cls, folder: Path, keys: Keys, bundle: Bundle, trust: FleetTrust, ends_ms: int) -> Identity:
        return cls(
            device=bundle.device,
            epoch=bundle.epoch,
            station=bundle.station,
            title=bundle.title,
            address=bundle.address,
            building=bundle.building,
            profile=bundle.profile,
            key=keys.key,
            trust=trust,
            broker=(bundle.broker_host, bundle.broker_port),
            face_url=bundle.face_url,
            counter_from=bundle.counter_from,
            counter_to=bundle.counter_to,
            tls_key=folder / TLS_KEY,
            tls_certificate=folder / TLS_CERTIFICATE,
            ca=folder / CA,
            certificate_ends_ms=ends_ms,
            time_floor_ms=bundle.time_ms,
            rev_floor=bundle.rev_floor,
        )


def accept_newer_keys(folder: Path, trust: FleetTrust) -> bool:
    """Let `trust` take the key list kept in the folder; False if it is missing, damaged or older than what is known."""
    try:
        trust.accept_keys(read_file(folder / KEYS, ""))
    except (IdentityFault, WireError):
        return False
    return True


def _certificate_end(folder: Path, keys: Keys) -> int:
    """End of the certificate's life, once it is seen to be for the TLS key and under the CA, with every byte intact."""
    path = folder / TLS_CERTIFICATE
    try:
        chain = authority.chain_from_pem(read_file(path, "run `claim` again"), str(path))
        ca_pem = read_file(folder / CA, "run `claim` again with --ca")
        ca = authority.certificate_from_pem(ca_pem, str(folder / CA))
    except authority.AuthorityFault as error:
        raise IdentityFault(f"{error}: remove {BUNDLE} and run `claim` again") from error
    if not authority.is_signed_by(chain[-1], ca):
        raise IdentityFault(f"{path} is not under the CA in {CA}: remove {BUNDLE} and run `claim` again")
    if authority.certified_spki(chain[0]) != keys.tls.spki:
        raise IdentityFault(f"{path} is not for the key in {TLS_KEY}: remove {BUNDLE} and run `claim` again")
    return authority.life_ms(chain[0])[1]


def store_enrolment(folder: Path, bundle: Bundle, signed: bytes, ca_pem: bytes, root_spki: bytes) -> None:
    """Keep what a believed bundle brought; `signed` is the bundle as received. Raises OSError.

    The bundle's own file comes last: it is what makes the folder an enrolled identity.
    """
    certificates = [
        authority.certificate_from_der(data, "the certificate in the bundle")
        for data in (bundle.certificate, bundle.issuer)
    ]
    write_durably(folder / CA, ca_pem)
    write_durably(folder / ROOT, root_spki)
    write_durably(folder / TLS_CERTIFICATE, authority.pem(*certificates))
    trust = FleetTrust(root_spki)
    trust.accept_keys(bundle.keys)
    if not accept_newer_keys(folder, trust):  # a repeated answer may carry an older list than the one kept
        write_durably(folder / KEYS, bundle.keys)
    write_durably(folder / BUNDLE, signed)
