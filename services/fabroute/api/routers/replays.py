"""Replays: does a decision come out the same again, from what it was made from? A worker decides."""

from fastapi import APIRouter, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import BuyerReader, BuyerWriter, Identifier, Now, ReadSession, WriteSession
from fabroute.api.schemas.shadow_runs import ReplayOut, replay_out
from fabroute.routing.service import replays

router = APIRouter(prefix="/v1", tags=["policies"], route_class=ContractRoute)

_ACCEPTED: docs.Responses = {
    202: {
        "description": "It is stored and will be made, whatever happens to this process.",
        "headers": {"Location": {"description": "Where to follow it.", "schema": {"type": "string"}}},
    }
}


@router.post(
    "/decisions/{decision_id}/replay",
    status_code=202,
    responses=_ACCEPTED | docs.problems(errors.OwnersOnly, replays.UnknownDecision),
)
def replay_decision(
    response: Response, decision_id: Identifier, caller: BuyerWriter, session: WriteSession, now: Now
) -> ReplayOut:
    """Have a decision made again from the archive of its run, with the same seed and limits, and compared.

    Follow the Location until `state` is `done`: `outcome` is then `same`, `differs` with the reasons (another version
    of the solver, a wall clock that stopped one of them), or `gone` where there is no archive (any more).
    """
    asked = replays.ask_replay(
        session,
        organisation_id=caller.organisation_id,
        decision_id=decision_id,
        whole=caller.kind == "operator",
        actor=caller.key_id,
        now=now,
    )
    response.headers["Location"] = f"{router.prefix}/replays/{asked.id}"
    return replay_out(asked)


@router.get("/replays/{replay_id}", responses=docs.problems(errors.OwnersOnly, replays.UnknownReplay))
def read_replay(replay_id: Identifier, caller: BuyerReader, session: ReadSession) -> ReplayOut:
    """Read what came of a replay."""
    return replay_out(replays.get_replay(session, organisation_id=caller.organisation_id, replay_id=replay_id))
