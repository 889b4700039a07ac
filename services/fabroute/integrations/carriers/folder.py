"""A carrier behind a folder: a manifest for each shipment goes out, files with statuses come in.

``manifests/<shipment>.json`` is written whole (renamed into place) and may be moved away by the carrier's program.
``statuses/`` takes CSV with the columns ``reference,status,occurred_at,place,note`` or JSON, a list of such objects.
``reference`` is a shipment's id or a tracking number. A file that begins with a dot or ends in ``.part`` or ``.tmp`` is
left alone, and so is one that is not complete, until nobody has written to it for a minute. What was read goes to
``done/``, what could not be taken to ``failed/`` with the reason beside it, ``<file>.reason.txt``.
"""

import csv
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from fabroute.production.ports import CarrierMessage, CarrierStatus, Manifest

CARRIER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
STILL_SECONDS = 60.0
"""A broken file that was written to lately may be half of a good one."""
MOST_BYTES = 2**20
_PARTIAL = (".part", ".tmp")
_REQUIRED = ("reference", "status", "occurred_at")
_KNOWN = (*_REQUIRED, "place", "note")
_LONGEST = 400


class _Unreadable(Exception):
    """What is wrong with a file."""


@dataclass(frozen=True, slots=True)
class FolderCarrier:
    """The carrier whose folder this is; its name is the folder's. ``clock`` counts seconds as file times do."""

    folder: Path
    clock: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """As shipments name it."""
        return self.folder.name

    def booked(self, shipment_id: str) -> bool:
        """Return whether its manifest was written before; the carrier's program may have moved it away."""
        return (self.folder / ".booked" / shipment_id).exists()

    def book(self, manifest: Manifest) -> None:
        """Write the manifest of a shipment; the same again replaces it by the same."""
        content = json.dumps(asdict(manifest), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        _write_whole(_made(self.folder / "manifests") / f"{manifest.shipment_id}.json", content)
        _write_whole(_made(self.folder / ".booked") / manifest.shipment_id, "")

    def read(self) -> Iterator[CarrierMessage]:
        """Yield the files with statuses that are complete, by name; those that can't be read with the reason."""
        for path in sorted(_made(self.folder / "statuses").iterdir()):
            if not path.is_file() or path.name.startswith(".") or path.suffix in _PARTIAL:
                continue
            try:
                yield CarrierMessage(name=path.name, statuses=_statuses(path))
            except _Unreadable as error:
                if self.clock() - path.stat().st_mtime >= STILL_SECONDS:
                    yield CarrierMessage(name=path.name, statuses=(), problem=str(error))

    def settle(self, message: CarrierMessage, *, refused: str) -> None:
        """Move a file to ``done``, or to ``failed`` with the reason beside it; one that is gone is settled already."""
        source = self.folder / "statuses" / message.name
        if not source.exists():
            return
        target = _free(_made(self.folder / ("failed" if refused else "done")) / message.name)
        if refused:
            _write_whole(target.with_name(f"{target.name}.reason.txt"), f"{refused}\n")
        source.rename(target)


def _statuses(path: Path) -> tuple[CarrierStatus, ...]:
    content = _text(path)
    rows = _json_rows(content) if path.suffix == ".json" else _csv_rows(content)
    if not rows:
        raise _Unreadable("the file holds no status")
    return tuple(_status(row, number) for number, row in enumerate(rows, start=1))


def _text(path: Path) -> str:
    if path.suffix not in (".csv", ".json"):
        raise _Unreadable("name the file .csv or .json")
    if path.stat().st_size > MOST_BYTES:
        raise _Unreadable(f"the file is larger than {MOST_BYTES:,} bytes: split it")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable("the file is not written in UTF-8") from error


def _json_rows(content: str) -> list[Mapping[str, Any]]:
    try:
        rows = json.loads(content)
    except json.JSONDecodeError as error:
        raise _Unreadable(f"the file is no JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _Unreadable("the file must hold a list of objects")
    return rows


def _csv_rows(content: str) -> list[Mapping[str, Any]]:
    if not content.endswith("\n"):
        raise _Unreadable("the last line has no end: is the file whole?")
    reader = csv.DictReader(StringIO(content), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise _Unreadable(f"the file is no CSV: {error}") from error


def _status(row: Mapping[str, Any], number: int) -> CarrierStatus:
    unknown = [str(name) for name in row if name not in _KNOWN]
    if unknown:
        raise _Unreadable(f"row {number} has {', '.join(unknown)}: the columns are {', '.join(_KNOWN)}")
    texts = {name: str(row.get(name) or "").strip()[:_LONGEST] for name in _KNOWN}
    missing = [name for name in _REQUIRED if not texts[name]]
    if missing:
        raise _Unreadable(f"row {number} has no {' and no '.join(missing)}")
    return CarrierStatus(
        reference=texts["reference"],
        status=texts["status"].lower(),
        occurred_at=_instant(texts["occurred_at"], number),
        place=texts["place"],
        note=texts["note"],
    )


def _instant(text: str, number: int) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _Unreadable(f"row {number}: {text!r} is no time, such as 2026-06-15T12:00:00+02:00") from error
    if found.tzinfo is None:
        raise _Unreadable(f"row {number}: {text!r} has no offset from UTC")
    return found


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free(path: Path) -> Path:
    """Return ``path``, or the first name beside it that is free: what came before is never overwritten."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _write_whole(path: Path, content: str) -> None:
    partial = path.with_name(f".{path.name}.tmp")
    partial.write_text(content, encoding="utf-8")
    os.replace(partial, path)
