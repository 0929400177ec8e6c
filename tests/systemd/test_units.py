"""The units as systemd itself reads them. Only the program in ExecStart is exchanged for one that exists here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from edge_agent import forgetting
from edge_agent.agent import PAGE_SILENT_S
from edge_agent.picture import PROBE_S
from edge_agent.screen_watch import Limits
from edge_agent.settings import Settings

UNITS = Path(__file__).parents[2] / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
HARDENED = ["fleet-backup.service", "fleet-server.service", "kiosk-agent.service"]


def installed(unit: str, folder: Path, replace: tuple[str, str] = ("", "")) -> Path:
    """Copy a unit as it is, but for its program and one planted bug (a pattern and what stands there instead)."""
    text = (UNITS / unit).read_text("utf-8")
    text, programs = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text)
    assert programs == unit.endswith(".service")
    if replace[0]:
        text, bugs = re.subn(rf"(?m){replace[0]}", replace[1], text)
        assert bugs
    path = folder / unit
    path.write_text(text, "utf-8")
    return path


def verify(path: Path) -> str:
    """What systemd complains of, "" for a clean unit. (Without --recursive-errors=no an unknown key only warns.)"""
    command = ["systemd-analyze", "verify", "--recursive-errors=no", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr), done
    return done.stderr


def exposure(path: Path) -> tuple[bool, str]:
    """Whether systemd rates the unit 2.0 ("OK") or better, and its rating in words."""
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rating = done.stdout.strip().rpartition("\n")[2]
    assert "Overall exposure level" in rating, done
    return done.returncode == 0, rating


@pytest.mark.parametrize("unit", [*SERVICES, "fleet-backup.timer"])
def test_systemd_has_nothing_to_say_of_a_unit(unit, tmp_path):
    installed("fleet-backup.service", tmp_path)  # the timer asks for it
    assert verify(installed(unit, tmp_path)) == ""


@pytest.mark.parametrize(
    ("replace", "words"),
    [
        (("^Restart=", "Restrat="), "Restrat"),
        (("^WatchdogSec=30$", "WatchdogSec=half a minute"), "half a minute"),
        (("^SystemCallFilter=@system-service$", "SystemCallFilter=@system-servant"), "system-servant"),
        (("^ExecStart=.*", "ExecStart=/nonexistent/python"), "not executable"),
    ],
)
def test_verify_finds_a_planted_bug(replace, words, tmp_path):
    assert words in verify(installed("kiosk-agent.service", tmp_path, replace))


def test_verify_finds_a_timer_without_a_time(tmp_path):
    installed("fleet-backup.service", tmp_path)
    assert verify(installed("fleet-backup.timer", tmp_path, ("^OnCalendar=.*", "OnCalendar=whenever")))


@pytest.mark.parametrize("unit", HARDENED)
def test_a_unit_is_closed_to_what_it_does_not_need(unit, tmp_path):
    good, rating = exposure(installed(unit, tmp_path))
    assert good, rating


@pytest.mark.parametrize("unit", HARDENED)
def test_the_rating_turns_red_when_hardening_is_lost(unit, tmp_path):
    good, rating = exposure(installed(unit, tmp_path, ("^(Protect|Private|SystemCall|Capability).*\n", "")))
    assert not good, rating


@pytest.mark.parametrize("unit", SERVICES)
def test_no_service_is_root_or_leaves_a_core(unit):
    lines = (UNITS / unit).read_text("utf-8").splitlines()
    users = [line.removeprefix("User=") for line in lines if line.startswith("User=")]
    assert len(users) == 1
    assert users[0] != "root"
    assert {"UMask=0077", "LimitCORE=0", "NoNewPrivileges=yes"} <= set(lines)


@pytest.mark.parametrize("unit", ["kiosk-agent.service", "kiosk-display.service"])
def test_what_residents_show_and_type_is_never_swapped_to_a_disk(unit):
    assert "MemorySwapMax=0" in (UNITS / unit).read_text("utf-8").splitlines()


def test_the_agent_need_not_start_twice_to_overwrite_what_it_lets_go():
    lines = (UNITS / "kiosk-agent.service").read_text("utf-8").splitlines()
    pairs = [each for line in lines if line.startswith("Environment=") for each in line.partition("=")[2].split()]
    given = dict(each.split("=", 1) for each in pairs)
    assert forgetting.environment(given) == given


@pytest.mark.parametrize("unit", ["fleet-server.service", "kiosk-agent.service", "kiosk-display.service"])
def test_a_service_that_ends_is_started_again_for_ever(unit):
    """By default systemd gives up after five starts in ten seconds; there is nobody in a lobby to reset it."""
    lines = (UNITS / unit).read_text("utf-8").splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0"} <= set(lines)


def display(setting: str) -> str:
    """The one value of a setting of the display's unit."""
    text = (UNITS / "kiosk-display.service").read_text("utf-8").replace("\\\n", "")
    (value,) = re.findall(rf"(?m)^{setting}=(.+)$", text)
    return value


