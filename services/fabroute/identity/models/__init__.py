"""Tables of organisations, keys, audit entries and idempotent answers."""

from fabroute.identity.models.audit import AuditEntry
from fabroute.identity.models.idempotency import IdempotencyKey
from fabroute.identity.models.keys import ApiKey
from fabroute.identity.models.oauth import AccessToken, OAuthClient
from fabroute.identity.models.organisations import Organisation
from fabroute.identity.models.people import (
    Invitation,
    Person,
    PersonIdentity,
    PersonSession,
    RecoveryCode,
    SignInAttempts,
)
from fabroute.identity.models.seals import AuditRoot, AuditSeal, AuditWatermark

__all__ = [
    "AccessToken",
    "ApiKey",
    "AuditEntry",
    "AuditRoot",
    "AuditSeal",
    "AuditWatermark",
    "IdempotencyKey",
    "Invitation",
    "OAuthClient",
    "Organisation",
    "Person",
    "PersonIdentity",
    "PersonSession",
    "RecoveryCode",
    "SignInAttempts",
]
