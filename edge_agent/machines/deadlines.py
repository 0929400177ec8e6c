"""When a procedure is due, by rule. Pure; the rule's name stands in the catalogue. Decides no words.

stay_notice: before 23:00 of the first day of the stay; who arrives from 23:00 on, before 08:00 of the next day (Law on
Residence 2020, Art. 30; domain reference 7).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from device_profiles.layout import TIME_MAX_MS
from edge_agent.machines.moments import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.answers import Answer
    from device_profiles.catalogue import Deadline
    from edge_agent.events import Now

LAST_HOUR, NEXT_MORNING = 23, 8
RISK_MS = 2 * 3_600_000  # the fleet's desk is warned as early as that


def due_ms(rule: Deadline, answers: Mapping[str, Answer]) -> int | None:
    """UTC milliseconds by which the office must have it; None where there is no deadline or no day to count from.

    A day that no record can hold (typed where no clock could judge it), or a year alone, is no day to count from.
    """
    day_told = answers["from_date"].value if "from_date" in answers else ""
    if rule != "stay_notice" or len(day_told) != len("yyyy-mm-dd"):
        return None
    first = date.fromisoformat(day_told)
    arrival = answers["arrival"].value if "arrival" in answers else "00:00"
    late = int(arrival[:2]) >= LAST_HOUR
    day, at = (first + timedelta(days=1), NEXT_MORNING) if late else (first, LAST_HOUR)
    due = int(datetime(day.year, day.month, day.day, at, tzinfo=VIETNAM).timestamp() * 1000)
    return due if 0 <= due <= TIME_MAX_MS else None


def at_risk(deadline_ms: int | None, now: Now, *, online: bool) -> bool:
    """Whether it may be missed: network or clock are not to be relied on, or there is little time left, or none."""
    return deadline_ms is not None and (not (online and now.trusted) or now.wall_ms > deadline_ms - RISK_MS)
