"""Which print file of a folder belongs to which revision, by its name. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES: Mapping[str, str] = {".3mf": "model/3mf", ".stl": "model/stl"}
_SEPARATORS = ("_", "-rev", "-Rev", " rev ", " Rev ")
"""Between part number and revision in a file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRevision:
    """A revision that a file may be for."""

    part_no: str
    revision: str
    revision_id: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedFile:
    """A file and the revision that it is for."""

    file: Path
    media_type: str
    revision: KnownRevision


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedFile:
    """A file that is left out, and why."""

    file: Path
    reason: str


def print_files_in(folder: Path) -> list[Path]:
    """Return the 3MF and STL files in a folder and the folders in it, in the order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def match_files(
    files: Iterable[Path], revisions: Sequence[KnownRevision], *, part_nos: Iterable[str] = ()
) -> tuple[tuple[MatchedFile, ...], tuple[UnmatchedFile, ...]]:
    """Return the files that belong to one revision each, and those that don't, with reasons.

    ``PART.3mf`` is for the part's only draft; ``PART_REV.3mf``, ``PART-revREV.3mf`` or ``PART rev REV.3mf`` name the
    revision. Slashes of part numbers, which no file name can hold, are written as ``~``.
    ``part_nos`` names the parts there are, those without a revision, too.
    """
    by_part: dict[str, list[KnownRevision]] = {part_no.replace("/", "~"): [] for part_no in part_nos}
    for revision in revisions:
        by_part.setdefault(revision.part_no.replace("/", "~"), []).append(revision)
    found = [_match(file, by_part) for file in files]
    return _unique([item for item in found if isinstance(item, MatchedFile)], found)


def _unique(
    matched: Sequence[MatchedFile], found: Sequence[MatchedFile | UnmatchedFile]
) -> tuple[tuple[MatchedFile, ...], tuple[UnmatchedFile, ...]]:
    first: dict[str, MatchedFile] = {}
    left_out = [item for item in found if isinstance(item, UnmatchedFile)]
    for item in matched:
        earlier = first.setdefault(item.revision.revision_id, item)
        if earlier is not item:
            left_out.append(UnmatchedFile(file=item.file, reason=f"{earlier.file.name} is for the same revision"))
    return tuple(first.values()), tuple(left_out)


def _match(file: Path, by_part: Mapping[str, Sequence[KnownRevision]]) -> MatchedFile | UnmatchedFile:
    named = _named_revision(file.stem, by_part)
    if isinstance(named, str):
        return UnmatchedFile(file=file, reason=named)
    if named.state not in ("draft", "validated"):
        return UnmatchedFile(
            file=file, reason=f"revision {named.revision} of {named.part_no} is {named.state}: it keeps its file"
        )
    return MatchedFile(file=file, media_type=SUFFIXES[file.suffix.lower()], revision=named)


def _named_revision(stem: str, by_part: Mapping[str, Sequence[KnownRevision]]) -> KnownRevision | str:
    if stem in by_part:
        return _only_draft(stem, by_part[stem])
    for separator in _SEPARATORS:
        part_no, found, name = stem.rpartition(separator)
        if found and part_no in by_part:
            if not by_part[part_no]:
                return _without_revision(part_no)
            known = [revision for revision in by_part[part_no] if revision.revision == name.strip()]
            return known[0] if known else f"{part_no} has no revision {name}: add it first"
    return f"no part is called {stem}: name the file PART.3mf or PART_REVISION.3mf, or add the part first"


def _only_draft(part_no: str, revisions: Sequence[KnownRevision]) -> KnownRevision | str:
    drafts = [revision for revision in revisions if revision.state == "draft"]
    if len(drafts) == 1:
        return drafts[0]
    if drafts:
        names = ", ".join(draft.revision for draft in drafts)
        return f"{part_no} has several drafts ({names}): name the file {part_no}_REVISION"
    if not revisions:
        return _without_revision(part_no)
    return f"{part_no} has no draft revision: add one first"


def _without_revision(part_no: str) -> str:
    return f"{part_no} has no revision: add one first"
