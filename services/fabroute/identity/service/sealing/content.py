"""What is hashed of an audit entry, so that another program than this one can hash it, too."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""The hash before the first entry of a chain."""

ROOT_KIND = "fabroute.audit-root.v1"

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryContent:
    """An audit entry as it stands in the database."""

    entry_id: int
    organisation_id: str | None
    occurred_at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where an entry stands in its chain."""

    position: int
    previous_hash: str
    sealed_at: datetime


def canonical(document: Mapping[str, Any]) -> str:
    """Return ``document`` as JSON with sorted keys, without spaces and with letters as they are."""
    return _CANONICAL.encode(document)


def sealed_content(entry: EntryContent, link: Link) -> str:
    """Return the text whose SHA-256 seals an entry at its place: all that it says, and the hash before it."""
    return _CANONICAL.encode(
        {
            "action": entry.action,
            "actor": entry.actor,
            "data": entry.data,
            "entry_id": entry.entry_id,
            "occurred_at": instant_text(entry.occurred_at),
            "organisation_id": entry.organisation_id,
            "position": link.position,
            "previous_hash": link.previous_hash,
            "sealed_at": instant_text(link.sealed_at),
            "subject_id": entry.subject_id,
            "subject_type": entry.subject_type,
        }
    )


def hash_of(content: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(content.encode()).hexdigest()


def root_statement(*, chain: str, position: int, hash_: str, made_at: datetime) -> str:
    """Return what is signed of a chain's head."""
    return canonical(
        {"chain": chain, "hash": hash_, "kind": ROOT_KIND, "made_at": instant_text(made_at), "position": position}
    )


def instant_text(when: datetime) -> str:
    """Return an instant in UTC to the microsecond: ``2026-06-15T08:00:00.000000+00:00``."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")
