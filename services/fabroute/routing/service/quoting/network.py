"""The network of a book as arrays: nodes, offers, machine time and stores, worked out once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fabroute.network.rules import add_working_days, daily_capacity_minutes
from fabroute.network.service import LotView, NodeView, OfferView
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.facts import certificate_facts, lot_facts, node_facts, offer_facts
from fabroute.routing.service.timing import Calendars, NodeClock
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import CertificateFacts, LotFacts, NodeFacts, OfferFacts
from fabroute.solver.eligibility.supply import MAXIMUM_REUSE

Flags = npt.NDArray[np.bool_]

EMPTY_STORE = 0
"""The store of those that have none of a material."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stores:
    """Lots by store, which is a node's stock of a material; columns are lots in the order of their ids."""

    index: Mapping[tuple[str, str], int]
    lot_ids: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[LotFacts, ...], ...]
    """In the order of the snapshot, for the gates."""
    grams: Days
    last_bucket: Days
    """The last on which a lot may be used."""
    usable: Flags
    """Whether it may be used at all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MachineTimes:
    """Running totals of minutes by machine and bucket."""

    index: Mapping[str, int]
    free: Days
    empty: Days
    """If the machines held nothing."""


class NetworkTables:
    """Everything about a network that no quote changes; positions stand for nodes and offers."""

    def __init__(self, snapshot: RoutingSnapshot) -> None:
        network = snapshot.network
        self.calendars = Calendars(now=snapshot.now, horizon_days=snapshot.horizon_days)
        self.horizon_days = snapshot.horizon_days
        self.nodes: tuple[NodeView, ...] = tuple(network.nodes.values())
        self.place = {node.node_id: position for position, node in enumerate(self.nodes)}
        self.node_facts: tuple[NodeFacts, ...] = tuple(map(node_facts, self.nodes))
        self.clocks: tuple[NodeClock, ...] = tuple(map(self.calendars.clock, self.nodes))
        self.first_bucket = _integers([clock.first_bucket for clock in self.clocks])
        self.first_day_minutes = _integers([clock.first_day_minutes for clock in self.clocks])
        self.cutoff_minute = _integers([clock.cutoff_minute for clock in self.clocks])
        self.minimum_order_minor = _integers([node.minimum_order_minor for node in self.nodes])
        self.refuses_small_orders = np.array([node.minimum_order_policy == "refuse" for node in self.nodes], dtype=bool)
        self.patterns, self.pattern_of = _patterns(self.nodes)
        self.offers, self.node_of = _in_order_of_nodes(network.offers, self.nodes)
        self.offer_facts: tuple[OfferFacts, ...] = tuple(
            offer_facts(offer, machine_status=network.machines[offer.machine_id].status) for offer in self.offers
        )
        self.at_node = ranges(self.node_of, len(self.nodes))
        self.offers_in = _by_pair(self.offer_facts)
        self.certificates = _certificates(snapshot, self.nodes)
        self.stores = _stores(snapshot, self.calendars)
        self.machines = _machine_times(snapshot, self)

    def pairs_of(self, node: int) -> tuple[OfferFacts, ...]:
        """Return the facts of all offers of a node."""
        first, end = self.at_node[node]
        return self.offer_facts[first:end]


def _patterns(nodes: Sequence[NodeView]) -> tuple[tuple[tuple[str, str], ...], Days]:
    """Return the different weeks (working days, country) and which one each node keeps."""
    index: dict[tuple[str, str], int] = {}
    of_nodes = [index.setdefault((node.working_days, node.country), len(index)) for node in nodes]
    return tuple(index), _integers(of_nodes)


def _in_order_of_nodes(offers: Sequence[OfferView], nodes: Sequence[NodeView]) -> tuple[tuple[OfferView, ...], Days]:
    place = {node.node_id: position for position, node in enumerate(nodes)}
    ordered = sorted(offers, key=lambda offer: place[offer.node_id])
    return tuple(ordered), _integers([place[offer.node_id] for offer in ordered])


def ranges(node_of: Days, nodes: int) -> list[tuple[int, int]]:
    """Return the first and the end of each node's positions among what is sorted by node."""
    edges: list[int] = np.searchsorted(node_of, np.arange(nodes + 1)).tolist()
    return list(pairwise(edges))


