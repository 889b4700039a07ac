"""A line that had to yield its place to another one gets it after all where the other one could not take it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, grant_licence
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_orders, given_owner, given_part, given_revision, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network

LIMITS = RoutingLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0)
GRAMS = {1: 37, 2: 73}
"""Of so many pieces of ``tests.factories.inventory``' revision."""


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


def given_licensed_part(engine: Engine, owner: Owner, *, prints: int) -> Owner:
    """Return the owner with another part, of which only so many may be printed."""
    part_id = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0002")
    revision_id = given_revision(engine, part_id=part_id, revision="A")
    wanted = NewLicence(revision_id=revision_id, prints=prints)
    with unit_of_work(engine) as session:
        rows(session, "UPDATE part_revisions SET licence_required = true WHERE id = :it RETURNING id", it=revision_id)
        grant_licence(session, organisation_id=owner.organisation_id, licence=wanted, actor="key_1", now=NOW)
    return replace(owner, part_id=part_id, revision_id=revision_id, part_no="RL-0002")


def test_a_line_gets_the_material_that_was_planned_for_a_line_without_a_licence(engine: Engine) -> None:
    # Three licensed lines fit the lot together, the line of two pieces beside one of them only.
    given_routable_network(engine, lot_grams=3 * GRAMS[1] + 19)
    owner = given_owner(engine)
    licensed = given_licensed_part(engine, owner, prints=1)
    given_orders(engine, make_order(licensed, quantities=(1, 1, 1)), make_order(owner, quantities=(2,)))
    report = route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS)
    assert report is not None
    assert (report.claimed, report.routed, report.no_route, report.open) == (4, 2, 2, 0)
    found = in_transaction(
        engine,
        lambda session: rows(
            session, "SELECT quantity, state, state_reason <> '' FROM order_lines ORDER BY quantity, state"
        ),
    )
    assert found == [(1, "no_route", True), (1, "no_route", True), (1, "routed", False), (2, "routed", False)]
    left = in_transaction(engine, lambda session: rows(session, "SELECT remaining_grams FROM material_lots"))
    assert left == [(3 * GRAMS[1] + 19 - GRAMS[1] - GRAMS[2],)]
