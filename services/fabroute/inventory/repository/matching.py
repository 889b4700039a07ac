"""The statement that finds parts by whatever words a person has for them, and says by which of these."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session


def _nearness(column: str, *, first: int) -> str:
    """Return how near a text is to the words: the whole of it, its beginning, somewhere in it."""
    return (
        f"CASE WHEN lower({column}) = lower(:exactly) THEN {first} WHEN {column} ILIKE :prefix THEN {first + 10}"
        f" ELSE {first + 20} END"
    )


_MATCHES = text(f"""
WITH hits AS (
    SELECT id AS part_id, {_nearness("part_no", first=0)} AS far, 'part_no' AS found_in, part_no AS found
    FROM parts WHERE organisation_id = :organisation_id AND part_no ILIKE :contains
    UNION ALL
    SELECT part_id, {_nearness("number", first=1)}, 'alias', number
    FROM part_aliases WHERE organisation_id = :organisation_id AND number ILIKE :contains
    UNION ALL
    SELECT part_id, {_nearness("asset", first=2)}, 'asset', concat_ws(' · ', asset, nullif(position, ''))
    FROM asset_positions WHERE organisation_id = :organisation_id AND asset ILIKE :contains
    UNION ALL
    SELECT id, {_nearness("name", first=3)}, 'name', name
    FROM parts WHERE organisation_id = :organisation_id AND name ILIKE ALL(:words)
), nearest AS (SELECT DISTINCT ON (part_id) * FROM hits ORDER BY part_id, far, found)
SELECT part.id AS part_id, part.part_no, part.name, nearest.found_in, nearest.found,
    revision.id AS revision_id, revision.revision, revision.on_hold_since IS NOT NULL AS is_on_hold
FROM nearest JOIN parts part ON part.id = nearest.part_id
LEFT JOIN part_revisions revision ON revision.part_id = part.id AND revision.state = 'released'
ORDER BY nearest.far, part.part_no LIMIT :limit
""")


def match_parts(session: Session, *, organisation_id: str, words: str, limit: int) -> Sequence[RowMapping]:
    """Return an owner's parts that words find, the nearest first: by their number, another one, a place, their name."""
    values = {
        "organisation_id": organisation_id,
        "exactly": words,
        "prefix": f"{_escaped(words)}%",
        "contains": f"%{_escaped(words)}%",
        "words": [f"%{_escaped(word)}%" for word in words.split()],
        "limit": limit,
    }
    return session.connection().execute(_MATCHES, values).mappings().all()


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
