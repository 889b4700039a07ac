"""The arrays behind quotes, each against the scalar code that it stands for."""

from itertools import product
from random import Random

import numpy as np
import pytest

from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.production import estimate_production
from fabroute.logistics.rules import Location, Shipment, Transit, pack_parcel, quote_shipment
from fabroute.network.service import evidence_of, machine_facts, material_facts
from fabroute.routing.service.arrivals import P10, P50, P90
from fabroute.routing.service.machines import MachineTime
from fabroute.routing.service.quoting import PartAsked, QuoteAsked, QuoteBook
from fabroute.routing.service.quoting.freight import NO_WAY, SERVICES
from fabroute.routing.service.quoting.kept import Kept
from fabroute.routing.service.quoting.travel import cases_of, promised_days, quantile, roads_to, transits_of
from tests.factories.random_quotes import a_random_network
from tests.factories.routing import an_estimate
from tests.factories.snapshots import a_revision_view
from tests.factories.wide_network import a_wide_snapshot, part_numbers, reference_part

QUANTITIES = (1, 7, 40, 333, 10_000)
BERLIN = Location(latitude=52.5, longitude=13.4, country="DE")


@pytest.mark.parametrize("part_no", part_numbers()[::4])
def test_amounts_are_those_of_scalar_estimates(part_no: str) -> None:
    snapshot = a_wide_snapshot(nodes=60, seed=6)
    book = QuoteBook(snapshot=snapshot)
    asked = QuoteAsked(part=reference_part(part_no, snapshot=snapshot), quantities=QUANTITIES, destination=BERLIN)
    line, part = book.part(asked)
    amounts = book.amounts(part, QUANTITIES)
    geometry = PartGeometry(box_mm=line.box_mm, volume_cm3=asked.part.revision.volume_cm3)
    for row, column in product(np.flatnonzero(part.fits).tolist(), range(len(QUANTITIES))):
        offer, node = part.offers[row], book.tables.nodes[int(part.node_of[row])]
        estimate = estimate_production(
            part=geometry,
            machine=machine_facts(offer.model),
            material=material_facts(offer.material),
            rates=book.pricing.rates(node, offer),
            quantity=QUANTITIES[column],
            evidence=evidence_of(offer),
        )
        parcel = pack_parcel(part_box_mm=line.box_mm, quantity=QUANTITIES[column], net_grams=estimate.net_grams)
        assert amounts.price_minor[row, column] == estimate.price_minor
        assert amounts.machine_minutes[row, column] == estimate.machine_minutes
        assert amounts.build_minutes[row, column] == estimate.build_minutes
        assert (amounts.grams[row, column], amounts.co2_g[row, column]) == (estimate.material_grams, estimate.co2_g)
        assert amounts.parcels[int(amounts.parcel_of[row, column])] == parcel


@pytest.mark.parametrize("seed", range(12))
def test_machine_time_is_that_of_routing(seed: int) -> None:
    snapshot = a_random_network(seed)
    book = QuoteBook(snapshot=snapshot)
    machines = MachineTime(snapshot, book.tables.calendars)
    for machine_id, position in book.tables.machines.index.items():
        assert book.tables.machines.free[position].tolist() == machines.free[machine_id].cumsum().tolist()
        assert book.tables.machines.empty[position].tolist() == machines.empty_until(machine_id).tolist()
    assert set(book.tables.machines.index) == set(snapshot.network.machines)


