"""Known vulnerabilities of the locked dependencies: ``python infra/supply_chain/audit.py requirements.txt …``.

Fails where one is known that a newer version mends (``make lock UPGRADE=1``). Without a network it says so and passes:
what can't be looked up just now must keep nobody from checking the rest.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCEPTED: Mapping[str, str] = {}
"""Ids of vulnerabilities that do not touch us, and why not."""

_AUDIT_SECONDS = 120.0

Report = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One of a locked package."""

    package: str
    version: str
    id: str
    fixed_in: tuple[str, ...]
    """Empty: nothing mends it yet."""

    def __str__(self) -> str:
        """Return what is wrong and what to do."""
        mended = f"mended in {', '.join(self.fixed_in)}" if self.fixed_in else "nothing mends it yet"
        return f"{self.package} {self.version}: {self.id}, {mended}"


def vulnerabilities_in(report: Report) -> Iterator[Vulnerability]:
    """Yield what a report of ``pip-audit --format json`` says of each package."""
    for package in report["dependencies"]:
        for found in package.get("vulns", ()):
            yield Vulnerability(
                package=str(package["name"]),
                version=str(package["version"]),
                id=str(found["id"]),
                fixed_in=tuple(map(str, found["fix_versions"])),
            )


def judge(report: Report | None, *, tell: Callable[[str], None], accepted: Mapping[str, str] = ACCEPTED) -> int:
    """Tell what was found and return the exit code: 1 where a newer version mends something."""
    looked_up = [it for it in report["dependencies"] if "skip_reason" not in it] if report else []
    if report is None or not looked_up:
        tell("pip-audit: the index does not answer, so nobody looked for known vulnerabilities (no failure)")
        return 0
    found = [it for it in vulnerabilities_in(report) if it.id not in accepted]
    for vulnerability in found:
        tell(f"pip-audit: {vulnerability}")
    mendable = [it for it in found if it.fixed_in]
    if mendable:
        tell("pip-audit: run make lock UPGRADE=1, or say in infra/supply_chain/audit.py why it does not touch us")
    elif not found:
        tell(f"pip-audit: no known vulnerability in {len(looked_up)} of {len(report['dependencies'])} locked packages")
    return 1 if mendable else 0


def ask(files: Sequence[str], *, seconds: float = _AUDIT_SECONDS) -> Report | None:
    """Return the report of pip-audit about locked files, ``None`` where it could not make one.

    Nothing is installed or resolved: the files name every package with its version and hashes.
    """
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--desc", "off", "--timeout", "5"]
    for file in files:
        command += ["--requirement", file]
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=seconds, check=False
        )
        report: Report = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return report


def main(files: Sequence[str]) -> int:
    """Audit locked files; return the exit code."""
    return judge(ask(files), tell=print)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
