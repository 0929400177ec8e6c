"""Signed sets kept on disk: verified when they come and verified again at every start. Decides no content."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from device_profiles import anchors, catalogue
from device_profiles.bills import BillSet
from device_profiles.cbor import WireError
from device_profiles.messages import SET_MAX_BYTES, SignedSet
from provisioning.identity import make_folder, write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.trust import FleetTrust

log = logging.getLogger(__name__)
BILLS = "bills/"
SIGNED_MAX_BYTES = SET_MAX_BYTES + 4096


def verify(trust: FleetTrust, data: bytes, trusted_ms: int) -> SignedSet:
    """Open a signed set. Raises WireError where the signature, the format or what is inside is not right."""
    found = SignedSet.decode(trust.verify("set", data, SIGNED_MAX_BYTES, trusted_ms))
    if found.name.startswith(BILLS):
        bills = BillSet.decode(found.body)
        if found.name != BILLS + bills.building or found.version != bills.version:
            raise WireError("set", "the bill list inside is for another building or version")
    elif found.name == anchors.NAME and anchors.AnchorSet.decode(found.body).version != found.version:
        raise WireError("set", "the certificates inside are of another version")
    elif found.name == catalogue.NAME and catalogue.Catalogue.decode(found.body).version != found.version:
        raise WireError("set", "the catalogue inside is of another version")
    return found


class Sets:
    """A folder of signed sets, one file per name; one bill list in all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, name: str) -> Path:
        # One station serves one building: a list of another building must not come back at the next start.
        key = BILLS if name.startswith(BILLS) else name
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.cose"

    def store(self, name: str, data: bytes) -> None:
        """Keep a set durably. Raises OSError: then the old one still stands."""
        make_folder(self._folder)
        write_durably(self._path(name), data)

    def load(self, trust: FleetTrust, trusted_ms: int) -> list[SignedSet]:
        """All sets that still verify; a damaged one is named in the log and fetched again by Desired."""
        found = []
        for path in sorted(self._folder.glob("*.cose")) if self._folder.is_dir() else []:
            try:
                found.append(verify(trust, path.read_bytes(), trusted_ms))
            except (WireError, OSError) as error:
                log.warning("kept set %s is not usable: %s", path.name, error)
        return found
