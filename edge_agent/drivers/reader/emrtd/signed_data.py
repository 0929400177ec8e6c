"""What a CMS SignedData and an X.509 certificate say, as plain values. Decides what is well formed; trusts nothing.

`asn1crypto` reads them: lazily, so everything is taken out here at once, and what it trips over has one name
afterwards. Sources: RFC 5652 (CMS), RFC 5280 (certificates), ICAO Doc 9303-12, 7.1 (their profile).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.public_keys import Scheme
from edge_agent.drivers.reader.emrtd.tlv import encode, oid, read_all, read_one

if TYPE_CHECKING:
    from typing import Literal

# All that asn1crypto was seen to raise on foreign bytes, and what numbers or nestings without end would make it raise.
# CardFault: what our own reader of TLV says of its inner parts.
_TRIPS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    CardFault,
)
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_KINDS: dict[str, Literal["pkcs1", "ecdsa"]] = {"rsa": "pkcs1", "ecdsa": "ecdsa"}
_CRITICAL_KNOWN = frozenset({"key_usage", "basic_constraints"})


@dataclass(frozen=True, slots=True)
class Certificate:
    """What of a certificate counts here.

    subject, issuer: names in a form in which equal names are equal. valid_from_ms, valid_until_ms: UTC. scheme: how
    `signature` over `signed` was made; None: in a way that is not spoken here. strange: it has a critical extension
    that is not understood. special: it is for a purpose of its own (extended key usage), such as signing master lists.
    """

    subject: str
    issuer: str
    serial: int
    key_id: bytes | None
    issuer_key_id: bytes | None
    valid_from_ms: int
    valid_until_ms: int
    public_key_info: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    scheme: Scheme | None
    signature: bytes = field(repr=False)
    is_authority: bool
    usages: frozenset[str] | None
    strange: bool
    special: bool


@dataclass(frozen=True, slots=True)
class SignedData:
    """What of a SignedData counts here, of its first signer. attributes: as they were signed (a SET, 31)."""

    content_type: str
    content: bytes = field(repr=False)
    digest_name: str
    attributes: bytes = field(repr=False)
    attested_type: str
    attested_digest: bytes
    scheme: Scheme | None
    signature: bytes = field(repr=False)
    signer: Certificate | None


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        CardFault: damaged: it is none.
    """
    from asn1crypto import x509

    try:
        return _certificate(x509.Certificate.load(der, strict=True))
    except _TRIPS as error:
        raise CardFault("damaged", f"a certificate that cannot be read ({type(error).__name__})") from None


def read_signed_data(der: bytes) -> SignedData:
    """Read a ContentInfo with a SignedData within.

    Raises:
        CardFault: damaged: it is none, or has no signer or no signed attributes (RFC 5652, 5.3).
    """
    from asn1crypto import cms

    try:
        return _signed_data(cms.ContentInfo.load(der, strict=True))
    except _TRIPS as error:
        raise CardFault("damaged", f"a SignedData that cannot be read ({type(error).__name__})") from None


def _signed_data(info: Any) -> SignedData:
    if info["content_type"].native != "signed_data":
        raise ValueError("another content type")
    data = info["content"]
    inner, signer = data["encap_content_info"], data["signer_infos"][0]
    attributes = encode(0x31, signer["signed_attrs"].contents)
    attested = _attributes(attributes)
    digest_name = str(signer["digest_algorithm"]["algorithm"].native)
    return SignedData(
        content_type=inner["content_type"].dotted,
        content=bytes(inner["content"]),
        digest_name=digest_name,
        attributes=attributes,
        attested_type=oid(*read_all(attested[_CONTENT_TYPE])),
        attested_digest=read_one(attested[_MESSAGE_DIGEST], 0x04).value,
        scheme=_scheme(signer["signature_algorithm"], digest_name),
        signature=signer["signature"].native,
        signer=_signer(data["certificates"], signer["sid"]),
    )


def _attributes(attributes: bytes) -> dict[str, bytes]:
    """Each signed attribute's one value by the attribute's OID; one that comes twice is refused (RFC 5652, 11)."""
    found: dict[str, bytes] = {}
    for element in read_one(attributes, 0x31).children():
        name, values = element.children()
        if oid(name) in found or values.tag != 0x31:
            raise ValueError("an attribute that comes twice")
        found[oid(name)] = values.value
    return found


def _signer(certificates: Any, sid: Any) -> Certificate | None:
    """The certificate among those enclosed that the signer names; None: it is not there."""
    for choice in certificates:
        if choice.name != "certificate":
            continue
        found = _certificate(choice.chosen)
        if sid.name == "issuer_and_serial_number":
            named = sid.chosen["issuer"].hashable, sid.chosen["serial_number"].native
            if named == (found.issuer, found.serial):
                return found
        elif found.key_id is not None and sid.chosen.native == found.key_id:
            return found
    return None


def _certificate(certificate: Any) -> Certificate:
    signed = certificate["tbs_certificate"]
    usage, constraints = certificate.key_usage_value, certificate.basic_constraints_value
    if signed["signature"].dump() != certificate["signature_algorithm"].dump():
        raise ValueError("two signature algorithms")
    return Certificate(
        subject=certificate.subject.hashable,
        issuer=certificate.issuer.hashable,
        serial=certificate.serial_number,
        key_id=certificate.key_identifier,
        issuer_key_id=certificate.authority_key_identifier,
        valid_from_ms=int(signed["validity"]["not_before"].native.timestamp() * 1000),
        valid_until_ms=int(signed["validity"]["not_after"].native.timestamp() * 1000),
        public_key_info=signed["subject_public_key_info"].dump(),
        signed=signed.dump(),
        scheme=_scheme(certificate["signature_algorithm"], ""),
        signature=certificate["signature_value"].native,
        is_authority=constraints is not None and constraints["ca"].native is True,
        usages=None if usage is None else frozenset(usage.native),
        strange=bool(certificate.critical_extensions - _CRITICAL_KNOWN),
        special=certificate.extended_key_usage_value is not None,
    )


def _scheme(algorithm: Any, digest_name: str) -> Scheme | None:
    """How a signature was made; `digest_name` where the algorithm leaves the hash to the signer's digest algorithm."""
    name = algorithm["algorithm"].native
    if name == "rsassa_pss":
        parameters = algorithm["parameters"]
        mask = parameters["mask_gen_algorithm"]
        if mask["algorithm"].native != "mgf1":
            return None
        return Scheme(
            "pss",
            parameters["hash_algorithm"]["algorithm"].native,
            mask["parameters"]["algorithm"].native,
            parameters["salt_length"].native,
        )
    if name == "rsassa_pkcs1v15":
        return Scheme("pkcs1", digest_name)
    hash_name, _, family = name.partition("_")
    kind = _KINDS.get(family)
    return Scheme(kind, hash_name) if kind else None
