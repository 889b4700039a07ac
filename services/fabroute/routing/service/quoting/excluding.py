"""Why every node that can't, can't: objects with words and figures, written only for these."""

from collections.abc import Iterator

import numpy as np

from fabroute.logistics.rules import NoDutyRule, ParcelTooHeavy, Shipment, consignment_of, quote_shipment
from fabroute.logistics.rules.places import Location
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.gates import Reasons, nearest_of_each_code
from fabroute.routing.service.options import ExcludedNode
from fabroute.routing.service.quoting.freight import SERVICES
from fabroute.routing.service.quoting.gating import is_restricted
from fabroute.routing.service.quoting.network import Flags
from fabroute.routing.service.quoting.survey import LATE, Setting, Survey, days_promised, is_in_time, minutes_of
from fabroute.routing.service.ways import build_too_long, not_taken
from fabroute.solver.eligibility import Exclusion, ProductionWindow
from fabroute.solver.eligibility.commerce import capacity, minimum_order, need_by, price_cap
from fabroute.solver.eligibility.law import print_licence
from fabroute.solver.eligibility.proofs import certificate_expires, part_qualified
from fabroute.solver.eligibility.supply import lot_blocked, material_short

_REFUSED, _SENDING, _CERTIFICATE, _ARTICLE, _LICENCE, _LOT = (1 << bit for bit in range(6))


