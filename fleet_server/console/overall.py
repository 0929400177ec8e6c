"""How a station is, in one word with its reasons (domain reference, section 15.1). Pure: time is an argument.

What the registry decided comes first, then whether the station was heard, then what it said. Silence proves nothing:
a silent station is OFFLINE and its peripherals are unknown, never well. A reason either stops the station, withdraws
services (DEGRADED), or only wants a look; thresholds are the defaults of section 15.2, with silence counted in
heartbeats so that 5 minutes belong to a heartbeat of 60 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from fleet_server.console.said import Said, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet_server.console.said import Peripheral
    from fleet_server.store import LastValues, Seen

State = Literal[
    "IN_SERVICE", "DEGRADED", "OUT_OF_SERVICE", "OFFLINE", "MAINTENANCE", "PROVISIONING", "DISABLED", "UNKNOWN"
]
Weight = Literal["stops", "degrades", "alarms", "notes"]
WORST_FIRST: tuple[State, ...] = (
    "OUT_OF_SERVICE",
    "OFFLINE",
    "UNKNOWN",
    "DEGRADED",
    "PROVISIONING",
    "MAINTENANCE",
    "DISABLED",
    "IN_SERVICE",
)
HEARTBEAT_S = 60
OFFLINE_AFTER_BEATS = 5
FLEET_CLOCK_BACK_MAX_MS = 60_000
BACKLOG_MAX = 100
CLOCK_OFF_MS = 30_000
CLOCK_OFF_STOPS_MONEY_MS = 5 * 60_000
QUALITY_TRUSTED = 2
DISK_FREE_MIN_PERCENT = 15
EXPOSURE_WARN_COUNT = 40  # 80 % of the default limit of section 13.3
PAGE_SILENT_MAX_S = 60
NEEDED_PORT = "display"  # without it a resident can do nothing at all


class Reason(NamedTuple):
    """Why a station is as it is. `code`: a word of `wording` ("reason.<code>"); `detail`: the thing or the number."""

    code: str
    weight: Weight
    detail: str = ""


class Wanted(NamedTuple):
    """What a station is told to be: rev of the newest Desired, and whether it is told to serve nobody."""

    rev: int
    closed: bool = False


def is_silent(last: LastValues, now_ms: int, heartbeat_s: int = HEARTBEAT_S) -> bool:
    """Whether the last proof of life is so old that nothing it said may be taken for the present."""
    return now_ms - last.received_ms > OFFLINE_AFTER_BEATS * heartbeat_s * 1000


def overall(
    seen: Seen, now_ms: int, *, heartbeat_s: int = HEARTBEAT_S, wanted: Wanted | None = None
) -> tuple[State, tuple[Reason, ...]]:
    """Give the state of a station and why, most weighty first.

    heartbeat_s: the pause between two signs of life that stations are told.
    """
    registered = _registered(seen)
    if seen.last is None:
        if registered:
            return registered[0], (registered[1],)
        return "UNKNOWN", (Reason("never_heard", "stops"),)
    heard = _heard(seen, seen.last, now_ms, heartbeat_s)
    reasons = heard[1] if heard else tuple(_reasons(seen, seen.last, wanted))
    if registered:
        return registered[0], (registered[1], *reasons)
    quarantined = seen.device is not None and seen.device.status == "QUARANTINED"
    if quarantined:
        reasons = (Reason("quarantined", "stops"), *(each for each in reasons if each.code != "stopped.quarantined"))
    if heard:
        return heard[0], reasons
    ordered = tuple(sorted(reasons, key=lambda each: ("stops", "degrades", "alarms", "notes").index(each.weight)))
    return _state(ordered), ordered


def _registered(seen: Seen) -> tuple[State, Reason] | None:
    """What the registry alone decides."""
    if seen.device is None:
        return "PROVISIONING", Reason("no_device", "stops")
    match seen.device.status:
        case "REVOKED":
            return "DISABLED", Reason("revoked", "stops")
        case "DECOMMISSIONED":
            return "DISABLED", Reason("decommissioned", "stops")
        case "NEW" | "CLAIMED":
            return "PROVISIONING", Reason("no_batch_yet", "stops")
        case _ if not seen.station.live:
            return "PROVISIONING", Reason("not_live", "stops")
    return None


def _heard(seen: Seen, last: LastValues, now_ms: int, heartbeat_s: int) -> tuple[State, tuple[Reason, ...]] | None:
    """What follows if nothing that the station said may be taken for the present."""
    if last.received_ms > now_ms + FLEET_CLOCK_BACK_MAX_MS:
        return "UNKNOWN", (Reason("fleet_clock", "stops"),)
    if is_silent(last, now_ms, heartbeat_s):
        waiting = [Reason("backlog", "notes", str(seen.backlog))] if seen.backlog else []
        return "OFFLINE", (Reason("silent", "stops"), *waiting)
    return None


def _state(reasons: tuple[Reason, ...]) -> State:
    codes = {each.code for each in reasons}
    if "did_not_say" in codes:
        return "UNKNOWN"
    if "stopped.maintenance" in codes:
        return "MAINTENANCE"
    weights = {each.weight for each in reasons}
    if "stops" in weights:
        return "OUT_OF_SERVICE"
    return "DEGRADED" if "degrades" in weights else "IN_SERVICE"


def _reasons(seen: Seen, last: LastValues, wanted: Wanted | None) -> Iterator[Reason]:
    """Everything worth a word in what a station says of itself."""
    now = said(last.status)
    if now.stopped is None:
        yield Reason("did_not_say", "stops")
    else:
        yield from (Reason(f"stopped.{word}", "stops") for word in now.stopped)
    if now.peripherals is None:
        yield Reason("peripherals_unknown", "notes")
    else:
        for each in now.peripherals:
            yield from _of_peripheral(each)
    if now.page_age_s is None and not any(_is_known_page(each) for each in now.peripherals or ()):
        yield Reason("page_unknown", "notes")
    yield from _of_clock(last)
    if seen.backlog is not None and seen.backlog > BACKLOG_MAX:
        yield Reason("backlog", "notes", str(seen.backlog))
    yield from _of_values(now)
    yield from _of_desired(seen, now, wanted)


def _of_desired(seen: Seen, now: Said, wanted: Wanted | None) -> Iterator[Reason]:
    """What became of what the station is told to be. It is closed by operations once it says that it knows."""
    applied = wanted is None or (now.desired_rev is not None and now.desired_rev >= wanted.rev)
    if wanted and wanted.closed:
        yield Reason("stopped.operator", "stops") if applied else Reason("closing", "notes")
    if wanted and not applied and now.desired_rev is not None:
        yield Reason("desired_waiting", "notes", f"{now.desired_rev} / {wanted.rev}")
    if seen.state and seen.state.desired_result == "refused":
        yield Reason("desired_refused", "alarms", seen.state.desired_reason)
    refused = [name for name, entry in sorted((seen.state.sets if seen.state else {}).items()) if _refused(entry)]
    yield from (Reason("set_refused", "alarms", name) for name in refused)


def _refused(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("result") == "refused"


def _is_known_page(each: Peripheral) -> bool:
    return each.port == NEEDED_PORT and each.state != "unknown"


def _of_peripheral(each: Peripheral) -> Iterator[Reason]:
    if each.flapping:
        yield Reason("flapping", "alarms", each.port)
    if each.port == NEEDED_PORT and each.state == "unknown":
        return  # no page has opened yet: told by `page_unknown`
    if each.state != "online":
        weight: Weight = "stops" if each.port == NEEDED_PORT else "notes" if each.port == "plugs" else "degrades"
        yield Reason(f"port.{each.port}", weight, each.state)
    elif each.paper in ("out", "jammed"):
        yield Reason(f"paper.{each.paper}", "degrades")
    elif each.paper in ("low", "unknown"):
        yield Reason(f"paper.{each.paper}", "notes")


def needs_somebody(reasons: tuple[Reason, ...]) -> bool:
    """Whether a peripheral of the station waits for a person: it is not there, out of paper, jammed or flapping."""
    ill = [each for each in reasons if each.code.startswith(("port.", "paper.", "flapping"))]
    return any(each.weight != "notes" for each in ill)


def _of_clock(last: LastValues) -> Iterator[Reason]:
    off_ms = abs(last.time_ms - last.received_ms)
    if last.quality < QUALITY_TRUSTED:
        yield Reason("clock_untrusted", "degrades")
    elif off_ms > CLOCK_OFF_STOPS_MONEY_MS:
        yield Reason("clock_off", "degrades", f"{off_ms // 1000} s")
    elif off_ms > CLOCK_OFF_MS:
        yield Reason("clock_off", "notes", f"{off_ms // 1000} s")


def _of_values(now: Said) -> Iterator[Reason]:
    if now.page_age_s is not None and now.page_age_s > PAGE_SILENT_MAX_S:
        yield Reason("page_silent", "stops", f"{now.page_age_s} s")
    if now.lost_range:
        yield Reason("lost_range", "alarms", f"{now.lost_range[0]}–{now.lost_range[1] - 1}")
    if now.ack_alarms:
        yield Reason("ack_alarms", "alarms", str(now.ack_alarms))
    if now.sealing_expired:
        yield Reason("sealing_expired", "notes")
    if now.exposure_count is not None and now.exposure_count > EXPOSURE_WARN_COUNT:
        yield Reason("exposure", "alarms", str(now.exposure_count))
    if now.disk_free_percent is not None and now.disk_free_percent < DISK_FREE_MIN_PERCENT:
        yield Reason("disk", "notes", f"{now.disk_free_percent} %")
    if refused := sum(count for _, count in now.refusals or ()):
        yield Reason("station_refusals", "notes", str(refused))
    if now.dropped:
        yield Reason("dropped", "notes", str(now.dropped))
