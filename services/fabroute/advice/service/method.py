"""Printed or conventional, for stated figures and for parts whose record knows some of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from types import MappingProxyType

from sqlmodel import Session

from fabroute.advice.rules.break_even import find_break_even
from fabroute.advice.rules.method import MethodAdvice, MethodCase, advise_method
from fabroute.advice.rules.screening_parts import PrintedUnit
from fabroute.advice.service.amounts import Exchange, Stated
from fabroute.advice.service.printing import Printable, printable_on
from fabroute.advice.service.records import find_part, revision_to_print
from fabroute.estimation.crossover import Amount, Item, Terms, rounded_minor
from fabroute.inventory.service import ConventionalMethod, RevisionView
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics.service import ExchangeRate

_NO_TOOL = MappingProxyType({"conventional.tooling": " (0 where no tool is needed)"})
STATED, RECORD, ESTIMATE, ASSUMED = "stated", "record", "estimate", "assumption"


class AdviceIncomplete(DomainError):
    """A figure is missing without which printed and conventional can't be compared; each is named."""

    code = "advice_incomplete"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedTerms:
    """What the caller says of the conventional way; what it leaves out is taken from the part's record."""

    unit: Stated | None = None
    tooling: Stated | None = None
    minimum_quantity: int | None = None
    lead_days: int | None = None


