"""An improve run that breaks: what is promised stays as it was promised, and the worker goes on."""

import os
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from fabroute.production.service.moving import MovableJobs
from fabroute.routing.service.improving_moves import Moves, plan_moves
from fabroute.routing.snapshot import RoutingSnapshot, Standing
from fabroute.solver.limits import SolveLimits
from fabroute_workers.work import improve
from tests.factories.databases import in_transaction, rows
from tests.workers.test_improving import SETTINGS, given_promised_line

JOBS = "SELECT node_id, state FROM jobs ORDER BY id"


def aborting(snapshot: RoutingSnapshot, standing: Sequence[Standing], limits: SolveLimits) -> Moves:
    """Plan as a solver does that a line breaks."""
    assert (len(snapshot.lines), len(standing), limits.workers) == (1, 1, 1)
    os.abort()


def test_an_improve_run_that_breaks_moves_nothing_and_the_next_one_goes_on(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    given_promised_line(engine)
    ways = ((MovableJobs(), aborting), (MovableJobs(), plan_moves))

    broken = improve(engine, SETTINGS, scope="global", ways=ways[:1])
    before = in_transaction(engine, lambda session: rows(session, JOBS))
    moved = improve(engine, SETTINGS, scope="global", ways=ways)

    assert (broken, before) == (0, [("N101", "offered")])
    assert (moved, in_transaction(engine, lambda session: rows(session, JOBS))) == (
        1,
        [("N101", "cancelled"), ("N102", "offered")],
    )
    assert "in aborting" in capfd.readouterr().err
