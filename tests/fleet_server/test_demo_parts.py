"""The parts of a demonstration that stand for the world: they do what they say, and the count finds what is planted."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fleet_server.bills import read_bills
from fleet_server.console.bank import post_all, rows_of
from fleet_server.demo import board, cable
from fleet_server.demo.bank import Bank
from fleet_server.demo.cable import Cable
from tests.fleet_server.station_bed import ACCOUNT, T0, open_fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


PATIENCE_S = 5.0


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


# --- the cable --------------------------------------------------------------------------------------------------------


@contextmanager
def echo() -> Generator[int]:
    """A server that says everything again; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(one: socket.socket) -> None:
            with one, suppress(OSError):
                while data := one.recv(65_536):
                    one.sendall(data)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)


@pytest.fixture
def line() -> Generator[Cable]:
    with echo() as port:
        made = Cable(port)
        made.start()
        yield made
        made.end()


def plugged(line: Cable) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=PATIENCE_S)


def is_dead(near: socket.socket) -> bool:
    """Whether the other end is gone (and does not merely say nothing)."""
    try:
        near.sendall(b"?")
        return near.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def say(near: socket.socket, data: bytes) -> bytes:
    """What comes back for `data`."""
    writer = threading.Thread(target=near.sendall, args=(data,))
    writer.start()
    found = bytearray()
    while len(found) < len(data) and (more := near.recv(65_536)):
        found += more
    writer.join()
    return bytes(found)


def test_a_whole_cable_carries_every_byte_both_ways(line):
    data = bytes(range(256)) * 4096
    with plugged(line) as near, plugged(line) as other:
        assert say(near, data) == data
        assert say(other, b"me too") == b"me too"


def test_the_end_of_one_side_reaches_the_other(line):
    with plugged(line) as near:
        assert say(near, b"hello") == b"hello"
        near.shutdown(socket.SHUT_WR)
        assert near.recv(1) == b""
    until(lambda: not line._open, "the cable keeps sockets of a connection that ended")


def test_a_cut_ends_every_connection_and_a_mended_cable_carries_again(line):
    with plugged(line) as near, plugged(line) as other:
        assert say(near, b"hello") == say(other, b"hello") == b"hello"
        line.cut()
        assert (is_dead(near), is_dead(other)) == (True, True)
        with plugged(line) as late:
            assert is_dead(late)
    line.mend()
    with plugged(line) as again:
        assert say(again, b"hello") == b"hello"


def test_a_connection_that_is_being_made_when_the_cable_is_cut_is_cut_as_well(line, monkeypatch):
    connect = socket.create_connection

    def pulled(address: tuple[str, int], *arguments: Any, **more: Any) -> socket.socket:
        far = connect(address, *arguments, **more)
        if address[1] == line._target:
            line.cut()
        return far

    monkeypatch.setattr(cable.socket, "create_connection", pulled)
    with plugged(line) as near:
        assert is_dead(near)


def test_a_cable_to_nothing_ends_the_connection_and_goes_on(free_port):
    port = free_port()
    line = Cable(port)
    line.start()
    with plugged(line) as near:
        assert is_dead(near)
    with socket.create_server(("127.0.0.1", port)) as server, plugged(line) as near:
        far, _ = server.accept()
        with far:
            near.sendall(b"hello")
            assert far.recv(5) == b"hello"
            line.cut()
        with plugged(line) as late:
            assert is_dead(late)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):  # through a cut cable nothing reaches the far end
            server.accept()
    line.end()


def test_an_ended_cable_lets_go_of_its_port(line):
    line.end()

    def refused() -> bool:
        try:
            plugged(line).close()
        except OSError:
            return True
        return False

    until(refused, "the port is still served")


# --- the board and the bank -------------------------------------------------------------------------------------------


def test_the_boards_list_has_the_dirt_it_says():
    data = board.bill_list("C", 7, "09/2026", "30/09/2026")
    assert data.startswith(b"\xef\xbb\xbfC\xc4\x83n h\xe1\xbb\x99;")
    assert data.count(b"\r\n") == data.count(b"\n") == 1 + 400 + 1 + 3
    found = read_bills(data, "TOA-C")
    assert (found.rows_in, found.good, found.blank) == (404, 399, 1)
    assert [(each.line, each.reason.split(":")[0]) for each in found.bad] == [
        (2, "unit C-01.01, period 2026-09 stands in lines 2, 403 with different content"),
        (403, "unit C-01.01, period 2026-09 stands in lines 2, 403 with different content"),
        (404, "amount"),
        (405, "due"),
    ]
    assert found.masked == 399
    assert {each.unit for each in found.bills} | {"C-01.01"} == {
        f"C-{floor:02d}.{door:02d}" for floor in range(1, 21) for door in range(1, 21)
    }
    assert all(180_000 <= each.amount < 499_000 and each.due == "2026-09-30" for each in found.bills)
    assert board.bill_list("C", 7, "09/2026", "30/09/2026") == data
    assert board.bill_list("C", 8, "09/2026", "30/09/2026") != data


