"""The display as a page on loopback: the protocol between the agent and the browser in kiosk mode.

- `GET /` the shell; `GET /static/…` style and script; `GET /fonts/…` the installed Roboto.
- `GET /screens` server-sent events; each message is JSON {number, name, html, wiped}. Only the newest screen counts:
  a page that connects late or again gets that one. Another `wiped` than before tells the page to throw itself away.
  It comes back by the other of this machine's two names, so that the browser ends the process that has shown the visit.
- `POST /touch` {screen, action, value} and `POST /beat` {screen} become Touched and PageBeat. A beat that names another
  screen than the newest proves nothing: a page that draws but no longer follows is as good as dead.
- `GET /beat` gives {age_s}: of the newest good beat, null when there was none since this display began. The watchman of
  the screen asks (edge_agent.screen_watch).
- `GET /simulator/slip.png`, only where the printer is a simulator: the visit's last slip.

Nothing is cached, the page may load nothing from elsewhere, and a request whose Host is not this address is refused
(a foreign site whose name was rebound to loopback would carry its own name). Decides nothing about screens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from edge_agent.events import PageBeat, Touched
from edge_agent.ports import PortFault
from edge_agent.screens.render import FOLDER, Renderer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from edge_agent.effects import Screen
    from edge_agent.events import Event

log = logging.getLogger(__name__)

BODY_MAX_BYTES = 1024
VALUE_MAX = 64
PAGES_MAX = 8  # the kiosk's page, and a technician's beside it
KEEP_ALIVE_S = 10.0
STOP_S = 5.0
STATIC = {"style.css": "text/css", "kiosk.js": "text/javascript"}
FONTS = ("Roboto-Regular.ttf", "Roboto-Medium.ttf", "Roboto-Bold.ttf")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), clipboard-read=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ACTION = re.compile(r"[a-z][a-z_]{0,23}")


@dataclass(frozen=True, slots=True)
class _Message:
    """What the page shall show now."""

    number: int
    name: str
    html: str
    wiped: str

    def line(self) -> str:
        fields = {"number": self.number, "name": self.name, "html": self.html, "wiped": self.wiped}
        return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n"


class BrowserDisplay:
    """The Display port as a web server on `host`:`port` (0: any free port, told by `url` after `start`).

    simulator_slip: where the printer is a simulator, what gives the picture of its last slip (PNG, or None).
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, simulator_slip: Callable[[], bytes | None] | None = None
    ) -> None:
        self._address = (host, port)
        self._simulator_slip = simulator_slip
        self._renderer = Renderer()
        self._process = secrets.token_hex(4)
        self._wipes = 0
        self._message = _Message(0, "", "", self._wiped())
        self._post: Callable[[Event], None] | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pages: set[asyncio.Event] = set()
        self._beat_s: float | None = None
        self.url = ""

    def start(self, post: Callable[[Event], None]) -> None:
        """Begin to serve. Raises PortFault when the address is taken."""
        import uvicorn

        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(self._address)
            listener.listen()  # a page that connects before the thread runs waits, and is not turned away
        except OSError as error:
            listener.close()
            host, port = self._address
            raise PortFault(f"the page cannot be served on {host}:{port}: {error}; choose another port") from error
        host, port = listener.getsockname()
        self.url = f"http://{host}:{port}/"
        self._post = post
        application = _Guard(self._application(), frozenset({f"{host}:{port}", f"localhost:{port}"}))
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(self._server, listener), name="display", daemon=True)
        self._thread.start()

    def show(self, screen: Screen) -> None:
        """Draw a screen and wake the pages."""
        self._message = _Message(screen.number, screen.name, self._renderer.html(screen), self._wiped())
        self._wake()

    def wipe(self) -> None:
        """Forget the screen here, and have every page throw itself away."""
        self._wipes += 1
        self._message = _Message(0, "", "", self._wiped())
        self._wake()

    def close(self) -> None:
        """Stop serving and end the thread."""
        self._post = None
        if self._server and self._thread:
            self._server.should_exit = True
            self._wake()
            self._thread.join(STOP_S)
            if self._thread.is_alive():
                log.warning("the display's web server did not end within %s s", STOP_S)

    def _wiped(self) -> str:
        return f"{self._process}-{self._wipes}"

    def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        with contextlib.closing(listener):
            asyncio.run(self._run(server, listener))

    async def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await server.serve(sockets=[listener])

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed: nobody is left to be woken
                loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        for page in self._pages:
            page.set()

    def _application(self) -> Starlette:
        from starlette.applications import Starlette
        from starlette.routing import Route

        routes = [
            Route("/", self._shell),
            Route("/static/{name}", self._static),
            Route("/fonts/{name}", self._font),
            Route("/screens", self._screens),
            Route("/touch", self._touch, methods=["POST"]),
            Route("/beat", self._beat, methods=["POST"]),
            Route("/beat", self._beat_age, methods=["GET"]),
        ]
        if self._simulator_slip:
            routes.append(Route("/simulator/slip.png", self._slip))
        return Starlette(routes=routes)

    async def _shell(self, _request: Request) -> Response:
        return _reply(200, _file("index.html"), "text/html")

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        return _reply(200, _file(name), STATIC[name]) if name in STATIC else _reply(404)

    async def _font(self, request: Request) -> Response:
        name = request.path_params["name"]
        return _reply(200, _font_file(name), "font/ttf") if name in FONTS else _reply(404)

    async def _slip(self, _request: Request) -> Response:
        picture = self._simulator_slip() if self._simulator_slip else None
        return _reply(200, picture, "image/png") if picture else _reply(404)

    async def _screens(self, _request: Request) -> Response:
        from starlette.responses import StreamingResponse

        if len(self._pages) >= PAGES_MAX:
            return _reply(503)
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        """The newest screen whenever it changes, until the page goes or the server stops."""
        page = asyncio.Event()
        self._pages.add(page)
        sent: _Message | None = None
        try:
            yield "retry: 500\n\n"
            while self._server and not self._server.should_exit:
                page.clear()
                if sent is not self._message:
                    sent = self._message
                    yield sent.line()
                    continue
                try:
                    await asyncio.wait_for(page.wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": here\n\n"
        finally:
            self._pages.discard(page)

    async def _touch(self, request: Request) -> Response:
        match await _json(request):
            case {"screen": int(screen), "action": str(action), "value": str(value), **rest} if (
                not rest and _natural(screen) and _ACTION.fullmatch(action) and len(value) <= VALUE_MAX
            ):
                return self._accept(Touched(screen, action, value))
            case _:
                return _reply(400)

    async def _beat(self, request: Request) -> Response:
        match await _json(request):
            case {"screen": int(screen), **rest} if not rest and _natural(screen):
                if screen != self._message.number:
                    return _reply(409)
                self._beat_s = time.monotonic()
                return self._accept(PageBeat(screen))
            case _:
                return _reply(400)

    async def _beat_age(self, _request: Request) -> Response:
        age_s = None if self._beat_s is None else round(time.monotonic() - self._beat_s, 3)
        return _reply(200, json.dumps({"age_s": age_s}).encode(), "application/json")

    def _accept(self, event: Event) -> Response:
        if self._post is None:
            return _reply(503)
        self._post(event)
        return _reply(204)


class _Guard:
    """Refuses requests that were not meant for this address, and puts the headers on every answer."""

    def __init__(self, inner: ASGIApp, hosts: frozenset[str]) -> None:
        self._inner, self._hosts = inner, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        origin, send = headers.get("origin"), self._with_headers(send)
        if headers.get("host") not in self._hosts:
            await _reply(421)(scope, receive, send)
        elif origin is not None and origin.removeprefix("http://") not in self._hosts:
            await _reply(403)(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    def _with_headers(self, send: Send) -> Send:
        async def sender(message: Any) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *ours]
            await send(message)

        return sender


async def _json(request: Request) -> object:
    """The body as JSON; None when it is none, too large, or not declared as JSON (what a foreign form cannot do)."""
    if request.headers.get("content-type") != "application/json":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _natural(number: int) -> bool:
    return type(number) is int and 0 <= number < 2**53


def _reply(status: int, body: bytes = b"", media: str = "text/plain") -> Response:
    from starlette.responses import Response

    return Response(body, status, media_type=media)


@cache
def _file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@cache
def _font_file(name: str) -> bytes:
    return resources.files("font_roboto").joinpath("files", name).read_bytes()
