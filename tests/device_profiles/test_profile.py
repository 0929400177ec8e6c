"""Profiles: the shipped ones load, and a wrong one says where and what would be right."""

import re
import tomllib
from dataclasses import FrozenInstanceError, fields
from importlib import resources
from pathlib import Path

import pytest

from device_profiles import profile
from device_profiles.peripheral import Peripherals
from device_profiles.profile import Address, Limits, Match, ProfileError, Timeouts, parse_peripheral, parse_station

TITLE = 'title = { vi = "Máy in", en = "Printer" }\n'
SCREEN = TITLE + 'port = "display"\ndriver = "browser"\n'
LIMITS = "[limits]\nwidth_dots = 576\npaper_mm = 80\n"
PRINTER = TITLE + 'port = "printer"\ndriver = "escpos_network"\n' + LIMITS
READER = TITLE + 'port = "reader"\ndriver = "simulated"\n'
SERIAL = PRINTER.replace("escpos_network", "escpos_serial")
SCANNER = TITLE + 'port = "scanner"\ndriver = "hid_events"\n'
PERIPHERALS = {
    name: parse_peripheral(text, name) for name, text in {"screen": SCREEN, "paper": PRINTER, "cards": READER}.items()
}
STATION = TITLE + '[peripherals]\nreader = "cards"\nprinter = "paper"\ndisplay = "screen"\n'


def peripheral_error(text):
    with pytest.raises(ProfileError) as error:
        parse_peripheral(text, "tm-t82")
    return error.value


def station_error(text):
    with pytest.raises(ProfileError) as error:
        parse_station(text, "lobby", PERIPHERALS)
    return error.value


def test_every_shipped_station_loads():
    for name in profile.shipped_stations():
        station = profile.load_shipped(name)
        assert station.name == name
        assert all(station.peripheral(port) for port in profile.PORTS)
        assert station.limits == Limits()
        assert station.timeouts == Timeouts()
        assert station.title.vi != station.title.en


def test_the_shipped_stations_are_what_they_say():
    drivers = {
        name: {one.port: one.driver for one in profile.load_shipped(name).peripherals}
        for name in profile.shipped_stations()
    }
    simulated = {"reader": "simulated", "scanner": "simulated", "display": "browser"}
    real = {"reader": "pcsc", "scanner": "serial_lines", "display": "browser"}
    assert drivers == {
        "bench": real | {"scanner": "hid_events", "printer": "escpos_usb"},
        "demo": simulated | {"printer": "escpos_network"},
        "lobby-58mm": real | {"printer": "escpos_usb"},
        "lobby-80mm": real | {"printer": "escpos_network"},
        "simulated": simulated | {"printer": "simulated"},
    }
    printer = profile.load_shipped("lobby-80mm").peripheral("printer")
    assert (printer.limits, printer.address) == ({"width_dots": 576, "paper_mm": 80}, Address("127.0.0.1", 9100))


def shipped_peripherals():
    return Peripherals(profile.texts(resources.files("device_profiles"), "peripherals"))


def test_every_shipped_peripheral_loads_and_every_driver_has_one():
    shipped = shipped_peripherals()
    used = {(one.port, one.driver) for one in shipped.values()}
    assert used == {(port, driver) for port, drivers in profile.DRIVERS.items() for driver in drivers}


def test_a_model_of_several_makers_knows_every_id_of_theirs_and_no_other():
    shipped = shipped_peripherals()
    for kind in ("serial", "keyboard"):
        makers = [shipped[f"{maker}-{kind}"] for maker in ("datalogic", "honeywell", "newland", "zebra")]
        ids = [usb for one in makers for usb in one.match.usb]
        assert shipped[f"scanner-{kind}"].match.usb == tuple(sorted(ids))
        assert len(set(ids)) == len(ids)
        assert {one.driver for one in makers} == {shipped[f"scanner-{kind}"].driver}


