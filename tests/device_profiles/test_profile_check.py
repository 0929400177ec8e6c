"""`check DIR`: every fault of a folder with file and line; a new model is a file and no code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from device_profiles import __main__ as command
from device_profiles import profile
from edge_agent.drivers.open import open_peripheral

SHIPPED = Path(command.__file__).parent
TITLE = 'title.vi = "Trạm"\ntitle.en = "Station"\n'
SCREEN = TITLE + 'port = "display"\ndriver = "browser"\n'
PRINTER = TITLE + 'port = "printer"\ndriver = "escpos_network"\n[limits]\nwidth_dots = 576\npaper_mm = 80\n'
STATION = TITLE + '[peripherals]\ndisplay = "screen"\n'


@pytest.fixture
def check(tmp_path, capsys):
    """Write files as "kind__name", check their folder; gives status and the lines, the folder's own path left out."""

    def run(**files: str | bytes) -> tuple[int, list[str]]:
        for name, text in files.items():
            kind, stem = name.split("__")
            (tmp_path / kind).mkdir(exist_ok=True)
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / kind / f"{stem.replace('_', '-')}.toml").write_bytes(data)
        status = command.main(["check", str(tmp_path)])
        return status, capsys.readouterr().out.replace(f"{tmp_path}/", "").replace(f"{tmp_path}", "DIR").splitlines()

    return run


def test_the_shipped_profiles_are_right(capsys):
    assert command.main(["check", str(SHIPPED)]) == 0
    stations, peripherals = (len(list(SHIPPED.glob(f"{kind}/*.toml"))) for kind in ("stations", "peripherals"))
    assert stations >= 5
    assert peripherals >= 30
    assert capsys.readouterr().out.endswith(f": all right (stations: {stations}, peripherals: {peripherals})\n")


def test_a_right_folder(check):
    assert check(peripherals__screen=SCREEN, stations__lobby=STATION) == (
        0,
        ["DIR: all right (stations: 1, peripherals: 1)"],
    )


def test_the_faults_of_all_files_are_told_with_file_and_line(check):
    status, lines = check(
        peripherals__a="port = \n",
        peripherals__b=TITLE + "port = 'printr'\n",
        peripherals__c=b"# ok\n\xff",
        peripherals__screen=SCREEN,
        stations__lobby=STATION + "[timeout]\n",
        stations__hall=STATION.replace("screen", "scren"),
        stations__right=STATION,
    )
    assert status == 1
    assert lines == [
        "peripherals/a.toml:1: no TOML: Invalid value (at line 1, column 8)",
        "peripherals/b.toml:3: unknown port 'printr'; did you mean 'printer'?",
        "peripherals/c.toml:2: no UTF-8 text: invalid start byte at byte 5",
        "stations/hall.toml:4: unknown peripheral 'scren'; did you mean 'screen'?",
        "stations/lobby.toml:5: unknown key 'timeout'; did you mean 'timeouts'?",
    ]


def test_a_fault_in_what_others_use_is_told_once_and_of_its_own_file(check):
    status, lines = check(
        peripherals__mother=PRINTER + "widht_dots = 1\n",
        peripherals__daughter='inherit = "mother"\ntitle.en = "Daughter"\n',
        peripherals__broken=b"\xff",
        peripherals__of_broken='inherit = "broken"\n',
        peripherals__screen=SCREEN,
        stations__lobby=STATION + 'printer = "daughter"\n',
        stations__hall=STATION + 'printer = "broken"\n',
    )
    assert status == 1
    assert lines == [
        "peripherals/broken.toml:1: no UTF-8 text: invalid start byte at byte 0",
        "peripherals/mother.toml:8: unknown key 'widht_dots'; did you mean 'width_dots'?",
    ]


def test_peripherals_alone_and_stations_alone_may_be_wrong(check):
    assert check(peripherals__a="port = 1\n")[0] == 1
    status, lines = check(stations__a=STATION)
    assert (status, lines[-1]) == (1, "stations/a.toml:4: unknown peripheral 'screen'; known are: a")


def test_a_folder_without_profiles_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["check", str(tmp_path)])
    assert ended.value.code == 2
    assert "holds no stations/*.toml and no peripherals/*.toml" in capsys.readouterr().err


def test_a_new_model_is_a_file_and_no_code(tmp_path, capsys):
    """The two files of the document for authors, beside the shipped ones: checked, loaded, and the driver is told."""
    for kind in ("peripherals", "stations"):
        shutil.copytree(SHIPPED / kind, tmp_path / kind)
    document = (SHIPPED.parent / "docs" / "DRIVERS.md").read_text("utf-8")
    examples = re.findall(r"```toml\n# (\S+\.toml)\b(.+?)```", document, re.DOTALL)
    assert [path for path, _ in examples] == ["peripherals/acme-tp80.toml", "stations/ward.toml"]
    for path, text in examples:
        (tmp_path / path).write_text(f"# {text}", "utf-8")
    (tmp_path / "stations" / "notes.txt").write_text("no profile", "utf-8")
    assert command.main(["check", str(tmp_path)]) == 0, capsys.readouterr().out
    ward = profile.load(tmp_path, "ward")
    assert (ward.timeouts.idle_s, ward.limits, ward.title.en) == (45, profile.Limits(), "Ward station")
    told = open_peripheral(ward.peripheral("printer"))._settings
    assert (told.name, told.width_dots, told.no_print_confirmation) == ("acme-tp80", 576, True)
    assert told.match == profile.Match(usb=("1234:5678",), port_path="1-1.4")
    assert profile.load(tmp_path, "lobby-80mm").peripheral("printer").name == "printer-network-80mm"
