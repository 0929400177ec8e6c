"""The operations console: pages and JSON on stations, dossiers and money, for people who signed in. Changes no station.

Decides which route gives what; who may come in is `sign_in` and `guard`, how a station is judged `overall`, how money
is told `money_rows`. Reads run on connections of their own and are shared by everybody who looks within a second.
"""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

import anyio
import font_roboto
from fastapi import Depends, FastAPI, Header, HTTPException, Path, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.staticfiles import StaticFiles

from fleet_server.console import apart_page, bank, device_rows, dossier_rows, glance, money_rows, station_page
from fleet_server.console.banners import Banner, banners
from fleet_server.console.glance import FleetView, Recent
from fleet_server.console.guard import BANK, COOKIE, SIGN_IN, Guard, body_of, form_of, language_of, path_of
from fleet_server.console.listing import TEXT_MAX, Asked, asked, listing, stations_json, summary_json
from fleet_server.console.overall import HEARTBEAT_S, is_silent
from fleet_server.console.pages import Pages
from fleet_server.console.sign_in import SESSION_MS, Refused, open_door
from fleet_server.console.station_rows import COLUMNS
from fleet_server.console.wording import LANGUAGES, say
from fleet_server.forms import Forms

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet_server.console.dossier_rows import DossierView
    from fleet_server.console.wording import Language
    from fleet_server.settings import Settings
    from fleet_server.store import Committer, Reader

STATIC = pathlib.Path(__file__).parent / "static"
FONTS = pathlib.Path(font_roboto.font_directory)
OWN_PATH = re.compile(r"/(?:[A-Za-z0-9_-]+/?)*")
SCRYPT_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Console:
    """What the console needs of the server.

    settings: `heartbeat_s`, `bank_simulated` and the names of this host are used. broker_alive: whether the broker's
    child runs now. bank_token: the key of the simulated bank's door; without one the door is shut.
    """

    fleet: Committer
    reader: Reader
    now_ms: Callable[[], int]
    settings: Settings
    broker_alive: Callable[[], bool]
    bank_token: str = ""