def test_one_usb_id_stands_for_one_language():
    """Two files may share an id (a board in two printers), but not two drivers: which node would it be opened at?"""
    drivers = {}
    for one in shipped_peripherals().values():
        for usb in one.match.usb:
            assert drivers.setdefault(usb, one.driver) == one.driver, (usb, one.name)


def test_every_shipped_usb_id_has_its_source_in_words_above_it():
    for name, text in profile.texts(resources.files("device_profiles"), "peripherals").items():
        if "[match]" in text:
            above = text[: text.index("[match]")]
            sources = ("usb.ids", "libccid", "lsusb", "name the sources")
            assert any(word in above for word in sources), name


def test_a_display_may_say_how_large_its_panel_is():
    shipped = shipped_peripherals()
    upright, lying = shipped["display-browser"], shipped["display-browser-15in"]
    assert upright.limits == {"width_px": 1080, "height_px": 1920, "dpi": 103}
    assert (lying.driver, lying.limits) == ("browser", {"width_px": 1280, "height_px": 800, "dpi": 97})
    assert shipped["display-simulated"].limits == {}
    with pytest.raises(profile.ProfileError, match=r"limits\.dpi must be a whole number"):
        profile.parse_peripheral(SCREEN + "[limits]\ndpi = 0\n", "screen")
    with pytest.raises(profile.ProfileError, match="unknown key 'width_dots'"):
        profile.parse_peripheral(SCREEN + "[limits]\nwidth_dots = 1\n", "screen")


def test_the_document_for_authors_names_every_shipped_model_driver_and_setting():
    text = (Path(__file__).parents[2] / "docs" / "DRIVERS.md").read_text("utf-8")
    drivers = {driver for drivers in profile.DRIVERS.values() for driver in drivers}
    settings = {name for known in profile.DRIVER_SETTINGS.values() for name in known}
    named = {*shipped_peripherals(), *profile.shipped_stations(), *drivers, *settings}
    assert [name for name in sorted(named) if f"`{name}`" not in text] == []
    rows = re.findall(r"^\| `(\S+)` \| `(\S+)` \| `(\S+)` \| `(\S+)` \|$", text, re.MULTILINE)
    table = {name: tuple(rest) for name, *rest in rows}
    told = {name: profile.load_shipped(name) for name in profile.shipped_stations()}
    assert table == {
        name: tuple(one.peripheral(port).name for port in ("reader", "scanner", "printer"))
        for name, one in told.items()
    }


def test_the_lobby_writes_out_every_number():
    text = resources.files("device_profiles").joinpath("stations/lobby-80mm.toml").read_text("utf-8")
    written = tomllib.loads(text)
    assert set(written["limits"]) == {one.name for one in fields(Limits)}
    assert set(written["timeouts"]) == {one.name for one in fields(Timeouts)}


def test_the_defaults_are_those_of_the_domain():
    assert Limits() == Limits(
        offline_amount_max_dong=500_000,
        offline_unconfirmed_max_dong=10_000_000,
        offline_unconfirmed_max_count=50,
        offline_contact_max_h=24,
        offline_bill_age_max_h=24,
        online_amount_max_dong=9_999_999,
    )
    assert Timeouts() == Timeouts(
        idle_s=60, idle_accessible_s=90, warning_s=30, after_completion_s=20, payment_qr_s=300, heartbeat_s=60
    )


def test_an_unknown_station_names_the_nearest():
    with pytest.raises(ProfileError, match="no such station profile; did you mean 'lobby-80mm'"):
        profile.load_shipped("lobby-81mm")
    with pytest.raises(ProfileError, match="known are: bench, demo, lobby-58mm, lobby-80mm, simulated"):
        profile.load_shipped("../../etc/passwd")