NOTHING_STATED = StatedTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedItem:
    """One shape of the quantity; prices that it leaves out are those of the whole."""

    name: str
    quantity: int
    printed_unit: Stated | None = None
    conventional: StatedTerms = NOTHING_STATED
    is_complex: bool = False
    varies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodQuestion:
    """How many of what, as far as the caller says; stated figures go before those of the record."""

    organisation_id: str
    quantity: int
    variants: int = 1
    printed_unit: Stated | None = None
    conventional: StatedTerms = NOTHING_STATED
    design_frozen: bool | None = None
    demand_stable: bool | None = None
    part: str | None = None
    revision: str | None = None
    items: tuple[StatedItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodAnswer:
    """The advice with what it was worked from; ``advice`` is ``None`` where ``missing`` is not empty."""

    part_no: str | None
    revision: str | None
    printed_unit_minor: Amount | None
    printed_by: PrintedUnit | None
    """The cheapest in the network, where the price is an estimate."""
    conventional: ConventionalMethod
    """As it was used: rounded to cents."""
    sources: Mapping[str, str]
    """Of each figure: ``stated``, ``record``, ``estimate`` or ``assumption``."""
    missing: tuple[str, ...]
    """Figures that neither the caller nor the record has, e.g. ``conventional.tooling``."""
    advice: MethodAdvice | None
    rates: tuple[ExchangeRate, ...]


def ask_method(session: Session, *, question: MethodQuestion, today: date) -> MethodAnswer:
    """Return which way is advised, from what is stated and what the part's record knows; nothing is stored.

    Raises ``AdviceIncomplete`` where no part is named that could know what is missing, ``PartNotInInventory``,
    ``RevisionNotInInventory``, ``CurrencyWithoutRate``, and ``InvalidFact`` for figures that can't be.
    """
    part = None if question.part is None else find_part(session, question.organisation_id, question.part)
    revision = None if part is None else revision_to_print(part, question.revision)
    figures = _Figures(exchange=Exchange(session, on=today), record=None if part is None else part.conventional)
    printable = _printable(session, question, revision, today)
    printed_by = None if printable is None else printable.cheapest(question.quantity)
    figures.take(question, printed_by)
    missing = tuple(figures.missing(question))
    if missing and part is None:
        raise _incomplete(missing)
    return MethodAnswer(
        part_no=None if part is None else part.part_no,
        revision=None if revision is None else revision.revision,
        printed_unit_minor=figures.printed_unit,
        printed_by=printed_by,
        conventional=figures.conventional(),
        sources=figures.sources,
        missing=missing,
        advice=None if missing else advise_method(_case(figures, question, printable)),
        rates=figures.exchange.used,
    )


def _case(figures: "_Figures", question: MethodQuestion, printable: Printable | None) -> MethodCase:
    """Return the case, with its break-even where the network prices any quantity of the one shape."""
    case = figures.case(question)
    if printable is None or not printable.kinds or question.items:
        return case
    return replace(case, break_even=find_break_even(printable.price_minor, terms=case.terms, variants=case.variants))


@dataclass(slots=True, kw_only=True)
class _Figures:
    """The figures of a comparison as they come together, each with where it is from."""

    exchange: Exchange
    record: ConventionalMethod | None
    printed_unit: Amount | None = None
    unit: Amount | None = None
    tooling: Amount | None = None
    minimum: int | None = None
    lead_days: int | None = None
    sources: dict[str, str] = field(default_factory=dict)

    def take(self, question: MethodQuestion, printed_by: PrintedUnit | None) -> None:
        """Take what is stated, else what the record or the estimate knows."""
        record, stated = self.record or ConventionalMethod(), question.conventional
        estimate = None if printed_by is None else Fraction(printed_by.price_minor, printed_by.quantity)
        self.printed_unit = self._chosen("printed_unit", self._cents(question.printed_unit), estimate, ESTIMATE)
        self.unit = self._chosen("unit", self._cents(stated.unit), record.unit_minor, RECORD)
        self.tooling = self._chosen("tooling", self._cents(stated.tooling), record.tooling_minor, RECORD)
        self.lead_days = self._count("lead_days", stated.lead_days, record.lead_days)
        self.minimum = self._count("minimum_quantity", stated.minimum_quantity, record.minimum_quantity)
        if self.minimum is None:
            self.sources["minimum_quantity"] = ASSUMED

    def missing(self, question: MethodQuestion) -> Iterator[str]:
        """Yield the names of the figures that nobody has, unless every shape brings its own."""
        if self.printed_unit is None and not _each(question, lambda it: it.printed_unit):
            yield "printed_unit"
        if self.unit is None and not _each(question, lambda it: it.conventional.unit):
            yield "conventional.unit"
        if self.tooling is None and not _each(question, lambda it: it.conventional.tooling):
            yield "conventional.tooling"

    def conventional(self) -> ConventionalMethod:
        """Return the conventional way as it was used."""
        return ConventionalMethod(
            unit_minor=None if self.unit is None else rounded_minor(self.unit),
            tooling_minor=None if self.tooling is None else rounded_minor(self.tooling),
            minimum_quantity=self.minimum,
            lead_days=self.lead_days,
        )

    def case(self, question: MethodQuestion) -> MethodCase:
        """Return the case, once nothing is missing."""
        return MethodCase(
            quantity=question.quantity,
            printed_unit_minor=self.printed_unit or 0,
            terms=self._terms(NOTHING_STATED),
            variants=question.variants,
            design_frozen=question.design_frozen,
            demand_stable=question.demand_stable,
            items=tuple(self._item(item) for item in question.items),
        )

    def _item(self, item: StatedItem) -> Item:
        own = self._cents(item.printed_unit)
        return Item(
            name=item.name,
            quantity=item.quantity,
            printed_unit_minor=(self.printed_unit or 0) if own is None else own,
            terms=self._terms(item.conventional),
            is_complex=item.is_complex,
            varies=item.varies,
        )

    def _terms(self, own: StatedTerms) -> Terms:
        unit, tooling = self._cents(own.unit), self._cents(own.tooling)
        return Terms(
            unit_minor=(self.unit or 0) if unit is None else unit,
            tooling_minor=(self.tooling or 0) if tooling is None else tooling,
            minimum_quantity=own.minimum_quantity or self.minimum or 1,
        )

    def _cents(self, stated: Stated | None) -> Amount | None:
        return None if stated is None else self.exchange.cents(stated)

    def _chosen(self, name: str, stated: Amount | None, known: Amount | None, source: str) -> Amount | None:
        found = known if stated is None else stated
        if found is not None:
            self.sources[name] = source if stated is None else STATED
        return found

    def _count(self, name: str, stated: int | None, known: int | None) -> int | None:
        found = known if stated is None else stated
        if found is not None:
            self.sources[name] = RECORD if stated is None else STATED
        return found


def _printable(
    session: Session, question: MethodQuestion, revision: RevisionView | None, today: date
) -> Printable | None:
    if question.printed_unit is not None or revision is None:
        return None
    return printable_on(session, revision=revision, on=today)


def _each(question: MethodQuestion, figure: Callable[[StatedItem], object]) -> bool:
    return bool(question.items) and all(figure(item) is not None for item in question.items)


def _incomplete(missing: tuple[str, ...]) -> AdviceIncomplete:
    problems = tuple(
        FieldProblem(
            pointer=f"/{name.replace('.', '/')}",
            message=f"is needed: state it{_NO_TOOL.get(name, '')}, or name a part whose record knows it",
        )
        for name in missing
    )
    named = ", ".join(name + _NO_TOOL.get(name, "") for name in missing)
    return AdviceIncomplete(f"state {named}, or name a part whose record knows it", problems=problems)
