"""Signed statements that the log was brought back from a backup: what roots of the time between say is no truncation.

Without one, whoever cuts off the log's end could say so; with one, only who has the signing key, as for the roots.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.ports import RootFolder, RootSigner, SignatureCheck
from fabroute.identity.repository import seals as repository
from fabroute.identity.service.audit import AuditRecord, record_audit
from fabroute.identity.service.sealing.content import canonical, instant_text
from fabroute.identity.service.sealing.roots import SignedRoot

RESTORE_KIND = "fabroute.audit-restore.v1"
_ACTOR = "system:restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRestore:
    """A signed statement that the log is since ``restored_at`` what it was at ``snapshot_at``."""

    snapshot_at: datetime
    restored_at: datetime
    heads: Mapping[str, int]
    """The last position of each chain then."""
    statement: str
    signature: str
    public_key: str

    def took_back(self, root: SignedRoot) -> bool:
        """Whether a root is of entries that came after the backup and went with the restore."""
        made_at = datetime.fromisoformat(str(json.loads(root.statement)["made_at"]))
        is_later = root.position > self.heads.get(root.chain, 0)
        return is_later and self.snapshot_at <= made_at <= self.restored_at


def export_restore(
    session: Session, *, signer: RootSigner, folder: RootFolder, snapshot_at: datetime, restored_at: datetime
) -> None:
    """Sign how far the chains are after a restore, and keep that in ``folder``. Raises ``RootFolderDown``."""
    heads = repository.read_heads(session, repository.read_chains(session))
    statement = canonical(
        {
            "heads": {chain: position for chain, (position, _) in heads.items()},
            "kind": RESTORE_KIND,
            "restored_at": instant_text(restored_at),
            "snapshot_at": instant_text(snapshot_at),
        }
    )
    document = {"public_key": signer.public_key, "signature": signer.sign(statement.encode()), "statement": statement}
    content = f"{json.dumps(document, sort_keys=True)}\n".encode()
    key = f"{restored_at:%Y/%m/%d}/{restored_at:%Y%m%dT%H%M%S.%f}Z-restored.jsonl"
    folder.put(key, content)
    record_audit(session, entry=_entry(key, content, restored_at))


def restore_in(content: bytes) -> SignedRestore | None:
    """Return the restore that an exported file states, its signature unchecked; ``None`` where it is of roots."""
    try:
        document = json.loads(content)
        said = json.loads(document["statement"])
        if said["kind"] != RESTORE_KIND:
            return None
        return SignedRestore(
            snapshot_at=datetime.fromisoformat(said["snapshot_at"]),
            restored_at=datetime.fromisoformat(said["restored_at"]),
            heads={str(chain): int(position) for chain, position in said["heads"].items()},
            statement=document["statement"],
            signature=document["signature"],
            public_key=document["public_key"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def is_proven(restore: SignedRestore, *, check: SignatureCheck, trusted_keys: frozenset[str]) -> bool:
    """Tell whether a restore was signed, by a key that is trusted if any are named."""
    is_trusted = not trusted_keys or restore.public_key in trusted_keys
    return is_trusted and check(restore.public_key, restore.statement.encode(), restore.signature)


def without_taken_back(roots: Sequence[SignedRoot], restores: Sequence[SignedRestore]) -> list[SignedRoot]:
    """Return the roots that hold still: none that is of a time that a restore took back."""
    return [root for root in roots if not any(restore.took_back(root) for restore in restores)]


def _entry(key: str, content: bytes, restored_at: datetime) -> AuditRecord:
    return AuditRecord(
        organisation_id=None,
        occurred_at=restored_at,
        actor=_ACTOR,
        action="audit.roots_exported",
        subject_type="audit_export",
        subject_id=key,
        data={"sha256": hashlib.sha256(content).hexdigest(), "roots": 0},
    )
