"""Screenings of spare-part lists over the wire: their rows, their terms, and what came of them."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from fabroute.advice.rules.screening_parts import ScreenedPart
from fabroute.advice.rules.screening_terms import ScrapRule, ScreeningTerms
from fabroute.advice.service.screening_facts import ListedPart
from fabroute.advice.service.screenings import ScreenedRow, ScreeningSummary, ScreeningView
from fabroute.api.schemas.base import CurrencyCode, Label, MoneyOut, Note, RequestModel, ResponseModel
from fabroute.kernel.money import Money

VerdictName = Literal["digital_twin", "no", "unclear"]
_MOST = 1_000_000_000.0
_CENTS = 100
_BOX = ("box_x_mm", "box_y_mm", "box_z_mm")


def _numbers_of(value: Any) -> Any:
    """Return the numbers of a CSV cell; what is no number is left for the model to refuse."""
    if not isinstance(value, list):
        return value
    return [_number_of(item) if isinstance(item, str) else item for item in value]


def _number_of(text: str) -> Any:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


Quantity = Annotated[float, Field(ge=0, le=_MOST, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]
"""In whole units of the row's currency, with as many decimals as need be."""
Length = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
Days = Annotated[float, Field(ge=0, le=3_650, allow_inf_nan=False)]
History = Annotated[list[Quantity], Field(max_length=600), BeforeValidator(_numbers_of)]
Wishes = Annotated[list[Label], Field(max_length=50)]


class ScreeningRowIn(RequestModel):
    """A spare part; what is not known is left out or empty, never 0."""

    part_no: Label
    name: Note = ""
    demand: Quantity | None = None
    demand_history: History = Field(default=[])
    need: Quantity | None = None
    unit_price: Amount | None = None
    currency: CurrencyCode = "EUR"
    moq: int | None = Field(default=None, ge=1, le=int(_MOST))
    lead_days: Days | None = None
    tooling: Amount | None = None
    stock: Quantity | None = None
    stockout_cost_per_day: Amount | None = None
    box_x_mm: Length | None = None
    box_y_mm: Length | None = None
    box_z_mm: Length | None = None
    volume_cm3: Quantity | None = None
    mass_g: Quantity | None = None
    process_materials: Wishes = Field(default=[])
    required_certificates: Wishes = Field(default=[])
    tolerance_mm: Length | None = None
    printable: bool | None = None

    @field_validator("currency", mode="before")
    @classmethod
    def _euro_if_empty(cls, value: Any) -> Any:
        return value or "EUR"


class TermsBody(BaseModel):
    """The assumptions of a screening. All defaults are design values of fabroute, no facts: set what you know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    process_materials: list[str] = Field(
        default=[], description="What rows that name no material may be printed in: `MJF:PA12`, `PA12` or `LPBF`."
    )
    period_months: float = Field(default=1, description="Length of a period of `demand_history`.")
    horizon_years: float = Field(
        default=5, description="How long bought parts can be used; what a minimum order leaves over then is scrap."
    )
    scrap_rule: ScrapRule = Field(
        default="scrap", description="`scrap`: what the MOQ leaves over is written off; `keep`: it is stored."
    )
    holding_cost: float = Field(default=0.2, description="Capital and storage, as a share of the price a year.")
    obsolescence: float = Field(default=0.05, description="Lost on the shelf, as a share of the price a year.")
    digitisation_minor: int = Field(
        default=60_000, description="To draw or scan a part; nothing where its print file is in the inventory."
    )
    qualification_minor: int = Field(
        default=150_000, description="First article and papers where certificates are required."
    )
    amortisation_years: float = Field(default=5, description="Over which both are written off.")
    upkeep_minor: int = Field(default=2_500, description="To keep one twin current, a year.")
    minimum_saving_minor: int = Field(default=10_000, description="A twin that saves less a year does not count.")
    print_orders_per_year: float = Field(default=12, description="At most so many print orders of a part a year.")
    print_lead_days: float = Field(default=14, description="From order to hand-over of printed parts.")
    print_freight_minor: int = Field(default=1_200, description="Of one print order.")
    stockout_probability: float = Field(default=0.05, description="How often a demand meets an empty shelf.")
    longest_wait_days: float = Field(default=21, description="Nobody waits longer for a part that stops work.")
    finest_tolerance_mm: float = Field(default=0.1, description="Finer tolerances need machining.")


class ScreeningQuery(TermsBody):
    """What a screening is asked with: its name and terms."""

    name: Note = Field(default="", description="Yours to choose.")


class ScreeningReasonOut(ResponseModel):
    """A reason: branch on `code`."""

    code: str
    message: str


class ReasonCountOut(ResponseModel):
    """How many parts one reason decided."""

    verdict: VerdictName
    code: str
    rows: int


class SummaryOut(ResponseModel):
    """What came of the parts that are judged so far."""

    digital_twin: int
    no: int
    unclear: int
    share_worth_it: float = Field(description="Of the judged parts.")
    yearly_saving: MoneyOut = Field(description="Of the parts that are worth a twin.")
    reasons: list[ReasonCountOut] = Field(description="What decided, the most frequent first.")


class ScreeningOut(ResponseModel):
    """A spare-part list that is, or was, looked through."""

    id: str
    name: str
    state: str = Field(description="`queued`, `running` or `done`.")
    rows: int
    judged: int = Field(description="How far it is.")
    summary: SummaryOut
    terms: TermsBody
    created_by: str
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class SavingRowOut(ResponseModel):
    """A part of the yearly saving; what the twin costs is negative."""

    code: str
    amount: MoneyOut


class PrintedOut(ResponseModel):
    """The cheapest way to print an order of the part."""

    node_id: str
    machine_id: str
    machine_model: str
    process: str
    material: str
    quantity: int = Field(description="Parts of one print order.")
    price: MoneyOut = Field(description="Of that order, without freight.")


class ScreenedRowOut(ResponseModel):
    """A part of the list and what was found out; `verdict` is null until it is judged."""

    position: int = Field(description="In the list, from 1.")
    part_no: str
    name: str
    verdict: VerdictName | None
    yearly_saving: MoneyOut | None = Field(description="Null where a figure behind it is not known; never a guess.")
    at_most: MoneyOut | None = Field(description="A year's saving if printing cost nothing.")
    reasons: list[ScreeningReasonOut] = Field(description="The first one decided.")
    saving_rows: list[SavingRowOut] = Field(description="They add up to `yearly_saving`.")
    demand_class: str = Field(description="`smooth`, `intermittent`, `erratic`, `lumpy` or `unknown`.")
    adi: float | None = Field(description="Periods for each one with a demand.")
    cv2: float | None = Field(description="Squared coefficient of variation of the demands' sizes.")
    yearly_demand: float | None
    need: int | None = Field(description="Parts wanted within the horizon.")
    to_buy: int | None = Field(description="Of these, what the stock does not hold.")
    scrap_quantity: int | None = Field(description="What the minimum order leaves over.")
    printed: PrintedOut | None
    crossover: float | None = Field(description="The need from which on buying is cheaper; null: never, or not known.")
    zone: str | None = Field(description="`additive`, `middle` or `conventional`.")
    missing: list[str] = Field(description="Columns that would make it clearer.")
    assumed: list[str] = Field(description="What was taken for granted, or from your inventory.")


def listed_of(row: ScreeningRowIn, *, per_eur: float) -> ListedPart:
    """Return a row as the screening takes it, with its amounts in EUR cents; ``per_eur`` of its currency."""

    def minor(amount: float | None) -> float | None:
        return None if amount is None else round(amount * _CENTS / per_eur, 6)

    sides = [getattr(row, name) for name in _BOX]
    part = ScreenedPart(
        part_no=row.part_no,
        unit_price_minor=minor(row.unit_price),
        demand=row.demand,
        history=tuple(row.demand_history),
        need=row.need,
        minimum_quantity=row.moq,
        lead_days=row.lead_days,
        tooling_minor=minor(row.tooling),
        stock=row.stock,
        stockout_minor_per_day=minor(row.stockout_cost_per_day),
        box_mm=None if None in sides else (sides[0], sides[1], sides[2]),
        volume_cm3=row.volume_cm3,
        mass_g=row.mass_g,
        process_materials=tuple(row.process_materials),
        required_certificates=tuple(row.required_certificates),
        tolerance_mm=row.tolerance_mm,
        printable=row.printable,
    )
    return ListedPart(part=part, name=row.name, currency=row.currency, per_eur=per_eur)


def terms_of_query(asked: ScreeningQuery) -> ScreeningTerms:
    """Return terms as the judge takes them; ``InvalidTerm`` with everything that can't be."""
    stated = {field.name: getattr(asked, field.name) for field in fields(ScreeningTerms)}
    return ScreeningTerms(**{**stated, "process_materials": tuple(asked.process_materials)})