def test_a_network_printer():
    read = parse_peripheral(
        PRINTER.replace(LIMITS, 'address = "[::1]:9101"\n' + LIMITS) + '[quirks]\nno_cutter = "a tear bar"\n', "tm-t82"
    )
    assert (read.name, read.title.en, read.port, read.driver) == ("tm-t82", "Printer", "printer", "escpos_network")
    assert (read.address, read.match, dict(read.settings)) == (Address("::1", 9101), Match(), {})
    assert (dict(read.limits), dict(read.quirks)) == ({"width_dots": 576, "paper_mm": 80}, {"no_cutter": "a tear bar"})


def test_a_serial_printer():
    read = parse_peripheral(
        SERIAL + '[match]\nusb = ["04b8:0e15"]\nport_path = "1-1.2"\nserial = "X1"\n'
        '[settings]\nbaud = 38400\nflow = "dtr"\n',
        "tm-t82",
    )
    assert read.match == Match(("04b8:0e15",), "1-1.2", "X1")
    assert (read.address, dict(read.settings)) == (None, {"baud": 38400, "flow": "dtr"})


def test_a_fixed_path_needs_no_match_and_a_card_reader_needs_none_either():
    fixed = parse_peripheral(SERIAL + '[settings]\nnode = "/dev/serial/by-id/usb-Acme_1-if00"\n', "uart")
    assert (fixed.match, dict(fixed.settings)) == (Match(), {"node": "/dev/serial/by-id/usb-Acme_1-if00"})
    cards = READER.replace("simulated", "pcsc")
    assert parse_peripheral(cards, "any").match == Match()
    named = parse_peripheral(cards + '[match]\nusb = ["072f:223b"]\n[settings]\nslot = "PICC"\n', "acr1252u")
    assert (named.match.usb, dict(named.settings)) == (("072f:223b",), {"slot": "PICC"})