def _by_pair(facts: Sequence[OfferFacts]) -> dict[str, list[int]]:
    """Return the positions of offers by process and material."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for position, offered in enumerate(facts):
        found[offered.process_material].append(position)
    return dict(found)


def _certificates(snapshot: RoutingSnapshot, nodes: Sequence[NodeView]) -> tuple[tuple[CertificateFacts, ...], ...]:
    held = snapshot.qualifications.certificates
    return tuple(tuple(map(certificate_facts, held.get(node.node_id, ()))) for node in nodes)


def _stores(snapshot: RoutingSnapshot, calendars: Calendars) -> Stores:
    by_store: defaultdict[tuple[str, str], list[LotView]] = defaultdict(list)
    for lot in snapshot.network.lots:
        by_store[lot.node_id, lot.material].append(lot)
    held: list[list[LotView]] = [[], *by_store.values()]
    sorted_lots = [sorted(lots, key=lambda lot: lot.lot_id) for lots in held]
    shape = (len(held), max(1, *map(len, held)) if by_store else 1)
    grams, last, usable = np.zeros(shape, np.int64), np.full(shape, -1, np.int64), np.zeros(shape, np.bool_)
    for store, lots in enumerate(sorted_lots):
        for column, lot in enumerate(lots):
            grams[store, column] = lot.remaining_grams
            last[store, column] = calendars.bucket(lot.expires_on)
            usable[store, column] = lot.state == "available" and lot.reuse_count <= MAXIMUM_REUSE
    return Stores(
        index={store: position for position, store in enumerate(by_store, start=1)},
        lot_ids=tuple(tuple(lot.lot_id for lot in lots) for lots in sorted_lots),
        facts=tuple(tuple(map(lot_facts, lots)) for lots in held),
        grams=grams,
        last_bucket=last,
        usable=usable,
    )


def _machine_times(snapshot: RoutingSnapshot, tables: NetworkTables) -> MachineTimes:
    """Return the running totals, without the minutes that are over already."""
    network, days = snapshot.network, snapshot.horizon_days
    place = tables.place
    node_of = _integers([place[machine.node_id] for machine in network.machines.values()])
    planned = np.array([network.capacity[machine_id] for machine_id in network.machines], dtype=np.int64)
    weeks = _open_days(tables, days)[tables.pattern_of[node_of]] if len(node_of) else np.zeros((0, days), np.bool_)
    offered = weeks * _integers(_minutes_a_day(snapshot, tables, place))[:, np.newaxis]
    return MachineTimes(
        index={machine_id: position for position, machine_id in enumerate(network.machines)},
        free=_still_usable(planned.reshape(len(node_of), days), tables, node_of).cumsum(axis=1),
        empty=_still_usable(offered, tables, node_of).cumsum(axis=1),
    )


def _open_days(tables: NetworkTables, days: int) -> Flags:
    weeks = [tables.calendars.open_days(working, country)[:days] for working, country in tables.patterns]
    return np.array(weeks, dtype=np.bool_).reshape(len(weeks), days)


def _minutes_a_day(snapshot: RoutingSnapshot, tables: NetworkTables, place: Mapping[str, int]) -> list[int]:
    """Return the minutes that each machine offers on a working day."""
    worked = [_a_working_day(clock) for clock in tables.clocks]
    found = []
    for machine in snapshot.network.machines.values():
        node = place[machine.node_id]
        calendar = tables.clocks[node].calendar
        found.append(daily_capacity_minutes(worked[node], utilisation=machine.utilisation, calendar=calendar))
    return found


def _a_working_day(clock: NodeClock) -> date:
    week = clock.calendar
    return add_working_days(clock.first_day, 0, working_days=week.working_days, countries=(week.country,))


def _still_usable(minutes: Days, tables: NetworkTables, node_of: Days) -> Days:
    first = tables.first_bucket[node_of][:, np.newaxis]
    left = np.where(np.arange(minutes.shape[1]) == first, tables.first_day_minutes[node_of][:, np.newaxis], 10**9)
    usable: Days = np.where(np.arange(minutes.shape[1]) < first, 0, np.minimum(minutes, left))
    return usable


def some(flags: Flags) -> Flags:
    """Return whether any is set along the last axis."""
    found: Flags = np.logical_or.reduce(flags, axis=-1)
    return found


def _integers(values: Sequence[int]) -> Days:
    return np.array(values, dtype=np.int64)
