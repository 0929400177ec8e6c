"""The CA against a second opinion: the `openssl` command judges every certificate, request and list."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from device_profiles.wire import EDDSA, ESP256, device_name
from provisioning import authority
from provisioning.authority import DAY_MS, Authority, AuthorityFault, RequestRefused, make_request, read_request
from provisioning.keys import SigningKey, device_id

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000
ROOT_KEY, ISSUING_KEY = SigningKey.generate(), SigningKey.generate()
ROOT = authority.make_root(ROOT_KEY, NOW_MS)
CA = Authority(ROOT, authority.make_issuing(ROOT, ROOT_KEY, ISSUING_KEY.spki, NOW_MS), ISSUING_KEY)
TLS = SigningKey.generate()
DEVICE = device_id(SigningKey.generate().spki)


def openssl(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", *(str(each) for each in arguments)], capture_output=True, text=True, timeout=20, check=False
    )


def verify(folder: Path, certificate: x509.Certificate, *more: object, at_ms: int = NOW_MS) -> str:
    """The opinion of `openssl verify` on a leaf under our root: "OK", or its words."""
    for name, data in (
        ("root.crt", authority.pem(CA.root)),
        ("issuing.crt", authority.pem(CA.certificate)),
        ("leaf.crt", authority.pem(certificate)),
    ):
        (folder / name).write_bytes(data)
    done = openssl(
        "verify", "-x509_strict", "-attime", at_ms // 1000, "-CAfile", folder / "root.crt",
        "-untrusted", folder / "issuing.crt", *more, folder / "leaf.crt",
    )  # fmt: skip
    return "OK" if done.returncode == 0 else done.stderr + done.stdout


def text(folder: Path, certificate: x509.Certificate) -> str:
    (folder / "shown.crt").write_bytes(authority.pem(certificate))
    return openssl("x509", "-in", folder / "shown.crt", "-noout", "-text").stdout


@pytest.mark.parametrize("alg", [ESP256, EDDSA])
def test_openssl_takes_a_device_certificate_for_a_client_only(tmp_path, alg):
    certificate = CA.device(DEVICE, SigningKey.generate(alg).spki, NOW_MS)
    assert verify(tmp_path, certificate, "-purpose", "sslclient") == "OK"
    assert "unsuitable certificate purpose" in verify(tmp_path, certificate, "-purpose", "sslserver")


def test_openssl_reads_the_profile_of_a_device_certificate(tmp_path):
    shown = text(tmp_path, CA.device(DEVICE, TLS.spki, NOW_MS))
    name = device_name(DEVICE)
    for words in (
        "Version: 3 (0x2)",
        f"Subject: CN = {name}\n",
        f"URI:urn:kiosk:{name}\n",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n",
        "X509v3 Subject Key Identifier:",
        "X509v3 Authority Key Identifier:",
    ):
        assert words in shown, words
    assert shown.count("X509v3 ") == 6 + 1, "six extensions and the heading, no other"


def test_a_device_certificate_lives_from_an_hour_ago_for_90_days(tmp_path):
    certificate = CA.device(DEVICE, TLS.spki, NOW_MS)
    assert authority.life_ms(certificate) == (NOW_MS - 3_600_000, NOW_MS + 90 * DAY_MS)
    assert verify(tmp_path, certificate, at_ms=NOW_MS + 89 * DAY_MS) == "OK"
    assert "certificate has expired" in verify(tmp_path, certificate, at_ms=NOW_MS + 91 * DAY_MS)
    assert "not yet valid" in verify(tmp_path, certificate, at_ms=NOW_MS - 2 * 3_600_000)


def test_serials_are_random_and_kept_as_hex():
    serials = {authority.serial_text(CA.device(DEVICE, TLS.spki, NOW_MS)) for _ in range(20)}
    assert len(serials) == 20
    assert all(int(each, 16).bit_length() > 100 and each == each.lower() for each in serials)


def test_openssl_takes_a_server_certificate_for_its_names_only(tmp_path):
    certificate = CA.server(["fleet.example", "localhost", "127.0.0.1", "::1"], TLS.spki, NOW_MS)
    for more in (
        ("-verify_ip", "127.0.0.1"),
        ("-verify_ip", "::1"),
        ("-verify_hostname", "localhost"),
        ("-verify_hostname", "fleet.example"),
    ):
        assert verify(tmp_path, certificate, "-purpose", "sslserver", *more) == "OK", more
    assert "IP address mismatch" in verify(tmp_path, certificate, "-verify_ip", "127.0.0.2")
    assert "ostname mismatch" in verify(tmp_path, certificate, "-verify_hostname", "other.example")
    assert "unsuitable certificate purpose" in verify(tmp_path, certificate, "-purpose", "sslclient")


def test_a_fleet_client_cannot_be_given_the_name_of_a_device(tmp_path):
    assert verify(tmp_path, CA.client("ingest", TLS.spki, NOW_MS), "-purpose", "sslclient") == "OK"
    with pytest.raises(AuthorityFault, match="could be a device's name"):
        CA.client(device_name(DEVICE), TLS.spki, NOW_MS)


def test_a_server_certificate_needs_a_name():
    with pytest.raises(AuthorityFault, match="at least one host name"):
        CA.server([], TLS.spki, NOW_MS)


def test_openssl_refuses_a_certificate_by_a_ca_under_the_issuing_ca(tmp_path):
    """The issuing CA has path length 0: whoever takes its place for a moment cannot make a further CA."""
    sub_key = SigningKey.generate()
    builder = authority._builder(authority._named("sub"), sub_key.spki, NOW_MS, NOW_MS + DAY_MS, path_length=0)
    sub = (
        builder.issuer_name(CA.certificate.subject)
        .add_extension(authority._authority_id(CA.key.spki), critical=False)
        .sign(CA.key.private, hashes.SHA256())
    )
    leaf = Authority(CA.root, sub, sub_key).device(DEVICE, TLS.spki, NOW_MS)
    (tmp_path / "sub.crt").write_bytes(authority.pem(sub))
    assert "path length constraint exceeded" in verify(tmp_path, leaf, "-untrusted", tmp_path / "sub.crt")


def test_openssl_reads_how_far_each_ca_may_go(tmp_path):
    for certificate, length in ((CA.root, 1), (CA.certificate, 0)):
        shown = text(tmp_path, certificate)
        assert f"X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:{length}\n" in shown
        assert "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n" in shown


def test_no_leaf_outlives_the_issuing_ca():
    _, end_ms = authority.life_ms(CA.certificate)
    late = CA.device(DEVICE, TLS.spki, end_ms - 10 * DAY_MS)
    assert authority.life_ms(late)[1] == end_ms
    with pytest.raises(AuthorityFault, match="has ended"):
        CA.device(DEVICE, TLS.spki, end_ms)


def test_openssl_refuses_a_revoked_certificate_and_takes_the_others(tmp_path):
    good, bad = (CA.device(DEVICE, TLS.spki, NOW_MS) for _ in range(2))
    crl = tmp_path / "crl.pem"
    crl.write_bytes(CA.revocations([(authority.serial_text(bad), NOW_MS)], NOW_MS))
    (tmp_path / "issuing.crt").write_bytes(authority.pem(CA.certificate))
    checked = openssl("crl", "-in", crl, "-CAfile", tmp_path / "issuing.crt", "-noout", "-text")
    assert "verify OK" in checked.stderr
    assert authority.serial_text(bad).upper() in checked.stdout.replace(":", "").upper()
    assert verify(tmp_path, good, "-crl_check", "-CRLfile", crl) == "OK"
    assert "certificate revoked" in verify(tmp_path, bad, "-crl_check", "-CRLfile", crl)
    past = verify(tmp_path, good, "-crl_check", "-CRLfile", crl, at_ms=NOW_MS + 31 * DAY_MS)
    assert "CRL has expired" in past


def test_an_empty_revocation_list_is_a_list(tmp_path):
    crl = tmp_path / "crl.pem"
    crl.write_bytes(CA.revocations([], NOW_MS))
    certificate = CA.device(DEVICE, TLS.spki, NOW_MS)
    assert verify(tmp_path, certificate, "-crl_check", "-CRLfile", crl) == "OK"


# --- requests -----------------------------------------------------------------------------------------------------


def demanding_request(key: SigningKey) -> bytes:
    """Asks for all that is never given: to be a CA, another name, 100 alternative names."""
    names = [x509.DNSName(f"x{number}.example") for number in range(100)]
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_name(DEVICE))]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=3), critical=True)
        .add_extension(authority._usage(ca=True), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key.private, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


@pytest.mark.parametrize("alg", [ESP256, EDDSA])
def test_a_request_gives_its_key_and_asks_for_nothing(alg):
    key = SigningKey.generate(alg)
    assert read_request(make_request(key)) == authority.Request(key.spki, ())


def test_openssl_reads_our_request(tmp_path):
    (tmp_path / "csr.der").write_bytes(make_request(TLS))
    done = openssl("req", "-in", tmp_path / "csr.der", "-inform", "DER", "-verify", "-noout", "-text")
    assert "verify OK" in done.stderr + done.stdout


def test_what_a_request_asks_for_is_named_and_not_given(tmp_path):
    wanted = read_request(demanding_request(TLS))
    assert wanted.spki == TLS.spki
    assert wanted.ignored == ("name 2.5.4.3", "extension 2.5.29.19", "extension 2.5.29.15", "extension 2.5.29.17")
    other = device_id(TLS.spki)
    shown = text(tmp_path, CA.device(other, wanted.spki, NOW_MS))
    assert "CA:FALSE" in shown
    assert "example" not in shown
    assert "Certificate Sign" not in shown
    assert device_name(DEVICE) not in shown


def rsa_request(bits: int) -> bytes:
    key = rsa.generate_private_key(65537, bits)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def p384_request() -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    key = ec.generate_private_key(ec.SECP384R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def replaced_key_request() -> bytes:
    """Somebody else's key under a signature by one's own."""
    mine = make_request(SigningKey.generate())
    own = read_request(mine).spki
    return mine.replace(own, TLS.spki)


def tampered(request: bytes) -> bytes:
    return request[:-1] + bytes([request[-1] ^ 1])


def openssl_request(folder: Path) -> bytes:
    done = openssl(
        "req", "-new", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=x",
        "-keyout", folder / "k.pem", "-outform", "DER", "-out", folder / "r.der",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return (folder / "r.der").read_bytes()


def test_rsa_1024_of_openssl_is_refused(tmp_path):
    with pytest.raises(RequestRefused) as refused:
        read_request(openssl_request(tmp_path))
    assert refused.value.reason == "weak_key"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (rsa_request(2048), "weak_key"),
        (p384_request(), "weak_key"),
        (replaced_key_request(), "no_possession"),
        (tampered(make_request(TLS)), "no_possession"),
        (b"", "not_a_request"),
        (b"\x30\x03\x02\x01\x00", "not_a_request"),
        (make_request(TLS) + b"\x00", "not_a_request"),
        (bytes(authority.REQUEST_MAX_BYTES + 1), "too_large"),
    ],
)
def test_requests_that_get_nothing(data, reason):
    with pytest.raises(RequestRefused) as refused:
        read_request(data)
    assert refused.value.reason == reason


def test_no_single_changed_byte_of_a_request_passes():
    good = make_request(TLS)
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :]
        with pytest.raises(RequestRefused):
            read_request(bad)


def test_a_compressed_key_is_the_same_key(tmp_path):
    (tmp_path / "k.pem").write_bytes(TLS.to_pem())
    squeezed = openssl("ec", "-in", tmp_path / "k.pem", "-conv_form", "compressed", "-out", tmp_path / "c.pem")
    assert squeezed.returncode == 0, squeezed.stderr
    done = openssl(
        "req", "-new", "-key", tmp_path / "c.pem", "-subj", "/", "-outform", "DER", "-out", tmp_path / "r.der"
    )
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "r.der").read_bytes()
    assert TLS.spki not in data, "OpenSSL wrote another form of the key"
    assert read_request(data).spki == TLS.spki


# --- files --------------------------------------------------------------------------------------------------------


def test_a_ca_is_read_back():
    files = (authority.pem(CA.root), authority.pem(CA.certificate), CA.key.to_pem())
    read = Authority.load(*files)
    assert (read.root, read.certificate, read.key.spki) == (CA.root, CA.certificate, CA.key.spki)
    assert read.chain_pem == files[0] + files[1]


def test_files_of_a_ca_that_do_not_belong_together_are_named():
    root, issuing, key = authority.pem(CA.root), authority.pem(CA.certificate), CA.key.to_pem()
    other = authority.pem(authority.make_root(SigningKey.generate(), NOW_MS))
    for files, words in (
        ((other, issuing, key), "not signed by this root"),
        ((root, issuing, TLS.to_pem()), "not the one in its certificate"),
        ((root, issuing, b"x"), "key cannot be read"),
        ((b"x", issuing, key), "root certificate holds no certificate"),
        ((root, b"x", key), "issuing CA's certificate holds no certificate"),
    ):
        with pytest.raises(AuthorityFault, match=words):
            Authority.load(*files)


def test_signed_by_is_about_signature_and_name():
    certificate = CA.device(DEVICE, TLS.spki, NOW_MS)
    assert authority.is_signed_by(certificate, CA.certificate)
    assert not authority.is_signed_by(certificate, CA.root)
    impostor = replace(CA, key=TLS).device(DEVICE, TLS.spki, NOW_MS)
    assert not authority.is_signed_by(impostor, CA.certificate)


def test_a_chain_is_read_in_its_order_only():
    leaf = CA.device(DEVICE, TLS.spki, NOW_MS)
    assert authority.chain_from_pem(authority.pem(leaf, CA.certificate, CA.root), "x") == [
        leaf,
        CA.certificate,
        CA.root,
    ]
    for data, words in (
        (authority.pem(CA.certificate, leaf), "the file is no chain"),
        (authority.pem(leaf, CA.root), "the file is no chain"),
        (b"", "the file holds no certificate"),
    ):
        with pytest.raises(AuthorityFault, match=words):
            authority.chain_from_pem(data, "the file")


def test_a_certificate_without_names_is_for_no_host_and_no_device():
    nameless = authority._builder(x509.Name([]), TLS.spki, NOW_MS, NOW_MS + DAY_MS, path_length=None)
    certificate = nameless.issuer_name(CA.certificate.subject).sign(CA.key.private, hashes.SHA256())
    assert authority.subject_text(certificate) == ""
    assert authority.host_names(certificate) == ()


def test_what_is_no_certificate_is_named():
    good = authority.der(CA.root)
    other_version = good.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x55", 1)
    assert other_version != good
    for data in (b"x", b"", good + b"\x00", other_version):
        with pytest.raises(AuthorityFault, match="the thing is no certificate"):
            authority.certificate_from_der(data, "the thing")