def test_values_are_frozen():
    read = PERIPHERALS["paper"]
    with pytest.raises(FrozenInstanceError):
        read.driver = "other"
    with pytest.raises(TypeError):
        read.limits["width_dots"] = 1
    with pytest.raises(TypeError):
        read.settings["baud"] = 1


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), False),
        (Match(usb=("04b8:0e15", "04b8:0202")), True),
        (Match(usb=("1234:5678",)), False),
        (Match(port_path="1-1.2"), True),
        (Match(port_path="1-1.3"), False),
        (Match(usb=("04b8:0202",), port_path="1-1.2", serial="X1"), True),
        (Match(usb=("04b8:0202",), serial="X2"), False),
    ],
)
def test_every_given_condition_must_hold(match, fits):
    assert match.fits(usb="04b8:0202", port_path="1-1.2", serial="X1") is fits
    assert not Match(serial="X1").fits(usb="04b8:0202", port_path="1-1.2", serial=None)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("port = [\n", 1, "no TOML: "),
        ("# one\nport = [\n\n", 2, "no TOML: "),
        ("port = \n", 1, "no TOML: Invalid value"),
        (PRINTER + "[limit]\n", 7, "unknown key 'limit'; did you mean 'limits'?"),
        (PRINTER + "widht_dots = 1\n", 7, "unknown key 'widht_dots'; did you mean 'width_dots'?"),
        (PRINTER.replace('"printer"', '"printr"'), 2, "unknown port 'printr'; did you mean 'printer'?"),
        (PRINTER.replace("escpos_network", "escpos_netwrk"), 3, "unknown printer driver 'escpos_netwrk'; did you mean"),
        (READER.replace("simulated", "zzz"), 3, "unknown reader driver 'zzz'; known are: pcsc, simulated"),
        (READER + "[quirks]\nany = 'x'\n", 5, "unknown key 'any'; nothing may stand here"),
        (READER + 'address = "127.0.0.1:1"\n', 4, "the driver 'simulated' needs no address; remove it"),
        (READER.replace("port =", "prt ="), 2, "unknown key 'prt'; did you mean 'port'?"),
        (READER.replace(TITLE, ""), 1, "title.vi must be a text"),
        (READER.replace('"Printer"', '" "'), 1, "title.en must be a text"),
        (READER.replace(TITLE, "title = 'x'\n"), 1, "'title' must be a table"),
        (READER.replace(TITLE, "title . vi = 'x'\ntitle.fr = 'y'\n"), 2, "unknown key 'fr'"),
        (PRINTER.replace("paper_mm = 80\n", ""), 4, "limits.paper_mm must be a whole number from 1 to 10000"),
        (PRINTER.replace("576", "true"), 5, "limits.width_dots must be a whole number"),
        (PRINTER.replace("576", "0"), 5, "limits.width_dots must be a whole number"),
        (PRINTER.replace("576", "576.0"), 5, "limits.width_dots must be a whole number"),
        (PRINTER + "[quirks]\nno_cuter = 'x'\n", 8, "unknown key 'no_cuter'; did you mean 'no_cutter'?"),
        (PRINTER + "[quirks]\nno_cutter = true\n", 8, "quirks.no_cutter must be a text"),
        (SCANNER + "[match]\nusb = '04b8:0e15'\n", 5, "match.usb must be a list of texts"),
        (SCANNER + "[match]\nusb = [1]\n", 5, "match.usb must be a list of texts"),
        (
            SCANNER + "[match]\nusb = ['04B8:0E15']\n",
            5,
            "'04B8:0E15' is no USB id; write vendor and product as 04b8:0e15",
        ),
        (SCANNER + "[match]\nserial = 5\n", 5, "match.serial must be a text"),
        (SCANNER + "[match]\nvendor = 5\n", 5, "unknown key 'vendor'"),
        (SCANNER + "[match]\nport_path = '1.2'\n", 5, "'1.2' is no port path; write bus and sockets as 1-1.2"),
        (SCANNER + "match = { usb = [], vendor = 5 }\n", 4, "unknown key 'vendor'"),
        (SCANNER + "[match]\n'vendor' = 5\n", 5, "unknown key 'vendor'"),
        (SCANNER + "[match]\nusb = [\n  'x',\n]\nvendor = 5\n", 8, "unknown key 'vendor'"),
        (READER + "[match]\nusb = ['04b8:0e15']\n", 4, "the driver 'simulated' has no device to find: remove [match]"),
        (
            PRINTER + "[match]\nusb = ['04b8:0e15']\n",
            7,
            "the driver 'escpos_network' is on the network: remove [match]",
        ),
        (
            SCANNER,
            3,
            "the driver 'hid_events' must know its device: give match.usb, match.port_path, match.serial or set",
        ),
        (SCANNER + "[match]\nusb = []\n", 3, "the driver 'hid_events' must know its device"),
        (SERIAL, 3, "the driver 'escpos_serial' must know its device"),
        (
            SERIAL + "[settings]\nnode = '/dev/ttyAMA0'\n[match]\nserial = 'X'\n",
            9,
            "settings.node names the device already: remove [match] or settings.node",
        ),
        (SERIAL + "[settings]\nnode = 'ttyAMA0'\n", 8, "'ttyAMA0' is no device node; write it as /dev/ttyAMA0"),
        (SERIAL + "[settings]\nnode = '/dev/../etc/passwd'\n", 8, "'/dev/../etc/passwd' is no device node"),
        (SERIAL + "[settings]\nnode = '/dev/'\n", 8, "'/dev/' is no device node"),
        (SERIAL + "[settings]\nnode = 5\n", 8, "settings.node must be a text"),
        (SERIAL + "[settings]\nbaud = 19201\n", 8, "settings.baud must be one of 1200, 2400, 4800, 9600, 19200"),
        (SERIAL + "[settings]\nbaud = '9600'\n", 8, "settings.baud must be one of"),
        (SERIAL + "[settings]\nbaud = 9600.0\n", 8, "settings.baud must be one of"),
        (SERIAL + "[settings]\nflow = 'xonn'\n", 8, "unknown flow 'xonn'; did you mean 'xon'?"),
        (SERIAL + "[settings]\nbuad = 1\n", 8, "unknown key 'buad'; did you mean 'baud'?"),
        (SERIAL + "[settings]\nslot = 'x'\n", 8, "unknown key 'slot'"),
        (READER + "[settings]\nslot = 'PICC'\n", 5, "unknown key 'slot'; nothing may stand here"),
    ],
)
def test_a_wrong_peripheral_says_where_and_what_would_be_right(text, line, problem):
    error = peripheral_error(text)
    assert error.problem.startswith(problem)
    assert error.line == line
    assert str(error).startswith(f"peripherals/tm-t82.toml, line {line}: ")


