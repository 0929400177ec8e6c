"""Public keys out of certificates and chips, and the signatures they check. Decides which kinds are known here.

What is not known is said to be unknown, never taken for wrong: an issuer may use what this station does not speak.
Elliptic curves may be named, given by ICAO's number or written out in full, as certificates of issuers mostly do;
`cryptography` refuses that last form, so the numbers are matched to a known curve here. SHA-1 is not known on purpose.
Sources: RFC 5480, RFC 8017, SEC 1 C.2, ICAO Doc 9303-12, 4.1.6; BSI TR-03110-3, A.2.1.1 (standardized parameters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge_agent.drivers.reader.emrtd.curves import CURVES, CURVES_BY_OID, Curve, Point, PointFault
from edge_agent.drivers.reader.emrtd.tlv import Tlv, TlvFault, integer, oid, read_one

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_RSA = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"})  # rsaEncryption, id-RSASSA-PSS
_EC = frozenset({"1.2.840.10045.2.1", "1.3.132.1.12"})  # id-ecPublicKey, id-ecDH
_STANDARDIZED = "0.4.0.127.0.7.1.2"
_RSA_BITS_MIN, _RSA_BITS_MAX, _EXPONENT_MAX = 1024, 8192, 1 << 32
HASHES = frozenset({"sha224", "sha256", "sha384", "sha512"})


class Unknown(Exception):
    """A kind of key, hash or signature that is not spoken here."""


@dataclass(frozen=True, slots=True)
class RsaKey:
    """Modulus and exponent."""

    n: int
    e: int

    @property
    def size_bytes(self) -> int:
        """The length of a signature."""
        return (self.n.bit_length() + 7) // 8


@dataclass(frozen=True, slots=True)
class EcKey:
    """A point of a known curve."""

    curve: Curve
    point: Point


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a signature was made. mask and salt_bytes: of PSS only."""

    kind: Literal["pkcs1", "pss", "ecdsa"]
    hash_name: str
    mask: str = ""
    salt_bytes: int = 0


def read_public_key(info: bytes) -> RsaKey | EcKey:
    """Read a SubjectPublicKeyInfo.

    Raises:
        Unknown: another kind of key, curve or size.
        CardFault: damaged: it is none.
    """
    parts = read_one(info, 0x30).children()
    if len(parts) != 2 or parts[0].tag != 0x30 or parts[1].tag != 0x03 or parts[1].value[:1] != b"\0":
        raise TlvFault("a public key that is no SubjectPublicKeyInfo")
    algorithm = parts[0].children()
    name = oid(algorithm[0]) if algorithm else ""
    key = parts[1].value[1:]
    if name in _RSA:
        return _rsa(key)
    if (name in _EC or name == _STANDARDIZED) and len(algorithm) == 2:
        curve = _curve(algorithm[1])
        try:
            return EcKey(curve, curve.decode(key))
        except PointFault as fault:
            raise TlvFault(f"a public key: {fault}") from fault
    raise Unknown(f"public key algorithm {name}")


def _rsa(key: bytes) -> RsaKey:
    numbers = [integer(part) for part in read_one(key, 0x30).children()]
    if len(numbers) != 2:
        raise TlvFault("an RSA key that is not two numbers")
    n, e = numbers
    if n < 0 or not _RSA_BITS_MIN <= n.bit_length() <= _RSA_BITS_MAX or not 3 <= e < _EXPONENT_MAX or not n & e & 1:
        raise Unknown(f"an RSA key of {n.bit_length()} bits with an exponent of {e.bit_length()} bits")
    return RsaKey(n, e)


def _curve(parameters: Tlv) -> Curve:
    """The curve by name, by ICAO's number, or by its numbers in full; its generator is ours in any case."""
    if parameters.tag == 0x06:
        found = CURVES_BY_OID.get(oid(parameters))
    elif parameters.tag == 0x02:
        found = CURVES.get(integer(parameters))
    elif parameters.tag == 0x30:
        found = _matched(parameters)
    else:
        found = None
    if found is None:
        raise Unknown("an elliptic curve")
    return found


def _matched(parameters: Tlv) -> Curve | None:
    """SpecifiedECDomain: version, field, curve, base, order (and more)."""
    parts = parameters.children()
    if len(parts) < 5 or parts[1].tag != 0x30 or parts[2].tag != 0x30:
        return None
    field, coefficients = parts[1].children(), parts[2].children()
    if len(field) != 2 or len(coefficients) < 2 or field[1].tag != 0x02:
        return None
    a, b = (int.from_bytes(part.value, "big") for part in coefficients[:2])
    numbers = (integer(field[1]), a, b, integer(parts[4]))
    return next((curve for curve in CURVES.values() if (curve.p, curve.a, curve.b, curve.n) == numbers), None)


def signature_fits(key: RsaKey | EcKey, scheme: Scheme, signature: bytes, data: bytes) -> bool:
    """Whether the key's owner made this signature of the data.

    Raises:
        Unknown: the scheme does not go with the key, or something of it is not spoken here.
    """
    from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    hashed = hash_of(scheme.hash_name)
    try:
        if isinstance(key, RsaKey) and scheme.kind != "ecdsa":
            filling: padding.PSS | padding.PKCS1v15 = padding.PKCS1v15()
            if scheme.kind == "pss":
                if not 0 <= scheme.salt_bytes <= key.size_bytes:  # the library's numbers end at 31 bits
                    raise Unknown("a salt that no signature of this key has room for")
                filling = padding.PSS(padding.MGF1(hash_of(scheme.mask)), scheme.salt_bytes)
            rsa.RSAPublicNumbers(key.e, key.n).public_key().verify(signature, data, filling, hashed)
        elif isinstance(key, EcKey) and scheme.kind == "ecdsa":
            curve = _named(key.curve)
            public = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.curve.encode(key.point))
            public.verify(signature, data, ec.ECDSA(hashed))
        else:
            raise Unknown("a signature of another kind than its key")
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, InternalError, ValueError, OverflowError) as error:
        raise Unknown("a key that the library does not take") from error
    return True


def hash_of(name: str) -> HashAlgorithm:
    """The hash of `cryptography` by name.

    Raises:
        Unknown: it is not one of `HASHES`.
    """
    from cryptography.hazmat.primitives import hashes

    if name not in HASHES:
        raise Unknown(f"hash {name}")
    known: dict[str, HashAlgorithm] = {
        "sha224": hashes.SHA224(),
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
    return known[name]


def _named(curve: Curve) -> EllipticCurve:
    from cryptography.hazmat.primitives.asymmetric import ec

    known: dict[int, EllipticCurve] = {
        12: ec.SECP256R1(),
        13: ec.BrainpoolP256R1(),
        15: ec.SECP384R1(),
        16: ec.BrainpoolP384R1(),
        17: ec.BrainpoolP512R1(),
        18: ec.SECP521R1(),
    }
    if curve.parameter_id not in known:
        raise Unknown(f"signatures over {curve.name}")
    return known[curve.parameter_id]
