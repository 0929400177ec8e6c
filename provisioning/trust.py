"""Whom a station believes: the fleet's keys, from a list that only the offline root can sign. Opens no file.

A list never goes back to a lower version. A key counts for one role only and within its dates; dates are judged by the
time the caller gives, which is the greater of clock and time floor, and a sealing key past its date is still better
than plaintext: the newest one is used and reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from device_profiles.messages import KEYS_MAX_BYTES, FleetKeys
from device_profiles.wire import ENVELOPE_BYTES
from provisioning.keys import SignatureRefused, VerifyKey, open_message
from provisioning.sealing import SealTo

ROLE_KINDS = {
    "ack": "kiosk/ack/1",
    "desired": "kiosk/desired/1",
    "answer": "kiosk/answer/1",
    "bundle": "kiosk/bundle/1",
    "set": "kiosk/set/1",
    "claim": "kiosk/claim/1",
}


class SealingChoice(NamedTuple):
    """Which key to seal to, and whether it is past its date (then the status map says so)."""

    key: SealTo
    expired: bool


@dataclass(slots=True)
class FleetTrust:
    """The fleet's keys as one station (or server) knows them, under the root's public key (SPKI, DER)."""

    root_spki: bytes
    version: int = -1
    _signing: dict[bytes, tuple[str, VerifyKey, int, int]] = field(default_factory=dict)
    _sealing: list[tuple[SealTo, int, int]] = field(default_factory=list)

    def accept_keys(self, signed: bytes) -> FleetKeys:
        """Take a signed key list, whole or not at all. Raises WireError; "rollback" for a lower version."""
        root = VerifyKey.from_spki(self.root_spki)
        payload, _ = open_message(
            "kiosk/keys/1", signed, lambda kid: root if kid == root.kid else None, KEYS_MAX_BYTES + ENVELOPE_BYTES
        )
        keys = FleetKeys.decode(payload)
        if keys.version < self.version:
            raise SignatureRefused("rollback", f"key list {keys.version}, {self.version} is known")
        signing = {}
        for kid, role, spki, from_ms, to_ms in keys.signing:
            key = VerifyKey.from_spki(spki)
            if key.kid != kid:
                raise SignatureRefused("key", "a kid in the list is not its key's")
            if kid in signing:
                raise SignatureRefused("key", "a key stands in the list twice; one key, one role")
            signing[kid] = (role, key, from_ms, to_ms)
        sealing = []
        for kid, suite, public, from_ms, to_ms in keys.sealing:
            target = SealTo(suite, public)
            if target.kid != kid:
                raise SignatureRefused("key", "a kid in the list is not its sealing key's")
            sealing.append((target, from_ms, to_ms))
        self._signing, self._sealing, self.version = signing, sealing, keys.version
        return keys

    def verify(self, role: str, data: bytes, size_max_bytes: int, now_ms: int) -> bytes:
        """Give the payload of a message signed by a key of this role, valid now. Raises WireError."""

        def find(kid: bytes) -> VerifyKey | None:
            known = self._signing.get(kid)
            return known[1] if known and known[0] == role and known[2] <= now_ms < known[3] else None

        return open_message(ROLE_KINDS[role], data, find, size_max_bytes)[0]

    def sealing_key(self, now_ms: int) -> SealingChoice:
        """The newest key valid now (of two as new, the hybrid one), else the newest of all, marked expired.

        Raises SignatureRefused when none exist.
        """
        valid = [each for each in self._sealing if each[1] <= now_ms < each[2]]
        pool = valid or self._sealing
        if not pool:
            raise SignatureRefused("sealing_key", "the key list names none: enrol the station again")
        newest, _, _ = max(pool, key=lambda each: (each[1], each[0].suite))
        return SealingChoice(newest, expired=not valid)
