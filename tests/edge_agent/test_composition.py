"""The station put together: its settings, its calendar, its words to systemd, and what a wrong start is told."""

from __future__ import annotations

import fcntl
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from device_profiles.messages import Claim
from device_profiles.profile import load_shipped
from device_profiles.strict_toml import ProfileError
from edge_agent import __main__ as root
from edge_agent import events, notify, settings, timetable
from edge_agent.drivers.open import DriverError, open_peripheral
from edge_agent.events import Due, PeripheralState, Tick
from edge_agent.settings import Settings
from edge_agent.timetable import Timetable
from fleet_server import enrol as service
from fleet_server import fleet_keys
from fleet_server.store import Station, Why
from fleet_server.store_sqlite import SqliteStore
from provisioning import authority, enrolment
from provisioning.identity import Identity, store_enrolment

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

ROOT = Path(__file__).parents[2]
PATIENCE_S = 15.0


# --- settings ---------------------------------------------------------------------------------------------------------


def written(folder: Path, text: str | bytes) -> Path:
    (folder / "agent.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def test_without_a_file_every_setting_has_its_default(tmp_path):
    found = settings.read(tmp_path)
    assert found == Settings(folder=tmp_path)
    assert (found.screen_host, found.screen_port, found.printer_address) == ("127.0.0.1", 8480, "")
    with pytest.raises(FrozenInstanceError):
        found.screen_port = 1


def test_the_file_says_and_the_command_line_has_the_last_word(tmp_path):
    written(tmp_path, 'screen_port = 8500\nheartbeat_s = 20\nlog_level = "DEBUG"\n')
    found = settings.read(tmp_path, screen_port=8600, heartbeat_s=None, printer_address="10.0.0.7:9100")
    assert (found.screen_port, found.heartbeat_s, found.log_level) == (8600, 20, "DEBUG")
    assert found.printer_address == "10.0.0.7:9100"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("screen_prt = 1\n", "agent.toml, line 1: unknown key 'screen_prt'; did you mean 'screen_port'?"),
        ('heartbeat_s = 5\nscreen_port = "8480"\n', "agent.toml, line 2: screen_port must be int, not '8480'"),
        ("screen_port = true\n", "must be int"),
        ("screen_host = 1\n", "must be str"),
        ("[screen]\nport = 1\n", "unknown key 'screen'"),
        ("screen_port = \n", "agent.toml, line 1: no TOML"),
        (b"log_level = '\xff'\n", "is not UTF-8"),
        (b"#" * 70_000, "this is no settings file"),
    ],
)
def test_a_wrong_settings_file_is_told_with_its_line(tmp_path, text, words):
    with pytest.raises(ProfileError) as refused:
        settings.read(written(tmp_path, text))
    assert words in str(refused.value)


# --- the calendar -----------------------------------------------------------------------------------------------------


@pytest.fixture
def posted() -> Generator[tuple[Timetable, queue.Queue[Any]]]:
    inbox: queue.Queue[Any] = queue.Queue()
    made = Timetable(inbox.put)
    made.start()
    yield made, inbox
    made.stop()


def test_each_daily_time_is_a_local_one(posted):
    jobs = {job.id: job for job in posted[0]._scheduler.get_jobs()}
    assert jobs.keys() == timetable.DAILY.keys()
    for name, (hour, minute) in timetable.DAILY.items():
        at = jobs[name].next_run_time
        assert (at.hour, at.minute, at.utcoffset()) == (hour, minute, timedelta(hours=7))
        assert timedelta() < at - datetime.now(UTC) <= timedelta(days=1)
        after = jobs[name].trigger.get_next_fire_time(at, at + timedelta(seconds=1))
        assert after - at == timedelta(days=1)
    assert "self_test" in jobs


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=30)])
def test_a_time_that_has_come_is_posted_once_even_half_an_hour_late(posted, late):
    made, inbox = posted
    for name in timetable.DAILY:
        made._scheduler.modify_job(name, next_run_time=datetime.now(UTC) - late)
    found = {inbox.get(timeout=PATIENCE_S) for _ in timetable.DAILY}
    assert found == {Due(name) for name in timetable.DAILY}
    time.sleep(0.1)
    assert inbox.empty()
    assert all(job.next_run_time > datetime.now(UTC) for job in made._scheduler.get_jobs())


def test_a_stopped_timetable_posts_nothing_and_leaves_no_thread():
    Timetable(print).stop()
    before = set(threading.enumerate())
    inbox: queue.Queue[Any] = queue.Queue()
    made = Timetable(inbox.put)
    assert set(threading.enumerate()) == before
    made.start()
    started = set(threading.enumerate()) - before
    assert started
    made.stop()
    made.stop()
    for thread in started:
        thread.join(PATIENCE_S)
    assert not [thread for thread in started if thread.is_alive()]
    assert inbox.empty()


# --- systemd's ear ----------------------------------------------------------------------------------------------------


