"""`python -m fleet_server anchors`: the issuers of chip cards whom stations trust."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from device_profiles.anchors import AnchorSet
from edge_agent import sets
from provisioning.trust import FleetTrust
from tests.fleet_server.desk_bed import Desk, make_desk

if TYPE_CHECKING:
    from pathlib import Path


def file_(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _anchors(desk: Desk, *files: Path, set_key: Path | None = None) -> list[object]:
    return ["anchors", desk.server, *files, "--set-key", set_key or desk.set_key]


def _certificate(*, ca: bool = True, pem: bool = False, years: int = 10, signs: bool = True) -> bytes:
    """A self-signed certificate of nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "MAU CSCA")])
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=365 * years)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, end - dt.timedelta(days=7300), end)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    made = made.add_extension(usage, critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM if pem else Encoding.DER)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk"))


def test_issuers_certificates_reach_stations_as_a_set_and_are_replaced_whole(desk, tmp_path):
    der, pem = file_(tmp_path, "one.cer", _certificate()), file_(tmp_path, "two.pem", _certificate(pem=True))
    said = desk.done(*_anchors(desk, der, pem))
    assert "2 certificates" in said
    first, found = _trusted(desk)
    assert found.certificates == (
        der.read_bytes(),
        x509.load_pem_x509_certificate(pem.read_bytes()).public_bytes(Encoding.DER),
    )
    desk.done(*_anchors(desk, der))
    second, found = _trusted(desk)
    assert (found.certificates, second.version > first.version) == ((der.read_bytes(),), True)


def _trusted(desk: Desk) -> tuple[Any, AnchorSet]:
    """The newest certificates as a station gets them."""
    (pointer,) = [each for each in desk.read(lambda store: store.newest_sets()) if each.name == "anchors"]
    trust = FleetTrust((desk.server / "root.spki").read_bytes())
    trust.accept_keys((desk.server / "fleet-keys.cose").read_bytes())
    data = desk.read(lambda store: store.set_data(pointer.sha256))
    return pointer, AnchorSet.decode(sets.verify(trust, data, time.time_ns() // 1_000_000).body)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"text", ("a.cer is no certificate in DER or PEM",)),
        (_certificate(ca=False), ("a.cer is no issuing authority", "CSCA")),
        (_certificate(years=-1), ("a.cer ended on 20", "follows")),
        (_certificate(signs=False), ("a.cer is no issuing authority",)),
        (None, ("a.cer", "check the name")),
    ],
)
def test_what_may_not_vouch_is_named(desk, tmp_path, data, said):
    path = tmp_path / "a.cer" if data is None else file_(tmp_path, "a.cer", data)
    ended = desk.run(*_anchors(desk, path))
    assert ended.returncode == 1
    assert all(each in ended.stderr for each in said), ended.stderr


def test_trust_is_withdrawn_from_all_only_when_said_so(desk, tmp_path):
    ended = desk.run("anchors", desk.server, "--set-key", desk.set_key)
    assert ended.returncode == 1
    assert "--none" in ended.stderr
    desk.done(*_anchors(desk, file_(tmp_path, "a.cer", _certificate())))
    desk.done("anchors", desk.server, "--none", "--set-key", desk.set_key)
    assert _trusted(desk)[1].certificates == ()


def test_only_the_offline_set_key_is_believed(desk, tmp_path):
    other = desk.folder / "offline" / "root.pem"
    ended = desk.run(*_anchors(desk, file_(tmp_path, "a.cer", _certificate()), set_key=other))
    assert ended.returncode == 1
    assert "no station would believe" in ended.stderr
