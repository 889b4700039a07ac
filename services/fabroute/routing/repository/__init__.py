"""Statements on routing runs, decisions, archives, policies and shadow runs."""

from fabroute.routing.repository.decisions import (
    insert_decisions,
    insert_run,
    landed_of_other_lines,
    read_decision,
    read_decisions,
    read_prices,
    read_runs,
    read_summaries,
)

__all__ = [
    "insert_decisions",
    "insert_run",
    "landed_of_other_lines",
    "read_decision",
    "read_decisions",
    "read_prices",
    "read_runs",
    "read_summaries",
]
