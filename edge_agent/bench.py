"""The technician's bench, `python -m edge_agent bench`: what is plugged in, what fits it, and whether it works.

Decides pass or fail of each device and says the remedy; needs neither server nor network nor an identity. Devices are
driven by the very drivers the agent uses, one after the other, each on its own thread for as long as its port allows:
a device that hangs is a failed one and holds up nobody. What a card or a code holds is never shown, only that it was
read and what kind it is.
"""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, cast

import device_profiles
from device_profiles.formats import scan
from device_profiles.formats.refusal import FormatError
from device_profiles.peripheral import Peripherals
from device_profiles.profile import texts
from edge_agent import events
from edge_agent.card import CardRequest
from edge_agent.drivers.open import open_peripheral
from edge_agent.drivers.worker import Pace, PrinterWorker, ReaderWorker, ScannerWorker
from edge_agent.effects import Slip
from edge_agent.plugs import present
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable, Iterable

    from device_profiles.peripheral import Peripheral
    from edge_agent.events import PeripheralState
    from edge_agent.plugs import Present
    from edge_agent.ports import CardReader, Printer, Scanner

Result = Literal["pass", "fail", "unsure"]
SAYS_S = 8.0  # for the first word of a device: its port allows 5
PRINT_S = 32.0  # the port allows 30
CARD_S = 22.0  # the port allows 20
NAMED_ONLY = ("escpos_serial",)  # its match is that of a USB-to-serial adapter, not of a printer
LETTERS = "aáàảãạ ăắằẳẵặ âấầẩẫậ đ eéèẻẽẹ êếềểễệ iíìỉĩị oóòỏõọ ôốồổỗộ ơớờởỡợ uúùủũụ ưứừửữự yýỳỷỹỵ"
TRIAL_SLIP = Slip(
    (
        ("title", "BẢN IN THỬ"),
        ("small", "Test slip · Trạm công dân số"),
        ("rule", ""),
        ("text", LETTERS),
        ("text", LETTERS.upper()),
        ("rule", ""),
        ("text", "Số tiền\t1.234.567 đ"),
        ("box", "KHÔNG PHẢI BIÊN LAI"),
        ("qr", "BAN IN THU"),
        ("code128", "BAN-IN-THU"),
        ("small", "Mọi chữ phải rõ, hai mã phải quét được."),
    )
)
ACTIONS = {
    "clear": "nhân viên tòa nhà xử lý được · building staff can clear it",
    "reset": "tắt máy, chờ 10 giây, bật lại · switch it off, wait ten seconds, switch it on",
    "suspend": "chờ, máy tự phục hồi · wait, it recovers by itself",
    "maintenance": "kiểm tra cáp, nguồn, rồi đổi thiết bị · check cable and power, then change the device",
}


@dataclass(frozen=True, slots=True)
class Plug:
    """One USB device, and the names of the shipped peripherals whose match it fits."""

    identity: str
    usb: str
    port: str
    words: str
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one device's self-test; `simulated`: no device at all."""

    port: str
    name: str
    result: Result
    state: str
    detail: str
    remedy: str = ""
    simulated: bool = False


def plugged() -> list[Plug]:
    """What is on USB. Raises PortFault where it cannot be looked at."""
    known = shipped()
    return [Plug(one.identity, one.usb, one.port, one.words, tuple(fitting(one, known))) for one in present()]


def shipped() -> list[Peripheral]:
    """Every peripheral that comes with this release."""
    return list(Peripherals(texts(resources.files(device_profiles), "peripherals")).values())


def fitting(one: Present, known: Iterable[Peripheral]) -> list[str]:
    """The peripherals whose match a USB device fits, those that name fewest models first."""
    fits = [
        each for each in known if each.match and each.match.fits(usb=one.usb, port_path=one.port, serial=one.serial)
    ]
    return [each.name for each in sorted(fits, key=lambda each: (len(each.match.usb), each.name))]


def found(plugs: Iterable[Plug]) -> list[Peripheral]:
    """Without a profile: for each port the peripheral that fits what is plugged in best.

    None of `NAMED_ONLY`: what stands behind an adapter is not to be seen, and may be a lock or a UPS.
    """
    known = {each.name: each for each in shipped()}
    best: dict[str, Peripheral] = {}
    for plug in plugs:
        for name in plug.profiles:
            if known[name].driver not in NAMED_ONLY:
                best.setdefault(known[name].port, known[name])
    return list(best.values())


