"""The solver's gates, asked about lines, nodes and offers of a snapshot; each answer of a run is worked out once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from fabroute.network.service import LotView, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules import PART_QUALIFICATION, SAME_COUNTRY
from fabroute.routing.service.facts import (
    certificate_facts,
    first_article_facts,
    licence_facts,
    line_facts,
    lot_facts,
    node_facts,
    offer_facts,
    ruled_out_facts,
)
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import (
    Exclusion,
    ExclusionCode,
    FirstArticleFacts,
    LineFacts,
    NodeFacts,
    ProductionWindow,
)
from fabroute.solver.eligibility.commerce import minimum_order, packaging_offered
from fabroute.solver.eligibility.history import not_declined
from fabroute.solver.eligibility.law import export_control, ip_policy, print_licence, usable_licences
from fabroute.solver.eligibility.machine import (
    build_volume,
    file_validated,
    machine_up,
    node_up,
    parameter_set_allowed,
    parameter_set_qualified,
    process_material,
)
from fabroute.solver.eligibility.proofs import (
    certificate_expires,
    certificate_missing,
    certified_until,
    part_qualified,
    qualified_until,
)
from fabroute.solver.eligibility.supply import lot_blocked, material_short, usable_lots
from fabroute.solver.eligibility.worlds import is_in_sight, same_world

Reasons = tuple[Exclusion, ...]
_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a line asks, as the gates see it; lines with the same ``key`` get the same answers."""

    key: tuple[object, ...]
    facts: LineFacts
    revision_id: str
    same_country: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableLots:
    """The lots of a store that can serve a line through production, or why none can."""

    lots: tuple[LotView, ...]
    reasons: Reasons


