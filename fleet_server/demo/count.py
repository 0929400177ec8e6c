"""The count of a demonstration: what the stations' disks hold against what the fleet holds. Reads only.

Reads each station's journal file directly, as someone would who trusts neither side's own words: `record(seq, data)` is
the journal's table, and a record's digest is over its bytes.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from device_profiles.wire import digest, record_decode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONFIRMED = "CONFIRMED"


@dataclass(slots=True)
class Count:
    """committed: records the stations committed; accepted: records in the fleet's log.

    dossiers: in the fleet's projection; faulty: of these, those with a fault that the station missed.
    pending: behind the last one the fleet holds, and still on the station's disk: they can come. lost: records that
    cannot come any more or are others at the fleet, and codes residents were shown that it never heard of.
    doubled: bills confirmed by two payments, codes given twice, confirmations without a credit of exactly that amount.
    """

    stations: int = 0
    visits: int = 0
    committed: int = 0
    accepted: int = 0
    pending: int = 0
    lost: int = 0
    doubled: int = 0
    payments: int = 0
    confirmed: int = 0
    told_confirmed: int = 0
    dossiers: int = 0
    faulty: int = 0
    kills: int = 0
    cut_s: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return asdict(self)


def journal_rows(path: Path) -> list[tuple[bytes, int, bytes]]:
    """(journal id, seq, digest) of every record that a station's journal still holds."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        return [
            (record_decode(data)[0].journal, seq, digest(data))
            for seq, data in db.execute("SELECT seq, data FROM record ORDER BY seq")
        ]


def fleet_rows(database: Path) -> dict[tuple[bytes, int], bytes]:
    """(journal id, seq) -> digest of every record in the fleet's log."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        rows = db.execute("SELECT journal, seq, record.digest FROM record JOIN head ON head.id = record.head")
        return {(journal, seq): found for journal, seq, found in rows}


def quick(journals: Iterable[Path], database: Path) -> tuple[int, int]:
    """(committed, accepted) for the running count: cheap, and a moment apart."""
    committed = 0
    for path in journals:
        if path.exists():
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
                committed += db.execute("SELECT ifnull(max(seq), -1) + 1 FROM record").fetchone()[0]
    if not database.exists():
        return committed, 0
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        return committed, db.execute("SELECT count(*) FROM record").fetchone()[0]


def judge(count: Count, journals: Iterable[Path], database: Path, told: set[str], confirmed: set[str]) -> None:
    """Fill in what was committed, accepted, lost and doubled; name each fault."""
    at_fleet = fleet_rows(database)
    held = {(journal, seq): found for path in journals for journal, seq, found in journal_rows(path)}
    tips, arrived = _tips(held), _tips(at_fleet)
    for journal, seq in ((journal, seq) for journal, tip in tips.items() for seq in range(tip)):
        mine, theirs = held.get((journal, seq)), at_fleet.get((journal, seq))
        which = f"record {seq} of journal {journal.hex()[:8]}"
        if theirs is None and mine is not None and seq >= arrived[journal]:
            count.pending += 1
            count.faults.append(f"{which} is not at the fleet yet")
        elif theirs is None:
            count.lost += 1
            count.faults.append(f"{which} is not at the fleet and cannot come any more")
        elif mine is not None and mine != theirs:
            count.lost += 1
            count.faults.append(f"{which} is another at the fleet")
    count.committed, count.accepted = sum(tips.values()), len(at_fleet)
    _judge_told(count, database, told, confirmed)


def _tips(rows: Iterable[tuple[bytes, int]]) -> Counter[bytes]:
    """By journal: the number behind its last record."""
    tips: Counter[bytes] = Counter()
    for journal, seq in rows:
        tips[journal] = max(tips[journal], seq + 1)
    return tips


def _judge_told(count: Count, database: Path, told: set[str], confirmed: set[str]) -> None:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        payments = db.execute("SELECT code, building, bill, state FROM payment").fetchall()
        filed = db.execute("SELECT code, ifnull(faults, 1) > 0 FROM dossier").fetchall()
        unproven = db.execute(
            "SELECT code FROM payment WHERE state = ? AND 1 != (SELECT count(*) FROM credit_reference r "
            "JOIN credit c ON c.bank_ref = r.bank_ref WHERE r.reference = payment.reference "
            "AND c.amount = payment.amount AND c.account = payment.payee_account)",
            (CONFIRMED,),
        ).fetchall()
    states = {code: state for code, _, _, state in payments}
    codes = Counter(code for code, *_ in (*payments, *filed))
    count.dossiers, count.faulty = len(filed), sum(faulty for _, faulty in filed)
    count.payments, count.told_confirmed = len(payments), len(confirmed)
    count.confirmed = sum(state == CONFIRMED for state in states.values())
    bills = Counter((building, bill) for _, building, bill, state in payments if state == CONFIRMED)
    faults = {
        "lost": [f"{code} was shown, the fleet never heard of it" for code in sorted(told - set(codes))]
        + [
            f"{code} was called confirmed, the fleet does not say so"
            for code in confirmed
            if states.get(code) != CONFIRMED
        ],
        "doubled": [
            f"a bill of {building} is confirmed {times} times" for (building, _), times in bills.items() if times > 1
        ]
        + [f"{code} was given {times} times" for code, times in codes.items() if times > 1]
        + [f"{code} is confirmed without exactly one credit" for (code,) in unproven],
    }
    count.lost += len(faults["lost"])
    count.doubled += len(faults["doubled"])
    count.faults += faults["lost"] + faults["doubled"]
