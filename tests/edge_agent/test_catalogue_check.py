"""The command `catalogue check`: what it says of a right folder, a wrong one, and of none."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources

import pytest

from device_profiles import catalogue_toml
from edge_agent import __main__, catalogue_check
from edge_agent.machines import wording

IDS = ["management_fee", "code_lookup", "id_card_check", "stay_notice", "police_report", "data_wrong"]


@pytest.fixture
def folder(tmp_path):
    for each in (resources.files("device_profiles") / "services").iterdir():
        (tmp_path / each.name).write_text(each.read_text("utf-8"), "utf-8")
    return tmp_path


def test_the_shipped_services_are_right(capsys):
    assert __main__.main(["catalogue", "check"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == IDS
    assert all(line.endswith(": ok") for line in lines)
    assert lines[3].split()[:3] == ["stay_notice", "dossier", "queue"]
    assert "Thông báo lưu trú · Notice of a stay" in lines[3]
    assert last == "the shipped catalogue: all right (version 1, services: 6)"


def test_as_json_every_service_has_its_names_group_and_policy(folder, capsys):
    assert catalogue_check.main(["check", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["fault"]) == (1, None)
    assert [each["id"] for each in told["services"]] == IDS
    assert told["services"][4] == {
        "id": "police_report",
        "fault": None,
        "name": {"vi": "Phản ánh an ninh trật tự", "en": "Report to the police"},
        "code": "A5",
        "group": "report",
        "kind": "form",
        "form": "police_report/1",
        "offline": "queue",
    }


def test_a_fault_is_told_with_file_and_line_and_the_others_are_ok(folder, capsys):
    stay = folder / "stay_notice.toml"
    stay.write_text(stay.read_text("utf-8").replace('kind = "form"', 'kind = "frm"'), "utf-8")
    report = folder / "police_report.toml"
    report.write_text(report.read_text("utf-8").replace('group = "report"', 'group = "rep"'), "utf-8")
    assert catalogue_check.main(["check", str(folder)]) == 1
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert list(lines) == IDS
    assert "stay_notice.toml, line 5: unknown kind 'frm'; did you mean 'form'?" in lines["stay_notice"]
    assert "police_report.toml, line 3: there is no group 'rep'" in lines["police_report"]
    assert lines["data_wrong"].endswith(": ok")
    assert catalogue_check.main(["check", str(folder), "--json"]) == 1
    told = {each["id"]: each["fault"] for each in json.loads(capsys.readouterr().out)["services"]}
    assert told["stay_notice"].startswith("stay_notice.toml, line 5: ")
    assert told["data_wrong"] is None


def test_a_fault_of_the_whole_is_told(folder, capsys):
    (folder / "catalogue.toml").write_text("version = \n", "utf-8")
    assert catalogue_check.main(["check", str(folder)]) == 1
    assert capsys.readouterr().out.startswith("catalogue.toml, line 1: no TOML")
    assert catalogue_check.main(["check", str(folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["version"] is None
    assert told["fault"].startswith("catalogue.toml, line 1")


def test_wrong_use_says_what_is_missing(tmp_path, capsys):
    for arguments, words in (
        (["check", str(tmp_path / "none")], "is no folder"),
        (["check", str(tmp_path)], "holds no catalogue.toml, which names the groups"),
        (["chek"], "invalid choice: 'chek'"),
        ([], "arguments are required"),
    ):
        with pytest.raises(SystemExit) as ended:
            catalogue_check.main(arguments)
        assert ended.value.code == 2
        assert words in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_is_said(folder, capsys, monkeypatch):
    def refuse(_folder):
        raise PermissionError(13, "Permission denied", "catalogue.toml")

    monkeypatch.setattr(catalogue_check.catalogue_toml, "read", refuse)
    assert catalogue_check.main(["check", str(folder)]) == 1
    assert "Permission denied: 'catalogue.toml'" in capsys.readouterr().err


def test_the_fee_is_agreed_to_in_the_words_of_its_screen():
    consent = catalogue_toml.load_shipped().service("management_fee").consent
    assert (consent.version, tuple(consent.words)) == (wording.CONSENT_VERSION, wording.TEXTS["consent"])


def test_the_command_runs_by_its_own_name():
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", "catalogue", "check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "all right" in done.stdout
