"""Signed roots: how far each chain was at a time, kept where who can write to the database can't reach."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from fabroute.identity.ports import RootFolder, RootSigner
from fabroute.identity.repository import seals as repository
from fabroute.identity.service.audit import AuditRecord, record_audit
from fabroute.identity.service.sealing.content import ROOT_KIND, root_statement
from fabroute.kernel.errors import DomainError

_ACTOR = "system:audit"


class UnreadableRoots(DomainError):
    """An exported file of roots has a line that is none."""

    code = "unreadable_roots"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRoot:
    """A signed statement of how far a chain was."""

    chain: str
    position: int
    hash: str
    statement: str
    signature: str
    public_key: str


def export_roots(session: Session, *, signer: RootSigner, folder: RootFolder, every_seconds: float) -> int:
    """Sign the head of each chain that moved, keep it here and in ``folder``; return how many roots.

    Nothing is done when roots were made less than ``every_seconds`` ago. The audit log itself says what was exported,
    so that a file that is missing later is missed. Raises ``RootFolderDown``.
    """
    now = repository.wait_for_sealing(session)
    age = repository.last_roots_age_seconds(session)
    if age is not None and age < every_seconds:
        return 0
    heads = repository.read_moved_heads(session, repository.read_chains(session))
    if not heads:
        return 0
    roots = [_signed(head, signer=signer, now=now) for head in heads]
    repository.insert_roots(session, [_root_row(root, now) for root in roots])
    _export(session, roots, folder=folder, now=now)
    return len(roots)


def root_line(root: SignedRoot) -> str:
    """Return a root as a line of an exported file."""
    document = {"public_key": root.public_key, "signature": root.signature, "statement": root.statement}
    return json.dumps(document, sort_keys=True)


def roots_in(content: bytes) -> tuple[SignedRoot, ...]:
    """Return the roots of an exported file, their signatures unchecked. Raises ``UnreadableRoots``."""
    try:
        documents = [json.loads(line) for line in content.decode().splitlines()]
        return tuple(stated_root(**document) for document in documents)
    except (ValueError, TypeError) as error:
        raise UnreadableRoots(f"this is no file of audit roots ({type(error).__name__}): it was changed") from error


def stated_root(*, statement: str, signature: str, public_key: str) -> SignedRoot:
    """Return the root that a statement tells of, its signature unchecked. Raises ``UnreadableRoots``."""
    try:
        stated = json.loads(statement)
        if stated["kind"] != ROOT_KIND:
            raise UnreadableRoots(f"this is a statement of another kind: {stated['kind']}")
        chain, position, hash_ = str(stated["chain"]), int(stated["position"]), str(stated["hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableRoots(f"this is no statement of an audit root ({type(error).__name__})") from error
    return SignedRoot(
        chain=chain, position=position, hash=hash_, statement=statement, signature=signature, public_key=public_key
    )


def root_of(row: Row[Any]) -> SignedRoot:
    """Return the root that a row of the database holds."""
    return SignedRoot(
        chain=row.organisation_id,
        position=row.position,
        hash=row.hash,
        statement=row.statement,
        signature=row.signature,
        public_key=row.public_key,
    )


def _signed(head: Row[Any], *, signer: RootSigner, now: datetime) -> SignedRoot:
    statement = root_statement(chain=head.name, position=head.position, hash_=head.hash, made_at=now)
    return SignedRoot(
        chain=head.name,
        position=head.position,
        hash=head.hash,
        statement=statement,
        signature=signer.sign(statement.encode()),
        public_key=signer.public_key,
    )


def _root_row(root: SignedRoot, now: datetime) -> Mapping[str, object]:
    return {
        "organisation_id": root.chain,
        "position": root.position,
        "hash": root.hash,
        "made_at": now,
        "statement": root.statement,
        "signature": root.signature,
        "public_key": root.public_key,
    }


def _export(session: Session, roots: Sequence[SignedRoot], *, folder: RootFolder, now: datetime) -> None:
    content = "".join(f"{root_line(root)}\n" for root in roots).encode()
    key = f"{now:%Y/%m/%d}/{now:%Y%m%dT%H%M%S.%f}Z.jsonl"
    folder.put(key, content)
    entry = AuditRecord(
        organisation_id=None,
        occurred_at=now,
        actor=_ACTOR,
        action="audit.roots_exported",
        subject_type="audit_export",
        subject_id=key,
        data={"sha256": hashlib.sha256(content).hexdigest(), "roots": len(roots)},
    )
    record_audit(session, entry=entry)
