"""What the tests of everything that speaks MQTT lean on: a small CA, a raw client, a real broker with its registry.

The raw client speaks MQTT 3.1.1 byte by byte and does what a well-made library refuses to do.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
import socket
import ssl
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device_profiles import wire
from fleet_server.broker import Broker, BrokerAccess, BrokerSettings, open_broker

if TYPE_CHECKING:
    from pathlib import Path

HOUR = dt.timedelta(hours=1)
HOST = "127.0.0.1"
PACKET_NAMES = {0x20: "connack", 0x90: "suback", 0xD0: "pingresp"}
BINDS_CLIENT_ID = {"mosquitto"}  # the others rely on ids that nobody can guess


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Device:
    """A device id with its certificate's files."""

    id: bytes
    cert_file: Path
    key_file: Path

    @property
    def name(self) -> str:
        return wire.device_name(self.id)


class FleetCa:
    """A P-256 CA that lives for one test run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self._serials: dict[str, int] = {}
        now = dt.datetime.now(dt.UTC)
        builder = self._builder(self._name, self._key.public_key(), now - HOUR, now + 24 * HOUR)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        certificate = builder.add_extension(identifier, critical=False).sign(self._key, hashes.SHA256())
        self.ca_file = folder / "ca.crt"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, public_key, since, until):
        builder = x509.CertificateBuilder(self._name, subject, public_key, x509.random_serial_number())
        return builder.not_valid_before(since).not_valid_after(until)

    def issue(self, name: str, *, server: bool = False, ended: bool = False) -> tuple[Path, Path]:
        """Give certificate and key files for a common name; `ended` = valid until a minute ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        until = now - dt.timedelta(minutes=1) if ended else now + 12 * HOUR
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key(), now - 2 * HOUR, until)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        other = (
            x509.IPAddress(ipaddress.ip_address(HOST)) if server else x509.UniformResourceIdentifier(f"urn:k:{name}")
        )
        builder = builder.add_extension(x509.SubjectAlternativeName([other]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        self._serials[name] = certificate.serial_number
        cert_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return cert_file, key_file

    def device(self, *, ended: bool = False) -> Device:
        device = secrets.token_bytes(16)
        return Device(device, *self.issue(wire.device_name(device), ended=ended))

    def crl(self, revoked: frozenset[str] = frozenset(), *, ended: bool = False) -> bytes:
        """Give the revocation list (PEM) with the certificates of these names."""
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateRevocationListBuilder(self._name, now - HOUR, now - HOUR / 2 if ended else now + HOUR)
        for name in revoked:
            entry = x509.RevokedCertificateBuilder(self._serials[name], now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(first: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([first]) + bytes(length) + body


@dataclass(frozen=True)
class Heard:
    """A message that came."""

    topic: str
    data: bytes
    retained: bool = False


class RawClient:
    """One connection; every method does one thing and nothing by itself. `with` closes it without a DISCONNECT."""

    def __init__(self, port: int, ca_file: Path, device: Device | None = None, *, resume=None, receive_bytes=0) -> None:
        """Connect and shake hands; `resume`: an earlier client whose TLS session is tried again."""
        self.context = resume.context if resume else ssl.create_default_context(cafile=ca_file)
        if device is not None and resume is None:
            self.context.load_cert_chain(device.cert_file, device.key_file)
        session = resume.socket.session if resume else None
        self._buffer = b""
        plain = socket.socket()
        try:
            if receive_bytes:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            plain.settimeout(5)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.connect((HOST, port))
            self.socket = self.context.wrap_socket(
                plain, server_hostname=HOST, session=session, do_handshake_on_connect=False
            )
        except OSError:
            plain.close()
            raise
        try:
            self.socket.do_handshake()
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def connect(self, client_id="", *, keepalive_s=60, user=None, will=None, clean=True) -> int:
        """Send CONNECT; give the return code of the CONNACK."""
        flags = (0x02 if clean else 0) | (0x80 if user else 0) | (0x04 if will else 0)
        body = text("MQTT") + bytes([4, flags]) + struct.pack(">H", keepalive_s)
        body += text(client_id or secrets.token_hex(11))
        body += b"".join(text(part) for part in will or ()) + (text(user) if user else b"")
        self.send(packet(0x10, body))
        kind, answer = self.read()
        assert kind == "connack", kind
        return answer[1]

    def subscribe(self, *topics: str) -> list[int]:
        """Send SUBSCRIBE with QoS 0; give what was granted (0x80 = refused)."""
        self.send(packet(0x82, b"\x00\x01" + b"".join(text(topic) + b"\x00" for topic in topics)))
        kind, answer = self.read()
        assert kind == "suback", kind
        return list(answer[2:])

    def publish(self, topic: str, data: bytes = b"", *, retain=False) -> None:
        self.send(packet(0x31 if retain else 0x30, text(topic) + data))

    def ping(self) -> None:
        """Go there and back: what was sent before has been dealt with."""
        self.send(b"\xc0\x00")
        while self.read() != ("pingresp", b""):
            pass

    def read(self, timeout_s: float = 5.0):
        """Give the next packet: `Heard`, or (kind, body). Raises TimeoutError; EOFError or OSError when cut off."""
        self.socket.settimeout(timeout_s)
        first = self._take(1)[0]
        length, shift = 0, 0
        while True:
            digit = self._take(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
        body = self._take(length)
        if first & 0xF0 == 0x30:
            end = 2 + struct.unpack(">H", body[:2])[0]
            return Heard(body[2:end].decode(), body[end:], bool(first & 1))
        return PACKET_NAMES.get(first & 0xF0, hex(first)), body

    def hear(self, timeout_s: float = 5.0) -> Heard:
        """Give the next message."""
        while True:
            got = self.read(timeout_s)
            if isinstance(got, Heard):
                return got

    def wait_cut(self, timeout_s: float = 10.0) -> None:
        """Read until the broker has ended the connection; TimeoutError when it does not."""
        try:
            while True:
                self.read(timeout_s)
        except TimeoutError:
            raise
        except (EOFError, OSError):
            return

    def overrun(self, data: bytes, more: bytes = b"", times: int = 0) -> None:
        """Send, and more of the same, until cut off; AssertionError when the broker takes it all and lives with it."""
        try:
            for part in (data, *[more] * times):
                self.send(part)
            self.ping()
        except (OSError, EOFError):
            return
        raise AssertionError("it was taken")

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._buffer += data
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


@dataclass
class House:
    """A broker of one kind, its CA, its registry with some admitted devices, and one ingest client's certificate."""

    kind: str
    ca: FleetCa
    settings: BrokerSettings
    broker: Broker
    access: BrokerAccess
    ingest: Device
    ingest_two: Device
    spare: list[Device] = field(default_factory=list)
    revoked: frozenset[str] = frozenset()

    def take(self) -> Device:
        """An admitted device that no other test has."""
        return self.spare.pop()

    def client(self, device: Device | None, **how) -> RawClient:
        return RawClient(self.settings.port, self.ca.ca_file, device, **how)

    def station(self, device: Device, **how) -> RawClient:
        """A connected client that has subscribed to its two topics."""
        client = self.client(device)
        assert client.connect(**how) == 0
        assert client.subscribe(wire.topic_ack(device.id), wire.topic_desired(device.id)) == [0, 0]
        return client

    def refused(self, device: Device | None, **how) -> bool:
        """Whether no session comes about. (In TLS 1.3 the server's refusal arrives after the client's handshake.)"""
        try:
            with self.client(device, **how) as client:
                return client.connect() != 0
        except (OSError, EOFError):
            return True

    def fleet(self) -> RawClient:
        """The connected ingest client that has subscribed to everything that comes up."""
        client = self.client(self.ingest)
        assert client.connect() == 0
        assert client.subscribe("v1/up/+/+", "v1/state/+") == [0, 0]
        return client

    def fleet_again(self) -> RawClient:
        """A second ingest client, with a name of its own, that hears nothing."""
        client = self.client(self.ingest_two)
        assert client.connect() == 0
        return client

    def admit(self, *devices: Device) -> None:
        names = frozenset(device.name for device in devices)
        self.revoked -= names
        self._reload(self.access.devices | names)

    def revoke(self, *devices: Device) -> None:
        names = frozenset(device.name for device in devices)
        self.revoked |= names
        self._reload(self.access.devices - names)

    def _reload(self, names: frozenset[str]) -> None:
        self.access = replace(self.access, devices=names, crl=self.ca.crl(self.revoked))
        self.broker.reload(self.access)


def make_house(kind: str, folder: Path, devices: int = 8, **limits) -> House:
    """A house whose broker is not started yet."""
    ca = FleetCa(folder / "ca")
    cert_file, key_file = ca.issue("server", server=True)
    spare = [ca.device() for _ in range(devices)]
    names = ("ingest", "ingest-2")
    ingest = [Device(b"", *ca.issue(name)) for name in names]
    access = BrokerAccess(frozenset(device.name for device in spare), frozenset(names), ca.crl())
    settings = BrokerSettings(folder / "broker", HOST, free_port(), ca.ca_file, cert_file, key_file, **limits)
    broker = open_broker(kind, settings, access)
    return House(kind, ca, settings, broker, access, *ingest, spare)
