"""`python -m edge_agent run`: the composition root of a station. Puts the parts together; decides nothing else.

The folder holds identity/ (made by `python -m provisioning`), agent.toml, the journal and the kept sets. Under systemd
it is the state directory.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import queue
import random
import secrets
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_profiles.peripheral import PORTS
from device_profiles.profile import Address, Profile, ProfileError, load_shipped
from edge_agent import boot, forgetting, notify, settings
from edge_agent.clock import Clock
from edge_agent.drivers.display.browser import BrowserDisplay
from edge_agent.drivers.open import DriverError, open_peripheral
from edge_agent.drivers.worker import PrinterWorker, ReaderWorker, ScannerWorker, WatchWorker
from edge_agent.errands import Errands
from edge_agent.events import (
    CardIn,
    CardOut,
    PageBeat,
    PeripheralState,
    Plugged,
    Received,
    Scanned,
    Tick,
    Touched,
    Unplugged,
)
from edge_agent.journal import JournalFault
from edge_agent.link import MqttLink
from edge_agent.plugs import Plugs
from edge_agent.ports import PortFault
from edge_agent.timetable import Timetable
from provisioning.identity import Identity, IdentityFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_agent.agent import Agent
    from edge_agent.events import Event
    from edge_agent.ports import Printer
    from edge_agent.settings import Settings

log = logging.getLogger("edge_agent")
INBOX_MAX = 512
RECEIVED_MAX = 2 * INBOX_MAX  # of 64 KiB at most
TICK_S = 0.5
# What a later one replaces or a person does again.
REPEATED = (Touched, PageBeat, Scanned, CardIn, CardOut, Plugged, Unplugged)


class Inbox:
    """The one inbox: ears put, the hand takes, in one order.

    A full one drops and counts what comes again by itself (`REPEATED`), and a still fuller one what the broker sends,
    which is lost on the way just as well. Whatever else an ear says it says once, so it is never dropped: results are
    no more than the commands that wait in bounded queues, and states and the link's ups and downs are paced by their
    ears.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[Event] = queue.Queue()
        self._ended = False
        self.dropped = 0

    def post(self, event: Any) -> None:
        """Put one event, or drop it where it may be dropped; never blocks."""
        waiting = self._queue.qsize()
        full = isinstance(event, REPEATED) and waiting >= INBOX_MAX
        if full or (isinstance(event, Received) and waiting >= RECEIVED_MAX):
            self.dropped += 1
        else:
            self._queue.put(event)

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


@dataclass(slots=True)
class _Devices:
    """One worker for each peripheral but the display; the printer's driver too, for a simulator's controls."""

    plugs: WatchWorker
    printer: PrinterWorker | None = None
    printer_driver: Printer | None = None
    reader: ReaderWorker | None = None
    scanner: ScannerWorker | None = None

    def ears(self) -> list[Any]:
        """All that has a thread; the plugs last, so that nobody is told of a device before its driver runs."""
        return [ear for ear in (self.printer, self.reader, self.scanner, self.plugs) if ear is not None]


def _peripherals(model: Profile, inbox: Inbox) -> _Devices:
    """Give the workers that a station model asks for; none runs yet. A driver that cannot be had is a device's state.

    The station serves without it: that is said as loudly as a cable that is pulled out.
    """
    devices = _Devices(WatchWorker("plugs", "udev", Plugs(), inbox.post))
    for each in model.peripherals:
        if each.port == "display":
            continue
        try:
            driver: Any = open_peripheral(each)
        except (DriverError, ImportError, OSError) as why:
            log.error("no driver for %s %s: %s", each.port, each.name, why)  # noqa: TRY400  the words say all
            inbox.post(PeripheralState(each.port, each.name, "hardwareError", None, str(why), "configuration"))
            continue
        match each.port:
            case "printer":
                devices.printer_driver = driver
                devices.printer = PrinterWorker(each.name, driver, inbox.post)
            case "reader":
                devices.reader = ReaderWorker(each.name, driver, inbox.post)
            case _:
                devices.scanner = ScannerWorker(each.name, driver, inbox.post)
    return devices


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
    with _alone(chosen.folder):
        return _serve(chosen, identity)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only one who works in a station's folder. Raises IdentityFault where another agent does."""
    if not folder.is_dir():
        raise IdentityFault(f"{folder} is no station's folder: name the one that holds identity/")
    with (folder / "agent.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IdentityFault(
                f"another agent runs in {folder}, and there can be one only: stop it first (systemctl stop kiosk-agent)"
            ) from None
        yield


