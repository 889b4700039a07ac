"""A print file for every part: drawn, checked and put into the store, or found there from the last time."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Protocol, runtime_checkable

from fabroute.integrations.print_files import (
    MEDIA_TYPE,
    Label,
    ShapeOutOfReach,
    check_print_file,
    make_print_file,
)
from fabroute.integrations.reference.files import Read
from fabroute.integrations.reference.rows import PartRow
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStore
from fabroute.inventory.service import PrintFileRecord

REVISION = "A"
Progress = Callable[[str, int, int], None]
"""Told as ``(what, done, total)``."""
_WHAT = "print files"
_DRAWN_BY = ("manifold3d", "lib3mf")


@runtime_checkable
class RemembersNotes(Protocol):
    """A store that can keep notes beside the files."""

    def remember(self, name: str, note: bytes) -> None:
        """Keep a note under a name."""

    def recall(self, name: str) -> bytes | None:
        """Return the note under a name."""


class PrintFileMaker:
    """Makes the print files of parts into one store, and counts how many it had to draw."""

    def __init__(self, store: PrintFileStore) -> None:
        self._store = store
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
        label = Label(part_no=part.part_no, revision=REVISION, name=part.name)
        record = _checked(make_print_file(label=label, box_mm=part.box_mm, volume_cm3=part.volume_cm3), self._store)
        self.drawn += 1
        if isinstance(self._store, RemembersNotes):
            note = {name: getattr(record, name) for name in _NOTED}
            self._store.remember(_recipe(part), json.dumps(note).encode())
        return record

    def _recall(self, part: PartRow) -> PrintFileRecord | None:
        """Return what is noted about a part's file, if the file is in the store and whole."""
        note = self._store.recall(_recipe(part)) if isinstance(self._store, RemembersNotes) else None
        if note is None:
            return None
        try:
            found = json.loads(note)
            record = PrintFileRecord(media_type=MEDIA_TYPE, **{name: found[name] for name in _NOTED})
            self._store.get(record.sha256)
        except (KeyError, TypeError, ValueError, PrintFileMissing, PrintFileDamaged):
            return None
        return record


_NOTED = ("sha256", "size_bytes", "box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3", "triangles")


def _checked(content: bytes, store: PrintFileStore) -> PrintFileRecord:
    facts = check_print_file(content)
    return PrintFileRecord(
        sha256=store.put(content),
        size_bytes=facts.size_bytes,
        media_type=MEDIA_TYPE,
        box_x_mm=facts.box_mm[0],
        box_y_mm=facts.box_mm[1],
        box_z_mm=facts.box_mm[2],
        volume_cm3=facts.volume_cm3,
        triangles=facts.triangles,
    )


def _recipe(part: PartRow) -> str:
    """Return a name for exactly this shape, label and way of drawing: whatever changes one of them changes the name."""
    return json.dumps([part.part_no, REVISION, part.name, part.box_mm, part.volume_cm3, _generator()])


@lru_cache(maxsize=1)
def _generator() -> str:
    """Return a fingerprint of the code and the libraries that draw print files."""
    digest = hashlib.sha256(" ".join(version(name) for name in _DRAWN_BY).encode())
    for source in sorted(files("fabroute.integrations.print_files").iterdir(), key=lambda source: source.name):
        if source.name.endswith(".py"):
            digest.update(source.read_bytes())
    return digest.hexdigest()
