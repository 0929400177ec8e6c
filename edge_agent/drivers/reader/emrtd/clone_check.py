"""Whether the chip is the one that was issued, or a copy of its files: it must use a key that cannot be read out.

Decides which proof is asked for and whether it holds. It proves nothing about the issuer: that is EF.SOD's part, whose
hashes must cover the public key (a copy could bring its own). Chip Authentication comes first where the chip offers it,
since it also gives fresh keys to the channel; else Active Authentication (active_authentication.py).

Sources: ICAO Doc 9303-11, 6.2 (Chip Authentication), 9.2 (SecurityInfos of DG14).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.active_authentication import Challenge
from edge_agent.drivers.reader.emrtd.apdu import OK, Command, Exchange
from edge_agent.drivers.reader.emrtd.keys import ENC, MAC, Cipher, derive
from edge_agent.drivers.reader.emrtd.lds import chip_security_infos, public_key_bytes
from edge_agent.drivers.reader.emrtd.public_keys import EcKey, Unknown, read_public_key
from edge_agent.drivers.reader.emrtd.secure_messaging import SecureMessaging
from edge_agent.drivers.reader.emrtd.tlv import encode, encode_oid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.card import CloneCheck, Doubt
    from edge_agent.drivers.reader.emrtd.lds import SecurityInfo

_KEY, _FINITE_FIELD_KEY = "0.4.0.127.0.7.2.2.1.2", "0.4.0.127.0.7.2.2.1.1"  # id-PK-ECDH, id-PK-DH
# id-CA-ECDH and its suites, the strongest first; a key without a suite is for the last one (BSI TR-03110-3, A.1.1.2).
_SUITES: dict[str, Cipher] = {
    "0.4.0.127.0.7.2.2.3.2.4": "aes256",
    "0.4.0.127.0.7.2.2.3.2.3": "aes192",
    "0.4.0.127.0.7.2.2.3.2.2": "aes128",
    "0.4.0.127.0.7.2.2.3.2.1": "3des",
}
_SELECT_DG14 = Command(0x00, 0xA4, 0x02, 0x0C, bytes.fromhex("010E"))


class Proof(NamedTuple):
    """What the chip has proven; doubt: why that is not what its files promise, or ""."""

    clone_check: CloneCheck
    doubt: Doubt


def check_for_clone(
    exchange: Exchange, dg14: bytes | None, dg15: bytes | None, random_bytes: Callable[[int], bytes]
) -> Proof:
    """Ask the chip for the strongest proof that it offers and that is spoken here.

    Args:
        exchange: the conversation, secured; Chip Authentication changes its keys.
        dg14: the chip's offers, or None.
        dg15: the public key of Active Authentication, or None.
        random_bytes: gives so many random bytes.

    Returns:
        `unproven` where the files name a key and no proof of it came: for the answer was lost or its length refused
        (doubt "unproven"), or since no way to prove it is spoken here (doubt "algorithm"; nothing was asked).

    Raises:
        CardFault: copied: the proof is refused or wrong; damaged: an offer that is malformed.
    """
    infos = chip_security_infos(dg14) if dg14 is not None else ()
    offer = _choose(infos)
    if offer is not None:
        _authenticate_chip(exchange, offer, random_bytes)
        return Proof("chip", "")
    if not names_key(dg14, dg15):
        return Proof("not_offered", "")
    try:
        challenge = Challenge.of(public_key_bytes(dg15), infos) if dg15 is not None else None
    except Unknown:
        challenge = None
    if challenge is None:
        return Proof("unproven", "algorithm")
    return Proof("active", "") if challenge.run(exchange, random_bytes) else Proof("unproven", "unproven")


def names_key(dg14: bytes | None, dg15: bytes | None) -> bool:
    """Whether the files name a key of the chip's own, spoken here or not.

    Raises:
        CardFault: damaged.
    """
    infos = chip_security_infos(dg14) if dg14 is not None else ()
    return dg15 is not None or any(info.oid in {_KEY, _FINITE_FIELD_KEY} for info in infos)


@dataclass(frozen=True, slots=True)
class _Offer:
    """One way of Chip Authentication. key_id: which of the chip's keys is meant, where it has several."""

    oid: str
    cipher: Cipher
    key: EcKey
    key_id: int | None


def _choose(infos: Sequence[SecurityInfo]) -> _Offer | None:
    """The strongest suite with a key that is known here."""
    keys = {}
    for info in infos:
        if info.oid == _KEY:
            try:
                key = read_public_key(encode(info.required.tag, info.required.value))
            except Unknown:
                continue
            if isinstance(key, EcKey):
                keys[info.number] = key
    for oid, cipher in _SUITES.items():
        for info in infos:
            if info.oid == oid and info.number in keys:
                return _Offer(oid, cipher, keys[info.number], info.number)
    if keys and not any(info.oid in _SUITES for info in infos):
        key_id, key = next(iter(keys.items()))
        return _Offer(next(reversed(_SUITES)), "3des", key, key_id)
    return None


def _authenticate_chip(exchange: Exchange, offer: _Offer, random_bytes: Callable[[int], bytes]) -> None:
    """Agree on new keys with the chip's own key (6.2.3); only who holds it can go on talking.

    Raises:
        CardFault: copied.
    """
    curve, cipher = offer.key.curve, offer.cipher
    private = curve.scalar(random_bytes(curve.random_size_bytes))
    public = curve.encode(curve.multiply(private, curve.g))
    for command in _commands(offer, public):
        status = exchange.send(command).status
        if status != OK:
            raise CardFault("copied", f"Chip Authentication: refused, status {status:04X}")
    secret = curve.coordinate(curve.multiply(private, offer.key.point)[0])
    exchange.security = SecureMessaging(cipher, derive(secret, ENC, cipher), derive(secret, MAC, cipher))
    try:
        exchange.send(_SELECT_DG14)
    except CardFault as fault:
        if fault.kind != "damaged":
            raise
        raise CardFault("copied", f"Chip Authentication: {fault}") from fault


def _commands(offer: _Offer, public: bytes) -> tuple[Command, ...]:
    """MSE:Set KAT for 3DES; for AES MSE:Set AT and GENERAL AUTHENTICATE (6.2.4)."""
    key_id = b"" if offer.key_id is None else encode(0x84, _unsigned(offer.key_id))
    if offer.cipher == "3des":
        return (Command(0x00, 0x22, 0x41, 0xA6, encode(0x91, public) + key_id),)
    return (
        Command(0x00, 0x22, 0x41, 0xA4, encode(0x80, encode_oid(offer.oid)) + key_id),
        Command(0x00, 0x86, 0x00, 0x00, encode(0x7C, encode(0x80, public)), le=256),
    )


def _unsigned(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
