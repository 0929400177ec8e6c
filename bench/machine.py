"""On what, beside what and with which versions a figure was taken. Measures nothing."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import ssl
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from fleet_server.broker import programs

PACKAGES = (
    "citizen-station",
    "cbor2",
    "cryptography",
    "paho-mqtt",
    "persist-queue",
    "pillow",
    "python-escpos",
    "sqlite-utils",
    "starlette",
    "uvicorn",
)


def load() -> tuple[float, float, float]:
    """The kernel's load averages of 1, 5 and 15 minutes: processes that wanted a core, this bench among them."""
    return os.getloadavg()


def described(folder: Path) -> dict[str, Any]:
    """The machine, and the file system that `folder` (where the bench writes) lies on."""
    return {
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cores": os.cpu_count(),
        "processor": _field("/proc/cpuinfo", "model name"),
        "architecture": platform.machine(),
        "memory_mb": int(_field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "system": _field("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        "kernel": platform.release(),
        "file_system": _file_system(folder),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """What ran, by name; "" where it is not installed."""
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "openssl": ssl.OPENSSL_VERSION}
    found |= {name: metadata.version(name) for name in PACKAGES}
    found |= {
        name: _program(name, flag)
        for name, flag in (("nats-server", "-v"), ("mosquitto", "-h"), ("chromium", "--version"))
    }
    return found


def _field(path: str, name: str, separator: str = ":") -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return ""


def _file_system(folder: Path) -> str:
    """The type of the mount with the longest path that `folder` lies under."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    under = [(len(point), kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(under)[1] if under else ""


def _program(name: str, flag: str) -> str:
    for path in programs(name)[:1]:
        said = subprocess.run([path, flag], capture_output=True, text=True, timeout=10, check=False).stdout
        number = re.search(r"\d+\.\d+\.\d+", said)
        return number[0] if number else ""
    return ""
