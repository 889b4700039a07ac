"""Instant quotes: what some quantities of a part would cost, when they arrive and what they emit, node by node."""

from collections.abc import Iterable

import numpy as np

from fabroute.estimation.facts import InvalidFact
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.options import ExcludedNode
from fabroute.routing.service.quoting.answers import QuantityQuote, QuotedOffer, QuoteResult
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.book import QuoteBook
from fabroute.routing.service.quoting.choosing import Merits, best, pareto
from fabroute.routing.service.quoting.excluding import Reasoner
from fabroute.routing.service.quoting.freight import SERVICES
from fabroute.routing.service.quoting.network import Flags
from fabroute.routing.service.quoting.offering import Place, pareto_point, quoted_offer, windows
from fabroute.routing.service.quoting.routable import routable_if
from fabroute.routing.service.quoting.survey import Setting, Survey, setting_of, survey
from fabroute.solver.eligibility import Exclusion, ExclusionCode


def quote(book: QuoteBook, asked: QuoteAsked) -> QuoteResult:
    """Return offers, exclusions and, where nothing fits, what would have to be different, for each quantity.

    All of it counts from the instant of the book. The same book and question give the same answer.
    ``RevisionNotMeasured`` if the part has no size yet.
    """
    try:
        setting = setting_of(book, asked)
    except InvalidFact as error:
        return _nowhere(book, asked, error)
    return QuoteResult(as_of=book.as_of, quotes=_Quoter(setting).quotes())


class _Quoter:
    """The quotes of one question."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._survey = survey(setting)
        against = setting.book.gates.against(setting.terms, no_lane=setting.freight.no_lane)
        self._open = _open(setting, self._survey, against)
        self._able = _nodes(setting, self._open)
        self._has_ways = _nodes(setting, self._survey.open)
        self._reasoner = Reasoner(setting, self._survey, against)

    def quotes(self) -> tuple[QuantityQuote, ...]:
        """Return the quote for each quantity."""
        return tuple(self._quote(column) for column in range(len(self._setting.amounts.quantities)))

    def _quote(self, column: int) -> QuantityQuote:
        setting, survey = self._setting, self._survey
        rows, services = np.nonzero(self._open[:, column])
        places = [Place(row=row, column=column, service=service) for row, service in _pairs(rows, services)]
        merits = _merits(setting, survey, (rows, np.full(len(rows), column), services))
        excluded = self._excluded(column)
        return QuantityQuote(
            quantity=setting.amounts.quantities[column],
            offers=self._offers([(labels, places[position]) for labels, position in best(merits)]),
            candidates=int(self._able[:, column].sum()),
            pareto=tuple(pareto_point(setting, survey, places[position]) for position in pareto(merits)),
            exclusions=excluded,
            routable_if=() if places else routable_if(setting, survey, column, excluded),
        )

    def _offers(self, chosen: list[tuple[tuple[str, ...], Place]]) -> tuple[QuotedOffer, ...]:
        setting, survey = self._setting, self._survey
        arriving = windows(setting, survey, [place for _, place in chosen])
        return tuple(
            quoted_offer(setting, survey, place, window=window, labels=labels)
            for (labels, place), window in zip(chosen, arriving, strict=True)
        )

    def _excluded(self, column: int) -> tuple[ExcludedNode, ...]:
        able, has_ways = self._able[:, column].tolist(), self._has_ways[:, column].tolist()
        return tuple(
            self._reasoner.excluded(node, column, has_ways=has_ways[node]) for node, can in enumerate(able) if not can
        )


def _open(setting: Setting, survey: Survey, against: list[Reasons]) -> Flags:
    """Return the options that can be had: open ways of nodes that nothing speaks against, within the cap."""
    clear = np.array([not reasons for reasons in against], dtype=np.bool_)
    found: Flags = survey.open & clear[setting.part.node_of][:, np.newaxis, np.newaxis]
    return found if setting.cap_minor is None else found & (survey.landed_minor <= setting.cap_minor)


def _nodes(setting: Setting, options: Flags) -> Flags:
    """Return by node and quantity whether one of its options is among these."""
    rows, columns = np.nonzero(options.any(axis=-1))
    found = np.zeros((len(setting.book.tables.nodes), options.shape[1]), np.bool_)
    found[setting.part.node_of[rows], columns] = True
    return found


def _merits(setting: Setting, survey: Survey, at: tuple[Days, Days, Days]) -> Merits:
    rows, _, services = at
    return Merits(
        landed_minor=survey.landed_minor[at],
        promised=survey.promised[at],
        co2e_g=survey.co2e_g[at],
        rank=setting.part.rank[rows] * len(SERVICES) + services,
    )


def _pairs(rows: Days, services: Days) -> Iterable[tuple[int, int]]:
    return zip(rows.tolist(), services.tolist(), strict=True)


def _nowhere(book: QuoteBook, asked: QuoteAsked, error: InvalidFact) -> QuoteResult:
    """Return that no node can make what has measures that can't be."""
    reasons = (Exclusion(code=ExclusionCode.FILE_NOT_VALIDATED, message=error.message),)
    everywhere = tuple(ExcludedNode(node=node, reasons=reasons) for node in book.tables.nodes)
    return QuoteResult(
        as_of=book.as_of,
        quotes=tuple(
            QuantityQuote(quantity=quantity, offers=(), candidates=0, pareto=(), exclusions=everywhere)
            for quantity in asked.quantities
        ),
    )
