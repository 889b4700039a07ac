"""Verifying: every edit, deletion, swap, insertion and truncation of the audit log, by position and entry.

Three things have to agree: the entries, the seals that were made of them, and the roots that were signed of the seals.
Who rewrites entries and seals alike has the roots against them; who rewrites the roots in the database, too, has those
that were exported. Only what came after the last exported root can be cut off without a trace.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain as chained
from typing import Any, Literal

from sqlalchemy import Row
from sqlmodel import Session

from fabroute.identity.ports import RootFolder, SignatureCheck
from fabroute.identity.repository import seals as repository
from fabroute.identity.repository.seals import INSTALLATION
from fabroute.identity.service.sealing.content import GENESIS, Link, hash_of, sealed_content
from fabroute.identity.service.sealing.restores import is_proven, restore_in, without_taken_back
from fabroute.identity.service.sealing.roots import SignedRoot, UnreadableRoots, root_of, roots_in, stated_root
from fabroute.identity.service.sealing.sealer import entry_of

FindingCode = Literal[
    "entry_changed",
    "entry_deleted",
    "position_missing",
    "position_repeated",
    "chain_broken",
    "entry_not_sealed",
    "truncated",
    "rewritten",
    "root_forged",
    "root_changed",
    "key_not_trusted",
    "export_missing",
    "export_changed",
]
Progress = Callable[[str, int, int], None]
"""Told as ``(what, done, total)``."""

UNSEALED_SECONDS = 60.0
"""An entry that has waited longer for its seal was forgotten, or put in behind the sealer's back."""
_MOST_FORGOTTEN = 1000
_STEP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong with the audit log."""

    code: FindingCode
    chain: str
    position: int | None
    """Of the chain, from 1; ``None`` where it has none."""
    entry_id: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the database is held against."""

    check: SignatureCheck
    trusted_keys: frozenset[str]
    """Public keys (base64) whose signatures count; empty: whichever a root names, which proves less."""
    folder: RootFolder | None = None
    """The exported roots, if they are at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was looked at, and what is wrong, the first first in each chain."""

    chains: int
    entries: int
    roots: int
    exports: int
    findings: tuple[Finding, ...]


