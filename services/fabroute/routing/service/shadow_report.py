"""How far a shadow run is, as its worker keeps it between two turns, and what it has found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from fabroute.routing.service.shadow_lines import ComparedLine, line_of
from fabroute.routing.service.shadow_redecide import Carried, MachineDay, PlanFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a line would have gone, and when it would have been decided."""

    at: datetime
    organisation_id: str
    revision_id: str
    pieces: Mapping[str, int]
    """By node; empty without a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One run as it was and as it would have been, over the lines that the asker may see."""

    run_id: str
    at: datetime
    as_was: PlanFigures
    as_would_be: PlanFigures
    moved: int
    """Lines that would have gone another way."""
    proven: bool
    """Whether no plan could have been better; if not, it is the best that was found in time."""
    nodes_as_was: Mapping[str, int]
    """Lines by node."""
    nodes_as_would_be: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowState:
    """A shadow run on its way."""

    queue: tuple[str, ...]
    runs: tuple[ComparedRun, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    """By run that could not be decided again: why."""
    lines: tuple[ComparedLine, ...] = ()
    """Those that would have gone another way and change most."""
    placed: Mapping[str, Placement] = field(default_factory=dict)
    """By line."""
    carried: Carried = field(default_factory=Carried)
    attempt: int = 0
    """The claim that got on last."""

    def document(self, *, is_over: bool) -> dict[str, Any]:
        """Return what is kept; what only the worker needs is left out once it is over."""
        found = {
            "runs": [_run_document(run) for run in self.runs],
            "skipped": [{"run_id": run_id, "reason": reason} for run_id, reason in self.skipped.items()],
            "total": {
                "as_was": asdict(sum((run.as_was for run in self.runs), PlanFigures())),
                "as_would_be": asdict(sum((run.as_would_be for run in self.runs), PlanFigures())),
                "moved": sum(run.moved for run in self.runs),
                "proven": all(run.proven for run in self.runs),
            },
            "nodes": _nodes(self.runs),
            "lines": [line.document() for line in self.lines],
        }
        return found if is_over else found | {"state": self._worker_state()}

    def _worker_state(self) -> dict[str, Any]:
        return {
            "queue": list(self.queue),
            "placed": {
                line_id: [it.at.isoformat(), it.organisation_id, it.revision_id, dict(it.pieces)]
                for line_id, it in self.placed.items()
            },
            "minutes": _minutes_document(self.carried.minutes),
            "taken": _minutes_document(self.carried.taken),
            "grams": dict(self.carried.grams),
            "attempt": self.attempt,
        }


def state_of(report: Mapping[str, Any]) -> ShadowState:
    """Return the state of a report that is not over."""
    state = report["state"]
    return ShadowState(
        queue=tuple(state["queue"]),
        runs=tuple(_run_of(run) for run in report.get("runs", ())),
        skipped={item["run_id"]: item["reason"] for item in report.get("skipped", ())},
        lines=tuple(line_of(line) for line in report.get("lines", ())),
        placed={
            line_id: Placement(
                at=datetime.fromisoformat(at), organisation_id=owner, revision_id=revision_id, pieces=pieces
            )
            for line_id, (at, owner, revision_id, pieces) in state.get("placed", {}).items()
        },
        carried=Carried(
            minutes=_minutes_of(state.get("minutes", ())),
            grams=state.get("grams", {}),
            taken=_minutes_of(state.get("taken", ())),
        ),
        attempt=state.get("attempt", 0),
    )


def _minutes_document(minutes: Mapping[MachineDay, int]) -> list[list[Any]]:
    return [[machine_id, day.isoformat(), amount] for (machine_id, day), amount in minutes.items()]


def _minutes_of(document: Iterable[Sequence[Any]]) -> dict[MachineDay, int]:
    return {(machine_id, date.fromisoformat(day)): amount for machine_id, day, amount in document}


def _run_document(run: ComparedRun) -> dict[str, Any]:
    return asdict(run) | {"at": run.at.isoformat()}


def _run_of(document: Mapping[str, Any]) -> ComparedRun:
    figures = {name: PlanFigures(**document[name]) for name in ("as_was", "as_would_be")}
    return ComparedRun(**{**document, **figures, "at": datetime.fromisoformat(document["at"])})


def _nodes(runs: tuple[ComparedRun, ...]) -> list[dict[str, Any]]:
    names = sorted({node_id for run in runs for node_id in (*run.nodes_as_was, *run.nodes_as_would_be)})
    return [
        {
            "node_id": node_id,
            "as_was_lines": sum(run.nodes_as_was.get(node_id, 0) for run in runs),
            "as_would_be_lines": sum(run.nodes_as_would_be.get(node_id, 0) for run in runs),
        }
        for node_id in names
    ]
