"""The watchman's rule, what he asks, what he starts, and how he goes on when nothing comes up."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from edge_agent.picture import CHROMIUM, ScreenFault, compositor
from edge_agent.screen_watch import Beat, Limits, Page, Watch, ask, run
from tests.contracts.display.rigs import BrowserRig

LIMITS = Limits(silent_s=6, start_s=30)
GOOD = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"age_s": 1.5}'


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([(1, Beat(None)), (29, Beat(None))], ["starts", "starts"]),
        ([(30, Beat(None)), (31, Beat(None))], ["starts", "silent"]),
        ([(1, Beat(90.0)), (31, Beat(120.0))], ["starts", "silent"]),  # the last browser's beat is not this one's
        ([(5, Beat(1.0)), (9, Beat(5.0)), (10, Beat(6.0)), (11, Beat(7.0))], ["beats", "beats", "beats", "silent"]),
        ([(5, Beat(1.0)), (6, None), (300, None)], ["beats", "away", "away"]),
        ([(5, Beat(1.0)), (300, None), (320, Beat(None)), (331, Beat(None))], ["beats", "away", "starts", "silent"]),
        ([(5, Beat(1.0)), (300, None), (301, Beat(1.5)), (330, Beat(9.0))], ["beats", "away", "starts", "silent"]),
        ([(300, None), (302, Beat(1.0)), (309, Beat(8.0))], ["away", "beats", "silent"]),
        # An agent that began anew between two questions: the page gets its time, once.
        (
            [(5, Beat(1.0)), (60, Beat(None)), (90, Beat(None)), (91, Beat(None))],
            ["beats", "starts", "starts", "silent"],
        ),
    ],
)
def test_the_rule(answers, found):
    watch = Watch(LIMITS)
    watch.begin(0.0)
    assert [watch.judge(beat, now_s) for now_s, beat in answers] == found
    assert watch.beaten == ("beats" in found)


@contextlib.contextmanager
def server(answer: bytes | None):
    """Somebody on a port who says the same to everybody; None: takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(4096)
                        if answer is None:
                            connection.recv(4096)
                        else:
                            connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Page("", "127.0.0.1", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_the_agent_is_asked():
    rig = BrowserRig()
    rig.start()
    try:
        page = Page.parse(rig.display.url)
        assert ask(page, 5.0) == Beat(None)
        rig.post("/beat", {"screen": 0})
        beat = ask(page, 5.0)
        assert beat.age_s is not None
        assert 0 <= beat.age_s < 60
    finally:
        rig.end()
    assert ask(page, 5.0) is None


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"220 mail\r\n",
        GOOD.replace(b"200", b"421"),
        GOOD.replace(b"1.5", b'"1.5"'),
        GOOD.replace(b"1.5", b"true"),
        GOOD.replace(b"1.5", b"-1"),
        GOOD.replace(b"age_s", b"age"),
        GOOD.replace(b"{", b"[{"),
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 9000,
        b"HTTP/1.1 200 OK\r\n\r\n\xff",
    ],
)
def test_what_does_not_answer_as_the_agent_cannot_be_asked(answer):
    with server(answer) as page:
        assert ask(page, 0.3) is None


def test_the_answer_is_read_whatever_stands_around_it():
    with server(GOOD) as page:
        assert ask(page, 5.0) == Beat(1.5)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://127.0.0.1/",
        "https://127.0.0.1:8480/",
        "http://10.0.0.1:8480/",
        "http://127.0.0.1:x/",
        "http://[::1:8480/",
    ],
)
def test_a_page_of_another_machine_is_refused(url):
    with pytest.raises(ScreenFault, match="no page of this machine"):
        Page.parse(url)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("weston 10.0.1\n", ["--backend=drm-backend.so", "--shell=kiosk-shell.so"]),
        ("weston 11.0.3\n", ["--backend=drm-backend.so", "--shell=kiosk-shell.so"]),
        ("weston 12.0.0\n", ["--backend=drm", "--shell=kiosk"]),
        ("weston 14.0.1\n", ["--backend=drm", "--shell=kiosk"]),
    ],
)
def test_the_compositor_is_called_by_the_names_of_its_version(version, words):
    assert compositor(version, None)[1:3] == words


@pytest.mark.parametrize("version", ["", "weston", "weston x.1", "bash: weston: not found"])
def test_what_is_no_compositor_is_said(version):
    with pytest.raises(ScreenFault, match="is weston installed"):
        compositor(version, None)


def test_the_installed_compositor_is_known():
    said = subprocess.run(["weston", "--version"], capture_output=True, text=True, check=True).stdout
    assert compositor(said, None)[0] == "weston"


