"""Each guard, what is taken away of it, who tries it, and by what exactly the harness finds out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tests.faults.guards.removals import REMOVALS
from tests.faults.guards.requests import (
    ask_for_what_is_others,
    damage_a_file,
    repeat_a_key,
    report_under_an_old_lease,
    send_keys_at_once,
)
from tests.faults.guards.routing import (
    forget_in_the_broker,
    send_twice_at_once,
    want_the_same_powder,
    write_after_the_successor,
    write_while_the_successor_decides,
)
from tests.faults.guards.scene import Scene
from tests.faults.guards.workers import (
    Crew,
    both_take_the_last,
    forget_a_message,
    wake_after_the_successor,
    wake_while_the_successor_decides,
)
from tests.faults.machine.place import Place

Where = TypeVar("Where")

SWEEPER, FENCE, DISPATCH, DECREMENT = "sweeper", "fence", "UNIQUE dispatch", "conditional decrement"
IDEMPOTENCY, EPOCH, HASH, ROWS = "idempotency", "job epoch", "hash check", "row-level security"
GUARDS: Sequence[str] = (SWEEPER, FENCE, DISPATCH, DECREMENT, ROWS, HASH, IDEMPOTENCY, EPOCH)

_FENCES = frozenset({"scope_lease", "line_fence"})
_STALE = "doctor: every decided line names its decision, made under its fence"
_DOUBLED = {
    "doctor: a share of a line has at most one live job": 1,
    _STALE: 1,
    "doctor: live jobs make all of a routed line, of any other one what it kept": 1,
    "judge: a routed line that nobody makes": 1,
    "judge: more than ordered is being made": 1,
    "judge: two live jobs for one share": 1,
}
_OVER_ALLOCATED = {"doctor: nothing remaining is below zero": 1, "judge: over-allocated lot": 1}
_FORCE = "doctor: tenant tables have FORCE row-level security"
_FORGOTTEN = {"judge: left behind": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Generic[Where]):
    """One removal, tried once."""

    guard: str
    provoke: Callable[[Where], str]
    without: frozenset[str]
    red: Mapping[str, int] = field(default_factory=dict)
    """By rule of judge or doctor, how much it finds; nothing where another guard stands behind this one."""
    caught_by: str = ""
    """That other guard."""

    @property
    def removed(self) -> str:
        """What was taken away, in words."""
        return "; ".join(REMOVALS[name].what for name in sorted(self.without))

    @property
    def where(self) -> str:
        """In what it was taken away."""
        dropped = {bool(REMOVALS[name].dropped) for name in self.without}
        return {frozenset({True}): "database", frozenset({False}): "processes"}.get(frozenset(dropped), "both")


ROUTING: Sequence[Case[Place]] = (
    Case(
        guard=SWEEPER,
        provoke=forget_in_the_broker,
        without=frozenset({"sweeper"}),
        red=_FORGOTTEN | {"doctor: an open line waits for something": 1},
    ),
    Case(
        guard=FENCE,
        provoke=write_while_the_successor_decides,
        without=frozenset({"scope_lease"}),
        caught_by="the fence of each line",
    ),
    Case(
        guard=FENCE,
        provoke=write_while_the_successor_decides,
        without=frozenset({"line_fence"}),
        caught_by="the fence of the planning scope",
    ),
    Case(guard=FENCE, provoke=write_while_the_successor_decides, without=_FENCES, red={_STALE: 1}),
    Case(
        guard=DISPATCH,
        provoke=write_after_the_successor,
        without=frozenset({"dispatch"}),
        caught_by="the fences",
    ),
    Case(
        guard=DISPATCH,
        provoke=write_after_the_successor,
        without=_FENCES | {"line_state"},
        caught_by="the UNIQUE index",
    ),
    Case(guard=DISPATCH, provoke=write_after_the_successor, without=_FENCES | {"line_state", "dispatch"}, red=_DOUBLED),
    Case(
        guard=DECREMENT,
        provoke=want_the_same_powder,
        without=frozenset({"reckoning"}),
        caught_by="the condition of the UPDATE",
    ),
    Case(
        guard=DECREMENT,
        provoke=want_the_same_powder,
        without=frozenset({"reckoning", "decrement"}),
        caught_by="the CHECK",
    ),
    Case(
        guard=DECREMENT,
        provoke=want_the_same_powder,
        without=frozenset({"decrement", "check"}),
        caught_by="reckoning under the locks",
    ),
    Case(
        guard=DECREMENT,
        provoke=want_the_same_powder,
        without=frozenset({"reckoning", "decrement", "check"}),
        red=_OVER_ALLOCATED,
    ),
    Case(
        guard=IDEMPOTENCY,
        provoke=send_twice_at_once,
        without=frozenset({"one_key"}),
        red={"doctor: one key, one order": 1},
    ),
)
"""In one process, on a database with a clock that stands still."""

REQUESTS: Sequence[Case[Scene]] = (
    Case(
        guard=ROWS,
        provoke=ask_for_what_is_others,
        without=frozenset({"row_security"}),
        red={_FORCE: 77},
        caught_by="the application, which asks whose it is; the doctor finds the tables all the same",
    ),
    Case(
        guard=ROWS,
        provoke=ask_for_what_is_others,
        without=frozenset({"tenant_filter"}),
        caught_by="row-level security",
    ),
    Case(
        guard=ROWS,
        provoke=ask_for_what_is_others,
        without=frozenset({"row_security", "tenant_filter"}),
        red={_FORCE: 77, "told: foreign tenant": 6},
    ),
    Case(
        guard=HASH,
        provoke=damage_a_file,
        without=frozenset({"hash_check"}),
        red={"told: damaged file": 1, "told: tampered file": 1},
    ),
    Case(
        guard=IDEMPOTENCY,
        provoke=repeat_a_key,
        without=frozenset({"known_key"}),
        caught_by="the primary key of keys: the second request is told to wait",
    ),
    Case(
        guard=IDEMPOTENCY,
        provoke=repeat_a_key,
        without=frozenset({"known_key", "one_key"}),
        red={
            "doctor: one key, one order": 1,
            "told: different answers to one key": 1,
            "told: lost key": 1,
            "told: two orders for one key": 1,
        },
    ),
    Case(
        guard=EPOCH,
        provoke=report_under_an_old_lease,
        without=frozenset({"job_epoch"}),
        red={"told: stale fence": 1, "told: stale write": 1},
    ),
)
"""Through the API, in this process or on running processes."""

WORKERS: Sequence[Case[Crew]] = (
    Case(guard=SWEEPER, provoke=forget_a_message, without=frozenset({"sweeper"}), red=_FORGOTTEN),
    Case(guard=FENCE, provoke=wake_while_the_successor_decides, without=_FENCES, red={_STALE: 1}),
    Case(guard=DISPATCH, provoke=wake_after_the_successor, without=_FENCES | {"line_state", "dispatch"}, red=_DOUBLED),
    Case(
        guard=DECREMENT,
        provoke=both_take_the_last,
        without=frozenset({"reckoning", "decrement", "check"}),
        red=_OVER_ALLOCATED,
    ),
)
"""On a running relay and running workers."""

RACES: Sequence[Case[Scene]] = (
    Case(
        guard=IDEMPOTENCY,
        provoke=send_keys_at_once,
        without=frozenset({"one_key"}),
        red={"told: different answers to one key": 1, "told: two orders for one key": 1},
    ),
)
"""On two running API processes only. How often each rule finds something differs from run to run."""
