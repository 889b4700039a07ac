"""Every node's ways to one destination: zones, carriers, transit and distances; and what parcels cost on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabroute.logistics.rules import (
    FreightBook,
    Location,
    Parcel,
    Service,
    Tariff,
    Transit,
    Zone,
    customs_territory,
    distance_km,
    leg_mode,
    offered_services,
    quantile_days,
    travelled_km,
    way_transit,
    zone_between,
)
from fabroute.logistics.rules.quote import PACKAGING_CO2_G_PER_KG, freight_rows, tariffs_on
from fabroute.logistics.rules.tariffs import LONG_HAUL_KM, ROAD_KM_PER_DAY, ROAD_LIMIT_KM
from fabroute.logistics.service import LogisticsView
from fabroute.network.service import NodeView
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.lanes import LaneAsked, no_lane
from fabroute.routing.service.quoting.grouping import shared
from fabroute.routing.service.quoting.network import Flags, NetworkTables
from fabroute.routing.service.quoting.parts import Figures
from fabroute.routing.service.quoting.travel import Transits, transits_of
from fabroute.solver.eligibility import Exclusion

SERVICES = tuple(Service)
NO_WAY = -1
NO_PRICE = 10**15
"""In cents: stands for what can't be had."""
_NOISE = 1e-9
_AT_ONCE: Transit = ((0, 1000),)
_REACHES = 3
"""Up to the limit of the road, up to long-haul flights, and beyond."""
_MOST_DAYS = 1000
"""More than any parcel is on the road."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Freight:
    """The ways of all nodes to a destination. A way is a carrier's service from one node."""

    destination: Location
    services: tuple[tuple[Service, ...], ...]
    """By node."""
    no_lane: tuple[Exclusion | None, ...]
    """By node: that it has no service to there."""
    customs: Flags
    """By node: whether a border lies between."""
    ways: Days
    """By node, service and carrier (the preferred at equal prices first): the way, ``NO_WAY`` if there is none."""
    tariff_of: Days
    """By way, as the next three; the last one stands for no way at all and has the tariff that nobody offers."""
    transit_of: Days
    travelled_km: Figures
    g_per_tonne_km: Figures
    tariffs: tuple[Tariff, ...]
    transits: Transits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lanes:
    """The ways into a country, wherever exactly they end."""

    services: tuple[tuple[Service, ...], ...]
    no_lane: tuple[Exclusion | None, ...]
    customs: Flags
    node: Days
    """By way, as the next three."""
    service: Days
    tariff: Days
    crosses: Flags
    """A border."""
    ways: Days
    """By node, service and carrier."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Carried:
    """What carries the parcels of each tariff (rows) up to each limit of distance, and beyond the last (columns)."""

    limits: Figures
    factor: Figures
    """Kilometres travelled for each of the great circle …"""
    detour: Figures
    """… and those on top."""
    g_per_tonne_km: Figures


class FreightMaker:
    """Finds the ways to destinations on one day's logistics."""

    def __init__(self, tables: NetworkTables, logistics: LogisticsView) -> None:
        self._logistics = logistics
        self._book = logistics.freight
        self._ids = [node.node_id for node in tables.nodes]
        self._lanes = [logistics.lanes.get(node.node_id, {}) for node in tables.nodes]
        self._origins = [_place(node) for node in tables.nodes]
        self._territories = np.array([customs_territory(origin.country) for origin in self._origins])
        self._days = [clock.first_day for clock in tables.clocks]
        self._tariffs = tuple(tariff for of_lane in self._book.tariffs.values() for tariff in of_lane)
        carriers = sorted({tariff.carrier for tariff in self._tariffs})
        self._names = np.array([carriers.index(tariff.carrier) for tariff in self._tariffs], dtype=np.int64)
        self._at_home: dict[str, list[int]] = {}
        for position, origin in enumerate(self._origins):
            self._at_home.setdefault(origin.country, []).append(position)
        self._index = {id(tariff): position for position, tariff in enumerate(self._tariffs)}
        self._carried = _carried(self._book, self._tariffs)
        self._known_transits: dict[int, Transit] = {}
        self._lanes_to: dict[tuple[str, tuple[Zone, ...]], _Lanes] = {}
        self._prices: dict[int, Days] = {}
        self._served: dict[tuple[int, Zone], tuple[tuple[Service, ...], tuple[tuple[int, int], ...]]] = {}

    def freight(self, destination: Location) -> Freight:
        """Return the ways of all nodes to a destination."""
        km = [distance_km(origin, destination) for origin in self._origins]
        near = tuple(
            zone_between(self._origins[node], destination, great_circle_km=km[node])
            for node in self._at_home.get(destination.country, ())
        )
        key = (destination.country, near)
        if key not in self._lanes_to:
            self._lanes_to[key] = self._find_lanes(destination, km)
        return self._freight(destination, self._lanes_to[key], np.array(km))

    def _find_lanes(self, destination: Location, distances: Sequence[float]) -> _Lanes:
        """Return the lanes to a country: only within it does the distance make the zone."""
        zones = [
            zone_between(origin, destination, great_circle_km=km)
            for origin, km in zip(self._origins, distances, strict=True)
        ]
        served = [self._services(node, zone) for node, zone in enumerate(zones)]
        legs = [(node, *way) for node, (_, ways) in enumerate(served) for way in ways]
        node, service, tariff = np.array(legs, dtype=np.int64).reshape(len(legs), 3).T
        customs: Flags = self._territories != customs_territory(destination.country)
        return _Lanes(
            services=tuple(services for services, _ in served),
            no_lane=shared(self._no_lane(node, zone, destination.country) for node, zone in enumerate(zones)),
            customs=customs,
            node=node,
            service=service,
            tariff=tariff,
            crosses=customs[node],
            ways=_ways(node, service, len(served)),
        )

    def prices(self, freight: Freight, parcels: Sequence[Parcel]) -> Days:
        """Return what each tariff asks for each parcel, without duty; ``NO_PRICE`` where it is too heavy for it.

        The last row is that of the tariff that nobody offers.
        """
        weights = [parcel.chargeable_grams for parcel in parcels]
        for grams in set(weights) - self._prices.keys():
            prices = [_price(tariff, grams) for tariff in self._tariffs]
            self._prices[grams] = np.array([*prices, NO_PRICE], dtype=np.int64)
        found = np.array([self._prices[grams] for grams in weights], dtype=np.int64)
        return found.reshape(len(weights), len(self._tariffs) + 1).T

    def _no_lane(self, node: int, zone: Zone, country: str) -> Exclusion | None:
        services, _ = self._services(node, zone)
        asked = LaneAsked(node_id=self._ids[node], zone=zone, country=country, day=self._days[node], services=services)
        return no_lane(self._logistics, asked)

    def _services(self, node: int, zone: Zone) -> tuple[tuple[Service, ...], tuple[tuple[int, int], ...]]:
        """Return a node's services into a zone on its first day, and the tariffs of each by their positions."""
        key = (node, zone)
        if key not in self._served:
            day = self._days[node]
            offered = offered_services(self._book, zone=zone, day=day)
            used = self._lanes[node].get(zone, ())
            services = tuple(service for service in offered if service in used)
            ways = (
                (SERVICES.index(service), self._index[id(tariff)])
                for service in services
                for tariff in tariffs_on(self._book, zone, service, day)
            )
            self._served[key] = (services, tuple(ways))
        return self._served[key]

    def _freight(self, destination: Location, lanes: _Lanes, distances: Figures) -> Freight:
        great_circle = distances[lanes.node]
        reach = (great_circle[:, np.newaxis] > self._carried.limits[lanes.tariff]).sum(axis=-1)
        km = great_circle * self._carried.factor[lanes.tariff, reach] + self._carried.detour[lanes.tariff, reach]
        transit_of, transits = self._transits(lanes, great_circle, reach, km)
        return Freight(
            destination=destination,
            services=lanes.services,
            no_lane=lanes.no_lane,
            customs=lanes.customs,
            ways=self._preferred(lanes, transit_of, transits),
            tariff_of=np.append(lanes.tariff, NO_WAY),
            transit_of=np.append(transit_of, 0),
            travelled_km=np.append(km, 0.0),
            g_per_tonne_km=np.append(self._carried.g_per_tonne_km[lanes.tariff, reach], 0.0),
            tariffs=self._tariffs,
            transits=transits_of(transits),
        )

    def _transits(self, lanes: _Lanes, great_circle: Figures, reach: Days, km: Figures) -> tuple[Days, list[Transit]]:
        """Return the different transits and which one each way has.

        A tariff's transit changes with what carries the parcel, with customs and with every day on the road.
        """
        days = np.ceil(km / ROAD_KM_PER_DAY).astype(np.int64)
        kind = ((lanes.tariff * _REACHES + reach) * 2 + lanes.crosses) * _MOST_DAYS + days
        kinds, first, kind_of = np.unique(kind, return_index=True, return_inverse=True)
        known = {_AT_ONCE: 0}
        found = []
        for each, way in zip(kinds.tolist(), first.tolist(), strict=True):
            if each not in self._known_transits:
                self._known_transits[each] = self._transit(lanes, way, float(great_circle[way]))
            found.append(known.setdefault(self._known_transits[each], len(known)))
        return np.array(found, dtype=np.int64)[kind_of], list(known)

    def _transit(self, lanes: _Lanes, way: int, km: float) -> Transit:
        tariff, customs = self._tariffs[int(lanes.tariff[way])], bool(lanes.crosses[way])
        mode = leg_mode(tariff.mode, service=tariff.service, great_circle_km=km)
        return way_transit(tariff, mode=mode, great_circle_km=km, customs=customs)

    def _preferred(self, lanes: _Lanes, transit_of: Days, transits: Sequence[Transit]) -> Days:
        """Return the ways with carriers as they are preferred at equal prices: by late days, median and name."""
        if lanes.ways.shape[-1] == 1:
            return lanes.ways
        late, median = (
            np.array([quantile_days(transit, per_mille=share) for transit in transits], dtype=np.int64)
            for share in (950, 500)
        )
        rank = np.zeros(len(lanes.node) + 1, np.int64)
        order = np.lexsort((self._names[lanes.tariff], median[transit_of], late[transit_of]))
        rank[order], rank[NO_WAY] = np.arange(len(order)), len(order)
        return np.take_along_axis(lanes.ways, rank[lanes.ways].argsort(axis=-1), axis=-1)