@pytest.mark.parametrize("seed", range(12))
def test_freight_is_that_of_scalar_quotes_with_the_preferred_carrier(seed: int) -> None:
    snapshot = a_random_network(seed)
    book, chance = QuoteBook(snapshot=snapshot), Random(seed)
    parcel = pack_parcel(part_box_mm=(50, 40, 20), quantity=chance.choice((1, 30, 90)), net_grams=700)
    freight = book.freight(BERLIN)
    prices = book.freight_maker.prices(freight, [parcel])[:, 0]
    for node, services in enumerate(freight.services):
        assert (freight.no_lane[node] is None) is bool(services)
        place = book.tables.nodes[node]
        for service in set(services) if place.country == "DE" else ():
            ways = [way for way in freight.ways[node, SERVICES.index(service)].tolist() if way != NO_WAY]
            way = min(ways, key=lambda each: prices[freight.tariff_of[each]])
            tariff = freight.tariffs[int(freight.tariff_of[way])]
            if tariff.band(parcel.chargeable_grams) is None:
                continue
            origin = Location(latitude=place.latitude, longitude=place.longitude, country=place.country)
            shipment = Shipment(
                origin=origin,
                destination=BERLIN,
                parcel=parcel,
                value_minor=1,
                consignment="b2b",
                day=book.tables.clocks[node].first_day,
            )
            found = quote_shipment(snapshot.logistics.freight, shipment, service=service)
            assert (found.carrier, found.cost_minor) == (tariff.carrier, int(prices[freight.tariff_of[way]]))


@pytest.mark.parametrize("seed", range(6))
def test_days_of_delivery_are_those_of_the_calendars(seed: int) -> None:
    book, chance = QuoteBook(snapshot=a_random_network(seed)), Random(seed)
    tables, transits = book.tables, [((0, 950), (1, 50)), ((1, 500), (3, 450), (4, 50)), ((2, 100), (9, 900))]
    destination = Location(latitude=1.3, longitude=103.9, country=chance.choice(("DE", "US", "AE")))
    roads, arrays = roads_to(tables, destination.country), transits_of(transits)
    for node, which in product(range(len(tables.nodes)), range(len(transits))):
        off, late = chance.randint(0, 4000), chance.choice((0, 700, 3000))
        estimate = an_estimate(off_machine_minutes=off, delays_minutes=(0, 0, late // 4, late // 2, late))
        transit: Transit = transits[which]
        scalar = tables.calendars.arrivals(
            tables.nodes[node], estimate=estimate, destination=destination, transit=transit
        )
        ends = np.arange(tables.horizon_days)
        ready = [divmod(off + delay, 1440) for delay in estimate.delays_minutes]
        shifts = [1 + days + (minute > int(tables.cutoff_minute[node])) for days, minute in ready]
        ways = {
            "week": np.full(len(ends), int(tables.pattern_of[node])),
            "ends": ends,
            "shifts": np.array([shifts] * len(ends)),
            "transit": np.full(len(ends), which),
        }
        hour = tables.calendars.minutes_to_delivery_hour(destination)
        cases = cases_of(roads, arrays, **ways)
        assert (promised_days(roads, arrays, **ways) * 1440 + hour).tolist() == scalar.p90.tolist()
        for share, expected in ((P10, scalar.p10), (P50, scalar.p50), (P90, scalar.p90)):
            assert (quantile(*cases, share) * 1440 + hour).tolist() == expected.tolist()


def test_a_part_is_looked_at_once_whatever_else_is_asked() -> None:
    book = QuoteBook(snapshot=a_wide_snapshot(nodes=20, seed=1))
    part = PartAsked(revision=a_revision_view())
    one, other = (
        book.part(QuoteAsked(part=part, quantities=(1,), destination=BERLIN, criticality=criticality))[1]
        for criticality in ("routine", "aog")
    )

    assert one is other
    assert book.amounts(one, (1, 2)) is book.amounts(other, (1, 2))
    assert book.freight(BERLIN) is book.freight(BERLIN)


def test_only_so_many_answers_are_kept_and_the_first_goes_first() -> None:
    kept: Kept[str, int] = Kept(2)
    made = [kept.get(key, lambda: len(kept)) for key in "abab"]

    assert made == [0, 1, 0, 1]
    assert kept.get("c", lambda: 7) == 7
    assert kept.get("a", lambda: 8) == 8
    assert (len(kept), kept.get("c", lambda: 9)) == (2, 7)