@dataclass(slots=True, kw_only=True)
class _Tally:
    entries: int = 0
    roots: int = 0
    total: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Where in a chain the verification is."""

    chain: str
    position: int = 0
    hash: str | None = GENESIS
    """Of the position before, ``None`` right after a gap."""
    proven: int = 0
    """The last position that a root confirmed."""


def verify_audit_log(
    session: Session, *, evidence: Evidence, organisation_id: str | None = None, progress: Progress | None = None
) -> Verification:
    """Compare all entries, or those of one chain, with their seals and roots; the transaction should be one snapshot.

    ``organisation_id`` may be ``installation``.
    """
    exported, exports, findings = _exported(session, evidence, whole=organisation_id is None)
    tally = _Tally(total=repository.count_seals(session, chain=organisation_id), findings=findings)
    known = (organisation_id,) if organisation_id is not None else repository.read_chains(session)
    names = known if organisation_id is not None else tuple(sorted({*known, *exported}))
    for name in names:
        kept = [root_of(row) for row in repository.read_roots(session, chain=name)]
        roots = _counting(tally, [*kept, *exported.get(name, ())], evidence)
        _verify_chain(session, _Walk(chain=name), roots, tally, progress)
    tally.findings += _forgotten(session, organisation_id)
    return Verification(
        chains=len(names), entries=tally.entries, roots=tally.roots, exports=exports, findings=tuple(tally.findings)
    )


def _verify_chain(
    session: Session,
    walk: _Walk,
    roots: Mapping[int, Sequence[SignedRoot]],
    tally: _Tally,
    progress: Progress | None,
) -> None:
    for row in repository.stream_sealed(session, chain=walk.chain):
        tally.findings += chained(_judged(walk, row), _against_roots(walk, row, roots.get(row.position, ())))
        tally.entries += 1
        if progress is not None and (tally.entries % _STEP == 0 or tally.entries == tally.total):
            progress("audit entries", tally.entries, tally.total)
    tally.findings += _cut_off(walk, roots)


def _judged(walk: _Walk, row: Row[Any]) -> Iterator[Finding]:
    """Yield what is wrong with a seal and its entry, and step on."""
    expected = walk.position + 1
    if row.position > expected:
        yield _finding(walk, "position_missing", expected, None, f"{_span(expected, row.position - 1)} taken out")
        walk.hash = None
    elif row.position < expected:
        yield _finding(walk, "position_repeated", row.position, row.entry_id, "a second seal was put into this place")
    if walk.hash is not None and row.previous_hash != walk.hash and row.position >= expected:
        yield _finding(walk, "chain_broken", row.position, row.entry_id, "it does not follow the seal before it")
    if row.found_id is None:
        yield _finding(walk, "entry_deleted", row.position, row.entry_id, "the entry was deleted; its seal is left")
    elif hash_of(sealed_content(entry_of(row, entry_id=row.entry_id), _link(row))) != row.hash:
        yield _finding(walk, "entry_changed", row.position, row.entry_id, "the entry, or its seal, is not what it was")
    walk.position, walk.hash = max(row.position, walk.position), row.hash


def _against_roots(walk: _Walk, row: Row[Any], roots: Iterable[SignedRoot]) -> Iterator[Finding]:
    for root in roots:
        if root.hash == row.hash:
            walk.proven = row.position
        else:
            since = f"between positions {walk.proven + 1} and {row.position}"
            yield _finding(walk, "rewritten", row.position, row.entry_id, f"a signed root says otherwise: {since}")


def _cut_off(walk: _Walk, roots: Mapping[int, Sequence[SignedRoot]]) -> Iterator[Finding]:
    last = max(roots, default=0)
    if last > walk.position:
        lost = f"{_span(walk.position + 1, last)} cut off: a signed root knew {last} of them"
        yield _finding(walk, "truncated", walk.position + 1, None, lost)


def _counting(tally: _Tally, roots: Sequence[SignedRoot], evidence: Evidence) -> Mapping[int, Sequence[SignedRoot]]:
    """Return the roots that prove something, by position; note those that are none."""
    found: dict[int, list[SignedRoot]] = defaultdict(list)
    for root in dict.fromkeys(roots):
        wrong = _wrong_with(root, evidence)
        if wrong is None:
            found[root.position].append(root)
        else:
            tally.findings.append(wrong)
        tally.roots += 1
    return found


def _wrong_with(root: SignedRoot, evidence: Evidence) -> Finding | None:
    walk = _Walk(chain=root.chain)
    if not evidence.check(root.public_key, root.statement.encode(), root.signature):
        return _finding(walk, "root_forged", root.position, None, "the signature of this root is not of what it says")
    if evidence.trusted_keys and root.public_key not in evidence.trusted_keys:
        words = f"this root is signed by the key {root.public_key}, which is not trusted here (--public-key)"
        return _finding(walk, "key_not_trusted", root.position, None, words)
    if not _says_what_it_states(root):
        return _finding(
            walk, "root_changed", root.position, None, "the row of this root is not what its statement says"
        )
    return None


def _says_what_it_states(root: SignedRoot) -> bool:
    try:
        return root == stated_root(statement=root.statement, signature=root.signature, public_key=root.public_key)
    except UnreadableRoots:
        return False


def _exported(
    session: Session, evidence: Evidence, *, whole: bool
) -> tuple[Mapping[str, Sequence[SignedRoot]], int, list[Finding]]:
    """Return the exported roots by chain, how many files there are, and what is wrong with the files."""
    roots: dict[str, list[SignedRoot]] = defaultdict(list)
    if evidence.folder is None:
        return roots, 0, []
    contents = {key: evidence.folder.get(key) or b"" for key in evidence.folder.names()}
    findings = _missing_exports(session, contents) if whole else []
    stated = {key: restore for key, content in contents.items() if (restore := restore_in(content)) is not None}
    restores = [it for it in stated.values() if is_proven(it, check=evidence.check, trusted_keys=evidence.trusted_keys)]
    for key, content in contents.items():
        if key in stated:
            continue
        try:
            for root in without_taken_back(roots_in(content), restores):
                roots[root.chain].append(root)
        except UnreadableRoots as error:
            findings.append(_export_finding("export_changed", None, f"{key}: {error.message}"))
    return roots, len(contents), findings


def _missing_exports(session: Session, contents: Mapping[str, bytes]) -> list[Finding]:
    findings = []
    for row in repository.read_exports(session):
        if row.key not in contents:
            findings.append(_export_finding("export_missing", row.id, f"the exported file {row.key} is gone"))
        elif hashlib.sha256(contents[row.key]).hexdigest() != row.sha256:
            findings.append(_export_finding("export_changed", row.id, f"the exported file {row.key} was changed"))
    return findings


def _forgotten(session: Session, chain: str | None) -> Iterator[Finding]:
    found = repository.read_forgotten(session, chain=chain, older_than_seconds=UNSEALED_SECONDS, limit=_MOST_FORGOTTEN)
    for row in found:
        words = f"the entry of {row.occurred_at:%Y-%m-%d %H:%M:%S} has no seal: put in later, or its seal was taken"
        yield Finding(code="entry_not_sealed", chain=row.chain, position=None, entry_id=row.id, message=words)


def _link(row: Row[Any]) -> Link:
    return Link(position=row.position, previous_hash=row.previous_hash, sealed_at=row.sealed_at)


def _span(first: int, last: int) -> str:
    return f"position {first} was" if first == last else f"positions {first} to {last} were"


def _finding(walk: _Walk, code: FindingCode, position: int, entry_id: int | None, message: str) -> Finding:
    return Finding(code=code, chain=walk.chain, position=position, entry_id=entry_id, message=message)


def _export_finding(code: FindingCode, entry_id: int | None, message: str) -> Finding:
    return Finding(code=code, chain=INSTALLATION, position=None, entry_id=entry_id, message=message)
