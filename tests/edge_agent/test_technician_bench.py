"""The technician's bench: what it says of each device in each state, by the real drivers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from device_profiles.profile import load_shipped
from edge_agent import bench
from edge_agent.drivers.open import open_driver
from edge_agent.plugs import Present
from edge_agent.ports import PortFault
from tests.twins.printer import PrinterTwin

ROOT = Path(__file__).parents[2]
WAIT_S = 20.0  # patience for a person's move, which here comes at once


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_agent", "bench", *map(str, words)]
    environment = os.environ | {"COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=90)


def printer(twin: PrinterTwin, *more: object) -> tuple[int, dict[str, object]]:
    ended = run(
        "--profile", "demo", "--printer-address", f"127.0.0.1:{twin.port}", "--port", "printer", "--json", *more
    )
    (trial,) = json.loads(ended.stdout)["trials"]
    return ended.returncode, trial


def one(port: str, driver: object, monkeypatch, wait_s: float = WAIT_S) -> bench.Trial:
    monkeypatch.setattr(bench, "open_peripheral", lambda _: driver)
    (trial,) = bench.Bench(lambda _: None, wait_s, prints=True).tries([load_shipped("simulated").peripheral(port)])
    return trial


def test_a_printer_that_says_printed_passes_and_the_slip_came_out():
    with PrinterTwin() as twin:
        code, trial = printer(twin)
        assert (code, trial["result"], trial["state"]) == (0, "pass", "online")
        assert len(twin.slips(1)) == 1


def test_a_printer_without_paper_fails_with_what_to_do():
    with PrinterTwin() as twin:
        twin.manner.paper = "out"
        code, trial = printer(twin)
        assert (code, trial["result"]) == (1, "fail")
        assert "out of paper" in trial["detail"]
        assert "nhân viên tòa nhà" in trial["remedy"]
        assert twin.slips(1, within_s=0.1) == []


def test_paper_is_not_spent_when_told_so():
    with PrinterTwin() as twin:
        code, trial = printer(twin, "--no-print")
        assert (code, trial["result"]) == (0, "pass")
        assert twin.slips(1, within_s=0.1) == []


def test_a_printer_that_nobody_reaches_fails():
    with PrinterTwin() as twin:
        port = twin.port
    ended = run("--profile", "demo", "--printer-address", f"127.0.0.1:{port}", "--port", "printer")
    assert ended.returncode == 1
    assert "HỎNG · FAIL" in ended.stdout
    assert "no connection" in ended.stdout


def test_a_printer_that_says_nothing_is_never_called_good(monkeypatch):
    from edge_agent.drivers.printer.simulated import Faults

    driver = open_driver("printer", "simulated", {"name": "rig"})
    driver.set_faults(Faults(silent=True))
    trial = one("printer", driver, monkeypatch)
    assert trial.result == "unsure"
    assert "look at the paper" in trial.remedy


def test_a_scan_is_told_by_its_kind_and_never_by_its_words(monkeypatch):
    driver = open_driver("scanner", "simulated", {"name": "rig"})
    threading.Timer(0.2, driver.scan, [b"079190012345||Nguyen Van An|15011990|Nam|TP. HCM|15042021"]).start()
    trial = one("scanner", driver, monkeypatch)
    assert (trial.result, "citizen_card" in trial.detail) == ("pass", True)
    assert "079190012345" not in repr(trial)
    assert "Nguyen" not in repr(trial)


def test_a_damaged_scan_fails_with_the_scanners_setting(monkeypatch):
    driver = open_driver("scanner", "simulated", {"name": "rig"})
    threading.Timer(0.2, driver.scan, [b"\xc3\x28"]).start()
    trial = one("scanner", driver, monkeypatch)
    assert (trial.result, "USB-CDC" in trial.remedy) == ("fail", True)


def test_nobody_there_is_unsure_and_no_failure(monkeypatch):
    for port in ("scanner", "reader"):
        trial = one(port, open_driver(port, "simulated", {"name": "rig"}), monkeypatch, wait_s=0.3)
        assert trial.result == "unsure"


def test_a_device_that_is_not_there_fails(monkeypatch):
    for port in ("scanner", "reader"):
        driver = open_driver(port, "simulated", {"name": "rig"})
        driver.plug(plugged=False)
        trial = one(port, driver, monkeypatch)
        assert (trial.result, trial.state) == ("fail", "noDevice")
        assert "plug it in" in trial.remedy


def test_a_driver_that_hangs_is_a_failed_device_and_holds_up_nobody(monkeypatch):
    class Hangs:
        def __init__(self) -> None:
            self.over = threading.Event()

        def open(self):
            self.over.wait(30)
            raise PortFault("late")

        def close(self) -> None:
            pass

    monkeypatch.setattr(bench, "SAYS_S", 0.3)
    driver = Hangs()
    trial = one("scanner", driver, monkeypatch)
    driver.over.set()
    assert (trial.result, trial.state) == ("fail", "unknown")


def test_the_profile_that_names_fewest_models_fits_best():
    seen = Present("x", "072f:223b", "", "1-1", "ACS", ())
    assert bench.fitting(seen, bench.shipped())[0] == "acr1252u"
    assert bench.fitting(Present("x", "dead:beef", "", "1-1", "", ()), bench.shipped()) == []


def test_without_a_profile_each_port_gets_what_is_plugged_in():
    names = [each.name for each in bench.found([bench.Plug("x", "072f:223b", "1-1", "", ("acr1252u",))])]
    assert names == ["acr1252u"]


@pytest.mark.parametrize("adapter", ["0403:6001", "067b:2303", "1a86:7523"])
def test_an_adapter_is_listed_and_never_tried_by_itself(adapter):
    """Behind it may be a lock or a UPS: nothing is sent to it unless a profile names it."""
    names = bench.fitting(Present("x", adapter, "", "1-1", "", ()), bench.shipped())
    plug = bench.Plug("x", adapter, "1-1", "Serial", tuple(names))
    assert names == ["printer-serial-80mm"]
    assert bench.found([plug]) == []
    assert "printer-serial-80mm" in bench.text([plug], [])


def test_a_printer_beside_an_adapter_is_tried():
    names = [
        each.name
        for each in bench.found(
            [
                bench.Plug("x", "1a86:7523", "1-1", "", ("printer-serial-80mm",)),
                bench.Plug("y", "04b8:0e15", "1-2", "", ("epson-tm-t20ii-usb",)),
            ]
        )
    ]
    assert names == ["epson-tm-t20ii-usb"]


def test_simulated_devices_are_labelled():
    ended = run("--profile", "simulated", "--wait-s", "0")
    assert ended.returncode == 0, ended
    assert ended.stdout.count("MÔ PHỎNG") == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--profile", "lobby-80"), 1, "did you mean 'lobby-80mm'"),
        (("--port", "prnter"), 2, "invalid choice"),
        (("/no/such/folder",), 1, "is no station's folder"),
        (("--wait-s", "soon"), 2, "--wait-s"),
    ],
)
def test_wrong_words_are_answered(words, code, said):
    ended = run(*words)
    assert (ended.returncode, said in ended.stderr) == (code, True), ended


def test_beside_a_running_agent_it_refuses(tmp_path):
    import fcntl

    with (tmp_path / "agent.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = run(tmp_path)
    assert ended.returncode == 1
    assert "stop it first" in ended.stderr


def test_the_trial_slip_holds_every_vietnamese_letter():
    from edge_agent.drivers.printer.raster import job

    letters = set("ăâđêôơưáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ")
    written = set(bench.LETTERS.lower())
    assert letters - written == set()
    for width in (384, 576):
        assert job(bench.TRIAL_SLIP, width).rows > 0
