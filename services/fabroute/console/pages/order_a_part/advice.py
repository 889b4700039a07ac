"""Printed or conventional, beside the offers: what each way costs and takes, and which is the cheaper one."""

from dataclasses import dataclass

from fabroute.api.schemas.quotes import QuoteOut
from fabroute.console.formats import Formats
from fabroute.estimation.crossover import Method
from fabroute.inventory.service import ConventionalMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodAdvice:
    """What is advised, in a sentence and in figures."""

    title: str
    words: str
    printed_minor: int | None
    conventional_minor: int | None
    lead_days: int | None
    is_known: bool
    """Whether the part's record says what it costs conventionally."""


_UNKNOWN = MethodAdvice(
    title="Printed or conventional?",
    words="The part's record does not say what it costs conventionally: with a piece price and the tool's, this page "
    "would compare both ways.",
    printed_minor=None,
    conventional_minor=None,
    lead_days=None,
    is_known=False,
)


def method_advice(quote: QuoteOut, conventional: ConventionalMethod, fmt: Formats) -> MethodAdvice:
    """Return the advice beside a quote, in the viewer's figures."""
    asked = quote.quantities[0]
    found, lead_days = asked.advice, conventional.lead_days
    if found is None:
        return _UNKNOWN
    total, saving = found.conventional.amount_minor, found.saving
    cheapest = next((it for it in asked.offers if "cheapest" in it.labels), None)
    if cheapest is None or saving is None:
        words = f"No node can print {fmt.quantity(asked.quantity)} as asked."
        return _advice("Conventional, for now", words, None, total, lead_days)
    printed, saved = cheapest.production.amount_minor, fmt.money(saving.amount_minor)
    if found.cheaper is Method.PRINT:
        return _advice("Print it", _why_print(saved, found.crossover, fmt), printed, total, lead_days)
    words = f"The conventional way would save {saved}{_in_days(lead_days)}. You can have it printed all the same."
    return _advice("Conventional would be cheaper", words, printed, total, lead_days)


def _advice(title: str, words: str, printed: int | None, conventional: int, lead_days: int | None) -> MethodAdvice:
    return MethodAdvice(
        title=title,
        words=words,
        printed_minor=printed,
        conventional_minor=conventional,
        lead_days=lead_days,
        is_known=True,
    )


def _why_print(saved: str, crossover: float | None, fmt: Formats) -> str:
    if crossover is None:
        return f"Printing saves {saved}, and would be cheaper at any quantity at this piece price."
    return (
        f"Printing saves {saved}. At this piece price the conventional way is cheaper from about "
        f"{fmt.number(crossover)} pieces on."
    )


def _in_days(lead_days: int | None) -> str:
    return "" if lead_days is None else f", and take {lead_days} days"
