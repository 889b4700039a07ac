"""The printed price of a part: the cheapest machine of the network, against every estimate one by one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.advice.rules.screening_parts import PrintedUnit
from fabroute.advice.service.printing import cheapest_print
from fabroute.advice.service.records import find_part, revision_to_print
from fabroute.database import unit_of_work
from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.production import estimate_production
from fabroute.inventory.service import PartView, RevisionView, add_revision
from fabroute.network.service import (
    NetworkData,
    evidence_of,
    machine_facts,
    material_facts,
    rates_of,
    read_network,
    save_network,
)
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.inventory import a_revision
from tests.factories.network import a_machine, a_material, a_model, a_network, a_node, an_offer
from tests.factories.orders import Owner, given_owner, given_part, given_revision
from tests.factories.organisations import NOW, save_organisations

DAY = date(2026, 6, 15)
DEAR, CHEAP, SMALL_ORDERS = "N101", "N102", "N103"


def three_nodes() -> NetworkData:
    """Return a dear node, one with cheap labour, and one with a low minimum order and a smaller, second machine."""
    return a_network(
        nodes=(
            a_node(labour_minor_per_hour=9_000),
            a_node(node_id=CHEAP, labour_minor_per_hour=1_000, minimum_order_minor=9_000),
            a_node(node_id=SMALL_ORDERS, labour_minor_per_hour=4_000, minimum_order_minor=0),
        ),
        models=(a_model(), a_model(model="Small", box_mm=(100, 80, 80))),
        materials=(a_material(), a_material(code="PP-MJF")),
        machines=(
            a_machine(),
            a_machine(machine_id="N102-A", node_id=CHEAP),
            a_machine(machine_id="N103-A", node_id=SMALL_ORDERS),
            a_machine(machine_id="N103-B", node_id=SMALL_ORDERS, model="Small"),
        ),
        offers=(
            an_offer(),
            an_offer(machine_id="N102-A"),
            an_offer(machine_id="N102-A", material="PP-MJF"),
            an_offer(machine_id="N103-A"),
            an_offer(machine_id="N103-B"),
        ),
        lots=(),
    )


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as found:
        in_transaction(found, save_organisations)
        in_transaction(found, lambda session: save_network(session, data=three_nodes()))
        yield found


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def part_of(engine: Engine, owner: Owner, number: str = "RL-0001") -> PartView:
    return in_transaction(engine, lambda session: find_part(session, owner.organisation_id, number))


def revision_of(engine: Engine, owner: Owner) -> RevisionView:
    found = revision_to_print(part_of(engine, owner), None)
    assert found is not None
    return found


def cheapest(engine: Engine, revision: RevisionView, quantity: int) -> PrintedUnit | None:
    return in_transaction(engine, lambda session: cheapest_print(session, revision=revision, quantity=quantity, on=DAY))


def all_prices(engine: Engine, revision: RevisionView, quantity: int) -> dict[str, int]:
    """Return what each machine takes for so many, by the plain estimate."""

    def read(session: Session) -> dict[str, int]:
        network = read_network(session, first_day=DAY, last_day=DAY)
        geometry = PartGeometry(
            box_mm=(revision.box_x_mm, revision.box_y_mm, revision.box_z_mm), volume_cm3=revision.volume_cm3
        )
        return {
            offer.machine_id: estimate_production(
                part=geometry,
                machine=machine_facts(offer.model),
                material=material_facts(offer.material),
                rates=rates_of(network.nodes[offer.node_id], offer, grid_g_per_kwh=380.9),
                quantity=quantity,
                evidence=evidence_of(offer),
            ).price_minor
            for offer in network.offers
            if offer.material.code == "PA12-MJF"
        }

    return in_transaction(engine, read)


@pytest.mark.parametrize("quantity", [1, 3, 10, 107, 400, 5_000])
def test_the_cheapest_machine_is_that_of_the_least_estimate(engine: Engine, owner: Owner, quantity: int) -> None:
    revision = revision_of(engine, owner)
    prices = all_prices(engine, revision, quantity)
    found = cheapest(engine, revision, quantity)

    assert found is not None
    assert len(prices) == 4
    assert (found.price_minor, found.quantity) == (min(prices.values()), quantity)
    assert prices[found.machine_id] == found.price_minor


def test_a_low_minimum_order_wins_one_piece_and_cheap_labour_wins_many(engine: Engine, owner: Owner) -> None:
    revision = revision_of(engine, owner)
    one, many = cheapest(engine, revision, 1), cheapest(engine, revision, 5_000)

    assert one is not None
    assert many is not None
    assert (one.node_id, many.node_id) == (SMALL_ORDERS, CHEAP)
    assert one.price_minor > many.price_minor / 5_000


@pytest.mark.parametrize(
    "update",
    [
        "UPDATE nodes SET status = 'down' WHERE id = 'N102' RETURNING id",
        "UPDATE machines SET status = 'down' WHERE id = 'N102-A' RETURNING id",
        "UPDATE machine_offers SET parameter_set_state = 'development' WHERE machine_id = 'N102-A' RETURNING id",
    ],
)
def test_what_is_down_or_not_qualified_makes_no_price(engine: Engine, owner: Owner, update: str) -> None:
    revision = revision_of(engine, owner)
    before = cheapest(engine, revision, 5_000)
    in_transaction(engine, lambda session: rows(session, update))
    after = cheapest(engine, revision, 5_000)

    assert before is not None
    assert after is not None
    assert (before.node_id, after.node_id) == (CHEAP, SMALL_ORDERS)
    assert after.price_minor > before.price_minor


def test_a_part_that_fits_nowhere_or_may_not_be_made_so_has_no_price(engine: Engine, owner: Owner) -> None:
    revision = revision_of(engine, owner)
    assert revision.size is not None
    long = replace(revision, size=replace(revision.size, box_x_mm=600.0))
    metal = replace(revision, process_materials=("LPBF:316L",))
    unmeasured = replace(revision, size=None)

    assert cheapest(engine, long, 1) is None
    assert cheapest(engine, metal, 1) is None
    assert cheapest(engine, unmeasured, 1) is None


def test_an_orientation_that_only_the_large_machines_take_is_kept(engine: Engine, owner: Owner) -> None:
    revision = revision_of(engine, owner)
    standing = replace(revision, qualified_orientation="x")
    only_small = "UPDATE machines SET status = 'down' WHERE id <> 'N103-B' RETURNING id"
    lying = cheapest(engine, revision, 10)
    in_transaction(engine, lambda session: rows(session, only_small))

    assert lying is not None
    assert cheapest(engine, standing, 10) is None
    small = cheapest(engine, revision, 10)
    assert (small and small.machine_id) == "N103-B"


# ---------------------------------------------------------------- which part and which revision


def test_a_part_is_found_by_any_of_its_numbers_and_only_by_its_owner(engine: Engine, owner: Owner) -> None:
    stranger = given_owner(engine, name="Stranger", part_no="ST-1")
    assert part_of(engine, owner).part_no == "RL-0001"
    for number, of in (("ST-1", owner), ("RL-0001", stranger), ("", owner)):
        with pytest.raises(PartNotInInventory, match=f"you have no part {number}") as refused:
            part_of(engine, of, number)
        assert (refused.value.problems[0].pointer, refused.value.status) == ("/part", 422)


def test_the_released_revision_is_meant_unless_another_is_named(engine: Engine, owner: Owner) -> None:
    given_revision(engine, part_id=owner.part_id, revision="B", state="draft")
    part = part_of(engine, owner)
    released, named = revision_to_print(part, None), revision_to_print(part, "B")

    assert released is not None
    assert named is not None
    assert (released.revision, named.revision, named.state) == ("A", "B", "draft")
    with pytest.raises(RevisionNotInInventory, match="RL-0001 has no revision C: there is A, B") as refused:
        revision_to_print(part, "C")
    assert refused.value.problems[0].pointer == "/revision"


def test_without_a_released_revision_the_last_one_with_a_size_is_taken(engine: Engine, owner: Owner) -> None:
    part_id = given_part(engine, organisation_id=owner.organisation_id, part_no="NEW-1")
    assert revision_to_print(part_of(engine, owner, "NEW-1"), None) is None
    sized = [a_revision(part_id=part_id, revision=name) for name in ("A", "B")]
    sizeless = replace(
        a_revision(part_id=part_id, revision="C"), box_x_mm=None, box_y_mm=None, box_z_mm=None, volume_cm3=None
    )
    with unit_of_work(engine) as session:
        for new in (*sized, sizeless):
            add_revision(session, revision=new, now=NOW)
    found = revision_to_print(part_of(engine, owner, "NEW-1"), None)

    assert found is not None
    assert (found.revision, found.state) == ("B", "draft")
