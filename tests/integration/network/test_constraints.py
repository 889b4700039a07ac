"""The last line of defence: what PostgreSQL itself refuses, whatever code asks for it."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from fabroute.database import unit_of_work
from fabroute.network.service import Reservation, reserve
from tests.factories.databases import rows
from tests.factories.network import TODAY
from tests.factories.organisations import NOW


def refusal_of(engine: Engine, sql: str) -> str:
    """Return the name of the constraint that refuses a statement."""
    with pytest.raises(IntegrityError) as refusal, unit_of_work(engine) as session:
        rows(session, f"{sql} RETURNING 1", now=NOW, day=TODAY)
    diagnosis = getattr(refusal.value.orig, "diag", None)
    return str(getattr(diagnosis, "constraint_name", ""))


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE material_lots SET remaining_grams = -1", "ck_material_lots_never_over_allocated"),
        ("UPDATE material_lots SET remaining_grams = initial_grams + 1", "ck_material_lots_never_over_allocated"),
        ("UPDATE capacity_slots SET remaining_minutes = -1", "ck_capacity_slots_never_over_allocated"),
        (
            "UPDATE capacity_slots SET remaining_minutes = initial_minutes + 1",
            "ck_capacity_slots_never_over_allocated",
        ),
        (
            "INSERT INTO material_allocations (job_id, lot_id, grams, allocated_at) VALUES ('j', 'lot_1', 0, :now)",
            "ck_material_allocations_positive_grams",
        ),
        (
            "INSERT INTO material_allocations (job_id, lot_id, grams, allocated_at) VALUES ('j', 'lot_9', 1, :now)",
            "fk_material_allocations_lot_id",
        ),
        (
            "INSERT INTO capacity_allocations (job_id, machine_id, day, minutes, allocated_at) "
            "VALUES ('j', 'N101-A', :day, 0, :now)",
            "ck_capacity_allocations_positive_minutes",
        ),
        ("INSERT INTO capacity_slots VALUES ('N101-A', :day, 1, 1)", "pk_capacity_slots"),
        ("INSERT INTO capacity_slots VALUES ('N999-A', :day, 1, 1)", "fk_capacity_slots_machine_id"),
        ("UPDATE machines SET node_id = 'N999'", "fk_machines_node_id"),
        ("UPDATE machines SET model = 'none'", "fk_machines_model"),
        ("UPDATE material_lots SET material = 'GOLD'", "fk_material_lots_material"),
        (
            "INSERT INTO machine_offers VALUES ('x', 'N101-A', 'MJF', 'PA12-MJF', 'PS-1', 'qualified')",
            "uq_machine_offers_machine_id_material_parameter_set",
        ),
        ("UPDATE nodes SET organisation_id = 'org_none'", "fk_nodes_organisation_id"),
    ],
)
def test_what_can_not_be_is_refused_by_its_constraint(network: Engine, sql: str, constraint: str) -> None:
    assert refusal_of(network, sql) == constraint


def test_one_job_reserves_once(network: Engine) -> None:
    wanted = Reservation(job_id="job_1", lot_id="lot_1", grams=100, machine_id="N101-A", minutes_by_day=((TODAY, 10),))
    with unit_of_work(network) as session:
        assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()
    with pytest.raises(IntegrityError, match="pk_material_allocations"), unit_of_work(network) as session:
        reserve(session, reservations=(wanted,), now=NOW)
    with unit_of_work(network) as session:
        assert rows(session, "SELECT remaining_grams FROM material_lots") == [(9_900,)]
        assert rows(session, "SELECT count(*) FROM capacity_allocations") == [(1,)]
