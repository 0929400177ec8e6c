"""The browser display over real HTTP: what it serves, to whom, and what it refuses."""

from __future__ import annotations

import json
import time

import pytest

from edge_agent.drivers.display import browser
from edge_agent.drivers.display.browser import BrowserDisplay
from edge_agent.events import PageBeat, Touched
from edge_agent.ports import PortFault
from tests.contracts.display.rigs import BrowserRig
from tests.edge_agent.visit_scenes import scene

JSON = {"Content-Type": "application/json"}
TOUCH = {"screen": 3, "action": "key", "value": "A"}


@pytest.fixture(scope="module")
def served():
    made = BrowserRig()
    made.start()
    yield made
    made.end()


@pytest.fixture
def rig(served):
    """The one server of this file, wiped and with nothing posted."""
    served.display.wipe()
    while not served.posted.empty():
        served.posted.get()
    return served


def test_it_serves_on_loopback_only(rig):
    assert rig.display.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/kiosk.js", "text/javascript; charset=utf-8"),
        ("/fonts/Roboto-Regular.ttf", "font/ttf"),
        ("/fonts/Roboto-Medium.ttf", "font/ttf"),
        ("/fonts/Roboto-Bold.ttf", "font/ttf"),
    ],
)
def test_the_shell_and_its_files_are_served(rig, path, media):
    status, headers, body = rig.ask("GET", path)
    assert (status, headers["content-type"]) == (200, media)
    assert len(body) > 500


@pytest.mark.parametrize(
    "path",
    [
        "/static/render.py",
        "/static/home.html",
        "/static/../render.py",
        "/static/..%2frender.py",
        "/fonts/Roboto-Black.ttf",
        "/fonts/%2e%2e/__init__.py",
        "/simulator/slip.png",
        "/favicon.ico",
        "/docs",
        "/openapi.json",
    ],
)
def test_nothing_else_is_served(rig, path):
    status, headers, body = rig.ask("GET", path)
    assert status == 404
    assert headers["cache-control"] == "no-store"
    assert b"import" not in body


@pytest.mark.parametrize("path", ["/", "/static/kiosk.js", "/nowhere", "/touch"])
def test_every_answer_is_uncached_and_closed_in(rig, path):
    _, headers, _ = rig.ask("GET", path)
    assert headers["cache-control"] == "no-store"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "font-src", "connect-src")} == {"'self'"}
    assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "", "127.0.0.1.nip.example"])
def test_a_foreign_host_is_refused(rig, host):
    asked = (("GET", "/", None), ("GET", "/screens", None), ("GET", "/beat", None), ("POST", "/touch", b"{}"))
    for method, path, body in asked:
        status, headers, _ = rig.ask(method, path, body, JSON | {"Host": host})
        assert status == 421
        assert headers["cache-control"] == "no-store"


def test_its_own_two_names_are_good(rig):
    _, port = rig.address
    assert rig.ask("GET", "/", headers={"Host": f"localhost:{port}"})[0] == 200
    assert rig.ask("GET", "/", headers={"Host": f"127.0.0.1:{port}"})[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://evil.example"])
def test_a_touch_from_a_foreign_page_is_refused(rig, origin):
    assert rig.ask("POST", "/touch", json.dumps(TOUCH).encode(), JSON | {"Origin": origin})[0] == 403
    assert rig.posted.empty()


def test_a_touch_and_a_beat_become_events(rig):
    screen = scene("home").screen
    rig.display.show(screen)
    assert rig.post("/touch", TOUCH) == 204
    assert rig.post("/beat", {"screen": screen.number}) == 204
    assert rig.posted.get(timeout=5) == Touched(3, "key", "A")
    assert rig.posted.get(timeout=5) == PageBeat(screen.number)


def beat_age(rig):
    status, headers, body = rig.ask("GET", "/beat")
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "application/json", "no-store")
    said = json.loads(body)
    assert set(said) == {"age_s"}
    return said["age_s"]


def test_the_age_of_the_newest_beat_can_be_asked():
    rig = BrowserRig()
    rig.start()
    try:
        assert beat_age(rig) is None
        assert rig.post("/beat", {"screen": 0}) == 204
        first = beat_age(rig)
        time.sleep(0.05)
        assert 0 <= first < first + 0.05 <= beat_age(rig) < 60
    finally:
        rig.end()


def test_a_page_that_shows_an_old_screen_does_not_beat(rig):
    """It draws, and does not follow: what stands there may be another resident's."""
    rig.display.show(scene("bills").screen)
    rig.display.show(scene("help").screen)
    assert rig.post("/beat", {"screen": scene("help").screen.number}) == 204
    time.sleep(0.05)
    before = beat_age(rig)
    assert rig.post("/beat", {"screen": scene("bills").screen.number}) == 409
    assert beat_age(rig) >= before
    assert [each.screen for each in list(rig.posted.queue)] == [scene("help").screen.number]


