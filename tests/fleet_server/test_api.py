"""The HTTPS face for stations: who is answered, who is refused under which name, and that no route is forgotten."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import queue
import secrets
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import uvicorn
from fastapi.routing import APIRoute

from device_profiles.cbor import encode
from device_profiles.messages import (
    ANSWER_MAX_BYTES,
    ENROL_MAX_BYTES,
    QUESTION_MAX_BYTES,
    Answer,
    Claim,
    Question,
    SignedSet,
    answer_decode,
)
from edge_agent import events
from edge_agent.clock import Clock
from edge_agent.effects import Ask, Fetch
from edge_agent.errands import Errands
from edge_agent.inbound import Inbound
from fleet_server import fleet_keys
from fleet_server.api import ENVELOPE_MAX_BYTES, Face, device_app
from fleet_server.commands import pointer_of, sign_set
from fleet_server.enrol import Issuer, add_claim
from fleet_server.store import Station
from fleet_server.store_sqlite import SqliteReaders, SqliteStore
from fleet_server.writer import Writer
from provisioning import authority, enrol_client, enrolment
from provisioning.identity import Identity
from provisioning.keys import SigningKey, sign_message
from provisioning.sealing import SUITE_BASE, OpeningKey, SealRefused, answer_info
from provisioning.trust import FleetTrust
from tests.fleet_server.station_bed import WHY, Sender, register

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from fastapi import FastAPI

    from edge_agent.effects import Effect

BILL = b"bill0001"
# What each route does with what nobody could mean: a new route belongs in here, and into the tests below.
ROUTES = {
    ("POST", "/v1/enrol"): 403,
    ("POST", "/v1/question"): 403,
    ("GET", "/v1/sets/{sha256}"): 403,
    ("GET", "/v1/keys"): 200,
}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    chunks_taken: int

    @property
    def reason(self) -> str:
        return self.body.decode().removeprefix('{"detail":"refused: ').removesuffix('"}')


async def _call(app: FastAPI, method: str, path: str, chunks: list[bytes], headers: dict[str, str]) -> Reply:
    waiting = [
        {"type": "http.request", "body": each, "more_body": number < len(chunks)}
        for number, each in enumerate(chunks, 1)
    ]
    said: list[Any] = []
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if waiting:
            taken += 1
            return waiting.pop(0)
        await asyncio.sleep(3_600)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8443),
    }
    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in said[0]["headers"]}
    return Reply(said[0]["status"], found, b"".join(each.get("body", b"") for each in said[1:]), taken)


@dataclass
class Bed:
    """A real store behind the face, and one enrolled sender."""

    folder: Path
    writer: Writer
    readers: SqliteReaders
    issuer: Issuer
    sender: Sender
    admitted: int = 0

    def __post_init__(self) -> None:
        self.app = device_app(Face(self.writer, self.readers, self.issuer, lambda: self.now_ms, self._count))
        self.now_ms = time.time_ns() // 1_000_000

    def _count(self) -> None:
        self.admitted += 1

    def call(self, method: str, path: str, body: bytes | list[bytes] = b"", **headers: str) -> Reply:
        chunks = body if isinstance(body, list) else [body]
        return asyncio.run(_call(self.app, method, path, chunks, headers))

    def refusals(self) -> dict[str, int]:
        return {each.reason: each.count for each in self.readers.read(lambda store: store.refusals())}

    def set_status(self, status: str) -> None:
        def work(store: SqliteStore) -> None:
            store.put_device(replace(store.device(self.sender.device), status=status), WHY)

        self.writer.run(work)

    def put_set(self, name: str = "bills/B1", body: bytes = b"a body" * 50) -> tuple[bytes, str]:
        """Keep a signed set; give its bytes and its hash in hex."""
        key = SigningKey.from_pem((self.folder / "offline" / "set.pem").read_bytes())
        content = SignedSet(name=name, version=1, issued_ms=self.now_ms, not_after_ms=self.now_ms + 1, body=body)
        signed = sign_set(key, content)
        pointer = pointer_of(name, 1, signed)
        self.writer.run(lambda store: store.add_set(pointer, signed, self.now_ms))
        return signed, pointer.sha256.hex()

    def claim(self) -> bytes:
        fields = {"claim": secrets.token_bytes(16), "kind": "install", "station": "K0002", "profile": "simulated"}
        ends = {"not_before_ms": self.now_ms - 1, "not_after_ms": self.now_ms + 60_000}
        claim = Claim(**fields, **ends, technician="ktv.synthetic")
        return self.writer.run(lambda store: add_claim(store, claim, self.issuer.keys, WHY))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "fleet"
    fleet_keys.init(folder, time.time_ns() // 1_000_000)
    return folder


def open_bed(keys: Path, database: Path, face_port: int = 8443) -> Bed:
    writer = Writer(lambda: SqliteStore.open(database))
    writer.start()
    authority_ = fleet_keys.load_authority(keys / "server")
    url = f"https://127.0.0.1:{face_port}"
    issuer = Issuer(authority_, fleet_keys.load(keys / "server"), "127.0.0.1", 8883, url)
    sender = Sender()
    register(writer, sender)
    writer.run(lambda store: store.put_station(Station("K0002", "Sảnh B", "B1", "26740", "simulated"), WHY))
    return Bed(keys, writer, SqliteReaders(database), issuer, sender)


@pytest.fixture
def bed(keys: Path, tmp_path: Path) -> Generator[Bed]:
    made = open_bed(keys, tmp_path / "fleet.db")
    yield made
    made.writer.stop()
    made.readers.close()


class Asked(NamedTuple):
    data: bytes
    reply: OpeningKey


def ask(
    bed: Bed,
    kind: str = "bill",
    fields: dict[int, Any] | None = None,
    *,
    device: bytes | None = None,
    key: SigningKey | None = None,
    signed_as: str = "question",
    reply_key: bytes | None = None,
) -> Asked:
    """A question as the sender signs it, but for what the case varies."""
    reply = OpeningKey.generate(SUITE_BASE)
    question = Question(
        device=device or bed.sender.device,
        question=secrets.token_bytes(16),
        kind=kind,
        fields={1: BILL} if fields is None else fields,
        time_ms=bed.now_ms,
        reply_key=reply_key or reply.public,
    )
    return Asked(sign_message(key or bed.sender.key, f"kiosk/{signed_as}/1", question.encode()), reply)


def open_answer(bed: Bed, reply: Reply) -> Answer:
    trust = FleetTrust(bed.issuer.keys.root_spki)
    trust.accept_keys(bed.issuer.keys.key_list)
    return Answer.decode(trust.verify("answer", reply.body, ANSWER_MAX_BYTES + ENVELOPE_MAX_BYTES, bed.now_ms))


# --- questions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "field", "wanted"),
    [("bill", BILL, {"status": "open"}), ("payment_state", b"t" * 16, {"state": "UNKNOWN"})],
)
def test_a_question_is_answered_signed_sealed_and_dated(bed, kind, field, wanted):
    asked = ask(bed, kind, {1: field})
    reply = bed.call("POST", "/v1/question", asked.data)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/cose")
    answer = open_answer(bed, reply)
    assert (answer.device, answer.as_of_ms) == (bed.sender.device, bed.now_ms)
    assert answer.question_hash == hashlib.sha256(asked.data).digest()
    plain = asked.reply.open(answer.sealed, answer_info(answer.question_hash))
    assert answer_decode(kind, plain) == wanted
    assert encode(next(iter(wanted.values()))) not in reply.body
    assert bed.refusals() == {}


def test_an_answer_opens_for_its_question_and_its_reply_key_alone(bed):
    asked, other = ask(bed), ask(bed)
    answer = open_answer(bed, bed.call("POST", "/v1/question", asked.data))
    with pytest.raises(SealRefused):
        other.reply.open(answer.sealed, answer_info(answer.question_hash))
    with pytest.raises(SealRefused):
        asked.reply.open(answer.sealed, answer_info(hashlib.sha256(other.data).digest()))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


QUESTIONS_REFUSED: dict[str, tuple[Callable[[Bed], bytes], str]] = {
    "unknown key": (lambda bed: ask(bed, key=SigningKey.generate()).data, "unknown_key"),
    "wrong kind": (lambda bed: ask(bed, signed_as="batch").data, "signature"),
    "changed": (lambda bed: flipped(ask(bed).data), "signature"),
    "another device": (lambda bed: ask(bed, device=b"d" * 16).data, "device"),
    "unknown question": (lambda bed: ask(bed, "weather", {1: BILL}).data, "question"),
    "no code of a slip": (lambda bed: ask(bed, "code", {1: "TAM-K0001-000042-3"}).data, "question"),
    "unfit field": (lambda bed: ask(bed, "bill", {1: b"short"}).data, "field"),
    "a fetch is no question": (lambda bed: ask(bed, "fetch", {1: bytes(32)}).data, "question"),
    "a reply key that agrees on nothing": (lambda bed: ask(bed, reply_key=bytes(32)).data, "sealing_key"),
    "garbage": (lambda _: b"\xd2garbage", "not_cbor"),
    "no envelope": (lambda _: b"{}", "not_sign1"),
    "nothing": (lambda _: b"", "not_sign1"),
}


@pytest.mark.parametrize("case", QUESTIONS_REFUSED)
def test_a_question_is_refused_and_counted_by_name(bed, case):
    make, reason = QUESTIONS_REFUSED[case]
    reply = bed.call("POST", "/v1/question", make(bed))
    assert (reply.status, reply.reason) == (403, reason)
    assert bed.refusals() == {f"question_{reason}": 1}
    bed.call("POST", "/v1/question", make(bed))
    assert bed.refusals() == {f"question_{reason}": 2}


@pytest.mark.parametrize("status", ["NEW", "REVOKED", "DECOMMISSIONED"])
def test_a_device_that_is_out_gets_no_answer_and_no_set(bed, status):
    data, sha256 = bed.put_set()
    bed.set_status(status)
    reply = bed.call("POST", "/v1/question", ask(bed).data)
    assert (reply.status, reply.reason) == (403, "status")
    reply = bed.call("GET", f"/v1/sets/{sha256}", **token(bed, sha256))
    assert (reply.status, reply.reason) == (403, "status")
    assert data not in reply.body
    assert bed.refusals() == {"question_status": 1, "fetch_status": 1}


@pytest.mark.parametrize("status", ["CLAIMED", "ACTIVE", "PROVISIONAL", "QUARANTINED"])
def test_a_device_that_serves_is_answered(bed, status):
    bed.set_status(status)
    assert bed.call("POST", "/v1/question", ask(bed).data).status == 200


@pytest.mark.parametrize(
    ("path", "size_max_bytes"),
    [("/v1/question", QUESTION_MAX_BYTES + ENVELOPE_MAX_BYTES), ("/v1/enrol", ENROL_MAX_BYTES + ENVELOPE_MAX_BYTES)],
)
def test_a_body_is_read_no_further_than_its_limit(bed, path, size_max_bytes):
    assert bed.call("POST", path, bytes(size_max_bytes)).status == 403
    reply = bed.call("POST", path, [bytes(size_max_bytes), b"\0", *[bytes(1024)] * 50])
    assert (reply.status, reply.chunks_taken) == (413, 2)
    assert str(size_max_bytes) in reply.body.decode()


# --- sets -----------------------------------------------------------------------------------------------------------


def token(bed: Bed, sha256: str, **differs: Any) -> dict[str, str]:
    data = ask(bed, "fetch", {1: bytes.fromhex(sha256)}, **differs).data
    return {"Authorization": f"Kiosk {base64.urlsafe_b64encode(data).decode()}"}


def test_a_set_is_given_to_the_device_that_asks_for_it(bed):
    data, sha256 = bed.put_set()
    reply = bed.call("GET", f"/v1/sets/{sha256}", **token(bed, sha256))
    assert (reply.status, reply.body, reply.headers["accept-ranges"]) == (200, data, "bytes")
    assert hashlib.sha256(reply.body).hexdigest() == sha256


SETS_REFUSED: dict[str, tuple[Callable[[Bed, str], dict[str, str]], str]] = {
    "another hash": (lambda bed, _: token(bed, "ab" * 32), "token"),
    "another question": (
        lambda bed, _: {"Authorization": "Kiosk " + base64.urlsafe_b64encode(ask(bed).data).decode()},
        "token",
    ),
    "forged": (lambda bed, sha256: token(bed, sha256, key=SigningKey.generate()), "unknown_key"),
    "wrong kind": (lambda bed, sha256: token(bed, sha256, signed_as="batch"), "signature"),
    "another device": (lambda bed, sha256: token(bed, sha256, device=b"d" * 16), "device"),
    "missing": (lambda *_: {}, "not_sign1"),
    "cut": (lambda *_: {"Authorization": "Kiosk abc"}, "token"),
    "no base64": (lambda *_: {"Authorization": "Kiosk \xe9\xe9\xe9\xe9"}, "token"),
}


@pytest.mark.parametrize("case", SETS_REFUSED)
def test_a_set_is_refused_and_counted_by_name(bed, case):
    make, reason = SETS_REFUSED[case]
    data, sha256 = bed.put_set()
    reply = bed.call("GET", f"/v1/sets/{sha256}", **make(bed, sha256))
    assert (reply.status, reply.reason) == (403, reason)
    assert data[40:60] not in reply.body
    assert bed.refusals() == {f"fetch_{reason}": 1}


def test_a_set_that_is_not_there_is_not_found_by_those_who_may_ask(bed):
    unknown = "ab" * 32
    assert bed.call("GET", f"/v1/sets/{unknown}", **token(bed, unknown)).status == 404
    assert bed.call("GET", f"/v1/sets/{unknown}").status == 403
    for path in ("/v1/sets/abc", f"/v1/sets/{unknown.upper()}", f"/v1/sets/{unknown}00"):
        assert bed.call("GET", path, **token(bed, unknown)).status in (404, 422), path


def test_a_download_that_was_cut_goes_on_where_it_stopped(bed):
    data, sha256 = bed.put_set()
    for first in (0, 1, len(data) - 1):
        reply = bed.call("GET", f"/v1/sets/{sha256}", **token(bed, sha256), Range=f"bytes={first}-")
        assert (reply.status, reply.body) == (206, data[first:])
        assert reply.headers["content-range"] == f"bytes {first}-{len(data) - 1}/{len(data)}"
    for first in (len(data), 999_999_999):
        reply = bed.call("GET", f"/v1/sets/{sha256}", **token(bed, sha256), Range=f"bytes={first}-")
        assert (reply.status, reply.body, reply.headers["content-range"]) == (416, b"", f"bytes */{len(data)}")


@pytest.mark.parametrize("other", ["bytes=5-9", "bytes=-5", "bytes=5", "items=5-", "5-", "bytes=1-,3-", "", "9" * 5000])
def test_any_other_range_is_answered_with_the_whole(bed, other):
    data, sha256 = bed.put_set()
    reply = bed.call("GET", f"/v1/sets/{sha256}", **token(bed, sha256), Range=other)
    assert (reply.status, reply.body) == (200, data)


# --- enrolment, keys, routes ----------------------------------------------------------------------------------------


def request_of(bed: Bed, identity: Any, claim: bytes) -> bytes:
    more = {"nonce": b"n" * 16, "hardware": b"board 1", "time_ms": bed.now_ms, "software": "test 1"}
    return enrolment.make_request(identity.key, identity.tls, claim, **more)


def test_an_enrolment_is_answered_with_a_bundle_and_the_server_is_told(bed, tmp_path):
    identity = Identity.create(tmp_path / "identity")
    request = request_of(bed, identity, bed.claim())
    reply = bed.call("POST", "/v1/enrol", request)
    assert (reply.status, reply.headers["content-type"], bed.admitted) == (200, "application/cose", 1)
    root, ca = bed.issuer.keys.root_spki, bed.issuer.authority.root
    bundle = enrolment.judge_bundle(reply.body, request, identity.tls.spki, root, ca)
    assert (bundle.station, bundle.broker_port, bundle.face_url) == ("K0002", 8883, "https://127.0.0.1:8443")


def test_a_refused_enrolment_says_code_words_and_remedy(bed, tmp_path):
    claim = bed.claim()
    first = Identity.create(tmp_path / "identity")
    assert bed.call("POST", "/v1/enrol", request_of(bed, first, claim)).status == 200
    other = Identity.create(tmp_path / "other")
    reply = bed.call("POST", "/v1/enrol", request_of(bed, other, claim))
    assert (reply.status, reply.headers["content-type"], bed.admitted) == (403, "application/json", 1)
    said = json.loads(reply.body)
    assert said.keys() == {"code", "words", "detail"}
    assert (said["code"], said["words"]) == ("P01", enrolment.CODES["P01"][0])
    assert said["detail"]
    assert list(bed.refusals()) == ["enrol_claim_contested"]


def test_the_key_list_is_the_one_the_root_signed(bed):
    reply = bed.call("GET", "/v1/keys")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/cose")
    trust = FleetTrust((bed.folder / "server" / "root.spki").read_bytes())
    assert trust.accept_keys(reply.body).version == bed.issuer.keys.version


def routes(app: FastAPI) -> set[tuple[str, str]]:
    return {(method, each.path) for each in app.routes if isinstance(each, APIRoute) for method in each.methods}


def test_no_route_is_forgotten_here_and_none_but_these_exists(bed):
    assert routes(bed.app) == ROUTES.keys()
    assert len(bed.app.routes) == len(ROUTES)
    for path in ("/", "/docs", "/openapi.json", "/redoc", "/metrics", "/healthz"):
        assert bed.call("GET", path).status == 404


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_refuses_what_nobody_could_mean(bed, method, path):
    there = path.replace("{sha256}", "ab" * 32)
    for body in (b"", b"\0" * 100, b"\xd2" + b"\x9f" * 500, b"null", secrets.token_bytes(400)):
        assert bed.call(method, there, body, Authorization="Kiosk " + "A" * 40).status == ROUTES[method, path]
    wrong = "GET" if method == "POST" else "POST"
    assert bed.call(wrong, there).status == 405
    assert bed.call("DELETE", there).status == 405


# --- the whole way ----------------------------------------------------------------------------------------------------


@pytest.fixture
def served(keys: Path, tmp_path: Path, free_port: Callable[[], int]) -> Generator[Bed]:
    """The face behind real TLS, as the server runs it."""
    port = free_port()
    made = open_bed(keys, tmp_path / "fleet.db", port)
    pair = keys / "server" / "tls"
    config = uvicorn.Config(
        made.app, host="127.0.0.1", port=port, ssl_certfile=pair / "face.crt", ssl_keyfile=pair / "face.pem",
        log_level="error", access_log=False, lifespan="off", ws="none", server_header=False,
    )  # fmt: skip
    web = uvicorn.Server(config)
    thread = threading.Thread(target=web.run, name="face", daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not web.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield made
    web.should_exit = web.force_exit = True
    thread.join(10)
    assert not thread.is_alive()
    made.writer.stop()
    made.readers.close()


def test_a_station_enrols_asks_and_fetches_over_real_tls(served, tmp_path):
    Identity.create(tmp_path / "identity")
    ca = authority.pem(served.issuer.authority.root)
    fleet = enrol_client.Fleet(served.issuer.face_url, ca, served.issuer.keys.root_spki, 10.0, 20.0)
    identity = enrol_client.enrol(
        tmp_path / "identity", served.claim(), fleet, hardware=b"board 1", clock_ms=served.now_ms
    )
    data, sha256 = served.put_set("notices", b"words")
    inbox: queue.Queue[Any] = queue.Queue()
    inbound = Inbound(identity.device, identity.key, identity.trust, Clock(identity.time_floor_ms))
    errands = Errands(identity.face_url, identity.ca, inbox.put)
    errands.start()
    try:

        def fetch(effect: Effect) -> Any:
            errand = inbound.ask(effect) if isinstance(effect, Ask) else inbound.fetch(effect)
            assert errands.send(errand)
            return inbound.done(inbox.get(timeout=10))

        answered = fetch(Ask(b"q" * 16, "bill", {"bill": BILL}))
        assert answered == events.Answered(b"q" * 16, {"status": "open"}, served.now_ms)
        found = fetch(Fetch("notices", 1, len(data), bytes.fromhex(sha256)))
        assert found == events.SetVerified("notices", 1, data, b"words")
        missing = fetch(Fetch("notices", 2, len(data), b"h" * 32))
        assert isinstance(missing, events.FetchFailed)
        assert "404" in missing.reason
    finally:
        errands.stop()
    assert inbound.refusals == {}
