"""Owners of embedded servers in processes of their own, to be killed or to go away."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 100.0

_OWNER = """
import json, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it, as nohup does
from fabroute_embedded import embedded_servers
keep = sys.argv[1] == "keep"
with embedded_servers(keep=keep) as servers:
    pids = [servers.postgres.pid, servers.redis.pid]
    print(json.dumps({"folder": str(servers.folder), "pids": pids, "url": servers.database_url}), flush=True)
    time.sleep(0 if keep else 60)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process that owns servers, and what it said about them."""

    process: subprocess.Popen[str]
    folder: Path
    pids: Sequence[int]
    database_url: str

    def servers_alive(self) -> list[int]:
        """The ids of those servers that still run."""
        return [pid for pid in self.pids if is_running(pid)]


def start_owner(
    *, keep: bool = False, import_from: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Owner:
    """Start an owner and wait until its servers answer; it imports from ``import_from`` before anything else."""
    path = os.pathsep.join([*import_from, *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER, "keep" if keep else "own"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **(environment or {}), "PYTHONPATH": path},
        start_new_session=True,
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    return Owner(process=process, folder=Path(said["folder"]), pids=said["pids"], database_url=said["url"])


def end(owner: Owner, signal_number: int) -> int:
    """Send a signal to the owner's whole process group, as a terminal does; return its exit code."""
    os.killpg(owner.process.pid, signal_number)
    assert owner.process.stdout is not None
    owner.process.stdout.close()
    return owner.process.wait(PATIENCE_SECONDS)


def is_running(pid: int) -> bool:
    """Tell whether a process runs; a dead one that nobody asked after does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def processes_using(folder: Path) -> list[int]:
    """The ids of processes that have anything to do with ``folder``: in their command line or as working folder."""
    return [pid for pid in _all_pids() if str(folder) in _traces(pid)]


def wait_until(condition: Callable[[], bool], *, within_s: float) -> bool:
    """Wait for a condition; False if it did not come true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _traces(pid: int) -> str:
    try:
        working_folder = os.readlink(f"/proc/{pid}/cwd")
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace") + working_folder
    except OSError:
        return ""
