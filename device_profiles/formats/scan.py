"""What came out of a scanner: is the text whole, and which kind of code is it.

Decides encoding, size and kind. Does not read the code's fields: that is the room of that kind. Everything on a QR
is a claim; anyone can print one.
"""

import re
import unicodedata

from device_profiles.formats.refusal import FormatError

SIZE_MAX_BYTES = 1024  # a card QR holds about 200 bytes; a full address twice that

_LINE_ENDS = "\r\n\t"  # what scanners append
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_DAMAGE = re.compile("[\x80-\x9f\ufffd\ud800-\udfff]")
_URL = re.compile("[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_INSURANCE_CARD = re.compile("[A-Z]{2}[0-9]{13}")
_INSURANCE_NUMBER = re.compile("[0-9]{10}")


def whole_text(raw: bytes | str) -> str:
    """Decode a scan and give it as NFC without the scanner's line end.

    Raises:
        FormatError: too_long (over ``SIZE_MAX_BYTES``), encoding_damaged, control_character.
    """
    # surrogatepass: a text with lone surrogates becomes bytes that are no UTF-8, and is refused as such below.
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(data) > SIZE_MAX_BYTES:
        raise FormatError("too_long")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("encoding_damaged") from None
    return clean(text.rstrip(_LINE_ENDS))


def clean(text: str) -> str:
    """Give a text as NFC, or refuse it; also for texts that were packed inside a scan.

    Raises:
        FormatError: encoding_damaged (C1 controls, U+FFFD, lone surrogates), control_character (C0 controls, DEL).
    """
    if _DAMAGE.search(text):
        raise FormatError("encoding_damaged")
    if _CONTROL.search(text):
        raise FormatError("control_character")
    return unicodedata.normalize("NFC", text)


def detect(text: str) -> str:
    """Tell the kind of a whole scan: ``vietqr``, ``health_insurance``, ``url``, ``citizen_card`` or ``other``.

    Looks at the shape only; the room of that kind may still refuse it.
    """
    fields = [field.strip(" ") for field in text.split("|")]
    if _URL.match(text):
        return "url"
    # A citizen card may begin with 000201 too, but then the first field has about twelve characters.
    if text.startswith("000201") and (len(fields) == 1 or len(fields[0]) > 20):
        return "vietqr"
    if len(fields) == 1:
        return "other"
    if _INSURANCE_CARD.fullmatch(fields[0]):
        return "health_insurance"
    if _INSURANCE_NUMBER.fullmatch(fields[0]) and fields[3:4] in (["1"], ["2"]):
        return "health_insurance"
    return "citizen_card"
