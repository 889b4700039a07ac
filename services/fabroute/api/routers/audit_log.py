"""The audit log: who did what to which thing, sealed so that nobody can change it unseen."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Filter, PageQuery, ReadSession, caller_with
from fabroute.api.pages import listing
from fabroute.api.schemas.audit_log import AuditEntryOut, AuditHeadOut, audit_entry_out, audit_head_out
from fabroute.api.schemas.base import Instant, Listing
from fabroute.identity.rules import Principal
from fabroute.identity.service import UnknownOrganisation
from fabroute.identity.service.sealing import (
    AuditFilter,
    MalformedAuditCursor,
    audit_head,
    list_audit_log,
    readable_chain,
)

router = APIRouter(prefix="/v1", tags=["audit log"], route_class=ContractRoute)

AuditReader = Annotated[Principal, Depends(caller_with("audit:read"))]
Whose = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=120,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="For the operator: another organisation, or `installation` for what belongs to none.",
    ),
]


def get_chain(caller: AuditReader, session: ReadSession, organisation_id: Whose = None) -> str:
    """Return whose audit log is read: the caller's own unless it is the operator."""
    return readable_chain(session, principal=caller, organisation_id=organisation_id)


Chain = Annotated[str, Depends(get_chain)]


def get_filter(
    subject_type: Filter = None,
    subject_id: Filter = None,
    actor: Filter = None,
    action: Filter = None,
    since: Annotated[Instant | None, Query(description="The earliest instant.")] = None,
    until: Annotated[Instant | None, Query(description="The first instant that is too late.")] = None,
) -> AuditFilter:
    """Return which entries are asked for."""
    return AuditFilter(
        subject_type=subject_type, subject_id=subject_id, actor=actor, action=action, since=since, until=until
    )


@router.get("/audit-log", responses=docs.NEXT_PAGE | docs.problems(UnknownOrganisation, MalformedAuditCursor))
def list_entries(
    request: Request,
    response: Response,
    session: ReadSession,
    chain: Chain,
    wanted: Annotated[AuditFilter, Depends(get_filter)],
    page: PageQuery,
) -> Listing[AuditEntryOut]:
    """List who did what in your organisation, the last first. An entry is here once it is sealed: within seconds."""
    found = list_audit_log(session, chain=chain, wanted=wanted, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, audit_entry_out)


@router.get("/audit-log/head", responses=docs.problems(UnknownOrganisation))
def get_head(session: ReadSession, chain: Chain) -> AuditHeadOut:
    """Read how far your audit log is, with the last signed root: keep it, and nobody can rewrite what was before."""
    return audit_head_out(audit_head(session, chain=chain))
