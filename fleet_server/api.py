"""The HTTPS face for stations: enrolment, questions, signed sets, the key list. Decides only who is asking.

Every request carries its own signature, so no session and no client certificate is needed; what is refused is counted
by name in the store. A question changes nothing: it is answered from a read-only moment of the store.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Header, HTTPException, Path, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from device_profiles.cbor import WireError
from device_profiles.messages import ENROL_MAX_BYTES, QUESTION_MAX_BYTES, Answer, Question, answer_encode
from fleet_server import questions
from fleet_server.enrol import enrol
from fleet_server.guesses import Guesses
from provisioning.enrolment import Refused
from provisioning.keys import SignatureRefused, VerifyKey, open_message, sign_message
from provisioning.sealing import SUITE_BASE, SealTo, answer_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet_server.enrol import Issuer
    from fleet_server.store import Committer, Device, Reader, Store

ENVELOPE_MAX_BYTES = 1024
OUT = ("NEW", "REVOKED", "DECOMMISSIONED")
_FROM = re.compile(r"bytes=([0-9]{1,9})-")


@dataclass(frozen=True, slots=True)
class Face:
    """What the face needs of the server. `enrolled` is called after a device was admitted."""

    fleet: Committer
    reader: Reader
    issuer: Issuer
    now_ms: Callable[[], int]
    enrolled: Callable[[], None]
    guesses: Guesses = field(default_factory=Guesses)


async def _body(request: Request, size_max_bytes: int) -> bytes:
    """The body, read no further than its limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > size_max_bytes:
            raise HTTPException(413, f"more than {size_max_bytes} bytes")
    return bytes(body)


def open_question(store: Store, data: bytes) -> tuple[Question, Device]:
    """Verify a question and give it with the device that signed it. Raises WireError."""
    device: Device | None = None

    def find(kid: bytes) -> VerifyKey | None:
        nonlocal device
        device = store.device_by_kid(kid)
        return VerifyKey.from_spki(device.spki) if device else None

    payload, _ = open_message("kiosk/question/1", data, find, QUESTION_MAX_BYTES + ENVELOPE_MAX_BYTES)
    question = Question.decode(payload)
    if device is None or question.device != device.id:
        raise SignatureRefused("device", "signed by another device's key")
    if device.status in OUT:
        raise SignatureRefused("status", f"this device is {device.status}")
    return question, device


def answer_question(face: Face, data: bytes) -> bytes:
    """Give the signed answer to a signed question. Raises WireError."""
    now_ms = face.now_ms()

    def work(store: Store) -> tuple[Question, dict[str, object]]:
        question, device = open_question(store, data)
        fields = question.named()
        if question.kind == "code":
            face.guesses.admit(device.id, fields["code"], now_ms)
        return question, questions.answer(store, question.kind, fields, device, now_ms)

    question, fields = face.reader.read(work)
    question_hash = hashlib.sha256(data).digest()
    plain = answer_encode(question.kind, fields)
    sealed = SealTo(SUITE_BASE, question.reply_key).seal(plain, answer_info(question_hash))
    answer = Answer(device=question.device, question_hash=question_hash, as_of_ms=now_ms, sealed=sealed)
    return sign_message(face.issuer.keys.answer, "kiosk/answer/1", answer.encode())


def fetch_set(face: Face, sha256: bytes, token: str) -> bytes | None:
    """Give a signed set to a device that asks for exactly it; None when there is none. Raises WireError."""
    try:
        data = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError) as error:
        raise WireError("token", "not base64url") from error

    def work(store: Store) -> bytes | None:
        question, _ = open_question(store, data)
        if question.kind != "fetch" or question.named()["sha256"] != sha256:
            raise SignatureRefused("token", "the signed request is for another file")
        return store.set_data(sha256)

    return face.reader.read(work)


def _refuse(face: Face, what: str, error: WireError) -> HTTPException:
    name, words, now_ms = f"{what}_{error.reason}", str(error)[:200], face.now_ms()
    face.fleet.run(lambda store: store.count_refusal(name, None, words, now_ms))
    return HTTPException(403, f"refused: {error.reason}")


def _ranged(data: bytes, wanted: str | None) -> Response:
    """The whole, or the part from `bytes=N-` on (a download that was cut goes on where it stopped).

    Any other range is answered with the whole, as RFC 9110 section 14.2 allows.
    """
    match = _FROM.fullmatch(wanted or "")
    headers = {"Accept-Ranges": "bytes"}
    if match is None:
        return Response(data, media_type="application/cose", headers=headers)
    first = int(match[1])
    if first >= len(data):
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
    return Response(data[first:], 206, headers, "application/cose")


def device_app(face: Face) -> FastAPI:
    """Give the application that stations talk to."""
    app = FastAPI(title="Citizen station fleet: face for stations", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/v1/enrol")
    async def _enrol(request: Request) -> Response:
        data = await _body(request, ENROL_MAX_BYTES + ENVELOPE_MAX_BYTES)
        now_ms = face.now_ms()
        reply = await run_in_threadpool(face.fleet.run, lambda store: enrol(store, data, now_ms, face.issuer))
        if isinstance(reply, Refused):
            return JSONResponse(reply.as_json(), status_code=403)
        await run_in_threadpool(face.enrolled)
        return Response(reply, media_type="application/cose")

    @app.post("/v1/question")
    async def _question(request: Request) -> Response:
        data = await _body(request, QUESTION_MAX_BYTES + ENVELOPE_MAX_BYTES)
        try:
            reply = await run_in_threadpool(answer_question, face, data)
        except WireError as error:
            raise await run_in_threadpool(_refuse, face, "question", error) from error
        return Response(reply, media_type="application/cose")

    @app.get("/v1/sets/{sha256}")
    async def _set(
        sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
        authorization: Annotated[str, Header(max_length=16_384)] = "",
        wanted: Annotated[str | None, Header(alias="Range")] = None,
    ) -> Response:
        try:
            token = authorization.removeprefix("Kiosk ")
            data = await run_in_threadpool(fetch_set, face, bytes.fromhex(sha256), token)
        except WireError as error:
            raise await run_in_threadpool(_refuse, face, "fetch", error) from error
        if data is None:
            raise HTTPException(404, "no such set")
        return _ranged(data, wanted)

    @app.get("/v1/keys")
    async def _keys() -> Response:
        return Response(face.issuer.keys.key_list, media_type="application/cose")

    return app
