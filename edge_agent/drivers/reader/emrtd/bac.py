"""Basic Access Control: opens a chip with what is printed in its machine-readable zone, where PACE is not offered.

Decides what a chip's answers mean for the secret. Source: ICAO Doc 9303-11, 4.3 and appendix D.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import OK, Command, Exchange
from edge_agent.drivers.reader.emrtd.keys import ENC, MAC, decrypt, derive, encrypt, mac, mrz_seed, pad
from edge_agent.drivers.reader.emrtd.refusals import opening_refused
from edge_agent.drivers.reader.emrtd.secure_messaging import SecureMessaging

if TYPE_CHECKING:
    from collections.abc import Callable

_GET_CHALLENGE = Command(0x00, 0x84, 0x00, 0x00, le=8)
_SEED_BYTES = 16


def open_with_bac(exchange: Exchange, mrz_information: str, random_bytes: Callable[[int], bytes]) -> SecureMessaging:
    """Open the chip; its application must be selected.

    Args:
        exchange: the conversation.
        mrz_information: document number, birth and expiry date, each with its check digit.
        random_bytes: gives so many random bytes; first the challenge (8), then our half of the key (16).

    Raises:
        CardFault: wrong_mrz, blocked; damaged: the chip does not follow the protocol.
    """
    seed = mrz_seed(mrz_information)[:_SEED_BYTES]
    key_enc, key_mac = derive(seed, ENC, "3des"), derive(seed, MAC, "3des")
    challenge = exchange.send(_GET_CHALLENGE)
    if challenge.status != OK or len(challenge.data) != 8:
        raise CardFault("damaged", f"BAC: no challenge, status {challenge.status:04X}")
    ours, our_half = random_bytes(8), random_bytes(_SEED_BYTES)
    sealed = encrypt("3des", key_enc, bytes(8), ours + challenge.data + our_half)
    token = sealed + mac("3des", key_mac, pad(sealed, 8))
    answer = exchange.send(Command(0x00, 0x82, 0x00, 0x00, token, le=40))
    if answer.status != OK:
        raise opening_refused("BAC", "mrz", answer.status)
    sealed, checksum = answer.data[:32], answer.data[32:]
    if len(sealed) != 32 or not hmac.compare_digest(mac("3des", key_mac, pad(sealed, 8)), checksum):
        raise CardFault("damaged", "BAC: the chip's token has a wrong length or checksum")
    plain = decrypt("3des", key_enc, bytes(8), sealed)
    if plain[:16] != challenge.data + ours:
        raise CardFault("damaged", "BAC: the chip's token answers another challenge")
    session = bytes(a ^ b for a, b in zip(our_half, plain[16:], strict=True))
    counter = int.from_bytes(challenge.data[4:] + ours[4:], "big")
    return SecureMessaging("3des", derive(session, ENC, "3des"), derive(session, MAC, "3des"), counter)
