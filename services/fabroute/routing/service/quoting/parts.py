"""A part against all offers of a network: which may make it, what speaks against them, and what they charge by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fabroute.estimation.calibration import Evidence, time_spread
from fabroute.estimation.carbon import embodied_g_per_kg
from fabroute.estimation.coefficients import line_cost, line_needs
from fabroute.estimation.facts import InvalidFact, MachineModelFacts, MaterialFacts, NodeRates, PartGeometry
from fabroute.estimation.plan import plan_build
from fabroute.network.service import NodeView, OfferView, evidence_of, machine_facts, material_facts
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.estimable import no_estimate
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.quoting.network import EMPTY_STORE, Flags, NetworkTables, ranges
from fabroute.solver.eligibility import Exclusion, ExclusionCode, LineFacts, OfferFacts
from fabroute.solver.eligibility.machine import (
    build_volume,
    machine_up,
    parameter_set_allowed,
    parameter_set_qualified,
)
from fabroute.solver.eligibility.proofs import certificate_missing, certified_until, no_first_article

Figures = npt.NDArray[np.float64]
Reasons = tuple[Exclusion, ...]

FOREVER = 10**7
"""A bucket after the end of all calendars."""
_ROWS = 10
"""Of ``LineCost``."""
_SCALARS = (
    *("tries", "hours_per_build", "hours_per_part", "kwh_per_build", "power_kw", "virgin_grams_per_part"),
    *("hours_beside_the_machine", "hand_hours_per_part"),
)
_FIELDS = (
    *_SCALARS,
    *("shared", "parts_per_build", "build_hours", "exposure_hours", "net_grams", "p50"),
    *("q10", "q30", "q50", "q70", "q90", "embodied", "grid"),
)
_PLACE = {name: 3 * _ROWS + position for position, name in enumerate(_FIELDS)}
_NOTHING = [0.0] * 3 * _ROWS + [1.0 if name == "parts_per_build" else 0.0 for name in _FIELDS]
_Row = tuple[tuple[str, ...], Figures]
"""The codes of the cost rows, and all figures."""
_DOES_NOT_FIT: _Row = ((), np.array(_NOTHING))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKey:
    """All of a part that its offers depend on."""

    geometry: PartGeometry
    process_materials: frozenset[str]
    required_certificates: tuple[str, ...]
    parameter_sets: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartTable:
    """The offers in a process and material of a part, a row each, in the order of nodes."""

    key: PartKey
    offers: tuple[OfferView, ...]
    facts: tuple[OfferFacts, ...]
    node_of: Days
    at_node: list[tuple[int, int]]
    """By node: its first row, and the one after its last."""
    machine_of: Days
    store_of: Days
    rank: Days
    """Of the row when offers are sorted by node id and offer id: what breaks ties."""
    reasons: tuple[Reasons, ...]
    """Against each offer, on whatever day."""
    unproved: tuple[Exclusion, ...]
    """Of each offer: that it has no first article, if one is asked for."""
    fits: Flags
    """Those that don't are not estimated, nor are those of which the figures can't be."""
    barred: Flags
    """Those that have reasons."""
    certified_until: Days
    """The last bucket through which certificates hold; those that are missing are not counted here."""
    figures: Figures
    codes: tuple[str, ...]
    """Of the cost rows."""

    def figure(self, name: str) -> Figures:
        """Return one figure of each row, as a column."""
        column: Figures = self.figures[:, _PLACE[name], np.newaxis]
        return column

    def costs(self) -> tuple[Figures, Figures, Figures]:
        """Return what each row costs once, per build and per part, by cost row."""
        fixed, builds, parts = (self.figures[:, place * _ROWS : (place + 1) * _ROWS] for place in range(3))
        return fixed, builds, parts


def part_table(tables: NetworkTables, pricing: Pricing, key: PartKey, line: LineFacts) -> PartTable:
    """Return the table of a part; an offer whose material or machine can't be as its row says is barred."""
    rows = sorted({row for pair in key.process_materials for row in tables.offers_in.get(pair, ())})
    node_of = tables.node_of[rows] if rows else np.zeros(0, np.int64)
    offers, facts = [tables.offers[row] for row in rows], [tables.offer_facts[row] for row in rows]
    nodes = node_of.tolist()
    reasons = [_reasons(tables, line, offered, node) for offered, node in zip(facts, nodes, strict=True)]
    fits = [all(reason.code is not ExclusionCode.BUILD_VOLUME for reason in against) for against in reasons]
    looked_at = [
        _looked_at(key, pricing, tables.nodes[node], offer) if fit else _DOES_NOT_FIT
        for offer, node, fit in zip(offers, nodes, fits, strict=True)
    ]
    found = [_DOES_NOT_FIT if isinstance(each, Exclusion) else each for each in looked_at]
    reasons = [
        (*against, each) if isinstance(each, Exclusion) else against
        for against, each in zip(reasons, looked_at, strict=True)
    ]
    schemes = [replace(line, required_certificates=(scheme,)) for scheme in key.required_certificates]
    return PartTable(
        key=key,
        offers=tuple(offers),
        facts=tuple(facts),
        node_of=node_of,
        at_node=ranges(node_of, len(tables.nodes)),
        machine_of=_integers([tables.machines.index[offer.machine_id] for offer in offers]),
        store_of=_integers([_store(tables, offer) for offer in offers]),
        rank=_ranks(offers),
        reasons=tuple(reasons),
        unproved=tuple(map(no_first_article, facts)),
        fits=np.array([each is not _DOES_NOT_FIT for each in found], dtype=np.bool_),
        barred=np.array([bool(against) for against in reasons], dtype=np.bool_),
        certified_until=_integers([_certified(tables, schemes, *row) for row in zip(facts, nodes, strict=True)]),
        figures=np.array([row for _, row in found]).reshape(len(rows), 3 * _ROWS + len(_FIELDS)),
        codes=next((codes for codes, _ in found if codes), ()),
    )


