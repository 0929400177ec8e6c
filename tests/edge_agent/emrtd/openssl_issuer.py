"""An issuer of chips made of the `openssl` program: CSCA, document signers, EF.SOD. Shares no code with the reader.

Keys and certificates are thrown away with the folder they stand in.
"""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DG1, DG13 = b"\x61\x03one", b"\x6d\x08thirteen"
LDS = "2.23.136.1.1.1"
CA = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
SIGNER = "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\n"
_HASH_OIDS = {"sha1": "2b0e03021a", "sha256": "608648016503040201", "sha384": "608648016503040202"}


def der(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    size = len(value)
    length = bytes((size,)) if size < 0x80 else bytes((0x82, size >> 8, size & 0xFF))
    return bytes((tag,)) + length + value


def lds_object(groups: dict[int, bytes], hash_name: str = "sha256") -> bytes:
    algorithm = der(0x30, der(0x06, bytes.fromhex(_HASH_OIDS[hash_name])))
    hashes = [
        der(0x30, der(0x02, bytes((number,))), der(0x04, hashlib.new(hash_name, content).digest()))
        for number, content in groups.items()
    ]
    return der(0x30, der(0x02, b"\0"), algorithm, der(0x30, *hashes))


@dataclass(frozen=True)
class Owner:
    """Whose key and certificate (PEM) stand in files."""

    key: Path
    certificate: Path

    @cached_property
    def der(self) -> bytes:
        return _openssl("x509", "-in", self.certificate, "-outform", "DER")


class Issuer:
    """Makes them in `folder`; kind: "rsa", or a curve of openssl, with "+explicit" for parameters in full."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind, self._number = folder, kind, 0
        self.csca = self.make_csca()
        self.signer = self.make_signer()

    def make_csca(self, name: str = "Test CSCA", extensions: str = CA + "subjectKeyIdentifier=hash\n") -> Owner:
        key = self._key()
        request = self._request(key, name)
        found = self._certificate(request, extensions, "-signkey", key)
        return Owner(key, found)

    def make_signer(self, extensions: str = SIGNER, by: Owner | None = None) -> Owner:
        by = by or self.csca
        key = self._key()
        request = self._request(key, "Test signer")
        return Owner(key, self._certificate(request, extensions, "-CA", by.certificate, "-CAkey", by.key))

    def sod(
        self,
        content: bytes | None = None,
        *options: str,
        signer: Owner | None = None,
        content_type: str = LDS,
        md: str = "sha256",
    ) -> bytes:
        """EF.SOD over DG1 and DG13, or over other content."""
        signer = signer or self.signer
        file = self._write("lds", lds_object({1: DG1, 13: DG13}) if content is None else content)
        arguments = ["-in", file, "-signer", signer.certificate, "-inkey", signer.key, "-econtent_type", content_type]
        signed = _openssl(
            "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-md", md, *arguments, *options, "-outform", "DER"
        )
        return der(0x77, signed)

    @cached_property
    def _none(self) -> Path:
        return self._write("cnf", b"[req]\ndistinguished_name=dn\nstring_mask=utf8only\n[dn]\n")

    def _key(self) -> Path:
        if self._kind == "rsa":
            return self._write("key", _openssl("genrsa", "2048"))
        curve, _, explicit = self._kind.partition("+")
        form = ("-param_enc", "explicit") if explicit else ()
        return self._write("key", _openssl("ecparam", "-genkey", "-noout", "-name", curve, *form))

    def _request(self, key: Path, name: str) -> Path:
        subject = f"/C=VN/O=simulated/CN={name}"
        return self._write("req", _openssl("req", "-new", "-key", key, "-subj", subject, "-config", self._none))

    def _certificate(self, request: Path, extensions: str, *by: str | Path) -> Path:
        file = self._write("ext", extensions.encode())
        self._number += 1
        arguments = ["x509", "-req", "-in", request, *by, "-set_serial", str(self._number), "-days", "3650"]
        return self._write("pem", _openssl(*arguments, "-sha256", "-extfile", file))

    def _write(self, suffix: str, content: bytes) -> Path:
        self._number += 1
        path = self._folder / f"{self._number}.{suffix}"
        path.write_bytes(content)
        return path


def _openssl(*arguments: str | Path) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
