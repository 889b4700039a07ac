"""What processes take, by what they do: processor time and memory of each group, asked of ``/proc``."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a group of processes took: seconds so far, MiB now."""

    processes: int
    cpu_seconds: float
    """With that of their children that have ended."""
    resident_mib: float
    own_mib: float
    """Of the resident, what is of no file and not shared with other programs: where a leak would show."""


def taken(root: int) -> Taken:
    """Return what a process and all its descendants take."""
    figures = [found for pid in _tree(root) if (found := _figures(pid)) is not None]
    return Taken(
        processes=len(figures),
        cpu_seconds=sum(it[0] for it in figures),
        resident_mib=sum(it[1] for it in figures),
        own_mib=sum(it[2] for it in figures),
    )


def added(parts: Sequence[Taken]) -> Taken:
    """Return what several groups take together."""
    return Taken(
        processes=sum(it.processes for it in parts),
        cpu_seconds=sum(it.cpu_seconds for it in parts),
        resident_mib=sum(it.resident_mib for it in parts),
        own_mib=sum(it.own_mib for it in parts),
    )


def _tree(root: int) -> list[int]:
    return [root, *(pid for child in _children(root) for pid in _tree(child))]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return sorted(found)


def _figures(pid: int) -> tuple[float, float, float] | None:
    """Return processor seconds, resident and own MiB of a process, ``None`` where it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    pairs = (line.partition(":") for line in lines if line.endswith(" kB"))
    memory = {name: int(value.split()[0]) / _KIB for name, _, value in pairs}
    return sum(map(int, fields[11:15])) / _TICKS, memory.get("VmRSS", 0.0), memory.get("RssAnon", 0.0)