@contextmanager
def systemd(name: str) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind("\0" + name[1:] if name[0] == "@" else name)
        bound.settimeout(PATIENCE_S)
        yield bound


@pytest.mark.parametrize("name", ["notify", "@citizen-station-test-{}"])
def test_systemd_hears_ready_alive_and_stopping(tmp_path, monkeypatch, name):
    address = name.format(os.getpid()) if name[0] == "@" else str(tmp_path / name)
    with systemd(address) as bound:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        for say, word in ((notify.ready, b"READY=1"), (notify.alive, b"WATCHDOG=1"), (notify.stopping, b"STOPPING=1")):
            say()
            assert bound.recv(100) == word


@pytest.mark.parametrize("value", [None, ""])
def test_without_systemd_nothing_is_said(tmp_path, monkeypatch, value):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if value is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", value)
    with systemd(str(tmp_path / "notify")) as bound:
        notify.ready()
        notify.alive()
        notify.stopping()
        bound.setblocking(False)
        with pytest.raises(BlockingIOError):
            bound.recv(100)


# --- the inbox and the ears -------------------------------------------------------------------------------------------


DROPPABLE = [
    events.Touched(1, "x"), events.PageBeat(1), events.Scanned(b"1"), events.CardIn("r"), events.CardOut("r"),
    events.Plugged("a", "usb", "n"), events.Unplugged("a"),
]  # fmt: skip
KEPT = [
    events.LinkUp(1), events.LinkDown("r"), events.Received("ack", b""), events.CardFailed(b"1", "reader_lost"),
    PeripheralState("printer", "p", "noDevice"), events.PrintDone(b"1", "confirmed"), events.HttpDone(b"1", None),
    events.Due("self_test"),
]  # fmt: skip


def test_a_full_inbox_drops_what_comes_again_counts_it_and_never_blocks():
    inbox = root.Inbox()
    for number in range(root.INBOX_MAX):
        inbox.post(events.PageBeat(number))
    for event in DROPPABLE:
        inbox.post(event)
    assert inbox.dropped == len(DROPPABLE)
    assert [inbox.take() for _ in range(root.INBOX_MAX)] == [events.PageBeat(n) for n in range(root.INBOX_MAX)]
    assert inbox.take() == Tick()


def test_a_full_inbox_keeps_in_its_order_whatever_is_said_once():
    inbox = root.Inbox()
    for number in range(root.INBOX_MAX):
        inbox.post(events.PageBeat(number))
    for event in KEPT:
        inbox.post(event)
    assert inbox.dropped == 0
    assert [inbox.take() for _ in range(root.INBOX_MAX + len(KEPT))][root.INBOX_MAX :] == KEPT


def test_a_broker_that_babbles_fills_no_memory_and_drops_no_other_word():
    inbox = root.Inbox()
    for _ in range(root.RECEIVED_MAX + 3):
        inbox.post(events.Received("ack", b"x"))
    inbox.post(events.PrintDone(b"1", "confirmed"))
    assert inbox.dropped == 3
    assert [inbox.take() for _ in range(root.RECEIVED_MAX + 1)][-1] == events.PrintDone(b"1", "confirmed")


def test_an_empty_inbox_ticks_and_an_ended_one_ends_whatever_waits():
    inbox = root.Inbox()
    assert inbox.take() == Tick()
    for number in range(root.INBOX_MAX):
        inbox.post(events.PageBeat(number))
    inbox.end()
    assert inbox.take() is None


