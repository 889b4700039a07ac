"""A watch over the children of a Celery worker: when each ended, and how long the worker had too few of them."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedWorker:
    """A child of the worker that ended over a poisoned line."""

    kind: str
    seconds: float
    """From the poison until it had ended: how long it hung, where it hung."""
    back_seconds: float
    """From its end until the worker had all its children again."""


@dataclass(slots=True, kw_only=True)
class _Child:
    pid: int
    ended_at: float = 0.0
    back_at: float = 0.0


@dataclass(slots=True)
class Watch:
    """Looks at the children of a process until the block ends."""

    pid: int
    children: int = field(kw_only=True)
    """How many it has when all is well."""
    record: Path = field(kw_only=True)
    """Where its children note what they decide."""
    _known: dict[int, _Child] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Watch":
        """Begin to look."""
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def ended(self, notes: Sequence[Mapping[str, object]]) -> tuple[EndedWorker, ...]:
        """Return the children that ended over a poisoned line, by what they noted last."""
        last = {int(str(note["pid"])): note for note in notes if note["poisoned"]}
        return tuple(
            EndedWorker(
                kind=str(last[child.pid]["kind"]),
                seconds=child.ended_at - float(str(last[child.pid]["at"])),
                back_seconds=child.back_at - child.ended_at,
            )
            for child in self._known.values()
            if child.pid in last and child.back_at
        )

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            now, present = time.time(), direct_children(self.pid)
            for pid in present:
                self._known.setdefault(pid, _Child(pid=pid))
            for child in self._known.values():
                if child.pid not in present and not child.ended_at:
                    child.ended_at = now
                if child.ended_at and not child.back_at and len(present) >= self.children:
                    child.back_at = now


def direct_children(pid: int) -> frozenset[int]:
    """Return the process ids of a process's children, without theirs; none once it has gone."""
    try:
        found = [tasks.read_text(encoding="utf-8") for tasks in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return frozenset()
    return frozenset(int(child) for children in found for child in children.split())
