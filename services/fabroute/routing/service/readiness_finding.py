"""One part for one region on one book: who can make it, why others can't, and what a single proof would change."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np

from fabroute.estimation.facts import InvalidFact
from fabroute.inventory.service import RevisionNotMeasured
from fabroute.network.service import NodeView
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.quoting import QuoteAsked, QuoteBook
from fabroute.routing.service.quoting.excluding import Reasoner, by_node
from fabroute.routing.service.quoting.freight import NO_PRICE
from fabroute.routing.service.quoting.network import Flags, some
from fabroute.routing.service.quoting.survey import Setting, Survey, setting_of, survey
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from fabroute.solver.eligibility.proofs import SITE_SCOPE, certified_until

NeedKind = Literal["certificate", "first_article", "material"]
_ONLY_COLUMN = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that a node lacks: a certificate of a scheme, a first article of a revision, a lot of a material."""

    kind: NeedKind
    node_id: str
    subject: str
    """The scheme, the revision's id, or the material."""
    scope: str = ""
    """Process and material, where the node has the scheme, but for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A node that could make a part if it had what it needs, and what the part would cost landed then, in cents."""

    node: NodeView
    machine_id: str
    material: str
    parameter_set: str
    needs: frozenset[Need]
    grams: int
    """Of the material in one lot."""
    landed_minor: int


class Finding:
    """What a book says of a question about one quantity; what is not asked for is not worked out."""

    def __init__(self, book: QuoteBook, asked: QuoteAsked) -> None:
        self._book = book
        self._asked = asked
        self.problem = ""
        """Why nobody can make it whatever they prove, if so."""
        try:
            self._seen: _Seen | None = _Seen(setting_of(book, asked))
        except (InvalidFact, RevisionNotMeasured) as error:
            self._seen, self.problem = None, error.message

    @cached_property
    def able(self) -> Mapping[str, int]:
        """The least landed cost, in cents, by node that can make it, the cheapest first."""
        found = {} if self._seen is None else self._seen.landed_by_node()
        return MappingProxyType(dict(sorted(found.items(), key=lambda each: (each[1], each[0]))))

    @cached_property
    def against(self) -> Mapping[str, Reasons]:
        """Every reason against every other node, by node."""
        if self._seen is None:
            reason = Exclusion(code=ExclusionCode.FILE_NOT_VALIDATED, message=self.problem)
            return {node.node_id: (reason,) for node in self._book.tables.nodes}
        return self._seen.against_nodes()

    def codes(self) -> dict[str, int]:
        """Return how many nodes each code rules out, the most frequent first."""
        counted = Counter(code for reasons in self.against.values() for code in {it.code.value for it in reasons})
        return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))

    def binding(self) -> list[str]:
        """Return the codes against the nodes that come closest: with the fewest, of those that do such work."""
        of_nodes = [{it.code for it in reasons} for reasons in self.against.values()]
        near = [codes for codes in of_nodes if ExclusionCode.PROCESS_MATERIAL not in codes] or of_nodes
        fewest = min(map(len, near), default=0)
        return sorted({code.value for codes in near if len(codes) == fewest for code in codes})

    def sources(self) -> tuple[Source, ...]:
        """Return what nodes could do that lack nothing but proofs and material: the least of each, cheapest first.

        With all alternatives of a node that need a single thing; else the one that needs the fewest.
        """
        best: dict[str, dict[frozenset[Need], Source]] = {}
        for source in () if self._seen is None else self._seen.mendable():
            of_node = best.setdefault(source.node.node_id, {})
            known = of_node.get(source.needs)
            if known is None or source.landed_minor < known.landed_minor:
                of_node[source.needs] = source
        found = (source for of_node in best.values() for source in _fewest(tuple(of_node.values())))
        return tuple(sorted(found, key=lambda each: (len(each.needs), each.landed_minor, each.node.node_id)))


