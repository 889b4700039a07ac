"""Why every node that can't, can't: objects with words and figures, written only for these."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain

import numpy as np

from fabroute.logistics.rules import NoDutyRule, ParcelTooHeavy, Service, Shipment, consignment_of, quote_shipment
from fabroute.logistics.rules.places import Location
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.gates import Reasons, nearest_of_each_code
from fabroute.routing.service.quoting.answers import RuledOut
from fabroute.routing.service.quoting.freight import NO_PRICE
from fabroute.routing.service.quoting.gating import is_restricted
from fabroute.routing.service.quoting.grouping import Grouping, together
from fabroute.routing.service.quoting.network import Flags, some
from fabroute.routing.service.quoting.survey import (
    LATE,
    Setting,
    Survey,
    days_promised,
    is_in_time,
    minutes_of_day,
)
from fabroute.routing.service.timing import NEVER
from fabroute.routing.service.ways import beyond_calendars, build_too_long, not_taken
from fabroute.solver.eligibility import Exclusion, ExclusionCode, ProductionWindow
from fabroute.solver.eligibility.commerce import capacity, late_arrival, minimum_order, over_the_cap
from fabroute.solver.eligibility.law import print_licence
from fabroute.solver.eligibility.proofs import certificate_expires, part_qualified
from fabroute.solver.eligibility.supply import lot_blocked, material_short
from fabroute.solver.eligibility.worlds import is_in_sight

_REFUSED, _SENDING, _CERTIFICATE, _ARTICLE, _LICENCE, _LOT = (1 << bit for bit in range(6))
_MORE_THAN_ALL = 10**12
_HAS_WAYS, _ABLE = 1, 2


class Reasoner:
    """Writes the reasons of one question: those that no quantity changes once for all, the others where they bite."""

    def __init__(self, setting: Setting, survey: Survey, against: list[Reasons]) -> None:
        self._setting = setting
        self._survey = survey
        self._against = against
        bites = _bites(setting, survey)
        self._bites: list[list[int]] = bites.tolist()
        self._changing = by_node(setting, bites != 0)
        self._fixed: dict[int, Reasons] = {}
        self._licences: dict[tuple[int, int, int], Reasons] = {}
        self._windows: dict[tuple[int, int], ProductionWindow] = {}
        self._delays = _Delays(setting, survey)
        self._late: dict[int, Exclusion] = {}
        self._known_writers: dict[int, list[Callable[[int, int], Reasons]]] = {}
        self._gates = (
            (_REFUSED, self._refused),
            (_SENDING, self._sending),
            (_CERTIFICATE, self._certificate),
            (_ARTICLE, self._article),
            (_LICENCE, self._licence),
            (_LOT, self._lot),
        )
        self._caps = None if setting.cap_minor is None else _Caps(setting, survey, against, setting.cap_minor)
        self._over = np.zeros_like(self._changing) if self._caps is None else self._caps.over

    def ruled_out(self, *, able: Flags, has_ways: Flags) -> tuple[RuledOut, ...]:
        """Return the nodes that can't make some quantities with all that keeps them from it.

        ``has_ways``: one of a node's offers could; then only what speaks against the node itself counts, or the price.
        """
        grouping, quantities = Grouping(), self._setting.amounts.quantities
        one_by_one = some(able | has_ways | self._changing | self._over).tolist()
        standing, changing, over = _standing(able, has_ways), self._changing.tolist(), self._over.tolist()
        line, facts = self._setting.terms.line, self._setting.book.tables.node_facts
        for node, view in enumerate(self._setting.book.tables.nodes):
            if not is_in_sight(line, facts[node]):
                continue
            if not one_by_one[node]:
                grouping.add(view, quantities, self._unchanging(node))
                continue
            found = self._by_quantity(node, zip(standing[node], changing[node], over[node], strict=True))
            by_quantity = zip(quantities, found, strict=True)
            for pieces, reasons in together((pieces, reasons) for pieces, reasons in by_quantity if reasons):
                grouping.add(view, pieces, reasons)
        return grouping.groups()

    def _by_quantity(self, node: int, columns: Iterable[tuple[int, bool, bool]]) -> Iterator[Reasons]:
        """Return what speaks against a node for each quantity, nothing where it can make it."""
        for column, (stands, changing, over) in enumerate(columns):
            if stands == _ABLE:
                yield ()
                continue
            if stands == _HAS_WAYS:
                reasons = nearest_of_each_code(self._against[node])
            elif changing:
                reasons = self._changed(node, column)
            else:
                reasons = self._unchanging(node)
            yield (*reasons, self._caps.too_dear(node, column)) if self._caps and over else reasons

    def _unchanging(self, node: int) -> Reasons:
        """Return what speaks against a node and its offers for every quantity."""
        known = self._fixed.get(node)
        if known is None:
            first, end = self._setting.part.at_node[node]
            reasons = (*self._against[node], *chain.from_iterable(self._setting.terms.fixed[first:end]))
            known = self._fixed[node] = reasons if len(reasons) == 1 else nearest_of_each_code(reasons)
        return known

    def _changed(self, node: int, column: int) -> Reasons:
        """Return what speaks against a node of whose reasons some are about this quantity."""
        reasons, part = list(self._against[node]), self._setting.part
        for row in range(*part.at_node[node]):
            bites = self._bites[row][column]
            if not bites:
                reasons += self._setting.terms.fixed[row]
                continue
            reasons += part.reasons[row]
            for write in self._known_writers.get(bites) or self._writers(bites):
                reasons += write(row, column)
        return nearest_of_each_code(reasons)

    def _writers(self, bites: int) -> list[Callable[[int, int], Reasons]]:
        """Return who writes the reasons of the gates that fail, in the order of gates."""
        if bites not in self._known_writers:
            self._known_writers[bites] = [write for gate, write in self._gates if bites & gate]
        return self._known_writers[bites]

    # ------------------------------------------------------------ proofs, stock and licences

    def _refused(self, row: int, column: int) -> Reasons:
        part, tables = self._setting.part, self._setting.book.tables
        price = int(self._setting.amounts.before_top_up_minor[row, column])
        facts = tables.node_facts[int(part.node_of[row])]
        return _found(minimum_order(facts, price_minor=price, machine_id=part.facts[row].machine_id))

    def _certificate(self, row: int, column: int) -> Reasons:
        part, line = self._setting.part, self._setting.terms.line
        held = self._setting.book.tables.certificates[int(part.node_of[row])]
        return _found(certificate_expires(line, part.facts[row], held, self._window(row, column)))

    def _lot(self, row: int, column: int) -> Reasons:
        part, window = self._setting.part, self._window(row, column)
        lots = self._setting.book.tables.stores.facts[int(part.store_of[row])]
        grams, offered = int(self._setting.amounts.grams[row, column]), part.facts[row]
        return _found(
            material_short(offered, lots, window, needed_grams=grams),
            lot_blocked(offered, lots, window, needed_grams=grams),
        )

    def _article(self, row: int, column: int) -> Reasons:
        part, article = self._setting.part, self._setting.terms.articles[row]
        if article is None:
            return (part.unproved[row],)
        return _found(part_qualified(self._setting.terms.line, part.facts[row], article, self._window(row, column)))

    def _window(self, row: int, column: int) -> ProductionWindow:
        """Return the days of production; the same for all offers of a node that end on the same day."""
        place = (int(self._setting.part.node_of[row]), int(self._setting.amounts.last_bucket[row, column]))
        known = self._windows.get(place)
        if known is None:
            tables = self._setting.book.tables
            first_day, last_day = tables.clocks[place[0]].first_day, tables.calendars.day(place[1])
            known = self._windows[place] = ProductionWindow(first_day=first_day, last_day=last_day)
        return known

    def _licence(self, row: int, column: int) -> Reasons:
        setting = self._setting
        node, last = int(setting.part.node_of[row]), int(setting.amounts.last_bucket[row, column])
        key = (node if is_restricted(setting.terms) else -1, column, last)
        if key not in self._licences:
            self._licences[key] = _found(
                print_licence(
                    setting.terms.line,
                    setting.book.tables.node_facts[node],
                    setting.terms.licences,
                    prints=setting.amounts.quantities[column],
                    through=self._window(row, column).last_day,
                )
            )
        return self._licences[key]

    # ------------------------------------------------------------ time

    def _sending(self, row: int, column: int) -> Reasons:
        """Return what hinders every service; if one would do with an empty machine, that the machine is full."""
        setting, delays = self._setting, self._delays
        day = delays.too_late[row][column]
        if day < NEVER:
            return (self._need_by(row, day),)
        if day < LATE:
            return (self._beyond(row, column),)
        if not delays.has_price[row][column]:
            services = setting.freight.services[int(setting.part.node_of[row])]
            return tuple(self._not_taken(row, column, service) for service in services)
        return (self._capacity(row, column, *delays.nearest[row][column]),)

    def _not_taken(self, row: int, column: int, service: Service) -> Exclusion:
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
        country = setting.asked.destination.country
        try:
            quote_shipment(setting.book.snapshot.logistics.freight, shipment, service=service)
        except (NoDutyRule, ParcelTooHeavy) as error:
            return not_taken(error, country=country)
        return Exclusion(code=ExclusionCode.LANE_MISSING, message="", figures={"ship_to": country})

    def _capacity(self, row: int, column: int, latest: int, free: int) -> Exclusion:
        setting, machine_id = self._setting, self._setting.part.facts[row].machine_id
        minutes, last_day = int(setting.amounts.machine_minutes[row, column]), setting.book.tables.calendars.day(latest)
        return capacity(
            needed_minutes=minutes, available_minutes=free, last_day=last_day, machine_id=machine_id
        ) or build_too_long(
            build_minutes=int(setting.amounts.build_minutes[row, column]), last_day=last_day, machine_id=machine_id
        )

    def _beyond(self, row: int, column: int) -> Exclusion:
        amounts, calendars = self._setting.amounts, self._setting.book.tables.calendars
        return beyond_calendars(
            ready_bucket=int(amounts.earliest_empty[row, column] + amounts.shifts[row, column, -1]),
            planned_days=calendars.planned_days,
            machine_minutes=int(amounts.machine_minutes[row, column]),
            machine_id=self._setting.part.facts[row].machine_id,
        )

    def _need_by(self, row: int, day: int) -> Exclusion:
        """Return that a part would arrive on a day at the earliest; the words are the same for all machines."""
        machine_id = self._setting.part.facts[row].machine_id
        known = self._late.get(day)
        if known is None:
            arrival = self._setting.book.tables.calendars.instant(minutes_of_day(self._setting, day))
            needed_at = self._setting.asked.need_by or arrival
            known = self._late[day] = late_arrival(arrival, needed_at=needed_at, machine_id=machine_id)
        return Exclusion(code=known.code, message=known.message, figures=known.figures, machine_id=machine_id)


class _Delays:
    """When offers could arrive of which no service arrives in time: lists, worked out when the first one asks."""

    def __init__(self, setting: Setting, survey: Survey) -> None:
        self._setting = setting
        self._survey = survey

    @cached_property
    def has_price(self) -> list[list[bool]]:
        """By row and quantity: whether a service has a price."""
        found: list[list[bool]] = some(self._survey.priced).tolist()
        return found

    @cached_property
    def too_late(self) -> list[list[int]]:
        """By row and quantity: the day on which it would arrive from an empty machine, ``LATE`` where that is in time.

        ``LATE`` also where one of the services would be in time, or has no day at all; ``NEVER`` where no calendar
        knows the day.
        """
        days = np.where(self._survey.priced, self._empty, -1).max(axis=-1)
        soonest = np.where(self._survey.priced, self._empty, LATE).min(axis=-1)
        found: list[list[int]] = np.where(days == LATE, LATE, soonest).tolist()
        return found

    @cached_property
    def nearest(self) -> list[list[list[int]]]:
        """By row and quantity: the last bucket in which production may end for the service that lacks least, and the
        minutes that are free until then; -1 where it may end in none.

        Only services that would be in time from an empty machine, or have no day at all, are looked at.
        """
        amounts, machines = self._setting.amounts, self._setting.book.tables.machines
        full = self._hindered & (self._empty == LATE)
        latest = _latest(self._setting, self._survey, full)
        row = np.broadcast_to(self._setting.part.machine_of[:, np.newaxis, np.newaxis], latest.shape)
        free = np.where(latest >= 0, machines.free[row, latest], 0)
        needed, build = amounts.machine_minutes[:, :, np.newaxis], amounts.build_minutes[:, :, np.newaxis]
        lacks = np.where(full, np.where(needed > free, needed - free, build), _MORE_THAN_ALL)
        best = lacks.argmin(axis=-1)[:, :, np.newaxis]
        chosen = [np.take_along_axis(each, best, axis=-1) for each in (latest, free)]
        found: list[list[list[int]]] = np.concatenate(chosen, axis=-1).tolist()
        return found

    @cached_property
    def _hindered(self) -> Flags:
        """The services of the offers of which none arrives in time."""
        hindered: Flags = self._survey.priced & ~some(self._survey.in_time)[:, :, np.newaxis]
        return hindered

    @cached_property
    def _empty(self) -> Days:
        """The promised days that an empty machine could reach, where they are too late; else ``LATE``."""
        setting, survey = self._setting, self._survey
        days = days_promised(setting, survey.ways, setting.amounts.earliest_empty[:, :, np.newaxis], self._hindered)
        return np.where(is_in_time(setting, days), LATE, days)


def _standing(able: Flags, has_ways: Flags) -> list[list[int]]:
    """Return by node and quantity whether it is able, only has ways, or neither."""
    found: list[list[int]] = np.where(able, _ABLE, np.where(has_ways, _HAS_WAYS, 0)).tolist()
    return found


def _found(*reasons: Exclusion | None) -> Reasons:
    return tuple(reason for reason in reasons if reason is not None)


def _bites(setting: Setting, survey: Survey) -> Days:
    """Return by row and quantity the gates that fail there, a bit each; none where the part does not fit.

    A first article that is missing is no news where nothing else fails: no quantity changes it.
    """
    bites = (
        setting.amounts.refused * _REFUSED
        + ~some(survey.in_time) * _SENDING
        + survey.uncertified * _CERTIFICATE
        + survey.unlicensed * _LICENCE
        + survey.without_lot * _LOT
    )
    known = np.array([article is not None for article in setting.terms.articles], dtype=np.bool_)
    if len(known):
        bites += (survey.unqualified & (known[:, np.newaxis] | (bites != 0))) * _ARTICLE
    fitting: Days = bites * setting.part.fits[:, np.newaxis]
    return fitting


class _Caps:
    """Which nodes are over the cap of a question, and with what."""

    def __init__(self, setting: Setting, survey: Survey, against: list[Reasons], cap_minor: int) -> None:
        part = setting.part
        clear = np.array([not reasons for reasons in against], dtype=np.bool_)
        self._ways = by_node(setting, some(survey.open)) & clear[:, np.newaxis]
        counted = np.where(self._ways[part.node_of][:, :, np.newaxis], survey.open, survey.priced)
        least = np.where(counted, survey.landed_minor, NO_PRICE).min(axis=-1)
        over = np.zeros(self._ways.shape, np.bool_)
        nodes, first = np.unique(part.node_of, return_index=True)
        if len(nodes):
            of_nodes = np.minimum.reduceat(least, first, axis=0)
            over[nodes] = (cap_minor < of_nodes) & (of_nodes < NO_PRICE)
        self._part, self._cap_minor = part, cap_minor
        self.over = over
        """By node and quantity."""
        self._least: list[list[int]] = least.tolist()

    def too_dear(self, node: int, column: int) -> Exclusion:
        """Return that the least landed cost at a node is over the cap: of its ways, or else of all that has a price."""
        first, end = self._part.at_node[node]
        costs = [self._least[row][column] for row in range(first, end)]
        machines = [facts.machine_id for facts in self._part.facts[first:end]]
        least = min(costs)
        known = machines[costs.index(least)] if self._ways[node, column] else min(zip(costs, machines, strict=True))[1]
        return over_the_cap(landed_minor=least, maximum_minor=self._cap_minor, machine_id=known)


def by_node(setting: Setting, of_offers: Flags) -> Flags:
    """Return by node and quantity whether something is so for one of its offers."""
    rows, columns = np.nonzero(of_offers)
    found = np.zeros((len(setting.book.tables.nodes), of_offers.shape[1]), np.bool_)
    found[setting.part.node_of[rows], columns] = True
    return found


def _latest(setting: Setting, survey: Survey, wanted: Flags) -> Days:
    """Return the last bucket whose promised day is in time, by halving: a later end never arrives earlier."""
    end = np.full(wanted.shape, setting.book.tables.horizon_days - 1, np.int64)
    whole = is_in_time(setting, days_promised(setting, survey.ways, end, wanted))
    low, high = np.where(whole, end, -1), np.where(whole, end, end - 1)
    while (low < high)[wanted].any():
        middle = (low + high + 1) // 2
        in_time = is_in_time(setting, days_promised(setting, survey.ways, middle, wanted))
        low, high = np.where(in_time, middle, low), np.where(in_time, high, middle - 1)
    return low