def _ways(node: Days, service: Days, nodes: int) -> Days:
    """Return the positions of ways, sorted by node and service, by node, service and carrier."""
    group = node * len(SERVICES) + service
    order = group.argsort(kind="stable")
    carrier = np.arange(len(order)) - np.searchsorted(group[order], group[order], side="left")
    ways = np.full((nodes * len(SERVICES), int(carrier.max(initial=0)) + 1), NO_WAY, np.int64)
    ways[group[order], carrier] = order
    return ways.reshape(nodes, len(SERVICES), ways.shape[-1])


def _price(tariff: Tariff, grams: int) -> int:
    band = tariff.band(grams)
    return NO_PRICE if band is None else sum(row.amount_minor for row in freight_rows(tariff, band, grams))


def _carried(book: FreightBook, tariffs: Sequence[Tariff]) -> _Carried:
    limits = [sorted((ROAD_LIMIT_KM[tariff.service], LONG_HAUL_KM)) for tariff in tariffs]
    modes = [
        [leg_mode(tariff.mode, service=tariff.service, great_circle_km=km) for km in (*up_to, math.inf)]
        for tariff, up_to in zip(tariffs, limits, strict=True)
    ]
    detour = [[travelled_km(mode, great_circle_km=0.0) for mode in row] for row in modes]
    one = [[travelled_km(mode, great_circle_km=1.0) for mode in row] for row in modes]
    shape = (len(tariffs), _REACHES)
    return _Carried(
        limits=np.array(limits, dtype=np.float64).reshape(len(tariffs), _REACHES - 1),
        factor=(np.array(one, dtype=np.float64) - np.array(detour, dtype=np.float64)).reshape(shape),
        detour=np.array(detour, dtype=np.float64).reshape(shape),
        g_per_tonne_km=np.array([[book.g_per_tonne_km[mode] for mode in row] for row in modes]).reshape(shape),
    )


def _place(node: NodeView) -> Location:
    return Location(latitude=node.latitude, longitude=node.longitude, country=node.country)


def transport_g(freight: Freight, ways: Days, parcels: Sequence[Parcel], parcel_of: Days) -> Days:
    """Return the carbon of the way and the packaging, in grams, as ``quote_shipment`` has it."""
    gross = np.array([parcel.gross_grams for parcel in parcels], dtype=np.float64)[parcel_of]
    packaging = np.array([parcel.packaging_grams for parcel in parcels], dtype=np.float64)[parcel_of]
    moved = gross / 1e6 * freight.travelled_km[ways] * freight.g_per_tonne_km[ways]
    exact = moved + packaging / 1000 * PACKAGING_CO2_G_PER_KG
    grams: Days = np.ceil(exact - _NOISE).astype(np.int64)
    return grams
