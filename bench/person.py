"""A resident without patience (simulated): reads the screens as the page does, and touches them at once.

Speaks the page's own protocol, so that the station cannot tell it from a browser. Decides nothing about what is
measured. Every visit pays one bill, takes its slip and leaves.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from typing import Any

TIMEOUT_S = 20.0
VISIT_MAX_S = 30.0
ASSETS = ("/static/style.css", "/static/kiosk.js", "/fonts/Roboto-Regular.ttf", "/fonts/Roboto-Bold.ttf")
_PAY = re.compile(r'data-action="pay" data-value="([0-9a-f]{16})"(?![^>]*disabled)')
_READY = re.compile('class="now ready">(?:(?!</ul>).)*Phí quản lý căn hộ', re.DOTALL)
_OFFLINE = "service offline"
_PRINTED = 'class="slip confirmed"'


class Lost(Exception):
    """The station showed what a resident cannot go on from; the words say what."""


class Person:
    """Whoever stands before one station's screen."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._touches = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._page: http.client.HTTPConnection | None = None
        self._lines: Any = None

    def look(self) -> dict[str, Any]:
        """Load the page with all it needs, and see the first screen."""
        for path in ("/", *ASSETS):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
            connection.request("GET", path)
            reply = connection.getresponse()
            assert (reply.status, bool(reply.read())) == (200, True), path
            connection.close()
        self._page = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        self._page.request("GET", "/screens")
        self._lines = self._page.getresponse()
        return self.see()

    def wait_ready(self, screen: dict[str, Any]) -> dict[str, Any]:
        """See screens until the idle one says that bills can be paid, with the fleet."""
        end_s = time.monotonic() + VISIT_MAX_S
        while not (screen["name"] == "idle" and _READY.search(screen["html"]) and _OFFLINE not in screen["html"]):
            if time.monotonic() > end_s:
                raise Lost(f"the station did not become ready in {VISIT_MAX_S:g} s; it shows {screen['name']!r}")
            screen = self.see()
        return screen

    def visit(self, screen: dict[str, Any], unit: str) -> dict[str, Any]:
        """Pay the bill of a unit, from the idle screen to the next one. Raises Lost."""
        end_s = time.monotonic() + VISIT_MAX_S
        typed, begun = False, False
        while not (begun and screen["name"] == "idle"):
            if time.monotonic() > end_s:
                raise Lost(f"a visit took more than {VISIT_MAX_S:g} s; the screen is {screen['name']!r}")
            begun = begun or screen["name"] == "home"
            if screen["name"] == "unit":
                if not typed:
                    self._type(screen["number"], unit)
                typed = True
            else:
                self._act(screen)
            screen = self.see()
        return screen

    def _type(self, number: int, unit: str) -> None:
        for key in unit:
            self.touch(number, "key", key)
        self.touch(number, "next")

    def _act(self, screen: dict[str, Any]) -> None:
        number, page = screen["number"], screen["html"]
        match screen["name"]:
            case "idle":
                self.touch(number, "start", "vi")
            case "home":
                self.touch(number, "group", "bill")
            case "bills":
                found = _PAY.findall(page)
                if not found:
                    raise Lost("the unit has no bill that can be paid")
                self.touch(number, "pay", found[0])
            case "review":
                agreed = 'aria-checked="true"' in page
                self.touch(number, *(("next", "") if agreed else ("consent", "1")))
            case "qr":
                self.touch(number, "paid")
            case "result" if _PRINTED in page:
                self.touch(number, "end")
            case "result" | "checking":
                pass  # the slip is being printed, or the fleet is being asked: another screen follows
            case other:
                raise Lost(f"a resident cannot go on from {other!r}")

    def touch(self, number: int, action: str, value: str = "") -> None:
        """Touch a screen, as its page does."""
        body = json.dumps({"screen": number, "action": action, "value": value})
        self._touches.request("POST", "/touch", body, {"Content-Type": "application/json"})
        reply = self._touches.getresponse()
        reply.read()
        assert reply.status == 204, action

    def see(self) -> dict[str, Any]:
        """The next screen; what only says that the page shall be thrown away is passed over. Raises Lost."""
        while line := self._lines.readline():
            if line.startswith(b"data:"):
                message: dict[str, Any] = json.loads(line[5:])
                if message["name"]:
                    return message
        raise Lost("the station ended the line")

    def see_until(self, name: str) -> dict[str, Any]:
        """See screens until the one of that name. Raises Lost."""
        end_s = time.monotonic() + VISIT_MAX_S
        while (screen := self.see())["name"] != name:
            if time.monotonic() > end_s:
                raise Lost(f"{name!r} was not shown in {VISIT_MAX_S:g} s; the screen is {screen['name']!r}")
        return screen

    def close(self) -> None:
        self._touches.close()
        if self._page is not None:
            self._page.close()
