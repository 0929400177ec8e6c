"""The station's errand to the fleet: ask over HTTPS, judge the answer, keep it. What to believe is enrolment's matter.

The server proves itself by TLS under the CA of the image; redirects are not followed (a captive portal is named, not
obeyed), proxies of the environment are not used, sizes and times are limited. The request is kept on disk before it is
sent and sent again as it was, so that an answer lost on the way is given again by the fleet and fits.
"""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import ssl
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_profiles.cbor import WireError
from device_profiles.messages import BUNDLE_MAX_BYTES, ENROL_MAX_BYTES, EnrolRequest
from device_profiles.wire import envelope_decode
from provisioning import authority
from provisioning.enrolment import CODES, Refused, judge_bundle, judge_dates, make_request
from provisioning.identity import BUNDLE, REQUEST, Identity, Keys, read_file, store_enrolment, write_durably
from provisioning.keys import VerifyKey

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

PATH = "/v1/enrol"
SOFTWARE = "provisioning 1"
STEP_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 30.0
DETAIL_MAX = 300
# OpenSSL's X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h); Python's ssl has no name for it. Set only when the clock is known to
# be wrong, and `judge_dates` then judges the server's certificate by the floor.
NO_CHECK_TIME = 0x200000


@dataclass(frozen=True, slots=True)
class Fleet:
    """How a station finds and knows its fleet before it is enrolled: the image's CA (PEM) and root key (SPKI), a URL.

    Raises ValueError (with the remedy) for files and addresses that cannot be meant.
    """

    url: str
    ca_pem: bytes
    root_spki: bytes
    step_timeout_s: float = STEP_TIMEOUT_S
    total_timeout_s: float = TOTAL_TIMEOUT_S

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"server {self.url!r}: must be https://HOST[:PORT]")
        parts.hostname.encode("idna")
        parts.port  # noqa: B018 - raises ValueError for a port that is no port
        VerifyKey.from_spki(self.root_spki)
        _ = self.ca

    @property
    def ca(self) -> x509.Certificate:
        """The CA's root certificate. Raises AuthorityFault."""
        return authority.certificate_from_pem(self.ca_pem, "the CA file")

    @property
    def floor_ms(self) -> int:
        """Before the first bundle, no earlier time is possible than when the image's CA was made."""
        return authority.life_ms(self.ca)[0] + authority.BACKDATE_MS


def enrol(folder: Path, claim: bytes, fleet: Fleet, *, hardware: bytes, clock_ms: int) -> Identity:
    """Take a prepared folder through enrolment; give the enrolled identity. May be repeated at any time.

    clock_ms is the raw system time, believed only from the floor on. Raises Refused (with its code), IdentityFault,
    and OSError where the disk cannot keep a file.
    """
    keys = Keys.load(folder)
    if (folder / BUNDLE).exists():
        return Identity.load(folder)
    request = _kept_request(folder, keys, claim)
    if request is None:
        request = make_request(
            keys.key,
            keys.tls,
            claim,
            nonce=secrets.token_bytes(16),
            hardware=hardware,
            time_ms=min(max(clock_ms, fleet.floor_ms), authority.life_ms(fleet.ca)[1]),
            software=SOFTWARE,
        )
        write_durably(folder / REQUEST, request)
    answer = post(fleet, request, clock_ms)
    bundle = judge_bundle(answer, request, keys.tls.spki, fleet.root_spki, fleet.ca)
    store_enrolment(folder, bundle, answer, fleet.ca_pem, fleet.root_spki)
    return Identity.load(folder)


def _kept_request(folder: Path, keys: Keys, claim: bytes) -> bytes | None:
    """The request that was sent before, if it was for this claim and by these keys; else a new one is due."""
    if not (folder / REQUEST).exists():
        return None
    kept = read_file(folder / REQUEST, "remove it and run `claim` again")
    try:
        request = EnrolRequest.decode(envelope_decode(kept, ENROL_MAX_BYTES).payload)
        wanted = authority.read_request(request.csr)
    except (WireError, authority.RequestRefused):
        return None
    same = request.claim == claim and request.spki == keys.key.spki and wanted.spki == keys.tls.spki
    return kept if same else None


def post(fleet: Fleet, request: bytes, clock_ms: int) -> bytes:
    """POST the request; give the answer's bytes, not yet believed. Raises Refused, each cause by its own `reason`."""
    parts = urlsplit(fleet.url)
    context = _context(fleet, clock_ms)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=fleet.step_timeout_s, context=context
    )
    late = threading.Event()
    with closing(connection):
        try:
            connection.connect()
            raw = connection.sock
            _judge_server(raw, fleet, clock_ms)
            watch = threading.Timer(fleet.total_timeout_s, _cut, (raw, late))
            watch.daemon = True
            watch.start()
            try:
                connection.request("POST", PATH, body=request, headers={"Content-Type": "application/cose"})
                response = connection.getresponse()
                body = response.read(BUNDLE_MAX_BYTES + 1)
                if response.length and len(body) <= BUNDLE_MAX_BYTES:
                    raise http.client.IncompleteRead(body, response.length)
            finally:
                watch.cancel()
        except (OSError, http.client.HTTPException) as error:
            raise _named(error, fleet, late=late.is_set()) from error
    return _accepted(response, body)


