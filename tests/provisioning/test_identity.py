"""The identity folder: whole files, power cuts at every call, and each damage by its own name."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from device_profiles.messages import Bundle, FleetKeys
from device_profiles.wire import envelope_decode
from provisioning import authority, enrolment, identity
from provisioning.identity import Identity, IdentityFault, Keys, hardware_mark, write_durably
from provisioning.keys import SignatureRefused, SigningKey, sign_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLS = ("open", "write", "fsync", "replace")


class PowerCut(BaseException):
    """Nothing of the program runs any more."""


class Cutter:
    """Counts the calls that reach the disk and ends the world before or after one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.cut_at: float | None = None
        for name in CALLS:
            monkeypatch.setattr(identity.os, name, self._watched(getattr(os, name)))

    def _watched(self, real):
        def call(*arguments, **named):
            self.count += 1
            if self.cut_at == self.count:
                raise PowerCut
            done = real(*arguments, **named)
            if self.cut_at == self.count + 0.5:
                raise PowerCut
            return done

        return call

    def points(self, total: int) -> Iterator[float]:
        """Before and after each of `total` calls."""
        for number in range(1, total + 1):
            yield number
            yield number + 0.5


@pytest.fixture
def cutter(monkeypatch) -> Cutter:
    return Cutter(monkeypatch)


