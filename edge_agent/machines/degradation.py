"""Which service is offered under which loss: one pure function of the catalogue and of what works here now.

Decides no words: a reason is a key of wording's `why.`. Money has limits of its own (`payment`), which come on top.
Source: the domain reference, sections 2 (offline column) and 14.4 (degradation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from device_profiles.catalogue import LEVELS

if TYPE_CHECKING:
    from datetime import date

    from device_profiles.catalogue import Level, Service

State = Literal["ready", "limited", "none"]
Way = Literal["card", "code", "type", "vneid"]
MOST: dict[Way, Level] = {"card": "chip_verified", "code": "claimed", "type": "typed", "vneid": "online_verified"}


class Here(NamedTuple):
    """What works at this station now; `day` is today where the clock is trusted, else None."""

    network: bool
    printer: bool
    reader: bool
    scanner: bool
    storage: bool
    day: date | None


class Offer(NamedTuple):
    """Whether a service is offered; why not, or why only in part."""

    state: State
    why: str = ""


class OneWay(NamedTuple):
    """One way to say who one is, and why it cannot be gone now ("" where it can)."""

    way: Way
    why: str


def offer(service: Service, here: Here) -> Offer:
    """Whether a service can be finished here now; a service that only shows something is not hurt by a full disk."""
    if service.kind == "form" and not here.storage:  # first of all: it is what withholds a form that was begun
        return Offer("none", "storage")
    if here.day is not None and not service.valid_from <= here.day.isoformat() <= service.valid_to:
        return Offer("none", "not_valid")
    if service.offline == "none" and not here.network:
        return Offer("none", "offline")
    for port, works in (("reader", here.reader), ("printer", here.printer), ("scanner", here.scanner)):
        if port in service.needs and not works:
            return Offer("none", f"no_{port}")
    if service.kind == "form":
        if service.clock and here.day is None:
            return Offer("none", "clock")
        possible = ways(service, here)
        if all(each.why for each in possible):
            return Offer("none", possible[0].why)
    if service.kind == "card" and not here.reader:  # also where the catalogue forgets to say so
        return Offer("none", "no_reader")
    if service.kind == "bill" and not here.storage:
        return Offer("limited", "storage")
    if service.offline == "cached" and not here.network:
        return Offer("limited", "offline")
    return Offer("ready")


def ways(service: Service, here: Here) -> tuple[OneWay, ...]:
    """The ways to say who one is that reach the level this service needs, best first; typing always works."""
    found: tuple[OneWay, ...] = (
        OneWay("card", "" if here.reader else "no_reader"),
        OneWay("code", "" if here.scanner else "no_scanner"),
        OneWay("vneid", "no_connector"),
        OneWay("type", ""),
    )
    least = LEVELS.index(service.identity)
    return tuple(each for each in found if LEVELS.index(MOST[each.way]) >= least)
