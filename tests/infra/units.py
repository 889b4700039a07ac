"""Units of systemd as they stand in infra/systemd, and a stand-in for what systemd does with them."""

import os
import re
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.factories.processes import plain_environment

from .manifests import INFRA, PROJECT

SYSTEMD = INFRA / "systemd"
SERVICES = ("fabroute-migrate", "fabroute-api@", "fabroute-worker@", "fabroute-relay")
GROUPS = ("routing", "jobs", "files")
_PROGRAM = "/opt/fabroute/bin/fabroute"
_HERE = Path("/etc/fabroute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit's directives by section; each may stand several times."""

    name: str
    sections: Mapping[str, Mapping[str, tuple[str, ...]]]

    def all(self, directive: str, *, section: str = "Service") -> tuple[str, ...]:
        """Return every value of a directive, in order."""
        return self.sections.get(section, {}).get(directive, ())

    def one(self, directive: str, *, section: str = "Service") -> str:
        """Return the only value of a directive."""
        (value,) = self.all(directive, section=section)
        return value


def read_unit(name: str) -> Unit:
    """Return the unit of that file name, ``.service`` left out."""
    path = SYSTEMD / (name if "." in name else f"{name}.service")
    sections: dict[str, dict[str, tuple[str, ...]]] = {}
    current: dict[str, tuple[str, ...]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            current = sections.setdefault(found[1], {})
        elif line and not line.startswith("#"):
            directive, _, value = line.partition("=")
            current[directive] = (*current.get(directive, ()), value)
    return Unit(name=path.name, sections=sections)


def variables(path: Path) -> dict[str, str]:
    """Return what an environment file sets."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def environment_of(unit: Unit, *, instance: str = "") -> dict[str, str]:
    """Return the variables that a unit's own files set, for one instance; those that may be missing are."""
    found: dict[str, str] = {}
    for name in unit.all("EnvironmentFile"):
        if not name.startswith("-"):
            found |= variables(SYSTEMD / Path(name.replace("%i", instance)).relative_to(_HERE))
    return found


def commands_of(unit: Unit, *, instance: str = "") -> list[list[str]]:
    """Return what a unit runs for one instance, the program left out."""
    values = environment_of(unit, instance=instance)
    lines = [line.replace("%i", instance) for line in unit.all("ExecStart")]
    assert all(line.startswith(f"{_PROGRAM} ") for line in lines)
    return [
        [re.sub(r"\$\{(\w+)\}", lambda it: values[it[1]], word) for word in shlex.split(line)[1:]] for line in lines
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A plain server's folders, in a folder of the test's."""

    folder: Path

    def environment(self, unit: Unit, *, instance: str = "", notify: str = "") -> dict[str, str]:
        """Return a unit's whole environment here: its files, credentials as files, a socket to tell of itself."""
        own = environment_of(unit, instance=instance)
        here = {name: value.replace("/var/lib/fabroute", str(self.folder / "lib")) for name, value in own.items()}
        credentials = self._credentials(unit)
        (said,) = unit.all("Environment")
        told = {"NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "3000000"} if notify else {}
        return plain_environment() | here | dict([said.replace("%d", str(credentials)).split("=", 1)]) | told

    def secret(self, name: str, value: str) -> None:
        """Write a file of /etc/fabroute."""
        path = self.folder / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n", encoding="utf-8")

    def installed(self) -> Path:
        """Return a program that is there in place of the installed one."""
        return _script(self.folder / "fabroute", f'exec {shlex.join(program())} "$@"\n')

    def stand_in(self) -> Path:
        """Return a folder with a ``systemd-run`` that does what systemd does with the options that it knows."""
        place = self.folder / "stand-in"
        place.mkdir(exist_ok=True)
        own = f"{shlex.quote(sys.executable)} -m tests.infra.systemd_run {shlex.quote(str(self.folder))}"
        _script(place / "systemd-run", f'cd {shlex.quote(str(PROJECT))} && exec {own} "$@"\n')
        return place

    def _credentials(self, unit: Unit) -> Path:
        """Lay a unit's credentials out as systemd does: a folder's files get the credential's name before theirs."""
        return self.laid_out(unit.name, unit.all("LoadCredential"))

    def laid_out(self, name: str, credentials: Sequence[str]) -> Path:
        """Return a folder with the files that ``LoadCredential`` names."""
        target = self.folder / "credentials" / name
        target.mkdir(parents=True, exist_ok=True)
        for entry in credentials:
            name, _, place = entry.partition(":")
            source = self.folder / "etc" / Path(place).relative_to(_HERE)
            files = {f"{name}_{it.name}": it for it in source.iterdir()} if source.is_dir() else {name: source}
            for credential, file in files.items():
                (target / credential).write_bytes(file.read_bytes())
        return target


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    path.chmod(0o755)
    return path


def program() -> list[str]:
    """Return what stands for the installed command here."""
    return [sys.executable, "-m", "fabroute.cli"]


@contextmanager
def notify_socket(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    """Yield the path of a socket such as systemd listens on, and the socket."""
    path = str(folder / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(0.1)
        yield path, listener
    os.unlink(path)


def heard(listener: socket.socket) -> list[str]:
    """Return what was told since somebody last listened."""
    found = []
    try:
        while True:
            found.append(listener.recv(256).decode())
    except TimeoutError:
        return found
