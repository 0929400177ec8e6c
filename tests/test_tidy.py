"""The code base looks at itself: sizes, names and habits of the code, and that documents and code say the same.

A rule takes the project and gives complaints. Every rule is tried twice: on this project, where it must be silent, and
on a small one with the bug planted, where it must speak. Floors and pure rooms are import-linter's (pyproject.toml).
"""

from __future__ import annotations

import ast
import math
import os
import re
import statistics
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
PACKAGES = ("device_profiles", "provisioning", "edge_agent", "fleet_server")
TOP = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "README.md",
    "bench",
    "docs",
    "pyproject.toml",
    "station",
    "systemd",
    "tests",
}
TOP_OPTIONAL = {"LICENSE"}
LINES_MEDIAN_MAX, LINES_P90_MAX, LINES_MAX, FUNCTION_LINES_MAX = 130, 300, 500, 50
WORKER = "edge_agent/drivers/worker.py"  # the one place for a broad except
MACHINE = re.compile(
    r"(?<![\w.])/(?:tmp|work|root|farm|home)/[\w.-]+/|\.\./shared\b|\bpypi\.o[r]g\b|\bregistry\.npmj[s]\b"
)
MARKS = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b")
ROOMS = re.compile(r"^_*(?:utils?|helpers?|common|manager|misc)_*$")


@dataclass(frozen=True)
class Project:
    files: dict[str, str]  # path -> text ("" if it is not text); what git tracks or would track
    commands: dict[str, set[str]] = field(default_factory=dict)  # "python -m X" or "./station" -> its sub-commands

    def modules(self, *tops: str) -> Iterator[tuple[str, ast.Module]]:
        for path, text in self.files.items():
            if path.endswith(".py") and (not tops or path.split("/")[0] in tops):
                yield path, ast.parse(text, path)

    def docs(self) -> dict[str, str]:
        return {
            p: t for p, t in self.files.items() if p == "README.md" or (p.startswith("docs/") and p.endswith(".md"))
        }


def sizes(project: Project) -> Iterator[str]:
    lines = {path: project.files[path].count("\n") for path, _ in project.modules()}
    yield from (f"{path}: {n} lines; {LINES_MAX} at most" for path, n in lines.items() if n > LINES_MAX)
    ours = sorted(n for path, n in lines.items() if n and path.split("/")[0] in PACKAGES)
    if ours and statistics.median(ours) > LINES_MEDIAN_MAX:
        yield f"the median module has {statistics.median(ours)} lines; {LINES_MEDIAN_MAX} at most"
    if ours and (p90 := ours[math.ceil(0.9 * len(ours)) - 1]) > LINES_P90_MAX:
        longest = max((n, path) for path, n in lines.items() if path.split("/")[0] in PACKAGES)[1]
        yield f"one module in ten has {p90} lines or more; {LINES_P90_MAX} at most (the longest is {longest})"


def functions(project: Project) -> Iterator[str]:
    for path, tree in project.modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                n = (node.end_lineno or node.lineno) - node.lineno + 1
                if n > FUNCTION_LINES_MAX:
                    yield f"{path}:{node.lineno}: {node.name} has {n} lines; {FUNCTION_LINES_MAX} at most"


def door_plates(project: Project) -> Iterator[str]:
    for path, tree in project.modules():
        empty = path.endswith("/__init__.py") and not tree.body
        if not empty and not ast.get_docstring(tree):
            yield f"{path}: no door plate (a docstring: what it decides, and what it does not)"


def broad_excepts(project: Project) -> Iterator[str]:
    for path, tree in project.modules(*PACKAGES):
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                caught = [node.type]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                caught = list(node.args)
            else:
                continue
            names = {name for kind in caught for name in (re.findall(r"\w+", ast.unparse(kind)) if kind else [""])}
            if names & {"", "Exception", "BaseException"} and path != WORKER:
                yield f"{path}:{node.lineno}: a broad except; only {WORKER} may have one"


def room_names(project: Project) -> Iterator[str]:
    for path in project.files:
        if any(ROOMS.match(part.split(".")[0].lower()) for part in PurePosixPath(path).parts):
            yield f"{path}: a room is named after what it does, not utils, helpers, common, manager or misc"


