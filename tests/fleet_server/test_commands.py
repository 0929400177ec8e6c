"""`python -m fleet_server` at a desk: real processes on a real folder; what is done, what every wrong word is told."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import sys
import time
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from device_profiles.bills import BillSet
from device_profiles.wire import device_name
from edge_agent import sets
from fleet_server import __main__ as desk_command
from fleet_server import fleet_keys
from fleet_server.console.sign_in import is_password
from fleet_server.enrol import Issuer, enrol
from fleet_server.opener import Opener
from fleet_server.store_sqlite import SqliteStore
from provisioning import enrolment
from provisioning.identity import Identity
from provisioning.sealing import SealTo
from provisioning.trust import FleetTrust
from tests.fleet_server.desk_bed import ROOT, Desk, is_one_clear_line, make_desk, write
from tests.fleet_server.station_bed import Sender, payment_fields, register, send
from tests.fleet_server.test_commands_services import WRONG as OF_SERVICES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

LIST = ROOT / "tests" / "golden" / "bills" / "toa-a.csv"
PLACE = ("--title", "Sảnh A", "--building", "TOA-A", "--ward", "Phường Bình Trưng", "--profile", "simulated")


@pytest.fixture(scope="module")
def one_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A fleet with station K0001, made once by the commands themselves."""
    desk = Desk(tmp_path_factory.mktemp("desk") / "fleet")
    said = desk.done("init", desk.folder, "--host", "fleet.example")
    assert str(desk.folder / "offline") in said
    said = desk.done("station", desk.server, "K0001", *PLACE, "--live", "--person", "huyen", "--reason", "opened")
    assert said == "K0001 Sảnh A, building TOA-A, live\n"
    return desk


# --- what is done -----------------------------------------------------------------------------------------------------


def test_init_makes_both_halves_and_only_once(one_desk):
    assert sorted(path.name for path in one_desk.folder.iterdir()) == ["offline", "server"]
    assert not list(one_desk.server.rglob("set.pem")) + list(one_desk.server.rglob("root.pem"))
    assert 'host = "fleet.example"' in (one_desk.server / "server.toml").read_text()
    for path in one_desk.folder.rglob("*.pem"):
        assert path.stat().st_mode & 0o077 == 0, path
    before = (one_desk.server / "root.spki").read_bytes()
    again = one_desk.run("init", one_desk.folder)
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    assert (one_desk.server / "root.spki").read_bytes() == before


def test_a_station_stands_in_the_registry_with_who_and_why(one_desk):
    station = one_desk.read(lambda store: store.station("K0001"))
    assert (station.building, station.live, station.profile) == ("TOA-A", True, "simulated")
    line = one_desk.read(lambda store: store.registry_log(subject="K0001"))[-1]
    assert (line.person, line.reason) == ("huyen", "opened")


def test_a_claim_admits_one_device_and_revoking_it_is_for_good(one_desk, tmp_path):
    claim = tmp_path / "k0001.claim"
    said = one_desk.done("claim", one_desk.server, "K0001", "--profile", "simulated", "--out", claim, "--person", "ktv")
    assert said.startswith(f"claim for K0001 (install) in {claim}, valid for 48 hours")
    now_ms = time.time_ns() // 1_000_000
    keys = fleet_keys.load(one_desk.server)
    issuer = Issuer(fleet_keys.load_authority(one_desk.server), keys, "127.0.0.1", 8883, "https://127.0.0.1:8443")
    identity = Identity.create(tmp_path / "identity")
    request = enrolment.make_request(
        identity.key, identity.tls, claim.read_bytes(), nonce=b"n" * 16, hardware=b"board", time_ms=now_ms, software="1"
    )
    answer = one_desk.read(lambda desk: desk.run(lambda store: enrol(store, request, now_ms, issuer)))
    bundle = enrolment.judge_bundle(answer, request, identity.tls.spki, keys.root_spki, issuer.authority.root)
    assert (bundle.station, bundle.profile) == ("K0001", "simulated")
    name = device_name(bundle.device)
    assert one_desk.done("revoke", one_desk.server, name).startswith(f"{name} is revoked")
    assert one_desk.read(lambda store: store.device(bundle.device)).status == "REVOKED"
    again = one_desk.run("revoke", one_desk.server, name)
    assert (again.returncode, again.stderr) == (1, f"fleet_server: {name} is revoked already\n")


