"""The simulated bank's door: good rows once, bad rows by index, and no list can hurt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fleet_server.console.bank import BODY_MAX_BYTES, ROWS_MAX
from fleet_server.console.guard import BANK
from tests.fleet_server.console_bed import BANK_KEY, REFERENCES, T0, Bed, add_station, open_bed, payment

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture
def bed(tmp_path: Path) -> Generator[Bed]:
    with open_bed(tmp_path) as bed:
        add_station(bed.store, 1, bed.now_ms)
        bed.store.run(lambda store: store.put_payment(payment()))
        yield bed


def row(number: int = 1, **changed: Any) -> dict[str, Any]:
    new = {
        "bank_ref": f"FT{number}",
        "amount": 1_250_000,
        "memo": f"MBVCB SKHCM {REFERENCES[1]} CT",
        "account": "1020304050",
        "at_ms": T0 + 60_000,
    }
    return {**new, **changed}


def send(bed: Bed, body: object) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = bed.ask(BANK, "POST", {"authorization": f"Bearer {BANK_KEY}"}, data)
    assert answer.header("content-type") == "application/json"
    return (answer.status, answer.json)


def test_a_credit_confirms_its_payment_once_however_often_it_is_sent(bed: Bed) -> None:
    assert send(bed, [row(), row()]) == (200, {"new": 1, "known": 1, "bad": []})
    assert send(bed, [row()]) == (200, {"new": 0, "known": 1, "bad": []})
    paid = bed.store.payment(payment().device, payment().txn)
    assert paid is not None
    assert paid.state == "CONFIRMED"
    (credit,) = bed.store.credits()
    assert credit.simulated, "whatever comes through this door is marked"


def test_bad_rows_are_named_by_index_and_the_good_ones_kept(bed: Bed) -> None:
    status, answer = send(bed, [row(1), row(2, amount=0), "x", row(1, amount=5), row(3)])
    assert (status, answer["new"], answer["known"]) == (200, 2, 0)
    assert [each["index"] for each in answer["bad"]] == [1, 2, 3]
    assert "more than 0" in answer["bad"][0]["why"]
    assert "exactly" in answer["bad"][1]["why"]
    assert "other content" in answer["bad"][2]["why"]
    assert {credit.bank_ref for credit in bed.store.credits()} == {"FT1", "FT3"}


@pytest.mark.parametrize(
    "bad",
    [
        row(amount=-5),
        row(amount=True),
        row(amount=1.5),
        row(amount="1250000"),
        row(amount=10**40),
        row(at_ms=-1),
        row(at_ms=10**18),
        row(bank_ref=""),
        row(bank_ref="x" * 65),
        row(bank_ref=7),
        row(memo="x" * 501),
        row(memo="lone \ud800 surrogate"),
        row(memo="null \0 byte"),
        row(account="1\n2"),
        row(extra=1),
        {name: value for name, value in row().items() if name != "memo"},
        [],
        None,
    ],
)
def test_a_row_that_is_no_credit_is_not_kept(bed: Bed, bad: object) -> None:
    status, answer = send(bed, [bad])
    assert (status, answer["new"], answer["known"]) == (200, 0, 0)
    assert [each["index"] for each in answer["bad"]] == [0]
    assert bed.store.credits() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", {}, "x", 7, b"\xff\xfe", b"[" * 100_000, [row()] * (ROWS_MAX + 1)],
    ids=lambda body: str(body)[:12],
)
def test_what_is_no_list_is_refused_whole(bed: Bed, body: object) -> None:
    status, answer = send(bed, body)
    assert status == 422
    assert "list" in answer["error"]
    assert bed.store.credits() == []


def test_a_body_is_read_no_further_than_its_limit(bed: Bed) -> None:
    assert send(bed, b" " * (BODY_MAX_BYTES + 1))[0] == 413


def test_an_empty_list_is_fine(bed: Bed) -> None:
    assert send(bed, []) == (200, {"new": 0, "known": 0, "bad": []})


def test_without_the_setting_there_is_no_door(bed: Bed) -> None:
    bed.settings = type(bed.settings)(folder=bed.settings.folder)
    bed.open()
    assert BANK not in {getattr(route, "path", "") for route in bed.app.routes}
    assert send(bed, [row()])[0] == 404
    assert bed.store.credits() == []


def test_without_a_key_the_door_is_shut(bed: Bed) -> None:
    bed.bank_key = ""
    bed.open()
    answer = bed.ask(BANK, "POST", {"authorization": "Bearer "}, b"[]")
    assert answer.status == 401
