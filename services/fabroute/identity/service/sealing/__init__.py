"""The audit log's hash chains: sealed, signed, exported, verified, read."""

from fabroute.identity.repository.seals import INSTALLATION
from fabroute.identity.service.sealing.exporting import CHECKING_PROGRAM, export_audit_log
from fabroute.identity.service.sealing.listing import (
    AuditFilter,
    AuditHead,
    MalformedAuditCursor,
    SealedEntry,
    audit_head,
    list_audit_log,
    readable_chain,
)
from fabroute.identity.service.sealing.restores import export_restore
from fabroute.identity.service.sealing.roots import SignedRoot, UnreadableRoots, export_roots
from fabroute.identity.service.sealing.sealer import seal_audit_log, sealing_waits
from fabroute.identity.service.sealing.verifying import (
    UNSEALED_SECONDS,
    Evidence,
    Finding,
    Verification,
    verify_audit_log,
)

__all__ = [
    "CHECKING_PROGRAM",
    "INSTALLATION",
    "UNSEALED_SECONDS",
    "AuditFilter",
    "AuditHead",
    "Evidence",
    "Finding",
    "MalformedAuditCursor",
    "SealedEntry",
    "SignedRoot",
    "UnreadableRoots",
    "Verification",
    "audit_head",
    "export_audit_log",
    "export_restore",
    "export_roots",
    "list_audit_log",
    "readable_chain",
    "seal_audit_log",
    "sealing_waits",
    "verify_audit_log",
]
