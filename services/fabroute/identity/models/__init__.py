"""Tables of organisations, keys, audit entries and idempotent answers."""

from fabroute.identity.models.audit import AuditEntry
from fabroute.identity.models.idempotency import IdempotencyKey
from fabroute.identity.models.keys import ApiKey
from fabroute.identity.models.organisations import Organisation

__all__ = ["ApiKey", "AuditEntry", "IdempotencyKey", "Organisation"]
