"""Profiles: the shipped ones load, and a wrong one says where and what would be right."""

import tomllib
from dataclasses import FrozenInstanceError, fields
from importlib import resources

import pytest

from device_profiles import profile
from device_profiles.profile import Address, Limits, Match, ProfileError, Timeouts, parse_peripheral, parse_station

TITLE = 'title = { vi = "Máy in", en = "Printer" }\n'
SCREEN = TITLE + 'port = "display"\ndriver = "browser"\n'
LIMITS = "[limits]\nwidth_dots = 576\npaper_mm = 80\n"
PRINTER = TITLE + 'port = "printer"\ndriver = "escpos_network"\n' + LIMITS
READER = TITLE + 'port = "reader"\ndriver = "simulated"\n'
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


def test_the_shipped_stations_are_what_they_say():
    drivers = {
        name: {one.port: one.driver for one in profile.load_shipped(name).peripherals}
        for name in profile.shipped_stations()
    }
    simulated = {"reader": "simulated", "scanner": "simulated", "display": "browser"}
    assert drivers == {
        "demo": simulated | {"printer": "escpos_network"},
        "lobby-80mm": simulated | {"printer": "escpos_network"},
        "simulated": simulated | {"printer": "simulated"},
    }
    printer = profile.load_shipped("lobby-80mm").peripheral("printer")
    assert (printer.limits, printer.address) == ({"width_dots": 576, "paper_mm": 80}, Address("127.0.0.1", 9100))


def test_every_shipped_peripheral_loads():
    for entry in resources.files("device_profiles").joinpath("peripherals").iterdir():
        read = parse_peripheral(entry.read_text("utf-8"), entry.name)
        assert read.driver in profile.DRIVERS[read.port]


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
        profile.load_shipped("lobby-58mm")
    with pytest.raises(ProfileError, match="known are: demo, lobby-80mm, simulated"):
        profile.load_shipped("../../etc/passwd")


def test_a_printer():
    read = parse_peripheral(
        PRINTER.replace(LIMITS, 'address = "[::1]:9101"\n' + LIMITS)
        + '[match]\nusb = ["04b8:0e15"]\nport_path = "1-1.2"\nserial = "X1"\n'
        + '[quirks]\nno_cutter = "a tear bar"\n',
        "tm-t82",
    )
    assert (read.name, read.title.en, read.port, read.driver) == ("tm-t82", "Printer", "printer", "escpos_network")
    assert read.address == Address("::1", 9101)
    assert read.match == Match(("04b8:0e15",), "1-1.2", "X1")
    assert (dict(read.limits), dict(read.quirks)) == ({"width_dots": 576, "paper_mm": 80}, {"no_cutter": "a tear bar"})


def test_values_are_frozen():
    read = PERIPHERALS["paper"]
    with pytest.raises(FrozenInstanceError):
        read.driver = "other"
    with pytest.raises(TypeError):
        read.limits["width_dots"] = 1


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
        ("port = [\n", None, "no TOML: "),
        ("port = \n", 1, "no TOML: Invalid value"),
        (PRINTER + "[limit]\n", 7, "unknown key 'limit'; did you mean 'limits'?"),
        (PRINTER + "widht_dots = 1\n", 7, "unknown key 'widht_dots'; did you mean 'width_dots'?"),
        (PRINTER.replace('"printer"', '"printr"'), 2, "unknown port 'printr'; did you mean 'printer'?"),
        (PRINTER.replace("escpos_network", "escpos_netwrk"), 3, "unknown printer driver 'escpos_netwrk'; did you mean"),
        (READER.replace("simulated", "zzz"), 3, "unknown reader driver 'zzz'; known are: simulated"),
        (READER + "[quirks]\nany = 'x'\n", 5, "unknown key 'any'; nothing may stand here"),
        (READER + 'address = "127.0.0.1:1"\n', 4, "the driver 'simulated' needs no address; remove it"),
        (READER.replace("port =", "prt ="), 2, "unknown key 'prt'; did you mean 'port'?"),
        (READER.replace(TITLE, ""), None, "title.vi must be a text"),
        (READER.replace('"Printer"', '" "'), 1, "title.en must be a text"),
        (READER.replace(TITLE, "title = 'x'\n"), 1, "'title' must be a table"),
        (READER.replace(TITLE, "title . vi = 'x'\ntitle.fr = 'y'\n"), 2, "unknown key 'fr'"),
        (PRINTER.replace("paper_mm = 80\n", ""), 4, "limits.paper_mm must be a whole number from 1 to 10000"),
        (PRINTER.replace("576", "true"), 5, "limits.width_dots must be a whole number"),
        (PRINTER.replace("576", "0"), 5, "limits.width_dots must be a whole number"),
        (PRINTER.replace("576", "576.0"), 5, "limits.width_dots must be a whole number"),
        (PRINTER + "[quirks]\nno_cuter = 'x'\n", 8, "unknown key 'no_cuter'; did you mean 'no_cutter'?"),
        (PRINTER + "[quirks]\nno_cutter = true\n", 8, "quirks.no_cutter must be a text"),
        (READER + "[match]\nusb = '04b8:0e15'\n", 5, "match.usb must be a list of texts"),
        (READER + "[match]\nusb = [1]\n", 5, "match.usb must be a list of texts"),
        (
            READER + "[match]\nusb = ['04B8:0E15']\n",
            5,
            "'04B8:0E15' is no USB id; write vendor and product as 04b8:0e15",
        ),
        (READER + "[match]\nserial = 5\n", 5, "match.serial must be a text"),
        (READER + "[match]\nvendor = 5\n", 5, "unknown key 'vendor'"),
    ],
)
def test_a_wrong_peripheral_says_where_and_what_would_be_right(text, line, problem):
    error = peripheral_error(text)
    assert error.problem.startswith(problem)
    assert error.line == line
    assert str(error).startswith("tm-t82: " if line is None else f"tm-t82, line {line}: ")


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
        (TITLE, None, "a station needs a display"),
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
