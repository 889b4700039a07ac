"""What the network loses: machines that go down, days that are cut, nodes that close for good."""

from typing import Annotated

from fastapi import APIRouter, Depends

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, NetworkWriter, Now, Operator, WriteSession, get_managed_node
from fabroute.api.schemas.rerouting import (
    CapacityCutIn,
    ClosureIn,
    MachineStatusIn,
    OutageOut,
    capacity_cut,
    outage_out,
)
from fabroute.network import service as network
from fabroute.network.service import outages as lost
from fabroute.production.service.rerouting import outages

router = APIRouter(prefix="/v1", tags=["nodes"], route_class=ContractRoute)


def get_managed_machine(machine_id: Identifier, principal: NetworkWriter, session: WriteSession) -> str:
    """Return the id of a machine that the caller may change; ``NodeNotYours`` for everyone else's."""
    get_managed_node(lost.node_of_machine(session, machine_id=machine_id), principal, session)
    return machine_id


ManagedMachine = Annotated[str, Depends(get_managed_machine)]


@router.patch(
    "/machines/{machine_id}",
    responses=docs.problems(
        lost.UnknownMachine,
        network.StaleVersion,
        errors.PreconditionRequired,
        errors.UnknownTag,
        errors.NodeNotYours,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(MachineStatusIn),
)
def set_machine_status(
    caller: NetworkWriter,
    machine_id: ManagedMachine,
    version: Annotated[int | None, Depends(require_match)],
    asked: Annotated[MachineStatusIn, Depends(json_body(MachineStatusIn))],
    session: WriteSession,
    now: Now,
) -> OutageOut:
    """Take a machine down or up; If-Match is the ETag of its node. Jobs that nobody has started leave at once.

    The node is asked to stop the others (`POST /v1/jobs/{id}/cancellation`); up again, unanswered requests are
    withdrawn.
    """
    change = lost.MachineChange(status=asked.status, reason=asked.reason, expected_version=version)
    found = outages.set_machine_status(session, machine_id=machine_id, change=change, actor=caller.key_id, now=now)
    return outage_out(found)


@router.post(
    "/machines/{machine_id}/capacity",
    responses=docs.problems(lost.UnknownMachine, lost.InvalidCut, errors.NodeNotYours, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(CapacityCutIn),
)
def cut_capacity(
    caller: NetworkWriter,
    machine_id: ManagedMachine,
    asked: Annotated[CapacityCutIn, Depends(json_body(CapacityCutIn))],
    session: WriteSession,
    now: Now,
) -> OutageOut:
    """Reduce the days of a machine. Where jobs hold more than is left, the fewest unstarted ones leave.

    Of equals those whose promise is latest. The same again changes nothing: a cut never adds time.
    """
    cut = capacity_cut(asked)
    return outage_out(outages.cut_capacity(session, machine_id=machine_id, cut=cut, actor=caller.key_id, now=now))


@router.post(
    "/nodes/{node_id}/closure",
    responses=docs.problems(network.UnknownNode, errors.OperatorOnly, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ClosureIn),
)
def close_node(
    node_id: Identifier,
    caller: Operator,
    asked: Annotated[ClosureIn, Depends(json_body(ClosureIn))],
    session: WriteSession,
    now: Now,
) -> OutageOut:
    """Close a node for good, such as after a bankruptcy; for the operator. It can't be taken up again.

    All jobs that nobody has started leave in one transaction and are decided together; started ones are `suspect`: a
    person finds out what became of the parts (`POST /v1/jobs/{id}/suspicion`).
    """
    found = outages.close_node(session, node_id=node_id, reason=asked.reason, actor=caller.key_id, now=now)
    return outage_out(found)
