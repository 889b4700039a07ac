"""Audit logs: entries of several organisations, sealed and with signed roots."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.ports import RootFolder, RootSigner
from fabroute.identity.service import AuditRecord, record_audits
from fabroute.identity.service.sealing import (
    Evidence,
    Finding,
    Verification,
    export_roots,
    seal_audit_log,
    verify_audit_log,
)
from fabroute.integrations.validation.signing import Ed25519Signer, verify
from tests.factories.databases import rows
from tests.factories.organisations import BUREAU, NOW, OWNER

CHAINS = (OWNER, BUREAU, None)
"""Whose entries take turns; ``None``: of nobody."""


def an_entry(
    *,
    number: int = 0,
    organisation_id: str | None = OWNER,
    actor: str = "key_1",
    action: str = "job.accepted",
    occurred_at: datetime = NOW,
) -> AuditRecord:
    """Return an audit entry; its ``number`` makes it another than the rest."""
    return AuditRecord(
        organisation_id=organisation_id,
        occurred_at=occurred_at + timedelta(seconds=number),
        actor=actor,
        action=action,
        subject_type="job",
        subject_id=f"job_{number}",
        data={"note": f"Nº {number}", "price_minor": number, "share": number / 7, "late": number % 2 == 0, "of": None},
    )


def given_entries(engine: Engine, entries: Iterable[AuditRecord]) -> None:
    """Write entries in one transaction."""
    with unit_of_work(engine) as session:
        record_audits(session, entries=tuple(entries))


def given_log(engine: Engine, *, entries: int, chains: tuple[str | None, ...] = CHAINS) -> None:
    """Write ``entries``, the chains taking turns, and seal them."""
    given_entries(engine, [an_entry(number=it, organisation_id=chains[it % len(chains)]) for it in range(entries)])
    seal_audit_log(engine, seconds=30.0)


def given_roots(engine: Engine, folder: RootFolder, *, signer: RootSigner | None = None) -> int:
    """Sign and export the heads of all chains; return how many."""
    with unit_of_work(engine) as session:
        return export_roots(session, signer=signer or a_signer(), folder=folder, every_seconds=0.0)


@lru_cache(maxsize=1)
def a_signer() -> Ed25519Signer:
    """Return the installation's signer: one key for all tests."""
    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))


def verified(session: Session, *, folder: RootFolder | None = None, organisation_id: str | None = None) -> Verification:
    """Return what a verification says that trusts only the installation's key."""
    evidence = Evidence(check=verify, trusted_keys=frozenset({a_signer().public_key}), folder=folder)
    return verify_audit_log(session, evidence=evidence, organisation_id=organisation_id)


def told(found: Iterable[Finding]) -> list[tuple[str, str, int | None, int | None]]:
    """Return code, chain, position and entry of findings."""
    return [(it.code, it.chain, it.position, it.entry_id) for it in found]


def sealed_ids(session: Session, *, chain: str) -> list[int]:
    """Return the ids of a chain's entries by position."""
    query = "SELECT entry_id FROM audit_seals WHERE organisation_id = :chain ORDER BY position"
    return [int(str(entry_id)) for (entry_id,) in rows(session, query, chain=chain)]