def screening_out(view: ScreeningView) -> ScreeningOut:
    """Return a screening for an answer."""
    stated = {field.name: getattr(view.terms, field.name) for field in fields(ScreeningTerms)}
    return ScreeningOut(
        id=view.screening_id,
        name=view.name,
        state=view.state,
        rows=view.rows,
        judged=view.judged,
        summary=_summary_out(view.summary),
        terms=TermsBody(**{**stated, "process_materials": list(view.terms.process_materials)}),
        created_by=view.created_by,
        created_at=view.created_at,
        started_at=view.started_at,
        finished_at=view.finished_at,
    )


def screened_row_out(row: ScreenedRow) -> ScreenedRowOut:
    """Return a judged row for an answer."""
    found = row.judgement
    return ScreenedRowOut(
        position=row.position,
        part_no=row.part_no,
        name=row.name,
        verdict=row.verdict,
        yearly_saving=_money(row.yearly_saving_minor),
        at_most=_money(found.get("at_most_minor")),
        reasons=[ScreeningReasonOut(**reason) for reason in found.get("reasons", ())],
        saving_rows=[
            SavingRowOut(code=item["code"], amount=MoneyOut.of(Money(amount_minor=item["amount_minor"])))
            for item in found.get("rows", ())
        ],
        demand_class=found.get("demand_class", "unknown"),
        **{name: found.get(name) for name in _PLAIN},
        printed=_printed_out(found.get("printed")),
        missing=found.get("missing", []),
        assumed=found.get("assumed", []),
    )


_PLAIN = ("adi", "cv2", "yearly_demand", "need", "to_buy", "scrap_quantity", "crossover", "zone")


def _summary_out(summary: ScreeningSummary) -> SummaryOut:
    return SummaryOut(
        digital_twin=summary.digital_twin,
        no=summary.no,
        unclear=summary.unclear,
        share_worth_it=summary.share_worth_it,
        yearly_saving=MoneyOut.of(Money(amount_minor=summary.yearly_saving_minor)),
        reasons=[ReasonCountOut(verdict=it.verdict, code=it.code, rows=it.rows) for it in summary.reasons],
    )


def _printed_out(printed: Any) -> PrintedOut | None:
    if printed is None:
        return None
    price = MoneyOut.of(Money(amount_minor=printed["price_minor"]))
    return PrintedOut(price=price, **{name: value for name, value in printed.items() if name != "price_minor"})


def _money(amount_minor: int | None) -> MoneyOut | None:
    return None if amount_minor is None else MoneyOut.of(Money(amount_minor=amount_minor))
