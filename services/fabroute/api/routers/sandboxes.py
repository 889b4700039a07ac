"""Sandboxes: a world of one's own, in which nodes answer by themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import KeysWriter, Now, WriteSession, get_resources
from fabroute.api.resources import Resources
from fabroute.api.schemas.sandboxes import SandboxIn, SandboxOut, sandbox_out
from fabroute.identity.rules import Principal
from fabroute.integrations.sandbox_parts import describe_sandbox
from fabroute.inventory.ports import PrintFileStoreDown
from fabroute.sandbox.service import NewSandbox, open_sandbox

router = APIRouter(prefix="/v1", tags=["sandboxes"], route_class=ContractRoute)


async def get_opener(principal: KeysWriter) -> Principal:
    """Return the caller if it is the operator; ``OperatorOnly`` otherwise."""
    if principal.kind != "operator":
        raise errors.OperatorOnly("sandboxes are opened by the operator: ask for one, it comes with a key")
    return principal


def get_new_sandbox(
    _: Annotated[Principal, Depends(get_opener)],
    asked: Annotated[SandboxIn, Depends(json_body(SandboxIn))],
    resources: Annotated[Resources, Depends(get_resources)],
) -> NewSandbox:
    """Return what the sandbox is made of.

    No transaction is open yet: it would be cut off for being idle while print files are drawn and validated.
    """
    return describe_sandbox(name=asked.name, store=resources.store)


@router.post(
    "/sandboxes",
    status_code=201,
    responses=docs.problems(errors.OperatorOnly, PrintFileStoreDown, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(SandboxIn),
)
def create_sandbox(
    response: Response,
    new: Annotated[NewSandbox, Depends(get_new_sandbox)],
    resources: Annotated[Resources, Depends(get_resources)],
    session: WriteSession,
    now: Now,
) -> SandboxOut:
    """Open a sandbox for an integrator, as the operator: a key, parts, and nodes that answer by themselves.

    Orders placed with its key live their whole life in about a minute, and nothing of it touches the real world. The
    first sandbox of an installation takes some seconds, since its print files are drawn and validated.
    """
    opened = open_sandbox(session, new=new, signer=resources.signer, now=now)
    response.headers["Location"] = f"/v1/organisations/{opened.organisation_id}"
    return sandbox_out(opened)
