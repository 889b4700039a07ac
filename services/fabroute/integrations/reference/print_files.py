"""A print file for every part: drawn, validated and put into the store, or found there from the last time."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

from fabroute.integrations.print_files import MEDIA_TYPE, Label, ShapeOutOfReach, make_print_file
from fabroute.integrations.reference.files import Read
from fabroute.integrations.reference.rows import PartRow
from fabroute.inventory.ports import (
    PrintFileDamaged,
    PrintFileMissing,
    PrintFileStore,
    PrintFileValidator,
    ValidationOutcome,
    ValidationRequest,
)
from fabroute.inventory.service import PrintFileRecord
from fabroute.kernel.errors import DomainError

REVISION = "A"
Progress = Callable[[str, int, int], None]
"""Told as ``(what, done, total)``."""
_WHAT = "print files"
_MADE_BY = ("manifold3d", "lib3mf", "numpy", "pillow", "embreex")
_SOURCES = ("fabroute.integrations.print_files", "fabroute.integrations.validation")


class DrawnFileRefused(DomainError):
    """A file that was drawn here does not pass the validation; the message says why."""

    code = "drawn_file_refused"
    status = 500


@runtime_checkable
class RemembersNotes(Protocol):
    """A store that can keep notes beside the files."""

    def remember(self, name: str, note: bytes) -> None:
        """Keep a note under a name."""

    def recall(self, name: str) -> bytes | None:
        """Return the note under a name."""


class PrintFileMaker:
    """Makes the print files of parts into one store, and counts how many it had to draw."""

    def __init__(self, store: PrintFileStore, *, validator: PrintFileValidator) -> None:
        self._store = store
        self._validator = validator
        self.drawn = 0

    def make_all(self, parts: Sequence[Read[PartRow]], *, progress: Progress) -> dict[str, PrintFileRecord]:
        """Return the facts about each part's print file, which is in the store then.

        A part that no shape can be drawn for is noted as a problem of its line. ``PrintFileStoreDown`` if the store is.
        """
        made = {}
        for done, read in enumerate(parts, start=1):
            try:
                made[read.value.part_no] = self.make(read.value)
            except ShapeOutOfReach as error:
                read.row.refuse("volume_cm3", f"{error}: correct the box or the volume")
            progress(_WHAT, done, len(parts))
        return made

    def make(self, part: PartRow) -> PrintFileRecord:
        """Return the facts about a part's print file; it is drawn only if the store doesn't hold it already."""
        found = self._recall(part)
        if found is not None:
            return found
        record = self._drawn(part)
        self.drawn += 1
        if isinstance(self._store, RemembersNotes):
            self._store.remember(_recipe(part), json.dumps(asdict(record)).encode())
        return record

    def _drawn(self, part: PartRow) -> PrintFileRecord:
        """Draw a part's file, and have it validated as if a stranger had sent it."""
        label = Label(part_no=part.part_no, revision=REVISION, name=part.name)
        with TemporaryDirectory(prefix="fabroute-drawing-") as folder:
            source, workspace = Path(folder, "drawn.3mf"), Path(folder, "validated")
            workspace.mkdir()
            source.write_bytes(make_print_file(label=label, box_mm=part.box_mm, volume_cm3=part.volume_cm3))
            outcome = self._validator(source, request=_request(part), workspace=workspace)
            return self._kept(part, source, outcome)

    def _kept(self, part: PartRow, source: Path, outcome: ValidationOutcome) -> PrintFileRecord:
        measures = outcome.report.measures
        if outcome.canonical is None or measures is None:
            problems = "; ".join(finding.message for finding in outcome.report.findings)
            raise DrawnFileRefused(f"the print file drawn for {part.part_no} is refused: {problems}")
        pictures = (outcome.preview_png, outcome.preview_glb)
        preview, model = (None if picture is None else self._store.put_file(picture) for picture in pictures)
        return PrintFileRecord(
            sha256=self._store.put_file(outcome.canonical),
            size_bytes=outcome.canonical.stat().st_size,
            media_type=MEDIA_TYPE,
            box_x_mm=measures.box_mm[0],
            box_y_mm=measures.box_mm[1],
            box_z_mm=measures.box_mm[2],
            volume_cm3=measures.volume_cm3,
            triangles=measures.triangles,
            source_sha256=self._store.put_file(source),
            area_cm2=measures.area_cm2,
            bodies=measures.bodies,
            thinnest_wall_mm=measures.thinnest_wall_mm,
            shape=measures.shape,
            preview_sha256=preview,
            model_sha256=model,
        )

    def _recall(self, part: PartRow) -> PrintFileRecord | None:
        """Return what is noted about a part's file, if the file is in the store and whole."""
        note = self._store.recall(_recipe(part)) if isinstance(self._store, RemembersNotes) else None
        if note is None:
            return None
        try:
            record = _record_of(json.loads(note))
            self._store.get(record.sha256)
        except (KeyError, TypeError, ValueError, PrintFileMissing, PrintFileDamaged):
            return None
        return record if all(map(self._store.exists, _pictures(record))) else None


def _record_of(noted: Mapping[str, Any]) -> PrintFileRecord:
    return PrintFileRecord(**{**noted, "shape": tuple(noted["shape"])})


def _pictures(record: PrintFileRecord) -> list[str]:
    return [sha256 for sha256 in (record.preview_sha256, record.model_sha256) if sha256 is not None]


def _request(part: PartRow) -> ValidationRequest:
    return ValidationRequest(
        file_name=f"{part.part_no}.3mf",
        processes=tuple(sorted({pair.partition(":")[0] for pair in part.process_materials})),
        part_no=part.part_no,
        revision=REVISION,
        name=part.name,
        expected_box_mm=part.box_mm,
    )


def _recipe(part: PartRow) -> str:
    """Return a name for exactly this shape, label and way of drawing: whatever changes one of them changes the name."""
    return json.dumps([part.part_no, REVISION, part.name, part.box_mm, part.volume_cm3, _generator()])


@lru_cache(maxsize=1)
def _generator() -> str:
    """Return a fingerprint of the code and the libraries that draw and validate print files."""
    digest = hashlib.sha256(" ".join(version(name) for name in _MADE_BY).encode())
    for package in _SOURCES:
        for source in _python_files(files(package)):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _python_files(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _python_files(entry)
        elif entry.name.endswith(".py"):
            yield entry
