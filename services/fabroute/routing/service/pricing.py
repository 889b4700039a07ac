"""What it takes to make a line at a node and to send it: each estimate and each quote of a run worked out once."""

from dataclasses import dataclass
from datetime import date

from fabroute.estimation.calibration import Evidence
from fabroute.estimation.facts import Box, NodeRates, PartGeometry
from fabroute.estimation.production import ProductionEstimate, estimate_production
from fabroute.inventory.service import RevisionView
from fabroute.logistics.rules import (
    Connection,
    Location,
    Parcel,
    Service,
    Shipment,
    ShipmentQuote,
    Zone,
    connect,
    consignment_of,
    customs_territory,
    distance_km,
    grid_g_per_kwh,
    offered_services,
    pack_parcel,
    quote_on,
    zone_between,
)
from fabroute.logistics.rules.duties import Consignment
from fabroute.logistics.service import LogisticsView
from fabroute.network.service import NodeView, OfferView, evidence_of, machine_facts, material_facts, rates_of
from fabroute.routing.service.facts import standing
from fabroute.routing.service.options import Price

_DutyBase = tuple[int, Consignment]
_Terms = tuple[str, str, NodeRates, Evidence]
"""What an estimate depends on besides the part: machine model, material, the node's rates, and what was learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is in a parcel of an order line, and for whom."""

    parcel: Parcel
    value_minor: int
    consignment: Consignment


