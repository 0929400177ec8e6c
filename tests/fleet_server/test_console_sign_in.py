"""Passwords, sessions, waiting after failures: who is let in, what is kept of it, what is written down."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest

from fleet_server.console.sign_in import (
    COST,
    FORGET_MS,
    FREE_FAILURES,
    NAMES_MAX,
    SESSION_MS,
    WAIT_MAX_MS,
    WAIT_MIN_MS,
    Attempts,
    Door,
    Refused,
    SignedIn,
    UserRefused,
    is_password,
    open_door,
    put_user,
    secret_of,
    token_sha256,
)
from fleet_server.store import User
from fleet_server.store_sqlite import SqliteStore
from tests.fleet_server.console_bed import CHEAP, NAME, PASSWORD, T0

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Generator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "fleet.db")
    store.run(lambda each: each.put_user(User(NAME, secret_of(PASSWORD, CHEAP), "operator", T0)))
    yield store
    store.close()


@pytest.fixture
def door(store: SqliteStore) -> Door:
    opened = open_door(store, store)
    return Door(opened.fleet, opened.reader, opened.attempts, secret_of("nobody's password", CHEAP))


def audit(store: SqliteStore) -> list[tuple[str, str, str]]:
    return [(line.person, line.action, line.detail) for line in store.audit_log()]


def test_a_password_fits_its_secret_alone_however_its_letters_are_composed() -> None:
    secret = secret_of("mật khẩu của Huyền", CHEAP)
    assert is_password(secret, unicodedata.normalize("NFD", "mật khẩu của Huyền"))
    assert not is_password(secret, "mật khẩu của Huyên")
    assert not is_password(secret, "")
    assert "khẩu".encode() not in secret
    assert secret != secret_of("mật khẩu của Huyền", CHEAP), "the salt is new each time"


def test_an_unknown_name_costs_as_much_as_a_known_one(store: SqliteStore) -> None:
    user = put_user(store, "minh", PASSWORD, "admin", T0)
    nobody = open_door(store, store).nobody
    assert tuple(nobody[:3]) == tuple(user.secret[:3]) == COST
    assert len(nobody) == len(user.secret)


@pytest.mark.parametrize(
    ("name", "password", "role", "words"),
    [
        ("H", PASSWORD, "operator", "user name"),
        ("Huyen", PASSWORD, "operator", "user name"),
        ("<b>", PASSWORD, "operator", "user name"),
        ("huyen", PASSWORD, "root", "operator, admin"),
        ("huyen", "ngắn quá", "operator", "10 to 200"),
        ("huyen", "x" * 201, "operator", "10 to 200"),
        ("huyen", "tab\tvà xuống\n dòng", "operator", "printable"),
        ("huyen", "thừa dấu cách ở cuối ", "operator", "printable"),
    ],
)
def test_a_user_that_cannot_be_kept_is_refused_with_the_remedy(
    store: SqliteStore, name: str, password: str, role: str, words: str
) -> None:
    with pytest.raises(UserRefused) as refused:
        store.run(lambda each: put_user(each, name, password, role, T0))
    assert words in str(refused.value)
    assert "ngắn" not in str(refused.value), "an error never repeats a password"


def test_a_new_password_ends_every_session_of_that_name_and_is_written_down(store: SqliteStore, door: Door) -> None:
    entered = door.enter(NAME, PASSWORD, T0)
    assert isinstance(entered, SignedIn)
    store.run(lambda each: put_user(each, NAME, "một mật khẩu khác", "admin", T0 + 1))
    assert door.who(entered.token, T0 + 2) is None
    assert isinstance(door.enter(NAME, PASSWORD, T0 + 3), Refused)
    assert isinstance(door.enter(NAME, "một mật khẩu khác", T0 + 4), SignedIn)
    assert ("fleet", "user.put", "admin") in audit(store)


def test_a_session_lasts_eight_hours_and_only_the_hash_of_its_token_is_kept(
    store: SqliteStore, door: Door, tmp_path: Path
) -> None:
    entered = door.enter(f" {NAME} ", PASSWORD, T0)
    assert isinstance(entered, SignedIn)
    session = door.who(entered.token, T0 + SESSION_MS - 1)
    assert session is not None
    assert (session.user, session.token_sha256) == (NAME, token_sha256(entered.token))
    assert SESSION_MS == 8 * 3_600_000
    assert door.who(entered.token, T0 + SESSION_MS) is None
    assert door.who("", T0) is None
    assert door.who(entered.token + "x", T0) is None
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token_sha256(entered.token) in files
    assert entered.token.encode() not in files
    assert audit(store) == [(NAME, "sign-in", "")]


def test_leaving_ends_the_session_and_is_written_down(store: SqliteStore, door: Door) -> None:
    entered = door.enter(NAME, PASSWORD, T0)
    assert isinstance(entered, SignedIn)
    session = door.who(entered.token, T0)
    assert session is not None
    door.leave(session, T0 + 5)
    assert door.who(entered.token, T0 + 6) is None
    assert audit(store)[0] == (NAME, "sign-out", "")


def test_failures_are_written_down_but_never_what_was_typed(store: SqliteStore, door: Door) -> None:
    store.run(lambda each: each.put_user(User("cu", secret_of(PASSWORD, CHEAP), "operator", T0, disabled=True)))
    for name in (NAME, "cu", "mat-khau-go-nham-o", "Mật khẩu gõ nhầm ô"):
        assert door.enter(name, PASSWORD if name == "cu" else "sai hoàn toàn", T0) == Refused(0)
    assert audit(store) == [
        ("?", "sign-in.refused", "unknown name"),
        ("?", "sign-in.refused", "unknown name"),
        ("cu", "sign-in.refused", "disabled"),
        (NAME, "sign-in.refused", "password"),
    ]


def test_after_some_failures_even_the_right_password_waits_and_is_not_looked_at(store: SqliteStore, door: Door) -> None:
    for _ in range(FREE_FAILURES - 1):
        assert door.enter(NAME, "sai hoàn toàn", T0) == Refused(0)
    assert door.enter(NAME, "sai hoàn toàn", T0) == Refused(WAIT_MIN_MS)
    written = len(store.audit_log())
    assert door.enter(NAME, PASSWORD, T0 + WAIT_MIN_MS - 1) == Refused(1)
    assert len(store.audit_log()) == written, "attempts that are not looked at do not flood the log"
    assert isinstance(door.enter("minh", "sai hoàn toàn", T0), Refused)
    assert isinstance(door.enter(NAME, PASSWORD, T0 + WAIT_MIN_MS), SignedIn)
    assert door.enter(NAME, "sai hoàn toàn", T0 + WAIT_MIN_MS) == Refused(0), "a success forgets"


def test_each_further_failure_doubles_the_wait_up_to_a_limit() -> None:
    attempts, waits = Attempts(), []
    for _ in range(FREE_FAILURES + 12):
        attempts.failed(NAME, T0)
        waits.append(attempts.wait_ms(NAME, T0))
    assert waits[:FREE_FAILURES] == [0] * (FREE_FAILURES - 1) + [WAIT_MIN_MS]
    assert waits[FREE_FAILURES : FREE_FAILURES + 3] == [2 * WAIT_MIN_MS, 4 * WAIT_MIN_MS, 8 * WAIT_MIN_MS]
    assert waits[-1] == WAIT_MAX_MS
    assert attempts.wait_ms(NAME, T0 - 10**12) == WAIT_MAX_MS, "a clock set back locks nobody out for longer"
    attempts.failed(NAME, T0 + FORGET_MS + 1)
    assert attempts.wait_ms(NAME, T0 + FORGET_MS + 1) == 0, "what lies long back no longer counts"


def test_a_flood_of_names_takes_no_more_memory_than_is_allowed() -> None:
    attempts = Attempts()
    for number in range(NAMES_MAX + 50):
        attempts.failed(str(number), T0)
    assert len(attempts._failed) == NAMES_MAX
