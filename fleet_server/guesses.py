"""How many different codes a station may ask for in a minute: codes can be guessed (domain reference, section 6).

Decides by what was asked since the server started, and forgets it within a minute; what a code stands for is not known
here.
"""

from __future__ import annotations

from threading import Lock

from device_profiles.cbor import WireError

CODES_MAX = 10
WINDOW_MS = 60_000


class Guesses:
    """What each device asked for lately; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: dict[bytes, dict[str, int]] = {}

    def admit(self, device: bytes, code: str, now_ms: int) -> None:
        """Count a code that a verified device asks for; the same one again is no guess.

        Raises WireError("question") for one more than CODES_MAX within WINDOW_MS; it does not count.
        """
        with self._lock:
            # abs: threads come in any order, and a clock that was set back far must not lock a station out.
            asked = {each: at for each, at in self._asked.get(device, {}).items() if abs(now_ms - at) < WINDOW_MS}
            self._asked[device] = asked
            if code not in asked and len(asked) >= CODES_MAX:
                raise WireError("question", f"more than {CODES_MAX} different codes within a minute")
            asked[code] = now_ms
