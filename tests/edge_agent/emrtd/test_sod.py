"""EF.SOD against an issuer that shares no code with the reader: the `openssl` program."""

import time

import pytest

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.sod import gravest, read_security_object
from tests.edge_agent.emrtd.der_tree import changed, paths, tree
from tests.edge_agent.emrtd.openssl_issuer import CA, DG1, DG13, SIGNER, Issuer, der, lds_object

DAY_MS = 86_400_000
PSS = ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"), "prime256v1")


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("other"), "prime256v1")


def judge(sod: bytes, anchors=(), as_of_ms=None, groups=None) -> str:
    """The gravest doubt; "" where all is vouched for."""
    found = read_security_object(sod)
    groups = groups or {1: DG1, 13: DG13}
    doubts = [found.group_doubt(number, content) for number, content in groups.items()]
    return gravest(found.issuer_doubt(anchors, as_of_ms), *doubts)


def fault_of(call, *arguments, **named) -> str:
    with pytest.raises(CardFault) as fault:
        call(*arguments, **named)
    return fault.value.kind


@pytest.mark.parametrize(
    ("kind", "options", "md"),
    [
        ("rsa", (), "sha256"),
        ("rsa", PSS, "sha256"),
        ("prime256v1", (), "sha256"),
        ("prime256v1+explicit", (), "sha256"),
        ("brainpoolP256r1+explicit", (), "sha256"),
        ("brainpoolP384r1", (), "sha384"),
        ("brainpoolP512r1+explicit", (), "sha512"),
        ("secp384r1+explicit", (), "sha384"),
        ("secp521r1", ("-keyid",), "sha512"),
    ],
)
def test_what_an_anchors_owner_signed_is_verified(tmp_path, kind, options, md):
    issuer = Issuer(tmp_path, kind)
    if "-keyid" in options:
        issuer.signer = issuer.make_signer(SIGNER + "subjectKeyIdentifier=hash\n")
    sod = issuer.sod(None, *options, md=md)
    assert judge(sod, [issuer.csca.der]) == ""
    assert judge(sod) == "no_anchors"
    changed = sod[:-1] + bytes((sod[-1] ^ 1,))  # the signature's last byte
    assert fault_of(judge, changed) == "not_authentic"
    assert fault_of(judge, changed, [issuer.csca.der]) == "not_authentic"


def test_only_the_anchor_that_issued_the_signer_vouches(issuer, other):
    sod = issuer.sod()
    stranger = issuer.make_csca("Another country")
    assert judge(sod, [stranger.der]) == "issuer"
    assert judge(sod, [b"no certificate", b""]) == "issuer"
    assert judge(sod, [b"no certificate", stranger.der, other.csca.der, issuer.csca.der]) == ""


def test_an_anchor_of_the_same_name_with_another_key_says_nothing(issuer, other):
    """An issuer keeps its name when it changes its key: a card under a newer anchor is not a forged one."""
    assert judge(issuer.sod(), [other.csca.der]) == "issuer"


def test_who_claims_an_anchors_very_key_without_having_it_is_not_authentic(issuer):
    named = "subjectKeyIdentifier=0102030405\n"
    real, forger = issuer.make_csca(extensions=CA + named), issuer.make_csca(extensions=CA + named)
    sod = issuer.sod(signer=issuer.make_signer(by=forger))
    assert judge(sod, [forger.der]) == ""
    assert fault_of(judge, sod, [real.der]) == "not_authentic"
    assert judge(sod, [real.der, forger.der]) == ""
    nameless = issuer.sod(signer=issuer.make_signer("keyUsage=critical,digitalSignature\n", by=forger))
    assert fault_of(judge, nameless, [real.der]) == "not_authentic"


@pytest.mark.parametrize(
    "extensions",
    [
        "authorityKeyIdentifier=keyid\n",  # no usage at all
        "keyUsage=critical,keyCertSign\nauthorityKeyIdentifier=keyid\n",
        SIGNER + "basicConstraints=critical,CA:TRUE\n",
        SIGNER + "extendedKeyUsage=2.23.136.1.1.3\n",  # signs master lists
        SIGNER + "1.2.3.4=critical,DER:0500\n",
    ],
)
def test_a_certificate_for_another_purpose_signs_no_chip(issuer, extensions):
    sod = issuer.sod(signer=issuer.make_signer(extensions))
    assert judge(sod, [issuer.csca.der]) == "period"


