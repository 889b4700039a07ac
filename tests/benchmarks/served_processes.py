"""API processes of their own on one database, and what they take: processor time and memory."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One API process on a Unix socket."""

    socket: str
    process: int

    def cpu_seconds(self) -> float:
        """Return the processor time that it took so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mib(self) -> float:
        """Return its resident memory."""
        lines = Path(f"/proc/{self.process}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextmanager
def served_processes(url: str, count: int, **settings: object) -> Iterator[tuple[Served, ...]]:
    """Yield ``count`` API processes on the database at ``url``, with ``settings`` by their names."""
    with _serving("fabroute.api", url, count, settings) as served:
        yield served


@contextmanager
def served_console(url: str, **settings: object) -> Iterator[Served]:
    """Yield a process that serves the API and the pages for people, as ``served_processes``."""
    with _serving("fabroute.console", url, 1, settings) as (served,):
        yield served


@contextmanager
def _serving(module: str, url: str, count: int, settings: Mapping[str, object]) -> Iterator[tuple[Served, ...]]:
    with TemporaryDirectory() as folder:
        sockets = [Path(folder) / f"api-{n}.sock" for n in range(count)]
        processes = [_start(url, Path(folder), path, module, settings) for path in sockets]
        try:
            for path, process in zip(sockets, processes, strict=True):
                _wait_until_listening(path, process)
            yield tuple(
                Served(socket=str(path), process=process.pid) for path, process in zip(sockets, processes, strict=True)
            )
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=30)


def _start(url: str, folder: Path, path: Path, module: str, settings: Mapping[str, object]) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FABROUTE_")}
    own = {
        "PYTHONPATH": ":".join(str(ROOT / room) for room in ("services", "workers", "infra/embedded")),
        "FABROUTE_DATABASE_URL": url,
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_STORAGE_URL": "memory://",
        "FABROUTE_SIGNING_KEY_FILE": str(folder / "signing-key.pem"),
        "FABROUTE_SECRET_KEY_FILE": str(folder / "secret-key"),
    }
    own |= {f"FABROUTE_{name.upper()}": str(value) for name, value in settings.items()}
    arguments = [sys.executable, "-m", module, "--uds", str(path)]
    return subprocess.Popen(arguments, env=inherited | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_until_listening(path: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.05)
    raise RuntimeError(f"an API process ended with {process.returncode} before it served")
