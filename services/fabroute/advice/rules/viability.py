"""Is printing near the point of use worth a closer look? Nine questions, two preconditions, and compliance always."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Dimension(StrEnum):
    """Along which a network of printers may differ from a factory."""

    GEOGRAPHIC = "geographic"
    VALUE_CHAIN = "value_chain"
    TIME = "time"


class Viability(StrEnum):
    """What the answers come to."""

    VIABLE = "viable"
    NO_REASON = "no_reason"
    NOT_VIABLE = "not_viable"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; ``dimension`` is ``None`` for what must hold whatever else is true."""

    code: str
    dimension: Dimension | None
    text: str


QUESTIONS = (
    Question(code="fast_response", dimension=Dimension.GEOGRAPHIC, text="Is a fast response needed?"),
    Question(code="transport_cost", dimension=Dimension.GEOGRAPHIC, text="High transport cost, or air freight?"),
    Question(code="supply_shortfalls", dimension=Dimension.VALUE_CHAIN, text="Are there supply shortfalls?"),
    Question(code="few_suppliers", dimension=Dimension.VALUE_CHAIN, text="Is there one supplier, or few?"),
    Question(
        code="capacity_nearby", dimension=Dimension.VALUE_CHAIN, text="Is capacity nearby, or is it easy to place?"
    ),
    Question(code="customers_print", dimension=Dimension.VALUE_CHAIN, text="Do customers print?"),
    Question(code="sporadic_demand", dimension=Dimension.TIME, text="Is demand sporadic?"),
    Question(code="long_service_life", dimension=Dimension.TIME, text="Is the service life long?"),
    Question(code="small_quantities", dimension=Dimension.TIME, text="Are quantities small?"),
)
PRECONDITIONS = (
    Question(code="technically_feasible", dimension=None, text="Is it technically feasible?"),
    Question(code="economically_feasible", dimension=None, text="Is it economically feasible?"),
    Question(code="compliant", dimension=None, text="Does it comply with law, standards and property rights?"),
)
"""Two preconditions, and compliance, which is asked always."""

_POINTS_TO = {
    Dimension.GEOGRAPHIC: "make it decentralised, near where it is needed",
    Dimension.VALUE_CHAIN: "open the value chain: contracted printers, hybrid, or with the customer",
    Dimension.TIME: "make it on demand, not in batches for the shelf",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionResult:
    """How the questions of one dimension were answered."""

    dimension: Dimension
    yes: tuple[str, ...]
    no: tuple[str, ...]
    unanswered: tuple[str, ...]
    points_to: str | None
    """What a yes in this dimension speaks for; ``None`` without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViabilityAdvice:
    """What the answers come to, by dimension, and what was not answered."""

    result: Viability
    headline: str
    dimensions: tuple[DimensionResult, ...]
    failed: tuple[str, ...]
    """Preconditions that don't hold; compliance is one of them here."""
    unanswered: tuple[str, ...]


def screen_viability(answers: Mapping[str, bool | None]) -> ViabilityAdvice:
    """Return what answers by the codes of the questions come to; what is missing or ``None`` was not answered.

    A precondition that fails decides alone. Otherwise one yes is enough for a closer look, and only nine noes are
    no reason: an open question that could still change the result leaves it open.
    """
    dimensions = tuple(_dimension(dimension, answers) for dimension in Dimension)
    failed = tuple(it.code for it in PRECONDITIONS if answers.get(it.code) is False)
    unanswered = tuple(it.code for it in (*QUESTIONS, *PRECONDITIONS) if answers.get(it.code) is None)
    result = _result(dimensions, failed, unanswered)
    return ViabilityAdvice(
        result=result,
        headline=_headline(result, dimensions, failed, unanswered),
        dimensions=dimensions,
        failed=failed,
        unanswered=unanswered,
    )


def _dimension(dimension: Dimension, answers: Mapping[str, bool | None]) -> DimensionResult:
    codes = [question.code for question in QUESTIONS if question.dimension is dimension]
    yes = tuple(code for code in codes if answers.get(code) is True)
    return DimensionResult(
        dimension=dimension,
        yes=yes,
        no=tuple(code for code in codes if answers.get(code) is False),
        unanswered=tuple(code for code in codes if answers.get(code) is None),
        points_to=_POINTS_TO[dimension] if yes else None,
    )


def _result(dimensions: tuple[DimensionResult, ...], failed: tuple[str, ...], unanswered: tuple[str, ...]) -> Viability:
    if failed:
        return Viability.NOT_VIABLE
    if any(it.code in unanswered for it in PRECONDITIONS):
        return Viability.OPEN
    if any(it.yes for it in dimensions):
        return Viability.VIABLE
    return Viability.OPEN if unanswered else Viability.NO_REASON


def _headline(
    result: Viability, dimensions: tuple[DimensionResult, ...], failed: tuple[str, ...], unanswered: tuple[str, ...]
) -> str:
    yes = sum(len(it.yes) for it in dimensions)
    speaking = [it.dimension.value.replace("_", " ") for it in dimensions if it.yes]
    for_it = f"{yes} of 9 questions speak for it" + (f" ({', '.join(speaking)})" if speaking else "")
    return {
        Viability.VIABLE: f"worth a closer look: {for_it}, and the preconditions hold",
        Viability.NO_REASON: "nothing speaks for distributed printing: keep the way that is there",
        Viability.NOT_VIABLE: f"not viable as it stands: {_listed(failed)} must hold first; {for_it}",
        Viability.OPEN: f"open: answer {_listed(unanswered)}; so far {for_it}",
    }[result]


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(code.replace("_", " ") for code in codes)
