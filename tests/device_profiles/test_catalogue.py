"""The shipped catalogue and the folder it is read from: every fault says file, line and what would be right."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest

import device_profiles
from device_profiles import answers as rules
from device_profiles import catalogue, catalogue_toml
from device_profiles.answers import Answer
from device_profiles.catalogue import Catalogue, Field, Service
from device_profiles.formats.text import search_key
from device_profiles.strict_toml import ProfileError
from tests.golden.wire.samples import golden_text

SHIPPED = Path(device_profiles.__file__).parent / "services"
ROOT = Path(device_profiles.__file__).parents[1]
ALL = catalogue_toml.load_shipped()
FORMS = [each for each in ALL.services if each.kind == "form"]
TODAY = date(2026, 11, 22)


@pytest.fixture
def folder(tmp_path):
    for path in SHIPPED.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return tmp_path


def edit(folder, name, old, new, count=1):
    path = folder / f"{name}.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def fault(folder) -> str:
    with pytest.raises(ProfileError) as why:
        catalogue_toml.load(folder)
    return str(why.value)


def test_the_tiles_are_those_of_the_home_screen():
    names = ["Hồ sơ", "Tra cứu", "Hóa đơn", "Phản ánh", "Sức khỏe", "Tài chính – SIM", "Báo sai dữ liệu", "Trợ giúp"]
    assert [each.name.vi for each in ALL.groups] == names
    assert [each.id for each in ALL.groups] == [
        "dossier",
        "lookup",
        "bill",
        "report",
        "health",
        "finance",
        "data",
        "help",
    ]


def test_the_services_are_offered_as_written():
    told = {
        each.id: (each.code, each.group, each.kind, each.offline, each.slip, each.identity) for each in ALL.services
    }
    assert told == {
        "management_fee": ("B6", "bill", "bill", "own", "payment", "none"),
        "code_lookup": ("A4", "lookup", "lookup", "none", "dossier", "none"),
        "id_card_check": ("C1", "lookup", "card", "own", "dossier", "none"),
        "stay_notice": ("A8", "dossier", "form", "queue", "dossier", "typed"),
        "police_report": ("A5", "report", "form", "queue", "report", "none"),
        "data_wrong": ("C4", "data", "form", "queue", "correction", "typed"),
    }
    assert ALL.service("police_report").emergency
    assert ALL.service("data_wrong").channels
    assert ALL.service("stay_notice").deadline == "stay_notice"
    assert ALL.service("stay_notice").fee_dong == 0
    assert ALL.service("nothing") is None
    assert [each.id for each in ALL.of_group("dossier")] == ["stay_notice"]
    assert [each.id for each in ALL.of_group("lookup")] == ["code_lookup", "id_card_check"]
    assert ALL.of_group("health") == ()


def test_no_shipped_service_asks_for_a_paper():
    assert not any(each.papers for each in ALL.services)


def walk(service: Service, answer) -> list[str]:
    """Answer each question as it comes, by what `answer` gives for it; the keys in the order they were asked."""
    told: dict[str, Answer] = {}
    while open_ones := [each for each in rules.asked(service, told) if each.key not in told]:
        asked = open_ones[0]
        value = answer(asked) or SAMPLES[asked.field.kind]
        since = rules.day_before(asked.field, told, asked.key)
        value = rules.judge(asked.field, value, as_of=TODAY, trusted=True, since=since)
        told[asked.key] = Answer(value, "typed")
    assert rules.faults(service, told, as_of=TODAY, trusted=True) == {}
    return [each.key for each in rules.asked(service, told)]


SAMPLES = {
    "name": "Nguyễn Văn Mẫu",
    "text": "căn A-12.05",
    "lines": "Có người gây rối ở sảnh",
    "phone": "0912345678",
    "id_number": "079090123456",
    "date": "22112026",
    "time": "2130",
    "number": "2",
    "ward": "27097",
}


def test_a_stay_is_told_by_the_host_and_by_the_guest():
    def host(asked):
        return {"guest_paper.1": "number", "guest_paper.2": "child", "guest_birth.2": "2020"}.get(asked.key) or (
            asked.field.choices[0].id if asked.field.choices else None
        )

    asked = walk(ALL.service("stay_notice"), host)
    assert asked[:4] == ["id_number", "name", "phone", "reporter"]
    people = ["guest_name.1", "guest_paper.1", "guest_number.1", "guest_name.2", "guest_paper.2", "guest_birth.2"]
    assert asked[-6:] == people
    alone = walk(ALL.service("stay_notice"), lambda asked: {"reporter": "guest"}.get(asked.key) or host(asked))
    assert not [key for key in alone if key.startswith("guest")]


def test_a_report_is_short_where_it_happens_now_and_here_and_nobody_is_named():
    service = ALL.service("police_report")
    now = {"now": "now", "where": "here", "contact": "anonymous", "category": "noise"}
    assert walk(service, lambda asked: now.get(asked.key)) == ["category", "now", "where", "place", "what", "contact"]
    past = {"now": "over", "where": "elsewhere", "contact": "named", "category": "other"}
    keys = walk(service, lambda asked: past.get(asked.key))
    assert keys == [each.id for each in service.fields]
    assert service.urgent == ("now", ("now",))


def test_wrong_data_is_told_with_what_is_right():
    keys = walk(ALL.service("data_wrong"), lambda asked: {"datum": "birth_date", "seen": "card"}.get(asked.key))
    assert keys == ["id_number", "name", "datum", "seen", "right", "phone"]


def texts(service: Service):
    yield from (service.name, service.help, service.notice, service.following)
    yield service.consent.words if service.consent else None
    for each in service.fields:
        yield from (each.ask, each.label, each.hint, *(choice.words for choice in each.choices))


def test_what_residents_read_is_vietnamese_first_and_plain():
    every = [words for service in ALL.services for words in texts(service) if words] + [
        each.name for each in ALL.groups
    ]
    for vi, en in every:
        assert "ông/bà" not in vi.lower()
        assert not re.search(r"\b(offline|online|form|server|link|click|QR code)\b", vi), vi
        assert vi != en, vi
    asks = [each.ask for service in FORMS for each in service.fields]
    assert all(words.vi[-1] in "?." and words.en[-1] in "?." for words in asks)
    marked = sum(search_key(vi) != vi.casefold() for vi, _ in every)
    assert marked > 0.9 * len(every)


def test_every_icon_is_drawn_by_the_screens():
    drawn = set(re.findall(r'name == "([a-z]+)"', (ROOT / "edge_agent/screens/_icons.html").read_text("utf-8")))
    assert set(catalogue.ICONS) <= drawn
    assert list(catalogue.ICONS) == sorted(set(catalogue.ICONS))


def test_a_folder_is_read_as_the_shipped_one(folder):
    assert catalogue_toml.load(folder) == ALL


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("stay_notice", "deadline =", "dedline =", "unknown key 'dedline'; did you mean 'deadline'?"),
        ("stay_notice", 'kind = "form"', 'kind = "forms"', "unknown kind 'forms'; did you mean 'form'?"),
        ("stay_notice", 'group = "dossier"', 'group = "dosier"', "there is no group 'dosier'"),
        ("stay_notice", 'icon = "building"', 'icon = "bulding"', "unknown icon 'bulding'; did you mean 'building'?"),
        ("stay_notice", "clock = true", "clock = 1", "clock must be true or false"),
        ("stay_notice", "fee_dong = 0", "fee_dong = -1", "fee_dong must be a whole number from 0 to"),
        ("stay_notice", 'offline = "queue"', 'offline = "quue"', "unknown policy 'quue'; did you mean 'queue'?"),
        ("stay_notice", 'card = "name"', 'card = "nam"', "unknown card field 'nam'; did you mean 'name'?"),
        ("stay_notice", 'preset = "today"', 'preset = "tody"', "unknown preset 'tody'; did you mean 'today'?"),
        ("stay_notice", 'per = "guests"', 'pear = "guests"', "unknown key 'pear'; did you mean 'per'?"),
        ("stay_notice", "most = 29", 'most = "29"', "field.most must be a whole number"),
        ("stay_notice", "masked = true", "masked = 1", "masked must be true or false"),
        ("stay_notice", "hint = {", "hnt = {", "unknown key 'hnt'; did you mean 'hint'?"),
        ("stay_notice", 'vi = "Số định danh", en', 'vn = "Số định danh", en', "unknown key 'vn'; known are: en, vi"),
        ("stay_notice", 'when = { field = "reporter", is', 'when = { filed = "reporter", is', "unknown key 'filed'"),
        ("stay_notice", 'per = "guests"', 'per = "guest"', "field 'guest_name': per must name an earlier number"),
        ("stay_notice", 'after = "from_date"', 'after = "to_date"', "field 'to_date': after must name an earlier date"),
        ("stay_notice", "[consent]\nversion", "[consent]\nverson", "unknown key 'verson'; did you mean 'version'?"),
        ("police_report", 'is = ["over"]', 'is = ["past"]', "has no choice 'past'; it has: now, over"),
        ("police_report", 'urgent = { field = "now"', 'urgent = { field = "no"', "'no' is no choice that is asked"),
        (
            "police_report",
            '{ id = "noise", vi',
            '{ id = "noise", vvi',
            "unknown key 'vvi' in a choice; did you mean 'vi'?",
        ),
        (
            "police_report",
            'id = "noise", vi = "Tiếng ồn"',
            'id = 5, vi = "Tiếng ồn"',
            "each choice must have the texts",
        ),
        ("id_card_check", 'needs = ["reader"]', 'needs = ["raeder"]', "unknown port 'raeder'; did you mean 'reader'?"),
        ("stay_notice", "fee_dong = 0", "fee_dong = 5000", "the fee is 0 dong: Luật Cư trú 2020, Điều 30"),
        ("id_card_check", 'valid_to = "2099-12-31"', 'valid_to = "2025-12-31"', "it ends before it begins"),
        ("catalogue", 'icon = "search"', 'icon = "serch"', "unknown icon 'serch'; did you mean 'search'?"),
        ("catalogue", "version = 1", "version = 0", "version must be a whole number from 1"),
        ("catalogue", "version = 1", "vrsion = 1", "unknown key 'vrsion'; did you mean 'version'?"),
        ("catalogue", 'id = "help"', 'id = "data"', "the group 'data' stands there twice"),
    ],
)
def test_a_fault_names_its_file_its_line_and_what_would_be_right(folder, name, old, new, said):
    line = edit(folder, name, old, new)
    told = fault(folder)
    assert said in told
    assert re.match(rf"{name}\.toml, line [0-9]+: ", told), told
    assert abs(int(re.search(r"line ([0-9]+)", told)[1]) - line) <= 12, (told, line)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("most = 29", 'most = "29"', "most"),
        ('per = "guests"', 'per = "guest"', "per"),
        ('hint = { vi = "Khách tự báo', 'hint = { vi = "  Khách tự báo', "hint"),
        ('label = { vi = "Giờ đến"', f'label = {{ vi = "{"Giờ " * 9}"', "label"),
    ],
)
def test_the_line_of_a_field_is_its_own(folder, old, new, key):
    line = edit(folder, "stay_notice", old, new)
    assert fault(folder).startswith(f"stay_notice.toml, line {line}: "), key


PAPER = '\n[[paper]]\nid = "deed"\nvi = "Giấy tờ nhà"\nen = "A deed"\nlaw = "Luật Mẫu, Điều 1"\n'


def test_a_paper_stands_there_with_its_law(folder):
    path = folder / "stay_notice.toml"
    path.write_text(path.read_text("utf-8") + PAPER, "utf-8")
    (paper,) = catalogue_toml.load(folder).service("stay_notice").papers
    assert (paper.id, paper.words.en, paper.law) == ("deed", "A deed", "Luật Mẫu, Điều 1")
    line = edit(folder, "stay_notice", "Giấy tờ nhà", "Sổ hộ khẩu")
    assert fault(folder).startswith(f"stay_notice.toml, line {line}: paper 'deed': asks for sổ hộ khẩu giấy")
    edit(folder, "stay_notice", "law =", "lwa =")
    assert "unknown key 'lwa'; did you mean 'law'?" in fault(folder)


@pytest.mark.parametrize("choices", ["5", '["a", "b"]'])
def test_choices_are_a_list_of_tables(folder, choices):
    line = edit(folder, "stay_notice", 'per = "guests"\nwhen', f'choices = {choices}\nper = "guests"\nwhen')
    assert fault(folder) == f"stay_notice.toml, line {line}: choices must be a list of {{ id, vi, en }}"


def test_what_is_asked_and_agreed_to_is_changed_under_a_new_version_only():
    """A sealed record names form and consent by version alone: other words under the same one would change the past."""
    lines = []
    for service in ALL.services:
        asked = repr([(each.id, each.kind, each.least, each.most, each.required, each.when) for each in service.fields])
        asked += repr([[choice.id for choice in each.choices] for each in service.fields])
        lines.append(f"{service.form} {hashlib.sha256(asked.encode()).hexdigest()[:16]}")
        if service.consent:
            words = "\n".join(service.consent.words)
            lines.append(f"{service.consent.version} {hashlib.sha256(words.encode()).hexdigest()[:16]}")
    assert golden_text("forms.txt", "\n".join(lines) + "\n").splitlines() == lines


def test_a_list_of_services_is_whole_and_each_stands_there_once(folder):
    edit(folder, "catalogue", '"stay_notice", ', "")
    assert "stay_notice.toml is not on the list" in fault(folder)
    edit(folder, "catalogue", '"police_report"', '"stay_notice", "polce_report"')
    assert "there is no polce_report.toml; did you mean 'police_report'?" in fault(folder)
    edit(folder, "catalogue", '"polce_report"', '"police_report", "stay_notice"')
    assert "a service stands on the list twice" in fault(folder)


def test_what_is_no_toml_or_no_utf8_is_said(folder):
    (folder / "data_wrong.toml").write_bytes(b'code = "\xff"')
    assert fault(folder) == "data_wrong.toml: is not UTF-8; save it as UTF-8"
    (folder / "data_wrong.toml").write_text("code = \n", "utf-8")
    assert "data_wrong.toml, line 1: no TOML" in fault(folder)
    (folder / "catalogue.toml").write_text("services = 5", "utf-8")
    assert "services must be a list of texts" in fault(folder)
    (folder / "catalogue.toml").write_text("group = 5\nversion = 1\n", "utf-8")
    assert "group must be tables, each beginning with [[group]]" in fault(folder)
    (folder / "catalogue.toml").unlink()
    with pytest.raises(OSError, match=r"catalogue\.toml"):
        catalogue_toml.load(folder)


def test_a_fault_of_one_service_hides_no_fault_of_another(folder):
    edit(folder, "stay_notice", 'kind = "form"', 'kind = "forms"')
    edit(folder, "police_report", 'group = "report"', 'group = "repot"')
    reading = catalogue_toml.read(folder)
    assert set(reading.faults) == {"stay_notice", "police_report"}
    assert [each.id for each in reading.catalogue.services] == [
        "management_fee",
        "code_lookup",
        "id_card_check",
        "police_report",
        "data_wrong",
    ]
    assert reading.order == tuple(each.id for each in ALL.services)


def test_fields_in_one_line_are_read_too_with_the_line_of_all(folder):
    edit(folder, "catalogue", '[[group]]\nid = "help"\nicon = "help"\nname = { vi = "Trợ giúp", en = "Help" }\n', "")
    assert len(catalogue_toml.load(folder).groups) == 7
    text = (folder / "catalogue.toml").read_text("utf-8")
    head = text[: text.index("[[group]]")]
    names = ("dossier", "lookup", "bill", "report", "data")
    inline = ", ".join(f'{{ id = "{name}", icon = "data", name = {{ vi = "Tên", en = "Name" }} }}' for name in names)
    (folder / "catalogue.toml").write_text(f"{head}group = [{inline}]\n", "utf-8")
    assert [each.id for each in catalogue_toml.load(folder).groups] == list(names)


def test_the_catalogue_goes_through_its_set_and_says_the_same():
    body = ALL.encode()
    assert Catalogue.decode(body) == ALL
    assert len(body) < 64 * 1024
    assert replace(ALL, version=2).encode() != body


def test_the_guide_explains_every_key():
    guide = (ROOT / "docs" / "SERVICES.md").read_text("utf-8")
    for shape in (Service, Field):
        table = guide.split(f"<!-- {shape.__name__} -->")[1].split("<!--")[0]
        said = re.findall(r"(?m)^\| `([a-z_]+)` \|", table)
        names = [each.name for each in fields(shape)]
        given = {"fields": "field", "papers": "paper"}
        assert said == [given.get(name, name) for name in names]
