"""From a name to a driver: the file's name is the only look-up; a wrong word is answered with the nearest right one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_profiles.peripheral import Peripherals
from device_profiles.profile import DRIVERS, Match, load_shipped, parse_peripheral, shipped_stations, texts
from edge_agent.drivers.open import DriverError, driver_names, open_driver, open_peripheral, ports, read_settings
from edge_agent.drivers.printer.escpos_network import EscposNetwork
from edge_agent.drivers.printer.simulated import SimulatedPrinter

ROOT = Path(__file__).parents[2]
OURS = ("printer", "reader", "scanner")


def test_a_name_gives_the_driver_in_the_file_of_that_name():
    assert isinstance(open_driver("printer", "simulated", {}), SimulatedPrinter)
    assert isinstance(open_driver("printer", "escpos_network", {"host": "192.0.2.7"}), EscposNetwork)


@pytest.mark.parametrize("port", OURS)
def test_every_driver_that_a_profile_may_name_exists_and_no_other(port):
    assert port in ports()
    assert driver_names(port) == tuple(sorted(DRIVERS[port]))


@pytest.mark.parametrize(
    ("port", "name", "settings", "words"),
    [
        (
            "printer",
            "escpos_netwrok",
            {},
            "no printer driver is called 'escpos_netwrok'; the nearest is 'escpos_network'",
        ),
        ("printer", "compose", {}, "no printer driver is called 'compose'"),
        ("printer", "../worker", {}, "no printer driver is called '../worker'"),
        ("printers", "simulated", {}, "no port is called 'printers'; the nearest is 'printer'"),
        ("printer", "simulated", {"widht_dots": 576}, "no setting is called 'widht_dots'; the nearest is 'width_dots'"),
        ("printer", "simulated", {"width_dots": "576"}, "width_dots must be of type int, not '576'"),
        ("printer", "simulated", {"width_dots": True}, "width_dots must be of type int, not True"),
        ("printer", "simulated", {"width_dots": 580}, "a multiple of 8 from 320 to 640, not 580"),
        ("printer", "simulated", {"width_dots": 312}, "not 312"),
        ("printer", "simulated", {"width_dots": 648}, "not 648"),
        ("printer", "escpos_network", {}, "the profile must give host"),
        ("printer", "escpos_network", {"host": "printer.local"}, "must be a fixed IP address, not 'printer.local'"),
        ("reader", "simulated", {"speed": 1}, "no setting is called 'speed'"),
        ("scanner", "simulated", {"name": 1}, "name must be of type str"),
    ],
)
def test_a_wrong_word_is_refused_in_words_that_help(port, name, settings, words):
    with pytest.raises(DriverError) as caught:
        open_driver(port, name, settings)
    assert words in str(caught.value)


def test_settings_may_have_no_names_at_all():
    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    assert read_settings(Nothing, "x", {}) == Nothing()
    with pytest.raises(DriverError, match="there is none at all"):
        read_settings(Nothing, "x", {"a": 1})


@pytest.mark.parametrize("station", shipped_stations())
def test_every_shipped_station_has_drivers_for_its_devices(station):
    for peripheral in load_shipped(station).peripherals:
        if peripheral.port in OURS:
            driver = open_peripheral(peripheral)
            if peripheral.driver == "simulated":
                assert driver.open().name == peripheral.name


def test_a_profile_tells_the_driver_address_width_and_quirks():
    toml = """
title.vi = "Máy in"
title.en = "Printer"
port = "printer"
driver = "escpos_network"
address = "192.0.2.7:9101"
[limits]
width_dots = 384
paper_mm = 58
[quirks]
no_cutter = "tear bar"
no_realtime_status = "silent"
"""
    read = open_peripheral(parse_peripheral(toml, "clone"))._settings
    assert (read.host, read.tcp_port, read.width_dots, read.name) == ("192.0.2.7", 9101, 384, "clone")
    assert (read.no_cutter, read.no_realtime_status, read.no_print_confirmation) == (True, True, False)


@pytest.mark.parametrize("name", sorted(texts(ROOT / "device_profiles", "peripherals")))
def test_every_shipped_peripheral_has_settings_that_its_driver_takes(name):
    peripheral = Peripherals(texts(ROOT / "device_profiles", "peripherals"))[name]
    if peripheral.port in OURS:
        open_peripheral(peripheral)


@pytest.mark.parametrize(
    ("port", "driver", "more", "told"),
    [
        (
            "printer",
            "escpos_serial",
            '[match]\nserial = "A1"\n[settings]\nbaud = 57600\nflow = "dtr"\n',
            {"match": Match(serial="A1"), "node": "", "baud": 57600, "flow": "dtr", "width_dots": 384},
        ),
        (
            "printer",
            "escpos_usb",
            '[match]\nusb = ["04b8:0e28"]\n[quirks]\nno_cutter = "tear bar"\n',
            {"match": Match(("04b8:0e28",)), "node": "", "no_cutter": True, "width_dots": 384},
        ),
    ],
)
def test_a_profile_tells_the_driver_how_to_find_its_node_and_its_own_settings(port, driver, more, told):
    toml = f"title = {{ vi = 'x', en = 'y' }}\nport = '{port}'\ndriver = '{driver}'\n"
    limits = "[limits]\nwidth_dots = 384\npaper_mm = 58\n"
    read = open_peripheral(parse_peripheral(toml + limits + more, "clone"))._settings
    assert {name: getattr(read, name) for name in told} == told
    assert read.name == "clone"


def test_a_fixed_path_comes_without_a_match(monkeypatch):
    given = []
    monkeypatch.setattr("edge_agent.drivers.open.open_driver", lambda *all_of_it: given.append(all_of_it))
    toml = "title = { vi = 'x', en = 'y' }\nport = 'scanner'\ndriver = 'serial_lines'\n"
    open_peripheral(parse_peripheral(toml + "[settings]\nnode = '/dev/ttyAMA0'\nbaud = 9600\n", "uart"))
    told = {"name": "uart", "match": Match(), "node": "/dev/ttyAMA0", "baud": 9600}
    assert given == [("scanner", "serial_lines", told)]


def test_opening_drivers_loads_neither_pictures_nor_escpos():
    program = (
        "import sys\n"
        "from edge_agent.drivers.open import open_driver\n"
        "open_driver('printer', 'simulated', {})\n"
        "open_driver('printer', 'escpos_network', {'host': '192.0.2.7'})\n"
        "sys.exit(' '.join({'PIL', 'segno', 'escpos'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
