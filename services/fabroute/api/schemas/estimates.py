"""Estimates and the constants behind them, over the wire."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Label, MoneyOut, RequestModel, ResponseModel
from fabroute.api.schemas.figures import FigureOut, figure_out
from fabroute.api.schemas.orders import Quantity
from fabroute.kernel.money import Money
from fabroute.network.service import CalibrationView
from fabroute.production.service import EstimateAsked, Estimates, MachineEstimate, MachineUnable

MOST_SHOWN = 200


class EstimateIn(RequestModel):
    """How many of what, and where."""

    part: Label = Field(description="Your part number, or another number of the part.", examples=["AP-0101"])
    revision: Label | None = Field(
        default=None, description="Also one that is not released yet; without it, the released one, else the last."
    )
    quantity: Quantity = 1
    node_id: Label | None = Field(default=None, description="Only at this node; without it, everywhere.")
    machine_id: Label | None = Field(default=None, description="Only on this machine.")
    limit: int = Field(default=10, ge=1, le=MOST_SHOWN, description="How many estimates and refusals are shown.")


class EstimateRowOut(ResponseModel):
    """One row of a price."""

    code: str
    amount_minor: int


class LearntOut(ResponseModel):
    """What the machine's estimates with this parameter set have learnt from."""

    builds: int
    good_prints: int
    failed_prints: int
    learnt_at: AwareDatetime


class EstimateOut(ResponseModel):
    """What it would take on one machine with one material and parameter set. Times are whole minutes."""

    node_id: str
    node_kind: str
    city: str
    country: str
    machine_id: str
    model: str
    process: str
    material: str
    parameter_set: str
    parts_per_build: int
    builds: int
    build_minutes_p50: int = Field(description="The fullest build, from set-up to unloading: half of all are quicker.")
    build_minutes_p90: int = Field(description="Nine of ten are quicker.")
    machine_minutes_p50: int = Field(description="What these parts take of the machine: their share of shared builds.")
    machine_minutes_p90: int
    off_machine_minutes: int = Field(description="Cooling, finishing and inspection after the build.")
    price: MoneyOut = Field(description="Of production, without freight and duty.")
    unit_price: MoneyOut = Field(description="The price over the quantity, to the nearest cent.")
    breakdown: list[EstimateRowOut] = Field(description="Rows that add up to the price.")
    material_grams: int = Field(description="Virgin material that is drawn from the store.")
    net_grams: int = Field(description="Mass of the good parts.")
    energy_wh: int
    co2e_g: int = Field(description="Of electricity and virgin material; transport is not in it.")
    learnt_from: LearntOut | None = Field(description="Null before the machine's first build or print.")
    figures: list[FigureOut] = Field(description="Every constant behind it.")


class HindranceOut(ResponseModel):
    """Why a machine can't print the part."""

    code: str = Field(description="As in the exclusions of a decision, or `NO_ESTIMATE`.")
    message: str


class UnableOut(ResponseModel):
    """A machine with a material and parameter set that can't print the part."""

    node_id: str
    city: str
    country: str
    machine_id: str
    model: str
    process: str
    material: str
    parameter_set: str
    reasons: list[HindranceOut]


class EstimatesOut(ResponseModel):
    """What it would take to print a part: on each machine that could, cheapest first."""

    part: str
    revision: str
    revision_id: str
    revision_state: str
    warning: str | None = Field(description="Why nothing of this revision can be printed; null where it can.")
    process_materials: list[str] = Field(description="What the revision may be made of: `PROCESS:MATERIAL`.")
    quantity: int
    able: int = Field(description="How many could, with those that `limit` left out.")
    estimates: list[EstimateOut]
    unable: int = Field(description="How many can't, with those that `limit` left out.")
    exclusions: list[UnableOut] = Field(description="Those that can't, the nearest to it first.")


def estimate_asked(asked: EstimateIn) -> EstimateAsked:
    """Return a question as production takes it."""
    return EstimateAsked(
        part=asked.part,
        revision=asked.revision,
        quantity=asked.quantity,
        node_id=asked.node_id,
        machine_id=asked.machine_id,
    )


def estimates_out(found: Estimates, *, limit: int) -> EstimatesOut:
    """Return estimates for an answer, the first ``limit`` of them and of those that can't."""
    return EstimatesOut(
        part=found.revision.part_no,
        revision=found.revision.revision,
        revision_id=found.revision.revision_id,
        revision_state=found.revision.state,
        warning=found.warning,
        process_materials=list(found.revision.process_materials),
        quantity=found.quantity,
        able=len(found.estimates),
        estimates=[_estimate_out(it) for it in found.estimates[:limit]],
        unable=len(found.unable),
        exclusions=[_unable_out(it) for it in found.unable[:limit]],
    )


def _estimate_out(found: MachineEstimate) -> EstimateOut:
    estimate, offer = found.estimate, found.offer
    unit_minor = (2 * estimate.price_minor + estimate.quantity) // (2 * estimate.quantity)
    return EstimateOut(
        node_id=found.node.node_id,
        node_kind=found.node.kind,
        city=found.node.city,
        country=found.node.country,
        machine_id=offer.machine_id,
        model=offer.model.model,
        process=offer.process,
        material=offer.material.code,
        parameter_set=offer.parameter_set,
        parts_per_build=estimate.parts_per_build,
        builds=estimate.builds,
        build_minutes_p50=estimate.build_minutes,
        build_minutes_p90=estimate.build_minutes_p90,
        machine_minutes_p50=estimate.machine_minutes,
        machine_minutes_p90=estimate.machine_minutes_p90,
        off_machine_minutes=estimate.off_machine_minutes,
        price=MoneyOut.of(Money(amount_minor=estimate.price_minor)),
        unit_price=MoneyOut.of(Money(amount_minor=unit_minor)),
        breakdown=[EstimateRowOut(code=row.code, amount_minor=row.amount_minor) for row in estimate.breakdown],
        material_grams=estimate.material_grams,
        net_grams=estimate.net_grams,
        energy_wh=estimate.energy_wh,
        co2e_g=estimate.co2_g,
        learnt_from=_learnt_out(offer.calibration),
        figures=[figure_out(figure) for figure in found.figures],
    )


def _learnt_out(learnt: CalibrationView | None) -> LearntOut | None:
    if learnt is None:
        return None
    return LearntOut(
        builds=learnt.builds,
        good_prints=learnt.good_prints,
        failed_prints=learnt.failed_prints,
        learnt_at=learnt.learnt_at,
    )


def _unable_out(found: MachineUnable) -> UnableOut:
    offer = found.offer
    return UnableOut(
        node_id=found.node.node_id,
        city=found.node.city,
        country=found.node.country,
        machine_id=offer.machine_id,
        model=offer.model.model,
        process=offer.process,
        material=offer.material.code,
        parameter_set=offer.parameter_set,
        reasons=[HindranceOut(code=reason.code, message=reason.message) for reason in found.reasons],
    )
