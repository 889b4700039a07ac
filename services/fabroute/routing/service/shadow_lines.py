"""The lines that another rule or network would have made otherwise: where, for how much, when, with how much CO₂e."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fabroute.routing.service.archive import ArchivedRun
from fabroute.solver.plan import UNROUTED

MOST_LINES = 100
"""So many are kept of a shadow run: those that change most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigures:
    """What a plan means for one line; money in cents."""

    node_ids: tuple[str, ...]
    landed_minor: int
    minutes: int
    """From the run to the promised hand-over."""
    co2e_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLine:
    """A line as it was and as it would have been; ``None`` without a place."""

    line_id: str
    order_id: str
    revision_id: str
    quantity: int
    at: datetime
    """Of the run."""
    as_was: LineFigures | None
    as_would_be: LineFigures | None

    def document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self) | {"at": self.at.isoformat()}


def changed_lines(run: ArchivedRun, chosen: Sequence[int], lines: Iterable[int]) -> tuple[ComparedLine, ...]:
    """Return those of some of a run's lines that would have gone another way."""
    was, would_be = run.landed_by_line(run.chosen), run.landed_by_line(chosen)
    return tuple(
        _compared(run, line, _figures(run, run.chosen[line], was[line]), _figures(run, chosen[line], would_be[line]))
        for line in lines
        if not run.same_way(run.chosen[line], chosen[line])
    )


def most_changed(lines: Iterable[ComparedLine], *, most: int = MOST_LINES) -> tuple[ComparedLine, ...]:
    """Return the lines that change most: first those that win or lose their place, then by money, then by time."""
    return tuple(sorted(lines, key=_by_change)[:most])


def line_of(document: Mapping[str, Any]) -> ComparedLine:
    """Return a line that was kept."""
    figures = {name: _figures_of(document[name]) for name in ("as_was", "as_would_be")}
    return ComparedLine(**{**document, **figures, "at": datetime.fromisoformat(document["at"])})


def _figures_of(document: Mapping[str, Any] | None) -> LineFigures | None:
    return None if document is None else LineFigures(**{**document, "node_ids": tuple(document["node_ids"])})


def _compared(run: ArchivedRun, line: int, as_was: LineFigures | None, as_would_be: LineFigures | None) -> ComparedLine:
    archived = run.lines[line]
    return ComparedLine(
        line_id=archived.line_id,
        order_id=archived.order_id,
        revision_id=archived.revision_id,
        quantity=archived.quantity,
        at=run.now,
        as_was=as_was,
        as_would_be=as_would_be,
    )


def _figures(run: ArchivedRun, option: int, landed_minor: int) -> LineFigures | None:
    if option == UNROUTED:
        return None
    return LineFigures(
        node_ids=tuple(run.placed(option)),
        landed_minor=landed_minor,
        minutes=int(run.minutes[option]),
        co2e_g=int(run.co2e_g[option]),
    )


def _by_change(it: ComparedLine) -> tuple[bool, int, int, str]:
    if it.as_was is None or it.as_would_be is None:
        return False, 0, 0, it.line_id
    money = abs(it.as_would_be.landed_minor - it.as_was.landed_minor)
    return True, -money, -abs(it.as_would_be.minutes - it.as_was.minutes), it.line_id