BAD_TOUCHES = {
    "no screen": {"action": "key", "value": "A"},
    "no value": {"screen": 3, "action": "key"},
    "one more": TOUCH | {"more": 1},
    "screen as text": TOUCH | {"screen": "3"},
    "screen true": TOUCH | {"screen": True},
    "screen negative": TOUCH | {"screen": -1},
    "screen huge": TOUCH | {"screen": 2**60},
    "screen a fraction": TOUCH | {"screen": 1.5},
    "action empty": TOUCH | {"action": ""},
    "action in capitals": TOUCH | {"action": "KEY"},
    "action with a line end": TOUCH | {"action": "key\n"},
    "action long": TOUCH | {"action": "a" * 25},
    "value long": TOUCH | {"value": "A" * 65},
    "value a number": TOUCH | {"value": 1},
    "a list": [1, 2],
    "null": None,
}


@pytest.mark.parametrize("touch", BAD_TOUCHES.values(), ids=BAD_TOUCHES.keys())
def test_a_touch_that_is_none_is_refused(rig, touch):
    assert rig.post("/touch", touch) == 400
    assert rig.posted.empty()


@pytest.mark.parametrize("beat", [{}, {"screen": -1}, {"screen": True}, {"screen": 1, "x": 1}, [], "1"])
def test_a_beat_that_is_none_is_refused(rig, beat):
    assert rig.post("/beat", beat) == 400
    assert rig.posted.empty()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", JSON),
        (b"\xff", JSON),
        (b"[" * 1000, JSON),
        (b'{"screen":3,"action":"key","value":"A"}' + b" " * 1024, JSON),
        (json.dumps(TOUCH).encode(), {}),
        (json.dumps(TOUCH).encode(), {"Content-Type": "text/plain"}),
        (json.dumps(TOUCH).encode(), {"Content-Type": "application/x-www-form-urlencoded"}),
    ],
)
def test_a_body_that_is_not_declared_small_json_is_refused(rig, body, headers):
    assert rig.ask("POST", "/touch", body, headers)[0] == 400
    assert rig.posted.empty()


def test_a_touch_is_never_a_get_and_asking_for_the_beat_is_none(rig):
    assert rig.ask("GET", "/touch")[0] == 405
    assert rig.ask("PUT", "/beat")[0] == 405
    assert rig.ask("GET", "/beat")[0] == 200
    assert rig.posted.empty()


def test_each_change_reaches_a_page_that_listens(rig):
    with rig.stream() as stream:
        assert stream.next()["number"] == 0
        rig.display.show(scene("home").screen)
        first = stream.next()
        rig.display.show(scene("help").screen)
        second = stream.next()
    assert (first["name"], second["name"]) == ("home", "help")
    assert first["number"] == scene("home").screen.number
    assert set(first) == {"number", "name", "html", "wiped"}


def test_a_page_that_comes_late_gets_the_newest_screen_and_no_other(rig):
    rig.display.show(scene("bills").screen)
    rig.display.show(scene("help").screen)
    with rig.stream() as stream:
        assert stream.next()["name"] == "help"


def test_a_wipe_is_told_to_every_page_even_when_another_screen_follows_at_once(rig):
    rig.display.show(scene("bills").screen)
    with rig.stream() as stream:
        before = stream.next()["wiped"]
        rig.display.wipe()
        rig.display.show(scene("home").screen)
        message = stream.next()
        if message["name"] == "":
            message = stream.next()
    assert message["name"] == "home"
    assert message["wiped"] != before


def test_a_new_process_is_a_new_page():
    seen = set()
    for _ in range(2):
        rig = BrowserRig()
        rig.start()
        with rig.stream() as stream:
            seen.add(stream.next()["wiped"])
        rig.end()
    assert len(seen) == 2


def test_a_stream_that_waits_is_kept_alive(rig, monkeypatch):
    monkeypatch.setattr(browser, "KEEP_ALIVE_S", 0.05)
    with rig.stream() as stream:
        stream.next()
        assert b": here" in [stream._answer.readline().strip() for _ in range(4)]


def test_pages_are_bounded_and_a_page_that_goes_makes_room(monkeypatch):
    monkeypatch.setattr(browser, "PAGES_MAX", 1)
    rig = BrowserRig()
    rig.start()
    with rig.stream() as stream:
        stream.next()
        assert rig.ask("GET", "/screens")[0] == 503
    deadline_s = time.monotonic() + 5
    while rig.display._pages and time.monotonic() < deadline_s:
        time.sleep(0.02)
    with rig.stream() as stream:
        assert stream.next()["number"] == 0
    rig.end()


def test_a_close_ends_open_streams_soon():
    rig = BrowserRig()
    rig.start()
    with rig.stream() as stream:
        stream.next()
        begun = time.monotonic()
        rig.display.close()
        assert time.monotonic() - begun < 3
        with pytest.raises(EOFError):
            stream.next()


def test_a_taken_port_is_a_fault_that_names_it(rig):
    host, port = rig.address
    with pytest.raises(PortFault, match=f"127.0.0.1:{port}: .*choose another port"):
        BrowserDisplay(host, port).start(lambda event: None)


def test_where_the_printer_is_a_simulator_its_last_slip_can_be_seen():
    slips: list[bytes | None] = [None]
    rig = BrowserRig(simulator_slip=lambda: slips[0])
    rig.start()
    try:
        assert rig.ask("GET", "/simulator/slip.png")[0] == 404
        slips[0] = b"\x89PNG picture"
        status, headers, body = rig.ask("GET", "/simulator/slip.png")
    finally:
        rig.end()
    assert (status, headers["content-type"], body) == (200, "image/png", b"\x89PNG picture")