def files(folder: Path) -> dict[str, bytes]:
    """What is under a final name; temporary files do not count."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.startswith(".")}


def ask(registry, keys: Keys) -> tuple[bytes, bytes]:
    request = enrolment.make_request(
        keys.key,
        keys.tls,
        registry.claim(),
        nonce=bytes(16),
        hardware=b"b",
        time_ms=registry.bench.now_ms,
        software="t",
    )
    answer = registry.enrol(request)
    assert isinstance(answer, bytes)
    return request, answer


def store(registry, folder: Path, keys: Keys, request: bytes, answer: bytes) -> None:
    bench = registry.bench
    ca = bench.issuer.authority.root
    bundle = enrolment.judge_bundle(answer, request, keys.tls.spki, bench.root_spki, ca)
    identity.store_enrolment(folder, bundle, answer, bench.ca_pem, bench.root_spki)


@pytest.fixture
def enrolled(registry, tmp_path) -> Path:
    folder = tmp_path / "identity"
    keys = Identity.create(folder)
    store(registry, folder, keys, *ask(registry, keys))
    return folder


# --- files --------------------------------------------------------------------------------------------------------


def test_a_file_is_whole_and_private(tmp_path):
    old_mask = os.umask(0)
    try:
        write_durably(tmp_path / "x", b"data")
    finally:
        os.umask(old_mask)
    assert (tmp_path / "x").read_bytes() == b"data"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(identity.os, "write", lambda handle, data: real(handle, data[:3]))
    write_durably(tmp_path / "x", b"0123456789")
    assert (tmp_path / "x").read_bytes() == b"0123456789"


def test_data_is_on_disk_before_it_gets_its_name_and_the_name_before_it_is_said(tmp_path, monkeypatch):
    order = []
    for name in CALLS:
        real = getattr(os, name)
        monkeypatch.setattr(
            identity.os, name, lambda *a, real=real, name=name, **k: order.append(name) or real(*a, **k)
        )
    write_durably(tmp_path / "x", b"data")
    assert order == ["open", "write", "fsync", "replace", "open", "fsync"]


def test_power_cut_at_any_call_leaves_the_old_file_or_the_new_one(tmp_path, cutter):
    target = tmp_path / "x"
    write_durably(target, b"old")
    total = cutter.count
    for point in cutter.points(total):
        write_durably(target, b"old")
        cutter.count, cutter.cut_at = 0, point
        with pytest.raises(PowerCut):
            write_durably(target, b"new")
        cutter.cut_at = None
        assert target.read_bytes() in (b"old", b"new"), point
        write_durably(target, b"new")
        assert target.read_bytes() == b"new"


def test_a_folder_is_for_its_owner_alone(tmp_path):
    identity.make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_an_oversized_file_is_not_read(tmp_path):
    (tmp_path / "x").write_bytes(bytes(identity.FILE_MAX_BYTES + 1))
    with pytest.raises(IdentityFault, match="mend it"):
        identity.read_file(tmp_path / "x", "mend it")


# --- keys ---------------------------------------------------------------------------------------------------------


def test_create_makes_two_keys_once(tmp_path):
    keys = Identity.create(tmp_path / "i")
    again = Identity.create(tmp_path / "i")
    assert (again.key.spki, again.tls.spki) == (keys.key.spki, keys.tls.spki)
    assert keys.key.spki != keys.tls.spki
    assert set(files(tmp_path / "i")) == {"identity.pem", "tls.pem"}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "i").iterdir()} == {0o600}


def test_power_cut_at_any_call_of_prepare_is_mended_by_repeating_it(tmp_path, cutter):
    Identity.create(tmp_path / "counted")
    total = cutter.count
    assert total > 10
    for number, point in enumerate(cutter.points(total)):
        folder = tmp_path / str(number)
        cutter.count, cutter.cut_at = 0, point
        with pytest.raises(PowerCut):
            Identity.create(folder)
        cutter.cut_at = None
        before = files(folder) if folder.exists() else {}
        keys = Identity.create(folder)
        assert before.items() <= files(folder).items(), "a key that was there is the same afterwards"
        assert Keys.load(folder).device == keys.device


@pytest.mark.parametrize(
    ("lost", "there"),
    [("identity.pem", "tls.pem"), ("tls.pem", "request.cose"), ("tls.pem", "bundle.cose")],
)
def test_a_lost_key_is_never_replaced_in_silence(tmp_path, lost, there):
    Identity.create(tmp_path)
    (tmp_path / there).touch()
    (tmp_path / lost).unlink()
    before = files(tmp_path)
    with pytest.raises(IdentityFault, match=f"{lost} is lost .*{there} is there.*card-swap"):
        Identity.create(tmp_path)
    assert files(tmp_path) == before


def test_missing_and_damaged_keys_are_named(tmp_path):
    with pytest.raises(IdentityFault, match=r"identity\.pem is not there: run `prepare`"):
        Keys.load(tmp_path)
    Identity.create(tmp_path)
    (tmp_path / "tls.pem").write_bytes(b"-----BEGIN")
    with pytest.raises(IdentityFault, match=r"tls\.pem is damaged"):
        Keys.load(tmp_path)


# --- the enrolled folder ------------------------------------------------------------------------------------------


def test_an_enrolled_folder_says_who_the_station_is(enrolled, registry):
    bench, found = registry.bench, Identity.load(enrolled)
    assert found.device == Keys.load(enrolled).device
    assert (found.station, found.epoch, found.title, found.building) == ("K0001", 1, "Sảnh A", "Chung cư Mẫu")
    assert (found.broker, found.face_url) == (("fleet.example", 8883), "https://fleet.example:8443")
    assert (found.counter_from, found.counter_to, found.rev_floor) == (1, 50_001, 0)
    assert found.time_floor_ms == bench.now_ms
    assert found.certificate_ends_ms == (bench.now_ms + 90 * authority.DAY_MS) // 1000 * 1000
    assert found.trust.version == 1
    assert set(files(enrolled)) == {
        "identity.pem", "tls.pem", "tls.crt", "ca.crt", "fleet-root.spki", "bundle.cose", "keys.cose",
    }  # fmt: skip
    assert {stat.S_IMODE(each.stat().st_mode) for each in enrolled.iterdir()} == {0o600}


def test_the_private_keys_are_in_their_two_files_only(enrolled):
    for name, data in files(enrolled).items():
        assert (b"PRIVATE KEY" in data) == (name in ("identity.pem", "tls.pem")), name


def test_power_cut_at_any_call_of_storing_is_mended_by_repeating_it(registry, tmp_path, cutter):
    """Before the bundle has its name the folder is not enrolled; the same step again makes it so."""
    keys = Identity.create(tmp_path / "first")
    request, answer = ask(registry, keys)
    cutter.count = 0
    store(registry, tmp_path / "first", keys, request, answer)
    total = cutter.count
    assert total == 5 * 6, "five files, six calls each"
    whole = files(tmp_path / "first")
    folder = tmp_path / "cut"
    enrolled_seen = set()
    for point in cutter.points(total):
        folder.mkdir()
        for name in ("identity.pem", "tls.pem"):
            (folder / name).write_bytes(whole[name])
        cutter.count, cutter.cut_at = 0, point
        with pytest.raises(PowerCut):
            store(registry, folder, keys, request, answer)
        cutter.cut_at = None
        enrolled_seen.add((folder / "bundle.cose").exists())
        if (folder / "bundle.cose").exists():
            assert Identity.load(folder).station == "K0001", point
        store(registry, folder, keys, request, answer)
        assert files(folder) == whole
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
    assert enrolled_seen == {False, True}


def test_a_folder_without_a_bundle_is_not_enrolled(tmp_path):
    Identity.create(tmp_path)
    with pytest.raises(IdentityFault, match="not enrolled, run `claim`"):
        Identity.load(tmp_path)


@pytest.mark.parametrize("name", ["bundle.cose", "fleet-root.spki", "tls.crt", "ca.crt", "identity.pem", "tls.pem"])
def test_a_damaged_file_is_named(enrolled, name):
    data = bytearray((enrolled / name).read_bytes())
    data[len(data) // 2] ^= 0x55
    (enrolled / name).write_bytes(bytes(data[: len(data) - 9]))
    with pytest.raises(IdentityFault, match=name if name != "fleet-root.spki" else "bundle.cose"):
        Identity.load(enrolled)


def test_no_single_changed_byte_of_the_certificate_passes(enrolled):
    """Every bit that was signed is under a signature that is checked.

    Free are the lines between the certificates, and the padding of the encoding around a signature's own bytes.
    """
    path = enrolled / "tls.crt"
    good = path.read_bytes()
    said = [each.tbs_certificate_bytes for each in authority.chain_from_pem(good, "x")]
    refused = 0
    for place in range(0, len(good), 5):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x03]) + good[place + 1 :])
        try:
            Identity.load(enrolled)
        except IdentityFault:
            refused += 1
        else:
            passed = authority.chain_from_pem(path.read_bytes(), "x")
            assert [each.tbs_certificate_bytes for each in passed] == said, place
    assert refused > len(good) / 5 * 0.9


def test_a_ca_that_did_not_sign_is_named(enrolled, registry):
    (enrolled / "ca.crt").write_bytes(authority.pem(authority.make_root(SigningKey.generate(), registry.bench.now_ms)))
    with pytest.raises(IdentityFault, match=r"tls\.crt is not under the CA in ca\.crt"):
        Identity.load(enrolled)


@pytest.mark.parametrize("name", ["fleet-root.spki", "tls.crt", "ca.crt"])
def test_a_missing_file_is_named(enrolled, name):
    (enrolled / name).unlink()
    with pytest.raises(IdentityFault, match=name):
        Identity.load(enrolled)


def test_a_bundle_of_another_device_is_refused(enrolled):
    (enrolled / "identity.pem").write_bytes(SigningKey.generate().to_pem())
    with pytest.raises(IdentityFault, match="the key is another's"):
        Identity.load(enrolled)


def test_a_certificate_for_another_key_is_refused(enrolled):
    (enrolled / "tls.pem").write_bytes(SigningKey.generate().to_pem())
    with pytest.raises(IdentityFault, match=r"tls\.crt is not for the key in tls\.pem"):
        Identity.load(enrolled)


def newer_keys(registry, version: int, root: SigningKey | None = None) -> bytes:
    kept = envelope_decode(registry.bench.issuer.keys.key_list, 65_536).payload
    root = root or SigningKey.from_pem((registry.bench.folder / "offline" / "root.pem").read_bytes())
    return sign_message(root, "kiosk/keys/1", replace(FleetKeys.decode(kept), version=version).encode())


def test_a_newer_key_list_counts_and_survives_a_repeated_answer(enrolled, registry):
    write_durably(enrolled / "keys.cose", newer_keys(registry, 7))
    assert Identity.load(enrolled).trust.version == 7
    signed = (enrolled / "bundle.cose").read_bytes()
    bundle = Bundle.decode(envelope_decode(signed, 65_536).payload)
    identity.store_enrolment(enrolled, bundle, signed, registry.bench.ca_pem, registry.bench.root_spki)
    assert Identity.load(enrolled).trust.version == 7
    with pytest.raises(SignatureRefused, match="rollback"):
        Identity.load(enrolled).trust.accept_keys(bundle.keys)


def test_a_key_list_that_does_not_verify_stops_nothing_and_counts_for_nothing(enrolled, registry):
    for data in (b"", b"x", newer_keys(registry, 9, root=SigningKey.generate())):
        (enrolled / "keys.cose").write_bytes(data)
        assert Identity.load(enrolled).trust.version == 1
    (enrolled / "keys.cose").unlink()
    assert Identity.load(enrolled).trust.version == 1


def test_hardware_marks_are_read_where_boards_keep_them(tmp_path):
    assert hardware_mark(tmp_path) == b"unknown"
    (tmp_path / "sys/class/dmi/id").mkdir(parents=True)
    (tmp_path / "sys/class/dmi/id/board_serial").write_bytes(b"\n")
    (tmp_path / "sys/class/dmi/id/product_uuid").write_bytes(b"uuid" * 30 + b"\n")
    assert hardware_mark(tmp_path) == (b"uuid" * 30)[:64]
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/serial-number").write_bytes(b"10000000abcdef01\0")
    assert hardware_mark(tmp_path) == b"10000000abcdef01"


@pytest.mark.parametrize("name", ["tls.crt", "ca.crt"])
def test_a_damaged_certificate_does_not_stop_a_station_that_need_not_connect(enrolled, name):
    (enrolled / name).write_bytes(b"damaged")
    assert Identity.load(enrolled, may_connect=False).certificate_ends_ms == 0
    with pytest.raises(IdentityFault):
        Identity.load(enrolled)
