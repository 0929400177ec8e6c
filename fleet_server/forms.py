"""The forms by which the fleet reads what stations send: a published catalogue, or the one that is shipped.

Decides only which catalogue holds for a record: the published one of the version it names, else the shipped one; and of
it the very form it was made with, for a form is never changed under its name. Signs and publishes nothing.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING

from device_profiles import catalogue, catalogue_toml
from device_profiles.catalogue import Catalogue
from device_profiles.cbor import WireError
from device_profiles.messages import SET_MAX_BYTES, SignedSet
from device_profiles.wire import ENVELOPE_BYTES, envelope_decode

if TYPE_CHECKING:
    from device_profiles.catalogue import Service
    from fleet_server.store import Store

log = logging.getLogger(__name__)
CATALOGUES_KEPT_MAX = 8


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with this release, read once. Raises ProfileError."""
    return catalogue_toml.load_shipped()


class Forms:
    """Published catalogues, read when a record first names one; the latest used are kept. For one thread at a time."""

    def __init__(self) -> None:
        self._read: OrderedDict[int, Catalogue | None] = OrderedDict()

    def form_of(self, store: Store, version: int, service: str, form: str) -> Service | None:
        """The form a dossier was made with. service: the row of the domain reference ("A8"), as records carry it."""
        published = self._published(store, version)
        for each in (published, shipped()) if published else (shipped(),):
            for one in each.services:
                if (one.form, one.code) == (form, service):
                    return one
        return None

    def _published(self, store: Store, version: int) -> Catalogue | None:
        if version not in self._read:
            data = store.set_of(catalogue.NAME, version)
            if data is None:
                return None  # not remembered: it may be published later
            self._read[version] = _opened(data, version)
            if len(self._read) > CATALOGUES_KEPT_MAX:
                self._read.popitem(last=False)
        self._read.move_to_end(version)
        return self._read[version]


def _opened(data: bytes, version: int) -> Catalogue | None:
    """What was signed (and verified when it was put in); None where this release cannot read it."""
    try:
        signed = SignedSet.decode(envelope_decode(data, SET_MAX_BYTES + ENVELOPE_BYTES).payload)
        return Catalogue.decode(signed.body)
    except WireError as error:
        log.warning("the published catalogue %d cannot be read: %s; publish a newer one", version, error)
        return None
