"""The guard before every route: right host, own page, signed in; and the headers of every answer. Knows no page.

Refusing is the rule: a route is open only if it stands in OPEN, so a new one cannot forget its guard.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import HTTPException
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from fleet_server.console.wording import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from fleet_server.console.sign_in import Door
    from fleet_server.console.wording import Language

COOKIE = "console_session"
LANGUAGE_COOKIE = "console_language"
SIGN_IN = "/sign-in"
BANK = "/api/bank/credits"  # has a key of its own, checked by its route
OPEN = frozenset((SIGN_IN, "/healthz", BANK))
OPEN_FOLDER = "/static/"
FORM_MAX_BYTES = 4 * 1024
LANGUAGE_AGE_S = 365 * 86_400
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: under that a browser sends its forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Guard:
    """`names`: host names this console answers to, besides addresses and localhost."""

    door: Door
    now_ms: Callable[[], int]
    names: frozenset[str]

    async def __call__(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        """Refuse, or go on; either way with the headers."""
        response = await self._refusal(request) or await go_on(request)
        headers = HEADERS if path_of(request).startswith(OPEN_FOLDER) else HEADERS | NO_STORE
        response.headers.update(headers)
        if request.query_params.get("language") in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, request.query_params["language"], LANGUAGE_AGE_S, httponly=True, samesite="strict"
            )
        return response

    async def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if not is_own_host(host, self.names):
            return PlainTextResponse(f"this console does not answer to {host[:100]!r}", HTTPStatus.BAD_REQUEST)
        path = path_of(request)
        if (
            request.method not in ("GET", "HEAD")
            and path != BANK
            and not is_own_page(request.headers.get("origin"), host)
        ):
            return PlainTextResponse("this request did not come from a page of this console", HTTPStatus.FORBIDDEN)
        if path in OPEN or path.startswith(OPEN_FOLDER):
            return None
        token = request.cookies.get(COOKIE, "")
        session = await run_in_threadpool(self.door.who, token, self.now_ms())
        if session is not None:
            request.state.session = session
            return None
        if path.startswith("/api/"):
            return JSONResponse({"error": "sign in first"}, HTTPStatus.UNAUTHORIZED)
        back = f"?to={quote(path)}" if request.method == "GET" and path != "/" else ""
        return RedirectResponse(f"{SIGN_IN}{back}", HTTPStatus.SEE_OTHER)


def path_of(request: Request) -> str:
    """The path that is routed. `request.url` is put together with the Host header, which anybody may write."""
    path: str = request.scope["path"]
    return path


def is_own_host(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header is ours. Addresses are: a foreign page can point its own name at us, never an address."""
    form = _HOST.fullmatch(host.lower())
    if form is None:
        return False
    name = form["name"].strip("[]")
    if name == "localhost" or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_own_page(origin: str | None, host: str) -> bool:
    """Whether a request was sent by a page of this host. Every browser says the origin of what it posts."""
    try:
        return origin is not None and bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def language_of(request: Request) -> Language:
    """The language asked for, the one chosen before, or Vietnamese."""
    asked = (request.query_params.get("language"), request.cookies.get(LANGUAGE_COOKIE))
    return next((language for each in asked for language in LANGUAGES if each == language), "vi")


async def body_of(request: Request, size_max_bytes: int) -> bytes:
    """The body, read no further than its limit. Raises HTTPException 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > size_max_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {size_max_bytes} bytes")
    return bytes(body)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form, the first of each name."""
    text = (await body_of(request, FORM_MAX_BYTES)).decode("utf-8", "replace")
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=20).items()}
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "not a form of this console") from error
