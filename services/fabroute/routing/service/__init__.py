"""Read what was decided. The runs themselves are in ``run``: only workers import it, and the solver with it."""

from fabroute.routing.service.decisions import (
    DecisionSummary,
    DecisionView,
    RunView,
    UnknownDecision,
    get_decision,
    get_decisions,
    list_runs,
    read_summaries,
)

__all__ = [
    "DecisionSummary",
    "DecisionView",
    "RunView",
    "UnknownDecision",
    "get_decision",
    "get_decisions",
    "list_runs",
    "read_summaries",
]
