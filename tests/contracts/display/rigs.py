"""One rig per display: how its screen is looked at and how a hand touches it. Decides no expectation."""

from __future__ import annotations

import http.client
import json
import queue
import urllib.request
from typing import Any, Self

from edge_agent.drivers.display.browser import BrowserDisplay
from edge_agent.drivers.display.simulated import SimulatedDisplay
from edge_agent.events import Touched


class SimulatedRig:
    def __init__(self) -> None:
        self.display = SimulatedDisplay()
        self.posted: queue.Queue[object] = queue.Queue()

    def start(self) -> None:
        self.display.start(self.posted.put)

    def html(self) -> str:
        return self.display.html

    def touch(self, screen: int, action: str, value: str = "") -> None:
        self.display.touch(Touched(screen, action, value))

    def end(self) -> None:
        self.display.close()


class BrowserRig:
    """Real HTTP over loopback."""

    def __init__(self, **settings: Any) -> None:
        self.display = BrowserDisplay(**settings)
        self.posted: queue.Queue[object] = queue.Queue()

    def start(self) -> None:
        self.display.start(self.posted.put)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.display.url.removeprefix("http://").removesuffix("/").split(":")
        return host, int(port)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; (status, headers in lower case, body)."""
        connection = http.client.HTTPConnection(*self.address, timeout=5)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(self, path: str, value: object) -> int:
        return self.ask("POST", path, json.dumps(value).encode(), {"Content-Type": "application/json"})[0]

    def stream(self) -> Stream:
        return Stream(self.display.url + "screens")

    def html(self) -> str:
        with self.stream() as stream:
            html: str = stream.next()["html"]
            return html

    def touch(self, screen: int, action: str, value: str = "") -> None:
        try:
            self.post("/touch", {"screen": screen, "action": action, "value": value})
        except OSError:
            return  # nobody serves: a hand on a dark screen

    def end(self) -> None:
        self.display.close()


class Stream:
    """The page's end of /screens."""

    def __init__(self, url: str) -> None:
        self._answer = urllib.request.urlopen(url, timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()

    def next(self) -> dict[str, Any]:
        """The next message; comments and the retry time are passed over."""
        for line in self._answer:
            if line.startswith(b"data: "):
                message: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                return message
        raise EOFError("the stream ended")


RIGS = {"simulated": SimulatedRig, "browser": BrowserRig}