@pytest.mark.parametrize(
    "extensions",
    [
        "keyUsage=critical,keyCertSign\n",
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyCertSign\n",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\n",
        CA + "1.2.3.4=critical,DER:0500\n",
    ],
)
def test_an_anchor_that_is_no_authority_vouches_for_nothing(issuer, extensions):
    anchor = issuer.make_csca(extensions=extensions + "subjectKeyIdentifier=hash\n")
    assert judge(issuer.sod(signer=issuer.make_signer(by=anchor)), [anchor.der]) == "period"


def test_certificates_are_held_against_the_time_where_it_is_known(issuer):
    sod, anchors = issuer.sod(), [issuer.csca.der]
    now_ms = int(time.time() * 1000)
    assert judge(sod, anchors, now_ms) == ""
    assert judge(sod, anchors, None) == ""
    assert judge(sod, anchors, now_ms + 3660 * DAY_MS) == "period"
    assert judge(sod, anchors, now_ms - 10 * DAY_MS) == "period"


def test_a_data_group_that_is_not_what_was_signed_is_not_authentic(issuer):
    assert fault_of(judge, issuer.sod(), groups={1: DG1 + b"!"}) == "not_authentic"


def test_a_data_group_that_was_not_signed_is_not_verified(issuer):
    assert judge(issuer.sod(), [issuer.csca.der], groups={1: DG1, 2: b"face"}) == "unsigned"


def test_what_sha1_vouches_for_is_not_verified(issuer):
    weak = issuer.sod(lds_object({1: DG1, 13: DG13}, "sha1"))
    assert judge(weak, [issuer.csca.der]) == "algorithm"
    assert judge(issuer.sod(md="sha1"), [issuer.csca.der]) == "algorithm"


def test_a_signer_whose_certificate_is_not_there_is_not_verified(issuer):
    assert judge(issuer.sod(None, "-nocerts"), [issuer.csca.der]) == "issuer"


def test_content_changed_after_signing_is_not_authentic(issuer):
    sod = issuer.sod()
    at = sod.index(lds_object({1: DG1, 13: DG13})) + 40
    changed = sod[:at] + bytes((sod[at] ^ 1,)) + sod[at + 1 :]
    found = read_security_object(changed)
    assert fault_of(found.issuer_doubt, [], None) == "not_authentic"


def test_attributes_changed_after_signing_are_not_authentic(issuer):
    sod = issuer.sod()
    at = sod.index(bytes.fromhex("2a864886f70d010905")) + 20  # within the signing time
    assert fault_of(judge, sod[:at] + bytes((sod[at] ^ 1,)) + sod[at + 1 :]) == "not_authentic"


def test_a_signature_for_another_kind_of_content_is_not_authentic(issuer):
    sod = issuer.sod(content_type="2.23.136.1.1.2")
    assert fault_of(read_security_object, sod) == "damaged"
    lds, other = bytes.fromhex("678108010101"), bytes.fromhex("678108010102")
    assert sod.count(other) == 2  # what it says outside, and what was signed
    found = read_security_object(sod.replace(other, lds, 1))
    assert fault_of(found.issuer_doubt, [], None) == "not_authentic"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x30\x00",
        der(0x30, der(0x02, b"\0"), der(0x30), der(0x30)),
        lds_object({0: DG1}),
        lds_object({17: DG1}),
        lds_object({1: DG1})[:-1],
        der(0x30, der(0x02, b"\0"), der(0x30, der(0x06, b"\x2a")), der(0x30, der(0x30, der(0x02, b"\1")))),
        der(0x30, der(0x02, b"\0"), der(0x30, der(0x06, b"\x2a")), der(0x31)),
    ],
    ids=len,
)
def test_a_listing_of_hashes_that_is_none_is_damaged(issuer, content):
    assert fault_of(read_security_object, issuer.sod(content)) == "damaged"


def test_a_data_group_listed_twice_is_damaged(issuer):
    one = lds_object({1: DG1})
    twice = lds_object({1: DG1, 2: DG1}).replace(der(0x02, b"\2"), der(0x02, b"\1"))
    assert read_security_object(issuer.sod(one)).hashes.keys() == {1}
    assert fault_of(read_security_object, issuer.sod(twice)) == "damaged"


def test_without_signed_attributes_it_is_damaged(issuer):
    assert fault_of(read_security_object, issuer.sod(None, "-noattr")) == "damaged"


ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")


def test_a_way_of_signing_that_is_not_spoken_here_is_not_verified(issuer):
    sod = issuer.sod()
    assert sod.count(ECDSA_SHA256) == 3  # twice in the certificate, once for the content
    unspoken = sod.replace(ECDSA_SHA256, bytes.fromhex("2a8648ce3d040309"))
    assert judge(unspoken, [issuer.csca.der]) == "algorithm"


