"""The thread beside each driver: takes commands from a bounded queue, blocks on the device, posts what came of it.

Decides two things. What an unexpected exception is: a device in `hardwareError`, whose driver is closed and opened
again with growing pauses; a slip that was being printed then is "unknown". And what is worth saying: a device's state
is posted when it changed or was asked for, so a printer that is off for a night makes one event, not a thousand, and
of a scanner that babbles no more is posted than a person could have scanned.

Every accepted print command ends in exactly one PrintDone, every reading that is neither forgotten nor replaced by a
newer one in exactly one CardRead or CardFailed.
Commands come from one thread, the hand's.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge_agent.card import CardFault
from edge_agent.drivers.scanner.flood import Flood
from edge_agent.events import CardFailed, CardRead, PeripheralState, PrintDone, Scanned
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.card import CardRequest
    from edge_agent.effects import Slip
    from edge_agent.events import Event
    from edge_agent.ports import CardReader, Ear, Printer, Scanner

    _Command = tuple[bytes, Slip] | Literal["state", "look", "stop"]

_log = logging.getLogger(__name__)
_REST_S = 0.25  # for a scanner that babbles: reading all of it would take the hand's time
_TELL_S = 0.25  # between two words of a scanner on its own trouble


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker does what nobody asked for.

    pause_first_s, pause_max_s: before a failed driver is opened again, doubling. steady_s: a driver that worked so long
    starts from the first pause again. look_s: how often an idle printer is asked how it is. watch_s: how often one that
    nobody else tells of is asked, in short, whether it is still there. wait_s: how long one `wait`
    of a reader blocks, and so how long `stop` may take.
    """

    pause_first_s: float = 1.0
    pause_max_s: float = 60.0
    steady_s: float = 120.0
    look_s: float = 30.0
    watch_s: float = 1.0
    wait_s: float = 0.5


_USUAL = Pace()


