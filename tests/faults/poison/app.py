"""The workers' Celery app with a solver that some lines break: ``celery --app tests.faults.poison.app worker``."""

from fabroute.routing.service import run
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from fabroute_workers.app import app as app
from tests.faults.poison.poisons import swallow


def _decide_poison(snapshot: RoutingSnapshot, limits: SolveLimits) -> Decided:
    swallow({line.line_id: line.ship_to_city for line in snapshot.lines})
    return decide(snapshot, limits)


vars(run)["decide"] = _decide_poison