def test_an_ear_that_dies_takes_the_station_with_it():
    program = (
        "import threading, time\n"
        "from edge_agent import __main__ as root\n"
        "threading.excepthook = root._end_on_dead_thread\n"
        "threading.Thread(target=lambda: 1 / 0, name='udev').start()\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 1
    assert "udev ended by ZeroDivisionError" in ended.stderr


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a station that was enrolled by a real fleet, which nobody can reach."""
    base = tmp_path_factory.mktemp("station")
    now_ms = time.time_ns() // 1_000_000
    fleet_keys.init(base / "fleet", now_ms)
    server, why = base / "fleet" / "server", Why("operations", "test", now_ms)
    keys, issued_by = fleet_keys.load(server), fleet_keys.load_authority(server)
    with socket.socket() as nobody:  # bound and never listening: whoever connects is refused
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    issuer = service.Issuer(issued_by, keys, "127.0.0.1", port, f"https://127.0.0.1:{port}")
    claim = Claim(
        claim=b"c" * 16, kind="install", station="K0001", profile="simulated", technician="ktv.synthetic",
        not_before_ms=now_ms - 1, not_after_ms=now_ms + 60_000,
    )  # fmt: skip
    identity = Identity.create(base / "K0001" / "identity")
    with closing(SqliteStore.open(server / "fleet.db")) as store:
        place = Station("K0001", "Sảnh A", "TOA-A", "Phường Bình Trưng", "simulated", live=True)
        store.run(lambda desk: desk.put_station(place, why))
        signed = store.run(lambda desk: service.add_claim(desk, claim, keys, why))
        request = enrolment.make_request(
            identity.key, identity.tls, signed, nonce=b"n" * 16, hardware=b"board 1", time_ms=now_ms, software="test"
        )
        answer = store.run(lambda desk: service.enrol(desk, request, now_ms, issuer))
    bundle = enrolment.judge_bundle(answer, request, identity.tls.spki, keys.root_spki, issued_by.root)
    folder = base / "K0001"
    store_enrolment(folder / "identity", bundle, answer, authority.pem(issued_by.root), keys.root_spki)
    return folder


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "edge_agent", *map(str, words)]


def run(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "STATE_DIRECTORY"} | env
    return subprocess.run(
        command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def changed(enrolled: Path, tmp_path: Path, text: str | bytes = "") -> Path:
    """A copy of the station with another settings file."""
    return written(shutil.copytree(enrolled, tmp_path / "station"), text)


def _unenrolled(_: Path, folder: Path) -> list[object]:
    Identity.create(folder / "identity")
    return [folder]


def _damaged(enrolled: Path, folder: Path) -> list[object]:
    station = changed(enrolled, folder)
    (station / "identity" / "bundle.cose").write_bytes(b"no bundle")
    return [station]


WRONG: dict[str, tuple[Callable[[Path, Path], list[object]], tuple[str, ...]]] = {
    "no folder": (lambda *_: [], ("no folder", "edge_agent run FOLDER")),
    "missing folder": (lambda _, t: [t / "none"], ("none/identity", "run `prepare`")),
    "empty folder": (lambda _, t: [t], ("identity.pem is not there", "run `prepare`")),
    "not enrolled": (_unenrolled, ("is not enrolled", "run `claim`")),
    "damaged bundle": (_damaged, ("bundle.cose",)),
    "unknown setting": (
        lambda e, t: [changed(e, t, "screen_prt = 1\n")],
        ("agent.toml, line 1", "did you mean 'screen_port'"),
    ),
    "wrong setting": (lambda e, t: [changed(e, t, 'screen_port = "x"\n')], ("agent.toml, line 1", "must be int")),
    "no TOML": (lambda e, t: [changed(e, t, "screen_port\n")], ("agent.toml, line 1", "no TOML")),
    "unknown log level": (lambda e, t: [changed(e, t, 'log_level = "LOUD"\n')], ("LOUD",)),
    "no printer's address": (lambda e, _: [e, "--printer-address", "printer"], ("'printer' is no address", "write it")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_start_is_told_in_one_line(enrolled, tmp_path, case):
    make, words = WRONG[case]
    ended = run("run", *make(enrolled, tmp_path))
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert ended.stderr.startswith("edge_agent: ")
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert all(word in ended.stderr for word in words), ended.stderr


def test_a_taken_port_is_told_in_one_line(enrolled):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("run", enrolled, "--screen-port", port)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert ended.stderr.startswith(f"edge_agent: the page cannot be served on 127.0.0.1:{port}")
    assert "choose another port" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


def test_a_second_agent_in_the_same_folder_is_refused_because_two_would_write_one_journal(enrolled, free_port):
    with (enrolled / "agent.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = run("run", enrolled, "--screen-port", free_port())
    assert ended.returncode == 1
    assert "another agent runs in" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("words", [[], ["dance"], ["run", "--screen-port", "x"], ["run", "a", "b"]])
def test_wrong_usage_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        root.main(words)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err.startswith("usage: python -m edge_agent")


def test_a_station_without_a_fleet_serves_tells_systemd_and_ends_when_asked(enrolled, tmp_path, free_port):
    port = free_port()
    with systemd(str(tmp_path / "notify")) as bound:
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "STATE_DIRECTORY": str(enrolled)}
        process = subprocess.Popen(
            command("run", "--screen-port", port), cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            said = [bound.recv(100) for _ in range(4)]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S) as page:
                assert page.status == 200
            process.send_signal(signal.SIGTERM)
            while (word := bound.recv(100)) == b"WATCHDOG=1":
                said.append(word)
            _, errors = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
    assert (said[0], set(said[1:]), word) == (b"READY=1", {b"WATCHDOG=1"}, b"STOPPING=1")
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert (enrolled / "journal.db").exists()


@pytest.mark.parametrize("why", [DriverError("no such driver"), ImportError("no module"), OSError("libpcsclite.so.1")])
def test_a_driver_that_cannot_be_had_is_a_state_of_its_device_and_the_station_starts(monkeypatch, why):
    def refused(each):
        if each.port == "reader":
            raise why
        return open_peripheral(each)

    monkeypatch.setattr(root, "open_peripheral", refused)
    inbox = root.Inbox()
    devices = root._peripherals(load_shipped("simulated"), inbox)
    assert (devices.reader, devices.printer is None, devices.scanner is None) == (None, False, False)
    said = inbox.take()
    assert said == PeripheralState(
        "reader", "reader-simulated", "hardwareError", None, detail=str(why), action="configuration"
    )
