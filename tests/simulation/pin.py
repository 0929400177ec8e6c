"""The technicians' PIN of the simulated fleet, and how it travels."""

from __future__ import annotations

import hashlib
from functools import cache

from edge_agent.machines.technician import hashed

PIN = "73910462"


@cache
def technician_pin() -> bytes:
    """The PIN as the fleet sends it."""
    salt = hashlib.sha256(b"salt").digest()[:16]
    return salt + hashed(PIN, salt)
