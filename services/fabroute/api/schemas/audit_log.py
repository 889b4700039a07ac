"""The audit log over the wire."""

from typing import Any

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.identity.service.sealing import AuditHead, SealedEntry, SignedRoot


class AuditEntryOut(ResponseModel):
    """Who did what to which thing, and the seal that nobody can make anew unseen."""

    id: int = Field(description="Grows with time, with gaps.")
    organisation_id: str | None = Field(description="Whose it is; null: of the installation itself.")
    occurred_at: AwareDatetime
    actor: str = Field(
        description="The id of an API key, an OAuth client or a person, or `system:` and what of fabroute did it."
    )
    action: str = Field(description="What was done, e.g. `order.placed`, `job.accepted`, `api_key.revoked`.")
    subject_type: str = Field(description="What it was done to, e.g. `order`, `job`, `part_revision`.")
    subject_id: str
    data: dict[str, Any] = Field(description="What else there is to know: reasons, figures, names.")
    position: int = Field(description="Its place in the chain, from 1, without gaps.")
    hash: str = Field(description="SHA-256 of the entry, its position and the hash before: hexadecimal.")
    sealed_at: AwareDatetime


class AuditRootOut(ResponseModel):
    """A signed statement of how far a chain was."""

    position: int
    hash: str
    statement: str = Field(description="What is signed: JSON, byte for byte, with the time.")
    signature: str = Field(description="Ed25519, base64.")
    public_key: str = Field(description="Of this installation, base64: keep it when you first see it.")


class AuditHeadOut(ResponseModel):
    """How far the chain of an organisation is. Who keeps it can later tell that nothing before it was changed."""

    organisation_id: str
    position: int = Field(description="Of the last sealed entry; 0: there is none.")
    hash: str
    root: AuditRootOut | None = Field(description="The last one that was signed, which is done hourly.")


def audit_entry_out(entry: SealedEntry) -> AuditEntryOut:
    """Return an entry for an answer."""
    return AuditEntryOut(
        id=entry.entry_id,
        organisation_id=entry.organisation_id,
        occurred_at=entry.occurred_at,
        actor=entry.actor,
        action=entry.action,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        data=dict(entry.data),
        position=entry.position,
        hash=entry.hash,
        sealed_at=entry.sealed_at,
    )


def audit_head_out(head: AuditHead) -> AuditHeadOut:
    """Return a head for an answer."""
    root = None if head.root is None else _root_out(head.root)
    return AuditHeadOut(organisation_id=head.organisation_id, position=head.position, hash=head.hash, root=root)


def _root_out(root: SignedRoot) -> AuditRootOut:
    return AuditRootOut(
        position=root.position,
        hash=root.hash,
        statement=root.statement,
        signature=root.signature,
        public_key=root.public_key,
    )
