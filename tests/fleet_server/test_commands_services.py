"""`python -m fleet_server catalogue`, `dossier` and `technician-pin`: services published, offices' words, PINs."""

from __future__ import annotations

import io
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import device_profiles
from device_profiles import catalogue_toml
from device_profiles.messages import CONFIG, Desired
from edge_agent import sets
from edge_agent.machines import technician
from fleet_server import __main__ as desk_command
from fleet_server import desired, fleet_keys
from fleet_server.commands_services import HASH_BYTES, SALT_BYTES, pin_secret
from fleet_server.opener import Opener
from fleet_server.store import Station, Why
from provisioning.sealing import SealTo
from provisioning.trust import FleetTrust
from tests.fleet_server.desk_bed import Desk, is_one_clear_line, make_desk, write
from tests.fleet_server.station_bed import Sender, dossier_fields, register, send

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICES = Path(device_profiles.__file__).parent / "services"
CODE, SECOND = "TAM-K0001-000043-3", "TAM-K0001-000044-0"
OFFICIAL = "H29.17-261122-0001"
TXN, OTHER, TWIN = bytes(range(16)), bytes(range(1, 17)), bytes(range(2, 18))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Stations K0001 and K0002; K0001 filed dossiers, two of them under one code."""
    desk = make_desk(tmp_path_factory.mktemp("desk"))

    def fill(store: Any) -> None:
        (key,) = fleet_keys.load_openers(desk.server)
        sender = Sender(seal_to=SealTo(key.suite, key.public))
        register(store, sender)
        store.run(
            lambda each: each.put_station(
                Station("K0002", "Sảnh B", "B1", "26740", "simulated"), Why("huyen", "opened", 1)
            )
        )
        sender.write("dossier.created", dossier_fields(), TXN)
        sender.write("dossier.created", dossier_fields(code=SECOND), OTHER)
        for txn in (TWIN, TWIN[::-1]):
            sender.write("dossier.created", dossier_fields(code="TAM-K0001-000045-4"), txn)
        send(store, sender.batch())
        Opener(store, store, fleet_keys.load_openers(desk.server)).drain()

    desk.read(fill)
    return desk


def services(folder: Path, version: int) -> Path:
    """The shipped catalogue under another version."""
    made = shutil.copytree(SERVICES, folder / f"services-{version}")
    shipped = catalogue_toml.load_shipped().version
    index = made / "catalogue.toml"
    text = index.read_text("utf-8")
    assert f"\nversion = {shipped}\n" in text
    index.write_text(text.replace(f"\nversion = {shipped}\n", f"\nversion = {version}\n"), "utf-8")
    return made


def _catalogue(desk: Desk, source: Path) -> list[object]:
    return ["catalogue", desk.server, source, "--set-key", desk.set_key]


# --- a catalogue ------------------------------------------------------------------------------------------------------


def test_a_catalogue_reaches_every_station_as_a_signed_set_and_only_a_newer_one_replaces_it(desk, tmp_path):
    said = desk.done(*_catalogue(desk, services(tmp_path, 5)))
    assert said.startswith("catalogue version 5, ")
    (pointer,) = desk.read(lambda store: store.newest_sets())
    trust = FleetTrust((desk.server / "root.spki").read_bytes())
    trust.accept_keys((desk.server / "fleet-keys.cose").read_bytes())
    signed = sets.verify(trust, desk.read(lambda store: store.set_data(pointer.sha256)), time.time_ns() // 1_000_000)
    assert (signed.name, signed.version) == ("catalogue", 5)
    found = type(catalogue_toml.load_shipped()).decode(signed.body)
    assert found.services == catalogue_toml.load_shipped().services
    assert all(desired.concerns(pointer.name, each) for each in desk.read(lambda store: store.stations()))
    for version in (5, 4):
        ended = desk.run(*_catalogue(desk, services(tmp_path / f"{version}", version)))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert f"is version {version}, published is 5" in ended.stderr
    desk.done(*_catalogue(desk, services(tmp_path, 6)))
    assert [each.version for each in desk.read(lambda store: store.newest_sets())] == [6]


# --- an office's word -------------------------------------------------------------------------------------------------


def test_an_offices_word_is_kept_with_who_put_it_in_and_the_resident_is_told(desk):
    said = desk.done("dossier", desk.server, CODE.lower(), "--needs-more", "Mang theo thẻ", "--person", "huyen")
    assert said == f"{CODE} is NEEDS_MORE: Mang theo thẻ\n"
    said = desk.done("dossier", desk.server, CODE, "--needs-more", "Mang theo thẻ")
    assert said == f"{CODE} was already NEEDS_MORE: Mang theo thẻ\n"
    assert desk.done("dossier", desk.server, CODE, "--accept", OFFICIAL, "--person", "huyen").endswith(f"{OFFICIAL}\n")
    (filed,) = desk.read(lambda store: store.filed_under(CODE))
    assert (filed.state, filed.word.official, filed.word.person) == ("ACCEPTED", OFFICIAL, "huyen")
    lines = [each for each in desk.read(lambda store: store.audit_log()) if each.action == "dossier"]
    assert [(each.person, each.subject, each.detail) for each in lines] == [
        ("huyen", CODE, f"ACCEPTED {OFFICIAL}"),
        ("huyen", CODE, "NEEDS_MORE"),
    ]


def test_an_official_code_that_another_dossier_has_is_refused(desk):
    desk.done("dossier", desk.server, CODE, "--accept", OFFICIAL)
    ended = desk.run("dossier", desk.server, SECOND, "--accept", OFFICIAL)
    assert ended.returncode == 1
    assert f"{OFFICIAL} is another dossier's" in ended.stderr


def test_one_decision_at_a_time(desk):
    for words in ((), ("--accept", OFFICIAL, "--reject", "x")):
        assert desk.run("dossier", desk.server, CODE, *words).returncode == 2


# --- the technician's PIN ---------------------------------------------------------------------------------------------


def settings(desk: Desk, scope: str) -> dict[str, Any]:
    return dict(desk.read(lambda store: store.settings(scope)))


def carried(desk: Desk, station: str) -> bytes:
    """The PIN as the station's Desired carries it."""

    def make(store: Any) -> bytes:
        place, device = store.station(station), store.devices("K0001")[0]
        values = desired.merged(store.settings("fleet"), store.settings(station))
        made = desired.build(place, device, values, (), 1, None, 1_795_000_000_000)
        config = Desired.decode(made.desired.encode()).config
        return config[{name: number for number, name in CONFIG.items()}["technician_pin"]]

    return desk.read(make)


