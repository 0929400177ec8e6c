"""The elliptic curves of PACE and their points: add, multiply, take from bytes, give as bytes.

Decides which curves exist here and that no point off its curve is ever computed with. Knows nothing of protocols. It is
not constant-time and is used with numbers that live for one reading only; signatures are checked by `cryptography`,
which has no point arithmetic to offer (docs/decisions/0009).

Sources: ICAO Doc 9303-11, 9.5.1 (numbers of the standardized domain parameters; those under 256 bits are left out),
SEC 2 and RFC 5639 (constants), BSI TR-03111 (uncompressed points).
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[int, int]
_Jacobian = tuple[int, int, int]  # x = X/Z^2, y = Y/Z^3; Z = 0 is the point at infinity
_INFINITY: _Jacobian = (1, 1, 0)


class PointFault(ValueError):
    """Bytes that are no point of the curve, or a sum or product that is the point at infinity."""


@dataclass(frozen=True, slots=True)
class Curve:
    """y^2 = x^3 + ax + b over the integers modulo the prime p; `g` generates a group of prime order n, cofactor 1.

    parameter_id: its number in a chip's PACEInfo. oid: its name in certificates.
    """

    parameter_id: int
    name: str
    oid: str
    p: int
    a: int
    b: int
    g: Point
    n: int

    @property
    def size_bytes(self) -> int:
        """The length of one coordinate."""
        return (self.p.bit_length() + 7) // 8

    def contains(self, point: Point) -> bool:
        """Whether both coordinates are reduced and lie on the curve (all points but infinity)."""
        x, y = point
        return 0 <= x < self.p and 0 <= y < self.p and (y * y - (x * x + self.a) * x - self.b) % self.p == 0

    def add(self, left: Point, right: Point) -> Point:
        """The sum of two points of the curve.

        Raises:
            PointFault: it is the point at infinity.
        """
        return self._affine(self._sum((*left, 1), right))

    def multiply(self, number: int, point: Point) -> Point:
        """`number` times a point of the curve.

        Raises:
            PointFault: it is the point at infinity.
        """
        total = _INFINITY
        for bit in f"{number % self.n:b}":
            total = self._twice(total)
            if bit == "1":
                total = self._sum(total, point)
        return self._affine(total)

    def decode(self, data: bytes) -> Point:
        """Take a point from its uncompressed form, 04 || x || y.

        Raises:
            PointFault: another form or length (infinity has one byte), or not on the curve.
        """
        size = self.size_bytes
        if len(data) != 1 + 2 * size or data[0] != 0x04:
            raise PointFault(f"not an uncompressed point of {self.name}")
        point = (int.from_bytes(data[1 : 1 + size], "big"), int.from_bytes(data[1 + size :], "big"))
        if not self.contains(point):
            raise PointFault(f"a point that is not on {self.name}")
        return point

    def encode(self, point: Point) -> bytes:
        """Give the uncompressed form, 04 || x || y."""
        return b"\x04" + self.coordinate(point[0]) + self.coordinate(point[1])

    def coordinate(self, number: int) -> bytes:
        """Give a coordinate with all its leading zeros (FE2OS of BSI TR-03111)."""
        return number.to_bytes(self.size_bytes, "big")

    def scalar(self, random: bytes) -> int:
        """Make a private number, 1 to n-1, of random bytes; take `random_size_bytes` of them to be without bias."""
        return int.from_bytes(random, "big") % (self.n - 1) + 1

    @property
    def random_size_bytes(self) -> int:
        """How many random bytes `scalar` needs: 64 bits more than n has (NIST SP 800-56A, 5.6.1.2.1)."""
        return (self.n.bit_length() + 7) // 8 + 8

    def _twice(self, point: _Jacobian) -> _Jacobian:
        x, y, z = point
        if not y or not z:
            return _INFINITY
        p = self.p
        yy = y * y % p
        s = 4 * x * yy % p
        m = (3 * x * x + self.a * pow(z, 4, p)) % p
        x3 = (m * m - 2 * s) % p
        return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p

    def _sum(self, left: _Jacobian, right: Point) -> _Jacobian:
        (x1, y1, z1), (x2, y2), p = left, right, self.p
        if not z1:
            return (*right, 1)
        zz = z1 * z1 % p
        h, r = (x2 * zz - x1) % p, (y2 * zz * z1 - y1) % p
        if not h:
            return _INFINITY if r else self._twice(left)
        hh = h * h % p
        hhh, v = h * hh % p, x1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - y1 * hhh) % p, h * z1 % p

    def _affine(self, point: _Jacobian) -> Point:
        x, y, z = point
        if not z:
            raise PointFault(f"the point at infinity of {self.name}")
        inverse = pow(z, -1, self.p)
        square = inverse * inverse % self.p
        return x * square % self.p, y * square * inverse % self.p


def _curve(parameter_id: int, name: str, oid: str, numbers: str) -> Curve:
    """Make a curve of p, a, b, the generator's x and y, and n, in hexadecimal."""
    p, a, b, x, y, n = (int("".join(number.split()), 16) for number in numbers.split(","))
    return Curve(parameter_id, name, oid, p, a, b, (x, y), n)


_ALL = (
    _curve(
        12,
        "P-256",
        "1.2.840.10045.3.1.7",
        """
        ffffffff00000001000000000000000000000000ffffffffffffffffffffffff,
        ffffffff00000001000000000000000000000000fffffffffffffffffffffffc,
        5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
        6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
        4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5,
        ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
        """,
    ),
    _curve(
        13,
        "brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.7",
        """
        a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377,
        7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9,
        26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6,
        8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262,
        547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997,
        a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7
        """,
    ),
    _curve(
        14,
        "brainpoolP320r1",
        "1.3.36.3.3.2.8.1.1.9",
        """
        d35e472036bc4fb7e13c785ed201e065f98fcfa6f6f40def4f92b9ec7893ec28fcd412b1f1b32e27,
        3ee30b568fbab0f883ccebd46d3f3bb8a2a73513f5eb79da66190eb085ffa9f492f375a97d860eb4,
        520883949dfdbc42d3ad198640688a6fe13f41349554b49acc31dccd884539816f5eb4ac8fb1f1a6,
        43bd7e9afb53d8b85289bcc48ee5bfe6f20137d10a087eb6e7871e2a10a599c710af8d0d39e20611,
        14fdd05545ec1cc8ab4093247f77275e0743ffed117182eaa9c77877aaac6ac7d35245d1692e8ee1,
        d35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482ec7ee8658e98691555b44c59311
        """,
    ),
    _curve(
        15,
        "P-384",
        "1.3.132.0.34",
        """
        fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff,
        fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc,
        b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef,
        aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
        3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f,
        ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973
        """,
    ),
    _curve(
        16,
        "brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.11",
        """
        8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53,
        7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826,
        04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11,
        1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e,
        8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315,
        8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565
        """,
    ),
    _curve(
        17,
        "brainpoolP512r1",
        "1.3.36.3.3.2.8.1.1.13",
        """
        aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871
        7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3,
        7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc
        2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca,
        3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7
        2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723,
        81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098e
        ff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822,
        7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111
        b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892,
        aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870
        553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069
        """,
    ),
    _curve(
        18,
        "P-521",
        "1.3.132.0.35",
        """
        01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff,
        01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc,
        0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109
        e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00,
        00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3d
        baa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66,
        011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e66
        2c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650,
        01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
        fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409
        """,
    ),
)
CURVES = {curve.parameter_id: curve for curve in _ALL}  # by the number in a chip's PACEInfo
CURVES_BY_OID = {curve.oid: curve for curve in _ALL}
