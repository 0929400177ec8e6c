"""What came from outside and is not yet believed: verifies it and turns it into events for the machines.

Everything the peer got wrong is a `WireError`: counted under its reason, named in the log, reported in the status map,
never fatal. Decides only whether words are the fleet's and meant for us; what they mean is the machines'.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from device_profiles import layout, messages
from device_profiles.cbor import WireError
from device_profiles.messages import ANSWER_MAX_BYTES, DESIRED_MAX_BYTES, Answer, Desired, Question, answer_decode
from device_profiles.wire import ACK_MAX_BYTES, Ack
from edge_agent import events, sets
from edge_agent.effects import Ask, Fetch
from edge_agent.errands import Errand
from provisioning.keys import sign_message
from provisioning.sealing import SUITE_BASE, OpeningKey, answer_info

if TYPE_CHECKING:
    from edge_agent.clock import Clock
    from edge_agent.events import Event, HttpDone, Received
    from edge_agent.journal import Journal
    from provisioning.keys import SigningKey
    from provisioning.trust import FleetTrust

log = logging.getLogger(__name__)
FETCH_TIMEOUT_S = 60.0
ASKED_MAX = 64


@dataclass(frozen=True, slots=True)
class _Asked:
    """An errand under way: what it was for, and what its answer must fit."""

    effect: Ask | Fetch
    question_hash: bytes
    reply_key: OpeningKey


@dataclass(slots=True)
class Inbound:
    """The verifying side of one station."""

    device: bytes
    key: SigningKey
    trust: FleetTrust
    clock: Clock
    refusals: dict[str, int] = field(default_factory=dict)
    _asked: dict[bytes, _Asked] = field(default_factory=dict)

    def refuse(self, what: str, error: WireError) -> None:
        """Count and name a message that is not to be believed."""
        name = f"{what}:{error.reason}"
        self.refusals[name] = self.refusals.get(name, 0) + 1
        if self.refusals[name] == 1:
            log.warning("refused %s: %s (further ones are only counted)", what, error)

    def received(self, event: Received, journal: Journal) -> Event | None:
        """Verify what the broker delivered."""
        now_ms = self.clock.trusted_ms()
        try:
            if event.channel == "ack":
                return self._ack(self.trust.verify("ack", event.data, ACK_MAX_BYTES, now_ms), journal)
            desired = Desired.decode(self.trust.verify("desired", event.data, DESIRED_MAX_BYTES + 1024, now_ms))
        except WireError as error:
            self.refuse(event.channel, error)
            return None
        return events.DesiredSeen(desired)

    def _ack(self, payload: bytes, journal: Journal) -> Event:
        ack = Ack.decode(payload)
        if (ack.device, ack.epoch, ack.journal) != (journal.device, journal.epoch, journal.journal):
            raise WireError("foreign", "an Ack for another journal")
        known = journal.digest_before(ack.next) if ack.next <= journal.next else None
        return events.Acked(ack, journal.next, known, journal.first_held)

    def ask(self, effect: Ask) -> Errand:
        """Make and sign the question of an `Ask`."""
        numbered = layout.to_table(messages.QUESTIONS[effect.kind], effect.fields, effect.kind)
        body = self._question(effect, effect.question, effect.kind, numbered)
        return Errand(
            effect.question, "POST", "/v1/question", body, size_max_bytes=ANSWER_MAX_BYTES, timeout_s=effect.timeout_s
        )

    def fetch(self, effect: Fetch) -> Errand:
        """Make and sign the request of a `Fetch`."""
        errand = secrets.token_bytes(16)
        body = self._question(effect, errand, "fetch", {1: effect.sha256})
        token = base64.urlsafe_b64encode(body).decode()
        return Errand(
            errand,
            "GET",
            f"/v1/sets/{effect.sha256.hex()}",
            headers={"Authorization": f"Kiosk {token}"},
            size_max_bytes=effect.size_bytes,
            timeout_s=FETCH_TIMEOUT_S,
        )

    def _question(self, effect: Ask | Fetch, question: bytes, kind: str, numbered: dict[int, Any]) -> bytes:
        reply_key = OpeningKey.generate(SUITE_BASE)
        asked = Question(
            device=self.device,
            question=question,
            kind=kind,
            fields=numbered,
            time_ms=self.clock.now().wall_ms,
            reply_key=reply_key.public,
        )
        signed = sign_message(self.key, "kiosk/question/1", asked.encode())
        if len(self._asked) >= ASKED_MAX:  # one whose end never came is nobody's any more
            del self._asked[next(iter(self._asked))]
        self._asked[question] = _Asked(effect, hashlib.sha256(signed).digest(), reply_key)
        return signed

    def done(self, event: HttpDone) -> Event | None:
        """Verify what came back from an errand; None for one nobody waits for any more."""
        asked = self._asked.pop(event.errand, None)
        if asked is None:
            return None
        reason = event.reason
        if event.body is not None:
            try:
                if isinstance(asked.effect, Fetch):
                    return self._fetched(asked.effect, event.body)
                return self._answered(asked.effect, asked, event.body)
            except WireError as error:
                self.refuse("set" if isinstance(asked.effect, Fetch) else "answer", error)
                reason = str(error)
        if isinstance(asked.effect, Fetch):
            return events.FetchFailed(asked.effect.name, asked.effect.version, reason)
        return events.NotAnswered(asked.effect.question, reason)

    def _fetched(self, effect: Fetch, body: bytes) -> Event:
        if hashlib.sha256(body).digest() != effect.sha256:
            raise WireError("hash", f"{effect.name} is not the file that Desired names")
        found = sets.verify(self.trust, body, self.clock.trusted_ms())
        if (found.name, found.version) != (effect.name, effect.version):
            raise WireError("set", f"asked for {effect.name} {effect.version}, got {found.name} {found.version}")
        return events.SetVerified(effect.name, effect.version, body, found.body)

    def _answered(self, effect: Ask, asked: _Asked, body: bytes) -> Event:
        now_ms = self.clock.trusted_ms()
        answer = Answer.decode(self.trust.verify("answer", body, ANSWER_MAX_BYTES + 1024, now_ms))
        if (answer.device, answer.question_hash) != (self.device, asked.question_hash):
            raise WireError("foreign", "an answer to another question")
        plain = asked.reply_key.open(answer.sealed, answer_info(asked.question_hash))
        return events.Answered(effect.question, answer_decode(effect.kind, plain), answer.as_of_ms)
