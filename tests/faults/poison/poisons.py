"""What a poisoned line does to the process that decides it, and the record of every time that it did."""

import ctypes
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

RECORD = "POISON_RECORD"
"""The variable of the environment that names the file of the record."""
_CITY = "Poison "
_ENDLESS_SECONDS = 3600
_PIECE = 64 * 2**20


def _hang() -> None:
    """Wait in C with the interpreter's lock: nothing of Python runs any more in this process."""
    ctypes.PyDLL(None).sleep(_ENDLESS_SECONDS)


def _spin() -> None:
    """Compute for ever."""
    while True:
        pass


def _segfault() -> None:
    ctypes.string_at(0)


def _eat() -> None:
    """Allocate until there is no more, as a model does that grows without end."""
    pieces = []
    while True:
        pieces.append(bytearray(_PIECE))


def _raise() -> None:
    raise ArithmeticError("poison")


POISONS: Mapping[str, Callable[[], None]] = {
    "hang": _hang,
    "spin": _spin,
    "abort": os.abort,
    "segfault": _segfault,
    "memory": _eat,
    "raise": _raise,
}


def city_of(kind: str) -> str:
    """Return the city to which a line is sent that is poisoned in this way."""
    return f"{_CITY}{kind}"


def swallow(cities: Mapping[str, str]) -> None:
    """Note which lines are decided, by their cities; if one of them is poisoned, do what the first one does."""
    poisoned = {line: city.removeprefix(_CITY) for line, city in sorted(cities.items()) if city.startswith(_CITY)}
    kind = next(iter(poisoned.values()), "")
    _note(lines=len(cities), poisoned=sorted(poisoned), kind=kind)
    if kind:
        POISONS[kind]()


def read_record(path: Path) -> list[dict[str, object]]:
    """Return the notes of all processes, in the order in which they were written."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def lines_of(note: Mapping[str, object]) -> list[str]:
    """Return the poisoned lines of a note."""
    lines = note["poisoned"]
    return [str(line) for line in lines] if isinstance(lines, list) else []


def _note(*, lines: int, poisoned: Sequence[str], kind: str) -> None:
    note = {"at": time.time(), "pid": os.getpid(), "lines": lines, "poisoned": poisoned, "kind": kind}
    descriptor = os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{json.dumps(note)}\n".encode())  # whole lines, whoever else writes
    os.close(descriptor)
