"""Joint routing runs over the wire."""

from typing import Any

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.routing.service import RunView


class RunOut(ResponseModel):
    """A joint run: what it decided, what the plan costs, and how near to the best it is proven to be."""

    id: str
    planning_scope: str
    kind: str = Field(
        description="`joint` over pending lines, `improve` over promised ones, `quote` or `online` for one order."
    )
    started_at: AwareDatetime
    finished_at: AwareDatetime
    engine: str
    status: str
    seed: int
    limits: dict[str, Any]
    snapshot_sha256: str = Field(description="Of everything the run knew: the same again gives the same plan.")
    lines: int
    options: int
    routed: int
    no_route: int
    deferred: int = Field(description="Lines whose reservation no longer fitted at commit; they were routed again.")
    cost_millis: int = Field(description="Generalised cost of the plan, in 1/1000 cent.")
    bound_millis: int = Field(description="No plan can cost less than this.")
    gap: float
    landed_minor: int = Field(description="Cents, over the lines that the plan routes.")
    baseline_landed_minor: int = Field(description="The same for one-by-one, cheapest-first routing.")
    baseline_no_route: int
    both_lines: int = Field(description="Lines that both route.")
    both_landed_minor: int
    baseline_both_landed_minor: int
    solve_ms: int
    wall_ms: int


def run_out(run: RunView) -> RunOut:
    """Return a run for an answer."""
    return RunOut.model_validate(run, from_attributes=True)
