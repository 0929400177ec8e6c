"""The technician's command, against a real HTTPS server, as a person types it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from device_profiles.wire import device_name
from fleet_server import fleet_keys
from provisioning import __main__ as command
from provisioning import identity
from provisioning.authority import DAY_MS
from provisioning.identity import Identity, Keys, write_durably

if TYPE_CHECKING:
    from collections.abc import Callable


ROOT = Path(command.__file__).parents[1]


@pytest.fixture
def run(capsys) -> Callable[..., tuple[int, str]]:
    """Run one command in this process; give exit code and all that was printed."""

    def call(*words: object) -> tuple[int, str]:
        code = command.main([str(each) for each in words])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return call


@pytest.fixture
def claim_words(bench, registry, fleet, tmp_path) -> list[object]:
    (tmp_path / "claim.cose").write_bytes(registry.claim())
    return [
        "--claim", tmp_path / "claim.cose", "--server", fleet.url,
        "--ca", bench.server / fleet_keys.CA_ROOT, "--root", bench.server / fleet_keys.ROOT_SPKI,
    ]  # fmt: skip


def test_prepare_claim_check(run, claim_words, tmp_path):
    folder = tmp_path / "identity"
    code, words = run("prepare", folder)
    device = device_name(Keys.load(folder).device)
    assert code == 0
    assert device in words
    assert "`claim`" in words
    assert run("check", folder)[0] == 1
    code, words = run("claim", folder, *claim_words)
    assert code == 0, words
    for part in ("Đã đăng ký / Enrolled", "K0001  Sảnh A", device, "fleet.example:8883", "1 to 50000"):
        assert part in words, part
    code, words = run("check", folder)
    assert code == 0, words
    assert "start the agent" in words


def test_no_command_prints_a_private_key(run, claim_words, tmp_path):
    folder = tmp_path / "identity"
    printed = run("prepare", folder)[1] + run("claim", folder, *claim_words)[1] + run("check", folder)[1]
    for name in ("identity.pem", "tls.pem"):
        for line in (folder / name).read_text().splitlines()[1:-1]:
            assert line not in printed
    assert "PRIVATE" not in printed


def test_every_command_may_be_repeated(run, claim_words, tmp_path):
    folder = tmp_path / "identity"
    assert run("prepare", folder)[0] == 0
    first = Keys.load(folder).device
    assert run("prepare", folder)[0] == 0
    assert run("claim", folder, *claim_words)[0] == 0
    code, words = run("claim", folder, *claim_words)
    assert (code, "Was enrolled already" in words) == (0, True)
    code, words = run("prepare", folder)
    assert (code, "Already enrolled" in words) == (0, True)
    assert Keys.load(folder).device == first


def test_the_real_command_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "provisioning", "prepare", tmp_path / "i"],
        capture_output=True, text=True, timeout=30, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert device_name(Keys.load(tmp_path / "i").device) in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "provisioning", "prepared"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "prepare" in done.stderr


# --- wrong input: exit code 2, the thing and the remedy -----------------------------------------------------------


def test_wrong_input_is_named(run, claim_words, bench, tmp_path):
    folder = tmp_path / "identity"
    run("prepare", folder)
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "big").write_bytes(bytes(100_000))
    words_of = dict(zip(claim_words[::2], claim_words[1::2], strict=True))

    def with_(**differs: object) -> list[object]:
        return [each for pair in (words_of | {f"--{k}": v for k, v in differs.items()}).items() for each in pair]

    for arguments, words in (
        (("prepare", tmp_path / "file"), "is a file: name a folder"),
        (("check", tmp_path / "nothing"), "is no folder: `prepare` makes one"),
        (("claim", folder, *with_(claim=tmp_path / "nothing")), "--claim .*nothing: No such file"),
        (("claim", folder, *with_(claim=tmp_path / "file")), "--claim .*no bytes"),
        (("claim", folder, *with_(claim=tmp_path / "big")), "--claim .*4097 bytes"),
        (("claim", folder, *with_(server="http://127.0.0.1")), "must be https://HOST"),
        (("claim", folder, *with_(ca=bench.server / "root.spki")), "CA file holds no certificate"),
        (("claim", folder, *with_(root=bench.server / "ca/root.crt")), "not a public key"),
        (("claim", folder, *with_(root=tmp_path)), "--root .*Is a directory"),
    ):
        code, said = run(*arguments)
        assert code == 2, (arguments, said)
        assert re.search(words, said), (words, said)


def test_missing_options_end_with_code_2(run, tmp_path):
    for arguments in ((), ("claim", tmp_path), ("nonsense",)):
        with pytest.raises(SystemExit) as end:
            run(*arguments)
        assert end.value.code == 2


# --- refused: exit code 1, the code of the table ------------------------------------------------------------------


def test_a_refusal_shows_its_code_in_both_languages(run, claim_words, registry, tmp_path):
    run("prepare", tmp_path / "i")
    (tmp_path / "claim.cose").write_bytes(registry.claim(not_before_ms=0, not_after_ms=1))
    code, words = run("claim", tmp_path / "i", *claim_words)
    assert code == 1
    assert words.startswith("P02 Mã công việc đã hết hạn / The claim is out of its time: ")
    assert "Traceback" not in words


def test_a_file_that_is_no_claim_is_p01(run, claim_words, bench, tmp_path):
    run("prepare", tmp_path / "i")
    (tmp_path / "claim.cose").write_bytes(b"no claim")
    code, words = run("claim", tmp_path / "i", *claim_words)
    assert (code, words[:4]) == (1, "P01 ")


def test_a_claim_before_prepare_says_so(run, claim_words, tmp_path):
    code, words = run("claim", tmp_path / "i", *claim_words)
    assert code == 1
    assert "run `prepare`" in words


def test_an_enrolled_device_is_not_moved_by_another_stations_claim(run, claim_words, registry, tmp_path):
    from fleet_server.store import Station, Why

    run("prepare", tmp_path / "i")
    run("claim", tmp_path / "i", *claim_words)
    other = Station("K0002", "B", "B", "B", "lobby")
    registry.store.run(lambda store: store.put_station(other, Why("o", "t", registry.bench.now_ms)))
    (tmp_path / "claim.cose").write_bytes(registry.claim(station="K0002"))
    code, words = run("claim", tmp_path / "i", *claim_words)
    assert (code, words[:4]) == (1, "P03 ")
    assert Identity.load(tmp_path / "i").station == "K0001"


def test_a_full_disk_is_p15(run, tmp_path, monkeypatch):
    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(identity.os, "write", full)
    code, words = run("prepare", tmp_path / "i")
    assert (code, words[:4]) == (1, "P15 ")
    assert "Thẻ nhớ lỗi" in words


def test_a_folder_one_may_not_write_is_named(run, tmp_path, monkeypatch):
    def denied(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied", "identity.pem")

    monkeypatch.setattr(identity.os, "open", denied)
    code, words = run("prepare", tmp_path / "i")
    assert code == 2
    assert "No permission" in words


# --- check --------------------------------------------------------------------------------------------------------


@pytest.fixture
def enrolled(run, claim_words, tmp_path) -> Path:
    run("prepare", tmp_path / "i")
    assert run("claim", tmp_path / "i", *claim_words)[0] == 0
    return tmp_path / "i"


def test_check_tells_the_step_that_is_next(run, tmp_path):
    run("prepare", tmp_path / "i")
    code, words = run("check", tmp_path / "i")
    assert (code, "Next: `claim` with" in words) == (1, True)
    write_durably(tmp_path / "i" / "request.cose", b"x")
    code, words = run("check", tmp_path / "i")
    assert (code, "asked before" in words, "Next: `claim` again" in words) == (1, True, True)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-1, "P07 Đồng hồ chưa đúng"),
        (61, "P12 Chứng thư sắp hết hạn"),
        (91, "P12 Chứng thư đã hết hạn"),
    ],
)
def test_check_names_clock_and_certificate(run, enrolled, monkeypatch, days, words):
    real_ns = time.time_ns()
    monkeypatch.setattr(command.time, "time_ns", lambda: real_ns + days * DAY_MS * 1_000_000)
    code, said = run("check", enrolled)
    assert code == 1
    assert words in said


def test_check_is_content_on_day_59(run, enrolled, monkeypatch):
    real_ns = time.time_ns()
    monkeypatch.setattr(command.time, "time_ns", lambda: real_ns + 59 * DAY_MS * 1_000_000)
    assert run("check", enrolled)[0] == 0


def test_check_names_open_permissions_a_lost_key_list_and_another_board(run, enrolled, monkeypatch):
    (enrolled / "tls.pem").chmod(0o640)
    code, words = run("check", enrolled)
    assert (code, "tls.pem can be read by others: chmod 600" in words) == (1, True)
    (enrolled / "tls.pem").chmod(0o600)
    kept = (enrolled / "keys.cose").read_bytes()
    (enrolled / "keys.cose").unlink()
    code, words = run("check", enrolled)
    assert (code, "keys.cose is missing or damaged" in words) == (1, True)
    write_durably(enrolled / "keys.cose", kept)
    monkeypatch.setattr(command, "hardware_mark", lambda: b"another board")
    code, words = run("check", enrolled)
    assert (code, "P10 Máy đã đổi phần cứng" in words) == (1, True)


def test_check_lives_without_the_old_request(run, enrolled):
    (enrolled / "request.cose").unlink()
    assert run("check", enrolled)[0] == 0


def test_check_names_a_damaged_bundle(run, enrolled):
    (enrolled / "bundle.cose").write_bytes(b"half")
    code, words = run("check", enrolled)
    assert code == 1
    assert "bundle.cose is damaged" in words
    assert "remove it and run `claim` again" in words


def test_what_check_advises_on_a_damaged_bundle_works(run, enrolled, claim_words):
    whole = (enrolled / "bundle.cose").read_bytes()
    (enrolled / "bundle.cose").unlink()
    assert run("claim", enrolled, *claim_words)[0] == 0
    assert (enrolled / "bundle.cose").read_bytes() == whole
