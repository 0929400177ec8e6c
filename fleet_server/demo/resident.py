"""A resident of a demonstration (MÔ PHỎNG): reads the station's screen as the page does, and touches it.

Speaks only the page's own protocol, so that the station cannot tell it from a browser. Remembers what it was told: each
code it saw must be a payment or a dossier at the fleet, and each confirmation must be one there.
"""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import re
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from device_profiles.formats import vietqr
from device_profiles.formats.refusal import FormatError
from fleet_server.demo import form
from fleet_server.forms import shipped

if TYPE_CHECKING:
    import random

    from fleet_server.demo.bank import Bank

PAUSE_S = (0.01, 0.04)
WAITS = 0.25
LINE_TIMEOUT_S = 20.0
AGAIN_S = 0.3
DOORS = 20
FILES = 0.35  # how many come with a dossier, not to pay
ASKED_MAX = 6  # so often a question is tried before somebody gives up
_PAYLOAD = re.compile(r'data-vietqr="([^"]+)"')
_PAY = re.compile(r'data-action="pay" data-value="([0-9a-f]{16})"(?![^>]*disabled)')
_CODE = re.compile(r"TAM-K[0-9]{4}-[0-9]{6}-[0-9]")
_NEXT = re.compile(r'data-action="next"(?![^>]*\bdisabled)')
_UNSENT = ("CHƯA GỬI", "NOT SENT")
_CONFIRMED = ("ĐÃ XÁC NHẬN THANH TOÁN", "PAYMENT CONFIRMED")
_WITH_CODES = ("qr", "result", "form_result", "recovered", "out")


@cache
def _wanted(kind: str) -> frozenset[str]:
    """The tiles and services behind which services of this kind stand."""
    return frozenset(name for each in shipped().services if each.kind == kind for name in (each.id, each.group))