class Bench:
    """Tries devices one after the other.

    tell: says to the person what to do now. wait_s: how long a card or a code is waited for; 0 asks for neither.
    """

    def __init__(self, tell: Callable[[str], None], wait_s: float, *, prints: bool) -> None:
        self._tell = tell
        self._wait_s = wait_s
        self._prints = prints

    def tries(self, peripherals: Iterable[Peripheral]) -> list[Trial]:
        """Test each; never raises for what a device does."""
        return [self._try(each) for each in peripherals]

    def _try(self, peripheral: Peripheral) -> Trial:
        simulated = peripheral.driver == "simulated"
        match peripheral.port:
            case "display":
                trial = _display(peripheral.name)
            case "printer":
                trial = self._printer(peripheral)
            case "reader":
                trial = self._reader(peripheral)
            case _:
                trial = self._scanner(peripheral)
        return Trial(**{**asdict(trial), "simulated": simulated})

    def _printer(self, peripheral: Peripheral) -> Trial:
        heard = _heard()
        worker = PrinterWorker(peripheral.name, cast("Printer", open_peripheral(peripheral)), heard.put, _PACE)
        try:
            worker.start()
            state = _state(heard)
            if state is None or _failed(state) or not self._prints:
                return _told("printer", peripheral.name, state, "không in thử · no test slip was asked for")
            self._tell("Đang in thử… · Printing a test slip…")
            job = secrets.token_bytes(16)
            worker.print(job, TRIAL_SLIP)
            done = _next(heard, events.PrintDone, PRINT_S)
            return _printed(peripheral.name, state, done)
        finally:
            worker.stop(1.0)

    def _reader(self, peripheral: Peripheral) -> Trial:
        heard = _heard()
        worker = ReaderWorker(peripheral.name, cast("CardReader", open_peripheral(peripheral)), heard.put, _PACE)
        try:
            worker.start()
            state = _state(heard)
            if state is None or _failed(state) or not self._wait_s:
                return _told("reader", peripheral.name, state, "không thử thẻ · no card was asked for")
            self._tell(f"Đặt một thẻ lên đầu đọc ({self._wait_s:.0f} giây)… · Lay any card on the reader…")
            if _next(heard, events.CardIn, self._wait_s) is None:
                return _unsure(
                    "reader", peripheral.name, state, "không có thẻ nào được đặt lên · no card was laid down"
                )
            worker.read(CardRequest(secrets.token_bytes(16), None, parts=("uid",)))
            ended = _next(heard, (events.CardRead, events.CardFailed), CARD_S)
            if isinstance(ended, events.CardRead):
                return Trial("reader", peripheral.name, "pass", state.state, "đọc được thẻ · a card was read")
            why = ended.detail if isinstance(ended, events.CardFailed) else "no answer"
            remedy = "đặt lại thẻ, thử thẻ khác · lay it down again, try another card"
            return Trial(
                "reader", peripheral.name, "fail", state.state, f"không đọc được thẻ · no card read: {why}", remedy
            )
        finally:
            worker.stop(1.0)

    def _scanner(self, peripheral: Peripheral) -> Trial:
        heard = _heard()
        worker = ScannerWorker(peripheral.name, cast("Scanner", open_peripheral(peripheral)), heard.put, _PACE)
        try:
            worker.start()
            state = _state(heard)
            if state is None or _failed(state) or not self._wait_s:
                return _told("scanner", peripheral.name, state, "không quét thử · no scan was asked for")
            self._tell(f"Quét một mã bất kỳ ({self._wait_s:.0f} giây)… · Scan any code…")
            scanned = _next(heard, events.Scanned, self._wait_s)
            if scanned is None:
                return _unsure("scanner", peripheral.name, state, "chưa quét mã nào · nothing was scanned")
            return Trial("scanner", peripheral.name, *_scan(scanned.data, state.state))
        finally:
            worker.stop(1.0)


_PACE = Pace(pause_first_s=60.0, look_s=60.0, wait_s=0.2)


def _heard() -> queue.SimpleQueue[Any]:
    import queue

    return queue.SimpleQueue()


def _next(heard: queue.SimpleQueue[Any], kinds: Any, within_s: float) -> Any:
    """The next event of these kinds; None when none comes in time."""
    import queue

    until_s = time.monotonic() + within_s
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            event = heard.get(timeout=left_s)
        except queue.Empty:
            return None
        if isinstance(event, kinds):
            return event
    return None


