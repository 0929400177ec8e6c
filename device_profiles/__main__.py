"""The command of the contract: ``explain KIND TEXT`` and ``check DIR``.

Decides nothing about formats or profiles: it reads arguments, standard input, files and the clock (the only place of
this package that does), asks the rooms, prints. Exit status: 0 accepted, 1 refused, 2 wrong usage.
"""

import argparse
import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from device_profiles.formats.explain import KINDS, Circumstances, explain
from device_profiles.formats.id_number import SOURCES
from device_profiles.formats.phone import FIELDS
from device_profiles.peripheral import Peripherals
from device_profiles.profile import ProfileError, parse_station, read_text
from device_profiles.strict_toml import nearest

HELP = """usage: python -m device_profiles COMMAND ...

  explain KIND TEXT   say what a scan, code or number is, as one JSON object; TEXT "-" reads standard input
  check DIR           check a folder of profiles (stations/*.toml, peripherals/*.toml)

Exit status: 0 accepted, 1 refused, 2 wrong usage. "explain --help" lists the kinds and options.
"""

VIETNAM = timezone(timedelta(hours=7))  # no daylight saving: a resident's day


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit status."""
    commands = {"explain": _explain, "check": _check}
    command, *rest = arguments or [""]
    if command in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if command not in commands:
        print(f"{HELP}\nerror: unknown command {command!r}{nearest(command, commands)}", file=sys.stderr)
        return 2
    return commands[command](rest)


class _Parser(argparse.ArgumentParser):
    """argparse that names the nearest option."""

    def parse_strictly(self, arguments: Sequence[str]) -> argparse.Namespace:
        options, unknown = self.parse_known_args(arguments)
        for one in unknown:
            known = [option for action in self._actions for option in action.option_strings]
            if one.startswith("--"):
                self.error(f"unknown option {one!r}{nearest(one, known)}")
            self.error(f"too many arguments: {one!r}; put a TEXT of several words in quotes")
        return options


def _explain(arguments: Sequence[str]) -> int:
    parser = _Parser(
        prog="python -m device_profiles explain",
        description="Say what a text is, as one JSON object. Put -- before a TEXT that begins with a hyphen.",
        epilog=f"KIND is one of: {', '.join(KINDS)}.",
        allow_abbrev=False,
    )
    parser.add_argument("kind", metavar="KIND", type=_one_of(KINDS, "kind"))
    parser.add_argument("text", metavar="TEXT", help='the text, or "-" for the bytes of standard input')
    for option, words, about_it in (
        ("--source", SOURCES, "where an ID number came from (default: %(default)s)"),
        ("--field", FIELDS, "which rule a telephone number is held to (default: %(default)s)"),
        ("--card-sex", (None, "male", "female"), "what the card says, to compare with an ID number"),
    ):
        known = [word for word in words if word]
        check = _one_of(known, option.removeprefix("--"))
        parser.add_argument(option, metavar="|".join(known), type=check, default=words[0], help=about_it)
    parser.add_argument("--card-birth-date", metavar="DATE", type=_day_or_year, help="likewise, as 1990-01-15 or 1990")
    parser.add_argument("--as-of", metavar="DATE", type=_day, help="today for the checks, as 2026-11-21")
    parser.add_argument("--clock-untrusted", action="store_true", help="today is not certain: future days only warn")
    options = parser.parse_strictly(arguments)
    about = Circumstances(
        as_of=options.as_of or datetime.now(tz=VIETNAM).date(),
        clock_trusted=not options.clock_untrusted,
        source=options.source,
        field=options.field,
        card_birth_date=options.card_birth_date,
        card_sex=options.card_sex,
    )
    raw: bytes | str = options.text
    if options.text == "-":
        raw = sys.stdin.buffer.read()
        if options.kind == "amount":  # the only kind that takes no line end, and a shell's echo always writes one
            raw = raw.removesuffix(b"\n")
    answer = explain(options.kind, raw, about)
    # Bytes, not print: the answer is UTF-8 whatever the terminal's locale says.
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False, indent=1).encode() + b"\n")
    return 1 if answer["outcome"] == "invalid" else 0


def _check(arguments: Sequence[str]) -> int:
    parser = _Parser(
        prog="python -m device_profiles check",
        description="Check a folder laid out as this package: stations/*.toml and the peripherals/*.toml they name.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    folder: Path = parser.parse_strictly(arguments).folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder")
    paths = {kind: sorted(folder.glob(f"{kind}/*.toml")) for kind in ("peripherals", "stations")}
    if not any(paths.values()):
        parser.error(f"nothing to check: {folder} holds no stations/*.toml and no peripherals/*.toml")
    faults = _faults(paths)
    print(
        "\n".join(f"{folder}/{fault.name}:{fault.line or 1}: {fault.problem}" for fault in faults)
        or f"{folder}: all right (stations: {len(paths['stations'])}, peripherals: {len(paths['peripherals'])})"
    )
    return 1 if faults else 0


def _faults(paths: Mapping[str, Sequence[Path]]) -> list[ProfileError]:
    """Read every file of a folder, also those that nothing names; give the first fault of each, and each only once."""
    texts: dict[str, dict[str, str]] = {"peripherals": {}, "stations": {}}
    unreadable: dict[str, ProfileError] = {}
    for kind, found in paths.items():
        for path in found:
            try:
                texts[kind][path.stem] = read_text(path, f"{kind}/{path.name}")
            except ProfileError as error:
                texts[kind][path.stem] = "="  # no TOML: whoever needs it is refused in its name, which is told already
                unreadable[error.name] = error
    faults = {str(error): error for error in unreadable.values()}
    peripherals = Peripherals(texts["peripherals"])
    readers: Mapping[str, Callable[[str], object]] = {
        "peripherals": peripherals.__getitem__,
        "stations": lambda name: parse_station(texts["stations"][name], name, peripherals, texts["stations"]),
    }
    for kind, read in readers.items():
        for name in texts[kind]:
            try:
                read(name)
            except ProfileError as error:
                if error.name not in unreadable:
                    faults.setdefault(str(error), error)
    return sorted(faults.values(), key=lambda fault: (fault.name, fault.line or 1))


def _one_of(known: Collection[str], what: str) -> Callable[[str], str]:
    def check(word: str) -> str:
        if word not in known:
            raise argparse.ArgumentTypeError(f"unknown {what} {word!r}{nearest(word, known)}")
        return word

    return check


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=VIETNAM).date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2026-11-21") from None


def _day_or_year(text: str) -> str:
    return text if len(text) == 4 and text.isascii() and text.isdigit() else _day(text).isoformat()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
