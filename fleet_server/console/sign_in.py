"""Who may look: people, their passwords and sessions. Decides who is signed in; what they may do is nothing but look.

A password is kept as scrypt (RFC 7914; cost as the OWASP password storage cheat sheet, 2026) beside its own cost
numbers, so that they can rise. Of a session's token only its SHA-256 is kept. Whoever fails has to wait, longer each
time; a name that does not exist takes as long to refuse as one that does.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import struct
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from fleet_server.store import Session, User

if TYPE_CHECKING:
    from fleet_server.store import Committer, Reader, Store

SESSION_MS = 8 * 3_600_000
NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
ROLES = ("operator", "admin")
PASSWORD_MIN, PASSWORD_MAX = 10, 200
SALT_BYTES, HASH_BYTES, TOKEN_BYTES = 16, 32, 32
COST = (14, 8, 5)  # log2 of N, r, p: 16 MiB of memory for a moment
FREE_FAILURES = 5
WAIT_MIN_MS, WAIT_MAX_MS, FORGET_MS = 2_000, 300_000, 15 * 60_000
NAMES_MAX = 10_000
_HEAD = struct.Struct("3B")


class UserRefused(ValueError):
    """A user cannot be kept as asked; the words say what to change."""


def secret_of(password: str, cost: tuple[int, int, int] = COST) -> bytes:
    """Give what is kept of a password: cost numbers, salt, hash."""
    salt = secrets.token_bytes(SALT_BYTES)
    return _HEAD.pack(*cost) + salt + _scrypt(password, salt, cost)


def is_password(secret: bytes, password: str) -> bool:
    """Compare in constant time."""
    salt, kept = secret[_HEAD.size : _HEAD.size + SALT_BYTES], secret[_HEAD.size + SALT_BYTES :]
    return hmac.compare_digest(_scrypt(password, salt, _HEAD.unpack_from(secret)), kept)


def _scrypt(password: str, salt: bytes, cost: tuple[int, ...]) -> bytes:
    log_n, r, p = cost
    # One form for one password: keyboards compose Vietnamese letters in two ways.
    typed = unicodedata.normalize("NFC", password).encode()
    return hashlib.scrypt(typed, salt=salt, n=1 << log_n, r=r, p=p, maxmem=(1 << log_n) * r * 256, dklen=HASH_BYTES)


def put_user(store: Store, name: str, password: str, role: str, now_ms: int) -> User:
    """Add a person or change password and role; either way every session of that name ends. Raises UserRefused."""
    if not NAME.fullmatch(name):
        raise UserRefused(f"{name!r} is no user name: 2 to 32 of a-z, 0-9, dot, dash, underscore, a letter first")
    if role not in ROLES:
        raise UserRefused(f"{role!r} is no role: choose one of {', '.join(ROLES)}")
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or not _is_text(password):
        raise UserRefused(f"the password of {name} must have {PASSWORD_MIN} to {PASSWORD_MAX} printable characters")
    user = User(name, secret_of(password), role, now_ms)
    store.put_user(replace(user, disabled=True))  # ends the sessions that the old password opened
    store.put_user(user)
    store.audit(now_ms, "fleet", "user.put", name, role)
    return user


def _is_text(text: str) -> bool:
    return text.isprintable() and text.strip() == text


class Attempts:
    """Failures by name, in memory: after some, each further one doubles the time to wait. Restarting forgets them."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait_ms(self, name: str, now_ms: int) -> int:
        """How long this name has to wait before its password is looked at again; 0 = it may try."""
        count, last_ms = self._failed.get(name, (0, 0))
        if count < FREE_FAILURES:
            return 0
        wait_ms = min(WAIT_MAX_MS, WAIT_MIN_MS << min(count - FREE_FAILURES, 20))
        # A clock that was set back must not lock anybody out for longer than the longest wait.
        return min(WAIT_MAX_MS, max(0, last_ms + wait_ms - now_ms))

    def failed(self, name: str, now_ms: int) -> None:
        """Count a failure; one that lies long back no longer counts."""
        count, last_ms = self._failed.pop(name, (0, now_ms))
        self._failed[name] = (1 if now_ms - last_ms > FORGET_MS else count + 1, now_ms)
        if len(self._failed) > NAMES_MAX:
            self._failed.popitem(last=False)

    def passed(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failed.pop(name, None)


class SignedIn(NamedTuple):
    """A session was opened: the token for the cookie, which is kept nowhere."""

    token: str
    user: str


class Refused(NamedTuple):
    """Nobody was signed in; above 0, `wait_ms` says how long no attempt is looked at."""

    wait_ms: int


@dataclass(frozen=True, slots=True)
class Door:
    """Lets people in and out, and writes down both."""

    fleet: Committer
    reader: Reader
    attempts: Attempts
    nobody: bytes  # a secret that no password fits: what an unknown name is compared with

    def enter(self, name: str, password: str, now_ms: int) -> SignedIn | Refused:
        """Check a name and a password; open a session, or count the failure."""
        typed = name.strip()[:64]
        if wait_ms := self.attempts.wait_ms(typed, now_ms):
            return Refused(wait_ms)
        user = self.reader.read(lambda store: store.user(typed)) if NAME.fullmatch(typed) else None
        fits = is_password(user.secret if user else self.nobody, password)
        if user is None or user.disabled or not fits:
            self.attempts.failed(typed, now_ms)
            # A name nobody has may be a password typed in the wrong field: it is not written down.
            person, why = (user.name, "disabled" if user.disabled else "password") if user else ("?", "unknown name")
            self.fleet.run(lambda store: store.audit(now_ms, person, "sign-in.refused", detail=why))
            return Refused(self.attempts.wait_ms(typed, now_ms))
        self.attempts.passed(typed)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(token_sha256(token), user.name, now_ms, now_ms + SESSION_MS)

        def keep(store: Store) -> None:
            store.add_session(session)
            store.audit(now_ms, session.user, "sign-in")

        self.fleet.run(keep)
        return SignedIn(token, user.name)

    def who(self, token: str, now_ms: int) -> Session | None:
        """The session of a token, if it still holds."""
        return self.reader.read(lambda store: store.session(token_sha256(token), now_ms)) if token else None

    def leave(self, session: Session, now_ms: int) -> None:
        """End a session."""

        def end(store: Store) -> None:
            store.end_session(session.token_sha256)
            store.audit(now_ms, session.user, "sign-out")

        self.fleet.run(end)


def open_door(fleet: Committer, reader: Reader) -> Door:
    """Give a door nobody has tried yet."""
    nobody = _HEAD.pack(*COST) + secrets.token_bytes(SALT_BYTES + HASH_BYTES)
    return Door(fleet, reader, Attempts(), nobody)


def token_sha256(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
