"""The guard before every route: nobody unsigned, no foreign page, no foreign name, the headers on every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.routing import Mount, Route

from fleet_server.console.app import own_path
from fleet_server.console.guard import BANK, HEADERS, OPEN, is_own_host, is_own_page
from fleet_server.console.sign_in import token_sha256
from tests.fleet_server.console_bed import BANK_KEY, HOST, NAME, ORIGIN, PASSWORD, Bed, add_station, open_bed

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

ANYBODY = {"/sign-in", "/healthz", BANK}
READ_ONLY = {"GET", "HEAD"}


@pytest.fixture
def bed(tmp_path: Path) -> Generator[Bed]:
    with open_bed(tmp_path) as bed:
        add_station(bed.store, 1, bed.now_ms)
        yield bed


def routes(bed: Bed) -> list[tuple[str, str]]:
    """(method, path) of everything the application answers, with its gaps filled."""
    found = []
    for route in bed.app.routes:
        assert isinstance(route, Route | Mount), route
        path = route.path.replace("{station}", "K0001").replace("{name}", "Roboto-Bold.ttf")
        if isinstance(route, Mount):
            found.append(("GET", f"{path}/console.css"))
        else:
            found += [(method, path) for method in sorted(route.methods or ())]
    assert len(found) > 10
    return found


def test_what_is_open_to_anybody_is_a_short_list() -> None:
    assert ANYBODY == OPEN


def test_every_other_route_refuses_whoever_is_not_signed_in(bed: Bed) -> None:
    closed = 0
    for method, path in routes(bed):
        if path in ANYBODY or path.startswith("/static/"):
            continue
        answer = bed.ask(path, method, {"origin": ORIGIN})
        assert answer.status == (401 if path.startswith("/api/") else 303), (method, path)
        assert "K0001" not in answer.text or path == "/stations/K0001", path
        assert "Phường" not in answer.text, path
        closed += 1
    assert closed >= 7
    assert bed.ask("/new/page").status == 303, "what nobody wrote yet is closed as well"
    assert bed.ask("/api/new").status == 401


def test_a_session_opens_them_and_its_end_shuts_them(bed: Bed) -> None:
    bed.sign_in()
    for method, path in routes(bed):
        if method in READ_ONLY and path != "/sign-out":
            assert bed.ask(path, method).status == 200, path
    bed.store.run(lambda store: store.end_session(token_sha256(bed.cookies["console_session"])))
    assert bed.ask("/").status == 303


def test_every_answer_carries_the_headers(bed: Bed) -> None:
    for signed in (False, True):
        if signed:
            bed.sign_in()
        for method, path in [*routes(bed), ("GET", "/nothing/here"), ("GET", "/api/nothing"), ("GET", "/static/none")]:
            answer = bed.ask(path, method)
            for name, value in HEADERS.items():
                assert answer.header(name.lower()) == value, (path, name)
            if not path.startswith("/static/"):
                assert answer.header("cache-control") == "no-store", path
    refused = bed.ask("/", headers={"host": "evil.example"})
    assert refused.header("content-security-policy") == HEADERS["Content-Security-Policy"]
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_no_answer_depends_on_anything_from_elsewhere(bed: Bed) -> None:
    bed.sign_in()
    for path in ("/", "/money", "/apart", "/stations/K0001", "/static/console.css", "/static/console.js"):
        text = bed.ask(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text, path
        assert "https:" not in text, path
        assert "<script>" not in text, path
        assert " style=" not in text, path


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:8080", True),
        ("[::1]:8080", True),
        ("192.168.7.9", True),
        ("ops.example", True),
        ("OPS.example:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("ops.example.evil.example", False),
        ("evil-ops.example", False),
        ("ops.example@evil.example", False),
        ("127.0.0.1/static/", False),
        ("127.0.0.1:8080/static/x?", False),
        ("127.0.0.1#", False),
        ("127.0.0.1:80:80", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_only_own_names_and_addresses_are_answered(host: str, own: bool) -> None:  # noqa: FBT001
    assert is_own_host(host, frozenset({"ops.example"})) is own


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (ORIGIN, True),
        (f"https://{HOST}", True),
        (None, False),
        ("null", False),
        ("", False),
        ("http://evil.example", False),
        (f"http://evil.example/{HOST}", False),
        (f"http://{HOST}@evil.example", False),
        ("http://127.0.0.1:9", False),
        ("http://[::1", False),
    ],
)
def test_a_foreign_page_cannot_post(bed: Bed, origin: str | None, own: bool) -> None:  # noqa: FBT001
    assert is_own_page(origin, HOST) is own
    bed.sign_in()
    before = dict(bed.cookies)
    for method, path in routes(bed):
        if method not in READ_ONLY and path != BANK:
            status = bed.ask(path, method, {"origin": origin} if origin is not None else {}).status
            assert (status == 403) is not own or path == "/sign-in", (path, status)
    if not own:
        assert bed.ask("/").status == 200, "the session is still there"
        assert bed.cookies == before
        assert bed.store.audit_log() == []


@pytest.mark.parametrize("host", ["127.0.0.1/static/", "127.0.0.1:8080/static/x?", "localhost/healthz#"])
def test_no_host_header_makes_a_path_open(bed: Bed, host: str) -> None:
    answer = bed.ask("/api/summary", headers={"host": host})
    assert (answer.status, b"K0001" in answer.body) == (400, False)


def test_another_host_is_told_nothing(bed: Bed) -> None:
    bed.sign_in()
    answer = bed.ask("/api/summary", headers={"host": "evil.example"})
    assert (answer.status, b"K0001" in answer.body) == (400, False)


def test_signing_in_sets_one_strict_cookie_and_goes_where_one_wanted(bed: Bed) -> None:
    assert bed.ask("/money").header("location") == "/sign-in?to=/money"
    assert 'name="to" value="/money"' in bed.ask("/sign-in?to=/money").text
    answer = bed.post("/sign-in", {"name": NAME, "password": PASSWORD, "to": "/money"})
    assert (answer.status, answer.header("location")) == (303, "/money")
    cookie = answer.header("set-cookie").lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "max-age=28800" in cookie
    assert bed.ask("/money").status == 200
    left = bed.post("/sign-out")
    assert (left.status, left.header("location")) == (303, "/sign-in")
    bed.cookies["console_session"] = cookie.split("=")[1].split(";")[0]
    assert bed.ask("/money").status == 303, "the old cookie opens nothing"


def test_a_wrong_password_is_refused_without_saying_which_half_was_wrong(bed: Bed) -> None:
    unknown = bed.post("/sign-in", {"name": "khong-co", "password": "x" * 12})
    wrong = bed.post("/sign-in", {"name": NAME, "password": "x" * 12})
    assert unknown.status == wrong.status == 403
    assert unknown.text.count("Tên hoặc mật khẩu không đúng.") == wrong.text.count("Tên hoặc mật khẩu không đúng.") == 1
    assert bed.cookies == {}
    for _ in range(4):
        wrong = bed.post("/sign-in", {"name": NAME, "password": "x" * 12})
    assert wrong.status == 429
    assert "2 giây" in wrong.text
    assert bed.post("/sign-in", {}).status == 403, "a form without fields is a failure, not a fault"


def test_a_form_is_read_no_further_than_its_limit(bed: Bed) -> None:
    assert bed.post("/sign-in", {"name": "x" * 5_000}).status == 413
    many = {f"f{number}": "1" for number in range(50)}
    assert bed.post("/sign-in", many).status == 400


@pytest.mark.parametrize(
    ("to", "goes"),
    [
        ("/money", "/money"),
        ("/stations/K0001", "/stations/K0001"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/%2f/evil", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_after_sign_in_nobody_is_sent_elsewhere(to: str, goes: str) -> None:
    assert own_path(to) == goes


def test_a_language_is_chosen_once_and_remembered(bed: Bed) -> None:
    bed.sign_in()
    assert "Các trạm" in bed.ask("/").text
    chosen = bed.ask("/?language=en&q=K0001")
    assert "Stations" in chosen.text
    assert "samesite=strict" in chosen.header("set-cookie").lower()
    assert 'href="/?q=K0001&amp;language=vi"' in chosen.text, "the filters stay"
    assert "Money" in bed.ask("/money").text
    assert bed.ask("/?language=xx").header("set-cookie") == ""


def test_the_bank_has_a_key_of_its_own(bed: Bed) -> None:
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": BANK_KEY}, {"authorization": "Bearer "}):
        assert bed.ask(BANK, "POST", header, b"[]").status == 401
    bed.sign_in()
    assert bed.ask(BANK, "POST", {"origin": ORIGIN}, b"[]").status == 401, "a session is no key"
    assert bed.ask(BANK, "POST", {"authorization": f"Bearer {BANK_KEY}"}, b"[]").status == 200
