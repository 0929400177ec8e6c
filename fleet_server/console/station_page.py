"""The page of one station: what it says now or said last, its devices, payments, dossiers, timeline and registry log.

Reads masked data only; decides nothing but how a fact is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.wards import ward_name
from device_profiles.wire import device_name
from fleet_server import money
from fleet_server.console.marks import Mark, quality_mark
from fleet_server.console.said import said
from fleet_server.console.telling import dong, masked, span, whole
from fleet_server.console.wording import GAP, say, word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet_server.console.glance import StationView
    from fleet_server.console.wording import Language
    from fleet_server.store import Device, Head, LastValues, RegistryLine, Store, TimelineRow, Transaction

TRANSACTIONS_SHOWN, LINES_SHOWN, LOG_SHOWN = 30, 100, 60


class Served(NamedTuple):
    """One device that served the station; `name` is that of its certificate."""

    device: Device
    name: str
    last: LastValues | None
    heads: tuple[Head, ...]


class Told(NamedTuple):
    """One transaction; state and reason as a person is told them now, "" where it is no payment."""

    transaction: Transaction
    state: str
    reason: str


class StationPage(NamedTuple):
    """Everything the page needs beside the station's view; `notice`: operations' words for "out of service"."""

    devices: tuple[Served, ...]
    transactions: tuple[Told, ...]
    lines: tuple[TimelineRow, ...]
    log: tuple[RegistryLine, ...]
    notice: str


def look(store: Store, station: str, now_ms: int) -> StationPage:
    """Read one station."""
    devices = tuple(
        Served(each, device_name(each.id), store.last_values(each.id), tuple(store.heads(each.id)))
        for each in reversed(store.devices(station))
    )
    log = [
        line
        for subject in (station, *(each.name for each in devices))
        for line in store.registry_log(LOG_SHOWN, subject)
    ]
    log.sort(key=lambda line: -line.number)
    notice = {**store.settings("fleet"), **store.settings(station)}.get("out_of_service")
    return StationPage(
        devices=devices,
        transactions=tuple(
            Told(each, *(money.shown(each.payment, now_ms) if each.payment else ("", "")))
            for each in store.transactions(station, TRANSACTIONS_SHOWN)
        ),
        lines=tuple(store.timeline(station, LINES_SHOWN)),
        log=tuple(log[:LOG_SHOWN]),
        notice=notice if isinstance(notice, str) else "",
    )


class Fact(NamedTuple):
    """One fact with its label's key."""

    label: str
    mark: Mark


def facts(language: Language, view: StationView, *, keeps_backups: bool) -> list[Fact]:
    """What the registry, the newest batch and the projection say, in short."""
    place, head, last, state = view.seen.station, view.seen.head, view.seen.last, view.seen.state
    found = [Fact("fact.building", Mark(place.building)), Fact("fact.profile", Mark(place.profile))]
    if last is not None:
        now = said(last.status)
        found += [
            Fact("fact.accepted", Mark(whole(head.next if head else 0))),
            Fact("fact.newest", Mark(whole(last.newest + 1))),
            Fact(
                "fact.durable",
                Mark(whole(head.durable_next if head else 0) if keeps_backups else say(language, "fact.no_backups")),
            ),
            Fact("col.version", Mark(now.version or GAP)),
            Fact("fact.boot", Mark(str(last.boot))),
            Fact("fact.uptime", Mark(span(now.uptime_s))),
            Fact("col.clock", quality_mark(language, last.quality)),
            Fact("fact.clock", Mark(f"{round((last.time_ms - last.received_ms) / 1000, 1) or 0.0:+.1f} s")),
            Fact("fact.disk", Mark(GAP if now.disk_free_percent is None else f"{now.disk_free_percent} %")),
            Fact("fact.rss", Mark(GAP if now.rss_kib is None else f"{whole(now.rss_kib // 1024)} MiB")),
            Fact("col.exposure", Mark(whole(now.exposure_count))),
            Fact("fact.page", Mark(span(now.page_age_s))),
            Fact("fact.refusals", Mark(_counts(language, "refusal", dict(now.refusals or ())))),
        ]
    if state is not None:
        found += [
            Fact(
                "fact.journals", Mark(f"{state.journals} · {masked(state.journal_reason)}" if state.journals else GAP)
            ),
            Fact("fact.outcomes", Mark(_counts(language, "outcome", state.visits))),
            Fact("fact.slips", Mark(_counts(language, "printed", state.slips))),
            Fact("fact.sets", Mark(_sets(language, state.sets))),
        ]
    return found


def _counts(language: Language, family: str, counts: Mapping[str, int]) -> str:
    told = (f"{word(language, family, name)} {whole(count)}" for name, count in sorted(counts.items()))
    return masked(" · ".join(told)) or GAP


def _sets(language: Language, sets: Mapping[str, Mapping[str, object]]) -> str:
    return " · ".join(_set(language, name, entry) for name, entry in sorted(sets.items())) or GAP


def _set(language: Language, name: str, entry: Mapping[str, object]) -> str:
    result = word(language, "result", str(entry.get("result")))
    # A version is a number the fleet gave, often a time: it is no personal number, however long.
    version = entry.get("version")
    told = str(version) if isinstance(version, int) else masked(str(version))
    return f"{masked(name)} v{told} {masked(result)} {masked(str(entry.get('reason') or ''))}".rstrip()


def told(language: Language, line: TimelineRow) -> str:
    """The facts of one line in words."""
    return " · ".join(each for each in _told(language, line.kind, line.facts.items()) if each)


def _told(language: Language, kind: str, named: Iterable[tuple[str, object]]) -> Iterable[str]:
    for name, value in named:
        match kind, name, value:
            case "payment.created", "amount", int(amount):
                yield dong(amount)
            case "payment.created" | "dossier.created", "code", str(code):
                yield code  # made by the station, of its own digits
            case "dossier.seen", "official", str(code):
                yield code  # made by an office, likewise
            case "dossier.created", "ward", str(ward):
                yield ward_name(ward, language)
            case "dossier.created", "urgent", bool(urgent):
                yield say(language, "dossiers.urgent") if urgent else ""
            case _, "online", bool(online):
                yield "" if online else say(language, "money.offline")
            case "device.state", "flapping", bool(flapping):
                yield say(language, "device.flapping") if flapping else ""
            case _, "paper", str(paper):
                yield f"{say(language, 'col.paper')} {word(language, 'paper', paper)}"
            case _, "copy" | "seconds", int(number):
                yield say(language, f"told.{name}", n=number)
            case _, _, str(text) if (kind, name) in _FAMILIES:
                yield masked(word(language, _FAMILIES[kind, name], text))
            case _, "name" | "detail" | "identity" | "service" | "language", str(text):
                yield masked(text)
            case _, _, int(number):
                yield f"{masked(name)} {number}"  # a count, a rev, a version
            case _:
                yield masked(f"{name} {value}")


_FAMILIES = {
    ("payment.state", "state"): "payment",
    ("payment.state", "reason"): "why",
    ("dossier.created", "identity"): "level",
    ("dossier.seen", "state"): "filed",
    ("technician.entry", "result"): "entry",
    ("device.state", "state"): "device",
    ("device.state", "port"): "reason.port",
    ("device.state", "action"): "action",
    ("slip.result", "slip"): "slip",
    ("slip.result", "result"): "printed",
    ("visit.ended", "outcome"): "outcome",
    ("desired.result", "result"): "result",
    ("set.result", "result"): "result",
}