def test_production_has_no_way_around_the_sandbox_and_no_debugging_port():
    assert not [flag for flag in CHROMIUM if "sandbox" in flag or "debug" in flag or "security" in flag]
    assert {"--kiosk", "--incognito", "--disk-cache-dir=/dev/null"} <= set(CHROMIUM)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """`programs(weston=…, chromium=…)`: shell programs of these names are the only ones on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(**texts: str) -> None:
        for name, text in texts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)

    return write


WESTON = '[ "$1" = --version ] && echo weston 10.0.1 && exit\n'
LISTENS = f"""exec {sys.executable} -c '
import os, socket, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["XDG_RUNTIME_DIR"] + "/kiosk-0")
listener.listen()
time.sleep(60)'
"""
SLEEP = shutil.which("sleep")


@pytest.mark.parametrize(
    ("weston", "chromium", "words"),
    [
        (None, "", "the compositor cannot be started"),
        ("echo weston what", "", "is weston installed"),
        (WESTON + "exit 3", "", "the compositor ended with 3"),
        (WESTON + f"exec {SLEEP} 60", "", "the compositor does not listen"),
        (WESTON + LISTENS, None, "the browser cannot be started"),
        (WESTON + LISTENS, "exit 4", "the browser ended with 4"),
        (WESTON + LISTENS, f"exec {SLEEP} 60", "the page does not beat"),
    ],
    ids=[
        "no weston",
        "another weston",
        "weston ends",
        "weston hangs",
        "no chromium",
        "chromium ends",
        "chromium hangs",
    ],
)
def test_what_never_comes_up_is_ended_and_not_tried_again_at_once(tmp_path, programs, caplog, weston, chromium, words):
    programs(**{name: text for name, text in (("weston", weston), ("chromium", chromium)) if text is not None})
    limits = Limits(ask_s=0.1, start_s=0.3, pause_s=0.5)
    with server(GOOD.replace(b"1.5", b"null")) as page:
        begun_s = time.monotonic()
        assert run(page, tmp_path, None, limits) == 1
    assert time.monotonic() - begun_s >= limits.pause_s
    assert words in caplog.text
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_compositor_that_hangs_is_ended_by_its_own_limit_and_not_by_systemds(tmp_path, programs, monkeypatch):
    """The watchdog is fed all the while: its limit is shorter than the compositor's."""
    programs(weston=WESTON + f"exec {SLEEP} 60", chromium="")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    said: list[tuple[float, str]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener, server(GOOD) as page:
        listener.bind(str(tmp_path / "notify"))

        def hear() -> None:
            while (words := listener.recv(200).decode()) != "over":
                said.append((time.monotonic(), words))

        thread = threading.Thread(target=hear)
        thread.start()
        assert run(page, tmp_path, None, Limits(ask_s=0.2, start_s=2.0, pause_s=0.0)) == 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"over", str(tmp_path / "notify"))
        thread.join()
    assert said[-1][1] == "STATUS=the compositor does not listen after 2 s"
    assert "STATUS=waits for the compositor" in [words for _, words in said]
    fed = [at_s for at_s, words in said if words in ("READY=1", "WATCHDOG=1")] + [said[-1][0]]
    assert max(later - earlier for earlier, later in itertools.pairwise(fed)) < 1.0


def test_what_beat_once_is_tried_again_at_once(tmp_path, programs, caplog):
    programs(weston=WESTON + LISTENS, chromium=f"{SLEEP} 0.5; exit 5")
    with server(GOOD.replace(b"1.5", b"0")) as page:
        begun_s = time.monotonic()
        assert run(page, tmp_path, None, Limits(ask_s=0.1, pause_s=1000)) == 1
    assert time.monotonic() - begun_s < 500
    assert "the browser ended with 5" in caplog.text


def test_without_an_agent_the_watchman_waits(tmp_path, programs, free_port):
    """No browser: its own error page would be a dead end. Told to end, he ends at once and takes all with him."""
    programs(weston=WESTON + LISTENS, chromium=f"echo > {tmp_path}/started")
    notified = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(notified))
        listener.settimeout(30)
        environment = os.environ | {"NOTIFY_SOCKET": str(notified), "RUNTIME_DIRECTORY": str(tmp_path)}
        command = [sys.executable, "-m", "edge_agent", "display", f"http://127.0.0.1:{free_port()}/"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as watchman:
            said = [listener.recv(200).decode() for _ in range(4)]
            watchman.terminate()
            _, words = watchman.communicate(timeout=30)
            said.append(listener.recv(200).decode())
    assert watchman.returncode == 0, words
    assert said[:2] == ["READY=1", "WATCHDOG=1"]
    assert said[2].startswith("STATUS=waits for the agent at 127.0.0.1:")
    assert said[3] == "WATCHDOG=1"
    assert said[-1] in {"STOPPING=1", "WATCHDOG=1"}
    assert not (tmp_path / "started").exists()
