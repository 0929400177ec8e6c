"""The udev rules, run by udev on pretended devices: it parses our file and says what it would set."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from device_profiles.peripheral import Peripherals
from device_profiles.profile import texts

RULES = Path(__file__).parents[2] / "systemd" / "udev" / "70-kiosk.rules"
BED = Path(__file__).parent / "udev_bed.py"

# `udevadm test` keeps a database and makes device links: it gets a /run and a /dev of its own. Who is not root becomes
# root in a user namespace.
UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
SANDBOX = """
mount -t tmpfs none /run && mkdir -p /run/udev/rules.d && cp "$1" /run/udev/rules.d/70-kiosk.rules
dev=$(mktemp -d) && mount -t tmpfs none "$dev"
for name in null zero random urandom; do touch "$dev/$name" && mount --bind "/dev/$name" "$dev/$name"; done
mkdir "$dev/pts" && mount --rbind /dev/pts "$dev/pts" && mount --move "$dev" /dev && rmdir "$dev"
exec umockdev-wrapper "$2" "$3"
"""


def device(subsystem: str, name: str, attributes: dict[str, str], **properties: str) -> dict[str, object]:
    return {"subsystem": subsystem, "name": name, "attributes": attributes, "properties": properties}


def usb(vendor: str, interfaces: str, product: str = "0001") -> dict[str, object]:
    attributes = {"idVendor": vendor, "idProduct": product, "power/control": "auto"}
    return device("usb", "1-1.2", attributes, DEVTYPE="usb_device", ID_USB_INTERFACES=interfaces)


def udev(rules: Path, *chain: dict[str, object]) -> tuple[dict[str, str], bool, list[str]]:
    """Give the last device's properties, whether it is kept awake, and udev's complaints about the rules file."""
    done = subprocess.run(
        [*UNSHARE, "bash", "-euc", SANDBOX, "-", rules, sys.executable, BED],
        input="".join(json.dumps(one) + "\n" for one in chain),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    assert "Reading rules file: /run/udev/rules.d/70-kiosk.rules" in done.stderr, done
    # systemd 257 indents its lines and words the write to power/control otherwise than 252.
    properties = dict(re.findall(r"(?m)^ *([A-Z_]+)=(.*)$", done.stdout))
    awake = re.search(r"70-kiosk\.rules:\d+ (?=.*/power/control).*writing.*['\"]on['\"]", done.stderr) is not None
    return properties, awake, re.findall(r"(?m)^\S+70-kiosk\.rules:.+$", done.stderr)


@pytest.mark.parametrize(
    ("what", "vendor", "interfaces", "awake", "hidden_from_modem_manager"),
    [
        ("printer", "04b8", ":070102:", True, False),
        ("card reader", "072f", ":0b0000:", True, False),
        ("serial scanner", "0c2e", ":020201:0a0000:", True, True),
        ("serial scanner without its class", "05f9", ":ff0000:", True, True),
        ("typing scanner", "05e0", ":030101:", True, True),
        ("mobile modem", "12d1", ":020201:0a0000:ff0000:", True, False),
        ("mouse", "046d", ":030102:", False, False),
    ],
)
def test_what_a_usb_device_gets(what, vendor, interfaces, awake, hidden_from_modem_manager):
    properties, kept_awake, complaints = udev(RULES, usb(vendor, interfaces))
    assert complaints == []
    assert (kept_awake, properties.get("ID_MM_DEVICE_IGNORE") == "1") == (awake, hidden_from_modem_manager), what


def supported(*drivers: str) -> set[str]:
    """The USB ids by which shipped peripherals with these drivers are recognised."""
    shipped = Peripherals(texts(RULES.parents[2] / "device_profiles", "peripherals")).values()
    return {usb for one in shipped if one.driver in drivers for usb in one.match.usb}


def test_the_rules_know_the_vendors_of_the_supported_scanners_and_no_other():
    named = re.findall(
        r'(?:ATTR\{idVendor\}|ENV\{ID_VENDOR_ID\})=="([0-9a-f|]+\|[0-9a-f|]+)"', RULES.read_text("utf-8")
    )
    vendors = {usb.partition(":")[0] for usb in supported("serial_lines", "hid_events")}
    assert len(named) == 2
    assert [set(each.split("|")) for each in named] == [vendors, vendors]


def test_the_rules_know_the_supported_serial_adapters_and_no_other():
    named = re.findall(r'idVendor\}=="([0-9a-f]{4})", ATTR\{idProduct\}=="([0-9a-f]{4})"', RULES.read_text("utf-8"))
    assert {f"{vendor}:{product}" for vendor, product in named} == supported("escpos_serial")


@pytest.mark.parametrize(
    ("what", "usb_id", "expected"),
    [
        ("FTDI adapter", "0403:6001", True),
        ("CH340 adapter", "1a86:7523", True),
        ("other product of FTDI", "0403:6015", False),
        ("other product of QinHeng", "1a86:5523", False),
    ],
)
def test_a_serial_adapter_is_kept_awake_and_from_modem_manager(what, usb_id, expected):
    vendor, product = usb_id.split(":")
    properties, kept_awake, complaints = udev(RULES, usb(vendor, ":ff0102:", product))
    assert complaints == []
    assert (kept_awake, properties.get("ID_MM_DEVICE_IGNORE") == "1") == (expected, expected), what


@pytest.mark.parametrize(("vendor", "ignored"), [("0c2e", True), ("1eab", True), ("046d", False)])
def test_the_compositor_does_not_see_what_a_scanner_types(vendor, ignored):
    event = device("input", "event5", {}, DEVNAME="/dev/input/event5", ID_BUS="usb", ID_VENDOR_ID=vendor)
    properties, _, complaints = udev(RULES, usb(vendor, ":030101:"), event)
    assert complaints == []
    assert (properties.get("LIBINPUT_IGNORE_DEVICE") == "1") == ignored


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ('ENV{LIBINPUT_IGNORE_DEVICE}="1"', 'ENW{LIBINPUT_IGNORE_DEVICE}="1"', "Invalid"),
        ('ACTION=="remove"', 'ACTION="remove"', "Invalid operator"),
        ('LABEL="kiosk_end"', "", "no matching label"),
    ],
)
def test_udev_complains_of_a_planted_bug(right, wrong, words, tmp_path):
    text = RULES.read_text("utf-8")
    assert right in text
    (tmp_path / "bug.rules").write_text(text.replace(right, wrong), "utf-8")
    _, _, complaints = udev(tmp_path / "bug.rules", usb("0c2e", ":020201:0a0000:"))
    assert any(words in line for line in complaints), complaints


def test_without_the_rules_nothing_is_set(tmp_path):
    (tmp_path / "empty.rules").write_text("# nothing\n", "utf-8")
    properties, awake, _ = udev(tmp_path / "empty.rules", usb("0c2e", ":020201:0a0000:"))
    assert not awake
    assert "ID_MM_DEVICE_IGNORE" not in properties