def _reasons(tables: NetworkTables, line: LineFacts, offered: OfferFacts, node: int) -> Reasons:
    found = (
        machine_up(offered),
        parameter_set_qualified(offered),
        parameter_set_allowed(line, offered),
        build_volume(line, offered),
        certificate_missing(line, offered, tables.certificates[node]),
    )
    return tuple(reason for reason in found if reason is not None)


def _certified(tables: NetworkTables, schemes: Sequence[LineFacts], offered: OfferFacts, node: int) -> int:
    """Return the last bucket through which every certificate that is there holds; -1 where one does not at all."""
    held, first_day = tables.certificates[node], tables.clocks[node].first_day
    present = [line for line in schemes if certificate_missing(line, offered, held) is None]
    ends = [certified_until(line, offered, held, first_day) for line in present]
    return min((-1 if end is None else tables.calendars.bucket(end) for end in ends), default=FOREVER)


def _looked_at(key: PartKey, pricing: Pricing, node: NodeView, offer: OfferView) -> _Row | Exclusion:
    """Return what estimates of an offer are made of, or why there can be none."""
    try:
        return _figures(key, pricing, node, offer)
    except InvalidFact as error:
        return no_estimate(offer, error)


def _figures(key: PartKey, pricing: Pricing, node: NodeView, offer: OfferView) -> _Row:
    return _row(
        key.geometry,
        machine_facts(offer.model),
        material_facts(offer.material),
        pricing.rates(node, offer),
        evidence_of(offer),
    )


@lru_cache(maxsize=16_384)
def _row(
    part: PartGeometry, machine: MachineModelFacts, material: MaterialFacts, rates: NodeRates, evidence: Evidence
) -> _Row:
    """Return what an estimate of a part is made of, in the order of ``_FIELDS`` after the costs."""
    plan, spread = plan_build(part, machine, material), time_spread(evidence)
    costs = line_cost(plan, machine, material, rates, evidence)
    needs = line_needs(plan, machine, rates, evidence)
    figures = np.array(
        [
            *(*costs.fixed, *costs.per_build, *costs.per_part),
            *(getattr(needs, name) for name in _SCALARS),
            *(plan.shared, plan.parts_per_build, plan.build.machine_hours, plan.exposure_hours_per_part),
            *(plan.net_grams_per_part, spread.p50_factor, *spread.quantile_factors),
            *(embodied_g_per_kg(material), rates.grid_g_co2_per_kwh),
        ],
        dtype=np.float64,
    )
    return costs.codes, figures


def _store(tables: NetworkTables, offer: OfferView) -> int:
    return tables.stores.index.get((offer.node_id, offer.material.code), EMPTY_STORE)


def _ranks(offers: Sequence[OfferView]) -> Days:
    order = sorted(range(len(offers)), key=lambda row: (offers[row].node_id, offers[row].offer_id))
    ranks = np.zeros(len(offers), np.int64)
    ranks[order] = np.arange(len(offers))
    return ranks


def _integers(values: Sequence[int]) -> Days:
    return np.array(values, dtype=np.int64)