def _context(fleet: Fleet, clock_ms: int) -> ssl.SSLContext:
    """TLS that believes the image's CA alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if clock_ms < fleet.floor_ms:
        context.verify_flags |= NO_CHECK_TIME
    context.load_verify_locations(cadata=authority.pem(fleet.ca).decode())
    return context


def _judge_server(raw: socket.socket, fleet: Fleet, clock_ms: int) -> None:
    """Judge the dates of the certificate that the server showed."""
    assert isinstance(raw, ssl.SSLSocket)  # noqa: S101  an HTTPS connection has no other
    shown = raw.getpeercert(binary_form=True)
    certificate = authority.certificate_from_der(shown or b"", "the server's certificate")
    judge_dates(*authority.life_ms(certificate), clock_ms, fleet.floor_ms)


def _cut(raw: socket.socket, late: threading.Event) -> None:
    """The whole errand took too long: end the connection under whoever waits on it."""
    late.set()
    try:
        socket.socket.shutdown(raw, socket.SHUT_RDWR)  # SSLSocket's own would forget its TLS state under the reader
    except OSError:
        return  # it has ended by itself


def _named(error: OSError | http.client.HTTPException, fleet: Fleet, *, late: bool) -> Refused:
    """Give each way of not reaching the fleet its own name and remedy."""
    where = urlsplit(fleet.url).netloc
    if late or isinstance(error, TimeoutError):
        return Refused("P06", "timeout", f"{where} does not answer in time: check the network, repeat")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _named_tls(error, where)
    if isinstance(error, ssl.SSLError):
        return Refused(
            "P06", "tls", f"{where} does not speak TLS as it should ({error.reason}): wrong port or a portal?"
        )
    if isinstance(error, socket.gaierror):
        return Refused("P06", "dns", f"the name of {where} is not found: check the address and the network's DNS")
    if isinstance(error, ConnectionRefusedError):
        return Refused("P06", "refused", f"nobody listens at {where}: check the port, or the fleet server is down")
    if isinstance(error, OSError) and error.errno is not None:
        return Refused("P06", "no_route", f"{where} cannot be reached ({error.strerror}): check cable and SIM")
    return Refused("P06", "broken_off", f"{where} broke off ({type(error).__name__}): repeat")


def _named_tls(error: ssl.SSLCertVerificationError, where: str) -> Refused:
    """X509_V_ERR: 9 not yet valid, 10 expired (clock or server); 62, 64 another name; the rest is another CA."""
    if error.verify_code in (9, 10):
        return Refused(
            "P07", "clock", f"{where} showed a certificate that is not valid now: set the clock of this device"
        )
    if error.verify_code in (62, 64):
        return Refused("P06", "tls_name", f"{where} showed a certificate for another name: check the address")
    return Refused(
        "P06",
        "tls_ca",
        f"{where} is not the fleet's server ({error.verify_message}): captive portal, or another CA file",
    )


def _accepted(response: http.client.HTTPResponse, body: bytes) -> bytes:
    """Give the body of a good answer; name what any other answer means."""
    kind = response.headers.get_content_type()
    if len(body) > BUNDLE_MAX_BYTES:
        raise Refused("P08", "too_large", f"the answer has over {BUNDLE_MAX_BYTES} bytes: call operations")
    if response.status == http.client.OK and kind == "application/cose":
        return body
    if kind == "application/json":
        raise _refusal(body)
    if response.status >= http.client.INTERNAL_SERVER_ERROR:
        raise Refused(
            "P06", "server", f"the fleet server fails (HTTP {response.status}): repeat later, call operations"
        )
    raise Refused(
        "P06", "portal", f"an answer that is not the fleet's (HTTP {response.status}, {kind}): check the address"
    )


def _refusal(body: bytes) -> Refused:
    """Read {"code", "detail"} of the service; what it says is shown, so it is cut and cleaned."""
    try:
        said = json.loads(body)
        code, detail = said["code"], said.get("detail", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        code, detail = None, ""
    if not isinstance(code, str) or code not in CODES or not isinstance(detail, str):
        return Refused("P06", "server", "the fleet server refused in words this station does not know: call operations")
    return Refused(code, "by_fleet", "".join(each for each in detail[:DETAIL_MAX] if each.isprintable()))
