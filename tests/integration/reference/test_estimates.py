"""Every part of the reference network on every machine that could print it: the database's way and the files' own."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.estimation.production import estimate_production
from fabroute.estimation.sources import Mark
from fabroute.integrations.reference import reference_folder
from fabroute.integrations.reference.loading import load_reference
from fabroute.inventory.service import list_parts
from fabroute.kernel.time import utc_now
from fabroute.production.service import EstimateAsked, Estimates, estimate_part, list_constants
from fabroute_embedded import EmbeddedServers
from tests.factories.databases import engine_for
from tests.factories.estimation import (
    reference_machine,
    reference_material,
    reference_offers,
    reference_part,
    reference_rates,
)
from tests.factories.organisations import OWNER
from tests.factories.production import a_principal

WHO = a_principal(organisation_id=OWNER, kind="owner")
QUANTITY = 12


@pytest.fixture(scope="module")
def network(servers: EmbeddedServers, migrated_template: str) -> Iterator[Engine]:
    """The reference network without print files; nothing here changes it."""
    urls = servers.postgres.create_database("reference_estimates", template=migrated_template)
    with engine_for(urls.url) as engine:
        load_reference(engine, folder=reference_folder(), store=None, as_of=utc_now().date(), now=utc_now())
        yield engine
    servers.postgres.drop_database("reference_estimates")


@pytest.fixture(scope="module")
def found(network: Engine) -> dict[str, Estimates]:
    """The estimates of every part, everywhere."""
    with unit_of_work(network) as session:
        parts = [part.part_no for part in list_parts(session, organisation_id=OWNER, limit=200).items]
        return {
            part: estimate_part(
                session, principal=WHO, asked=EstimateAsked(part=part, quantity=QUANTITY), now=utc_now()
            )
            for part in parts
        }


def test_every_offer_of_the_network_is_judged_for_every_part(network: Engine, found: dict[str, Estimates]) -> None:
    with unit_of_work(network) as session:
        offers = session.connection().exec_driver_sql("SELECT count(*) FROM machine_offers").scalar_one()

    assert len(found) == 32
    assert {len(each.estimates) + len(each.unable) for each in found.values()} == {offers}
    assert all(each.unable[-1].reasons[0].code == "PROCESS_MATERIAL" for each in found.values())


def test_every_estimate_is_what_the_files_come_to(found: dict[str, Estimates]) -> None:
    """The same figures by another way: rows of the CSV files, given to the estimate by hand."""
    for part_no, estimates in found.items():
        for it in estimates.estimates:
            rates = replace(
                reference_rates(it.node.node_id),
                grid_g_co2_per_kwh=next(f.value for f in it.figures if f.code == "grid_g_per_kwh"),
            )
            by_hand = estimate_production(
                part=reference_part(part_no),
                machine=reference_machine(it.offer.model.model),
                material=reference_material(it.offer.material.code),
                rates=rates,
                quantity=QUANTITY,
            )
            assert it.estimate.breakdown == by_hand.breakdown, (part_no, it.offer.offer_id)
            assert (it.estimate.build_minutes, it.estimate.co2_g) == (by_hand.build_minutes, by_hand.co2_g)


def test_what_can_be_printed_is_among_what_the_files_offer(found: dict[str, Estimates]) -> None:
    estimated = {
        (part_no, it.offer.model.model, it.offer.material.code)
        for part_no, estimates in found.items()
        for it in estimates.estimates
    }

    assert estimated <= set(reference_offers())
    assert len(estimated) > 100
    prices = [[it.estimate.price_minor for it in each.estimates] for each in found.values()]
    assert prices == [sorted(each) for each in prices]


def test_nothing_was_measured_yet_and_every_figure_says_so(found: dict[str, Estimates]) -> None:
    marks = Counter(f.mark for each in found.values() for it in each.estimates for f in it.figures)

    assert marks[Mark.MEASURED] == 0
    assert set(marks) == set(Mark) - {Mark.MEASURED}
    spreads = {
        (f.code, f.value) for each in found.values() for it in each.estimates for f in it.figures if "time_" in f.code
    }
    assert spreads == {("time_factor_p50", 1.0), ("time_factor_p90", 1.25)}


def test_the_constants_of_the_network_are_known_this_far(network: Engine) -> None:
    with unit_of_work(network) as session:
        marks = Counter(figure.mark for figure in list_constants(session))

    assert set(marks) == {Mark.VENDOR, Mark.SECOND_HAND, Mark.MEMORY, Mark.ASSUMPTION}
    assert sum(marks.values()) > 400
