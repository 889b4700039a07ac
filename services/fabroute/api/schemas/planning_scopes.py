"""Planning scopes over the wire."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.routing.service.scopes import ScopeView


class PlanningScopeOut(ResponseModel):
    """The lines that are decided together: a family of processes, to one part of the world."""

    name: str = Field(
        description="Such as `metal/europe`; a part of a large one is `metal/europe/2of3`. Lines with which a run broke"
        " are decided apart, in `metal/europe/suspects`."
    )
    waiting: int = Field(description="Lines without an outcome yet.")
    oldest_at: AwareDatetime | None = Field(description="When the order of the oldest of them was placed.")
    holder: str | None = Field(description="Host and process that decides it now.")
    lease_until: AwareDatetime | None
    fence: int = Field(description="How often it was claimed; only the newest claim writes.")
    last_run_id: str | None
    last_run_at: AwareDatetime | None
    last_routed: int | None
    last_no_route: int | None
    last_deferred: int | None


def planning_scope_out(scope: ScopeView) -> PlanningScopeOut:
    """Return a scope for an answer."""
    return PlanningScopeOut.model_validate(scope, from_attributes=True)