def holds(secret: bytes, pin: str) -> bool:
    """What a station does with a typed PIN."""
    assert len(secret) == SALT_BYTES + HASH_BYTES == 48
    return technician.hashed(pin, secret[:16]) == secret[16:]


def test_a_pin_holds_at_one_station_or_all_and_only_its_hash_is_kept(desk):
    desk.read(
        lambda store: store.run(
            lambda each: each.put_settings("K0001", {"out_of_service": "lau máy"}, Why("huyen", "", 1))
        )
    )
    said = desk.done("technician-pin", desk.server, "K0001", "--person", "huyen", stdin="279051\n")
    assert said == "a new PIN holds at K0001 once they have heard of it\n"
    assert holds(carried(desk, "K0001"), "279051")
    assert "technician_pin" not in settings(desk, "fleet")
    said = desk.done("technician-pin", desk.server, "--all", stdin="80517392\n")
    assert said == "a new PIN holds at all 2 stations once they have heard of it\n"
    assert holds(carried(desk, "K0001"), "80517392")
    assert holds(carried(desk, "K0002"), "80517392")
    assert settings(desk, "K0001") == {"out_of_service": "lau máy"}
    log = desk.read(lambda store: store.registry_log())
    hidden = settings(desk, "fleet")["technician_pin"]
    assert any('"technician_pin":"set"' in line.what for line in log)
    assert not [line for line in log if hidden[:16] in line.what]
    database = b"".join(path.read_bytes() for path in desk.server.glob("fleet.db*"))
    assert b"279051" not in database
    assert b"80517392" not in database
    pins = [each for each in desk.read(lambda store: store.audit_log()) if each.action == "technician-pin"]
    assert [(each.subject, each.detail) for each in pins] == [("fleet", ""), ("K0001", "")]


