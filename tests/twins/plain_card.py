"""The smallest chip card behind vpcd: it has a UID and nothing else, and it breaks on command.

A program for `tests/twins/pcscd.py`: arguments are what the card is, as JSON (fields of `Card`), and the reader's port.
Frames: two bytes of length, payload; a payload of one byte is power (0, 1), reset (2) or the question for the ATR (4).
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import sys
from dataclasses import dataclass

ASKS_UID = bytes.fromhex("FFCA000000")
DONE, UNKNOWN = "9000", "6D00"


@dataclass
class Card:
    """uid, atr: hex; answer: hex, given to every command but that for the UID.

    after: so many commands are answered rightly, then the card is `then`: silent, gone, or as ever.
    """

    uid: str = "04112233445566"
    atr: str = "3B80800101"
    answer: str = UNKNOWN
    after: int = 0
    then: str = ""

    def reply(self, command: bytes) -> bytes | None:
        if len(command) == 1:
            return bytes.fromhex(self.atr) if command == b"\x04" else None
        if self.then and self.after == 0:
            if self.then == "silent":
                signal.pause()
            sys.exit()
        self.after -= 1
        return bytes.fromhex(self.uid + DONE if command == ASKS_UID else self.answer)


def taken(reader: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = reader.recv(size - len(data))
        if not part:
            sys.exit()  # pcscd is gone
        data += part
    return data


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def main() -> None:
    card = Card(**json.loads(sys.argv[1]))
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as reader:
        say("in")
        while True:
            reply = card.reply(taken(reader, struct.unpack("!H", taken(reader, 2))[0]))
            if reply is not None:
                reader.sendall(struct.pack("!H", len(reply)) + reply)


if __name__ == "__main__":
    main()
