"""A row of a spare-part list as the judge takes it, and what he says of it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from fabroute.advice.rules.screening_demand import DemandClass

Verdict = Literal["digital_twin", "no", "unclear"]
VERDICTS: tuple[Verdict, ...] = ("digital_twin", "no", "unclear")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedPart:
    """One spare part: what is known of it. None is unknown, never 0. Money in EUR minor units, maybe fractions."""

    part_no: str
    unit_price_minor: float | None = None
    demand: float | None = None
    """A year."""
    history: tuple[float, ...] = ()
    """Quantities by period, the oldest first, zeros included."""
    need: float | None = None
    """Wanted within the horizon, where that is known; else the demand over the horizon."""
    minimum_quantity: int | None = None
    """The smallest order (MOQ)."""
    lead_days: float | None = None
    tooling_minor: float | None = None
    """Of a tool that would have to be paid (again); 0 where it is there."""
    stock: float | None = None
    stockout_minor_per_day: float | None = None
    box_mm: tuple[float, float, float] | None = None
    volume_cm3: float | None = None
    mass_g: float | None = None
    process_materials: tuple[str, ...] = ()
    required_certificates: tuple[str, ...] = ()
    tolerance_mm: float | None = None
    printable: bool | None = None
    has_print_file: bool = False
    """The inventory has a validated print file of it: no digitisation is left to pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of a judgement: a stable code, and the words with the figures."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingRow:
    """A part of the yearly saving in EUR minor units; costs of the twin are negative."""

    code: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedUnit:
    """The cheapest way to print an order of so many: who, on what, for how much."""

    node_id: str
    machine_id: str
    machine_model: str
    process: str
    material: str
    quantity: int
    price_minor: int
    """Of the order, the node's margin and minimum order included; freight is not in it."""

    @property
    def unit_minor(self) -> float:
        """Return the price of one part."""
        return self.price_minor / self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was found out about one row. What could not be found out is None, never 0."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    """In the order in which they decided: the first one is the one that counts."""
    yearly_saving_minor: int | None = None
    """Only where every figure behind it was there; the rows add up to it."""
    at_most_minor: int | None = None
    """A year's saving if printing cost nothing, where that alone decided."""
    rows: tuple[SavingRow, ...] = ()
    demand_class: DemandClass = DemandClass.UNKNOWN
    adi: float | None = None
    cv2: float | None = None
    yearly_demand: float | None = None
    need: int | None = None
    """Parts wanted within the horizon."""
    to_buy: int | None = None
    """Of these, what the stock does not hold."""
    scrap_quantity: int | None = None
    """What the minimum order leaves over."""
    printed: PrintedUnit | None = None
    crossover: float | None = None
    """The need from which on buying is the cheaper way; None where printing always is, or nothing is known."""
    zone: str | None = None
    """Where the need stands to the crossover: ``additive``, ``middle`` or ``conventional``."""
    missing: tuple[str, ...] = ()
    """Columns that would make it clearer."""
    assumed: tuple[str, ...] = ()
    """What was taken for granted about this part."""

    def document(self) -> dict[str, Any]:
        """Return what is kept: plain JSON, without the verdict and the saving, which have columns of their own."""
        kept = asdict(self)
        del kept["verdict"], kept["yearly_saving_minor"]
        return kept
