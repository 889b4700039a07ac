"""Questions of one line on random networks, and the same with one of their rules really taken away."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from fabroute.inventory.service import RevisionView
from fabroute.network.service import LotView, NetworkView, NodeView, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.explaining.demands import Demand
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.random_quotes import a_random_ask, a_random_network
from tests.factories.routing import a_claimed_line, a_lot_view, a_node_view
from tests.factories.snapshots import (
    a_certificate,
    a_first_article,
    a_licence,
    a_line,
    a_printer,
    a_revision_view,
    a_snapshot,
    june,
)

REMOVABLE = (
    "need_by", "price_cap", "packaging", "certificate", "part_qualification", "parameter_set", "parameter_set_state",
    "export_class", "zone", "countries", "kinds", "same_country", "licence", "material", "minimum_order",
)  # fmt: skip
"""The kinds of rules that ``without`` can take away."""
OBJECTIVES = ("cheapest", "fastest", "balanced", "greenest")
MUCH_GRAMS = 10**9
_PLACES = (
    ("DE", "Europe/Berlin", 52.5, 11.4),
    ("DE", "Europe/Berlin", 50.3, 9.1),
    ("FR", "Europe/Paris", 48.9, 2.3),
    ("CH", "Europe/Zurich", 47.4, 8.5),
)
_GOOD = (date(2099, 12, 31),) * 3
_ENDS = (None, date(2026, 6, 14), date(2026, 6, 18))
_Value = TypeVar("_Value")


def a_strict_question(seed: int) -> RoutingSnapshot:
    """Return a random network with one line, for a part that few of the nodes may be able to make."""
    chance, network = random.Random(seed), a_random_network(seed)
    asked = a_random_ask(seed, network)
    line = replace(
        a_claimed_line(
            quantity=min(asked.quantities),
            objective=chance.choice(OBJECTIVES),
            criticality=asked.criticality,
            packaging=asked.packaging,
            need_by=asked.need_by,
            need_by_hard=asked.need_by_hard,
            max_price_minor=asked.max_price_minor,
            country=asked.destination.country,
        ),
        ship_to_latitude=asked.destination.latitude,
        ship_to_longitude=asked.destination.longitude,
    )
    articles = {(line.revision_id, *key[1:]): article for key, article in asked.part.first_articles.items()}
    return replace(
        network,
        lines=(line,),
        revisions={line.revision_id: replace(asked.part.revision, revision_id=line.revision_id)},
        qualifications=replace(network.qualifications, first_articles=articles),
        licences={line.revision_id: asked.part.licences} if asked.part.licences else {},
    )


def a_mild_question(seed: int) -> RoutingSnapshot:
    """Return a line with a few rules and ten nodes, each of which breaks every one of them one time in five."""
    chance = random.Random(seed)
    nodes = tuple(_mild_node(chance, f"N{number:03}") for number in range(10))
    machines = [f"{node.node_id}-A" for node in nodes]
    licences = tuple(
        a_licence(licence_id=f"lic_{number}", countries=chance.choice(((), ("DE",))), valid_to=chance.choice(_ENDS))
        for number in range(2)
    )
    return a_snapshot(
        _mild_line(chance, 1),
        nodes=nodes,
        offers=tuple(_mild_offer(chance, node.node_id) for node in nodes),
        lots=tuple(_mild_lot(chance, node.node_id) for node in nodes),
        revisions=(_mild_revision(chance),),
        certificates=tuple(
            a_certificate(node_id=node.node_id, scheme=scheme, valid_to=chance.choice((*_GOOD, *_ENDS[1:])))
            for node in nodes
            for scheme in ("ISO9001", "EN9100")
            if chance.random() < 0.9
        ),
        first_articles=tuple(a_first_article(machine_id=name) for name in machines if chance.random() < 0.8),
        free_minutes={name: tuple(chance.choice((0, 200, 700)) for _ in range(14)) for name in machines},
        licences=licences,
    )


def _mild_node(chance: random.Random, name: str) -> NodeView:
    country, timezone, latitude, longitude = chance.choice(_PLACES)
    return a_node_view(
        node_id=name,
        country=country,
        timezone=timezone,
        latitude=latitude + chance.uniform(-1, 1),
        longitude=longitude + chance.uniform(-1, 1),
        margin=chance.uniform(0, 0.6),
        packaging=_one_in_five(chance, ("plain",), ("plain", "brand", "esd")),
        export_permissions=_one_in_five(chance, (), ("dual_use",)),
        minimum_order_minor=chance.choice((0, 9_000, 15_000)),
        minimum_order_policy=_one_in_five(chance, "refuse", "top_up"),
        status=_one_in_five(chance, "down", "up") if chance.random() < 0.5 else "up",
    )


def _mild_offer(chance: random.Random, node_id: str) -> OfferView:
    offer = a_printer(node_id=node_id, state=_one_in_five(chance, "development", "qualified"))
    return replace(offer, parameter_set=_one_in_five(chance, "PS-9", "PS-1"))


def _mild_lot(chance: random.Random, node_id: str) -> LotView:
    return a_lot_view(
        lot_id=f"lot_{node_id}",
        node_id=node_id,
        material="PLA",
        grams=_one_in_five(chance, 40, 9_000),
        expires_on=_one_in_five(chance, date(2026, 6, 17), date(2027, 1, 1)),
        state=_one_in_five(chance, "quarantined", "available"),
    )


def _mild_revision(chance: random.Random) -> RevisionView:
    return a_revision_view(
        required_certificates=chance.choice(((), ("ISO9001",), ("ISO9001", "EN9100"))),
        part_qualification=chance.random() < 0.3,
        export_class=chance.choice(("none", "none", "dual_use")),
        ip_zone=chance.choice(("any", "any", "EU", "same_country")),
        packaging=chance.choice(("plain", "plain", "esd")),
        parameter_sets=chance.choice(((), ("PS-1",))),
        ip_countries=chance.choice(((), (), ("DE", "FR"))),
        licence_required=chance.random() < 0.2,
    )


def _mild_line(chance: random.Random, number: int) -> ClaimedLine:
    return a_line(
        line_id=f"line_{number}",
        quantity=chance.choice((1, 2, 5)),
        objective=chance.choice(OBJECTIVES),
        criticality=chance.choice(("routine", "routine", "aog", "patient", "safety")),
        packaging=chance.choice(("plain", "brand")),
        need_by=chance.choice((None, june(chance.randint(17, 25), 17))),
        need_by_hard=chance.random() < 0.8,
        max_price_minor=chance.choice((None, None, chance.randint(7_000, 25_000))),
    )


def _one_in_five(chance: random.Random, rare: _Value, usual: _Value) -> _Value:
    return rare if chance.random() < 0.2 else usual


def rules_of(snapshot: RoutingSnapshot) -> tuple[Demand, ...]:
    """Return every rule that the snapshot's only line has and ``without`` can take away, of use or not."""
    (line,) = snapshot.lines
    revision = snapshot.revisions[line.revision_id]
    wanted = {line.packaging, revision.packaging} - {"plain"}
    return (
        *(Demand("certificate", scheme) for scheme in revision.required_certificates),
        *(Demand("packaging", packaging) for packaging in sorted(wanted)),
        *(Demand(kind) for kind in REMOVABLE if kind not in ("certificate", "packaging")),
    )


