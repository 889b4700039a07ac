"""Organisations over the wire."""

from typing import Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Note, RequestModel, ResponseModel, TrimmedLabel
from fabroute.identity.service.organisations import OrganisationChange, OrganisationView


class OrganisationIn(RequestModel):
    """An organisation that takes part: it gets an id, and a key by `POST /v1/api-keys`."""

    name: TrimmedLabel = Field(examples=["Nordbahn Ersatzteile"])
    kind: Literal["owner", "bureau"] = Field(description="`owner` orders parts, `bureau` prints them.")


class OrganisationChangeIn(RequestModel):
    """What changes; what is left out stays."""

    name: TrimmedLabel | None = None
    suspended: bool | None = Field(
        default=None,
        description="`true`: all its keys, tokens and people are refused with `organisation_suspended`, and its open "
        "jobs stay as they are; `false` restores it.",
    )
    reason: Note = Field(default="", description="Why it is suspended; for the operator and the audit log.")


class OrganisationOut(ResponseModel):
    """An organisation."""

    id: str
    name: str
    kind: str = Field(description="`owner`, `bureau` or `operator`.")
    created_at: AwareDatetime
    suspended_at: AwareDatetime | None
    suspension_reason: str


def organisation_change(asked: OrganisationChangeIn, *, version: int | None) -> OrganisationChange:
    """Return a change as the service takes it."""
    return OrganisationChange(name=asked.name, suspended=asked.suspended, reason=asked.reason, expected_version=version)


def organisation_out(organisation: OrganisationView) -> OrganisationOut:
    """Return an organisation for an answer."""
    return OrganisationOut(
        id=organisation.organisation_id,
        name=organisation.name,
        kind=organisation.kind,
        created_at=organisation.created_at,
        suspended_at=organisation.suspended_at,
        suspension_reason=organisation.suspension_reason,
    )
