"""Users, folders, the board's watchdog and the kernel's module list, each read by the program that reads it for real.

Only the watchdog's file is checked by less: the manager reads it as process 1 alone, so here its one key is looked for
in the manager's own binary and its value goes through `systemd-analyze timespan`.
"""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
COUNTER_MAX_US = 15_000_000  # the Raspberry Pi's watchdog counter holds just under 16 s


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def host(folder: Path, machine: str) -> dict[str, list[str]]:
    """Make the users of one kind of machine ("kiosk", "fleet") in an empty tree; give its groups and their members."""
    (folder / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={folder}", SYSTEMD / "sysusers.d" / f"{machine}.conf")
    assert done.returncode == 0, done.stderr
    rows = [line.split(":") for line in (folder / "etc" / "group").read_text("utf-8").splitlines()]
    return {row[0]: row[3].split(",") for row in rows}


def folders(root: Path, rules: Path) -> subprocess.CompletedProcess[str]:
    """Read a tmpfiles.d file in full, users and modes included. (`--create` would say the same, and needs root.)"""
    return run("systemd-tmpfiles", f"--root={root}", "--clean", rules)


@pytest.mark.parametrize("machine", ["kiosk", "fleet"])
def test_every_user_and_folder_of_a_machine_can_be_made(machine, tmp_path):
    host(tmp_path, machine)
    done = folders(tmp_path, SYSTEMD / "tmpfiles.d" / f"{machine}.conf")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("bug", ["d /x 0755 nobody-here - -", "d /x 0999 root root -", "dd /x 0755 root root -"])
def test_a_wrong_folder_rule_is_found(bug, tmp_path):
    host(tmp_path, "kiosk")
    (tmp_path / "bug.conf").write_text(bug + "\n", "utf-8")
    assert folders(tmp_path, tmp_path / "bug.conf").returncode != 0


def test_the_users_of_the_units_are_made(tmp_path):
    (tmp_path / "kiosk").mkdir()
    (tmp_path / "fleet").mkdir()
    made = host(tmp_path / "kiosk", "kiosk") | host(tmp_path / "fleet", "fleet")
    for unit in SYSTEMD.glob("*.service"):
        text = unit.read_text("utf-8")
        wanted = re.findall(r"(?m)^(?:User|Group|SupplementaryGroups)=(.+)$", text)
        assert {name for names in wanted for name in names.split()} <= set(made), unit.name


def test_nobody_may_read_the_boards_keys_through_group_video(tmp_path):
    assert "video" not in host(tmp_path, "kiosk")


def watchdog_us(text: str) -> int:
    config = configparser.ConfigParser(strict=True, interpolation=None)
    config.optionxform = str
    config.read_string(text)
    assert {name: list(config[name]) for name in config.sections()} == {"Manager": ["RuntimeWatchdogSec"]}
    done = run("systemd-analyze", "timespan", config["Manager"]["RuntimeWatchdogSec"])
    return int(re.findall(r"s: (\d+)\n", done.stdout)[0])


def test_the_boards_watchdog_fits_its_counter():
    text = (SYSTEMD / "system.conf.d" / "10-kiosk-watchdog.conf").read_text("utf-8")
    assert 0 < watchdog_us(text) < COUNTER_MAX_US
    assert watchdog_us(text.replace("=14", "=1min")) > COUNTER_MAX_US
    with pytest.raises(AssertionError):
        watchdog_us(text.replace("RuntimeWatchdogSec", "RuntimeWatchdogSecs"))


def test_the_manager_knows_the_watchdogs_key():
    binaries = [*Path("/usr/lib").glob("*/systemd/libsystemd-core-*.so"), Path("/usr/lib/systemd/systemd")]
    words = b"".join(path.read_bytes() for path in binaries)
    assert b"\0Manager.RuntimeWatchdogSec\0" in words or b"\0RuntimeWatchdogSec\0" in words
    assert b"RuntimeWatchdogSecs\0" not in words


def modules(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("modprobe", "--config", folder, "--showconfig")


def test_the_kernel_leaves_the_card_reader_alone(tmp_path):
    done = modules(SYSTEMD / "modprobe.d")
    assert (done.returncode, done.stderr) == (0, "")
    assert "blacklist pn533_usb\n" in done.stdout
    (tmp_path / "bug.conf").write_text("blaklist pn533_usb\n", "utf-8")
    assert "blaklist" in modules(tmp_path).stderr