def without(snapshot: RoutingSnapshot, rules: Iterable[Demand]) -> RoutingSnapshot:
    """Return the snapshot as it would be if its only line, its part or the network did not know some rules."""
    for rule in rules:
        (line,) = snapshot.lines
        revision = snapshot.revisions[line.revision_id]
        snapshot = replace(
            snapshot,
            lines=(_line_without(line, rule),),
            revisions={line.revision_id: _revision_without(revision, rule)},
            network=_network_without(snapshot.network, rule),
        )
    return snapshot


def _line_without(line: ClaimedLine, rule: Demand) -> ClaimedLine:
    ordinary = {"part_qualification": "safety", "same_country": "patient"}.get(rule.kind)
    if line.criticality == ordinary:
        return replace(line, criticality="routine")
    if rule == Demand("packaging", line.packaging):
        return replace(line, packaging="plain")
    if rule.kind == "need_by" and line.need_by_hard:
        return replace(line, need_by=None)
    return replace(line, max_price_minor=None) if rule.kind == "price_cap" else line


def _revision_without(revision: RevisionView, rule: Demand) -> RevisionView:
    if rule.kind == "certificate":
        left = tuple(scheme for scheme in revision.required_certificates if scheme != rule.subject)
        return replace(revision, required_certificates=left)
    if rule == Demand("packaging", revision.packaging):
        return replace(revision, packaging="plain")
    changes: dict[str, dict[str, Any]] = {
        "part_qualification": {"part_qualification": False},
        "parameter_set": {"parameter_sets": ()},
        "export_class": {"export_class": "none"},
        "zone": {"ip_zone": "any"},
        "countries": {"ip_countries": ()},
        "kinds": {"ip_kinds": ()},
        "licence": {"licence_required": False},
    }
    return replace(revision, **changes.get(rule.kind, {}))


def _network_without(network: NetworkView, rule: Demand) -> NetworkView:
    if rule.kind == "material":
        stores = sorted({(offer.node_id, offer.material.code) for offer in network.offers})
        return replace(network, lots=(*network.lots, *(_a_mountain(*store) for store in stores)))
    if rule.kind == "minimum_order":
        nodes = {name: replace(node, minimum_order_policy="top_up") for name, node in network.nodes.items()}
        return replace(network, nodes=nodes)
    if rule.kind == "parameter_set_state":
        offers = tuple(replace(offer, parameter_set_state="qualified") for offer in network.offers)
        return replace(network, offers=offers)
    return network


def _a_mountain(node_id: str, material: str) -> LotView:
    return a_lot_view(
        lot_id=f"mountain_{node_id}_{material}",
        node_id=node_id,
        material=material,
        grams=MUCH_GRAMS,
        expires_on=date(2099, 12, 31),
    )
