"""Instant quotes: what some quantities of a part would cost, when they arrive and what they emit, node by node."""

from collections.abc import Iterator

import numpy as np

from fabroute.estimation.facts import InvalidFact
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.quoting.answers import QuantityQuote, QuoteResult, RuledOut
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.book import QuoteBook
from fabroute.routing.service.quoting.choosing import Merits, best, pareto
from fabroute.routing.service.quoting.excluding import Reasoner, by_node
from fabroute.routing.service.quoting.freight import SERVICES
from fabroute.routing.service.quoting.gating import line_asked
from fabroute.routing.service.quoting.network import Flags, some
from fabroute.routing.service.quoting.offering import Place, Window, pareto_point, quoted_offer, windows
from fabroute.routing.service.quoting.oversized import oversize_of
from fabroute.routing.service.quoting.routable import routable_if
from fabroute.routing.service.quoting.survey import Setting, Survey, setting_of, survey
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from fabroute.solver.eligibility.worlds import is_in_sight


def quote(book: QuoteBook, asked: QuoteAsked) -> QuoteResult:
    """Return offers, exclusions and, where nothing fits, what would have to be different, for each quantity.

    All of it counts from the instant of the book. The same book and question give the same answer.
    ``RevisionNotMeasured`` if the part has no size yet.
    """
    try:
        setting = setting_of(book, asked)
    except InvalidFact as error:
        return _nowhere(book, asked, error)
    quotes = _Quoter(setting).quotes()
    return QuoteResult(as_of=book.as_of, quotes=quotes, oversize=oversize_of(book, asked, quotes))


class _Quoter:
    """The quotes of one question."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._survey = survey(setting)
        against = setting.book.gates.against(setting.terms, no_lane=setting.freight.no_lane)
        self._open = _open(setting, self._survey, against)
        self._able = by_node(setting, some(self._open))
        self._ruled_out = Reasoner(setting, self._survey, against).ruled_out(
            able=self._able, has_ways=by_node(setting, some(self._survey.open))
        )

    def quotes(self) -> tuple[QuantityQuote, ...]:
        """Return the quote for each quantity."""
        columns = range(len(self._setting.amounts.quantities))
        options = [_Options(self._setting, self._survey, self._open, column) for column in columns]
        arriving = iter(windows(self._setting, self._survey, [place for each in options for _, place in each.best]))
        return tuple(self._quote(column, options[column], arriving) for column in columns)

    def _quote(self, column: int, options: "_Options", arriving: Iterator[Window]) -> QuantityQuote:
        setting, survey = self._setting, self._survey
        return QuantityQuote(
            quantity=setting.amounts.quantities[column],
            offers=tuple(
                quoted_offer(setting, survey, place, window=next(arriving), labels=labels)
                for labels, place in options.best
            ),
            candidates=int(self._able[:, column].sum()),
            pareto=tuple(pareto_point(setting, survey, place) for place in options.pareto),
            ruled_out=self._ruled_out,
            routable_if=() if options.best else routable_if(setting, survey, column, self._ruled_out),
        )


class _Options:
    """What can be had of a quantity: the best with their labels, and all that is worth choosing from."""

    def __init__(self, setting: Setting, survey: Survey, options: Flags, column: int) -> None:
        rows, services = np.nonzero(options[:, column])
        merits = _merits(setting, survey, (rows, np.full(len(rows), column), services))
        self._rows, self._column, self._services = rows, column, services
        self.best = [(labels, self._place(position)) for labels, position in best(merits)]
        self.pareto = [self._place(position) for position in pareto(merits)]

    def _place(self, position: int) -> Place:
        return Place(row=int(self._rows[position]), column=self._column, service=int(self._services[position]))


def _open(setting: Setting, survey: Survey, against: list[Reasons]) -> Flags:
    """Return the options that can be had: open ways of nodes that nothing speaks against, within the cap."""
    clear = np.array([not reasons for reasons in against], dtype=np.bool_)
    found: Flags = survey.open & clear[setting.part.node_of][:, np.newaxis, np.newaxis]
    return found if setting.cap_minor is None else found & (survey.landed_minor <= setting.cap_minor)


def _merits(setting: Setting, survey: Survey, at: tuple[Days, Days, Days]) -> Merits:
    rows, _, services = at
    return Merits(
        landed_minor=survey.landed_minor[at],
        promised=survey.promised[at],
        co2e_g=survey.co2e_g[at],
        rank=setting.part.rank[rows] * len(SERVICES) + services,
    )


def _nowhere(book: QuoteBook, asked: QuoteAsked, error: InvalidFact) -> QuoteResult:
    """Return that no node can make what has measures that can't be."""
    reasons = (Exclusion(code=ExclusionCode.FILE_NOT_VALIDATED, message=error.message),)
    line, tables = line_asked(asked), book.tables
    nodes = tuple(it for it, facts in zip(tables.nodes, tables.node_facts, strict=True) if is_in_sight(line, facts))
    everywhere = RuledOut(nodes=nodes, quantities=asked.quantities, reasons=reasons)
    return QuoteResult(
        as_of=book.as_of,
        quotes=tuple(
            QuantityQuote(quantity=quantity, offers=(), candidates=0, pareto=(), ruled_out=(everywhere,))
            for quantity in asked.quantities
        ),
    )