def _serve(chosen: Settings, identity: Identity) -> int:
    """Put the parts together and let them run."""
    model = load_shipped(identity.profile)
    if chosen.printer_address:
        model = model.with_address("printer", Address.parse(chosen.printer_address))
    inbox = Inbox()
    clock = Clock(identity.time_floor_ms)
    devices = _peripherals(model, inbox)
    display = BrowserDisplay(
        chosen.screen_host, chosen.screen_port, simulator_slip=getattr(devices.printer_driver, "last_slip_png", None)
    )
    link = MqttLink(identity, inbox.post)
    errands = Errands(identity.face_url, identity.ca, inbox.post)
    timetable = Timetable(inbox.post)
    around = boot.Surroundings(
        clock=clock,
        link=link,
        display=display,
        errands=errands,
        printer=devices.printer,
        reader=devices.reader,
        scanner=devices.scanner,
        random_bytes=secrets.token_bytes,
        jitter=random.SystemRandom().random,
    )
    display.start(inbox.post)
    heartbeat_s = float(chosen.heartbeat_s or model.timeouts.heartbeat_s)
    agent = boot.assemble(chosen.folder, identity, model, around, heartbeat_s, version("citizen-station"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: inbox.end())
    ears: list[Any] = [link, errands, timetable, *devices.ears()]
    for ear in ears:
        ear.start()
    log.info("station %s serves its screen at http://%s:%d/", identity.station, chosen.screen_host, chosen.screen_port)
    notify.ready()
    forgetting.settle()
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


def _bench_words(commands: Any) -> None:
    made = commands.add_parser("bench", help="list what is plugged in and try each device; stop the agent first")
    made.add_argument("folder", nargs="?", type=Path, help="a station's folder: its own profile is tried")
    made.add_argument("--profile", help="a station model (default: whatever fits what is plugged in)")
    made.add_argument("--port", action="append", choices=PORTS, help="try this port only; may be repeated")
    made.add_argument("--printer-address", help="HOST:PORT of the network printer")
    made.add_argument("--no-print", action="store_true", help="spend no paper")
    made.add_argument(
        "--wait-s", type=float, default=10.0, help="wait so long for a card and for a code (0: ask for none)"
    )
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _bench(given: argparse.Namespace) -> int:
    """The technician's bench; needs no server and no network. 1 where a device failed."""
    from edge_agent import bench  # a station that serves needs nothing of it

    with ExitStack() as held:
        name = given.profile or ""
        if given.folder:
            held.enter_context(_alone(given.folder))
            name = name or Identity.load(given.folder / "identity", may_connect=False).profile
        plugs = bench.look(_tell)
        model = load_shipped(name) if name else None
        if model and given.printer_address:
            model = model.with_address("printer", Address.parse(given.printer_address))
        chosen = model.peripherals if model else bench.found(plugs)
        tried = [each for each in chosen if not given.port or each.port in given.port]
        trials = bench.Bench(_tell, given.wait_s, prints=not given.no_print).tries(tried)
    if not trials:
        _tell("no device of a known model: plug one in, or name the station's model with --profile")
    if given.json:
        print(json.dumps({"profile": name, **bench.report(plugs, trials)}, ensure_ascii=False, indent=2))
    else:
        print(bench.text(plugs, trials))
    return 1 if not trials or any(each.result == "fail" for each in trials) else 0


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; give the exit code: 0 ended as asked, 1 could not run, 2 wrong usage."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["display"]:  # not in this process: the agent's modules would stay in memory beside the screen
        os.execv(sys.executable, [sys.executable, "-m", "edge_agent.screen_watch", *words[1:]])  # noqa: S606
    if words[:1] == ["catalogue"]:
        from edge_agent import catalogue_check  # a station that serves needs nothing of it

        return catalogue_check.main(words[1:])
    if words[:1] == ["run"] and arguments is None:
        forgetting.begin()
    parser = argparse.ArgumentParser(prog="python -m edge_agent", description="The agent of one station.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{run,bench,catalogue,display}")
    commands.add_parser("catalogue", help="check a folder of services", add_help=False)  # edge_agent.catalogue_check
    # Its own arguments are read by edge_agent.screen_watch.
    commands.add_parser("display", help="keep the page on the screen: kiosk-display.service", add_help=False)
    runs = commands.add_parser("run", help="serve residents until told to end")
    runs.add_argument("folder", nargs="?", help="the station's folder (default: systemd's state directory)")
    runs.add_argument("--screen-port", type=int, help="port of the resident's page on loopback")
    runs.add_argument("--printer-address", help="HOST:PORT of the network printer")
    runs.add_argument("--heartbeat-s", type=int, help="seconds between heartbeats")
    _bench_words(commands)
    given = parser.parse_args(words)
    try:
        if given.command == "bench":
            return _bench(given)
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