class Gatekeeper:
    """Answers, from a snapshot, which rules a node or an offer breaks for a line."""

    def __init__(self, snapshot: RoutingSnapshot) -> None:
        self._snapshot = snapshot
        self._offers = _grouped(snapshot.network.offers, lambda offer: offer.node_id)
        self._lots = _grouped(snapshot.network.lots, lambda lot: (lot.node_id, lot.material))
        self._lot_facts = {key: tuple(map(lot_facts, lots)) for key, lots in self._lots.items()}
        machines = snapshot.network.machines
        self._offer_facts = {
            offer.offer_id: offer_facts(offer, machine_status=machines[offer.machine_id].status)
            for offer in snapshot.network.offers
        }
        self._node_facts = {node_id: node_facts(node) for node_id, node in snapshot.network.nodes.items()}
        proofs = snapshot.qualifications.certificates
        self._certificates = {node_id: tuple(map(certificate_facts, held)) for node_id, held in proofs.items()}
        self._licences = {key: tuple(map(licence_facts, held)) for key, held in snapshot.licences.items()}
        self._ruled_out = {
            (line_id, each.node_id): _found(not_declined(ruled_out_facts(each)))
            for line_id, excluded in snapshot.ruled_out.items()
            for each in excluded
        }
        self._asked: dict[tuple[object, ...], Asking] = {}
        self._allowed: dict[tuple[str, str], tuple[OfferView, ...]] = {}
        self._at_node: dict[tuple[object, str], Reasons] = {}
        self._at_offer: dict[tuple[object, str], Reasons] = {}
        self._proven: dict[tuple[object, str, ProductionWindow], Reasons] = {}
        self._licensed: dict[tuple[object, str, int, date], Reasons] = {}
        self._until: dict[tuple[object, str, date, int], date | None] = {}
        self._in_store: dict[tuple[str, ProductionWindow, int], UsableLots] = {}

    def asking(self, line: ClaimedLine) -> Asking:
        """Return what a line asks; its criticality may ask for more than the part does."""
        qualified, same_country = line.criticality in PART_QUALIFICATION, line.criticality in SAME_COUNTRY
        key = (line.revision_id, line.packaging, line.ship_to_country, qualified, same_country, line.first_article)
        if key not in self._asked:
            self._asked[key] = self._new_asking(line, key)
        return self._asked[key]

    def accepting(self, asking: Asking, process_material: str) -> Asking:
        """Return what a line asks if it were made in another process and material."""
        key = (*asking.key, process_material)
        if key not in self._asked:
            facts = replace(asking.facts, process_materials=frozenset({process_material}))
            self._asked[key] = replace(asking, key=key, facts=facts)
        return self._asked[key]

    def allowed_offers(self, asking: Asking, node_id: str) -> tuple[OfferView, ...]:
        """Return the node's offers in a process and material that the part may be made of."""
        key = (asking.revision_id, node_id)
        if key not in self._allowed:
            pairs = asking.facts.process_materials
            self._allowed[key] = tuple(
                offer
                for offer in self._offers.get(node_id, ())
                if self._offer_facts[offer.offer_id].process_material in pairs
            )
        return self._allowed[key]

    def node_reasons(self, asking: Asking, node_id: str) -> Reasons:
        """Return what speaks against a node whatever its machines."""
        key = (asking.key, node_id)
        if key not in self._at_node:
            facts, node = asking.facts, self._node_facts[node_id]
            offers = tuple(self._offer_facts[offer.offer_id] for offer in self._offers.get(node_id, ()))
            self._at_node[key] = _found(
                same_world(facts, node),
                file_validated(facts),
                node_up(node),
                process_material(facts, offers),
                export_control(facts, node),
                ip_policy(facts, node),
                same_country(facts, node) if asking.same_country else None,
                packaging_offered(facts, node),
            )
        return self._at_node[key]

    def in_sight(self, asking: Asking, node_id: str) -> bool:
        """Return whether a node is looked at and told of at all: nodes of other sandboxes are not."""
        return is_in_sight(asking.facts, self._node_facts[node_id])

    def has_history(self, line_id: str) -> bool:
        """Return whether some node had this very line before, and would not or could not make it."""
        return line_id in self._snapshot.ruled_out

    def history_reasons(self, line_id: str, node_id: str) -> Reasons:
        """Return whether the node had this very line before, and would not or could not make it."""
        return self._ruled_out.get((line_id, node_id), ())

    def offer_reasons(self, asking: Asking, offer: OfferView) -> Reasons:
        """Return what speaks against an offer on any day."""
        key = (asking.key, offer.offer_id)
        if key not in self._at_offer:
            facts, offered = asking.facts, self._offer_facts[offer.offer_id]
            self._at_offer[key] = _found(
                machine_up(offered),
                parameter_set_qualified(offered),
                parameter_set_allowed(facts, offered),
                build_volume(facts, offered),
                certificate_missing(facts, offered, self._certificates.get(offer.node_id, ())),
            )
        return self._at_offer[key]

    def proof_reasons(self, asking: Asking, offer: OfferView, window: ProductionWindow) -> Reasons:
        """Return what is not proven through production: certificates that end, first articles that lapse."""
        key = (asking.key, offer.offer_id, window)
        if key not in self._proven:
            facts, offered = asking.facts, self._offer_facts[offer.offer_id]
            self._proven[key] = _found(
                certificate_expires(facts, offered, self._certificates.get(offer.node_id, ()), window),
                part_qualified(facts, offered, self._article(asking, offer), window),
            )
        return self._proven[key]

    def begins_with_first_article(self, asking: Asking, offer: OfferView, window: ProductionWindow) -> bool:
        """Return whether an offer has no first article that counts, and the line lets it make one: one part first."""
        if not asking.facts.first_article:
            return False
        strict, offered = replace(asking.facts, first_article=False), self._offer_facts[offer.offer_id]
        return part_qualified(strict, offered, self._article(asking, offer), window) is not None

    def licence_reasons(self, asking: Asking, node_id: str, *, prints: int, through: date) -> Reasons:
        """Return whether no print licence serves so many prints at a node through a day."""
        key = (asking.key, node_id, prints, through)
        if key not in self._licensed:
            held, node = self._licences.get(asking.revision_id, ()), self._node_facts[node_id]
            self._licensed[key] = _found(print_licence(asking.facts, node, held, prints=prints, through=through))
        return self._licensed[key]

    def proven_until(self, asking: Asking, offer: OfferView, first_day: date, *, prints: int) -> date | None:
        """Return the last day through which all proofs and a licence hold for production from ``first_day`` on.

        None where they don't hold on that day, ``date.max`` where nothing ends.
        """
        key = (asking.key, offer.offer_id, first_day, prints)
        if key not in self._until:
            ends = (
                certified_until(
                    asking.facts,
                    self._offer_facts[offer.offer_id],
                    self._certificates.get(offer.node_id, ()),
                    first_day,
                ),
                qualified_until(asking.facts, self._article(asking, offer), first_day),
                self._licensed_until(asking, offer.node_id, first_day, prints=prints),
            )
            known = [end for end in ends if end is not None]
            self._until[key] = min(known) if len(known) == len(ends) else None
        return self._until[key]

    def usable_lots(self, offer: OfferView, window: ProductionWindow, *, grams: int) -> UsableLots:
        """Return the lots of the offer's material that hold enough through production, or why there is none."""
        key = (offer.offer_id, window, grams)
        if key not in self._in_store:
            self._in_store[key] = self._look_into_store(offer, window, grams=grams)
        return self._in_store[key]

    def minimum_order_reasons(self, offer: OfferView, *, price_minor: int) -> Reasons:
        """Return whether the node refuses an order of this production price."""
        node = self._node_facts[offer.node_id]
        return _found(minimum_order(node, price_minor=price_minor, machine_id=offer.machine_id))

    def _licensed_until(self, asking: Asking, node_id: str, first_day: date, *, prints: int) -> date | None:
        if not asking.facts.licence_required:
            return date.max
        held, node = self._licences.get(asking.revision_id, ()), self._node_facts[node_id]
        usable = usable_licences(node, held, prints=prints, through=first_day)
        return max((licence.valid_to or date.max for licence in usable), default=None)

    def _look_into_store(self, offer: OfferView, window: ProductionWindow, *, grams: int) -> UsableLots:
        place = (offer.node_id, offer.material.code)
        lots, offered = self._lot_facts.get(place, ()), self._offer_facts[offer.offer_id]
        usable = {lot.lot_id for lot in usable_lots(lots, window, needed_grams=grams)}
        return UsableLots(
            lots=tuple(lot for lot in self._lots.get(place, ()) if lot.lot_id in usable),
            reasons=_found(
                material_short(offered, lots, window, needed_grams=grams),
                lot_blocked(offered, lots, window, needed_grams=grams),
            ),
        )

    def _new_asking(self, line: ClaimedLine, key: tuple[object, ...]) -> Asking:
        facts = line_facts(
            self._snapshot.revisions[line.revision_id],
            criticality=line.criticality,
            destination_country=line.ship_to_country,
            packaging=line.packaging,
            first_article=line.first_article,
        )
        return Asking(key=key, facts=facts, revision_id=line.revision_id, same_country=line.criticality in SAME_COUNTRY)

    def _article(self, asking: Asking, offer: OfferView) -> FirstArticleFacts | None:
        key = (asking.revision_id, offer.machine_id, offer.material.code, offer.parameter_set)
        return first_article_facts(self._snapshot.qualifications.first_articles.get(key))


