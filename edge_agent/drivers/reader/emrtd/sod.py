"""EF.SOD, passive authentication: whether the issuer signed what the chip gives: proven, not proven, or wrong.

*Proven*: each part that was read has its hash in the object, the object is signed by the certificate within, and that
was issued by an anchor (a CSCA certificate) that the operator provisioned. *Wrong* (`not_authentic`): a hash or a
signature does not fit, with or without anchors. *Not proven*: nothing is wrong, and no anchor speaks for the issuer:
none is provisioned, or none of that name and key (a foreign card, or one signed under a newer CSCA, is not a forged
one), a certificate is out of its time or not for this purpose, or an algorithm is not spoken here.

Sources: ICAO Doc 9303-11, 5.1; 9303-10, 4.6.2 (LDS security object); 9303-12, 7; RFC 5652, 5.4 and 5.6.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.public_keys import HASHES, Unknown, read_public_key, signature_fits
from edge_agent.drivers.reader.emrtd.signed_data import Certificate, SignedData, read_certificate, read_signed_data
from edge_agent.drivers.reader.emrtd.tlv import TlvFault, encode, integer, oid, read_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.card import Doubt

_LDS_OBJECT = "2.23.136.1.1.1"
_GROUPS_MAX = 16
# What matters most to the person who decides comes first. That a card may be forged or copied in part goes before what
# this station was not given; a foreign issuer before the dates of a known one; what we do not speak says least.
_DOUBTS: tuple[Doubt, ...] = ("unsigned", "unproven", "issuer", "no_anchors", "period", "algorithm", "")
_HASHES_BY_OID = {
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


@dataclass(frozen=True, slots=True)
class SecurityObject:
    """An EF.SOD that is well formed; what it says is worth what `issuer_doubt` finds.

    hash_name: None where it is not spoken here. hashes: by number of the data group.
    """

    hash_name: str | None
    hashes: dict[int, bytes]
    signed: SignedData

    def group_doubt(self, number: int, content: bytes) -> Doubt:
        """What keeps this object from speaking for a data group: it is not listed ("unsigned"), its hash is not spoken.

        Raises:
            CardFault: not_authentic: it is listed with another hash.
        """
        if number not in self.hashes:
            return "unsigned"
        if self.hash_name is None:
            return "algorithm"
        if hashlib.new(self.hash_name, content).digest() != self.hashes[number]:
            raise CardFault("not_authentic", f"DG{number}: not what EF.SOD says")
        return ""

    def issuer_doubt(self, anchors: Sequence[bytes], as_of_ms: int | None) -> Doubt:
        """What keeps an anchor's owner from vouching for the hashes; "" where one does.

        Args:
            anchors: certificates (DER); one that cannot be read vouches for nothing.
            as_of_ms: UTC; None: the time is not known, and no certificate is refused for its dates.

        Raises:
            CardFault: not_authentic: a signature is wrong.
        """
        try:
            self._judge_signature()
        except Unknown:
            return gravest("algorithm", _issuer_doubt(self.signed.signer, anchors, as_of_ms))
        return _issuer_doubt(self.signed.signer, anchors, as_of_ms)

    def _judge_signature(self) -> None:
        signed = self.signed
        if signed.attested_type != _LDS_OBJECT:
            raise CardFault("not_authentic", "EF.SOD: its signature is for another kind of content")
        if signed.digest_name not in HASHES or signed.scheme is None or signed.signer is None:
            raise Unknown("EF.SOD: a way of signing")
        if hashlib.new(signed.digest_name, signed.content).digest() != signed.attested_digest:
            raise CardFault("not_authentic", "EF.SOD: its signature is for another content")
        key = read_public_key(signed.signer.public_key_info)
        if not signature_fits(key, signed.scheme, signed.signature, signed.attributes):
            raise CardFault("not_authentic", "EF.SOD: the signature is wrong")


def read_security_object(data: bytes) -> SecurityObject:
    """Read EF.SOD.

    Raises:
        CardFault: damaged.
    """
    signed = read_signed_data(encode(0x30, read_one(data, 0x77, 0x30).value))
    if signed.content_type != _LDS_OBJECT:
        raise TlvFault("EF.SOD: not an LDS security object")
    parts = read_one(signed.content, 0x30).children()
    if not 3 <= len(parts) <= 4 or parts[1].tag != 0x30 or parts[2].tag != 0x30:
        raise TlvFault("EF.SOD: an LDS security object of other parts")
    algorithm = parts[1].children()
    if not algorithm:
        raise TlvFault("EF.SOD: no hash algorithm")
    hashes: dict[int, bytes] = {}
    for element in parts[2].children():
        pair = element.children()
        if element.tag != 0x30 or len(pair) != 2 or pair[1].tag != 0x04:
            raise TlvFault("EF.SOD: a hash that is not a number and bytes")
        number = integer(pair[0])
        if not 1 <= number <= _GROUPS_MAX or number in hashes:
            raise TlvFault("EF.SOD: a data group that cannot be, or twice")
        hashes[number] = pair[1].value
    return SecurityObject(_HASHES_BY_OID.get(oid(algorithm[0])), hashes, signed)


def gravest(*doubts: Doubt) -> Doubt:
    """Which of several doubts is told; "" only where there is no other."""
    return min(doubts, key=_DOUBTS.index)


def _issuer_doubt(signer: Certificate | None, anchors: Sequence[bytes], as_of_ms: int | None) -> Doubt:
    """What keeps the anchors from speaking for the signer: one must have issued its certificate, and both be fit.

    None for a signer: its certificate is not enclosed, so nobody can say who issued it.
    """
    if not anchors:
        return "no_anchors"
    if signer is None:
        return "issuer"
    named = [anchor for anchor in map(_anchor, anchors) if anchor is not None and _is_issuer(anchor, signer)]
    signed = [(anchor, _signed(anchor, signer)) for anchor in named]
    if named and all(fits is False for _, fits in signed):
        raise CardFault("not_authentic", "EF.SOD: its signer's certificate was not signed by the issuer it names")
    if not named:
        return "issuer"
    issuers = [anchor for anchor, fits in signed if fits]
    if not issuers:
        return "algorithm"  # and so nothing that the certificate says of itself is known
    fit = _fits_purpose(signer) and _in_time(signer, as_of_ms)
    return "" if fit and any(_may_issue(anchor) and _in_time(anchor, as_of_ms) for anchor in issuers) else "period"


def _signed(anchor: Certificate, signer: Certificate) -> bool | None:
    """Whether the anchor's key signed the certificate; None where that cannot be told here."""
    if signer.scheme is None:
        return None
    try:
        return signature_fits(read_public_key(anchor.public_key_info), signer.scheme, signer.signature, signer.signed)
    except (Unknown, TlvFault):
        return None


def _anchor(der: bytes) -> Certificate | None:
    try:
        return read_certificate(der)
    except CardFault:
        return None


def _is_issuer(anchor: Certificate, signer: Certificate) -> bool:
    """By name, and by key where both say which: an issuer keeps its name when it changes its key (9303-12, 7.1)."""
    if anchor.subject != signer.issuer:
        return False
    return None in {anchor.key_id, signer.issuer_key_id} or anchor.key_id == signer.issuer_key_id


def _may_issue(anchor: Certificate) -> bool:
    return anchor.is_authority and not anchor.strange and (anchor.usages is None or "key_cert_sign" in anchor.usages)


def _fits_purpose(signer: Certificate) -> bool:
    """Whether it is a document signer's: no authority, and not one that signs master lists or bar codes."""
    usages = signer.usages or frozenset()
    return "digital_signature" in usages and not (signer.is_authority or signer.strange or signer.special)


def _in_time(certificate: Certificate, as_of_ms: int | None) -> bool:
    return as_of_ms is None or certificate.valid_from_ms <= as_of_ms <= certificate.valid_until_ms
