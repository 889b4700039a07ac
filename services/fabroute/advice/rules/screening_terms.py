"""The assumptions under which a spare-part list is screened: each has a name and a default, and can be set."""

import math
from dataclasses import dataclass, fields
from typing import Literal

from fabroute.kernel.errors import DomainError, FieldProblem

ScrapRule = Literal["scrap", "keep"]
_SHARES = ("holding_cost", "obsolescence", "stockout_probability")
_ABOVE_ZERO = ("period_months", "horizon_years", "amortisation_years", "print_orders_per_year")


class InvalidTerm(DomainError):
    """A term of a screening has a value that it can't have."""

    code = "invalid_term"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningTerms:
    """Terms of a screening. All defaults are design values of ours, no facts. Money in EUR minor units."""

    process_materials: tuple[str, ...] = ()
    """What rows that name no material may be printed in: ``MJF:PA12-MJF``, ``PA12`` or ``LPBF``; none: they must."""
    period_months: float = 1.0
    """Length of a period of ``demand_history``."""
    horizon_years: float = 5.0
    """How long bought parts can be used: what is left of a minimum order after it is scrap, or lies on."""
    scrap_rule: ScrapRule = "scrap"
    """``scrap``: what the minimum order leaves over is written off. ``keep``: it costs capital and storage only."""
    holding_cost: float = 0.20
    """Capital and storage of a part on the shelf, as a share of its price a year."""
    obsolescence: float = 0.05
    """What becomes useless on the shelf, as a share of its price a year."""
    digitisation_minor: int = 60_000
    """To draw or scan one part, and to release its print file; nothing where the inventory has a file already."""
    qualification_minor: int = 150_000
    """First article and papers of a part for which certificates are required."""
    amortisation_years: float = 5.0
    """Over which digitisation and qualification are written off."""
    upkeep_minor: int = 2_500
    """To keep one twin current, a year."""
    minimum_saving_minor: int = 10_000
    """A twin that saves less a year is not worth the attention."""
    print_orders_per_year: float = 12.0
    """A part is printed in at most so many orders a year; fewer where its demand is rarer."""
    print_lead_days: float = 14.0
    """From order to hand-over of printed parts, in calendar days."""
    print_freight_minor: int = 1_200
    """Freight of one print order; that of bought parts is in their price."""
    stockout_probability: float = 0.05
    """How often a demand meets an empty shelf."""
    longest_wait_days: float = 21.0
    """Nobody waits longer for a part that stops work: it is flown in, or the machine is patched."""
    finest_tolerance_mm: float = 0.1
    """Finer tolerances need machining."""

    def __post_init__(self) -> None:
        problems = [problem for field in fields(self) if (problem := self._problem(field.name))]
        if problems:
            raise InvalidTerm("; ".join(f"{it.pointer[1:]} {it.message}" for it in problems), problems=tuple(problems))

    def _problem(self, name: str) -> FieldProblem | None:
        value = getattr(self, name)
        if name == "scrap_rule":
            return None if value in ("scrap", "keep") else _problem(name, "must be scrap or keep")
        if name == "process_materials":
            return None if all(wish.strip() for wish in value) else _problem(name, "must not hold an empty name")
        if not math.isfinite(value) or value < 0:
            return _problem(name, f"must be a number, 0 or more, not {value}")
        if name in _SHARES and value > 1:
            return _problem(name, f"must be a share from 0 to 1, not {value:g}")
        return _problem(name, "must be above 0") if name in _ABOVE_ZERO and value == 0 else None


def _problem(name: str, message: str) -> FieldProblem:
    return FieldProblem(pointer=f"/{name}", message=message)