class _Worker(ABC):
    """What printers and readers share: one thread, one driver, its lives and the pauses between them."""

    def __init__(
        self, port: str, name: str, driver: Printer | Ear, post: Callable[[Event], None], pace: Pace = _USUAL
    ) -> None:
        """Keep what is needed; nothing starts.

        Args:
            port: "printer", "reader", "scanner" or "plugs".
            name: the device's name in events.
            driver: used by this worker's thread alone from now on.
            post: takes an event from any thread and never blocks.
            pace: how often it looks and retries.
        """
        self.port, self.name = port, name
        self._device = driver
        self._post = post
        self._pace = pace
        self._said: PeripheralState | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._plugs_changed = False
        self._thread = threading.Thread(target=self._run, name=f"{port}:{name}", daemon=True)

    def start(self) -> None:
        """Begin: open the driver and serve it until `stop`."""
        self._thread.start()

    def look(self) -> None:
        """Something was plugged in or pulled out: a driver that waits to be opened again is opened now."""
        self._plugs_changed = True
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Ask the thread to end and wait for it; False when the device still blocks it after `timeout_s`."""
        self._stopping.set()
        self._wake.set()
        self._nudge()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _nudge(self) -> None:  # noqa: B027 - a reader's `wait` is short
        """Wake the thread where it waits for work."""

    @abstractmethod
    def _serve(self) -> None:
        """Serve the opened driver until `stop`; a PortFault or any exception ends this life of the driver."""

    def _abandon(self, reason: str) -> None:  # noqa: B027 - nothing waits for a reader
        """The driver failed or the worker ends: answer what still waits."""

    def _run(self) -> None:
        pause_s = self._pace.pause_first_s
        while not self._stopping.is_set():
            began_s = time.monotonic()
            reason = self._live()
            if time.monotonic() - began_s > self._pace.steady_s:
                pause_s = self._pace.pause_first_s
            self._wake.clear()
            self._abandon(reason)
            if not self._stopping.is_set() and not self._plugs_changed:
                self._wake.wait(pause_s)
            pause_s = self._pace.pause_first_s if self._plugs_changed else min(2 * pause_s, self._pace.pause_max_s)
            self._plugs_changed = False
        self._abandon("the station is stopping")

    def _live(self) -> str:
        """One life of the driver, from open to close; gives the reason of its end."""
        try:
            try:
                self._say(self._device.open())
                self._serve()
            finally:
                self._device.close()
        except PortFault as fault:
            self._say(PeripheralState(self.port, self.name, fault.state, detail=str(fault), action=fault.action))
            return str(fault)
        except Exception as bug:  # noqa: BLE001 - the one broad except: a driver's bug must not end its port for good
            # The exception's own words are left out: they may quote a resident's slip.
            last = traceback.extract_tb(bug.__traceback__)[-1]
            where = f"{type(bug).__name__} at {Path(last.filename).name}:{last.lineno}"
            _log.error("driver %s:%s failed (%s); it is closed and opened again", self.port, self.name, where)
            self._say(PeripheralState(self.port, self.name, "hardwareError", detail=where, action="maintenance"))
            return where
        return "the station is stopping"

    def _say(self, state: PeripheralState, *, asked: bool = False) -> None:
        if asked or state != self._said:
            self._said = state
            self._post(state)


class PrinterWorker(_Worker):
    """Serves one printer: `print`, `ask_state`, and a look at the idle device now and then."""

    def __init__(
        self, name: str, driver: Printer, post: Callable[[Event], None], pace: Pace = _USUAL, waiting_max: int = 4
    ) -> None:
        super().__init__("printer", name, driver, post, pace)
        self._printer = driver
        self._commands: queue.Queue[_Command] = queue.Queue(waiting_max)
        self._printing: bytes | None = None
        self._forget: Callable[[], None] | None = getattr(driver, "forget", None)
        self._forgetting = threading.Event()

    def print(self, job: bytes, slip: Slip) -> bool:
        """Take a slip to print; its PrintDone will be posted. False, and no PrintDone, when it cannot be taken.

        It cannot when `waiting_max` commands wait already or the worker is stopping.
        """
        return not self._stopping.is_set() and self._put((job, slip))

    def ask_state(self) -> bool:
        """Have the printer asked now and its state posted even if unchanged; False when too many commands wait."""
        return self._put("state")

    def look(self) -> None:
        """Also ask the printer now: pulled out, it must not pass for present until the next usual look."""
        super().look()
        if self._commands.empty():  # after any command it is asked all the same
            self._put("look")

    def forget(self) -> None:
        """The visit is over: pictures of its slips, which a simulator keeps, go once all that wait are printed."""
        if self._forget is not None:
            self._forgetting.set()
            self._put("look")  # a full queue means that the thread is not waiting for work

    def _put(self, command: _Command) -> bool:
        try:
            self._commands.put_nowait(command)
        except queue.Full:
            return False
        self._wake.set()
        return True

    def _nudge(self) -> None:
        self._put("stop")  # a full queue means that the thread is not waiting for work

    def _serve(self) -> None:
        watch: Callable[[], PeripheralState | None] | None = getattr(self._printer, "watch", None)
        wait_s = self._pace.look_s if watch is None else min(self._pace.watch_s, self._pace.look_s)
        look_at_s = time.monotonic() + self._pace.look_s
        while not self._stopping.is_set():
            command: _Command | None = None
            with suppress(queue.Empty):
                command = self._commands.get(timeout=wait_s)
            if self._stopping.is_set():
                self._refuse(command, "the station is stopping")
                return
            if watch is not None and command is None and time.monotonic() < look_at_s:
                if (state := watch()) is not None:
                    self._say(state)
                continue
            if isinstance(command, tuple):
                self._print(*command)
            if self._forget is not None and self._forgetting.is_set() and self._commands.empty():
                self._forgetting.clear()
                self._forget()
            self._say(self._printer.state(), asked=command == "state")
            look_at_s = time.monotonic() + self._pace.look_s

    def _print(self, job: bytes, slip: Slip) -> None:
        self._printing = job
        try:
            said = self._printer.print(job, slip)
        except PortFault as fault:
            done = PrintDone(job, "failed", str(fault))
        else:
            fed_mm = getattr(self._printer, "slip_mm", 0)
            done = PrintDone(job, "confirmed" if said == "confirmed" else "unknown", paper_mm=fed_mm)
        self._printing = None
        self._post(done)

    def _abandon(self, reason: str) -> None:
        if self._printing is not None:
            self._post(PrintDone(self._printing, "unknown", reason))
            self._printing = None
        with suppress(queue.Empty):
            while True:
                self._refuse(self._commands.get_nowait(), reason)

    def _refuse(self, command: _Command | None, reason: str) -> None:
        if isinstance(command, tuple):
            self._post(PrintDone(command[0], "failed", reason))
        elif command == "state" and self._said is not None:
            self._post(self._said)


class WatchWorker(_Worker):
    """Serves what only reports: the plugs."""

    def __init__(self, port: str, name: str, driver: Ear, post: Callable[[Event], None], pace: Pace = _USUAL) -> None:
        super().__init__(port, name, driver, post, pace)
        self._watched = driver

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._command()
            event = self._watched.wait(self._pace.wait_s)
            if isinstance(event, PeripheralState):
                self._told(event)
            elif event is not None:
                self._heard(event)

    def _command(self) -> None:
        """Do what was asked for in the meantime."""

    def _told(self, state: PeripheralState) -> None:
        self._say(state)

    def _heard(self, event: Event) -> None:
        self._post(event)


class ScannerWorker(WatchWorker):
    """Serves a scanner, and forgets when told: what one resident scanned must not reach the next.

    Posts no more than a person can have scanned (`drivers.scanner.flood`), and of the device's troubles a few in a
    second, the last one always.
    """

    def __init__(self, name: str, driver: Scanner, post: Callable[[Event], None], pace: Pace = _USUAL) -> None:
        super().__init__("scanner", name, driver, post, pace)
        self._scanner = driver
        self._forgetting = threading.Event()
        self._flood = Flood()
        self._untold: PeripheralState | None = None
        self._tell_at_s = 0.0

    def forget(self) -> None:
        """Post nothing more of what has been scanned until now, not even the half that still comes; returns at once."""
        self._forgetting.set()

    def _command(self) -> None:
        if self._forgetting.is_set():
            self._forgetting.clear()
            self._scanner.forget()
            self._flood.forget()
        self._tell()

    def _told(self, state: PeripheralState) -> None:
        self._untold = state
        self._tell()

    def _tell(self) -> None:
        now_s = time.monotonic()
        if self._untold is not None and now_s >= self._tell_at_s:
            self._say(self._untold)
            self._untold, self._tell_at_s = None, now_s + _TELL_S

    def _heard(self, event: Event) -> None:
        if self._forgetting.is_set():
            return
        babbled = self._flood.babbles
        if not isinstance(event, Scanned) or self._flood.takes(event.data, time.monotonic()):
            super()._heard(event)
        elif self._flood.babbles:
            if not babbled:
                _log.warning("scanner %s sends more than a person can scan: it is not heard until quiet", self.name)
            self._stopping.wait(_REST_S)
            self._scanner.forget()

    def _abandon(self, reason: str) -> None:
        super()._abandon(reason)
        self._untold = None  # the end of this life was said after it


class ReaderWorker(WatchWorker):
    """Serves a card reader: tells of cards, and reads one when asked, for as long as somebody waits for it."""

    def __init__(self, name: str, driver: CardReader, post: Callable[[Event], None], pace: Pace = _USUAL) -> None:
        super().__init__("reader", name, driver, post, pace)
        self._reader = driver
        self._asked: queue.Queue[CardRequest] = queue.Queue(1)
        self._reading: CardRequest | None = None
        self._wanted: bytes | None = None  # the number of the one reading that somebody waits for

    def read(self, request: CardRequest) -> bool:
        """Take one reading in the place of any earlier one; its CardRead or CardFailed will be posted.

        False, and neither, when the worker is stopping. What an earlier one still brings is posted no more.
        """
        if self._stopping.is_set():
            return False
        self._wanted = request.number
        with suppress(queue.Empty):
            self._asked.get_nowait()
        self._asked.put_nowait(request)
        self._wake.set()
        return True

    def forget(self) -> None:
        """Nobody waits any more: the reading is broken off before its next command, and nothing of it is posted."""
        self._wanted = None

    def _command(self) -> None:
        with suppress(queue.Empty):
            request = self._asked.get_nowait()
            if self._wanted != request.number:
                return
            self._reading = request
            try:
                card = self._reader.read(request, lambda: self._wanted == request.number)
            except CardFault as fault:
                self._end(CardFailed(request.number, fault.kind, str(fault)))
            else:
                self._end(CardRead(request.number, card))
            self._reading = None

    def _end(self, event: CardRead | CardFailed) -> None:
        if self._wanted == event.number:
            self._post(event)

    def _abandon(self, reason: str) -> None:
        if self._reading is not None:
            self._end(CardFailed(self._reading.number, "reader_lost", reason))
            self._reading = None
        with suppress(queue.Empty):
            self._end(CardFailed(self._asked.get_nowait().number, "reader_lost", reason))