def _state(heard: queue.SimpleQueue[Any]) -> PeripheralState | None:
    return cast("PeripheralState | None", _next(heard, events.PeripheralState, SAYS_S))


def _failed(state: PeripheralState) -> bool:
    return state.state not in ("online", "unknown")


def _told(port: str, name: str, state: PeripheralState | None, untried: str) -> Trial:
    """A device that does not work, or one of which no more than its state was asked."""
    if state is None:
        return Trial(port, name, "fail", "unknown", "thiết bị không trả lời · no word from it", ACTIONS["reset"])
    if _failed(state):
        return Trial(port, name, "fail", state.state, state.detail or state.state, _remedy(state))
    paper = f", giấy · paper: {state.paper}" if state.paper else ""
    return Trial(port, name, "pass" if state.state == "online" else "unsure", state.state, untried + paper)


def _remedy(state: PeripheralState) -> str:
    if state.state == "noDevice":
        return "cắm thiết bị, xem đúng hồ sơ chưa · plug it in; is it the model that the profile names?"
    return ACTIONS.get(state.action, ACTIONS["maintenance"])


def _unsure(port: str, name: str, state: PeripheralState, words: str) -> Trial:
    return Trial(
        port, name, "unsure", state.state, words, "thử lại khi có người đứng máy · repeat it with somebody there"
    )


def _printed(name: str, state: PeripheralState, done: events.PrintDone | None) -> Trial:
    match done:
        case events.PrintDone(result="confirmed"):
            words = "máy in báo đã in xong · the printer says that the slip is printed"
            return Trial("printer", name, "pass", state.state, words)
        case events.PrintDone(result="failed", detail=detail):
            return Trial("printer", name, "fail", state.state, f"không in được · not printed: {detail}", _remedy(state))
        case _:
            words = "đã gửi, máy in không báo lại · sent, the printer does not say whether it is printed"
            return Trial("printer", name, "unsure", state.state, words, "xem tờ giấy · look at the paper")


def _scan(data: bytes, state: str) -> tuple[Result, str, str, str]:
    """What was scanned, by its kind and length alone."""
    try:
        kind = scan.detect(scan.whole_text(data))
    except FormatError as refused:
        remedy = "đặt máy quét sang cổng nối tiếp (USB-CDC), UTF-8 · set the scanner to serial (USB-CDC), UTF-8"
        return "fail", state, f"mã đọc bị hỏng · what came is damaged: {refused}", remedy
    return "pass", state, f"đã quét: {kind}, {len(data)} byte · scanned", ""


def _display(name: str) -> Trial:
    missing = [program for program in ("weston", "chromium") if shutil.which(program) is None]
    if missing:
        words = f"thiếu · missing: {', '.join(missing)}"
        return Trial("display", name, "fail", "noDevice", words, f"apt install {' '.join(missing)}")
    return Trial(
        "display", name, "unsure", "unknown", "có đủ chương trình · its programs are there", "xem màn hình · look"
    )


def text(plugs: Iterable[Plug], trials: Iterable[Trial]) -> str:
    """The report for people."""
    lines = ["Thiết bị USB · USB devices"]
    for plug in plugs:
        names = ", ".join(plug.profiles) or "không có hồ sơ nào khớp · no profile matches"
        lines.append(f"  {plug.port:<8} {plug.usb}  {plug.words or '?'}  ->  {names}")
    lines += ["  (không có · none)"] if len(lines) == 1 else []
    lines += ["", "Tự kiểm tra · Self-test"]
    for trial in trials:
        word = {"pass": "ĐẠT · PASS", "fail": "HỎNG · FAIL", "unsure": "CHƯA RÕ · UNSURE"}[trial.result]
        label = "  [MÔ PHỎNG · SIMULATED]" if trial.simulated else ""
        lines.append(f"  {word:<18} {trial.port:<8} {trial.name}: {trial.state}; {trial.detail}{label}")
        lines += [f"  {'':<18} -> {trial.remedy}"] if trial.remedy else []
    return "\n".join(lines)


def report(plugs: Iterable[Plug], trials: Iterable[Trial]) -> dict[str, object]:
    """The same for programs."""
    return {"plugged": [asdict(each) for each in plugs], "trials": [asdict(each) for each in trials]}


def look(tell: Callable[[str], None]) -> list[Plug]:
    """What is plugged in; nothing, and a word, where this machine cannot tell."""
    try:
        return plugged()
    except PortFault as fault:
        tell(str(fault))
        return []
