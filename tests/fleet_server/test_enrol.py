"""Enrolment at the fleet, on real SQLite: one transaction, one use of a claim, one answer."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from device_profiles.cbor import WireError
from device_profiles.messages import Bundle, Claim, EnrolRequest
from device_profiles.wire import device_name, envelope_decode
from fleet_server import enrol as service
from fleet_server import fleet_keys
from fleet_server.store import Conflict, Station, Why
from fleet_server.store_sqlite import SqliteStore
from fleet_server.writer import Writer
from provisioning import authority, enrolment
from provisioning.authority import DAY_MS
from provisioning.keys import SigningKey, device_id, sign_message

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.enrolment import Refused

NOW_MS = 1_790_000_000_000
WHY = Why("operations", "work order 1", NOW_MS)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory) -> service.Issuer:
    folder = tmp_path_factory.mktemp("fleet") / "fleet"
    fleet_keys.init(folder, NOW_MS)
    server = folder / "server"
    return service.Issuer(
        fleet_keys.load_authority(server), fleet_keys.load(server), "127.0.0.1", 8883, "https://127.0.0.1:8443"
    )


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "fleet.db"


@pytest.fixture
def store(path):
    opened = SqliteStore.open(path)
    for station in ("K0001", "K0002"):
        opened.run(lambda s, station=station: s.put_station(Station(station, "Sảnh", "Nhà", "Phường", "lobby"), WHY))
    yield opened
    opened.close()


@dataclass
class Kiosk:
    """The two keys of a station, and what it asks."""

    key: SigningKey
    tls: SigningKey
    hardware: bytes = b"board 1"

    @classmethod
    def new(cls) -> Kiosk:
        return cls(SigningKey.generate(), SigningKey.generate())

    @property
    def device(self) -> bytes:
        return device_id(self.key.spki)

    def ask(self, claim: bytes, time_ms: int = NOW_MS, csr: bytes | None = None) -> bytes:
        made = enrolment.make_request(
            self.key, self.tls, claim,
            nonce=secrets.token_bytes(16), hardware=self.hardware, time_ms=time_ms, software="test",
        )  # fmt: skip
        if csr is None:
            return made
        message = EnrolRequest.decode(envelope_decode(made, 16_384).payload)
        return sign_message(self.key, "kiosk/enrol/1", replace(message, csr=csr).encode())


@pytest.fixture
def order(store, issuer):
    """Register a claim and give it signed."""

    def make(kind: str = "install", station: str = "K0001", **differs) -> bytes:
        fields = {
            "claim": secrets.token_bytes(16), "kind": kind, "station": station, "profile": "lobby",
            "technician": "ktv.synthetic", "not_before_ms": NOW_MS, "not_after_ms": NOW_MS + 900_000,
        } | differs  # fmt: skip
        return store.run(lambda s: service.add_claim(s, Claim(**fields), issuer.keys, WHY))

    return make


@pytest.fixture
def enrol(store, issuer):
    return lambda data, now_ms=NOW_MS: store.run(lambda s: service.enrol(s, data, now_ms, issuer))


def opened(answer: bytes | Refused, issuer: service.Issuer) -> Bundle:
    assert isinstance(answer, bytes), answer
    return enrolment.open_bundle(answer, issuer.keys.root_spki)


def claim_id(signed: bytes) -> bytes:
    return Claim.decode(envelope_decode(signed, 4096).payload).claim


def reasons(store) -> dict[tuple[str, bytes | None], int]:
    return {(each.reason, each.device): each.count for each in store.read(lambda s: s.refusals())}


def test_a_good_request_is_answered_and_written_down(store, issuer, order, enrol):
    kiosk, claim = Kiosk.new(), order()
    request = kiosk.ask(claim)
    answer = enrol(request)
    bundle = enrolment.judge_bundle(answer, request, kiosk.tls.spki, issuer.keys.root_spki, issuer.authority.root)
    assert (bundle.station, bundle.title, bundle.address, bundle.building) == ("K0001", "Sảnh", "Phường", "Nhà")
    assert (bundle.broker_host, bundle.broker_port, bundle.face_url) == ("127.0.0.1", 8883, "https://127.0.0.1:8443")
    assert (bundle.epoch, bundle.counter_from, bundle.counter_to) == (1, 1, 1 + service.COUNTER_BLOCK)
    assert (bundle.time_ms, bundle.rev_floor, bundle.profile) == (NOW_MS, 0, "lobby")
    device = store.read(lambda s: s.device(kiosk.device))
    assert (device.status, device.kid, device.spki) == ("CLAIMED", kiosk.key.kid, kiosk.key.spki)
    (issued,) = store.read(lambda s: s.issued(kiosk.device))
    assert (issued.der, issued.serial, issued.not_after_ms) == (
        bundle.certificate, device.serial, NOW_MS + 90 * DAY_MS,
    )  # fmt: skip
    used = store.read(lambda s: s.claim(claim_id(claim)))
    assert (used.used_by, used.answer) == (kiosk.key.spki, answer)
    lines = store.read(lambda s: s.registry_log(subject=device_name(kiosk.device)))
    assert [(each.person, each.at_ms) for each in lines] == [("ktv.synthetic", NOW_MS)]


def test_a_station_is_not_put_in_service_by_enrolment(store, order, enrol):
    enrol(Kiosk.new().ask(order()))
    assert store.read(lambda s: s.station("K0001")).live is False


# --- one use, one answer ------------------------------------------------------------------------------------------


def test_the_same_request_gets_the_same_bytes_at_any_time(order, enrol):
    request = Kiosk.new().ask(order())
    first = enrol(request)
    assert isinstance(first, bytes)
    assert enrol(request) == first
    assert enrol(request, NOW_MS + 200 * DAY_MS) == first


def test_another_request_with_the_same_keys_gets_the_same_certificate(store, issuer, order, enrol):
    kiosk, claim = Kiosk.new(), order()
    first = opened(enrol(kiosk.ask(claim)), issuer)
    request = kiosk.ask(claim)
    later_ms = NOW_MS + DAY_MS
    again = enrolment.judge_bundle(
        enrol(request, later_ms), request, kiosk.tls.spki, issuer.keys.root_spki, issuer.authority.root
    )
    assert again == replace(first, request_hash=again.request_hash, time_ms=later_ms)
    assert len(store.read(lambda s: s.issued())) == 1


def test_a_used_claim_is_refused_to_another_key_and_both_are_reported(store, order, enrol):
    first, second, claim = Kiosk.new(), Kiosk.new(), order()
    enrol(first.ask(claim))
    refused = enrol(second.ask(claim))
    assert (refused.code, refused.reason) == ("P01", "claim_contested")
    assert reasons(store) == {("enrol_claim_contested", first.device): 1, ("enrol_claim_contested", None): 1}
    for each in store.read(lambda s: s.refusals()):
        assert device_name(first.device) in each.example
        assert device_name(second.device) in each.example
        assert claim_id(claim).hex() in each.example
    assert store.read(lambda s: s.device(second.device)) is None


def test_the_same_identity_with_another_tls_key_is_refused(order, enrol):
    kiosk, claim = Kiosk.new(), order()
    enrol(kiosk.ask(claim))
    refused = enrol(replace(kiosk, tls=SigningKey.generate()).ask(claim))
    assert (refused.code, refused.reason) == ("P01", "claim_used")


@pytest.mark.parametrize("status", ["QUARANTINED", "REVOKED", "DECOMMISSIONED"])
def test_who_was_stopped_is_not_answered_again(store, order, enrol, status):
    kiosk = Kiosk.new()
    request = kiosk.ask(order())
    enrol(request)
    device = store.read(lambda s: s.device(kiosk.device))
    store.run(lambda s: s.put_device(replace(device, status=status), WHY))
    refused = enrol(request)
    assert (refused.code, refused.reason) == ("P11", "device_stopped")
    assert reasons(store) == {("enrol_device_stopped", kiosk.device): 1}


def race(claim: bytes, ask) -> tuple[list[Kiosk], list[bytes | Refused]]:
    """Two kiosks use one claim at the same moment; `ask` gives one's answer."""
    kiosks, answers = [Kiosk.new(), Kiosk.new()], [None, None]
    requests = [each.ask(claim) for each in kiosks]
    gate = threading.Barrier(2)

    def run(number: int) -> None:
        gate.wait(5)
        answers[number] = ask(number, requests[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    return kiosks, answers


def assert_one_won(store, kiosks, answers) -> None:
    assert sorted(isinstance(each, bytes) for each in answers) == [False, True]
    winner = [isinstance(each, bytes) for each in answers].index(True)
    lost = answers[1 - winner]
    assert (lost.code, lost.reason) == ("P01", "claim_contested")
    assert [each.id for each in store.read(lambda s: s.devices())] == [kiosks[winner].device]
    assert len(store.read(lambda s: s.issued())) == 1
    assert reasons(store)[("enrol_claim_contested", kiosks[winner].device)] == 1


@pytest.mark.parametrize("round_", range(5))
def test_two_keys_at_the_same_moment_on_two_connections(store, path, issuer, order, round_):
    """Two processes on one database: SQLite's lock is what decides."""
    connections = [SqliteStore.open(path) for _ in range(2)]
    kiosks, answers = race(
        order(), lambda number, data: connections[number].run(lambda s: service.enrol(s, data, NOW_MS, issuer))
    )
    for each in connections:
        each.close()
    assert_one_won(store, kiosks, answers)


def test_two_keys_at_the_same_moment_at_the_writer(store, path, issuer, order):
    writer = Writer(lambda: SqliteStore.open(path))
    writer.start()
    kiosks, answers = race(order(), lambda _, data: writer.run(lambda s: service.enrol(s, data, NOW_MS, issuer)))
    writer.stop()
    assert_one_won(store, kiosks, answers)


class PowerCut(Exception):
    """The machine stops in the middle of the transaction."""


class Cut:
    """A store whose n-th write (or the commit after it) never happens."""

    def __init__(self, store, writes_left: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, writes_left, after
        self.names: list[str] = []

    def __getattr__(self, name: str):
        real = getattr(self._store, name)
        if not name.startswith(("put_", "add_", "use_", "lease_", "count_")):
            return real

        def call(*arguments):
            self.names.append(name)
            if len(self.names) == self._left and not self._after:
                raise PowerCut
            done = real(*arguments)
            if len(self.names) == self._left:
                raise PowerCut
            return done

        return call


def test_a_cut_before_or_after_any_write_leaves_all_or_nothing(store, issuer, order, enrol):
    enrol(Kiosk.new().ask(order()))
    kiosk, claim = Kiosk.new(), order("replace")
    request = kiosk.ask(claim)
    before = store.read(lambda s: (s.devices(), s.issued(), s.claims(), s.registry_log()))
    writes = ("lease_counters", "put_device", "put_device", "add_issued", "use_claim")
    for number in range(1, len(writes) + 1):
        for after in (False, True):
            cut = Cut(store, number, after=after)
            with pytest.raises(PowerCut):
                store.run(lambda s, cut=cut: service.enrol(cut, request, NOW_MS, issuer))
            assert tuple(cut.names) == writes[:number]
            assert store.read(lambda s: (s.devices(), s.issued(), s.claims(), s.registry_log())) == before
    bundle = opened(enrol(request), issuer)
    assert (bundle.epoch, bundle.counter_from) == (2, 1 + service.COUNTER_BLOCK), "no lease was lost either"


# --- refusals by the table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("now_ms", [0, 1_560_000_000_000, NOW_MS - 1, NOW_MS + 900_001, NOW_MS + 3650 * DAY_MS])
def test_a_claim_out_of_its_time_is_p02(store, order, enrol, issuer, now_ms):
    """The fleet's clock judges; at 1970 or in ten years its own claim key is out of date too, and that is P01."""
    refused = enrol(Kiosk.new().ask(order()), now_ms)
    within = NOW_MS - 3_600_000 <= now_ms < NOW_MS + 1825 * DAY_MS
    assert refused.code == ("P02" if within else "P01")
    assert store.read(lambda s: s.devices()) == []


@pytest.mark.parametrize("time_ms", [0, 1_560_000_000_000, NOW_MS + 3650 * DAY_MS])
def test_the_stations_own_clock_is_not_judged(order, enrol, issuer, time_ms):
    assert opened(enrol(Kiosk.new().ask(order(), time_ms)), issuer).time_ms == NOW_MS


def test_a_claim_the_registry_does_not_know_is_p01(store, issuer, enrol):
    unknown = Claim(
        claim=bytes(16), kind="install", station="K0001", profile="lobby", technician="t",
        not_before_ms=NOW_MS, not_after_ms=NOW_MS + 1,
    )  # fmt: skip
    signed = sign_message(issuer.keys.claim, "kiosk/claim/1", unknown.encode())
    assert enrol(Kiosk.new().ask(signed)).reason == "claim_unknown"
    assert reasons(store) == {("enrol_claim_unknown", None): 1}


def test_a_claim_signed_for_another_place_is_p03(issuer, order, enrol):
    real = Claim.decode(envelope_decode(order(), 4096).payload)
    moved = sign_message(issuer.keys.claim, "kiosk/claim/1", replace(real, station="K0002").encode())
    refused = enrol(Kiosk.new().ask(moved))
    assert (refused.code, refused.reason) == ("P03", "claim_station")


def test_a_known_identity_key_is_p04_wherever_it_asks_again(store, order, enrol):
    kiosk = Kiosk.new()
    enrol(kiosk.ask(order()))
    for claim in (order("replace"), order("install", "K0002"), order("re-enrol")):
        for asking in (kiosk, replace(kiosk, tls=SigningKey.generate())):
            refused = enrol(asking.ask(claim))
            assert (refused.code, refused.reason) == ("P04", "key_known")
    assert reasons(store) == {("enrol_key_known", kiosk.device): 6}


def test_a_known_tls_key_is_p04_in_any_role(order, enrol):
    kiosk = Kiosk.new()
    enrol(kiosk.ask(order()))
    for copied in (
        Kiosk(SigningKey.generate(), kiosk.tls),
        Kiosk(kiosk.tls, SigningKey.generate()),
        Kiosk(SigningKey.generate(), kiosk.key),
    ):
        refused = enrol(copied.ask(order("install", "K0002")))
        assert (refused.code, refused.reason) == ("P04", "key_known")


def test_a_place_that_is_served_needs_a_claim_that_says_so(order, enrol):
    enrol(Kiosk.new().ask(order()))
    refused = enrol(Kiosk.new().ask(order()))
    assert (refused.code, refused.reason) == ("P03", "station_taken")


def test_a_claim_for_one_board_is_p10_on_another(order, enrol):
    claim = order(hardware=b"board 2")
    assert enrol(Kiosk.new().ask(claim)).code == "P10"
    assert isinstance(enrol(replace(Kiosk.new(), hardware=b"board 2").ask(claim)), bytes)


@pytest.mark.parametrize("kind", ["card-swap", "board-swap", "replace", "re-enrol"])
def test_a_swap_starts_a_new_epoch_and_revokes_the_old_device(store, issuer, order, enrol, kind):
    old, new = Kiosk.new(), Kiosk.new()
    first = opened(enrol(old.ask(order())), issuer)
    second = opened(enrol(new.ask(order(kind, old_device=old.device))), issuer)
    assert (first.epoch, second.epoch) == (1, 2)
    assert second.counter_from == first.counter_to, "no provisional code is leased twice"
    assert [(each.id, each.status) for each in store.read(lambda s: s.devices("K0001"))] == [
        (old.device, "REVOKED"),
        (new.device, "CLAIMED"),
    ]
    why = store.read(lambda s: s.registry_log(subject=device_name(old.device)))[0]
    assert why.what == "status: CLAIMED -> REVOKED"
    assert why.reason.endswith(kind)


def test_a_swap_that_names_a_stranger_is_p03(order, enrol):
    enrol(Kiosk.new().ask(order()))
    refused = enrol(Kiosk.new().ask(order("card-swap", old_device=bytes(16))))
    assert (refused.code, refused.reason) == ("P03", "old_device")


def test_a_station_whose_codes_are_used_up_is_refused(store, order, enrol):
    store.run(lambda s: s.lease_counters("K0001", service.COUNTER_END - service.COUNTER_BLOCK))
    refused = enrol(Kiosk.new().ask(order()))
    assert (refused.code, refused.reason) == ("P03", "codes_used_up")
    assert store.read(lambda s: s.devices()) == []


def test_the_last_block_of_codes_is_given(store, issuer, order, enrol):
    store.run(lambda s: s.lease_counters("K0001", service.COUNTER_END - service.COUNTER_BLOCK - 1))
    assert opened(enrol(Kiosk.new().ask(order())), issuer).counter_to == service.COUNTER_END


# --- certificate requests -----------------------------------------------------------------------------------------


def csr(key: object, *, ca: bool = False, name: str = "", names: int = 0) -> bytes:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(f"x{number}.example") for number in range(names)])
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)  # type: ignore[arg-type]