class Desk:
    """Everything the routes share: the newest readings, the templates, the door."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.heartbeat_s = console.settings.heartbeat_s or HEARTBEAT_S
        self.door = open_door(console.fleet, console.reader)
        self.pages = Pages()
        self.fleet = Recent(
            console.reader, console.now_ms, lambda store, now_ms: glance.look(store, now_ms, self.heartbeat_s)
        )
        forms = Forms()  # one reading at a time uses it
        self.filed = Recent(
            console.reader, console.now_ms, lambda store, now_ms: dossier_rows.look(store, now_ms, forms)
        )
        self.money = Recent(console.reader, console.now_ms, money_rows.look)
        self.apart = Recent(console.reader, console.now_ms, apart_page.look)
        self.proof = Recent(console.reader, console.now_ms, lambda store, _: (store.lineage(), glance.accepted(store)))

    def filed_of(self, station: str) -> DossierView:
        """The dossiers of one station, read now."""
        now_ms = self.console.now_ms()
        return self.console.reader.read(lambda store: dossier_rows.look(store, now_ms, Forms(), station))

    def banners(self, language: Language, fleet: FleetView) -> list[Banner]:
        """What stands on top of every page."""
        alive, settings = self.console.broker_alive(), self.console.settings
        filed = self.filed.get().totals
        return banners(fleet, language, filed, broker_alive=alive, bank_simulated=settings.bank_simulated)

    def page(self, request: Request, name: str, fleet: FleetView | None, status: int = 200, **data: object) -> Response:
        """Render a page; `fleet` None = before sign-in, where nothing of the fleet is told."""
        language = language_of(request)
        session = getattr(request.state, "session", None)
        html = self.pages.html(
            name,
            language,
            self.console.now_ms(),
            here=here(request),
            user=session.user if session else "",
            banners=self.banners(language, fleet) if fleet else [],
            **data,
        )
        return HTMLResponse(html, status)


def console_app(console: Console) -> FastAPI:
    """Give the application that central operations open in a browser."""
    app = FastAPI(title="Citizen station fleet: operations", docs_url=None, redoc_url=None, openapi_url=None)
    desk = Desk(console)
    settings = console.settings
    names = frozenset({settings.console_host.lower(), settings.host.lower(), settings.public_host.lower()} - {""})
    app.middleware("http")(Guard(desk.door, console.now_ms, names))
    _add_door(app, desk)
    _add_pages(app, desk)
    _add_json(app, desk)
    if settings.bank_simulated:
        _add_bank(app, console)
    _add_static(app)

    @app.exception_handler(AnyHTTPException)
    def _problem(request: Request, problem: AnyHTTPException) -> Response:
        if path_of(request).startswith("/api/"):
            return JSONResponse({"error": problem.detail}, problem.status_code)
        words = f"{problem.status_code} · {problem.detail}"
        return desk.page(request, "problem", None, problem.status_code, problem=words)

    return app


def _add_door(app: FastAPI, desk: Desk) -> None:
    console, turns = desk.console, anyio.CapacityLimiter(SCRYPT_AT_ONCE)

    def sign_in_page(request: Request, to: str, problem: str, status: int) -> Response:
        return desk.page(request, "sign_in", None, status, to=to, problem=problem)

    @app.get(SIGN_IN)
    def _ask(request: Request, to: Annotated[str, Query(max_length=200)] = "/") -> Response:
        return sign_in_page(request, own_path(to), "", HTTPStatus.OK)

    @app.post(SIGN_IN)
    async def _enter(request: Request) -> Response:
        form = await form_of(request)
        to, language, now_ms = own_path(form.get("to", "/")), language_of(request), console.now_ms()
        # Few at a time: a flood of guesses must not take the memory and the processors that ingest needs.
        entered = await anyio.to_thread.run_sync(
            desk.door.enter, form.get("name", ""), form.get("password", ""), now_ms, limiter=turns
        )
        if isinstance(entered, Refused):
            if entered.wait_ms:
                words = say(language, "sign_in.wait", n=-(-entered.wait_ms // 1000))
                return sign_in_page(request, to, words, HTTPStatus.TOO_MANY_REQUESTS)
            return sign_in_page(request, to, say(language, "sign_in.refused"), HTTPStatus.FORBIDDEN)
        answer = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, entered.token, SESSION_MS // 1000, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return answer

    @app.post("/sign-out")
    def _leave(request: Request) -> Response:
        desk.door.leave(request.state.session, console.now_ms())
        answer = RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer


def _add_pages(app: FastAPI, desk: Desk) -> None:
    console = desk.console

    @app.get("/")
    def _stations(request: Request, wanted: Annotated[Asked, Depends(asked)]) -> Response:
        fleet = desk.fleet.get()
        shown = listing(language_of(request), fleet, wanted, desk.filed.get().totals)
        return desk.page(
            request, "stations", fleet, shown=shown, chosen=wanted.chosen, columns=COLUMNS, as_of_ms=fleet.now_ms
        )

    @app.get("/stations/{station}")
    def _station(request: Request, station: Annotated[str, Path(max_length=TEXT_MAX)]) -> Response:
        fleet, language, now_ms = desk.fleet.get(), language_of(request), console.now_ms()
        view = next((each for each in fleet.stations if each.seen.station.id == station), None)
        if view is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, say(language, "station.missing"))
        last = view.seen.last
        return desk.page(
            request,
            "station",
            fleet,
            view=view,
            content=console.reader.read(lambda store: station_page.look(store, station, now_ms)),
            facts=station_page.facts(language, view, keeps_backups=fleet.keeps_backups),
            devices=device_rows.lines(language, view, now_ms, fleet.heartbeat_s),
            silent=last is not None and is_silent(last, now_ms, fleet.heartbeat_s),
        )

    @app.get("/dossiers")
    def _dossiers(request: Request, station: Annotated[str, Query(max_length=TEXT_MAX)] = "") -> Response:
        fleet = desk.fleet.get()
        if station and all(each.seen.station.id != station for each in fleet.stations):
            raise HTTPException(HTTPStatus.NOT_FOUND, say(language_of(request), "station.missing"))
        shown = desk.filed_of(station) if station else desk.filed.get()
        return desk.page(request, "dossiers", fleet, shown=shown, station=station)

    @app.get("/money")
    def _money(request: Request) -> Response:
        return desk.page(request, "money", desk.fleet.get(), money=desk.money.get())

    @app.get("/apart")
    def _apart(request: Request) -> Response:
        return desk.page(request, "apart", desk.fleet.get(), apart=desk.apart.get())


def _add_json(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/stations")
    def _stations(request: Request, wanted: Annotated[Asked, Depends(asked)]) -> Response:
        language, fleet, filed = language_of(request), desk.fleet.get(), desk.filed.get().totals
        return JSONResponse(
            stations_json(language, fleet, wanted, filed, desk.banners(language, fleet), desk.console.now_ms())
        )

    @app.get("/api/summary")
    def _summary() -> Response:
        alive = desk.console.broker_alive()
        return JSONResponse(
            summary_json(desk.fleet.get(), desk.money.get(), desk.filed.get().totals, broker_alive=alive)
        )

    @app.get("/healthz")
    def _health() -> Response:
        lineage, accepted = desk.proof.get()
        return JSONResponse({"ok": True, "lineage": lineage.hex(), "accepted": accepted})


def _add_bank(app: FastAPI, console: Console) -> None:
    @app.post(BANK)
    async def _credits(request: Request, authorization: Annotated[str, Header(max_length=200)] = "") -> Response:
        if not bank.is_key(authorization, console.bank_token):
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "send the key of bank.token as Authorization: Bearer")
        body = await body_of(request, bank.BODY_MAX_BYTES)
        try:
            rows = bank.rows_of(body)
        except bank.BadList as problem:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(problem)) from problem
        posted = await run_in_threadpool(bank.post_all, console.fleet, rows, console.now_ms())
        return JSONResponse(posted.as_json())


def _add_static(app: FastAPI) -> None:
    @app.get("/static/fonts/{name}")
    def _font(name: Literal["Roboto-Regular.ttf", "Roboto-Medium.ttf", "Roboto-Bold.ttf"]) -> Response:
        return FileResponse(FONTS / name, media_type="font/ttf", headers={"Cache-Control": "public, max-age=604800"})

    app.mount("/static", StaticFiles(directory=STATIC))


def here(request: Request) -> dict[Language, str]:
    """This page in each language."""
    addresses = {language: request.url.include_query_params(language=language) for language in LANGUAGES}
    return {language: f"{each.path}?{each.query}" for language, each in addresses.items()}


def own_path(to: str) -> str:
    """Where to go after sign-in: a path of this console, never another host."""
    return to if OWN_PATH.fullmatch(to) else "/"