def threads(project: Project) -> Iterator[str]:
    for path, tree in project.modules():
        for node in ast.walk(tree):
            bases = [ast.unparse(base).split(".")[-1] for base in node.bases] if isinstance(node, ast.ClassDef) else []
            if {"Thread", "Timer"} & set(bases):
                yield f"{path}:{node.lineno}: {node.name} subclasses Thread; give a thread a function instead"


def words(project: Project) -> Iterator[str]:
    for path, text in project.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if MARKS.search(line):
                yield f"{path}:{number}: a mark for later: do it now or write it down elsewhere"
            if MACHINE.search(line):
                yield f"{path}:{number}: a path or an address of one machine: {line.strip()[:80]}"


def top_level(project: Project) -> Iterator[str]:
    found, wanted = {path.split("/")[0] for path in project.files}, TOP | set(PACKAGES)
    yield from (f"{name}: not a top-level entry we know" for name in sorted(found - wanted - TOP_OPTIONAL))
    yield from (f"{name}: missing at the top level" for name in sorted(wanted - found))


def tables(project: Project) -> Iterator[str]:
    read: dict[str, dict[str, object]] = {}
    for path, text in project.files.items():
        if path.startswith("device_profiles/") and path.endswith(".toml"):
            try:
                read[path] = tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                yield f"{path}: {error}"
    folder = "device_profiles/peripherals/"
    for path, table in read.items():
        if path.startswith(folder):
            whole, parents = dict(table), 0
            while (parent := read.get(f"{folder}{whole.get('inherit')}.toml")) and parents < len(read):
                whole, parents = {**parent, **whole, "inherit": parent.get("inherit")}, parents + 1
            driver = f"edge_agent/drivers/{whole.get('port')}/{whole.get('driver')}.py"
            if driver not in project.files:
                yield f"{path}: its driver {driver} does not exist"


def decisions(project: Project) -> Iterator[str]:
    names = sorted(path.rpartition("/")[2] for path in project.files if path.startswith("docs/decisions/"))
    numbers = [name.split("-")[0] for name in names]
    if numbers != [f"{n:04d}" for n in range(1, len(names) + 1)]:
        yield f"docs/decisions: the numbers have gaps or doubles: {' '.join(numbers)}"
    for path, text in project.files.items():
        for number in re.findall(r"docs/decisions/(\d{4})", text):
            if number not in numbers:
                yield f"{path}: speaks of decision {number}, which does not exist"


def links(project: Project) -> Iterator[str]:
    there = {str(parent) for path in project.files for parent in (path, *PurePosixPath(path).parents)}
    for path, text in project.docs().items():
        for target in re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", text):
            if os.path.normpath(PurePosixPath(path).parent / target) not in there:
                yield f"{path}: links to {target}, which does not exist"


def commands(project: Project) -> Iterator[str]:
    said: dict[str, set[str]] = {}
    units = {path: text for path, text in project.files.items() if path.startswith("systemd/")}
    for path, text in (project.docs() | units).items():
        for program, command in re.findall(
            r"(?:\S*python\S* (?:-X \w+ )?-m (\w+)|\./station)[ \t]+([a-z][a-z-]*)", text
        ):
            name = f"python -m {program}" if program else "./station"
            if path in project.docs():
                said.setdefault(name, set()).add(command)
            if name in project.commands and command not in project.commands[name]:
                yield f"{path}: `{name} {command}` does not exist"
    for name, offered in project.commands.items():
        if not offered:
            yield f"{name}: `{name} --help` names no sub-command"
        for command in sorted(offered - said.get(name, set())):
            yield f"README.md, docs/*.md: `{name} {command}` is not documented"


def readme(project: Project) -> Iterator[str]:
    for command in sorted(project.commands.get("./station", set())):
        if f"./station {command}" not in project.files.get("README.md", ""):
            yield f"README.md: `./station {command}` is missing"


