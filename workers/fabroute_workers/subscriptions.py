"""Which event makes which task run. Tasks are named, not imported: the relay needs none of their code."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fabroute.kernel.events import JsonScalar

ROUTE_PENDING = "routing.route_pending"
REQUEUE_UNROUTABLE = "routing.requeue_unroutable"
IMPROVE_PROMISED = "routing.improve_promised"
PURGE_ARCHIVES = "routing.purge_archives"
PURGE_ANSWERS = "identity.purge_answers"
EXTEND_CAPACITY = "network.extend_capacity"
VALIDATE_PRINT_FILES = "inventory.validate_print_files"
HOLD_UNQUALIFIED = "production.hold_unqualified"
TAKE_BACK_HELD = "production.take_back_held"
DISPATCH_PLANNED = "production.dispatch_planned"
FOLLOW_REROUTES = "production.follow_reroutes"
WATCH_LEASES = "production.watch_leases"
JUDGE_SCREENINGS = "advice.judge_screenings"
RUN_SHADOWS = "advice.run_shadows"
"""In the queue of what works long, so that routing never waits for it."""
ASK_READINESS = "advice.ask_readiness"
MAKE_READINESS = "advice.make_readiness"
LEARN_CALIBRATIONS = "production.learn_calibrations"
SYNC_CARRIERS = "production.sync_carriers"
DELIVER_DUE = "webhooks.deliver_due"
"""In the queue of what works long: a receiver that hangs holds up no line."""
PURGE_EVENTS = "webhooks.purge_events"
SEAL_AUDIT_LOG = "identity.seal_audit_log"
EXPORT_AUDIT_ROOTS = "identity.export_audit_roots"
PLAY_SANDBOXES = "sandbox.play"

SUBSCRIPTIONS: Mapping[str, tuple[str, ...]] = {
    "order.placed": (ROUTE_PENDING,),
    "order.line_retried": (ROUTE_PENDING,),
    "planning_scope.split": (ROUTE_PENDING,),
    "planning_scope.suspected": (ROUTE_PENDING,),
    "network.changed": (REQUEUE_UNROUTABLE,),
    "print_file.submitted": (VALIDATE_PRINT_FILES,),
    "print_licence.frozen": (HOLD_UNQUALIFIED,),
    "print_licence.revoked": (HOLD_UNQUALIFIED,),
    "job.held": (TAKE_BACK_HELD,),
    "screening.asked": (JUDGE_SCREENINGS,),
    "screening.paused": (JUDGE_SCREENINGS,),
    "shadow_run.asked": (RUN_SHADOWS,),
    "shadow_run.paused": (RUN_SHADOWS,),
    "readiness.asked": (MAKE_READINESS,),
    "routing_policy.stated": (REQUEUE_UNROUTABLE,),
    "job.print_reported": (LEARN_CALIBRATIONS,),
    "build.timed": (LEARN_CALIBRATIONS,),
    "build.withdrawn": (LEARN_CALIBRATIONS,),
}
"""Events that are not named here are facts without a listener in this process."""

_TAKES_DOWN = frozenset({"node_down", "node_closed", "machine_down"})
"""The reasons for which jobs leave that were decided while a node or machine went down."""
_CLOSES_GATES = ("certificate", "first_article", "revision")
"""How the reasons begin for which a changed network may have closed a gate to jobs that were offered."""

_SCOPED = frozenset({ROUTE_PENDING})
"""Tasks that work on one planning scope, and are sent once for each that an event names; the others take all there is.
"""

_OF_A_NODE = frozenset({LEARN_CALIBRATIONS})
"""Tasks that work on the node that an event is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A task to be sent: its name, and the planning scope or the node that it is for, if any."""

    task: str
    scope: str | None = None
    node_id: str | None = None
    traceparent: str | None = field(default=None, compare=False)
    """The span of the order for which it is sent, or of the first of several."""

    @property
    def arguments(self) -> dict[str, str]:
        """What the task is called with: ids and names only."""
        given = {"scope": self.scope, "node_id": self.node_id}
        return {name: value for name, value in given.items() if value is not None}


def errands_of(*, event_name: str, data: Mapping[str, JsonScalar]) -> tuple[Errand, ...]:
    """Return what has to be done about an event; several events may ask for the same errand."""
    scopes = [name for name in str(data.get("scope") or "").split(",") if name]
    tasks = SUBSCRIPTIONS.get(event_name, ())
    if event_name == "network.changed" and str(data.get("reason")).startswith(_CLOSES_GATES):
        tasks = (*tasks, HOLD_UNQUALIFIED)
    if event_name == "network.changed" and data.get("reason") in _TAKES_DOWN:
        tasks = (*tasks, FOLLOW_REROUTES)
    node_id = data.get("node_id")
    return tuple(
        Errand(
            task=task,
            scope=scope,
            node_id=str(node_id) if task in _OF_A_NODE and node_id else None,
        )
        for task in tasks
        for scope in (scopes if task in _SCOPED else (None,))
    )
