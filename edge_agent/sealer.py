"""The sealer: which content key a record is sealed under, and when a key is drawn, wrapped and destroyed.

One key for the process (system records) and one for each visit. A key is wrapped for the fleet and written as a key
record before anything is sealed under it; the visit's is prepared while the station idles, so that nobody waits for it.
Keys live in this object's memory only: after `wipe` the station cannot read what it wrote. Decides no content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from device_profiles import records
from device_profiles.wire import pad
from edge_agent.journal import Journal, Sealing, Stamp
from provisioning.sealing import ContentKey, record_info

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.trust import FleetTrust

RECORDS_PER_KEY_MAX = 65_536
SYSTEM = 0


class _Drawn(NamedTuple):
    """A key that is wrapped and journaled: the seq of its key record, and the key."""

    seq: int
    key: ContentKey


class Sealer:
    """Seals record bodies into one journal."""

    def __init__(self, journal: Journal, trust: FleetTrust) -> None:
        self._journal, self._trust = journal, trust
        self._process: _Drawn | None = None
        self._ready: _Drawn | None = None
        self._visit: _Drawn | None = None
        self.expired = False  # whether the last wrap had to use a sealing key past its date

    def append(
        self,
        kind: str,
        fields: Mapping[str, object],
        stamp: Stamp,
        trusted_ms: int,
        *,
        order: int = 1,
        txn: bytes | None = None,
        remember: Mapping[str, object] | None = None,
    ) -> int:
        """Check, pad, seal and commit one record; give its seq.

        Raises RecordError (our mistake) or JournalFault (the disk's).
        """
        body = pad(records.pack(kind, fields))
        drawn = self._visit or self._process
        if drawn is None or self._journal.next - drawn.seq >= RECORDS_PER_KEY_MAX:
            drawn = self._draw(stamp, trusted_ms)
            if self._visit:
                self._visit = drawn
            else:
                self._process = drawn
        sealing = Sealing(drawn.seq, None, lambda header: drawn.key.seal(header, body))
        return self._journal.append(sealing, stamp, order=order, txn=txn, remember=remember)

    def prepare(self, stamp: Stamp, trusted_ms: int) -> bool:
        """Have a key ready for the next visit; whether one had to be drawn. Raises JournalFault."""
        if self._ready or self._visit:
            return False
        self._ready = self._draw(stamp, trusted_ms)
        return True

    def begin(self, stamp: Stamp, trusted_ms: int) -> None:
        """A visit begins: what follows is sealed under its own key. Raises JournalFault."""
        self.wipe()
        self._visit = self._ready or self._draw(stamp, trusted_ms)
        self._ready = None

    def wipe(self) -> None:
        """The visit is over: its key is gone."""
        self._visit = None

    def _draw(self, stamp: Stamp, trusted_ms: int) -> _Drawn:
        choice = self._trust.sealing_key(trusted_ms)
        self.expired = choice.expired
        key = ContentKey()
        sealing = Sealing(
            choice.key.kid, choice.key.suite, lambda header: choice.key.seal(key.secret, record_info(header))
        )
        return _Drawn(self._journal.append(sealing, stamp, order=SYSTEM), key)