def same_country(line: LineFacts, node: NodeFacts) -> Exclusion | None:
    """Require that a patient's part is made in the country that it goes to."""
    if node.country == line.destination_country:
        return None
    return Exclusion(
        code=ExclusionCode.IP_POLICY,
        message=f"a patient's part is made in {line.destination_country}; the node is in {node.country}",
        figures={"permitted": line.destination_country, "node_country": node.country},
    )


def nearest_of_each_code(reasons: Iterable[Exclusion]) -> Reasons:
    """Return one reason for each code, the one that is nearest to being none, in the order in which codes came."""
    nearest: list[Exclusion] = []
    for reason in reasons:
        for place, known in enumerate(nearest):
            if known.code is reason.code:
                nearest[place] = reason if _distance(reason) < _distance(known) else known
                break
        else:
            nearest.append(reason)
    return tuple(nearest)


_DISTANCES: Mapping[ExclusionCode, Callable[[Exclusion], float]] = MappingProxyType(
    {
        ExclusionCode.BUILD_VOLUME: lambda it: _figure(it, "needs_mm") - _figure(it, "has_mm"),
        ExclusionCode.CERTIFICATE_MISSING: lambda it: str(it.figures["missing"]).count(","),
        ExclusionCode.CERTIFICATE_EXPIRES: lambda it: -date.fromisoformat(str(it.figures["valid_to"])).toordinal(),
        ExclusionCode.IP_POLICY: lambda it: int(str(it.figures.get("needed", 0))) - int(str(it.figures.get("left", 0))),
        ExclusionCode.MATERIAL_SHORT: lambda it: _figure(it, "needed_grams") - _figure(it, "largest_lot_grams"),
        ExclusionCode.CAPACITY: lambda it: (
            _figure(it, "needed_minutes") - float(str(it.figures.get("free_minutes", 0)))
        ),
        ExclusionCode.NEED_BY: lambda it: _figure(it, "late_hours"),
        ExclusionCode.PRICE_CAP: lambda it: _figure(it, "landed_minor") - _figure(it, "maximum_minor"),
        ExclusionCode.MIN_ORDER: lambda it: _figure(it, "minimum_minor") - _figure(it, "price_minor"),
    }
)
"""How far a reason is from being none; for other codes the first one found is as good as any."""


def _distance(reason: Exclusion) -> float:
    measure = _DISTANCES.get(reason.code)
    return 0.0 if measure is None else measure(reason)


def _figure(reason: Exclusion, name: str) -> float:
    return float(str(reason.figures[name]))


def _found(*reasons: Exclusion | None) -> Reasons:
    return tuple(reason for reason in reasons if reason is not None)


def _grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, tuple[_Item, ...]]:
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return {name: tuple(group) for name, group in groups.items()}