class Reasoner:
    """Writes the reasons of one question: static ones once for all quantities, the others where they bite."""

    def __init__(self, setting: Setting, survey: Survey, against: list[Reasons]) -> None:
        self._setting = setting
        self._survey = survey
        self._against = against
        self._bites: list[list[int]] = _bites(setting, survey).tolist()
        self._static: dict[int, ExcludedNode] = {}
        self._alone: dict[int, Reasons] = {}
        self._articles: dict[tuple[int, int], Exclusion | None] = {}
        self._licences: dict[tuple[int, int, int], Exclusion | None] = {}
        self._too_late: Days | None = None
        self._latest: Days | None = None

    def excluded(self, node: int, column: int, *, has_ways: bool) -> ExcludedNode:
        """Return a node with all that keeps it from making a quantity.

        ``has_ways``: one of its offers could; then only what speaks against the node itself counts, or the price.
        """
        found = self._without_cap(node, column, has_ways=has_ways)
        cap = self._setting.cap_minor
        if cap is None:
            return found
        dear = self._too_dear(node, column, cap, has_ways=has_ways and not self._against[node])
        return found if dear is None else ExcludedNode(node=found.node, reasons=(*found.reasons, dear))

    def _without_cap(self, node: int, column: int, *, has_ways: bool) -> ExcludedNode:
        if has_ways:
            if node not in self._alone:
                self._alone[node] = nearest_of_each_code(self._against[node])
            return ExcludedNode(node=self._setting.book.tables.nodes[node], reasons=self._alone[node])
        first, end = self._setting.part.at_node[node]
        if any(self._bites[row][column] for row in range(first, end)):
            return self._excluded(node, (*self._against[node], *self._of_offers(first, end, column)))
        if node not in self._static:
            fixed = (reason for row in range(first, end) for reason in self._setting.part.reasons[row])
            self._static[node] = self._excluded(node, (*self._against[node], *fixed))
        return self._static[node]

    def _excluded(self, node: int, reasons: Reasons) -> ExcludedNode:
        return ExcludedNode(node=self._setting.book.tables.nodes[node], reasons=nearest_of_each_code(reasons))

    def _of_offers(self, first: int, end: int, column: int) -> Iterator[Exclusion]:
        for row in range(first, end):
            yield from self._setting.part.reasons[row]
            if bites := self._bites[row][column]:
                yield from self._of_offer(row, column, bites)

    def _of_offer(self, row: int, column: int, bites: int) -> Iterator[Exclusion]:
        if bites & _REFUSED:
            yield from self._said("refused", row, column)
        if bites & _SENDING:
            yield from self._sending(row, column)
        if bites & _CERTIFICATE:
            yield from self._said("certificate", row, column)
        if bites & _ARTICLE:
            yield from self._article(row, column)
        if bites & _LICENCE:
            yield from self._licence(row, column)
        if bites & _LOT:
            yield from self._said("lot", row, column)

    # ------------------------------------------------------------ gates that no question changes

    def _said(self, gate: str, row: int, column: int) -> Reasons:
        """Return reasons that follow from part, offer and quantity alone: written once for all questions."""
        said = self._setting.amounts.said
        key = (gate, row, column)
        if key not in said:
            found = {"refused": self._refused, "certificate": self._certificate, "lot": self._lot}[gate](row, column)
            said[key] = tuple(reason for reason in found if reason is not None)
        return said[key]

    def _refused(self, row: int, column: int) -> tuple[Exclusion | None, ...]:
        part, tables = self._setting.part, self._setting.book.tables
        price = int(self._setting.amounts.before_top_up_minor[row, column])
        facts = tables.node_facts[int(part.node_of[row])]
        return (minimum_order(facts, price_minor=price, machine_id=part.facts[row].machine_id),)

    def _certificate(self, row: int, column: int) -> tuple[Exclusion | None, ...]:
        part, line = self._setting.part, self._setting.terms.line
        held = self._setting.book.tables.certificates[int(part.node_of[row])]
        return (certificate_expires(line, part.facts[row], held, self._window(row, column)),)

    def _lot(self, row: int, column: int) -> tuple[Exclusion | None, ...]:
        part, window = self._setting.part, self._window(row, column)
        lots = self._setting.book.tables.stores.facts[int(part.store_of[row])]
        grams, offered = int(self._setting.amounts.grams[row, column]), part.facts[row]
        return (
            material_short(offered, lots, window, needed_grams=grams),
            lot_blocked(offered, lots, window, needed_grams=grams),
        )

    def _window(self, row: int, column: int) -> ProductionWindow:
        tables = self._setting.book.tables
        last = tables.calendars.day(int(self._setting.amounts.last_bucket[row, column]))
        return ProductionWindow(first_day=tables.clocks[int(self._setting.part.node_of[row])].first_day, last_day=last)

    # ------------------------------------------------------------ gates that depend on what is asked

    def _article(self, row: int, column: int) -> Reasons:
        terms, key = self._setting.terms, (row, int(self._setting.amounts.last_bucket[row, column]))
        if key not in self._articles:
            offered, article = self._setting.part.facts[row], terms.articles[row]
            self._articles[key] = part_qualified(terms.line, offered, article, self._window(row, column))
        found = self._articles[key]
        return () if found is None else (found,)

    def _licence(self, row: int, column: int) -> Reasons:
        setting = self._setting
        node, last = int(setting.part.node_of[row]), int(setting.amounts.last_bucket[row, column])
        key = (node if is_restricted(setting.terms) else -1, column, last)
        if key not in self._licences:
            self._licences[key] = print_licence(
                setting.terms.line,
                setting.book.tables.node_facts[node],
                setting.terms.licences,
                prints=setting.amounts.quantities[column],
                through=self._window(row, column).last_day,
            )
        found = self._licences[key]
        return () if found is None else (found,)

    def _too_dear(self, node: int, column: int, cap_minor: int, *, has_ways: bool) -> Exclusion | None:
        """Return that the least landed cost at a node is over the cap: of its ways, without any of what is priced."""
        survey, (first, end) = self._survey, self._setting.part.at_node[node]
        counted = (survey.open if has_ways else survey.priced)[first:end, column]
        if not counted.any():
            return None
        least = np.where(counted, survey.landed_minor[first:end, column], np.iinfo(np.int64).max).min(axis=-1)
        machines = [facts.machine_id for facts in self._setting.part.facts[first:end]]
        costs = least.tolist()
        place = costs.index(min(costs))
        machine_id = machines[place] if has_ways else min(zip(costs, machines, strict=True))[1]
        return price_cap(landed_minor=costs[place], maximum_minor=cap_minor, machine_id=machine_id)

    # ------------------------------------------------------------ time

    def _sending(self, row: int, column: int) -> Reasons:
        """Return what hinders every service; if one would do with an empty machine, that the machine is full."""
        setting = self._setting
        services = setting.freight.services[int(setting.part.node_of[row])]
        places = [SERVICES.index(service) for service in services]
        priced = [place for place in places if self._survey.priced[row, column, place]]
        if not priced:
            return tuple(self._not_taken(row, column, place) for place in places)
        if setting.need_by is None:
            return (self._capacity(row, column, setting.book.tables.horizon_days - 1),)
        too_late = self._too_late_days()[row, column]
        full = [place for place in priced if too_late[place] == LATE]
        if full:
            latest = self._latest_buckets()[row, column]
            found = tuple(self._capacity(row, column, int(latest[place])) for place in full)
            return nearest_of_each_code(found)
        return self._need_by(row, min(int(too_late[place]) for place in priced))

    def _not_taken(self, row: int, column: int, service: int) -> Exclusion:
        """Return why a service does not take a parcel, in the words of the rule that refuses it."""
        setting, node = self._setting, self._setting.book.tables.nodes[int(self._setting.part.node_of[row])]
        shipment = Shipment(
            origin=Location(latitude=node.latitude, longitude=node.longitude, country=node.country),
            destination=setting.asked.destination,
            parcel=setting.amounts.parcels[int(setting.amounts.parcel_of[row, column])],
            value_minor=int(setting.amounts.price_minor[row, column]),
            consignment=consignment_of(setting.asked.criticality),
            day=setting.book.tables.clocks[int(setting.part.node_of[row])].first_day,
        )
        words = ""
        try:
            quote_shipment(setting.book.snapshot.logistics.freight, shipment, service=SERVICES[service])
        except (NoDutyRule, ParcelTooHeavy) as error:
            words = error.message
        return not_taken(words, country=setting.asked.destination.country)

    def _capacity(self, row: int, column: int, latest: int) -> Exclusion:
        setting, machine_id = self._setting, self._setting.part.facts[row].machine_id
        minutes, tables = int(setting.amounts.machine_minutes[row, column]), setting.book.tables
        free = int(tables.machines.free[setting.part.machine_of[row], latest]) if latest >= 0 else 0
        last_day = tables.calendars.day(latest)
        return capacity(
            needed_minutes=minutes, available_minutes=free, last_day=last_day, machine_id=machine_id
        ) or build_too_long(
            build_minutes=int(setting.amounts.build_minutes[row, column]), last_day=last_day, machine_id=machine_id
        )

    def _need_by(self, row: int, day: int) -> Reasons:
        arrival = self._setting.book.tables.calendars.instant(int(minutes_of(self._setting, np.int64(day))))
        found = need_by(
            earliest_arrival=arrival,
            needed_at=self._setting.asked.need_by,
            machine_id=self._setting.part.facts[row].machine_id,
        )
        return () if found is None else (found,)

    def _too_late_days(self) -> Days:
        """Return the promised days that an empty machine could reach, where they are too late; else ``LATE``."""
        if self._too_late is None:
            setting, survey = self._setting, self._survey
            late = days_promised(setting, survey.ways, setting.amounts.earliest_empty[:, :, np.newaxis], self._hindered())
            in_time = minutes_of(setting, late) <= (setting.need_by or 0)
            self._too_late = np.where(in_time, LATE, late)
        return self._too_late

    def _latest_buckets(self) -> Days:
        """Return the last bucket in which production may end, by row, quantity and service; -1 where none is."""
        if self._latest is None:
            wanted = self._hindered() & (self._too_late_days() == LATE)
            self._latest = _latest(self._setting, self._survey, wanted)
        return self._latest

    def _hindered(self) -> Flags:
        """Return the services of the offers of which none arrives in time."""
        hindered: Flags = self._survey.priced & ~self._survey.in_time.any(axis=-1)[:, :, np.newaxis]
        return hindered


def _bites(setting: Setting, survey: Survey) -> Days:
    """Return by row and quantity the gates that fail there, a bit each; none where the part does not fit."""
    bites = (
        setting.amounts.refused * _REFUSED
        + ~survey.in_time.any(axis=-1) * _SENDING
        + survey.uncertified * _CERTIFICATE
        + survey.unqualified * _ARTICLE
        + survey.unlicensed * _LICENCE
        + survey.without_lot * _LOT
    )
    fitting: Days = bites * setting.part.fits[:, np.newaxis]
    return fitting


def _latest(setting: Setting, survey: Survey, wanted: Flags) -> Days:
    """Return the last bucket whose promised day is in time, by halving: a later end never arrives earlier."""
    low = np.full(wanted.shape, -1, np.int64)
    high = np.full(wanted.shape, setting.book.tables.horizon_days - 1, np.int64)
    while (low < high)[wanted].any():
        middle = (low + high + 1) // 2
        in_time = is_in_time(setting, days_promised(setting, survey.ways, middle, wanted))
        low, high = np.where(in_time, middle, low), np.where(in_time, high, middle - 1)
    return low
