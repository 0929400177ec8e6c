"""What a station says of one dossier, and how many faults its form finds. Pure; no answer leaves the record.

A transaction id stands for one dossier for ever: the same id with other content is refused, never a second effect.
Because answers are not kept here, nor anything they could be guessed from, the caller opens the first record again to
compare. What the office decides is not in the log (`fleet_server.dossiers`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from device_profiles import answers
from device_profiles.answers import Answer
from fleet_server.projections import Unfit
from fleet_server.store import Dossier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.catalogue import Service
    from fleet_server.projections import Opened

KINDS = frozenset(("dossier.created", "dossier.seen"))
VIETNAM = timezone(timedelta(hours=7))  # no summer time
QUALITY_TRUSTED = 2


def project(
    row: Dossier | None, record: Opened, form: Service | None = None, first: Mapping[str, Any] | None = None
) -> Dossier:
    """Fold one record of KINDS into the dossier of its txn (None before the first). Raises Unfit.

    form: the form it was made with, None where the fleet does not know it. first: the fields of the record that made
    the row.
    """
    if record.txn is None:
        raise Unfit("no_txn", "a dossier's records share a transaction id")
    if record.kind == "dossier.created":
        if row is None:
            return _created(record, record.txn, form)
        if record.fields != first:
            raise Unfit("txn_conflict", "this transaction id stands for another dossier")
        return row
    if row is None:
        raise Unfit("no_dossier", "dossier.seen before dossier.created")
    return replace(
        row,
        seen=record.fields["state"],
        seen_official=record.fields.get("official") or "",
        seen_ms=record.created_ms,
    )


def _created(record: Opened, txn: bytes, form: Service | None) -> Dossier:
    said = record.fields
    return Dossier(
        device=record.device,
        txn=txn,
        position=record.position,
        created_ms=record.created_ms,
        quality=record.quality,
        received_ms=record.received_ms,
        service=said["service"],
        form=said["form"],
        catalogue=said["catalogue"],
        code=said["code"],
        ward=said.get("ward") or "",
        identity=said["identity"],
        urgent=said["urgent"],
        deadline_ms=said.get("deadline_ms"),
        language=said["language"],
        online=said["online"],
        answers=len(said["answers"]),
        sources=dict(Counter(source for _, _, source in said["answers"])),
        faults=None if form is None else faults(form, record),
    )


def faults(form: Service, record: Opened) -> int:
    """How many faults a dossier has by the rules of its form on the day it was made.

    An answer that stands there twice, and one to a question that is not asked, are faults as well.
    """
    given = {key: Answer(text, source) for key, text, source in record.fields["answers"]}
    day = datetime.fromtimestamp(record.created_ms / 1000, UTC).astimezone(VIETNAM).date()
    found = answers.faults(form, given, as_of=day, trusted=record.quality >= QUALITY_TRUSTED)
    asked = {each.key for each in answers.asked(form, given)}
    twice = len(record.fields["answers"]) - len(given)
    return len(found) + twice + len(given.keys() - asked)
