"""The timeline of a station: one line for each record, with the few facts the console shows. Pure.

`FACTS` is the whole of what leaves a record for the timeline: none of it names a person. Amount, masked owner and payee
of a payment stand in its own row (`fleet_server.projections.money`), answers of a dossier nowhere but in its record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_server.store import TimelineRow

if TYPE_CHECKING:
    from fleet_server.projections import Opened

FACTS = {
    "journal.opened": ("reason", "last_next"),
    "station.started": ("version", "boot"),
    "visit.ended": ("outcome", "seconds", "language"),
    "payment.created": ("service", "amount", "code", "online"),
    "payment.state": ("state", "reason"),
    "dossier.created": ("service", "code", "ward", "identity", "urgent", "online"),
    "dossier.seen": ("state", "official"),
    "technician.entry": ("result", "seconds"),
    "slip.result": ("slip", "result", "copy", "detail"),
    "desired.result": ("rev", "result", "reason"),
    "set.result": ("name", "version", "result", "reason"),
    "device.state": ("port", "name", "state", "paper", "detail", "action", "identity", "flapping"),
}


def project(record: Opened) -> TimelineRow:
    """The line of one record."""
    facts = {name: record.fields[name] for name in FACTS.get(record.kind, ()) if record.fields.get(name) is not None}
    return TimelineRow(
        record.position,
        record.device,
        record.txn,
        record.seq,
        record.kind,
        record.created_ms,
        record.quality,
        record.received_ms,
        facts,
    )
