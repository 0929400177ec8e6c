"""The command of the contract: ``explain KIND TEXT`` and ``check DIR``.

Decides nothing about formats or profiles: it reads arguments, standard input, files and the clock (the only place of
this package that does), asks the rooms, prints. Exit status: 0 accepted, 1 refused, 2 wrong usage.
"""

import argparse
import json
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

from device_profiles.formats.explain import KINDS, Circumstances, explain
from device_profiles.formats.id_number import SOURCES
from device_profiles.formats.phone import FIELDS
from device_profiles.profile import Peripheral, ProfileError, parse_peripheral, parse_station
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
            hint = nearest(one, known) if one.startswith("-") else "; put a text of several words in quotes"
            self.error(f"unknown argument {one!r}{hint}")
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
    parser.add_argument("--source", default="typed", type=_one_of(SOURCES, "source"), help="of an ID number: %(default)s")
    parser.add_argument("--field", default=FIELDS[0], type=_one_of(FIELDS, "field"), help="of a telephone: %(default)s")
    parser.add_argument("--as-of", metavar="DATE", type=_day, help="today for the checks, as 2026-11-21")
    parser.add_argument("--clock-untrusted", action="store_true", help="today is not certain: future days only warn")
    parser.add_argument("--card-birth-date", metavar="DATE", type=_day_or_year, help="what the card says, to compare")
    parser.add_argument("--card-sex", type=_one_of(("male", "female"), "sex"), help="what the card says, to compare")
    options = parser.parse_strictly(arguments)
    about = Circumstances(
        as_of=options.as_of or datetime.now(tz=VIETNAM).date(),
        clock_trusted=not options.clock_untrusted,
        source=options.source,
        field=options.field,
        card_birth_date=options.card_birth_date,
        card_sex=options.card_sex,
    )
    answer = explain(options.kind, sys.stdin.buffer.read() if options.text == "-" else options.text, about)
    # Bytes, not print: the answer is UTF-8 whatever the terminal's locale says.
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False, indent=1).encode() + b"\n")
    return 1 if answer["outcome"] == "invalid" else 0