def test_a_user_may_sign_in_with_the_password_of_standard_input_alone(one_desk):
    password = "một mật khẩu đủ dài"
    said = one_desk.done("user", one_desk.server, "huyen", "--role", "admin", "--stdin", stdin=password + "\n")
    assert said == "huyen may sign in as admin\n"
    user = one_desk.read(lambda store: store.user("huyen"))
    assert user.role == "admin"
    assert is_password(user.secret, password)
    assert not is_password(user.secret, password + " ")
    database = b"".join(path.read_bytes() for path in one_desk.server.glob("fleet.db*"))
    assert password.encode() not in database


# --- a board's list ---------------------------------------------------------------------------------------------------

BAD = [
    "toa-a.csv, line 192: due: '31/09/2026' is no day; write 30/09/2026 (day first)",
    "toa-a.csv, line 213: amount: 'một triệu' is not whole dong; write 1.250.000",
    "toa-a.csv, line 403: unit A-20.20, period 2026-09 stands in lines 403, 405 with different content: keep one",
    "toa-a.csv, line 404: unit A-01.01, period 2026-09 stands in line 2 already",
    "toa-a.csv, line 405: unit A-20.20, period 2026-09 stands in lines 403, 405 with different content: keep one",
]
NOT_SERVED = ("A-10.10", "A-11.11", "A-20.20")


