"""What a model takes over from another, and what a station pins: the child wins, faults are told where they stand."""

from __future__ import annotations

import pytest

from device_profiles.peripheral import Match, Peripherals
from device_profiles.profile import ProfileError, parse_station

FAMILY = """# the family: all that its members share
title.vi = "Máy in"
title.en = "Printer"
port = "printer"
driver = "escpos_network"

[limits]
width_dots = 576
paper_mm = 80

[quirks]
no_cutter = "a tear bar"
"""
USB = """inherit = "family"
driver = "escpos_usb"
[match]
usb = ["04b8:0e28"]
"""
NARROW = """inherit = "usb"
title.en = "Narrow printer"
[limits]
width_dots = 384
[match]
usb = ["04b8:0e29", "04b8:0e30"]
[quirks]
no_print_confirmation = "a clone"
"""
SCREEN = 'title = { vi = "Màn hình", en = "Screen" }\nport = "display"\ndriver = "browser"\n'
SCANNER = """title = { vi = "Máy quét", en = "Scanner" }
port = "scanner"
driver = "serial_lines"
[match]
usb = ["04b8:0e28"]
"""
CARDS = SCANNER.replace('"scanner"', '"reader"').replace("serial_lines", "pcsc").replace("04b8:0e28", "072f:2200")
MODELS = {"family": FAMILY, "usb": USB, "narrow": NARROW, "screen": SCREEN, "scanner": SCANNER, "cards": CARDS}
LOBBY = """title = { vi = "Sảnh", en = "Lobby" }
[peripherals]
display = "screen"
printer = "usb"
reader = "cards"
[timeouts]
idle_s = 45
"""


def fault(**changed: str) -> tuple[str, int | None, str]:
    """Read the narrow printer with some texts changed; give file, line and words of the fault."""
    with pytest.raises(ProfileError) as error:
        Peripherals(MODELS | changed)["narrow"]
    return error.value.name, error.value.line, error.value.problem


def station(text: str, **others: str):
    return parse_station(text, "ward", Peripherals(MODELS), {"lobby": LOBBY, **others})


def station_fault(text: str, **others: str) -> tuple[str, int | None, str]:
    with pytest.raises(ProfileError) as error:
        station(text, **others)
    return error.value.name, error.value.line, error.value.problem


def test_tables_are_merged_key_by_key_along_the_chain_and_the_child_wins():
    read = Peripherals(MODELS)["narrow"]
    assert (read.name, read.title.vi, read.title.en) == ("narrow", "Máy in", "Narrow printer")
    assert (read.port, read.driver, read.address) == ("printer", "escpos_usb", None)
    assert dict(read.limits) == {"width_dots": 384, "paper_mm": 80}
    assert dict(read.quirks) == {"no_cutter": "a tear bar", "no_print_confirmation": "a clone"}
    assert read.match.usb == ("04b8:0e29", "04b8:0e30")  # a list is one value
    assert Peripherals(MODELS)["family"].limits["width_dots"] == 576


