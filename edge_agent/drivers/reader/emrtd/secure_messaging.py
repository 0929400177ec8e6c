"""Secure messaging: every command and every answer encrypted and authenticated, in order, by a counter.

Decides which answers break the channel: one that is not secured, has no or a wrong checksum, or says something that is
not under the checksum. Sources: ICAO Doc 9303-11, 9.8; ISO/IEC 7816-4, 10.
"""

from __future__ import annotations

import hmac

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import Command, Response
from edge_agent.drivers.reader.emrtd.keys import (
    Cipher,
    block_bytes,
    decrypt,
    encrypt,
    encrypt_block,
    mac,
    pad,
    unpad,
)
from edge_agent.drivers.reader.emrtd.tlv import encode, read_all

_SHORT_MAX = 256
_EXTENDED_MAX = 65536
_PADDED, _PLAIN_TLV, _LE, _STATUS, _CHECKSUM = 0x87, 0x85, 0x97, 0x99, 0x8E


class SecureMessaging:
    """The secured channel of one chip: session keys and the send sequence counter.

    Args:
        cipher: of both keys.
        key_enc: for what is said. key_mac: for the checksums.
        counter: the send sequence counter before the first command; one block long.
    """

    def __init__(self, cipher: Cipher, key_enc: bytes, key_mac: bytes, counter: int = 0) -> None:
        self._cipher: Cipher = cipher
        self._key_enc, self._key_mac = key_enc, key_mac
        self._block = block_bytes(cipher)
        self._counter = counter

    def wrap(self, command: Command) -> bytes:
        """Secure a command; counts."""
        self._count()
        header = bytes((command.cla | 0x0C, *command.header[1:]))
        body = b""
        if command.data:
            sealed = encrypt(self._cipher, self._key_enc, self._iv(), pad(command.data, self._block))
            odd = command.ins & 1  # ISO/IEC 7816-4, 10.2.2: an odd instruction's data are BER-TLV and say so
            body += encode(_PLAIN_TLV, sealed) if odd else encode(_PADDED, b"\x01" + sealed)
        if command.le is not None:
            body += encode(_LE, _le(command.le))
        checked = pad(header, self._block) + body
        body += encode(_CHECKSUM, self._checksum(checked if body else header))
        # 256 asks for as much as fits into a short answer; an answer that would not is asked for by extended length.
        extended = command.le is not None and command.le > _SHORT_MAX
        le = _EXTENDED_MAX if extended else _SHORT_MAX
        return Command(header[0], command.ins, command.p1, command.p2, body, le).encode()

    def unwrap(self, raw: bytes) -> Response:
        """Check an answer and open it; counts.

        Raises:
            CardFault: damaged: it breaks the channel (which is then of no more use).
        """
        self._count()
        answer = Response.of(raw)
        if not answer.data:
            raise CardFault("damaged", f"an answer without secure messaging, status {answer.status:04X}")
        checked, end = answer.data[:-10], answer.data[-10:]
        if end[:2] != b"\x8e\x08" or not hmac.compare_digest(self._checksum(checked), end[2:]):
            raise CardFault("damaged", "a secured answer without checksum, or with a wrong one")
        found = read_all(checked)
        elements = {element.tag: element.value for element in found}
        if len(elements) != len(found) or elements.keys() - {_PADDED, _PLAIN_TLV, _STATUS}:
            raise CardFault("damaged", "a secured answer with strange elements")
        if len(elements.get(_STATUS, b"")) != 2:
            raise CardFault("damaged", "a secured answer without a status word")
        return Response(self._open(elements), int.from_bytes(elements[_STATUS], "big"))

    def _open(self, elements: dict[int, bytes]) -> bytes:
        """Decrypt what an answer holds, if anything."""
        if _PADDED in elements:
            sealed = elements[_PADDED]
            whole = sealed[:1] == b"\x01" and _PLAIN_TLV not in elements
            sealed = sealed[1:]
        elif _PLAIN_TLV in elements:
            sealed, whole = elements[_PLAIN_TLV], True
        else:
            return b""
        if not whole or not sealed or len(sealed) % self._block:
            raise CardFault("damaged", "a secured answer that is not whole blocks")
        data = unpad(decrypt(self._cipher, self._key_enc, self._iv(), sealed))
        if data is None:
            raise CardFault("damaged", "a secured answer without padding")
        return data

    def _count(self) -> None:
        self._counter = (self._counter + 1) % (1 << 8 * self._block)

    def _ssc(self) -> bytes:
        return self._counter.to_bytes(self._block, "big")

    def _iv(self) -> bytes:
        """Zero for 3DES, the encrypted counter for AES (9.8.6.1, 9.8.6.2)."""
        return bytes(8) if self._cipher == "3des" else encrypt_block(self._cipher, self._key_enc, self._ssc())

    def _checksum(self, data: bytes) -> bytes:
        return mac(self._cipher, self._key_mac, pad(self._ssc() + data, self._block))


def _le(le: int) -> bytes:
    return bytes((le & 0xFF,)) if le <= _SHORT_MAX else (le & 0xFFFF).to_bytes(2, "big")