def newest(desk: Desk) -> tuple[Any, BillSet | None]:
    """The newest list as a station gets it: by its hash, under the fleet's trust."""
    found = [each for each in desk.read(lambda store: store.newest_sets()) if each.name == "bills/TOA-A"]
    if not found:
        return None, None
    data = desk.read(lambda store: store.set_data(found[0].sha256))
    assert len(data) == found[0].size_bytes
    trust = FleetTrust((desk.server / "root.spki").read_bytes())
    trust.accept_keys((desk.server / "fleet-keys.cose").read_bytes())
    signed = sets.verify(trust, data, time.time_ns() // 1_000_000)
    assert (signed.name, signed.version) == (found[0].name, found[0].version)
    return found[0], BillSet.decode(signed.body)


def test_the_list_has_the_dirt_it_is_kept_for():
    data = LIST.read_bytes()
    text = data.decode("utf-8-sig")
    lines = text.split("\r\n")
    assert data.startswith(b"\xef\xbb\xbf")
    assert lines[-1] == ""
    assert lines[0].count(";") == 5
    assert len({line.split(";")[0].strip() for line in lines[1:] if line.strip(" ;")}) == 400
    assert unicodedata.normalize("NFC", text) != text
    assert "Trần Thị Bích Ngọc" in text
    assert any(line.split(";")[0].endswith("  ") for line in lines)


@pytest.fixture(scope="module")
def imported(one_desk: Desk) -> subprocess.CompletedProcess[str]:
    return one_desk.bills(LIST, "--offline")


def test_good_rows_are_served_bad_ones_named_and_none_is_lost(one_desk, imported):
    assert imported.returncode == 0
    assert imported.stderr.splitlines() == BAD
    rows, signed = imported.stdout.splitlines()
    assert rows == "404 rows: 397 served, 5 bad, 2 blank"
    assert 397 + 5 + 2 == 404 == len(LIST.read_bytes().splitlines()) - 1
    pointer, found = newest(one_desk)
    assert signed == f"bills/TOA-A version {pointer.version}, {pointer.size_bytes} bytes, signed"
    assert (found.payee_account, found.payee_name, found.offline) == ("113366668888", "BAN QUAN TRI TOA A", True)


def test_a_resident_finds_the_bill_the_board_wrote(one_desk, imported):
    _, found = newest(one_desk)
    (bill,) = found.find("a 1205")
    assert (bill.unit, bill.amount, bill.due, bill.period) == ("A-12.05", 1_250_000, "2026-09-30", "2026-09")
    assert bill.owner == "LE *** NAM"
    assert [found.find(unit) for unit in NOT_SERVED] == [(), (), ()]
    assert found.find("A-01.01")  # the same row twice is one bill
    said = {}
    for line in LIST.read_text("utf-8-sig").splitlines()[1:]:
        unit, _, amount, *_ = [*line.split(";"), "", ""]
        digits = "".join(char for char in amount if char.isdigit())
        if unit.strip() and unit.strip() not in NOT_SERVED:
            said[unit.strip()] = int(digits)
    assert {bill.unit: bill.amount for bill in found.bills} == said


def test_no_name_of_an_owner_leaves_the_desk_in_full(one_desk, imported):
    _, found = newest(one_desk)
    (bill,) = found.find("A-05.05")
    assert bill.owner == "TRAN *** NGOC"
    assert all("***" in each.owner and each.owner.isascii() for each in found.bills)
    database = b"".join(path.read_bytes() for path in one_desk.server.glob("fleet.db*"))
    assert not [word for word in ("Bích", "BICH") if word.encode() in database]


def test_a_newer_list_takes_its_place_and_one_without_a_good_row_does_not(one_desk, imported, tmp_path):
    first, _ = newest(one_desk)
    file = tmp_path / "next.csv"
    file.write_text("Căn hộ,Kỳ,Số tiền,Hạn,Chủ hộ\nA-01.01,10/2026,5000,31/10/2026,LE *** NAM\n", "utf-8")
    assert one_desk.bills(file).returncode == 0
    second, found = newest(one_desk)
    assert second.version > first.version
    assert (len(found.bills), found.offline) == (1, False)
    file.write_text("Căn hộ,Kỳ,Số tiền,Hạn,Chủ hộ\nA-01.01,10/2026,0,31/10/2026,LE *** NAM\n", "utf-8")
    none = one_desk.bills(file)
    assert (none.returncode, none.stdout) == (1, "1 rows: 0 served, 1 bad, 0 blank\n")
    assert none.stderr.splitlines()[1] == "nothing was good: the list in force stays"
    assert newest(one_desk)[0] == second


# --- backup, restore, rebuild -----------------------------------------------------------------------------------------


@pytest.fixture
def with_records(tmp_path: Path) -> tuple[Desk, Sender]:
    """A fleet that holds one payment of a station."""
    desk = make_desk(tmp_path)
    (opening,) = fleet_keys.load_openers(desk.server)
    sender = Sender(seal_to=SealTo(opening.suite, opening.public))
    with closing(SqliteStore.open(desk.server / "fleet.db")) as store:
        register(store, sender)
        sender.write("payment.created", payment_fields(), b"t" * 16)
        sender.write("payment.state", {"state": "QR_SHOWN"}, b"t" * 16)
        send(store, sender.batch())
        Opener(store, store, [opening]).drain()
    return desk, sender


def test_a_backup_is_restored_under_a_new_lineage_with_every_record(with_records, tmp_path):
    desk, sender = with_records
    before = desk.read(lambda store: (store.lineage(), store.after(0, 100), store.payments()))
    target = tmp_path / "b.db"
    assert desk.done("backup", desk.server, "--target", target) == f"{target}: 1 journals, checked\n"
    assert desk.read(lambda store: store.head(sender.device, sender.journal)).durable_next == len(sender.records)
    for path in desk.server.glob("fleet.db*"):
        path.unlink()
    said = desk.done("restore", desk.server, target)
    after = desk.read(lambda store: (store.lineage(), store.after(0, 100), store.payments()))
    assert said.startswith(f"restored from {target}; new lineage {after[0].hex()}")
    assert after[0] != before[0]
    assert after[1:] == before[1:]


def test_a_backup_goes_where_the_settings_say(with_records, tmp_path):
    desk, _ = with_records
    place = tmp_path / "backups"
    place.mkdir()
    (desk.server / "server.toml").write_text(f'backup_folder = "{place}"\n')
    desk.done("backup", desk.server)
    (made,) = place.iterdir()
    assert made.name.startswith("fleet-")
    # Under systemd the folder comes from the environment, and the timer names none.
    time.sleep(1.0 - time.time() % 1.0)
    desk.done("backup", STATE_DIRECTORY=str(desk.server))
    assert len(list(place.iterdir())) == 2


def test_a_rebuild_folds_the_whole_log_to_the_same_rows(with_records):
    desk, sender = with_records
    before = desk.read(lambda store: (store.payments(), store.timeline("K0001")))
    with closing(sqlite3.connect(desk.server / "fleet.db")) as database, database:
        database.execute("UPDATE payment SET amount = 1")
    assert desk.done("rebuild", desk.server) == f"{len(sender.records)} records folded again\n"
    assert desk.read(lambda store: (store.payments(), store.timeline("K0001"))) == before
    assert before[0][0].amount == 1_250_000


# --- what every wrong word is told ------------------------------------------------------------------------------------


def _bills(desk: Desk, file: object, **differs: object) -> list[object]:
    options = {"building": "TOA-A", "title": "x", "bin": "970415", "account": "1", "payee": "BQT"} | differs
    given = {"set-key": desk.set_key} | {name.replace("_", "-"): value for name, value in options.items()}
    return ["bills", desk.server, file, *(word for name, value in given.items() for word in (f"--{name}", value))]


def _toml(desk: Desk, folder: Path, text: str) -> Path:
    """A server folder beside the real one, with another settings file."""
    other = folder / "other"
    other.mkdir()
    (other / "ca").symlink_to(desk.server / "ca")
    write(other, "server.toml", text)
    return other


GOOD_CSV = "Can ho,Ky,So tien,Han,Chu ho\nA-01.01,10/2026,5000,31/10/2026,LE *** NAM\n"
STATION = ("--title", "t", "--building", "b", "--ward", "w")
NO_FOLDER = "is no server folder"
WRONG: dict[str, tuple[Callable[[Desk, Path], list[object]], tuple[str, ...]]] = {
    "init: there already": (lambda d, _: ["init", d.folder], ("is not empty", "name a new folder")),
    "init: no host": (lambda _, t: ["init", t / "new", "--host", "a b"], ("'a b' is no host", "give a name")),
    "serve: no folder": (lambda _, t: ["serve", t], ("root.crt", "server folder")),
    "serve: unknown setting": (
        lambda d, t: ["serve", _toml(d, t, 'brokr = "nats"\n')],
        ("server.toml, line 1", "did you mean 'broker'"),
    ),
    "station: no folder": (lambda _, t: ["station", t, "K0001", *PLACE], (NO_FOLDER, "init DIR")),
    "station: no id": (
        lambda d, _: ["station", d.server, "K1", *STATION, "--profile", "simulated"],
        ("'K1' is no station id", "K0001"),
    ),
    "station: unknown profile": (
        lambda d, _: ["station", d.server, "K0009", *STATION, "--profile", "simulatd"],
        ("simulatd", "did you mean 'simulated'"),
    ),
    "station: no title": (
        lambda d, _: ["station", d.server, "K0009", *STATION[2:], "--title", " ", "--profile", "simulated"],
        ("K0009 needs a title",),
    ),
    "claim: unknown station": (
        lambda d, t: ["claim", d.server, "K0009", "--profile", "simulated", "--out", t / "c"],
        ("K0009", "add it first"),
    ),
    "claim: unknown profile": (
        lambda d, t: ["claim", d.server, "K0001", "--profile", "lobby", "--out", t / "c"],
        ("lobby", "did you mean"),
    ),
    "claim: no such place": (
        lambda d, t: ["claim", d.server, "K0001", "--profile", "simulated", "--out", t / "none" / "c"],
        ("none/c", "check the name"),
    ),
    "claim: no folder": (
        lambda _, t: ["claim", t, "K0001", "--profile", "simulated", "--out", t / "c"],
        ("root.spki", "server folder"),
    ),
    "revoke: no name": (lambda d, _: ["revoke", d.server, "K0001"], ("'K0001' is no device name", "26 letters")),
    "revoke: unknown": (lambda d, _: ["revoke", d.server, "a" * 26], ("a" * 26, "operations page")),
    "revoke: no folder": (lambda _, t: ["revoke", t, "a" * 26], (NO_FOLDER,)),
    "user: short password": (lambda d, _: ["user", d.server, "an", "--stdin"], ("password of an", "10 to 200")),
    "user: no name": (lambda d, _: ["user", d.server, "An Binh", "--stdin"], ("'An Binh' is no user name", "a-z")),
    "user: no role": (
        lambda d, _: ["user", d.server, "an", "--role", "king", "--stdin"],
        ("'king'", "operator, admin"),
    ),
    "user: no folder": (lambda _, t: ["user", t, "an", "--stdin"], (NO_FOLDER,)),
    "bills: no file": (lambda d, t: _bills(d, t / "none.csv"), ("none.csv", "check the name")),
    "bills: a workbook": (lambda d, t: _bills(d, write(t, "a.csv", b"PK\x03\x04x")), ("workbook", "save it as CSV")),
    "bills: no heading": (
        lambda d, t: _bills(d, write(t, "a.csv", "a;b\n1;2\n")),
        ("line 1", "column unit is missing"),
    ),
    "bills: another encoding": (
        lambda d, t: _bills(d, write(t, "a.csv", b"C\xe3n h\xf4\n")),
        ("line 1 is not UTF-8", "save it as CSV"),
    ),
    "bills: no key file": (
        lambda d, t: _bills(d, write(t, "a.csv", GOOD_CSV), set_key=t / "none.pem"),
        ("none.pem", "check the name"),
    ),
    "bills: no key": (
        lambda d, t: _bills(d, write(t, "a.csv", GOOD_CSV), set_key=write(t, "k.pem", "no key")),
        ("k.pem is no signing key", "set.pem"),
    ),
    "bills: another key": (
        lambda d, t: _bills(d, write(t, "a.csv", GOOD_CSV), set_key=d.folder / "offline" / "root.pem"),
        ("no station would believe", "set.pem"),
    ),
    "bills: no bank": (lambda d, t: _bills(d, write(t, "a.csv", GOOD_CSV), bin="97"), ("payee_bin", "six digits")),
    "bills: no such building": (
        lambda d, t: _bills(d, write(t, "a.csv", GOOD_CSV), building="TOA-B"),
        ("'TOA-B'", "TOA-A"),
    ),
    "anchors: no file": (lambda d, t: ["anchors", d.server, t / "x.cer", "--set-key", d.set_key], ("x.cer", "check")),
    "backup: no place": (lambda d, _: ["backup", d.server], ("backup_folder", "--target")),
    "backup: no such place": (
        lambda d, t: ["backup", d.server, "--target", t / "none" / "b.db"],
        ("none is no folder", "make it"),
    ),
    "backup: there already": (
        lambda d, t: ["backup", d.server, "--target", write(t, "b.db", "")],
        ("b.db exists", "by its time"),
    ),
    "backup: no folder": (lambda _, t: ["backup", t, "--target", t / "b.db"], (NO_FOLDER,)),
    "restore: a database stands there": (
        lambda d, t: ["restore", d.server, write(t, "b.db", "")],
        ("fleet.db exists", "move it away"),
    ),
    "restore: no backup": (lambda d, t: ["restore", d.server, t / "none.db"], ("none.db is no file", "newest")),
    "restore: no database": (
        lambda d, t: ["restore", _toml(d, t, ""), write(t, "b.db", "no database, but long enough" * 50)],
        ("b.db is no backup",),
    ),
    "restore: no folder": (lambda _, t: ["restore", t, write(t, "b.db", "")], (NO_FOLDER,)),
    "rebuild: no folder": (lambda _, t: ["rebuild", t], (NO_FOLDER,)),
    "rebuild: no database": (
        lambda d, t: ["rebuild", write(_toml(d, t, ""), "fleet.db", "no database at all " * 50).parent],
        ("the database", "restore"),
    ),
}
ONE_OF_EACH = [
    name for at, name in enumerate(WRONG) if name.split(":")[0] not in [n.split(":")[0] for n in [*WRONG][:at]]
]


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_one_line_with_the_remedy(one_desk, tmp_path, case, capsys, monkeypatch):
    make, words = WRONG[case]
    arguments = [str(word) for word in make(one_desk, tmp_path)]
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = newest(one_desk)[0]
    code = desk_command.main(arguments)
    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert is_one_clear_line(said.err, words), said.err
    assert newest(one_desk)[0] == before
    assert not list(tmp_path.rglob("fleet.db.part*"))


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_a_command_that_is_refused_ends_with_1_and_nothing_but_its_line(one_desk, tmp_path, case):
    make, words = WRONG[case]
    ended = one_desk.run(*make(one_desk, tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert is_one_clear_line(ended.stderr, words), ended.stderr


def verbs() -> list[str]:
    parser = desk_command._parser()
    return [verb for action in parser._actions for verb in (action.choices or ())]


def test_every_command_has_a_wrong_input_here():
    assert {case.split(":")[0] for case in [*WRONG, *OF_SERVICES]} | {"demo"} == set(verbs())


@pytest.mark.parametrize("words", [[], ["dance"], ["demo", "--stations"], *([verb, "--no-such"] for verb in verbs())])
def test_wrong_usage_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        desk_command.main(words)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err.startswith("usage: python -m fleet_server")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stations", "0"], "1 to 50 stations"),
        (["--stations", "51"], "1 to 50 stations"),
        (["--seconds", "-1"], "no negative times"),
        (["--cut", "-1"], "no negative times"),
        (["--seconds", "5", "--cut", "5"], "--cut must be shorter"),
    ],
)
def test_a_demonstration_that_cannot_be_meant_is_wrong_usage(words, said, capsys):
    assert desk_command.main(["demo", *words]) == 2
    assert is_one_clear_line(capsys.readouterr().err, (said,))


def test_a_claim_of_no_known_kind_is_wrong_usage(one_desk, tmp_path):
    words = ("claim", one_desk.server, "K0001", "--profile", "simulated", "--kind", "dance", "--out", tmp_path / "c")
    ended = one_desk.run(*words)
    assert ended.returncode == 2
    assert "invalid choice: 'dance'" in ended.stderr
    assert not (tmp_path / "c").exists()