def test_the_display_asks_where_the_agent_answers_by_default_and_may_go_nowhere_else():
    default = {one.name: one.default for one in fields(Settings)}
    page = f"http://{default['screen_host']}:{default['screen_port']}"
    assert f"Environment=KIOSK_PAGE={page}/" in (UNITS / "kiosk-display.service").read_text("utf-8").splitlines()
    policy = json.loads((UNITS / "chromium" / "kiosk-policy.json").read_text("utf-8"))
    assert (policy["URLBlocklist"], policy["URLAllowlist"]) == (["*"], [page, page.replace("127.0.0.1", "localhost")])
    assert (display("IPAddressDeny"), display("IPAddressAllow")) == ("any", "localhost")


def test_the_display_is_the_watchman_with_nothing_but_its_page():
    """No way around Chromium's sandbox and no debugging port: the watchman takes no such option, and none is given."""
    program, *words = display("ExecStart").split()
    assert program == "/opt/kiosk/current/bin/python"
    assert words == [
        "-m",
        "edge_agent.screen_watch",
        "--weston-config",
        "/etc/kiosk-display/weston.ini",
        "${KIOSK_PAGE}",
    ]
    text = (UNITS / "kiosk-display.service").read_text("utf-8")
    assert not re.findall(r"(?m)^[^#].*(?:no-sandbox|debugging|CHROMIUM_FLAGS|SAL_|LD_PRELOAD).*$", text)
    assert (display("Type"), display("NotifyAccess")) == ("notify", "main")


def span_s(value: str) -> float:
    """A time span as systemd reads it."""
    command = ["systemd-analyze", "timespan", value]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C"})
    return int(re.findall(r"s: (\d+)\n", done.stdout)[0]) / 1e6


def test_a_dead_screen_heals_within_fifteen_seconds_by_its_limits():
    """The longest way to the new start; the rest is for weston, Chromium and the page (measured: 1 to 2 s)."""
    limits = Limits()
    dead_s = limits.silent_s + limits.ask_s + limits.end_s + span_s(display("RestartSec"))
    assert dead_s <= 9
    # The watchman's longest turn feeds the watchdog in time, and while he pauses too.
    assert limits.answer_s + limits.ask_s + PROBE_S < span_s(display("WatchdogSec"))
    script = (UNITS.parent / "edge_agent" / "screens" / "kiosk.js").read_text("utf-8")
    (beat_ms,) = re.findall(r"BEAT_MS = (\d+)", script)
    assert 3 * int(beat_ms) / 1000 == limits.silent_s == PAGE_SILENT_S


def test_the_display_is_closed_to_what_neither_browser_nor_compositor_needs(tmp_path):
    """Less than the others: Chromium's own sandbox needs namespaces, JavaScript writable code, the seat its devices."""
    for replace, good in ((("", ""), True), (("^(Protect|Private|SystemCall|Capability|IPAddress).*\n", ""), False)):
        path = installed("kiosk-display.service", tmp_path, replace)
        command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=36", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is good, done.stdout[-200:]