@pytest.mark.parametrize("asked_for", [{"ca": True}, {"name": "victim"}, {"names": 100}])
def test_what_the_request_asks_for_changes_nothing(issuer, order, enrol, asked_for):
    kiosk = Kiosk.new()
    bundle = opened(enrol(kiosk.ask(order(), csr=csr(kiosk.tls.private, **asked_for))), issuer)
    certificate = authority.certificate_from_der(bundle.certificate, "x")
    plain = issuer.authority.device(kiosk.device, kiosk.tls.spki, NOW_MS)
    assert certificate.subject == plain.subject
    assert list(certificate.extensions) == list(plain.extensions)


def broken(good: bytes, place: int) -> bytes:
    return good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]


def test_requests_that_prove_no_allowed_key_get_nothing(store, order, enrol):
    kiosk, claim = Kiosk.new(), order()
    good = authority.make_request(kiosk.tls)
    for bad, *allowed in (
        (csr(rsa.generate_private_key(65537, 2048)), "csr_weak_key"),
        (broken(good, len(good) - 1), "csr_no_possession"),
        # Another point: mostly none of the curve, sometimes a key that did not sign.
        (broken(good, good.index(kiosk.tls.spki) + 60), "csr_not_a_request", "csr_no_possession"),
        (authority.make_request(kiosk.key), "csr_one_key"),
        (bytes(64), "csr_not_a_request"),
    ):
        refused = enrol(kiosk.ask(claim, csr=bad))
        assert refused.code == "P08"
        assert refused.reason in allowed
        assert (f"enrol_{refused.reason}", None) in reasons(store)
    assert store.read(lambda s: (s.devices(), s.issued())) == ([], [])
    assert isinstance(enrol(kiosk.ask(claim)), bytes), "the claim was not used up by them"


