"""Processes apart that are none: they break where a poisoned line is in the run, without the cost of a crash."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from sqlalchemy import Engine

from fabroute.routing.ports import Ending
from tests.factories.databases import in_transaction, rows

WHY = "its process was killed by SIGSEGV"
_BEING_ROUTED = "SELECT id FROM order_lines WHERE state = 'routing' ORDER BY id"


@dataclass(slots=True, kw_only=True)
class FakeIsolation:
    """Does work in this process, unless a poisoned line is being routed: then that ended as a crash does."""

    engine: Engine
    poisoned: Collection[str]
    runs: list[tuple[str, ...]] = field(default_factory=list)
    """The lines of each run."""

    def __call__(self, work: Callable[[], bytes], *, seconds: float) -> Ending:
        found = in_transaction(self.engine, lambda session: rows(session, _BEING_ROUTED))
        lines = tuple(str(line_id) for (line_id,) in found)
        self.runs.append(lines)
        if set(lines) & set(self.poisoned):
            return Ending(answer=None, why=WHY)
        return Ending(answer=work())

    def runs_of(self, line_id: str) -> int:
        """Return in how many runs a line was."""
        return sum(line_id in lines for lines in self.runs)
