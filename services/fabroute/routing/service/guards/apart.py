"""Routing suspects in a process of their own: what breaks it breaks nothing else, and is known for certain."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from fabroute.routing.ports import Ending, Isolation


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What runs came to, as it is told from one process to another."""

    run_ids: tuple[str, ...]
    routed: int
    no_route: int

    def to_json(self) -> bytes:
        """Return it as a process answers it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, answer: bytes) -> "Account":
        """Return what a process answered."""
        told = json.loads(answer)
        return cls(run_ids=tuple(told["run_ids"]), routed=told["routed"], no_route=told["no_route"])


def decided_apart(work: Callable[[], Account], *, isolation: Isolation, seconds: float) -> Account | Ending:
    """Return what ``work`` comes to in a process of its own, or how that ended before it was done.

    Raises ``OSError`` where no process can be made.
    """
    ending = isolation(lambda: work().to_json(), seconds=seconds)
    return ending if ending.answer is None else Account.of(ending.answer)
