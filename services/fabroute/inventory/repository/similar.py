"""The query for files that may be the same as, or like, another of their owner's."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Which files are worth comparing: of this owner, with one of the hashes, or with lengths in these ranges (mm)."""

    organisation_id: str
    revision_id: str
    hashes: Sequence[str]
    lowest: Sequence[float]
    highest: Sequence[float]
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyFile:
    """A file worth comparing, and the revision that it is of."""

    revision_id: str
    part_no: str
    name: str
    revision: str
    state: str
    sha256: str
    source_sha256: str | None
    shape: Sequence[float]


_LIKELY = text("""
SELECT revision.id AS revision_id, part.part_no, part.name, revision.revision, revision.state,
    file.sha256, file.source_sha256, file.shape
FROM print_files file
JOIN part_revisions revision ON revision.id = file.revision_id
JOIN parts part ON part.id = revision.part_id
WHERE part.organisation_id = :organisation_id AND file.revision_id <> :revision_id AND (
    file.sha256 = ANY(:hashes) OR file.source_sha256 = ANY(:hashes)
    OR cardinality(CAST(:lowest AS float8[])) > 1
        AND file.shape[1] BETWEEN (CAST(:lowest AS float8[]))[1] AND (CAST(:highest AS float8[]))[1]
        AND file.shape[2] BETWEEN (CAST(:lowest AS float8[]))[2] AND (CAST(:highest AS float8[]))[2]
)
ORDER BY part.part_no, revision.revision
LIMIT :limit
""")


def read_likely(session: Session, wanted: Likeness) -> Sequence[LikelyFile]:
    """Return the files that are worth comparing, by part number and revision."""
    return [LikelyFile(**row) for row in session.connection().execute(_LIKELY, asdict(wanted)).mappings()]
