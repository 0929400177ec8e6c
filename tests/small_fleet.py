"""A small fleet's real keys, for tests of rooms that need someone to believe."""

from __future__ import annotations

from dataclasses import dataclass

from device_profiles.messages import FleetKeys
from provisioning.keys import SigningKey, device_id, sign_message
from provisioning.sealing import OpeningKey
from provisioning.trust import FleetTrust

NOW_MS = 1_790_000_000_000
YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True)
class Fleet:
    """Every private key of a small fleet, and a station that trusts it."""

    roles: dict[str, SigningKey]
    opening: OpeningKey
    trust: FleetTrust
    station: SigningKey

    @property
    def device(self) -> bytes:
        return device_id(self.station.spki)

    def say(self, role: str, payload: bytes, kind: str | None = None) -> bytes:
        return sign_message(self.roles[role], kind or f"kiosk/{role}/1", payload)


def make_fleet(*, sealing_to_ms: int = NOW_MS + YEAR_MS) -> Fleet:
    root = SigningKey.generate()
    roles = {role: SigningKey.generate() for role in ("ack", "desired", "answer", "bundle", "set", "claim")}
    opening = OpeningKey.generate()
    keys = FleetKeys(
        version=1,
        issued_ms=NOW_MS,
        signing=tuple([key.kid, role, key.spki, NOW_MS - YEAR_MS, NOW_MS + YEAR_MS] for role, key in roles.items()),
        sealing=([opening.kid, opening.suite, opening.public, NOW_MS - YEAR_MS, sealing_to_ms],),
    )
    trust = FleetTrust(root.spki)
    trust.accept_keys(sign_message(root, "kiosk/keys/1", keys.encode()))
    return Fleet(roles, opening, trust, SigningKey.generate())
