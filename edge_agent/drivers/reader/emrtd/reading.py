"""One reading of an identity chip: opens it, reads what is asked, and says how far it can be trusted.

Decides the order of steps; each step's rules stand in its own module. No thread and no device: APDUs go out through
a function, and what was read is only in what comes back. EF.COM is not read: nothing signs it, and EF.SOD says
what the chip must hold. Source: ICAO Doc 9303-11, 4.2 (chip access procedure).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.card import CardData, CardFault
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.clone_check import check_for_clone
from edge_agent.drivers.reader.emrtd.files import DG1, DG2, DG13, DG14, DG15, SOD, read_file
from edge_agent.drivers.reader.emrtd.lds import mrz_text, national_data, portrait
from edge_agent.drivers.reader.emrtd.opening import open_chip
from edge_agent.drivers.reader.emrtd.sod import read_security_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_agent.card import Authenticity, CardRequest, CloneCheck

_FILES = {"dg1": DG1, "dg2": DG2, "dg13": DG13}
_NUMBER_MASK = 0xFF  # a data group's number is the last byte of its file identifier


def read(
    transmit: Callable[[bytes], bytes],
    request: CardRequest,
    random_bytes: Callable[[int], bytes],
    until_s: float,
) -> CardData:
    """Read a chip.

    Args:
        transmit: sends an APDU and gives the answer with its status word; it raises CardFault "torn" or "mute" where
            the card was taken or is silent, and whatever it raises passes through.
        request: what is asked; `uid` is not read here, and without a secret nothing is.
        random_bytes: gives so many bytes that nobody can guess (`secrets.token_bytes`).
        until_s: the moment of `time.monotonic()` after which no command is sent; one command that lasts longer is
            for `transmit` to end.

    Raises:
        CardFault: wrong_can, wrong_mrz, blocked, unsupported, damaged, not_authentic, too_slow; those of `transmit`.
    """
    if request.secret is None:
        return CardData()
    exchange = Exchange(transmit, until_s)
    access = open_chip(exchange, request.secret, random_bytes)
    found: dict[int, bytes] = {}
    for part, file_id in _FILES.items():
        content = read_file(exchange, file_id) if part in request.parts else None
        if content is not None:
            found[file_id] = content
    if "dg1" in request.parts and DG1 not in found:
        raise CardFault("damaged", "DG1: not there, which every identity chip has")
    authenticity, clone_check = _judge(exchange, request, found, random_bytes)
    return CardData(
        mrz=mrz_text(found[DG1]) if DG1 in found else "",
        national=national_data(found[DG13]) if DG13 in found else {},
        portrait=portrait(found[DG2]) if DG2 in found else b"",
        access=access,
        authenticity=authenticity,
        clone_check=clone_check,
    )


def _judge(
    exchange: Exchange, request: CardRequest, found: Mapping[int, bytes], random_bytes: Callable[[int], bytes]
) -> tuple[Authenticity, CloneCheck]:
    """Judge what was read by what the issuer signed, then the chip by its own key.

    Raises:
        CardFault: not_authentic, damaged.
    """
    content = read_file(exchange, SOD) if found else None
    if content is None:
        return "not_verified", "not_offered"
    signed = read_security_object(content)
    covered = [signed.covers(file_id & _NUMBER_MASK, data) for file_id, data in found.items()]
    vouched = signed.issuer_vouches(request.anchors, request.as_of_ms)
    proofs: dict[int, bytes] = {}
    for file_id in (DG14, DG15):
        number = file_id & _NUMBER_MASK
        if number not in signed.hashes:
            continue
        data = read_file(exchange, file_id)
        if data is None:
            raise CardFault("not_authentic", f"DG{number}: EF.SOD lists it, and the chip does not give it")
        if signed.covers(number, data):
            proofs[file_id] = data
    clone_check = check_for_clone(exchange, proofs.get(DG14), proofs.get(DG15), random_bytes)
    return "verified" if vouched and all(covered) else "not_verified", clone_check
