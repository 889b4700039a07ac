"""What speaks against a digital twin of a part before anything is priced, and what is missing to tell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fabroute.advice.rules.screening_demand import YearlyDemand
from fabroute.advice.rules.screening_parts import Reason, SavingRow, ScreenedPart
from fabroute.advice.rules.screening_printing import PrintMarket
from fabroute.advice.rules.screening_saving import Need, total_minor
from fabroute.advice.rules.screening_sizes import SizeFound
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.estimation.facts import Box
from fabroute.estimation.rotations import FIT_MARGIN_MM, fitting_rotations


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """How a part is bought today, where demand and price are known and it has to be bought at all."""

    price_minor: float
    demand: YearlyDemand
    need: Need
    rows: tuple[SavingRow, ...]
    """What a twin would spare and cost without a single print."""

    @property
    def at_most_minor(self) -> int:
        """Return what a twin would save a year if printing cost nothing."""
        return total_minor(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A part with all that follows from its own row."""

    part: ScreenedPart
    terms: ScreeningTerms
    market: PrintMarket
    wishes: tuple[str, ...]
    kinds: tuple[tuple[str, str], ...]
    """Machine models with materials that meet the wishes."""
    demand: YearlyDemand | None
    need: Need | None
    size: SizeFound
    bought: Bought | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the columns that would make it clearer."""
        part = self.part
        columns = {
            "demand": self.demand is None,
            "unit_price": part.unit_price_minor is None,
            "process_materials": not self.wishes,
            "lead_days": part.lead_days is None,
        }
        return (*(name for name, is_missing in columns.items() if is_missing), *self.size.missing)


def refusals_of(known: Known) -> tuple[Reason, ...]:
    """Return every reason against a twin that needs no price of a print; the first one counts."""
    return tuple(reason for rule in _RULES if (reason := rule(known)) is not None)


def missing_of(known: Known) -> tuple[Reason, ...]:
    """Return what is missing to price a print, each with what to give."""
    return tuple(_missing(known))


def too_large(known: Known) -> Reason | None:
    """Return the reason that no machine in question holds the stated box; of all, where no material decides."""
    box = known.part.box_mm
    room = known.market.boxes_for(known.kinds or None)
    if box is None or not room or known.size.problem or any(fitting_rotations(box, build) for build in room):
        return None
    message = (
        f"needs {_sides(box)} mm and {FIT_MARGIN_MM:g} mm free on each side, the largest of {len(room)} build volumes "
        f"has {_sides(room[0])} mm"
    )
    return Reason(code="too_large", message=message)


def euro(amount_minor: float) -> str:
    """Return an amount in words: ``12.50 EUR``."""
    return f"{amount_minor / 100:,.2f} EUR"


def _not_printable(known: Known) -> Reason | None:
    if known.part.printable is not False:
        return None
    return Reason(code="not_printable", message="the list says that it can't be printed")


def _tolerance_too_fine(known: Known) -> Reason | None:
    needed, finest = known.part.tolerance_mm, known.terms.finest_tolerance_mm
    if needed is None or needed >= finest:
        return None
    return Reason(code="tolerance_too_fine", message=f"needs {needed:g} mm, printing holds {finest:g} mm")


def _material_not_printed(known: Known) -> Reason | None:
    if not known.wishes or known.kinds:
        return None
    message = f"no node that is up prints {' or '.join(known.wishes)}"
    return Reason(code="material_not_printed", message=message)


def _no_demand(known: Known) -> Reason | None:
    if known.need is None or known.need.wanted:
        return None
    periods = len(known.part.history)
    since = f" in {periods} periods" if periods else ""
    return Reason(code="no_demand", message=f"nothing was wanted{since}")


def _stock_lasts(known: Known) -> Reason | None:
    need = known.need
    if need is None or not need.wanted or need.to_buy:
        return None
    message = f"{known.part.stock or 0:g} in stock, {need.wanted} needed in {known.terms.horizon_years:g} years"
    return Reason(code="stock_lasts", message=message)


def _too_little_to_save(known: Known) -> Reason | None:
    least = max(1, known.terms.minimum_saving_minor)
    if known.bought is None or known.bought.at_most_minor >= least:
        return None
    costs = total_minor(tuple(row for row in known.bought.rows if row.amount_minor < 0))
    spared = euro(known.bought.at_most_minor - costs)
    message = f"even if printing cost nothing: buying it costs {spared} a year, a twin {euro(-costs)}"
    return Reason(code="too_little_to_save", message=message)


_RULES: tuple[Callable[[Known], Reason | None], ...] = (
    _not_printable,
    _tolerance_too_fine,
    _material_not_printed,
    too_large,
    _no_demand,
    _stock_lasts,
    _too_little_to_save,
)


def _missing(known: Known) -> Iterator[Reason]:
    if known.size.problem is not None:
        message = f"{known.size.problem}; check box_x_mm, box_y_mm, box_z_mm (mm) and volume_cm3 (cm3) or mass_g (g)"
        yield Reason(code="impossible_geometry", message=message)
    if known.demand is None:
        yield Reason(code="demand_unknown", message="give demand, demand_history or demand_YYYY-MM columns")
    if known.part.unit_price_minor is None:
        yield Reason(code="price_unknown", message="give unit_price")
    if known.size.geometry is None and known.size.problem is None:
        yield Reason(code="size_unknown", message="give box and volume: box_x_mm, box_y_mm, box_z_mm, volume_cm3")
    if not known.wishes:
        yield Reason(code="material_unknown", message="give process_materials, such as MJF:PA12, PA12 or LPBF")


def _sides(box: Box) -> str:
    return " x ".join(f"{side:g}" for side in box)
