"""What may be reported about a job, and in which order reports count. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from fabroute.kernel.errors import DomainError, FieldProblem

_NUMBER, _TEXT, _LIST = (int,), (str,), (list,)
_WORDS: Mapping[type, str] = MappingProxyType({int: "whole number", str: "text", list: "list"})
_PRINT = {"number": _NUMBER, "serial": _TEXT, "note": _TEXT, "evidence_id": _TEXT}
KNOWN_REPORTS: Mapping[str, Mapping[str, tuple[type, ...]]] = MappingProxyType(
    {
        "started": {},
        "printed": {"result": _TEXT, **_PRINT},
        "print_failed": _PRINT,
        "inspected": {
            **{"level": _TEXT, "inspector": _TEXT, "print_number": _NUMBER, "serial": _TEXT, "measurements": _LIST},
            **{"evidence": _TEXT, "evidence_id": _TEXT, "result": _TEXT, "note": _TEXT},
        },
    }
)
"""By name, the data that a report of it may have."""
MOST_REPORTS = 200
MOST_DATA = 20_000
HIGHEST_SEQUENCE = 100_000


class UnknownReport(DomainError):
    """A report of a name that there is not, or with data that its name doesn't have."""

    code = "unknown_report"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """One report; ``sequence`` counts from 1 under each lease, ``occurred_at`` is by the clock of the node."""

    sequence: int
    name: str
    occurred_at: datetime
    data: Mapping[str, object] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of name, time and data: tells the same report from another one under its number."""
        content = {"name": self.name, "occurred_at": self.occurred_at.isoformat(), "data": self.data}
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def require_known(reports: tuple[NewReport, ...]) -> None:
    """Raise ``UnknownReport`` for all that can't be taken, with a pointer to each."""
    problems = [
        FieldProblem(pointer=f"/reports/{index}{pointer}", message=message)
        for index, report in enumerate(reports)
        for pointer, message in _problems(report)
    ]
    if problems:
        raise UnknownReport("; ".join(it.message for it in problems[:5]), problems=tuple(problems))


def in_turn(states: Mapping[int, str]) -> int | None:
    """Return the number of the waiting report whose turn it is; None while the one before it is missing.

    ``states`` are those of all reports under a lease, by number: what was applied or refused is done.
    """
    following = 1
    while states.get(following) in ("applied", "refused"):
        following += 1
    return following if states.get(following) == "waiting" else None


def prints_of(reports: tuple[NewReport, ...]) -> int:
    """Return how many parts reports say that there are."""
    return sum(report.name == "printed" and report.data.get("result", "good") == "good" for report in reports)


def _problems(report: NewReport) -> list[tuple[str, str]]:
    known = KNOWN_REPORTS.get(report.name)
    if known is None:
        return [("/name", f"{report.name!r} can't be reported: use {', '.join(KNOWN_REPORTS)}")]
    names = ", ".join(known) or "nothing"
    found = [
        (f"/data/{name}", f"a report of {report.name} has no {name}: it takes {names}")
        for name in report.data
        if name not in known
    ]
    wrong = [
        (f"/data/{name}", f"{name} of {report.name} must be a {_WORDS[kinds[0]]}")
        for name, kinds in known.items()
        if name in report.data and type(report.data[name]) not in kinds
    ]
    return found + wrong
