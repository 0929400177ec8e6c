"""The technician's command: `python -m provisioning prepare | claim | check DIR`. Prints; decides nothing by itself.

Exit codes: 0 done (check: nothing is left to do), 1 refused or a step is still to be taken, 2 wrong input.
Wording: code and Vietnamese first, then English with the remedy. No private key is ever printed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from device_profiles.cbor import WireError
from device_profiles.messages import CLAIM_MAX_BYTES, ENROL_MAX_BYTES, EnrolRequest
from device_profiles.wire import device_name, envelope_decode
from provisioning.authority import DAY_MS
from provisioning.enrol_client import Fleet, enrol
from provisioning.enrolment import CODES, Refused, read_claim
from provisioning.identity import (
    BUNDLE,
    FILE_MAX_BYTES,
    IDENTITY_KEY,
    KEYS,
    REQUEST,
    TLS_KEY,
    Identity,
    IdentityFault,
    Keys,
    accept_newer_keys,
    hardware_mark,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, WRONG_INPUT = 0, 1, 2
WARN_DAYS = 30


class WrongInput(Exception):
    """What was typed cannot be meant; the words name it and the remedy."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code. Wrong usage ends by argparse (exit code 2)."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except WrongInput as error:
        print(f"Sai dữ liệu vào / Wrong input: {error}", file=sys.stderr)
        return WRONG_INPUT
    except Refused as error:
        print(error, file=sys.stderr)
        return FAILED
    except IdentityFault as error:
        print(f"Thư mục định danh lỗi / The identity folder cannot be used: {error}", file=sys.stderr)
        return FAILED
    except PermissionError as error:
        print(f"Không có quyền / No permission: {error}: run this as the user of the agent", file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        vietnamese, english = CODES["P15"]
        print(f"P15 {vietnamese} / {english}: {error}: free space or change the card, then repeat", file=sys.stderr)
        return FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m provisioning", description="Who a station is: keys, claim, check.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    prepare = commands.add_parser("prepare", help="make the identity's keys and show what will be asked for")
    claim = commands.add_parser("claim", help="enrol with a claim and keep the bundle")
    check = commands.add_parser("check", help="say what is there, valid until when, and the next step")
    for command, run in ((prepare, _prepare), (claim, _claim), (check, _check)):
        command.add_argument("folder", metavar="DIR", type=Path, help="the identity folder")
        command.set_defaults(run=run)
    claim.add_argument("--claim", required=True, type=Path, metavar="FILE", help="the claim from the work order")
    claim.add_argument("--server", required=True, metavar="URL", help="the fleet, https://HOST[:PORT]")
    claim.add_argument("--ca", required=True, type=Path, metavar="FILE", help="the CA's root certificate (PEM)")
    claim.add_argument("--root", required=True, type=Path, metavar="FILE", help="the fleet root's public key (DER)")
    return parser


def _prepare(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    if folder.exists() and not folder.is_dir():
        raise WrongInput(f"{folder} is a file: name a folder")
    keys = Identity.create(folder)
    print(f"Thiết bị / Device:      {device_name(keys.device)}")
    print(f"Khóa / Key:             {keys.key.kid.hex()}  (TLS {keys.tls.kid.hex()})")
    print(f"Phần cứng / Hardware:   {hardware_mark().decode(errors='replace')}")
    if (folder / BUNDLE).exists():
        print("Đã đăng ký / Already enrolled. Next: `check`")
    else:
        print("Tiếp theo / Next: `claim` with the claim of the work order")
    return DONE


def _claim(options: argparse.Namespace) -> int:
    claim = _input(options.claim, "--claim", CLAIM_MAX_BYTES)
    ca, root = _input(options.ca, "--ca", FILE_MAX_BYTES), _input(options.root, "--root", FILE_MAX_BYTES)
    try:
        fleet = Fleet(options.server, ca, root)
    except ValueError as error:
        raise WrongInput(f"{error} (--server, --ca or --root)") from error
    order = read_claim(claim)
    before = (options.folder / BUNDLE).exists()
    clock_ms = time.time_ns() // 1_000_000
    identity = enrol(options.folder, claim, fleet, hardware=hardware_mark(), clock_ms=clock_ms)
    if before and identity.station != order.station:
        raise Refused(
            "P03", "other_station", f"this device is {identity.station}'s, the claim is for {order.station}: new folder"
        )
    print("Đã đăng ký từ trước / Was enrolled already" if before else "Đã đăng ký / Enrolled")
    _show(identity)
    return DONE


def _input(path: Path, option: str, size_max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size_max_bytes + 1)
    except OSError as error:
        raise WrongInput(f"{option} {path}: {error.strerror}: name a file that can be read") from error
    if not 0 < len(data) <= size_max_bytes:
        raise WrongInput(f"{option} {path}: {len(data) or 'no'} bytes, 1 to {size_max_bytes} allowed: another file?")
    return data


def _show(identity: Identity) -> None:
    print(f"Trạm / Station:         {identity.station}  {identity.title}")
    print(f"Địa chỉ / Address:      {identity.address} ({identity.building})")
    print(f"Thiết bị / Device:      {device_name(identity.device)}, epoch {identity.epoch}, {identity.profile}")
    print(f"Máy chủ / Fleet:        {identity.broker[0]}:{identity.broker[1]}, {identity.face_url}")
    print(f"Mã tạm / Codes:         {identity.counter_from} to {identity.counter_to - 1}")
    print(f"Chứng thư / Certificate until {_date(identity.certificate_ends_ms)}")


def _check(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    if not folder.is_dir():
        raise WrongInput(f"{folder} is no folder: `prepare` makes one")
    keys = Keys.load(folder)
    if not (folder / BUNDLE).exists():
        print(f"Thiết bị / Device:      {device_name(keys.device)}")
        asked = (folder / REQUEST).exists()
        print(f"Chưa đăng ký / Not enrolled{', asked before' if asked else ''}.")
        again = "`claim` again, with a new claim if the last one was refused"
        print(f"Tiếp theo / Next: {again if asked else '`claim` with the claim of the work order'}")
        return FAILED
    identity = Identity.load(folder)
    _show(identity)
    findings = _findings(folder, identity, time.time_ns() // 1_000_000)
    for each in findings:
        print(each)
    print("Tiếp theo / Next: " + ("see above" if findings else "start the agent"))
    return FAILED if findings else DONE


def _findings(folder: Path, identity: Identity, clock_ms: int) -> list[str]:
    """What a technician should mend, each with its remedy; nothing of it stops the station from serving."""
    found = [
        f"{folder / name} can be read by others: chmod 600"
        for name in (IDENTITY_KEY, TLS_KEY)
        if stat.S_IMODE((folder / name).stat().st_mode) & 0o077
    ]
    if not accept_newer_keys(folder, identity.trust):
        found.append(f"{folder / KEYS} is missing or damaged: the bundle's list is in use; the fleet sends a new one")
    if clock_ms < identity.time_floor_ms:
        found.append(f"P07 {' / '.join(CODES['P07'])}: it cannot be before {_date(identity.time_floor_ms)}: set it")
    elif clock_ms > identity.certificate_ends_ms:
        found.append("P12 Chứng thư đã hết hạn / The certificate has ended: connect; residents are still served")
    elif clock_ms > identity.certificate_ends_ms - WARN_DAYS * DAY_MS:
        found.append("P12 Chứng thư sắp hết hạn / The certificate ends soon: connect the station to its network")
    if _asked_hardware(folder) not in (None, hardware_mark()):
        found.append(f"P10 {' / '.join(CODES['P10'])}: ask for a claim board-swap")
    return found


def _asked_hardware(folder: Path) -> bytes | None:
    """The hardware mark in the request this identity was enrolled with."""
    try:
        data = (folder / REQUEST).read_bytes()
        return EnrolRequest.decode(envelope_decode(data, ENROL_MAX_BYTES).payload).hardware
    except (OSError, WireError):
        return None


def _date(time_ms: int) -> str:
    return dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


if __name__ == "__main__":
    sys.exit(main())
