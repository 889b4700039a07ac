"""What operators and scripts put into a job's folder, read as errands to fabroute."""

import hashlib
import json
import mimetypes
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fabroute.bureau.packets import EVIDENCE_FOLDER
from fabroute.bureau.records import Errand, JobRecord

_RESULT = re.compile(r"(started|printed|inspected|shipped|failed|cancellation)(?:-[\w-]+)?\.json")
_CALLS: Mapping[str, str] = {
    "shipped": "shipments",
    "failed": "failure",
    "cancellation": "cancellation",
}
"""The endpoint below the job that takes the file as it is."""
_ORDER = ("started", "printed", "inspected", "shipped", "failed", "cancellation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A file that somebody put there, and what is to be sent for it."""

    path: Path
    mark: str
    """Tells it apart from every other drop, also after a crash."""
    kind: str
    errands: tuple[Errand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadDrop:
    """A file that nobody can make sense of, and why."""

    path: Path
    reason: str


def find_drops(folder: Path, record: JobRecord, *, settle_seconds: float) -> Iterator[Drop | BadDrop]:
    """Yield what lies in a job's folder: new evidence first, then results in their order.

    Files that changed within ``settle_seconds`` are left alone: somebody is still writing them.
    """
    for path in sorted((folder / EVIDENCE_FOLDER).glob("[!.]*")):
        if path.is_file() and _is_settled(path, settle_seconds):
            drop = _evidence(path)
            if drop.mark not in record.taken:
                yield drop
    for path in sorted(folder.glob("*.json"), key=_turn):
        match = _RESULT.fullmatch(path.name)
        if match and _is_settled(path, settle_seconds):
            yield _result(path, match[1])


def media_type_of(name: str) -> str:
    """Return the media type that a file's name stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _is_settled(path: Path, seconds: float) -> bool:
    return time.time() - path.stat().st_mtime >= seconds


def _turn(path: Path) -> tuple[int, int, str]:
    """Sort by what comes first in a job's life, then printed-2 before printed-10."""
    kind = path.name.partition(".")[0].partition("-")[0]
    number = re.search(r"\d+", path.name)
    return _ORDER.index(kind) if kind in _ORDER else 0, int(number[0]) if number else 0, path.name


def _evidence(path: Path) -> Drop:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    errand = Errand(kind="evidence", name=path.name)
    return Drop(path=path, mark=_mark(path.name, digest), kind="evidence", errands=(errand,))


def _result(path: Path, kind: str) -> Drop | BadDrop:
    content = path.read_bytes()
    try:
        told = json.loads(content or b"{}")
    except ValueError as error:
        return BadDrop(path=path, reason=f"{path.name} is no JSON ({error}): mend it, it is read again")
    items = told if isinstance(told, list) else [told]
    wrong = [number for number, item in enumerate(items, start=1) if not isinstance(item, dict)]
    if wrong:
        which = (
            f"entry {wrong[0]} of {len(items)} in {path.name} is" if isinstance(told, list) else f"{path.name} holds"
        )
        return BadDrop(path=path, reason=f"{which} no JSON object: mend it, it is read again")
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
    mark = _mark(path.name, str(path.stat().st_mtime_ns), hashlib.sha256(content).hexdigest())
    return Drop(path=path, mark=mark, kind=kind, errands=tuple(_errands(kind, items, at)))


def _errands(kind: str, items: Sequence[Mapping[str, Any]], at: str) -> Iterator[Errand]:
    for item in items:
        evidence = str(item.get("evidence") or "")
        body = {name: value for name, value in item.items() if name != "evidence"}
        if kind in _CALLS:
            yield Errand(kind="call", name=_CALLS[kind], body=item)
        else:
            yield Errand(kind="report", name=kind, body=body, occurred_at=at, evidence=evidence)


def _mark(*facts: str) -> str:
    """Return what tells two files apart: the same words a second time are a second report."""
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
