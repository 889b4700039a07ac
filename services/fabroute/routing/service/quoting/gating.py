"""What speaks against nodes whatever their machines, and what is not proved there: each answer kept while it holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from fabroute.routing.rules import SAME_COUNTRY
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.facts import first_article_facts, licence_facts, line_facts
from fabroute.routing.service.gates import same_country
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.grouping import shared
from fabroute.routing.service.quoting.kept import Kept
from fabroute.routing.service.quoting.network import NetworkTables
from fabroute.routing.service.quoting.parts import FOREVER, PartTable, Reasons
from fabroute.solver.eligibility import Exclusion, FirstArticleFacts, LicenceFacts, LineFacts, NodeFacts
from fabroute.solver.eligibility.commerce import packaging_offered, wanted_packaging
from fabroute.solver.eligibility.law import export_control, ip_policy, usable_licences
from fabroute.solver.eligibility.machine import file_validated, node_up, process_material
from fabroute.solver.eligibility.proofs import qualified_until
from fabroute.solver.eligibility.worlds import same_world

_Found = Exclusion | None
_ByNode = tuple[_Found, ...]
_MOST_ANSWERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What is asked of every node and offer, as the gates see it."""

    line: LineFacts
    same_country: bool
    fixed: tuple[Reasons, ...]
    """By row of the part's table: what speaks against the offer, a first article that is missing included."""
    articles: tuple[FirstArticleFacts | None, ...]
    """By row; empty where the part needs none."""
    licences: tuple[LicenceFacts, ...]


def line_asked(asked: QuoteAsked) -> LineFacts:
    """Return what the gates see of a question."""
    return line_facts(
        asked.part.revision,
        criticality=asked.criticality,
        destination_country=asked.destination.country,
        packaging=asked.packaging,
    )


def terms_of(asked: QuoteAsked, line: LineFacts, part: PartTable) -> Terms:
    """Return what is asked, with the first articles of the part's offers and its licences."""
    articles = _articles(asked, part) if line.part_qualification else ()
    return Terms(
        line=line,
        same_country=asked.criticality in SAME_COUNTRY,
        fixed=_fixed(part, articles) if articles else part.reasons,
        articles=articles,
        licences=tuple(map(licence_facts, asked.part.licences)),
    )


class NodeGates:
    """Answers what speaks against every node of a network; a gate that asks for nothing costs nothing."""

    def __init__(self, tables: NetworkTables) -> None:
        self._tables = tables
        self._up: _ByNode = shared(map(node_up, tables.node_facts))
        self._worlds = {node.sandbox for node in tables.node_facts}
        self._kept: Kept[tuple[object, ...], _ByNode] = Kept(_MOST_ANSWERS)

    def against(self, terms: Terms, *, no_lane: _ByNode) -> list[Reasons]:
        """Return by node what speaks against it, in the order in which routing asks; the missing lane comes last."""
        line = terms.line
        bad_file = file_validated(line)
        answers = (
            self._same_world(line),
            None if bad_file is None else (bad_file,) * len(self._up),
            self._up if any(self._up) else None,
            self._process_material(line),
            self._export_control(line),
            self._ip_policy(line),
            self._same_country(line) if terms.same_country else None,
            self._packaging(line),
            no_lane,
        )
        asked = [answer for answer in answers if answer is not None]
        return [tuple(filter(None, found)) for found in zip(*asked, strict=True)]

    def _same_world(self, line: LineFacts) -> _ByNode | None:
        if self._worlds <= {line.sandbox}:
            return None
        return self._kept.get(("world", line.sandbox), lambda: self._each(line, same_world))

    def _process_material(self, line: LineFacts) -> _ByNode:
        return self._kept.get(
            ("process", line.process_materials),
            lambda: shared(process_material(line, self._tables.pairs_of(node)) for node in range(len(self._up))),
        )

    def _export_control(self, line: LineFacts) -> _ByNode | None:
        if line.export_class == "none":
            return None
        key = ("export", line.export_class, line.destination_country)
        return self._kept.get(key, lambda: self._each(line, export_control))

    def _ip_policy(self, line: LineFacts) -> _ByNode | None:
        lists = (line.ip_countries, line.ip_kinds, line.ip_nodes)
        if line.ip_zone == "any" and not any(lists):
            return None
        key = ("ip", line.ip_zone, *lists, line.destination_country)
        return self._kept.get(key, lambda: self._each(line, ip_policy))

    def _same_country(self, line: LineFacts) -> _ByNode:
        return self._kept.get(("country", line.destination_country), lambda: self._each(line, same_country))

    def _packaging(self, line: LineFacts) -> _ByNode:
        wanted = wanted_packaging(order=line.packaging, part=line.part_packaging)
        return self._kept.get(("packaging", wanted), lambda: self._each(line, packaging_offered))

    def _each(self, line: LineFacts, gate: Callable[[LineFacts, NodeFacts], _Found]) -> _ByNode:
        return shared(gate(line, node) for node in self._tables.node_facts)


def qualified_buckets(tables: NetworkTables, part: PartTable, terms: Terms) -> Days | None:
    """Return by row the last bucket with a first article, -1 without one; ``None`` if none is asked for."""
    if not terms.line.part_qualification:
        return None
    found = []
    for article, node in zip(terms.articles, part.node_of.tolist(), strict=True):
        until = None if article is None else qualified_until(terms.line, article, tables.clocks[node].first_day)
        found.append(-1 if until is None else tables.calendars.bucket(until))
    return np.array(found, dtype=np.int64)


def licensed_buckets(tables: NetworkTables, part: PartTable, terms: Terms, quantities: Sequence[int]) -> Days | None:
    """Return by row and quantity the last bucket with a licence, -1 without one; ``None`` if none is needed."""
    if not terms.line.licence_required:
        return None
    if not is_restricted(terms):
        anywhere = [_licensed(tables, terms, 0, prints=quantity) for quantity in quantities]
        return np.array([anywhere] * len(part.offers), dtype=np.int64).reshape(len(part.offers), len(quantities))
    nodes = part.node_of.tolist()
    of_node = {node: [_licensed(tables, terms, node, prints=prints) for prints in quantities] for node in set(nodes)}
    return np.array([of_node[node] for node in nodes], dtype=np.int64).reshape(len(nodes), len(quantities))


def is_restricted(terms: Terms) -> bool:
    """Return whether a licence is for some nodes or countries only."""
    return any(licence.node_ids or licence.countries for licence in terms.licences)


def _licensed(tables: NetworkTables, terms: Terms, node: int, *, prints: int) -> int:
    """Return the last bucket through which a licence holds at a node, whatever the day on which production begins."""
    usable = usable_licences(tables.node_facts[node], terms.licences, prints=prints, through=date.min)
    ends = (FOREVER if each.valid_to is None else tables.calendars.bucket(each.valid_to) for each in usable)
    return max(ends, default=-1)


def _fixed(part: PartTable, articles: Sequence[FirstArticleFacts | None]) -> tuple[Reasons, ...]:
    columns = zip(part.reasons, articles, part.unproved, part.fits.tolist(), strict=True)
    return tuple(
        (*reasons, unproved) if article is None and fits else reasons for reasons, article, unproved, fits in columns
    )


def _articles(asked: QuoteAsked, part: PartTable) -> tuple[FirstArticleFacts | None, ...]:
    revision_id, held = asked.part.revision.revision_id, asked.part.first_articles
    return tuple(
        first_article_facts(held.get((revision_id, offer.machine_id, offer.material.code, offer.parameter_set)))
        for offer in part.offers
    )
