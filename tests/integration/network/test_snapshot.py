"""The network as routing reads it, and capacity as the calendar plans it."""

from datetime import date, timedelta

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import Reservation, extend_capacity, read_network, reserve, save_network
from tests.factories.databases import rows
from tests.factories.network import TODAY, a_lot, a_machine, a_network, a_node, an_offer, save_a_network
from tests.factories.organisations import NOW

FREE = 720


def test_the_snapshot_holds_everything_by_id_with_facts_joined(network: Engine) -> None:
    with unit_of_work(network, repeatable_read=True) as session:
        view = read_network(session, first_day=TODAY, last_day=TODAY + timedelta(days=6))
    assert list(view.nodes) == ["N101"]
    assert view.nodes["N101"].minimum_order_minor == 5000
    assert view.machines["N101-A"].model is view.offers[0].model
    assert (view.offers[0].node_id, view.offers[0].material.refresh_ratio) == ("N101", 0.2)
    assert [(lot.lot_id, lot.remaining_grams, lot.expires_on) for lot in view.lots] == [
        ("lot_1", 10_000, date(2027, 6, 15))
    ]
    assert view.capacity == {"N101-A": (FREE, FREE, FREE, FREE, FREE, 0, 0)}


def test_capacity_is_what_is_left_and_0_outside_the_planned_days(network: Engine) -> None:
    wanted = Reservation(
        job_id="job_1", lot_id=None, grams=0, machine_id="N101-A", minutes_by_day=((TODAY + timedelta(days=1), 700),)
    )
    with unit_of_work(network) as session:
        reserve(session, reservations=(wanted,), now=NOW)
        before = read_network(session, first_day=TODAY - timedelta(days=1), last_day=TODAY + timedelta(days=1))
        after = read_network(session, first_day=TODAY + timedelta(days=9), last_day=TODAY + timedelta(days=11))
    assert before.capacity == {"N101-A": (0, FREE, 20)}
    assert after.capacity == {"N101-A": (FREE, 0, 0)}


def test_a_machine_without_slots_has_no_minutes(network: Engine) -> None:
    with unit_of_work(network) as session:
        save_network(session, data=a_network(machines=(a_machine(machine_id="N101-B"),), offers=(), lots=()))
        view = read_network(session, first_day=TODAY, last_day=TODAY)
    assert view.capacity == {"N101-A": (FREE,), "N101-B": (0,)}


def test_extending_capacity_follows_utilisation_week_and_holidays_of_the_node(engine: Engine) -> None:
    data = a_network(
        nodes=(a_node(), a_node(node_id="N102", country="US", working_days="Mon-Sun", timezone="America/New_York")),
        machines=(a_machine(utilisation=0.9), a_machine(machine_id="N102-A", node_id="N102", utilisation=0.25)),
        offers=(an_offer(), an_offer(machine_id="N102-A")),
        lots=(a_lot(),),
    )
    with unit_of_work(engine) as session:
        save_a_network(session, data=data, days=0)
        assert extend_capacity(session, today=date(2026, 7, 1), horizon_days=5) == 10
        view = read_network(session, first_day=date(2026, 7, 1), last_day=date(2026, 7, 5))
    # Wednesday to Sunday; 3 July is Independence Day observed, the 4th the day itself.
    assert view.capacity == {"N101-A": (144, 144, 144, 0, 0), "N102-A": (1080, 1080, 0, 0, 1080)}


def test_extending_again_adds_only_the_days_that_are_missing_and_leaves_the_rest(network: Engine) -> None:
    wanted = Reservation(job_id="job_1", lot_id=None, grams=0, machine_id="N101-A", minutes_by_day=((TODAY, 700),))
    with unit_of_work(network) as session:
        reserve(session, reservations=(wanted,), now=NOW)
        assert extend_capacity(session, today=TODAY, horizon_days=10) == 0
        assert extend_capacity(session, today=TODAY + timedelta(days=1), horizon_days=10) == 1
        sql = "SELECT count(*), min(day), max(day), min(remaining_minutes + 0 * initial_minutes) FROM capacity_slots"
        assert rows(session, sql) == [(11, TODAY, TODAY + timedelta(days=10), 0)]
        assert read_network(session, first_day=TODAY, last_day=TODAY).capacity == {"N101-A": (20,)}
