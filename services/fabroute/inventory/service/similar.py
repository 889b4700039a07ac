"""Files of an owner that are the same as another, or like it: the part may be there already."""

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from fabroute.inventory.models import PrintFile
from fabroute.inventory.repository import revisions, similar
from fabroute.inventory.repository.similar import LikelyFile, Likeness
from fabroute.inventory.rules.shapes import SAME_WITHIN, SIMILAR_WITHIN, shape_deviation
from fabroute.inventory.service.revisions import get_revision

Kind = Literal["same_source", "same_file", "same_geometry", "similar_geometry"]
_KINDS: tuple[Kind, ...] = ("same_source", "same_file", "same_geometry", "similar_geometry")
_MOST_COMPARED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarFile:
    """A revision whose file is the same or alike; ``deviation`` is relative, 0.001 for a thousandth."""

    revision_id: str
    part_no: str
    name: str
    revision: str
    state: str
    kind: Kind
    deviation: float


def similar_files(session: Session, *, organisation_id: str, revision_id: str) -> tuple[SimilarFile, ...]:
    """Return an owner's revisions whose files are the same as, or like, that of a revision; the likest first.

    ``same_source``: uploaded from the same bytes. ``same_file``: the same bytes in the store. ``same_geometry``: the
    same measures to 1 in 10,000. ``similar_geometry``: to half a percent. Empty without a print file;
    ``UnknownRevision``.
    """
    get_revision(session, organisation_id=organisation_id, revision_id=revision_id)
    print_file = revisions.find_print_file(session, revision_id)
    if print_file is None:
        return ()
    wanted = Likeness(
        organisation_id=organisation_id,
        revision_id=revision_id,
        hashes=sorted(_hashes(print_file)),
        lowest=[length * (1 - SIMILAR_WITHIN) for length in print_file.shape[:2]],
        highest=[length / (1 - SIMILAR_WITHIN) for length in print_file.shape[:2]],
        limit=_MOST_COMPARED,
    )
    found = [_compared(print_file, other) for other in similar.read_likely(session, wanted)]
    likest = sorted((it for it in found if it is not None), key=lambda it: (_KINDS.index(it.kind), it.deviation))
    return tuple(likest)


def _hashes(print_file: PrintFile) -> set[str]:
    return {print_file.sha256} | ({print_file.source_sha256} if print_file.source_sha256 else set())


def _compared(print_file: PrintFile, other: LikelyFile) -> SimilarFile | None:
    deviation = shape_deviation(print_file.shape, other.shape)
    if print_file.source_sha256 is not None and print_file.source_sha256 == other.source_sha256:
        return _similar(other, "same_source", 0.0)
    if _hashes(print_file) & {other.sha256, other.source_sha256}:
        return _similar(other, "same_file", 0.0)
    if deviation is None or deviation > SIMILAR_WITHIN:
        return None
    return _similar(other, "same_geometry" if deviation <= SAME_WITHIN else "similar_geometry", deviation)


def _similar(other: LikelyFile, kind: Kind, deviation: float) -> SimilarFile:
    return SimilarFile(
        revision_id=other.revision_id,
        part_no=other.part_no,
        name=other.name,
        revision=other.revision,
        state=other.state,
        kind=kind,
        deviation=deviation,
    )
