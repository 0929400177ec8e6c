"""The one way a format says no: reasons by name. Decides nothing and never carries the refused text itself.

The text is left out on purpose: it may hold a personal number, and errors end up in logs.
"""


class FormatError(ValueError):
    """A text or value that does not have its format.

    ``reasons`` names every fault in the order of the format's rules; ``facts`` holds what helps to explain it
    (for example which code was scanned instead), under the names of the golden vectors.
    """

    def __init__(self, *reasons: str, **facts: str) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons
        self.facts = facts

    @property
    def reason(self) -> str:
        """The first and usually only reason."""
        return self.reasons[0]
