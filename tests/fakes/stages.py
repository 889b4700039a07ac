"""Stages of a validation that do what the file tells them to: the ways in which a library can go wrong."""

import ctypes
import hashlib
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fabroute.inventory.ports import ValidationReport, ValidationRequest

MIB = 2**20


def validate(source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationReport:
    """Do what the file says (its first word; the second is a number), then report it as valid."""
    content = source.read_bytes()
    word, _, rest = content.decode("ascii").partition(" ")
    reader = _WAYS[word](int(rest or 0), workspace)
    return ValidationReport(
        format="stl",
        source_sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        findings=(),
        measures=None,
        printability=(),
        canonical_sha256="0" * 64,
        readers=(str(reader), request.part_no, *request.processes),
        cpu_ms=0,
        peak_kib=0,
    )


def _fine(_number: int, workspace: Path) -> str:
    (workspace / "canonical.3mf").write_bytes(b"canonical")
    return "fine"


def _hold(mebibytes: int, _workspace: Path) -> int:
    return len(bytearray(mebibytes * MIB))


def _sleep(seconds: int, _workspace: Path) -> str:
    time.sleep(seconds)
    return "slept"


def _meet(place: int, workspace: Path) -> str:
    """Wait until the validation in the folder beside this one is under way as well."""
    (workspace / "here").touch()
    while not (workspace.parent / str(place) / "here").exists():
        time.sleep(0.02)
    return "met"


def _spin(_number: int, _workspace: Path) -> str:
    while True:
        os.getpid()


def _fall(_number: int, _workspace: Path) -> str:
    return str(ctypes.string_at(0))


def _raise(_number: int, _workspace: Path) -> str:
    raise ZeroDivisionError("a mistake of ours")


def _exit(code: int, _workspace: Path) -> str:
    os._exit(code)


def _kill(number: int, _workspace: Path) -> str:
    os.kill(os.getpid(), signal.Signals(number))
    return "still here"


def _fill(mebibytes: int, workspace: Path) -> str:
    (workspace / "filling").write_bytes(bytes(mebibytes * MIB))
    return "filled"


def _missing(_number: int, workspace: Path) -> str:
    return (workspace / "missing").read_text(encoding="utf8")


def _babble(mebibytes: int, _workspace: Path) -> str:
    return "x" * (mebibytes * MIB)


def _rights(_number: int, _workspace: Path) -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    rights = next(line.split()[1] for line in status.splitlines() if line.startswith("NoNewPrivs"))
    core = resource.getrlimit(resource.RLIMIT_CORE)
    return f"no_new_privs={rights} core={core} fds={sorted(map(int, os.listdir('/proc/self/fd')))[:3]}"


def _environment(_number: int, _workspace: Path) -> str:
    return " ".join(sorted(os.environ))


def _pid(_number: int, workspace: Path) -> str:
    (workspace / "pids").write_text(f"{os.getpid()} {os.getppid()}", encoding="ascii")
    time.sleep(60)
    return "slept"


def _descriptors(_number: int, _workspace: Path) -> int:
    return len([socket.socket() for _ in range(64)])


_WAYS: dict[str, Callable[[int, Path], Any]] = {
    "fine": _fine, "hold": _hold, "sleep": _sleep, "meet": _meet, "spin": _spin, "fall": _fall, "raise": _raise,
    "exit": _exit, "kill": _kill, "fill": _fill, "missing": _missing, "babble": _babble, "rights": _rights, "pid": _pid,
    "environment": _environment, "descriptors": _descriptors,
}  # fmt: skip