def test_a_certificate_signed_in_a_way_that_is_not_spoken_here_is_not_verified(issuer):
    sod = issuer.sod()
    in_certificate = sod.replace(ECDSA_SHA256, bytes.fromhex("2a8648ce3d040309"), 2)
    assert judge(in_certificate, [issuer.csca.der]) == "algorithm"


def test_a_certificate_that_names_two_ways_is_damaged(issuer):
    one = issuer.sod().replace(ECDSA_SHA256, bytes.fromhex("2a8648ce3d040303"), 1)
    assert fault_of(read_security_object, one) == "damaged"


def test_an_anchor_whose_key_is_not_spoken_here_vouches_for_nothing(tmp_path, issuer):
    small = Issuer(tmp_path, "secp224r1")
    assert judge(small.sod(), [small.csca.der]) == "algorithm"
    named = "subjectKeyIdentifier=0102030405\n"
    real, odd = issuer.make_csca(extensions=CA + named), small.make_csca(extensions=CA + named)
    assert judge(issuer.sod(signer=issuer.make_signer(by=real)), [odd.der]) == "algorithm"
    assert judge(issuer.sod(signer=issuer.make_signer(by=real)), [odd.der, real.der]) == ""


def test_other_things_among_the_certificates_are_passed_over(tmp_path, issuer):
    more = tmp_path / "more.pem"
    more.write_bytes(issuer.csca.certificate.read_bytes())
    assert judge(issuer.sod(None, "-certfile", str(more)), [issuer.csca.der]) == ""
    assert judge(issuer.sod(None, "-certfile", str(more), "-keyid", signer=keyed(issuer)), [issuer.csca.der]) == ""


def keyed(issuer: Issuer):
    return issuer.make_signer(SIGNER + "subjectKeyIdentifier=hash\n")


def test_what_is_no_signed_data_is_damaged(issuer):
    sod = issuer.sod()
    signed_data = bytes.fromhex("2a864886f70d010702")
    assert fault_of(read_security_object, sod.replace(signed_data, signed_data[:-1] + b"\1", 1)) == "damaged"
    assert fault_of(read_security_object, der(0x77, b"")) == "damaged"
    assert fault_of(read_security_object, b"") == "damaged"


def test_an_attribute_that_comes_twice_is_damaged(issuer):
    time_of_signing, digest = bytes.fromhex("2a864886f70d010905"), bytes.fromhex("2a864886f70d010904")
    assert fault_of(read_security_object, issuer.sod().replace(time_of_signing, digest)) == "damaged"


def test_a_signer_that_is_no_certificate_is_not_verified(issuer):
    sod = issuer.sod()
    at = sod.index(issuer.signer.der)
    attribute_certificate = sod[:at] + b"\xa2" + sod[at + 1 :]
    assert judge(attribute_certificate, [issuer.csca.der]) == "issuer"


def test_a_mask_that_is_not_spoken_here_is_not_verified(tmp_path):
    issuer = Issuer(tmp_path, "rsa")
    mgf1 = bytes.fromhex("2a864886f70d010108")
    sod = issuer.sod(None, *PSS)
    assert sod.count(mgf1) == 1
    assert judge(sod.replace(mgf1, mgf1[:-1] + b"\x63"), [issuer.csca.der]) == "algorithm"


def test_of_several_doubts_the_gravest_is_told(tmp_path, issuer, other):
    sod, later_ms = issuer.sod(md="sha1"), int(time.time() * 1000) + 3660 * DAY_MS
    assert judge(sod, [issuer.csca.der]) == "algorithm"
    assert judge(sod, [issuer.csca.der], later_ms) == "period"
    assert judge(sod, [other.csca.der], later_ms) == "issuer"
    assert judge(sod, [], later_ms) == "no_anchors"
    assert judge(sod, [], later_ms, {1: DG1, 2: b"face"}) == "unsigned"


@pytest.mark.parametrize("salt", [der(0x02, b"\xff"), der(0x02, b"\x7f" + bytes(8)), der(0x02, b"\1" + bytes(300))])
def test_a_salt_that_cannot_be_is_a_way_that_is_not_spoken_here(tmp_path, salt):
    issuer = Issuer(tmp_path, "rsa")
    assert judge(with_salt(issuer.sod(None, *PSS), salt), [issuer.csca.der]) == "algorithm"


def with_salt(sod: bytes, salt: bytes) -> bytes:
    """Another salt length for the content's signature; nothing signs that number itself."""
    file = tree(sod)
    (found,) = [path for path, node in paths(file) if node.written() == der(0xA2, der(0x02, b"\x20"))]
    return changed(file, (*found, 0), tree(salt)).written()
