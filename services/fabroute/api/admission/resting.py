"""A request that waits for something to happen leaves its place to others."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from fabroute.api.admission.turns import Party, Turns

_TURN: ContextVar["Turn | None"] = ContextVar("turn", default=None)


@dataclass(slots=True)
class Turn:
    """The turn of one request. Without ``kw_only``: one is made for each."""

    turns: Turns
    party: Party
    is_resting: bool = False
    has_rested: bool = False


def begin(turns: Turns, party: Party) -> Turn:
    """Return the turn of the running request, which it is known to have from now on."""
    turn = Turn(turns, party)
    _TURN.set(turn)
    return turn


@contextmanager
def resting() -> Iterator[None]:
    """Let others be served while the running request waits inside the block."""
    turn = _TURN.get()
    if turn is None or turn.is_resting:
        yield
        return
    turn.is_resting = turn.has_rested = True
    turn.turns.leave(turn.party)
    try:
        yield
    finally:
        turn.party = turn.turns.resume(turn.party)
        turn.is_resting = False