@dataclass(slots=True)
class Resident:
    """Everyone who comes to one station, one after another."""

    station: str
    port: int
    block: str
    bank: Bank
    rng: random.Random
    visits: int = 0
    told: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    _paid: set[str] = field(default_factory=set)
    _payload: str = ""
    _pays: bool = False
    _files: bool = False
    _told: str = ""
    _asked: Counter[str] = field(default_factory=Counter)
    _last: tuple[int, str] = (0, "")
    _newest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1))
    _changed: threading.Event = field(default_factory=threading.Event)
    _coming: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """People begin to come."""
        self._coming.set()
        for work in (self._run, self._act):
            threading.Thread(target=work, name=f"resident:{self.station}", daemon=True).start()

    def rest(self) -> None:
        """Nobody new comes; who is there finishes."""
        self._coming.clear()
        number, name = self._last
        leaving = {"qr": "paid", "result": "end", "form_result": "end", "warning": "end"}.get(name)
        if leaving:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._touch(number, leaving)

    def end(self) -> None:
        """Everybody goes."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._watch()
            except (OSError, http.client.HTTPException, ValueError):
                self._ended.wait(AGAIN_S)  # the station restarts: its page waits as well

    def _watch(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LINE_TIMEOUT_S)
        try:
            connection.request("GET", "/screens")
            reply = connection.getresponse()
            while not self._ended.is_set():
                line = reply.readline()
                if not line:
                    return
                if line.startswith(b"data:"):
                    self._newest.append(json.loads(line[5:]))
                    self._changed.set()
        finally:
            connection.close()

    def _act(self) -> None:
        """Act on the newest screen only: what stood there before it is gone, as for a person."""
        while not self._ended.is_set():
            if not self._changed.wait(0.2):
                continue
            self._changed.clear()
            try:
                self._see(self._newest[-1])
            except (OSError, http.client.HTTPException, ValueError):
                self._ended.wait(AGAIN_S)

    def _touch(self, screen: int, action: str, value: str = "") -> None:
        if action != "key":
            time.sleep(self.rng.uniform(*PAUSE_S))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5.0)
        try:
            body = json.dumps({"screen": screen, "action": action, "value": value})
            connection.request("POST", "/touch", body, {"Content-Type": "application/json"})
            connection.getresponse().read()
        finally:
            connection.close()

    def _see(self, message: dict[str, Any]) -> None:
        number, name, page = message["number"], message["name"], message["html"]
        self._last = (number, name)
        self.told.update(_CODE.findall(page) if name in _WITH_CODES else ())
        match name:
            case "idle" if self._coming.is_set():
                self._files = self.rng.random() < FILES
                self._touch(number, "start", self.rng.choice(("vi", "vi", "en")))
            case "home" | "group":
                self._choose(number, page)
            case "unit":
                self._type(number)
            case "bills":
                found = _PAY.findall(page)
                self._touch(number, *(("pay", self.rng.choice(found)) if found else ("end", "")))
                self.visits += not found
            case "review":
                consented = 'aria-checked="true"' in page
                self._touch(number, *(("next", "") if consented else ("consent", "1")))
            case "qr":
                self._pay(number, page)
            case "result":
                self._result(number, page)
            case "notice":
                self._touch(number, "next")
            case "identify" | "ask" | "form_review" | "form_result":
                self._file(number, name, page)
            case "refused" | "recovered" | "warning":
                self._touch(number, "end")
            case _:
                pass

    def _choose(self, number: int, page: str) -> None:
        """The tile or line of what somebody came for; whoever finds it closed goes home."""
        wanted = _wanted("form" if self._files else "bill")
        found = [(action, value) for action in ("group", "service") for value in form.values(page, action)]
        chosen = [each for each in found if each[1] in wanted]
        self._told = ""
        self._asked.clear()
        if not chosen:
            self.visits += self._coming.is_set()
        self._touch(number, *(self.rng.choice(chosen) if chosen and self._coming.is_set() else ("end", "")))

    def _file(self, number: int, name: str, page: str) -> None:
        """A form, question by question; who is asked the same thing again and again gives up."""
        what = form.question(page) or name
        self._asked[what] += form.is_open(page)
        if name == "form_result":
            waits = any(words in page for words in _UNSENT) and self._coming.is_set() and self.rng.random() < WAITS
            if not waits:  # else the next change of the screen wakes it
                self.visits += 1
                self._touch(number, "end")
        elif not self._coming.is_set() or self._asked[what] > ASKED_MAX:
            self._touch(number, "restart")
        elif name == "identify":
            self._touch(number, "way", "type")
        elif name == "ask":
            if what == self._told and not form.is_open(page):
                return  # its own typing; the next question comes by itself
            self._told = what
            for touch in form.answer(page, self.rng, time.time_ns() // 1_000_000):
                self._touch(number, *touch)
        elif "1" in form.values(page, "consent"):
            self._touch(number, "consent", "1")
        elif _NEXT.search(page):
            self._touch(number, "next")

    def _type(self, number: int) -> None:
        if not self._coming.is_set():
            self._touch(number, "restart")
            return
        unit = f"{self.block}{self.rng.randrange(1, DOORS + 1):02d}{self.rng.randrange(1, DOORS + 1):02d}"
        self._touch(number, "erase", "all")
        for key in unit:
            self._touch(number, "key", key)
        self._touch(number, "next")

    def _pay(self, number: int, page: str) -> None:
        """Scan the code with a phone and pay, or walk away; then say so, or wait for the confirmation."""
        found = _PAYLOAD.search(page)
        payload = html.unescape(found[1]) if found else ""
        if not payload or payload == self._payload:
            return
        self._payload = payload
        try:
            code = vietqr.parse(payload)
        except FormatError:
            return
        self._pays = self.rng.random() < 0.85
        if self._pays and code.purpose and code.amount and code.account:
            self.bank.pay(code.amount, code.purpose, code.account, self.rng.uniform(0.1, 1.5))
        if not self._pays or self.rng.random() < 0.8:
            self._touch(number, "paid")

    def _result(self, number: int, page: str) -> None:
        if any(words in page for words in _CONFIRMED):
            self.confirmed.update(_CODE.findall(page))
        elif self._pays and self._coming.is_set() and self.rng.random() < WAITS:
            return  # waits for the confirmation; the next change of the screen wakes it
        self.visits += 1
        self._touch(number, "end")