def settings(project: Project) -> Iterator[str]:
    text = "\n".join(project.docs().values())
    for package in ("edge_agent", "fleet_server"):
        path = f"{package}/settings.py"
        if path not in project.files:
            yield f"{path}: does not exist"
            continue
        for node in ast.walk(ast.parse(project.files[path])):
            if not (isinstance(node, ast.ClassDef) and "dataclass" in "".join(map(ast.unparse, node.decorator_list))):
                continue
            for line in node.body:
                name = ast.unparse(line.target) if isinstance(line, ast.AnnAssign) else ""
                if name and not re.search(rf"(?m)`(?:\w+\.)*{name}`|^{name} *=", text):
                    yield f"{path}:{line.lineno}: the setting `{name}` is not documented"


def offered(*program: str) -> set[str]:
    """The sub-commands that a program's --help names: {a,b}, or one indented line each."""
    environment = os.environ | {"COLUMNS": "500", "NO_COLOR": "1"}
    done = subprocess.run([*program, "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = re.findall(r"(?m)^ {2,4}([a-z][a-z-]*)(?: [A-Z]+)*(?: {2,}|$)", done.stdout)
    return {name for names in re.findall(r"\{([a-z,-]+)\}", done.stdout) for name in names.split(",")} | set(lines)


@pytest.fixture(scope="module")
def project() -> Project:
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = {}
    for path in sorted(name for name in listed if name and (ROOT / name).is_file()):
        try:
            files[path] = (ROOT / path).read_text("utf-8")
        except UnicodeDecodeError:
            files[path] = ""
    found = {f"python -m {package}": offered(sys.executable, "-m", package) for package in PACKAGES}
    return Project(files, found | {"./station": offered("./station")})


RULES = (sizes, functions, door_plates, broad_excepts, room_names, threads, words, top_level, tables, decisions, links)
RULES_ON_DOCUMENTS = (commands, readme, settings)


@pytest.mark.parametrize("rule", [*RULES, *RULES_ON_DOCUMENTS], ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Callable[[Project], Iterator[str]], project: Project) -> None:
    complaints = list(rule(project))
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


PLATE = '"""Door plate."""\n'
SETTINGS = "@dataclass(frozen=True)\nclass Settings:\n    page_port: int = 1\n"
PLANTED: list[tuple[Callable[[Project], Iterator[str]], dict[str, str], str]] = [
    (sizes, {"tests/a.py": "\n" * 501}, "tests/a.py: 501 lines"),
    (sizes, {"edge_agent/a.py": "\n" * 131}, "median"),
    (sizes, {"edge_agent/a.py": "\n" * 301, **{f"edge_agent/b{n}.py": "\n" for n in range(7)}}, "edge_agent/a.py"),
    (functions, {"edge_agent/a.py": "async def long():\n" + "    x = 1\n" * 50}, "long has 51 lines"),
    (door_plates, {"bench/a.py": "x = 1\n", "bench/__init__.py": ""}, "bench/a.py"),
    (broad_excepts, {"provisioning/a.py": "try:\n    x()\nexcept:\n    y()\n"}, "a.py:3"),
    (broad_excepts, {"provisioning/a.py": "try:\n    x()\nexcept (KeyError, Exception) as e:\n    y()\n"}, "a.py:3"),
    (broad_excepts, {"provisioning/a.py": "with contextlib.suppress(Exception):\n    y()\n"}, "a.py:1"),
    (room_names, {"fleet_server/common/a.py": ""}, "fleet_server/common/a.py"),
    (room_names, {"tests/Helpers.py": ""}, "tests/Helpers.py"),
    (threads, {"edge_agent/a.py": "class Reader(threading.Thread):\n    pass\n"}, "Reader"),
    (words, {"docs/a.md": "a\nlater: TO" + "DO\n"}, "docs/a.md:2"),
    (words, {"bench/a.py": "x = '/tm" + "p/mine/x'\n"}, "bench/a.py:1"),
    (words, {"bench/a.py": "see ../sha" + "red/X.md\n"}, "bench/a.py:1"),
    (top_level, {"notes.txt": ""}, "notes.txt: not"),
    (top_level, {"notes.txt": ""}, "README.md: missing"),
    (tables, {"device_profiles/peripherals/a.toml": "port = \n"}, "a.toml: Invalid"),
    (tables, {"device_profiles/peripherals/a.toml": 'port = "printer"\ndriver = "x"\n'}, "drivers/printer/x.py"),
    (
        tables,
        {
            "device_profiles/peripherals/a.toml": 'inherit = "b"\ndriver = "x"\n',
            "device_profiles/peripherals/b.toml": 'port = "reader"\n',
        },
        "a.toml: its driver edge_agent/drivers/reader/x.py",
    ),
    (tables, {"device_profiles/peripherals/a.toml": 'inherit = "a"\ndriver = "x"\n'}, "drivers/None/x.py"),
    (decisions, {"docs/decisions/0001-a.md": "", "docs/decisions/0003-b.md": ""}, "0001 0003"),
    (decisions, {"docs/decisions/0001-a.md": "", "docs/decisions/0001-b.md": ""}, "0001 0001"),
    (decisions, {"pyproject.toml": "# docs/decisions/" + "0009\n"}, "decision 0009"),
    (links, {"docs/A.md": "[b](../b/c.md)", "b/d.md": ""}, "../b/c.md"),
    (commands, {"docs/A.md": "`python -m edge_agent dance`"}, "docs/A.md: `python -m edge_agent dance` does not exist"),
    (commands, {"systemd/a.service": "ExecStart=/opt/x/python -X faulthandler -m edge_agent walk"}, "walk"),
    (commands, {"docs/A.md": "./station fly"}, "`./station fly` does not exist"),
    (commands, {"systemd/a.service": "python -m edge_agent run"}, "`python -m edge_agent run` is not documented"),
    (commands, {"README.md": ""}, "python -m provisioning --help"),
    (readme, {"README.md": "./station demo", "docs/A.md": "./station test"}, "`./station test` is missing"),
    (settings, {"edge_agent/settings.py": SETTINGS, "docs/A.md": "the page_port is a port"}, "`page_port`"),
    (settings, {"edge_agent/settings.py": SETTINGS}, "fleet_server/settings.py: does not exist"),
]


@pytest.mark.parametrize(("rule", "files", "complaint"), PLANTED)
def test_a_planted_bug_is_found(
    rule: Callable[[Project], Iterator[str]], files: dict[str, str], complaint: str
) -> None:
    offers = {"python -m edge_agent": {"run"}, "python -m provisioning": set(), "./station": {"demo", "test"}}
    assert complaint in "\n".join(rule(Project(files, offers)))


def test_every_rule_has_a_planted_bug() -> None:
    assert {rule for rule, _, _ in PLANTED} == {*RULES, *RULES_ON_DOCUMENTS}


def test_what_is_allowed_is_not_complained_of() -> None:
    worker = PLATE + "try:\n    x()\nexcept Exception:\n    y()\n"
    files = {
        WORKER: worker,
        "edge_agent/settings.py": PLATE + SETTINGS,
        "fleet_server/settings.py": PLATE + SETTINGS,
        "fleet_server/__init__.py": "",
        "edge_agent/drivers/printer/x.py": PLATE,
        "device_profiles/peripherals/a.toml": 'port = "printer"\ndriver = "x"\n',
        "docs/A.md": "`page_port` [b](B.md#c) [site](https://example.org/) /tmp and /var/lib/x/y",
        "docs/B.md": "```\npage_port = 1\n```\n/opt/kiosk/current/bin/python -m edge_agent run",
        "docs/decisions/0001-a.md": "",
    }
    for rule in {*RULES, *RULES_ON_DOCUMENTS} - {top_level, readme}:
        assert list(rule(Project(files, {"python -m edge_agent": {"run"}}))) == [], rule.__name__


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_skip_is_a_failure_where_ci_is_set(ci: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_it():\n    pytest.skip('no reader')\n", "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, env=os.environ | {"CI": ci}, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert ("a skip is a failure" in done.stdout) == bool(code)


def test_station_names_the_nearest_command() -> None:
    done = subprocess.run([ROOT / "station", "tset"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'test'?" in done.stderr