def test_a_station():
    text = (
        STATION
        + '[address]\nprinter = "printer.lan:9100"\n[limits]\noffline_contact_max_h = 12\n[timeouts]\nidle_s = 45\n'
    )
    read = parse_station(text, "lobby", PERIPHERALS)
    assert read.peripheral("reader") is PERIPHERALS["cards"]
    assert read.peripheral("scanner") is None
    assert read.peripheral("printer").address == Address("printer.lan", 9100)
    assert read.limits == Limits(offline_contact_max_h=12)
    assert read.timeouts == Timeouts(idle_s=45)
    assert PERIPHERALS["paper"].address == Address("127.0.0.1", 9100)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (STATION.replace('"paper"', '"papr"'), 4, "unknown peripheral 'papr'; did you mean 'paper'?"),
        (STATION.replace('"paper"', '"cards"'), 4, "'cards' is a reader, not a printer"),
        (STATION.replace("printer =", "printers ="), 4, "unknown key 'printers'; did you mean 'printer'?"),
        (STATION.replace('display = "screen"\n', ""), 2, "a station needs a display"),
        (TITLE, 1, "a station needs a display"),
        (STATION + "[timeout]\n", 6, "unknown key 'timeout'; did you mean 'timeouts'?"),
        (STATION + "[timeouts]\nidle = 60\n", 7, "unknown key 'idle'; did you mean 'idle_s'?"),
        (STATION + "[timeouts]\nwarning_s = 19\n", 7, "timeouts.warning_s must be a whole number from 20 to 120"),
        (
            STATION + "[limits]\nonline_amount_max_dong = 10_000_000\n",
            7,
            "limits.online_amount_max_dong must be a whole number from 0 to 9999999",
        ),
        (STATION + "[address]\nreader = '127.0.0.1:9100'\n", 7, "its reader is not on the network"),
        (STATION + "[address]\nscanner = '127.0.0.1:9100'\n", 7, "its scanner is not on the network"),
        (STATION + "[address]\nprinter = '127.0.0.1'\n", 7, "'127.0.0.1' is no address; write it as 127.0.0.1:9100"),
        (STATION + "[address]\nprinter = 'a:65536'\n", 7, "'a:65536' is no address"),
        (STATION + "[address]\nprinter = 'a:0'\n", 7, "'a:0' is no address"),
        (STATION + "[address]\nprinter = 'a b:1\\n'\n", 7, "'a b:1\\\\n' is no address"),
        (STATION + "[[address]]\n", 6, "'address' must be a table"),
    ],
)
def test_a_wrong_station_says_where_and_what_would_be_right(text, line, problem):
    error = station_error(text)
    assert error.problem.startswith(problem)
    assert error.line == line


def test_an_address_has_a_port_up_to_65535():
    assert Address.parse("a:1") == Address("a", 1)
    assert Address.parse("a:65535") == Address("a", 65535)


def test_an_address_can_be_set_from_outside():
    demo = profile.load_shipped("demo")
    moved = demo.with_address("printer", Address.parse("127.0.0.1:40123"))
    assert moved.peripheral("printer").address == Address("127.0.0.1", 40123)
    assert demo.peripheral("printer").address == Address("127.0.0.1", 9100)
    with pytest.raises(ProfileError, match="its display is not on the network"):
        demo.with_address("display", Address("127.0.0.1", 1))
