"""`python -m edge_agent run`: the composition root of a station. Puts the parts together; decides nothing else.

The folder holds identity/ (made by `python -m provisioning`), agent.toml, the journal and the kept sets. Under systemd
it is the state directory.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import queue
import random
import secrets
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_profiles.profile import Address, Profile, ProfileError, load_shipped
from edge_agent import boot, notify, settings
from edge_agent.clock import Clock
from edge_agent.drivers.display.browser import BrowserDisplay
from edge_agent.drivers.open import DriverError, open_peripheral
from edge_agent.drivers.worker import PrinterWorker, WatchWorker
from edge_agent.errands import Errands
from edge_agent.events import Tick
from edge_agent.journal import JournalFault
from edge_agent.link import MqttLink
from edge_agent.plugs import Plugs
from edge_agent.ports import PortFault
from edge_agent.timetable import Timetable
from provisioning.identity import Identity, IdentityFault

if TYPE_CHECKING:
    from edge_agent.agent import Agent
    from edge_agent.events import Event
    from edge_agent.ports import CardReader, Printer
    from edge_agent.settings import Settings

log = logging.getLogger("edge_agent")
INBOX_MAX = 512
TICK_S = 0.5


class Inbox:
    """The one bounded inbox: ears put, the hand takes. A full one drops and counts; nothing in it is promised."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Event] = queue.Queue(INBOX_MAX)
        self._ended = False
        self.dropped = 0

    def post(self, event: Any) -> None:
        """Put one event; never blocks."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def take(self) -> Event | None:
        """The next event, or a Tick when none came in time; None when the station shall stop."""
        try:
            event = self._queue.get(timeout=TICK_S)
        except queue.Empty:
            event = Tick()
        return None if self._ended else event

    def end(self) -> None:
        """Make `take` give None, whatever waits. Takes no lock: a signal may come while the hand holds the queue's."""
        self._ended = True


def _peripherals(model: Profile, inbox: Inbox) -> tuple[PrinterWorker | None, Printer | None, list[WatchWorker]]:
    """One worker for each peripheral but the display; also the printer's driver, for a simulator's controls."""
    printer: PrinterWorker | None = None
    printer_driver: Printer | None = None
    watchers: list[WatchWorker] = []
    for each in model.peripherals:
        if each.port == "display":
            continue
        driver: Any = open_peripheral(each)
        if each.port == "printer":
            printer_driver, printer = driver, PrinterWorker(each.name, driver, inbox.post)
        else:
            watched: CardReader = driver
            watchers.append(WatchWorker(each.port, each.name, watched, inbox.post))
    watchers.append(WatchWorker("plugs", "udev", Plugs(), inbox.post))
    return printer, printer_driver, watchers


def _loop(agent: Agent, clock: Clock, inbox: Inbox) -> None:
    """The hand's loop: one event at a time, a Tick at least every half second, the watchdog after each turn."""
    next_tick_s = 0.0
    while (event := inbox.take()) is not None:
        now = clock.now()
        agent.handle(event, now)
        if now.mono_s >= next_tick_s and not isinstance(event, Tick):
            agent.handle(Tick(), now)
        next_tick_s = now.mono_s + TICK_S if isinstance(event, Tick) or now.mono_s >= next_tick_s else next_tick_s
        agent.status["dropped"] = inbox.dropped
        notify.alive()


def _end_on_dead_thread(died: threading.ExceptHookArgs) -> None:
    """An ear that died of our own mistake would leave the station deaf: end it all, and systemd starts it again."""
    faulty = died.thread.name if died.thread else "a thread"
    log.critical("%s ended by %s: the station starts again", faulty, died.exc_type.__name__)
    threading.__excepthook__(died)
    os._exit(1)


def run(chosen: Settings) -> int:
    """Run one station until it is told to end."""
    threading.excepthook = _end_on_dead_thread
    identity = Identity.load(chosen.folder / "identity", may_connect=False)
    with (chosen.folder / "agent.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IdentityFault(f"another agent runs in {chosen.folder}: two would write one journal") from None
        return _serve(chosen, identity)


def _serve(chosen: Settings, identity: Identity) -> int:
    """Put the parts together and let them run."""
    model = load_shipped(identity.profile)
    if chosen.printer_address:
        model = model.with_address("printer", Address.parse(chosen.printer_address))
    inbox = Inbox()
    clock = Clock(identity.time_floor_ms)
    printer, printer_driver, watchers = _peripherals(model, inbox)
    display = BrowserDisplay(
        chosen.screen_host, chosen.screen_port, simulator_slip=getattr(printer_driver, "last_slip_png", None)
    )
    link = MqttLink(identity, inbox.post)
    errands = Errands(identity.face_url, identity.ca, inbox.post)
    timetable = Timetable(inbox.post)
    around = boot.Surroundings(
        clock=clock,
        link=link,
        display=display,
        errands=errands,
        printer=printer,
        random_bytes=secrets.token_bytes,
        jitter=random.SystemRandom().random,
    )
    display.start(inbox.post)
    heartbeat_s = float(chosen.heartbeat_s or model.timeouts.heartbeat_s)
    agent = boot.assemble(chosen.folder, identity, model, around, heartbeat_s, version("citizen-station"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: inbox.end())
    ears: list[Any] = [link, errands, timetable, *watchers, *([printer] if printer else [])]
    for ear in ears:
        ear.start()
    log.info("station %s serves its screen at http://%s:%d/", identity.station, chosen.screen_host, chosen.screen_port)
    notify.ready()
    try:
        _loop(agent, clock, inbox)
    finally:
        notify.stopping()
        for ear in ears:
            ear.stop()
        display.close()
        agent.journal.close()
    return 0


def _folder(given: str | None) -> Path:
    folder = given or os.environ.get("STATE_DIRECTORY")
    if not folder:
        raise IdentityFault("no folder: name the station's folder, as in `python -m edge_agent run FOLDER`")
    return Path(folder)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; give the exit code: 0 ended as asked, 1 could not run, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m edge_agent", description="The agent of one station.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{run}")
    runs = commands.add_parser("run", help="serve residents until told to end")
    runs.add_argument("folder", nargs="?", help="the station's folder (default: systemd's state directory)")
    runs.add_argument("--screen-port", type=int, help="port of the resident's page on loopback")
    runs.add_argument("--printer-address", help="HOST:PORT of the network printer")
    runs.add_argument("--heartbeat-s", type=int, help="seconds between heartbeats")
    given = parser.parse_args(arguments)
    try:
        replaced = {
            "screen_port": given.screen_port,
            "printer_address": given.printer_address,
            "heartbeat_s": given.heartbeat_s,
        }
        chosen = settings.read(_folder(given.folder), **replaced)
        logging.basicConfig(level=chosen.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        return run(chosen)
    except (
        IdentityFault,
        ProfileError,
        DriverError,
        PortFault,
        JournalFault,
        OSError,
        OverflowError,
        ValueError,
    ) as error:
        print(f"edge_agent: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