@dataclass
class Door:
    """The fleet's door for credits: does with each list what comes next in `moods`, and "take" when none is left."""

    moods: list[str] = field(default_factory=list)
    seen: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    port: int = 0

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        mood = self.moods.pop(0) if self.moods else "take"
        self.seen.append((mood, json.loads(body)))
        if mood == "cut":
            return
        if mood == "stammer":
            handler.wfile.write(b"HT\r\n")
            return
        right = handler.headers["Authorization"] == "Bearer a-key"
        handler.send_response(200 if mood == "take" and right else 503)
        handler.end_headers()

    @property
    def taken(self) -> list[str]:
        return [row["memo"].split(".")[2] for mood, rows in self.seen if mood == "take" for row in rows]


@pytest.fixture
def door() -> Generator[Door]:
    made = Door()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.answer(self)

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join(PATIENCE_S)


@contextmanager
def open_bank(port: int, token: Callable[[], str] = lambda: "a-key") -> Generator[Bank]:
    bank = Bank(f"http://127.0.0.1:{port}/api/bank/credits", token)
    bank.start()
    yield bank
    bank.end()
    assert not bank._thread.is_alive()


@pytest.mark.parametrize("mood", ["refuse", "cut", "stammer"])
def test_a_credit_that_was_not_taken_is_said_again_until_it_is(door, mood):
    door.moods = [mood, mood]
    with open_bank(door.port) as bank:
        bank.pay(1000, "REF1", ACCOUNT, 0.0)
        bank.pay(2000, "REF2", ACCOUNT, 0.0)
        until(lambda: len(door.seen) >= 2, "nothing is repeated")
        until(lambda: not bank.waiting, f"the bank gave up after: {mood}")
    assert sorted(door.taken) == ["REF1", "REF2"]
    rows = {row["bank_ref"]: row for _, said in door.seen for row in said}
    assert len(rows) == 2
    assert {(row["amount"], row["account"]) for row in rows.values()} == {(1000, ACCOUNT), (2000, ACCOUNT)}


def test_a_credit_on_its_way_is_still_waited_for(door):
    held = threading.Event()
    take, door.answer = door.answer, lambda handler: (held.wait(PATIENCE_S), take(handler))  # type: ignore[method-assign]
    with open_bank(door.port) as bank:
        bank.pay(1000, "REF1", ACCOUNT, 0.0)
        until(lambda: not bank._due, "nothing is reported")
        assert bank.waiting == 1
        held.set()
        until(lambda: not bank.waiting, "nothing is taken")


def test_a_bank_waits_for_its_hour_and_for_its_key(door):
    key = ["another"]
    with open_bank(door.port, lambda: key[0]) as bank:
        bank.pay(1000, "LATER", ACCOUNT, 60.0)
        bank.pay(2000, "NOW", ACCOUNT, 0.0)
        until(lambda: door.seen, "nothing is reported")
        assert bank.waiting == 2
        key[0] = "a-key"  # the fleet drew a new one at its start
        until(lambda: bank.waiting == 1, "the new key is not used")
    assert {row["memo"].split(".")[2] for _, rows in door.seen for row in rows} == {"NOW"}


def test_a_statement_names_every_credit_again_and_each_counts_once(door, tmp_path):
    with open_bank(door.port) as bank:
        bank.pay(1000, "REF1", ACCOUNT, 0.0)
        until(lambda: door.taken == ["REF1"], "nothing is reported")
        until(lambda: not bank.waiting, "nothing is taken")
        bank.pay(2000, "REF2", ACCOUNT, 0.0)
        until(lambda: door.taken == ["REF1", "REF2"], "the second is not reported")
        until(lambda: not bank.waiting, "nothing is taken")
        bank.repeat()
        until(lambda: len(door.taken) == 4, "the statement is not said again")
        assert sorted(door.taken) == ["REF1", "REF1", "REF2", "REF2"]
    with closing(open_fleet(tmp_path)) as store:
        posted = [post_all(store, rows_of(json.dumps(rows).encode()), T0) for _, rows in door.seen]
        assert sum(each.new for each in posted) == 2
        assert [each.bad for each in posted if each.bad] == []
        assert sorted(each.amount for each in store.credits()) == [1000, 2000]
