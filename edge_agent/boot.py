"""Putting a station together from what is on its disk: journal, keys, kept sets, machines. Starts no thread.

A damaged journal is kept under another name and a new one begun, whose first record says why and carries the last Ack
that could still be read: residents are served, and the fleet is told what may be missing.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.catalogue_toml import load_shipped as load_catalogue
from device_profiles.formats.text import search_key
from device_profiles.formats.wards import wards
from device_profiles.wire import device_name
from edge_agent.agent import Agent
from edge_agent.inbound import Inbound
from edge_agent.journal import Journal, JournalBroken, readable
from edge_agent.lease import Lease
from edge_agent.machines.converge import Converge
from edge_agent.machines.devices import Devices
from edge_agent.machines.payment import HOUR_MS, Limits
from edge_agent.machines.scene import VisitSettings
from edge_agent.machines.sync import Sync
from edge_agent.machines.visit import Visit
from edge_agent.sealer import Sealer
from edge_agent.sets import Sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_profiles import profile
    from edge_agent.clock import Clock
    from edge_agent.drivers.worker import PrinterWorker, ReaderWorker, ScannerWorker
    from edge_agent.errands import Errands
    from edge_agent.ports import Display, Link
    from provisioning.identity import Identity

log = logging.getLogger(__name__)
JOURNAL = "journal.db"
DAMAGED = "journal-damaged.db"  # until what it still said stands in the new one
SETS = "sets"


@dataclass(frozen=True, slots=True)
class Opened:
    """A journal, and where it is not simply the old one: why, and what the broken one still said."""

    journal: Journal
    reason: str = ""
    state: dict[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a station talks to; the simulation brings its own."""

    clock: Clock
    link: Link
    display: Display
    errands: Errands
    printer: PrinterWorker | None
    reader: ReaderWorker | None = None
    scanner: ScannerWorker | None = None
    random_bytes: Callable[[int], bytes]
    jitter: Callable[[], float]


def open_journal(folder: Path, device: bytes, epoch: int, lease: Lease) -> Opened:
    """Open the journal, or begin a new one beside the broken one. Raises JournalFault where the disk cannot."""
    path = folder / JOURNAL
    known = path.exists()
    try:
        journal = Journal.open(path, device, epoch)
    except JournalBroken as broken:
        log.error("%s; it is kept beside the new journal", broken)  # noqa: TRY400  the words say all
        set_aside(folder)
        _move(path, folder / DAMAGED)
        return Opened(Journal.open(path, device, epoch), f"damaged: {broken}"[:80], _salvage(folder / DAMAGED))
    if (folder / DAMAGED).exists():  # the start that found the damage was cut short
        return Opened(journal, "damaged: found by an earlier start", _salvage(folder / DAMAGED))
    served = lease.start() > lease.first
    return Opened(journal, "" if known else "not found" if served else "new")


def _salvage(path: Path) -> dict[str, object] | None:
    """The state table of a broken journal, as far as it can be read."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            rows = db.execute("SELECT name, value FROM state").fetchall()
        db.close()
        return readable(rows)
    except sqlite3.Error:
        return None


def set_aside(folder: Path) -> None:
    """Give a damaged journal, whose state is carried over, the name it keeps; nothing where there is none."""
    number = 1
    while (aside := folder / f"journal-broken-{number}.db").exists():
        number += 1
    _move(folder / DAMAGED, aside)


def _move(path: Path, to: Path) -> None:
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            path.with_name(path.name + suffix).rename(to.with_name(to.name + suffix))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)


def visit_settings(identity: Identity, model: profile.Profile, counter_first: int, version: str) -> VisitSettings:
    """What the visit machine must know of this place and model.

    The device allows offline codes; whether a biller's operator does is signed into its list.
    """
    limits, times = model.limits, model.timeouts
    return VisitSettings(
        station=identity.station,
        title=identity.title,
        address=identity.address,
        counter_first=counter_first,
        counter_end=identity.counter_to,
        catalogue=load_catalogue(),
        ward=_ward(identity.address),
        device=device_name(identity.device),
        version=version,
        profile=identity.profile,
        limits=Limits(
            policy="PREFER_ONLINE",
            amount_max_dong=limits.online_amount_max_dong,
            offline_amount_max_dong=limits.offline_amount_max_dong,
            exposure_max_dong=limits.offline_unconfirmed_max_dong,
            exposure_max_count=limits.offline_unconfirmed_max_count,
            contact_age_max_ms=limits.offline_contact_max_h * HOUR_MS,
            bills_age_max_ms=limits.offline_bill_age_max_h * HOUR_MS,
        ),
        simulated=any(each.driver == "simulated" for each in model.peripherals),
        idle_s=times.idle_s,
        idle_big_s=times.idle_accessible_s,
        warning_s=times.warning_s,
        done_s=times.after_completion_s,
        qr_s=times.payment_qr_s,
    )


def _ward(address: str) -> str:
    """The code of the ward a station stands in, by the name its registration gives; "" where no ward is called so."""
    return next((each.code for each in wards() if search_key(each.name) == search_key(address)), "")


def assemble(
    folder: Path, identity: Identity, model: profile.Profile, around: Surroundings, heartbeat_s: float, version: str
) -> Agent:
    """Give a started station: journal open, boot recorded, kept sets in force. Raises JournalFault."""
    lease = Lease(folder, identity.counter_from, identity.counter_to)
    opened = open_journal(folder, identity.device, identity.epoch, lease)
    journal, clock = opened.journal, around.clock
    if opened.state:
        journal.remember(opened.state)
    state = journal.state()
    floor = state.get("time.floor")
    # A journal that knows its counter goes on from it; a fresh one begins where no earlier one can have been.
    counter_first = lease.first if "pay.counter" in state and not opened.reason else lease.start()
    clock.raise_floor(max(identity.time_floor_ms, floor if isinstance(floor, int) else 0))
    sets = Sets(folder / SETS)
    kept = sets.load(identity.trust, clock.trusted_ms())
    agent = Agent(
        key=identity.key,
        clock=clock,
        journal=journal,
        sealer=Sealer(journal, identity.trust),
        inbound=Inbound(identity.device, identity.key, identity.trust, clock),
        sets=sets,
        lease=lease,
        machines=(
            Devices((each.port, each.name) for each in model.peripherals),
            Sync(heartbeat_s=heartbeat_s, jitter=around.jitter),
            Converge(identity.device, identity.rev_floor, {each.name: each.version for each in kept}),
            Visit(visit_settings(identity, model, counter_first, version), around.random_bytes),
        ),
        link=around.link,
        display=around.display,
        errands=around.errands,
        printer=around.printer,
        reader=around.reader,
        scanner=around.scanner,
        status={"profile": identity.profile},
    )
    agent.start(clock.now(), version, kept, opened.reason)
    set_aside(folder)
    return agent
