"""The envelope of an EMVCo merchant-presented code: ID, length, value, and the checksum at the end.

Decides whether a text is made of whole fields. Knows nothing of payees or amounts. Source: EMVCo QR Code
Specification for Payment Systems, Merchant-Presented Mode; lengths count characters, the checksum runs over UTF-8.
"""

import binascii
import re
from collections.abc import Mapping

from device_profiles.formats.refusal import FormatError

VALUE_LENGTH_MAX = 99
TEXT_LENGTH_MAX = 100 * (2 + 2 + VALUE_LENGTH_MAX)  # every ID once, every value full: nothing longer can be right

_HEADER = re.compile("[0-9]{2}(?:0[1-9]|[1-9][0-9])")


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE over the UTF-8 bytes, four upper-case hex digits ("123456789" gives 29B1)."""
    return f"{binascii.crc_hqx(text.encode('utf-8'), 0xFFFF):04X}"


def split(text: str, reason: str) -> list[tuple[str, str]]:
    """Split a text into (ID, value), in its order; every character must belong to a field.

    Raises:
        FormatError: ``reason``, when a header is not four ASCII digits, a length is 00 or runs over the end.
    """
    fields = []
    at = 0
    while at < len(text):
        start = at + 4
        if not _HEADER.fullmatch(text[at:start]):
            raise FormatError(reason)
        at = start + int(text[at + 2 : start])
        if at > len(text):
            raise FormatError(reason)
        fields.append((text[start - 4 : start - 2], text[start:at]))
    return fields


def once_each(fields: list[tuple[str, str]]) -> dict[str, str]:
    """Give the fields by ID.

    Raises:
        FormatError: duplicate_field, when an ID stands twice.
    """
    by_id = dict(fields)
    if len(by_id) != len(fields):
        raise FormatError("duplicate_field")
    return by_id


def template(value: str) -> dict[str, str]:
    """Give the fields inside a field by ID; the value must be used up exactly.

    Raises:
        FormatError: bad_subfield, duplicate_field.
    """
    return once_each(split(value, "bad_subfield"))


def join(fields: Mapping[str, str | None], within: str = "") -> str:
    """Write fields in ascending order of ID, None left out; the opposite of ``split``.

    ``within`` is the ID of the enclosing template, for the reason.

    Raises:
        FormatError: ``missing_field:<id>`` for an empty value, ``over_length:<id>`` for one over 99 characters.
    """
    out = []
    for identifier, value in sorted(fields.items()):
        if value is None:
            continue
        if not value:
            raise FormatError(f"missing_field:{within}{identifier}")
        if len(value) > VALUE_LENGTH_MAX:
            raise FormatError(f"over_length:{within}{identifier}")
        out.append(f"{identifier}{len(value):02}{value}")
    return "".join(out)
