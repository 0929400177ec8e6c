"""How a chip is opened: by PACE where it is offered, else by Basic Access Control. Decides that order and nothing else.

Source: ICAO Doc 9303-11, 4.2. The master file is not selected first: the Vietnamese card refuses that (public readers),
and EF.CardAccess is found without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.bac import open_with_bac
from edge_agent.drivers.reader.emrtd.files import CARD_ACCESS, read_file, select_application
from edge_agent.drivers.reader.emrtd.lds import security_infos
from edge_agent.drivers.reader.emrtd.pace import NotOffered, choose, open_with_pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.card import Secret
    from edge_agent.drivers.reader.emrtd.apdu import Exchange

Access = Literal["pace_can", "pace_mrz", "bac"]


def open_chip(exchange: Exchange, secret: Secret, random_bytes: Callable[[int], bytes]) -> Access:
    """Open the chip and select its application; from then on `exchange` is secured.

    Raises:
        CardFault: unsupported: no identity chip, or none that opens with this kind of secret; wrong_can, wrong_mrz,
            blocked, damaged.
    """
    content = read_file(exchange, CARD_ACCESS)
    offer = choose(security_infos(content)) if content is not None else None
    words = "the chip offers no PACE that is spoken here"
    if offer is not None:
        try:
            exchange.security = open_with_pace(exchange, offer, secret, random_bytes)
        except NotOffered as refused:
            words = str(refused)
        else:
            _select(exchange)
            return "pace_can" if secret.kind == "can" else "pace_mrz"
    _select(exchange)
    if secret.kind == "can":
        raise CardFault("unsupported", f"{words}, and BAC does not open with a CAN")
    exchange.security = open_with_bac(exchange, secret.value, random_bytes)
    return "bac"


def _select(exchange: Exchange) -> None:
    status = select_application(exchange)
    if status is not None:
        raise CardFault("unsupported", f"no application of an identity document, status {status:04X}")
