"""The command `python -m edge_agent catalogue check [FOLDER]`: is a folder of services right, and what does it offer?

Reads and says; decides nothing (`device_profiles.catalogue_toml`). Exit status: 0 right, 1 a fault, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_profiles import catalogue_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_profiles.catalogue_toml import Reading


def main(arguments: Sequence[str]) -> int:
    """Read the arguments after `catalogue`; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m edge_agent catalogue", description="The services of a station, as a folder of TOML files."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{check}")
    check = commands.add_parser("check", help="say of each service whether it is right, and what it is")
    check.add_argument("folder", nargs="?", type=Path, help="catalogue.toml and the services (default: as shipped)")
    check.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args(arguments)
    folder = given.folder
    if folder is not None and not folder.is_dir():
        parser.error(f"{folder} is no folder")
    if folder is not None and not (folder / catalogue_toml.INDEX).is_file():
        parser.error(
            f"{folder} holds no {catalogue_toml.INDEX}, which names the groups and the services in their order"
        )
    try:
        reading = catalogue_toml.read(folder or catalogue_toml.shipped())
    except OSError as error:
        sys.stderr.write(f"edge_agent: {error}\n")
        return 1
    told = json.dumps(report(reading), ensure_ascii=False, indent=2) if given.json else text(reading, str(folder or ""))
    sys.stdout.write(f"{told}\n")
    return 1 if reading.faults else 0


def report(reading: Reading) -> dict[str, Any]:
    """Give each service with its names, group, offline policy and fault (None: it is right); likewise the whole's."""
    whole = reading.faults.get("")
    return {
        "version": reading.catalogue.version if reading.catalogue else None,
        "fault": str(whole) if whole else None,
        "services": [_service(reading, name) for name in reading.order],
    }


def _service(reading: Reading, name: str) -> dict[str, Any]:
    fault = reading.faults.get(name)
    said = {"id": name, "fault": str(fault) if fault else None}
    service = reading.catalogue.service(name) if reading.catalogue else None
    if service is None:
        return said
    keys = ("code", "group", "kind", "form", "offline")
    return said | {"name": service.name._asdict()} | {key: getattr(service, key) for key in keys}


def text(reading: Reading, where: str) -> str:
    """Give one line for each service and one for the whole."""
    lines = []
    for each in report(reading)["services"]:
        name = each.get("name", {"vi": "", "en": ""})
        about = f"{each['id']:20} {each.get('group', ''):10} {each.get('offline', ''):8} {name['vi']} · {name['en']}"
        lines.append(f"{about}: {each['fault'] or 'ok'}")
    if whole := reading.faults.get(""):
        lines.append(str(whole))
    elif not reading.faults and reading.catalogue:
        about = f"version {reading.catalogue.version}, services: {len(lines)}"
        lines.append(f"{where or 'the shipped catalogue'}: all right ({about})")
    return "\n".join(lines)
