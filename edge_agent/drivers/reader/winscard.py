"""PC/SC through Debian's libpcsclite.so.1: the few calls a kiosk needs, their exact types, and one typed error.

Decides nothing about cards. A call may block for as long as pcscd lets it: `edge_agent.drivers.reader.line` bounds
that. ctypes lets go of the interpreter during each call. The type widths are those of pcsc-lite on Linux: DWORD and
LONG are as wide as a pointer, which they are not on Windows. Source: winscard.h and wintypes.h of pcsc-lite 1.9 to 2.3.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_long, c_ubyte, c_ulong, c_void_p
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARY = "libpcsclite.so.1"
# Listed as if it were a reader, it ends `Context.changes` when a reader comes or goes.
NEWS = "\\\\?PnP?\\Notification"
PRESENT = 0x20  # in a reader's state: a card lies there
COUNTER = 0xFFFF0000  # in a reader's state: how often a card came or went
UNAWARE = 0  # a state that differs from every real one

NO_SMARTCARD = 0x8010000C
SHARING_VIOLATION = 0x8010000B
UNKNOWN_READER = 0x80100009
TIMEOUT = 0x8010000A
NO_SERVICE = 0x8010001D
NO_READERS = 0x8010002E
READER_UNAVAILABLE = 0x80100017
COMMUNICATION_LOST = 0x80100013
SERVICE_STOPPED = 0x8010001E
NOT_TRANSACTED = 0x80100016
PROTOCOL_MISMATCH = 0x8010000F
UNSUPPORTED_CARD = 0x80100065
UNRESPONSIVE_CARD = 0x80100066
UNPOWERED_CARD = 0x80100067
RESET_CARD = 0x80100068
REMOVED_CARD = 0x80100069
ACCESS_REFUSED = 0x8010006A

_WORDS = {
    NO_SMARTCARD: "no card",
    SHARING_VIOLATION: "another program holds it",
    UNKNOWN_READER: "unknown reader",
    NO_SERVICE: "pcscd does not answer",
    READER_UNAVAILABLE: "the reader is gone",
    COMMUNICATION_LOST: "the connection to pcscd broke",
    SERVICE_STOPPED: "pcscd is stopping",
    NOT_TRANSACTED: "the exchange with the card broke",
    PROTOCOL_MISMATCH: "the card speaks neither T=0 nor T=1",
    UNSUPPORTED_CARD: "the reader cannot talk to this card",
    UNRESPONSIVE_CARD: "the card does not respond",
    UNPOWERED_CARD: "the card has no power",
    RESET_CARD: "the card was reset",
    REMOVED_CARD: "the card was removed",
    ACCESS_REFUSED: "access refused",
}

_SCOPE_SYSTEM, _EXCLUSIVE, _T0_OR_T1, _RESET_CARD = 2, 1, 3, 1
_NAMES_BYTES_MAX = 16_384  # pcscd serves 16 readers with names of 128 bytes
_ANSWER_BYTES_MAX = 65_538  # extended length: 64 KiB and the status word
_ATR_BYTES_MAX = 33


class PcscError(Exception):
    """A PC/SC call failed; `code` is its return value as in winscard.h, as an unsigned number."""

    def __init__(self, call: str, code: int) -> None:
        super().__init__(f"{call}: {_WORDS.get(code, 'PC/SC error')} ({code:#010x})")
        self.code = code


class _ReaderState(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("user_data", c_void_p),
        ("known", c_ulong),
        ("event", c_ulong),
        ("atr_bytes", c_ulong),
        ("atr", c_ubyte * _ATR_BYTES_MAX),
    )


class _Protocol(ctypes.Structure):
    _fields_ = (("protocol", c_ulong), ("size_bytes", c_ulong))


_ARGUMENTS = {
    "EstablishContext": (c_ulong, c_void_p, c_void_p, POINTER(c_long)),
    "ReleaseContext": (c_long,),
    "ListReaders": (c_long, c_char_p, c_char_p, POINTER(c_ulong)),
    "GetStatusChange": (c_long, c_ulong, POINTER(_ReaderState), c_ulong),
    "Connect": (c_long, c_char_p, c_ulong, c_ulong, POINTER(c_long), POINTER(c_ulong)),
    "Disconnect": (c_long, c_ulong),
    "Transmit": (c_long, POINTER(_Protocol), c_char_p, c_ulong, c_void_p, c_char_p, POINTER(c_ulong)),
}


@cache
def load() -> ctypes.CDLL:
    """Load the library; once is enough.

    Raises:
        OSError: it is not installed.
    """
    library = ctypes.CDLL(LIBRARY)
    for name, types in _ARGUMENTS.items():
        function = getattr(library, f"SCard{name}")
        function.argtypes, function.restype = types, c_long
    return library


class Context:
    """One connection to pcscd, used by one thread at a time."""

    def __init__(self) -> None:
        self._handle = c_long()

    def establish(self) -> None:
        """Connect to pcscd; where systemd listens for it, this starts it.

        The socket is Debian's, or what PCSCLITE_CSOCK_NAME named when this process connected first.

        Raises:
            PcscError: there is no pcscd, or it refuses this user.
        """
        _call("EstablishContext", _SCOPE_SYSTEM, None, None, byref(self._handle))

    def readers(self) -> list[str]:
        """Name the readers, one per slot, as pcscd calls them.

        Raises:
            PcscError: pcscd is gone.
        """
        size, names = c_ulong(_NAMES_BYTES_MAX), ctypes.create_string_buffer(_NAMES_BYTES_MAX)
        if _call("ListReaders", self._handle, None, names, byref(size), also={NO_READERS}):
            return []
        return [_text(name) for name in names.raw[: size.value].split(b"\0") if name]

    def changes(self, known: Mapping[str, int], timeout_s: float) -> dict[str, int]:
        """Wait until a reader's state is not what is known; give all their states then, or none when time is over.

        Args:
            known: the state of each reader as given before, or UNAWARE.
            timeout_s: 0 does not wait.

        Raises:
            PcscError: pcscd is gone, or a reader has just gone.
        """
        table = (_ReaderState * len(known))(
            *(_ReaderState(name=_bytes(name), known=state) for name, state in known.items())
        )
        if _call("GetStatusChange", self._handle, int(1000 * timeout_s), table, len(table), also={TIMEOUT}):
            return {}
        return {name: row.event for name, row in zip(known, table, strict=True)}

    def connect(self, reader: str) -> Card:
        """Power the card in a reader and take it for this process alone.

        Raises:
            PcscError: no card, a mute one, one that another program holds; the reader or pcscd is gone.
        """
        handle, protocol = c_long(), c_ulong()
        _call("Connect", self._handle, _bytes(reader), _EXCLUSIVE, _T0_OR_T1, byref(handle), byref(protocol))
        return Card(handle, protocol.value)

    def release(self) -> None:
        """Let go of what was established, if anything; never raises."""
        if self._handle.value:
            load().SCardReleaseContext(self._handle)
            self._handle.value = 0


class Card:
    """A powered card, this process's own until `disconnect`."""

    def __init__(self, handle: c_long, protocol: int) -> None:
        self._handle = handle
        self._protocol = _Protocol(protocol, ctypes.sizeof(_Protocol))
        self._answer = ctypes.create_string_buffer(_ANSWER_BYTES_MAX)

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command, give the answer as it came: usually data and two bytes of status.

        Raises:
            PcscError: the card was taken or is silent; the reader or pcscd is gone.
        """
        size = c_ulong(_ANSWER_BYTES_MAX)
        _call("Transmit", self._handle, byref(self._protocol), apdu, len(apdu), None, self._answer, byref(size))
        return ctypes.string_at(self._answer, size.value)

    def disconnect(self) -> None:
        """Reset the card, so that no channel stays open to whoever comes next, and let go; never raises."""
        load().SCardDisconnect(self._handle, _RESET_CARD)
        ctypes.memset(self._answer, 0, _ANSWER_BYTES_MAX)


def _call(name: str, *arguments: object, also: frozenset[int] | set[int] = frozenset()) -> int:
    """Call SCard<name>; give 0 or a return value of `also`, raise for any other."""
    code: int = getattr(load(), f"SCard{name}")(*arguments) & 0xFFFFFFFF
    if code and code not in also:
        raise PcscError(f"SCard{name}", code)
    return code


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
