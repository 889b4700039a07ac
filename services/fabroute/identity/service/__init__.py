"""Organisations, their API keys, and the record of who did what."""

from fabroute.identity.service.audit import (
    AuditedRefusal,
    AuditRecord,
    AuditView,
    read_audit,
    record_audit,
    record_audits,
)
from fabroute.identity.service.credentials import OrganisationSuspended, authenticate, live_keys
from fabroute.identity.service.grants import UnknownScope
from fabroute.identity.service.keys import IssuedKey, UnknownApiKey, issue_api_key, revoke_api_key
from fabroute.identity.service.organisations import (
    InvalidOrganisation,
    UnknownOrganisation,
    create_organisation,
    organisation_name,
)

__all__ = [
    "AuditRecord",
    "AuditView",
    "AuditedRefusal",
    "InvalidOrganisation",
    "IssuedKey",
    "OrganisationSuspended",
    "UnknownApiKey",
    "UnknownOrganisation",
    "UnknownScope",
    "authenticate",
    "create_organisation",
    "issue_api_key",
    "live_keys",
    "organisation_name",
    "read_audit",
    "record_audit",
    "record_audits",
    "revoke_api_key",
]