class Pricing:
    """The prices of one run, on one snapshot."""

    def __init__(self, logistics: LogisticsView, *, on: date) -> None:
        self._logistics = logistics
        self._on = on
        self._terms: dict[str, _Terms] = {}
        self._geometries: dict[str, PartGeometry] = {}
        self._origins: dict[str, Location] = {}
        self._distances: dict[tuple[str, Location], float] = {}
        self._zones: dict[tuple[str, Location], Zone] = {}
        self._parcels: dict[tuple[Box, int, int], Parcel] = {}
        self._estimates: dict[tuple[str, int, _Terms], ProductionEstimate] = {}
        self._services: dict[tuple[str, Zone, date], tuple[Service, ...]] = {}
        self._connections: dict[tuple[str, Location, Service, date], Connection] = {}
        self._quotes: dict[tuple[str, Location, Service, Parcel, _DutyBase | None, date], ShipmentQuote] = {}

    def estimate(
        self, revision: RevisionView, *, quantity: int, node: NodeView, offer: OfferView
    ) -> ProductionEstimate:
        """Return what it takes to make so many of a revision; ``PartDoesNotFit`` if the machine is too small."""
        terms = self._terms_of(node, offer)
        key = (revision.revision_id, quantity, terms)
        if key not in self._estimates:
            _, _, rates, evidence = terms
            self._estimates[key] = estimate_production(
                part=self.geometry(revision),
                machine=machine_facts(offer.model),
                material=material_facts(offer.material),
                rates=rates,
                quantity=quantity,
                evidence=evidence,
            )
        return self._estimates[key]

    def services(self, node: NodeView, destination: Location, *, day: date) -> tuple[Service, ...]:
        """Return the services that the node uses to the destination and carriers offer on that day, slowest first."""
        key = (node.node_id, self.zone(node, destination), day)
        if key not in self._services:
            used = self._logistics.lanes.get(node.node_id, {}).get(key[1], ())
            offered = offered_services(self._logistics.freight, zone=key[1], day=day)
            self._services[key] = tuple(service for service in offered if service in used)
        return self._services[key]

    def zone(self, node: NodeView, destination: Location) -> Zone:
        """Return the freight zone from a node to a destination."""
        key = (node.node_id, destination)
        if key not in self._zones:
            origin = self._origin_of(node)
            self._zones[key] = zone_between(origin, destination, great_circle_km=distance_km(origin, destination))
        return self._zones[key]

    def distance_km(self, node: NodeView, destination: Location) -> float:
        """Return the great-circle distance from a node to a destination."""
        key = (node.node_id, destination)
        if key not in self._distances:
            self._distances[key] = distance_km(self._origin_of(node), destination)
        return self._distances[key]

    def quote(
        self, node: NodeView, destination: Location, *, goods: Goods, service: Service, day: date
    ) -> ShipmentQuote:
        """Return what sending the goods takes.

        ``NoDutyRule`` if a border is crossed for which there is no rule, ``ParcelTooHeavy`` if no carrier takes it.
        """
        duty = (goods.value_minor, goods.consignment) if _crosses_a_border(node, destination) else None
        key = (node.node_id, destination, service, goods.parcel, duty, day)
        if key not in self._quotes:
            shipment = Shipment(
                origin=self._origin_of(node),
                destination=destination,
                parcel=goods.parcel,
                value_minor=goods.value_minor,
                consignment=goods.consignment,
                day=day,
            )
            connection = self._connection(node, destination, service, day)
            self._quotes[key] = quote_on(self._logistics.freight, connection, shipment)
        return self._quotes[key]

    def goods(self, revision: RevisionView, estimate: ProductionEstimate, *, criticality: str) -> Goods:
        """Return a line's parts in their parcel, worth what their production costs."""
        box = (revision.box_x_mm, revision.box_y_mm, revision.box_z_mm)
        key = (box, estimate.quantity, estimate.net_grams)
        if key not in self._parcels:
            self._parcels[key] = pack_parcel(part_box_mm=box, quantity=estimate.quantity, net_grams=estimate.net_grams)
        return Goods(
            parcel=self._parcels[key], value_minor=estimate.price_minor, consignment=consignment_of(criticality)
        )

    def geometry(self, revision: RevisionView) -> PartGeometry:
        """Return a revision's size and volume as estimates want them."""
        if revision.revision_id not in self._geometries:
            self._geometries[revision.revision_id] = PartGeometry(
                box_mm=(revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
                volume_cm3=revision.volume_cm3,
                orientation_mm=standing(revision),
            )
        return self._geometries[revision.revision_id]

    def rates(self, node: NodeView, offer: OfferView) -> NodeRates:
        """Return what a node charges for an offer; without a figure of its own its electricity is the country's."""
        own = node.grid_g_co2_per_kwh
        grid = grid_g_per_kwh(self._logistics.grid, node.country, self._on).g_per_kwh if own is None else own
        return rates_of(node, offer, grid_g_per_kwh=grid)

    def _connection(self, node: NodeView, destination: Location, service: Service, day: date) -> Connection:
        key = (node.node_id, destination, service, day)
        if key not in self._connections:
            origin = self._origin_of(node)
            self._connections[key] = connect(self._logistics.freight, origin, destination, service=service, day=day)
        return self._connections[key]

    def _terms_of(self, node: NodeView, offer: OfferView) -> _Terms:
        if offer.offer_id not in self._terms:
            rates, evidence = self.rates(node, offer), evidence_of(offer)
            self._terms[offer.offer_id] = (offer.model.model, offer.material.code, rates, evidence)
        return self._terms[offer.offer_id]

    def _origin_of(self, node: NodeView) -> Location:
        if node.node_id not in self._origins:
            self._origins[node.node_id] = Location(
                latitude=node.latitude, longitude=node.longitude, country=node.country
            )
        return self._origins[node.node_id]


def landed_price(estimate: ProductionEstimate, quote: ShipmentQuote) -> Price:
    """Return the price of making and sending a line, with the rows of both that are not 0."""
    return Price(
        production_minor=estimate.price_minor,
        freight_minor=quote.cost_minor,
        duty_minor=quote.duty_minor,
        co2e_g=estimate.co2_g + quote.co2_g,
        breakdown=tuple(row for row in (*estimate.breakdown, *quote.breakdown) if row.amount_minor),
    )


def _crosses_a_border(node: NodeView, destination: Location) -> bool:
    return customs_territory(node.country) != customs_territory(destination.country)
