"""A console on a real store without a network: what a browser would send goes straight into the application."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from device_profiles.formats.codes import provisional_code
from device_profiles.formats.reference import payment_reference
from device_profiles.messages import STATUS_KEYS
from fleet_server import dossiers
from fleet_server.console.app import Console, console_app
from fleet_server.console.sign_in import secret_of, token_sha256
from fleet_server.settings import Settings
from fleet_server.store import (
    Device,
    Dossier,
    DossierWord,
    Head,
    LastValues,
    LogRow,
    Payment,
    Session,
    Station,
    User,
    Why,
)
from fleet_server.store_sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from fleet_server.dossiers import Decision

T0 = 1_795_000_000_000
NAME, PASSWORD, TOKEN, BANK_KEY = "huyen", "một mật khẩu dài", "a-token", "bank-key"
HOST = "127.0.0.1:8080"
ORIGIN = f"http://{HOST}"
WHY = Why("Nguyễn Thị Kiểm", "test", T0)
CHEAP = (4, 8, 1)
ALL_WELL = [
    ["printer", "printer-network-80mm", "online", "full"],
    ["reader", "reader-simulated", "online", ""],
    ["display", "display-browser", "online", ""],
]


class Reading(HTMLParser):
    """What a browser would make of a page: its tags, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"], attrs
        self.text += " ".join(value or "" for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return "; ".join(value for key, value in self.headers if key == name)


@dataclass
class Bed:
    """One console; `now_ms` is the fleet's clock, `cookies` what the browser holds."""

    store: SqliteStore
    loop: asyncio.AbstractEventLoop
    settings: Settings
    now_ms: int = T0
    broker: bool = True
    bank_key: str = BANK_KEY
    cookies: dict[str, str] = field(default_factory=dict)
    app: Any = None

    def open(self) -> None:
        console = Console(
            self.store, self.store, lambda: self.now_ms, self.settings, lambda: self.broker, self.bank_key
        )
        self.app = console_app(console)

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        cookies: bool = True,
    ) -> Answer:
        """Send one request. Cookies are sent and kept as a browser would."""
        self.now_ms += 10_000 if method == "GET" else 0  # what is shown is read anew
        sent = {"host": HOST, **(headers or {})}
        if cookies and self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.loop.run_until_complete(self._call(method, path, sent, body))
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        return answer

    def post(self, path: str, fields: Mapping[str, str] | None = None, origin: str | None = ORIGIN) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"} | ({"origin": origin} if origin else {})
        return self.ask(path, "POST", headers, urlencode(fields or {}).encode())

    def sign_in(self) -> None:
        """Hold a session, without the cost of a password."""
        self.store.run(
            lambda store: store.add_session(Session(token_sha256(TOKEN), NAME, self.now_ms, self.now_ms + 10**9))
        )
        self.cookies["console_session"] = TOKEN

    async def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8080),
        }
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await asyncio.sleep(3_600)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        return Answer(
            said[0]["status"],
            [(name.decode().lower(), value.decode()) for name, value in said[0]["headers"]],
            b"".join(each.get("body", b"") for each in said[1:]),
        )


@contextmanager
def open_bed(folder: Path, **settings: Any) -> Generator[Bed]:
    store = SqliteStore.open(folder / "fleet.db")
    store.run(lambda each: each.put_user(User(NAME, secret_of(PASSWORD, CHEAP), "operator", T0)))
    loop = asyncio.new_event_loop()
    bed = Bed(store, loop, Settings(folder=folder, bank_simulated=True, **settings))
    bed.open()
    yield bed
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    store.close()


def status(**changed: Any) -> dict[int, object]:
    """A status map of a station that is well; None takes a value out."""
    values = {
        "version": "0.1.0",
        "desired_rev": 3,
        "profile": "lobby-80mm",
        "stopped": [],
        "disk_free_percent": 70,
        "peripherals": ALL_WELL,
        "visits": 5,
        "exposure_count": 1,
        "uptime_s": 500,
        "rss_kib": 60_000,
        "refusals": [],
        "page_age_s": 2,
        **changed,
    }
    return {STATUS_KEYS[name]: value for name, value in values.items() if value is not None}


def device_of(station: str) -> bytes:
    return station.encode().rjust(16, b"\0")


def place(number: int = 1, **changed: Any) -> Station:
    return replace(
        Station(f"K{number:04d}", f"Sảnh {number}", "B1", "Phường Bình Trưng", "lobby-80mm", live=True), **changed
    )


def device(station: str, **changed: Any) -> Device:
    id_ = device_of(station)
    return replace(Device(id_, station, 1, b"spki" + id_, id_[-8:], "ACTIVE", "ab12", T0), **changed)


def last(station: str, received_ms: int, **changed: Any) -> LastValues:
    """Newest record 9 of journal `j…`, said at the moment it was received."""
    new = LastValues(device_of(station), b"j" * 16, 3, 5_000, received_ms, 3, 9, status(), received_ms)
    return replace(new, **changed)


def add_station(
    store: SqliteStore,
    number: int,
    received_ms: int | None,
    *,
    device_is: Mapping[str, Any] | None = None,
    **changed: Any,
) -> None:
    """A station with ten records in the log, heard at `received_ms` (None = never); `changed`: its last values."""
    spot = place(number)
    mine = device(spot.id, **(device_is or {}))

    def add(each: Any) -> None:
        each.put_station(spot, WHY)
        each.put_device(mine, WHY)
        if received_ms is None:
            return
        rows = [LogRow(0, mine.id, 1, b"j" * 16, seq, b"d" * 32, b"record", T0) for seq in range(10)]
        each.append(Head(mine.id, 1, b"j" * 16, 10, b"d" * 32), rows)
        each.put_last_values(last(spot.id, received_ms, **changed))

    store.run(add)


def payment(number: int = 1, **changed: Any) -> Payment:
    """A payment of station K0001 that waits for its credit; the reference is its number."""
    new = Payment(
        device=device_of("K0001"),
        txn=number.to_bytes(16),
        created_ms=T0,
        quality=3,
        service="B6",
        biller="Ban quản trị",
        building="B1",
        unit="A-12.05",
        period="2026-11",
        bill=number.to_bytes(8),
        owner="NGUYEN *** AN",
        amount=1_250_000,
        due="2026-11-30",
        payee_bin="970436",
        payee_account="1020304050",
        reference=REFERENCES[number],
        code=f"TAM-K0001-{number:06d}-2",
        online=True,
        expires_ms=T0 + 600_000,
        said="AWAITING_CONFIRMATION",
        said_ms=T0,
    )
    return replace(new, **changed)


def dossier(number: int = 1, **changed: Any) -> Dossier:
    """A dossier of station K0001 without a fault, on which no office has said a word."""
    new = Dossier(
        device=device_of("K0001"),
        txn=b"dossier" + number.to_bytes(9),
        position=number,
        created_ms=T0,
        quality=3,
        received_ms=T0,
        service="C4",
        form="data_wrong/1",
        catalogue=1,
        code=provisional_code("K0001", 100 + number),
        ward="27097",
        identity="chip_read",
        urgent=False,
        deadline_ms=None,
        language="vi",
        online=True,
        answers=6,
        sources={"chip": 2, "typed": 4},
        faults=0,
    )
    return replace(new, **changed)


def said(filed: Dossier, state: Decision, told: str) -> DossierWord:
    """An office's word on it."""
    return dossiers.word(filed, state, told, "Trần Thị Ghi", T0)


REFERENCES = tuple(payment_reference(bytes([number] * 6)) for number in range(10))
