"""The command, from outside: arguments, standard input, exit status, one JSON object."""

import io
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

import device_profiles.__main__ as command
from device_profiles.formats.explain import KINDS

VECTORS = Path(__file__).parents[1] / "golden" / "vectors"
IDENTITY = json.loads((VECTORS / "identity.json").read_text("utf-8"))
VIETQR = json.loads((VECTORS / "vietqr.json").read_text("utf-8"))
CARDS = {vector["id"]: vector for vector in IDENTITY["card_qr"]}
PAYMENTS = {vector["id"]: vector for vector in VIETQR["vectors"]}
NUMBER = "079190012345"


class Terminal:
    """Runs the command in this process and keeps what it wrote."""

    def __init__(self, monkeypatch, capfdbinary):
        self.monkeypatch, self.capture = monkeypatch, capfdbinary

    def run(self, *arguments, stdin=b""):
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "ascii"))
        try:
            status = command.main(arguments)
        except SystemExit as stop:
            status = stop.code
        sys.stdout.flush()
        out, err = self.capture.readouterr()
        return status, out.decode("utf-8"), err.decode("utf-8")

    def explain(self, *arguments, stdin=b""):
        status, out, err = self.run("explain", *arguments, stdin=stdin)
        assert err == ""
        answer = json.loads(out)
        assert status == (1 if answer["outcome"] == "invalid" else 0)
        return answer


@pytest.fixture
def terminal(monkeypatch, capfdbinary):
    return Terminal(monkeypatch, capfdbinary)


def test_another_process_can_run_it_whatever_its_locale():
    def run(*arguments, stdin=b""):
        return subprocess.run(
            [sys.executable, "-m", "device_profiles", "explain", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            cwd=Path(command.__file__).parents[1],
            env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        )

    good = run("card-qr", "-", stdin=CARDS["seven-fields"]["raw"].encode())
    assert (good.returncode, good.stderr) == (0, b"")
    assert json.loads(good.stdout)["fields"] == CARDS["seven-fields"]["fields"]
    assert "Nguyễn Thị Minh Anh".encode() in good.stdout
    damaged = run("card-qr", CARDS["seven-fields"]["raw"].encode()[:-30] + b"\xff")
    assert (damaged.returncode, json.loads(damaged.stdout)["reasons"]) == (1, ["encoding_damaged"])


def test_bytes_of_standard_input_are_taken_as_they_are(terminal):
    for vector in CARDS.values():
        raw = bytes.fromhex(vector["raw_hex"]) if "raw_hex" in vector else vector["raw"].encode()
        answer = terminal.explain("card-qr", "-", "--as-of", "2026-11-21", stdin=raw)
        assert (answer["outcome"], answer["reasons"]) == (vector["outcome"], vector["reasons"])
    vector = PAYMENTS["scanner-line-ending"]
    assert terminal.explain("vietqr", "-", stdin=vector["qr"].encode())["canonical"] is False
    assert terminal.explain("amount", "-", stdin=b"7000\n")["words"] == "bảy nghìn đồng"
    assert terminal.explain("amount", "-", stdin=b"7000\n\n")["reason"] == "not_an_integer"


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_that_are_no_text_are_explained(terminal, kind):
    assert terminal.explain(kind, "-", stdin=b"\xff\xfe\x00079")["outcome"] == "invalid"
    assert terminal.explain(kind, "-", stdin=b"")["outcome"] == "invalid"


def test_a_negative_amount_is_a_text_and_not_an_option(terminal):
    assert terminal.explain("amount", "-1")["reason"] == "negative"
    assert terminal.explain("amount", "--", "-1đ")["reason"] == "not_an_integer"


def test_options_say_what_the_check_depends_on(terminal):
    future = "079227000050"
    today = ("--as-of", "2026-11-21")
    assert terminal.explain("id-number", future, *today)["reasons"] == ["birth_year_in_future"]
    assert terminal.explain("id-number", future, *today, "--clock-untrusted")["outcome"] == "warn"
    chip = terminal.explain("id-number", future, "--source", "chip", *today)
    assert (chip["outcome"], chip["source"]) == ("warn", "chip")
    assert terminal.explain("id-number", future, "--as-of", "2027-01-01")["outcome"] == "valid"
    card = terminal.explain("id-number", NUMBER, "--card-birth-date", "1991-01-15", "--card-sex", "male")
    assert card["reasons"] == ["birth_year_mismatch", "sex_mismatch"]
    assert terminal.explain("id-number", NUMBER, "--card-birth-date", "1990")["reasons"] == []
    assert terminal.explain("phone", "19001234")["reason"] == "not_mobile"
    assert terminal.explain("phone", "19001234", "--field", "office_phone")["display"] == "1900 1234"
    assert "e164" not in terminal.explain("phone", "113", "--field", "hotline")


def test_today_is_the_day_in_vietnam(terminal, monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromisoformat("2026-12-31T18:00:00+00:00").astimezone(tz)

    monkeypatch.setattr(command, "datetime", Clock)
    assert terminal.explain("id-number", "079227000050")["outcome"] == "valid"


def test_more_is_told_than_the_vectors_ask_for(terminal):
    assert terminal.explain("id-number", NUMBER)["place_name"] == "Hồ Chí Minh"
    assert terminal.explain("vietqr", PAYMENTS["napas-612-static-card"]["qr"])["bank"] == "Sacombank"
    assert terminal.explain("electricity-code", "PD99000000017")["company"] == "EVNHANOI"
    assert terminal.explain("card-qr", CARDS["seven-fields"]["raw"])["assurance"] == "claimed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "unknown command ''; known are: check, explain"),
        (("explian",), "did you mean 'explain'?"),
        (("explain",), "required: KIND, TEXT"),
        (("explain", "vietqrr", "x"), "unknown kind 'vietqrr'; did you mean 'vietqr'?"),
        (("explain", "zzz", "x"), "unknown kind 'zzz'; known are: amount, card-qr,"),
        (("explain", "phone"), "required: TEXT"),
        (("explain", "phone", "1", "--feild", "hotline"), "unknown option '--feild'; did you mean '--field'?"),
        (("explain", "phone", "1", "--field", "hotlin"), "unknown field 'hotlin'; did you mean 'hotline'?"),
        (("explain", "phone", "0912", "345"), "too many arguments: '345'; put a TEXT of several words in quotes"),
        (("explain", "phone", "1", "--as-of", "21/11/2026"), "'21/11/2026' is no day; write it as 2026-11-21"),
        (("explain", "id-number", "1", "--card-birth-date", "１９９０"), "is no day"),
        (("explain", "id-number", "1", "--source", "chips"), "did you mean 'chip'?"),
        (("explain", "id-number", "1", "--card-sex", "femal"), "did you mean 'female'?"),
        (("check",), "required: DIR"),
        (("check", "no/such"), "no/such is no folder"),
    ],
)
def test_wrong_usage_names_what_would_be_right(terminal, arguments, message):
    status, out, err = terminal.run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_help(terminal):
    for arguments in (["--help"], ["explain", "-h"], ["check", "-h"]):
        status, out, err = terminal.run(*arguments)
        assert (status, err) == (0, "")
        assert "usage: python -m device_profiles" in out
    assert all(kind in terminal.run("explain", "-h")[1].replace("\n", "") for kind in KINDS)