def test_a_child_may_say_nothing_of_its_own():
    read = Peripherals(MODELS | {"same": 'inherit = "usb"\n'})["same"]
    assert (read.name, read.title.en, read.match.usb) == ("same", "Printer", ("04b8:0e28",))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        # In the text itself, in its parent, in its parent's parent: each by its own file and line.
        ({"narrow": NARROW + "no_cuter = 'x'\n"}, ("narrow", 9, "unknown key 'no_cuter'; did you mean 'no_cutter'?")),
        ({"usb": USB + "vendor = 1\n"}, ("usb", 5, "unknown key 'vendor'")),
        ({"family": FAMILY.replace("80\n", "'80'\n")}, ("family", 9, "limits.paper_mm must be a whole number")),
        ({"family": FAMILY.replace("no_cutter", "no_cuter")}, ("family", 12, "unknown key 'no_cuter'")),
        ({"family": FAMILY.replace("title.vi", "title.fr")}, ("family", 2, "unknown key 'fr'")),
        ({"family": FAMILY.replace('"Máy in"', '" "')}, ("family", 2, "title.vi must be a text")),
        ({"family": FAMILY.replace('"printer"', '"printr"')}, ("family", 4, "unknown port 'printr'; did you mean")),
        ({"family": FAMILY + "[limits\n"}, ("family", 13, "no TOML: ")),
        ({"family": "address = '127.0.0.1:1'\n" + FAMILY}, ("family", 1, "the driver 'escpos_usb' needs no address")),
        ({"family": FAMILY.replace("paper_mm = 80\n", "")}, ("narrow", 3, "limits.paper_mm must be a whole number")),
        ({"narrow": NARROW.replace("384", "0")}, ("narrow", 4, "limits.width_dots must be a whole number")),
        (
            {"narrow": NARROW.replace("[quirks]", "[quirk]")},
            ("narrow", 7, "unknown key 'quirk'; did you mean 'quirks'?"),
        ),
        # A driver that does not go with what was taken over: told of the one who says it.
        (
            {"narrow": NARROW.replace('"usb"', '"usb"\ndriver = "escpos_network"', 1)},
            ("narrow", 6, "the driver 'escpos_network' is on the network: remove [match]"),
        ),
        (
            {"narrow": 'inherit = "usb"\ndriver = "escpos_network"\n'},
            ("usb", 3, "the driver 'escpos_network' is on the network: remove [match]"),
        ),
        (
            {"usb": 'inherit = "family"\ndriver = "escpos_usb"\n', "narrow": 'inherit = "usb"\n'},
            ("usb", 2, "the driver"),
        ),
        # Parents
        (
            {"narrow": NARROW.replace('"usb"', '"ubs"', 1)},
            ("narrow", 1, "there is no 'ubs' to inherit from; did you mean"),
        ),
        ({"narrow": "inherit = 5\n"}, ("narrow", 1, "inherit must be a text")),
        ({"narrow": "inherit = 'narrow'\n"}, ("narrow", 1, "it inherits from itself: narrow -> narrow")),
        (
            {"family": "# x\ninherit = 'narrow'\n"},
            ("family", 2, "it inherits from itself: narrow -> usb -> family -> nar"),
        ),
        ({"family": "inherit = 'usb'\n"}, ("family", 1, "it inherits from itself: usb -> family -> usb")),
    ],
)
def test_a_fault_is_told_of_the_file_that_holds_it(changed, told):
    name, line, problem = fault(**changed)
    assert (name, line) == (f"peripherals/{told[0]}.toml", told[1])
    assert problem.startswith(told[2])


def test_a_station_takes_over_peripherals_numbers_and_title():
    ward = station('inherit = "lobby"\n[peripherals]\nscanner = "scanner"\nprinter = "family"\n')
    assert (ward.name, ward.title.en, ward.timeouts.idle_s) == ("ward", "Lobby", 45)
    assert {one.port: one.name for one in ward.peripherals} == {
        "display": "screen",
        "printer": "family",
        "reader": "cards",
        "scanner": "scanner",
    }


@pytest.mark.parametrize(
    ("text", "lobby", "told"),
    [
        ("inherit = 'lobbi'\n", LOBBY, ("ward", 1, "there is no 'lobbi' to inherit from; did you mean 'lobby'?")),
        ("inherit = 'lobby'\n", LOBBY.replace("45", "5"), ("lobby", 7, "timeouts.idle_s must be a whole number")),
        (
            "inherit = 'lobby'\n",
            LOBBY.replace('"usb"', '"ubs"'),
            ("lobby", 4, "unknown peripheral 'ubs'; did you mean"),
        ),
        ("inherit = 'lobby'\n", "inherit = 'ward'\n", ("lobby", 1, "it inherits from itself: ward -> lobby -> ward")),
        (
            "inherit = 'lobby'\n[address]\nprinter = '192.0.2.7:9100'\n",
            LOBBY,
            ("ward", 3, "its printer is not on the network"),
        ),
    ],
)
def test_a_fault_of_a_station_too(text, lobby, told):
    name, line, problem = station_fault(text, lobby=lobby)
    assert (name, line) == (f"stations/{told[0]}.toml", told[1])
    assert problem.startswith(told[2])


def test_a_station_pins_a_peripheral_to_a_socket_or_a_serial_number():
    ward = station(LOBBY + '[pin.printer]\nport_path = "1-1.2"\n[pin.reader]\nserial = "RR1"\n')
    assert ward.peripheral("printer").match == Match(("04b8:0e28",), "1-1.2", None)
    assert ward.peripheral("reader").match == Match(("072f:2200",), None, "RR1")
    nearer = station(
        'inherit = "mother"\n[pin.printer]\nport_path = "1-1.3"\n',
        mother=LOBBY + '[pin.printer]\nserial = "S"\nport_path = "1-1.2"\n',
    )
    assert nearer.peripheral("printer").match == Match(("04b8:0e28",), "1-1.3", "S")


