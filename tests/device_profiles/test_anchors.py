"""The set of issuers' certificates: what it takes, and what it refuses by name."""

from __future__ import annotations

import pytest

from device_profiles.anchors import CERTIFICATE_MAX_BYTES, CERTIFICATES_MAX_COUNT, AnchorSet
from device_profiles.cbor import WireError, encode


def test_it_comes_back_as_it_went():
    made = AnchorSet(version=7, certificates=(b"a", b"b" * CERTIFICATE_MAX_BYTES))
    assert AnchorSet.decode(made.encode()) == made
    assert AnchorSet.decode(AnchorSet(version=8, certificates=()).encode()).certificates == ()


@pytest.mark.parametrize(
    "certificates",
    [(b"",), (b"x" * (CERTIFICATE_MAX_BYTES + 1),), ("text",), (None,), (b"x",) * (CERTIFICATES_MAX_COUNT + 1)],
)
def test_what_is_no_certificate_is_refused_both_ways(certificates):
    with pytest.raises(WireError, match="certificates"):
        AnchorSet(version=1, certificates=certificates).encode()
    with pytest.raises(WireError, match="certificates"):
        AnchorSet.decode(encode({0: 1, 1: 1, 2: list(certificates)}))
