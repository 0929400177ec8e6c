"""The fleet folder: what is made once, what must be carried away, and what does not belong together."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from device_profiles.messages import FleetKeys
from device_profiles.wire import envelope_decode
from fleet_server import fleet_keys, settings
from fleet_server.fleet_keys import FleetKeyFault
from provisioning import authority, identity
from provisioning.authority import DAY_MS
from provisioning.keys import SignatureRefused, SigningKey, sign_message
from provisioning.trust import FleetTrust

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000


@pytest.fixture
def fleet(tmp_path) -> Path:
    fleet_keys.init(tmp_path / "fleet", NOW_MS)
    return tmp_path / "fleet"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_init_makes_the_whole_folder_for_its_owner_alone(fleet):
    names = {name.replace(fleet_keys.load_openers(fleet / "server")[0].kid.hex(), "KID") for name in everything(fleet)}
    assert names == {
        "offline/root.pem", "offline/ca_root.pem", "offline/set.pem",
        "server/server.toml", "server/root.spki", "server/fleet-keys.cose", "server/opener/seal-2-KID.seed",
        "server/keys/ack.pem", "server/keys/desired.pem", "server/keys/answer.pem", "server/keys/bundle.pem",
        "server/keys/claim.pem", "server/ca/root.crt", "server/ca/issuing.crt", "server/ca/issuing.pem",
        "server/ca/chain.crt", "server/tls/broker.crt", "server/tls/broker.pem", "server/tls/face.crt",
        "server/tls/face.pem", "server/tls/ingest.crt", "server/tls/ingest.pem",
    }  # fmt: skip
    for each in (fleet, *fleet.rglob("*")):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0, each


def test_the_server_half_holds_no_offline_key(fleet):
    server = everything(fleet / "server")
    for name, pem in everything(fleet / "offline").items():
        secret = b"".join(pem.splitlines()[1:-1])[48:88]  # before it every P-256 key reads the same
        assert secret in pem.replace(b"\n", b"")
        for place, data in server.items():
            assert secret not in data.replace(b"\n", b""), (name, place)


def test_a_station_believes_each_key_for_its_own_role_only(fleet):
    keys = fleet_keys.load(fleet / "server")
    trust = FleetTrust(keys.root_spki)
    trust.accept_keys(keys.key_list)
    set_key = SigningKey.from_pem((fleet / "offline/set.pem").read_bytes())
    signers = {role: getattr(keys, role) for role in fleet_keys.ONLINE_ROLES} | {"set": set_key}
    for role, key in signers.items():
        for other in signers:
            message = sign_message(key, f"kiosk/{other}/1", b"\xa0")
            if role == other:
                assert trust.verify(other, message, 1000, NOW_MS) == b"\xa0"
            else:
                with pytest.raises(SignatureRefused):
                    trust.verify(other, message, 1000, NOW_MS)


def test_keys_count_from_an_hour_ago_for_five_years_and_sealing_for_one(fleet):
    listed = FleetKeys.decode(envelope_decode((fleet / "server/fleet-keys.cose").read_bytes(), 65_536).payload)
    assert {(each[3], each[4]) for each in listed.signing} == {(NOW_MS - 3_600_000, NOW_MS + 1825 * DAY_MS)}
    assert [(each[3], each[4]) for each in listed.sealing] == [(NOW_MS - 3_600_000, NOW_MS + 365 * DAY_MS)]
    assert sorted(each[1] for each in listed.signing) == ["ack", "answer", "bundle", "claim", "desired", "set"]


def test_what_a_station_seals_the_opener_opens(fleet):
    trust = fleet_keys.load(fleet / "server").trust
    choice = trust.sealing_key(NOW_MS)
    (opener,) = fleet_keys.load_openers(fleet / "server")
    assert (choice.expired, choice.key.suite, opener.kid) == (False, 2, choice.key.kid)
    assert opener.open(choice.key.seal(b"plain", b"info"), b"info") == b"plain"


def test_the_settings_are_readable_and_name_the_host(tmp_path):
    fleet_keys.init(tmp_path / "f", NOW_MS, "fleet.example")
    assert settings.read(tmp_path / "f" / "server").host == "fleet.example"
    for name in fleet_keys.DOORS:
        certificate = authority.certificate_from_pem((tmp_path / f"f/server/tls/{name}.crt").read_bytes(), name)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["fleet.example", "localhost"]
        assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["", 'a"b', "a b", "-x", "x\n", "a/b"])
def test_a_host_that_is_none_is_refused(tmp_path, host):
    with pytest.raises(FleetKeyFault, match="is no host"):
        fleet_keys.init(tmp_path / "f", NOW_MS, host)
    assert list(tmp_path.iterdir()) == []


def test_a_fleet_is_made_once(fleet):
    before = everything(fleet)
    with pytest.raises(FleetKeyFault, match="is not empty: a fleet's keys are made once"):
        fleet_keys.init(fleet, NOW_MS)
    (fleet.parent / "file").touch()
    with pytest.raises(FleetKeyFault, match="is not empty"):
        fleet_keys.init(fleet.parent / "file", NOW_MS)
    assert everything(fleet) == before


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "f").mkdir()
    fleet_keys.init(tmp_path / "f", NOW_MS)
    assert fleet_keys.load(tmp_path / "f" / "server").version == 1


class PowerCut(BaseException):
    """Nothing of the program runs any more."""


def test_power_cut_at_any_file_leaves_no_fleet_and_says_what_to_remove(tmp_path, monkeypatch):
    real, names = os.replace, []
    monkeypatch.setattr(identity.os, "replace", lambda source, target: names.append(target) or real(source, target))
    fleet_keys.init(tmp_path / "counted", NOW_MS)
    total = len(names)
    assert total == 22
    for number in range(1, total + 1, 4):
        left = [number]

        def cut(source, target, left=left):
            left[0] -= 1
            if not left[0]:
                raise PowerCut
            real(source, target)

        monkeypatch.setattr(identity.os, "replace", cut)
        folder = tmp_path / str(number)
        with pytest.raises(PowerCut):
            fleet_keys.init(folder, NOW_MS)
        assert not folder.exists()
        with pytest.raises(FleetKeyFault, match=r"draft is left from an attempt that was cut: remove it"):
            fleet_keys.init(folder, NOW_MS)


# --- reading ------------------------------------------------------------------------------------------------------


def test_what_is_missing_damaged_or_of_two_fleets_is_named(fleet, tmp_path):
    server = fleet / "server"
    fleet_keys.init(tmp_path / "other", NOW_MS)
    for name, data, words in (
        ("keys/ack.pem", SigningKey.generate().to_pem(), r"keys/ack.pem is not in fleet-keys.cose"),
        ("keys/ack.pem", (server / "keys/desired.pem").read_bytes(), r"keys/ack.pem is not in fleet-keys.cose"),
        ("keys/ack.pem", b"x", "a key is damaged"),
        ("fleet-keys.cose", b"x", "damaged"),
        ("fleet-keys.cose", (tmp_path / "other/server/fleet-keys.cose").read_bytes(), "damaged"),
        ("root.spki", b"x", "damaged"),
        ("root.spki", None, r"root.spki: No such file or directory: is this the server folder"),
    ):
        good = (server / name).read_bytes()
        if data is None:
            (server / name).unlink()
        else:
            (server / name).write_bytes(data)
        with pytest.raises(FleetKeyFault, match=words):
            fleet_keys.load(server)
        (server / name).write_bytes(good)
    assert fleet_keys.load(server).version == 1


def test_a_ca_of_two_fleets_is_named(fleet, tmp_path):
    fleet_keys.init(tmp_path / "other", NOW_MS)
    (fleet / "server/ca/root.crt").write_bytes((tmp_path / "other/server/ca/root.crt").read_bytes())
    with pytest.raises(FleetKeyFault, match="two fleets"):
        fleet_keys.load_authority(fleet / "server")


def test_seeds_that_are_not_what_their_name_says_are_refused(fleet):
    folder = fleet / "server/opener"
    (seed,) = folder.iterdir()
    good = seed.read_bytes()
    for data in (good[:-1], bytes(32), b""):
        seed.write_bytes(data)
        with pytest.raises(FleetKeyFault, match="is not the seed its name says"):
            fleet_keys.load_openers(fleet / "server")
    seed.rename(folder / "seal-9-00.seed")
    with pytest.raises(FleetKeyFault, match="is not the seed its name says"):
        fleet_keys.load_openers(fleet / "server")
    (folder / "seal-9-00.seed").unlink()
    with pytest.raises(FleetKeyFault, match="without it no record can be read"):
        fleet_keys.load_openers(fleet / "server")


# --- renewal ------------------------------------------------------------------------------------------------------


def test_server_certificates_are_renewed_in_the_last_third_of_their_life(fleet):
    server = fleet / "server"
    before = everything(server / "tls")
    assert fleet_keys.renew_certificates(server, NOW_MS + 260 * DAY_MS) == ()
    assert everything(server / "tls") == before
    assert fleet_keys.renew_certificates(server, NOW_MS + 270 * DAY_MS) == ("broker", "face", "ingest")
    after = everything(server / "tls")
    assert all(after[name] != before[name] for name in before)
    for name in ("broker", "face", "ingest"):
        certificate = authority.certificate_from_pem(after[f"{name}.crt"], name)
        assert authority.certified_spki(certificate) == SigningKey.from_pem(after[f"{name}.pem"]).spki
        assert authority.life_ms(certificate)[1] == NOW_MS + (270 + 397) * DAY_MS


def test_a_renewal_that_was_cut_is_done_again(fleet, monkeypatch):
    server, later_ms = fleet / "server", NOW_MS + 300 * DAY_MS
    real = os.replace

    def cut(source, target):
        if target.name == "face.crt":
            raise PowerCut
        real(source, target)

    monkeypatch.setattr(identity.os, "replace", cut)
    with pytest.raises(PowerCut):
        fleet_keys.renew_certificates(server, later_ms)
    monkeypatch.setattr(identity.os, "replace", real)
    assert fleet_keys.renew_certificates(server, later_ms) == ("face", "ingest")
    for name in ("broker", "face", "ingest"):
        certificate = authority.certificate_from_pem((server / f"tls/{name}.crt").read_bytes(), name)
        assert (
            authority.certified_spki(certificate) == SigningKey.from_pem((server / f"tls/{name}.pem").read_bytes()).spki
        )


def test_a_missing_certificate_is_made(fleet):
    (fleet / "server/tls/face.crt").unlink()
    assert fleet_keys.renew_certificates(fleet / "server", NOW_MS) == ("face",)


def test_another_host_is_another_certificate(fleet):
    server = fleet / "server"
    assert fleet_keys.renew_certificates(server, NOW_MS, "fleet.example") == ("broker", "face")
    assert fleet_keys.renew_certificates(server, NOW_MS, "fleet.example") == ()
    certificate = authority.certificate_from_pem((server / "tls/face.crt").read_bytes(), "face")
    assert authority.host_names(certificate) == ("fleet.example", "localhost", "127.0.0.1")
