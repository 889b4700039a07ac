"""The gate of what happened before: a line doesn't come twice to a node that would not or could not make it."""

from collections.abc import Mapping
from types import MappingProxyType

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Exclusion, RuledOutFacts

_WHAT: Mapping[str, str] = MappingProxyType(
    {
        "declined": "declined this line",
        "lapsed": "didn't answer in time",
        "counter_refused": "wanted other terms than its owner",
        "print_failed": "could not make it",
        "suspect": "fell silent over it",
    }
)


def not_declined(before: RuledOutFacts | None) -> Exclusion | None:
    """Require that the node has not declined this line, left it unanswered, or failed to make it."""
    if before is None:
        return None
    what = _WHAT.get(before.cause, "lost this line")
    because = f": {before.reason}" if before.reason else ""
    return Exclusion(
        code=ExclusionCode.DECLINED,
        message=f"{before.node_id} {what} on {before.excluded_at:%Y-%m-%d}{because}",
        figures={
            "node_id": before.node_id,
            "cause": before.cause,
            "excluded_at": before.excluded_at.isoformat(),
            "reason": before.reason,
        },
    )
