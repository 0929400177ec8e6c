"""The issuers of chip cards that the operator trusts: the body of the signed set named "anchors".

Certificates of the country's signing authority (CSCA, ICAO Doc 9303-12), in DER. They travel as an offline-signed set,
so that nobody who holds only the server's keys can make a station call a forged card genuine. Reads no certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

from device_profiles import layout
from device_profiles.cbor import decode, encode
from device_profiles.messages import SET_MAX_BYTES

FORMAT = 1
NAME = "anchors"
CERTIFICATES_MAX_COUNT = 64
CERTIFICATE_MAX_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSet:
    """All certificates in force; a newer version replaces the older one whole."""

    version: int = layout.number(1)
    certificates: tuple[bytes, ...] = layout.items(2, CERTIFICATES_MAX_COUNT)

    def encode(self) -> bytes:
        """Give the body of the set. Raises WireError."""
        fields = layout.to_map(self, FORMAT)
        self.check()
        return encode(fields)

    @classmethod
    def decode(cls, body: bytes) -> AnchorSet:
        """Read the body of a set. Raises WireError."""
        found = layout.from_map(cls, decode(body, SET_MAX_BYTES), FORMAT)
        found.check()
        return found

    def check(self) -> None:
        """Refuse what the layout alone cannot: what is no bytes, empty, or too long for a certificate."""
        for each in self.certificates:
            if type(each) is not bytes or not 0 < len(each) <= CERTIFICATE_MAX_BYTES:
                raise layout.FieldError("AnchorSet", "certificates", f"each must be 1 to {CERTIFICATE_MAX_BYTES} bytes")
