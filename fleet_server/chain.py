"""Whether the records of a batch are what its station wrote, in order and whole. Pure; opens and stores nothing.

The batch's one signature covers its last digest; the chain carries it down to every record. Each record is hashed as
received. A header begins with what must stand there to the byte (format, device, epoch, journal, seq, digest before),
so that much is compared; only what follows is read, by a reader that knows the two types a header has and only their
shortest form. At a hundred records a batch `wire.record_decode` on each would be two thirds of ingest's time; a test
holds the two to the same verdicts.
"""

from __future__ import annotations

from device_profiles import layout
from device_profiles.cbor import WireError, encode
from device_profiles.wire import FORMAT, RECORD_MAX_BYTES, Batch, Header, digest, genesis

HEADER_MAX_BYTES = 1024
KID_BYTES = 8
_KEY, _SUITE = 8, 9
_COMPARED = 6  # fields 0 to 5 are compared, not read
_READ = [(name, rule) for name, rule in layout.rules(Header) if rule.key >= _COMPARED]
_RULES = {rule.key: (rule.kind, rule.least, rule.most, name) for name, rule in _READ}
_NEEDED = frozenset(rule.key for _, rule in _READ if not rule.optional) | {_KEY}
_LIST_OF_2, _MAP_OF_6 = 0x82, 0xA6
_BYTES_FROM, _BYTES_TO = 0x40, 0x60
_SHORT_MAX, _ARGUMENT_MAX = 23, 27
_LEAST = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}  # below it, an argument of that length has a shorter form


def check_chain(batch: Batch) -> list[bytes]:
    """Follow a batch from `before` to `head`; give the digest of each record.

    Raises WireError: "genesis" (a first record that does not start its journal), "chain" (a record that does not
    follow the one before it, is of another journal, or an end that is not what was signed), "field" (a header that is
    not as agreed), "not_canonical", "not_cbor", "type", "too_large".
    """
    if batch.first == 0 and batch.before != genesis(batch.device, batch.epoch, batch.journal):
        raise WireError("genesis", "what stands before record 0 is not this journal's beginning")
    ours = encode({0: FORMAT, 1: batch.device, 2: batch.epoch, 3: batch.journal})[1:]
    before = batch.before
    digests = []
    for seq, record in enumerate(batch.records, batch.first):
        header = _header_of(record, seq)
        begin = b"%b\x04%b\x05\x58\x20%b" % (ours, encode(seq), before)
        if not header.startswith(begin, 1):
            raise WireError("chain", f"record {seq} does not follow the one before it, or is of another journal")
        _judge(header, 1 + len(begin), seq)
        before = digest(record)
        digests.append(before)
    if before != batch.head:
        raise WireError("chain", "the last record is not the one that was signed")
    return digests


def _header_of(record: bytes, seq: int) -> bytes:
    """Take the header's bytes out of [header, sealed]."""
    if len(record) > RECORD_MAX_BYTES:
        raise WireError("too_large", f"record {seq} of {len(record)} bytes, at most {RECORD_MAX_BYTES}")
    try:
        header, at = _item(record, 1)
        sealed, at = _item(record, at)
    except IndexError as error:
        raise WireError("not_cbor", f"record {seq} ends early") from error
    if record[0] != _LIST_OF_2 or type(header) is not bytes or type(sealed) is not bytes or at != len(record):
        raise WireError("field", f"record {seq} is not [header, sealed]")
    if len(header) > HEADER_MAX_BYTES:
        raise WireError("too_large", f"header {seq} of {len(header)} bytes, at most {HEADER_MAX_BYTES}")
    return header


def _item(data: bytes, at: int) -> tuple[int | bytes, int]:
    """Read an unsigned integer or a byte string in its shortest form; give it and the offset behind it.

    The offset lies past the end of truncated data: the caller compares, or reads on and gets an IndexError.
    """
    first = data[at]
    size, at = first & 31, at + 1
    if size > _SHORT_MAX:
        if size > _ARGUMENT_MAX:
            raise WireError("type", "an indefinite or reserved length may not be on the wire")
        behind = at + (1 << (size - 24))
        least, size, at = _LEAST[size], int.from_bytes(data[at:behind], "big"), behind
        if size < least:
            raise WireError("not_canonical", "a longer form than needed")
    if first & 0xE0 == 0:
        return size, at
    if _BYTES_FROM <= first < _BYTES_TO:
        return data[at : at + size], at + size
    raise WireError("type", "a record's frame and header hold unsigned integers and byte strings only")


def _judge(header: bytes, at: int, seq: int) -> None:
    """Read what follows the compared part of a header; refuse what `wire.Header` would refuse."""
    value: dict[int, int | bytes] = {}
    last = _COMPARED - 1
    try:
        # The first byte says how many fields there are; any other than the map's own leaves too few or too many.
        for _ in range(header[0] - _MAP_OF_6):
            key = header[at]
            if key <= last:
                raise WireError("not_canonical", f"header {seq} is not in the agreed order")
            value[key], at = _item(header, at + 1)
            last = key
    except IndexError as error:
        raise WireError("not_cbor", f"header {seq} ends early") from error
    if at != len(header):
        raise WireError("not_cbor", f"header {seq} is longer or shorter than it says")
    for key, got in value.items():
        if key == _KEY:
            continue
        if key not in _RULES:
            raise WireError("field", f"header {seq} has an unknown field {key}")
        kind, least, most, name = _RULES[key]
        if type(got) is not kind or not least <= (got if isinstance(got, int) else len(got)) <= most:
            raise WireError("field", f"header {seq}: {name} must be {kind.__name__}, {least} to {most}")
    if not value.keys() >= _NEEDED:
        raise WireError("field", f"header {seq} lacks a field")
    key_of = value[_KEY]
    sound = len(key_of) == KID_BYTES if isinstance(key_of, bytes) else key_of <= layout.COUNTER_MAX
    if not sound or isinstance(key_of, bytes) != (_SUITE in value):
        raise WireError("field", f"header {seq}: key is a kid in key records and a sequence number in all others")