@pytest.mark.parametrize(
    ("pin", "line", "problem"),
    [
        ("[pin.printr]\nserial = 'S'\n", 8, "unknown key 'printr'; did you mean 'printer'?"),
        ("[pin.printer]\nport = '1-1'\n", 9, "unknown key 'port'; did you mean 'port_path'?"),
        ("[pin.printer]\nusb = ['04b8:0e28']\n", 9, "unknown key 'usb'; known are: port_path, serial"),
        ("[pin.printer]\nport_path = '1.1'\n", 9, "'1.1' is no port path; write bus and sockets as 1-1.2"),
        ("[pin.printer]\n", 8, "a pin needs port_path or serial"),
        ("[pin.scanner]\nserial = 'S'\n", 8, "this model has no scanner to pin; name one in [peripherals]"),
        ("[pin.display]\nserial = 'S'\n", 8, "the driver 'browser' of 'screen' is not found on USB: remove the pin"),
    ],
)
def test_a_wrong_pin_says_where_and_what_would_be_right(pin, line, problem):
    assert station_fault(LOBBY + pin)[1:] == (line, problem)


def test_a_fixed_path_cannot_be_pinned_nor_opened_twice():
    uart = SCANNER.replace('[match]\nusb = ["04b8:0e28"]', '[settings]\nnode = "/dev/ttyAMA0"')
    serial = FAMILY.replace("escpos_network", "escpos_serial") + '[settings]\nnode = "/dev/ttyAMA0"\n'
    models = Peripherals(MODELS | {"scanner": uart, "usb": serial})
    both = LOBBY.replace('"cards"', '"cards"\nscanner = "scanner"')
    for text, line, words in (
        (LOBBY + "[pin.printer]\nserial = 'S'\n", 8, "'usb' has a fixed path, /dev/ttyAMA0: remove the pin"),
        (both, 6, "'usb' and 'scanner' both open /dev/ttyAMA0"),
    ):
        with pytest.raises(ProfileError) as error:
            parse_station(text, "ward", models)
        assert (error.value.line, error.value.problem) == (line, words)


BOTH = LOBBY.replace('"cards"', '"cards"\nscanner = "scanner"')  # printer and scanner have one USB id


@pytest.mark.parametrize(
    ("pins", "apart"),
    [
        ("", False),
        ("[pin.printer]\nport_path = '1-1.2'\n", False),  # the scanner could still take that socket's device
        ("[pin.printer]\nport_path = '1-1.2'\n[pin.scanner]\nport_path = '1-1.2'\n", False),
        ("[pin.printer]\nport_path = '1-1.2'\n[pin.scanner]\nserial = 'S'\n", False),
        ("[pin.printer]\nport_path = '1-1.2'\n[pin.scanner]\nport_path = '1-1.3'\n", True),
        ("[pin.printer]\nserial = 'P'\n[pin.scanner]\nserial = 'S'\n", True),
    ],
)
def test_two_peripherals_that_can_fit_one_device_must_be_pinned_apart(pins, apart):
    if apart:
        assert station(BOTH + pins).peripheral("scanner").match.usb == ("04b8:0e28",)
        return
    name, line, problem = station_fault(BOTH + pins)
    assert (name, line) == ("stations/ward.toml", 6)
    assert problem == (
        "'usb' and 'scanner' can fit the same device; "
        "pin both: [pin.printer] and [pin.scanner], each with port_path or serial"
    )


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (Match(usb=("a",)), Match(usb=("b",)), False),
        (Match(usb=("a", "b")), Match(usb=("b",)), True),
        (Match(usb=("a",)), Match(port_path="1-1"), True),
        (Match(port_path="1-1"), Match(port_path="1-2"), False),
        (Match(serial="S"), Match(serial="S"), True),
        (Match(), Match(usb=("a",)), False),
    ],
)
def test_which_matches_can_meet(one, other, meet):
    assert one.may_meet(other) is meet
    assert other.may_meet(one) is meet
