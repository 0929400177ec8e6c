"""One reading of an identity chip: opens it, reads what is asked, and says how far it can be trusted.

Decides the order of steps; each step's rules stand in its own module. No thread and no device: APDUs go out through
a function, and what was read is only in what comes back. EF.COM is not read: nothing signs it, and EF.SOD says
what the chip must hold. Source: ICAO Doc 9303-11, 4.2 (chip access procedure).
"""

from __future__ import annotations

from pathlib import PurePath
from traceback import extract_tb
from typing import TYPE_CHECKING

from edge_agent.card import CardData, CardFault
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.clone_check import Proof, check_for_clone, names_key
from edge_agent.drivers.reader.emrtd.files import DG1, DG2, DG13, DG14, DG15, SOD, read_file
from edge_agent.drivers.reader.emrtd.lds import mrz_text, national_data, portrait
from edge_agent.drivers.reader.emrtd.opening import open_chip
from edge_agent.drivers.reader.emrtd.sod import gravest, read_security_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_agent.card import CardRequest, Doubt

_FILES = {"dg1": DG1, "dg2": DG2, "dg13": DG13}
_NUMBER_MASK = 0xFF  # a data group's number is the last byte of its file identifier
# What Python raises where a parser did not reckon with a value. Each parser refuses by name what it knows to be wrong;
# this is the fence behind them, so that no card can end the reader's driver by a case that nobody thought of.
_SLIPS = (ArithmeticError, ValueError, RecursionError, IndexError, KeyError, TypeError)


def read(
    transmit: Callable[[bytes], bytes],
    request: CardRequest,
    random_bytes: Callable[[int], bytes],
    until_s: float,
) -> CardData:
    """Read a chip.

    Args:
        transmit: sends an APDU and gives the answer with its status word; it raises CardFault "torn" or "mute" where
            the card was taken or is silent, and whatever it raises passes through: what breaks there is not the card's.
        request: what is asked; `uid` is not read here, and without a secret nothing is.
        random_bytes: gives so many bytes that nobody can guess (`secrets.token_bytes`).
        until_s: the moment of `time.monotonic()` after which no command is sent; one command that lasts longer is
            for `transmit` to end.

    Raises:
        CardFault: wrong_can, wrong_mrz, blocked, unsupported, damaged, not_authentic, copied, too_slow; those of
            `transmit`.
    """
    below: list[Exception] = []

    def pass_on(apdu: bytes) -> bytes:
        try:
            return transmit(apdu)
        except _SLIPS as error:
            below.append(error)
            raise

    try:
        return _read(Exchange(pass_on, until_s), request, random_bytes)
    except _SLIPS as slip:
        if slip in below:
            raise
        raise CardFault("damaged", f"{type(slip).__name__} at {_place(slip)}") from None


def _place(error: Exception) -> str:
    """File and line where it was raised; its words may hold what was read, so they are not told."""
    (last,) = extract_tb(error.__traceback__, limit=-1)
    return f"{PurePath(last.filename).name}:{last.lineno}"


def _read(exchange: Exchange, request: CardRequest, random_bytes: Callable[[int], bytes]) -> CardData:
    """Open, read, judge.

    Raises:
        CardFault: see `read`.
    """
    if request.secret is None:
        return CardData()
    access = open_chip(exchange, request.secret, random_bytes)
    found: dict[int, bytes] = {}
    for part, file_id in _FILES.items():
        content = read_file(exchange, file_id) if part in request.parts else None
        if content is not None:
            found[file_id] = content
    if "dg1" in request.parts and DG1 not in found:
        raise CardFault("damaged", "DG1: not there, which every identity chip has")
    proof = _judge(exchange, request, found, random_bytes)
    return CardData(
        mrz=mrz_text(found[DG1]) if DG1 in found else "",
        national=national_data(found[DG13]) if DG13 in found else {},
        portrait=portrait(found[DG2]) if DG2 in found else b"",
        access=access,
        authenticity="not_verified" if proof.doubt else "verified",
        doubt=proof.doubt,
        clone_check=proof.clone_check,
    )


def _judge(
    exchange: Exchange, request: CardRequest, found: Mapping[int, bytes], random_bytes: Callable[[int], bytes]
) -> Proof:
    """Judge what was read by what the issuer signed, then the chip by its own key; the gravest doubt is told.

    Raises:
        CardFault: not_authentic, copied, damaged.
    """
    content = read_file(exchange, SOD) if found else None
    if content is None:
        return Proof("not_offered", "unsigned")
    signed = read_security_object(content)
    doubts: list[Doubt] = [signed.group_doubt(file_id & _NUMBER_MASK, data) for file_id, data in found.items()]
    doubts.append(signed.issuer_doubt(request.anchors, request.as_of_ms))
    offers: dict[int, bytes] = {}
    for file_id in (DG14, DG15):
        number = file_id & _NUMBER_MASK
        if number not in signed.hashes:
            continue
        data = read_file(exchange, file_id)
        if data is None:
            raise CardFault("copied", f"DG{number}: EF.SOD lists it, and the chip does not give it")
        doubts.append(signed.group_doubt(number, data))
        offers[file_id] = data
    keys = offers.get(DG14), offers.get(DG15)
    if signed.hash_name is None:  # no hash speaks for the keys: whatever they prove, a copy may have brought them
        return Proof("unproven" if names_key(*keys) else "not_offered", gravest(*doubts))
    proof = check_for_clone(exchange, *keys, random_bytes)
    return proof._replace(doubt=gravest(*doubts, proof.doubt))
