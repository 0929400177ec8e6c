"""May this bill be paid here and now? The limits on money, as pure functions of what the station knows.

Decides refusals, by name. Does not show, record or count anything: what is counted is the ledger's, the words are
wording's. Source of every rule: the domain reference, section 13.3. The fleet may tighten a limit; nothing loosens one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING

from edge_agent.machines.moments import today

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR_MS = 3_600_000
CLOCK_STEP_MAX_MS = 5 * 60_000  # a time this far in the future of a trusted clock means that the clock is wrong


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator has signed for this station; the defaults are the domain's, which begin closed."""

    policy: str = "REQUIRE_ONLINE"
    amount_max_dong: int = 9_999_999  # from 10 million on, a bank app wants a face check
    offline_amount_max_dong: int = 500_000
    exposure_max_dong: int = 10_000_000
    exposure_max_count: int = 50
    contact_age_max_ms: int = 24 * HOUR_MS
    bills_age_max_ms: int = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Standing:
    """What the station knows at one moment; a time is None when there never was one.

    signed: the operator signed PREFER_ONLINE into this biller's list.
    """

    online: bool
    signed: bool
    trusted: bool
    wall_ms: int
    contact_ms: int | None
    bills_as_of_ms: int
    exposure_dong: int
    exposure_count: int


def tightened(limits: Limits, values: Mapping[str, object]) -> Limits:
    """Give the limits with every value that is stricter; a looser one, and a name that is no limit, changes nothing."""
    stricter: dict[str, int | str] = {}
    for each in fields(Limits):
        wanted, current = values.get(each.name), getattr(limits, each.name)
        if each.name == "policy":
            if wanted == "REQUIRE_ONLINE":
                stricter["policy"] = "REQUIRE_ONLINE"
        elif type(wanted) is int and 0 <= wanted < current:
            stricter[each.name] = wanted
    return replace(limits, **stricter)  # type: ignore[arg-type]


def station_refusal(limits: Limits, standing: Standing) -> str | None:
    """Why this station takes no payment at all now, or None. The reason is a key of wording's `why.`."""
    if not standing.trusted or _ahead(standing.bills_as_of_ms, standing.wall_ms):
        return "clock"
    if standing.online:
        return None
    if limits.policy != "PREFER_ONLINE" or not standing.signed:
        return "policy"
    if standing.contact_ms is None or _ahead(standing.contact_ms, standing.wall_ms):
        return "contact"
    if standing.wall_ms - standing.contact_ms > limits.contact_age_max_ms:
        return "contact"
    if standing.wall_ms - standing.bills_as_of_ms > limits.bills_age_max_ms:
        return "stale"
    if standing.exposure_dong >= limits.exposure_max_dong or standing.exposure_count >= limits.exposure_max_count:
        return "exposure"
    return None


def bill_refusal(limits: Limits, standing: Standing, amount_dong: int, due: str, ends_ms: int) -> str | None:
    """Why this amount, due on `due` (yyyy-mm-dd), may not be paid by a code that ends at `ends_ms`; or None."""
    refused = station_refusal(limits, standing)
    if refused:
        return refused
    if amount_dong > limits.amount_max_dong:
        return "amount"
    if standing.online:
        return None
    if amount_dong > limits.offline_amount_max_dong:
        return "amount_offline"
    if standing.exposure_dong + amount_dong > limits.exposure_max_dong:
        return "exposure"
    if not _on_time(due, ends_ms):
        return "past_due"
    return None


def _ahead(moment_ms: int, wall_ms: int) -> bool:
    return moment_ms - wall_ms > CLOCK_STEP_MAX_MS


def _on_time(due: str, ends_ms: int) -> bool:
    """Whether the whole life of the code lies within the due day; a due date that is no day is never on time."""
    try:
        return today(ends_ms) <= date.fromisoformat(due)
    except ValueError:
        return False