def test_two_pins_alike_have_different_hashes():
    assert pin_secret("279051") != pin_secret("279051")


# --- what every wrong word is told ------------------------------------------------------------------------------------

LONG = "x" * 301
WRONG: dict[str, tuple[Callable[[Desk, Path], list[object]], str, tuple[str, ...]]] = {
    "catalogue: no folder": (lambda d, t: _catalogue(d, t / "none"), "", ("none",)),
    "catalogue: not in order": (
        lambda d, t: _catalogue(d, write(services(t, 9), "stay_notice.toml", 'nam = "x"\n').parent),
        "",
        ("stay_notice.toml",),
    ),
    "catalogue: another key": (
        lambda d, t: [*_catalogue(d, services(t, 9))[:-1], d.folder / "offline" / "root.pem"],
        "",
        ("no station would believe", "set.pem"),
    ),
    "dossier: official code": (
        lambda d, _: ["dossier", d.server, OFFICIAL, "--reject", "x"],
        "",
        (OFFICIAL, "office's code", "TAM-"),
    ),
    "dossier: mistyped": (
        lambda d, _: ["dossier", d.server, "TAM-K0001-000043-4", "--reject", "x"],
        "",
        ("000043-4", "mistyped"),
    ),
    "dossier: no code": (lambda d, _: ["dossier", d.server, "43", "--reject", "x"], "", ("'43'", "TAM-K0001")),
    "dossier: unknown": (
        lambda d, _: ["dossier", d.server, "TAM-K0001-000046-5", "--reject", "x"],
        "",
        ("000046-5", "may not have sent it"),
    ),
    "dossier: two": (
        lambda d, _: ["dossier", d.server, "TAM-K0001-000045-4", "--reject", "x"],
        "",
        ("2 dossiers", "software team"),
    ),
    "dossier: provisional as official": (
        lambda d, _: ["dossier", d.server, CODE, "--accept", SECOND],
        "",
        (SECOND, "station's own code", "receipt"),
    ),
    "dossier: too long": (lambda d, _: ["dossier", d.server, CODE, "--reject", LONG], "", ("1 to 300", "301")),
    "dossier: a card number": (
        lambda d, _: ["dossier", d.server, CODE, "--reject", "thẻ 4111111111111111"],
        "",
        ("bank card's number", "leave it out"),
    ),
    "dossier: nobody": (lambda d, _: ["dossier", d.server, CODE, "--reject", "x", "--person", ""], "", ("--person",)),
    "dossier: no fleet": (lambda _, t: ["dossier", t, CODE, "--reject", "x"], "", ("is no server folder",)),
    "technician-pin: nobody": (lambda d, _: ["technician-pin", d.server], "279051\n", ("one station", "--all")),
    "technician-pin: both": (
        lambda d, _: ["technician-pin", d.server, "K0001", "--all"],
        "279051\n",
        ("one station", "--all"),
    ),
    "technician-pin: unknown": (
        lambda d, _: ["technician-pin", d.server, "K0009"],
        "279051\n",
        ("no station K0009", "K0001, K0002"),
    ),
    **{
        f"technician-pin: {pin or 'empty'}": (
            lambda d, _: ["technician-pin", d.server, "K0001"],
            f"{pin}\n",
            ("choose another",),
        )
        for pin in (
            "",
            "12345",
            "279051628",
            "27905a",
            "２７９０５１",
            "000000",
            "7777777",
            "123456",
            "87654321",
            "8901234",
        )
    },
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_one_line_with_the_remedy(desk, tmp_path, case, capsys, monkeypatch):
    make, typed, words = WRONG[case]
    arguments = [str(word) for word in make(desk, tmp_path)]
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))

    def kept() -> list[Any]:
        return desk.read(
            lambda store: [store.newest_sets(), store.registry_log(), store.audit_log(), store.filed_under(CODE)]
        )

    before = kept()
    code = desk_command.main(arguments)
    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert is_one_clear_line(said.err, words), said.err
    assert "4111" not in said.err
    assert not typed.strip() or typed.strip() not in said.err
    assert kept() == before