def test_noise_is_counted_and_never_raises(store, enrol):
    for data in (b"", b"\xd2", bytes(100), bytes(20_000), secrets.token_bytes(500)):
        assert enrol(data).code == "P08"
    assert all(device is None for _, device in reasons(store))


# --- claims -------------------------------------------------------------------------------------------------------


def test_a_claim_is_registered_once_and_for_a_known_station(store, issuer, order):
    signed = order()
    claim = Claim.decode(envelope_decode(signed, 4096).payload)
    for bad, fault in (
        (claim, Conflict),
        (replace(claim, claim=bytes(16), station="K9999"), Conflict),
        (replace(claim, claim=bytes(16), kind="party"), WireError),
        (replace(claim, claim=b"short"), WireError),
    ):
        with pytest.raises(fault):
            store.run(lambda s, bad=bad: service.add_claim(s, bad, issuer.keys, WHY))
    assert len(store.read(lambda s: s.claims())) == 1


def test_what_people_typed_reaches_the_wire_in_one_form(store, issuer, order, enrol):
    """A title typed on a machine that writes marks apart (NFD), too long, and an empty ward."""
    apart = unicodedata.normalize("NFD", "Sảnh ")
    assert apart != "Sảnh "
    typed = Station("K0002", apart + "x" * 200, "Nhà", " ", "lobby")
    store.run(lambda s: s.put_station(typed, WHY))
    bundle = opened(enrol(Kiosk.new().ask(order("install", "K0002"))), issuer)
    assert (bundle.title, bundle.building, bundle.address) == ("Sảnh " + "x" * 115, "Nhà", "–")


def test_a_hardware_mark_is_kept_readable(store, order, enrol):
    plain, odd = Kiosk.new(), replace(Kiosk.new(), hardware=b"\xff\x00")
    enrol(plain.ask(order()))
    enrol(odd.ask(order("install", "K0002")))
    marks = [each.hardware for each in store.read(lambda s: s.devices())]
    assert marks == ["board 1", "ff00"]