def _fewest(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    single = tuple(source for source in sources if len(source.needs) == 1)
    return single or (min(sources, key=lambda each: (len(each.needs), each.landed_minor)),)


class _Seen:
    """A survey of one quantity with the nodes' own reasons."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._survey: Survey = survey(setting)
        self._against = setting.book.gates.against(setting.terms, no_lane=setting.freight.no_lane)
        self._clear: Flags = np.array([not reasons for reasons in self._against], dtype=np.bool_)
        self._open: Flags = self._survey.open & self._clear[setting.part.node_of][:, np.newaxis, np.newaxis]

    def landed_by_node(self) -> dict[str, int]:
        landed = np.where(self._open, self._survey.landed_minor, NO_PRICE).min(axis=(1, 2), initial=NO_PRICE)
        found: dict[str, int] = {}
        for row in np.flatnonzero(landed < NO_PRICE).tolist():
            node_id, amount = self._node(row).node_id, int(landed[row])
            found[node_id] = min(amount, found.get(node_id, amount))
        return found

    def against_nodes(self) -> dict[str, Reasons]:
        reasoner = Reasoner(self._setting, self._survey, self._against)
        able, has_ways = (by_node(self._setting, some(flags)) for flags in (self._open, self._survey.open))
        ruled_out = reasoner.ruled_out(able=able, has_ways=has_ways)
        return {node.node_id: group.reasons for group in ruled_out for node in group.nodes}

    def mendable(self) -> Iterator[Source]:
        """Yield the offers of nodes that can't, against which nothing speaks but what a need can mend."""
        able = self.landed_by_node().keys()
        survey, part = self._survey, self._setting.part
        hard = self._setting.amounts.refused | ~some(survey.in_time) | survey.unlicensed
        rows = np.flatnonzero(~hard[:, _ONLY_COLUMN] & self._clear[part.node_of] & part.fits)
        for row in rows.tolist():
            codes = {reason.code for reason in part.reasons[row]}
            if codes <= {ExclusionCode.CERTIFICATE_MISSING} and self._node(row).node_id not in able:
                yield self._source(row)

    def _source(self, row: int) -> Source:
        offer, survey = self._setting.part.offers[row], self._survey
        priced = np.where(survey.in_time[row, _ONLY_COLUMN], survey.landed_minor[row, _ONLY_COLUMN], NO_PRICE)
        return Source(
            node=self._node(row),
            machine_id=offer.machine_id,
            material=offer.material.code,
            parameter_set=offer.parameter_set,
            needs=frozenset(self._needs(row)),
            grams=int(self._setting.amounts.grams[row, _ONLY_COLUMN]),
            landed_minor=int(priced.min()),
        )

    def _needs(self, row: int) -> Iterator[Need]:
        node_id, survey = self._node(row).node_id, self._survey
        for scheme in self._lacking_schemes(row):
            scope = self._scope_lacking(row, scheme)
            yield Need(kind="certificate", node_id=node_id, subject=scheme, scope=scope)
        if survey.unqualified[row, _ONLY_COLUMN]:
            yield Need(kind="first_article", node_id=node_id, subject=self._setting.asked.part.revision.revision_id)
        if survey.without_lot[row, _ONLY_COLUMN]:
            yield Need(kind="material", node_id=node_id, subject=self._setting.part.offers[row].material.code)

    def _lacking_schemes(self, row: int) -> Iterator[str]:
        """Yield the schemes of which no certificate covers the offer through production."""
        setting, node = self._setting, int(self._setting.part.node_of[row])
        tables, facts = setting.book.tables, setting.part.facts[row]
        last = tables.calendars.day(int(setting.amounts.last_bucket[row, _ONLY_COLUMN]))
        for scheme in setting.terms.line.required_certificates:
            line = replace(setting.terms.line, required_certificates=(scheme,))
            until = certified_until(line, facts, tables.certificates[node], tables.clocks[node].first_day)
            if until is None or until < last:
                yield scheme

    def _scope_lacking(self, row: int, scheme: str) -> str:
        """Return process and material of an offer, if its node has the scheme, but only for others; else nothing."""
        part, tables = self._setting.part, self._setting.book.tables
        facts = part.facts[row]
        scopes = {it.scope for it in tables.certificates[int(part.node_of[row])] if it.scheme == scheme}
        covers = scopes & {SITE_SCOPE, facts.process, facts.process_material}
        return facts.process_material if scopes and not covers else ""

    def _node(self, row: int) -> NodeView:
        return self._setting.book.tables.nodes[int(self._setting.part.node_of[row])]
