"""What routing looks at, made by hand: nodes, machines and lines without a database."""

from datetime import UTC, date, datetime

import numpy as np

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.estimation.production import ProductionEstimate
from fabroute.network.service import LotView, MachineModelView, MaterialView, NodeView, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules import WEIGHTS
from fabroute.routing.service.arrivals import EVERY_CASE, Arrivals, Days, arrivals_of
from fabroute.routing.service.options import ExcludedNode, LineChoices, Option, Price, Way, Wish, option_at
from fabroute.routing.service.timing import Calendars
from fabroute.solver.eligibility import Exclusion, ExclusionCode

MONDAY_MORNING = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
"""10:00 in Berlin."""


def a_node_view(
    *,
    node_id: str = "N101",
    country: str = "DE",
    city: str = "Berlin",
    timezone: str = "Europe/Berlin",
    working_days: str = "Mon-Fri",
    cutoff_local: str = "15:00",
    minimum_order_minor: int = 0,
    minimum_order_policy: str = "top_up",
    packaging: tuple[str, ...] = ("plain",),
    export_permissions: tuple[str, ...] = (),
    status: str = "up",
    margin: float = 0.25,
    latitude: float = 52.5244,
    longitude: float = 13.4105,
) -> NodeView:
    """Return a bureau in Berlin that is up, without a minimum order."""
    return NodeView(
        node_id=node_id,
        organisation_id="org_bureau",
        kind="service_bureau",
        city=city,
        country=country,
        latitude=latitude,
        longitude=longitude,
        timezone=timezone,
        working_days=working_days,
        cutoff_local=cutoff_local,
        labour_minor_per_hour=4600,
        grid_g_co2_per_kwh=380.9,
        minimum_order_minor=minimum_order_minor,
        minimum_order_policy=minimum_order_policy,
        margin=margin,
        on_time_score=0.95,
        first_pass_yield=1.0,
        packaging=packaging,
        export_permissions=export_permissions,
        status=status,
        status_reason="",
        version=1,
        queue_version=1,
    )


def some_calendars(*, now: datetime = MONDAY_MORNING, horizon_days: int = 20) -> Calendars:
    """Return the calendars of a run on Monday morning, 15 June 2026, for twenty days."""
    return Calendars(now=now, horizon_days=horizon_days)


def a_claimed_line(
    *,
    line_id: str = "line_1",
    order_id: str | None = None,
    revision_id: str = "rev_1",
    quantity: int = 1,
    attempts: int = 1,
    fence: int = 1,
    objective: str = "cheapest",
    criticality: str = "routine",
    packaging: str = "plain",
    need_by: datetime | None = None,
    need_by_hard: bool = True,
    max_price_minor: int | None = None,
    country: str = "DE",
    city: str = "Hamburg",
    latitude: float = 53.5507,
    longitude: float = 9.993,
) -> ClaimedLine:
    """Return a line of a routine order to Hamburg, claimed for the first time."""
    return ClaimedLine(
        line_id=line_id,
        order_id=order_id or f"ord_{line_id}",
        organisation_id="org_owner",
        position=1,
        part_id="part_1",
        revision_id=revision_id,
        quantity=quantity,
        fence=fence,
        attempts=attempts,
        objective=objective,
        criticality=criticality,
        packaging=packaging,
        need_by=need_by,
        need_by_hard=need_by_hard,
        max_price_minor=max_price_minor,
        ship_to_city=city,
        ship_to_country=country,
        ship_to_latitude=latitude,
        ship_to_longitude=longitude,
        placed_at=MONDAY_MORNING,
    )


def an_offer_view(
    *,
    node_id: str = "N101",
    machine_id: str | None = None,
    material: str = "PA12-MJF",
    process: str = "MJF",
    parameter_set: str = "PS-1",
    parameter_set_state: str = "qualified",
    box_mm: tuple[float, float, float] = (380, 284, 380),
    rate_minor_per_hour: int = 4500,
) -> OfferView:
    """Return a multi-jet-fusion machine with nylon."""
    model = MachineModelView(
        model=f"{process} of {box_mm}",
        process=process,
        x_mm=box_mm[0],
        y_mm=box_mm[1],
        z_mm=box_mm[2],
        layer_um=80,
        layer_fixed_s=6.2,
        rate_cm3_per_hour=0,
        warmup_hours=1.0,
        cooldown_hours=24,
        setup_hours=0.5,
        unload_hours=1.0,
        rate_minor_per_hour=rate_minor_per_hour,
        power_kw=9.0,
        source="V",
    )
    facts = MaterialView(
        code=material,
        process=process,
        density_g_per_cm3=1.01,
        bulk_density_g_per_cm3=0.425,
        price_minor_per_kg=6000,
        refresh_ratio=0.2,
        support_fraction=0,
        source="V",
    )
    machine = machine_id or f"{node_id}-A"
    return OfferView(
        offer_id=f"offer_{machine}_{material}_{parameter_set}",
        machine_id=machine,
        node_id=node_id,
        process=process,
        material=facts,
        model=model,
        parameter_set=parameter_set,
        parameter_set_state=parameter_set_state,
    )


def a_lot_view(
    *,
    lot_id: str = "lot_1",
    node_id: str = "N101",
    material: str = "PA12-MJF",
    grams: int = 10_000,
    expires_on: date = date(2027, 6, 15),
    state: str = "available",
) -> LotView:
    """Return ten kilograms of nylon that are good for a year."""
    return LotView(
        lot_id=lot_id,
        node_id=node_id,
        material=material,
        initial_grams=grams,
        remaining_grams=grams,
        expires_on=expires_on,
        state=state,
        reuse_count=0,
    )


def a_way(
    *,
    node: NodeView | None = None,
    machine_id: str | None = None,
    lot: LotView | None = None,
    service: str = "express",
    production_minor: int = 640,
    freight_minor: int = 490,
    co2e_g: int = 500,
    minutes: int = 60,
    grams: int = 10,
    hours_to_delivery: tuple[int, ...] = (48, 72, 96),
) -> Way:
    """Return a way that costs 11.30 € and delivers two, three or four days from now."""
    place = node or a_node_view()
    rows = (
        BreakdownRow(code="machine", amount_minor=production_minor),
        BreakdownRow(code="freight_base", amount_minor=freight_minor),
    )
    return Way(
        node=place,
        offer=an_offer_view(node_id=place.node_id, machine_id=machine_id),
        lot=lot or a_lot_view(lot_id=f"lot_{place.node_id}", node_id=place.node_id),
        service=service,
        carrier="reference",
        price=Price(
            production_minor=production_minor,
            freight_minor=freight_minor,
            duty_minor=0,
            co2e_g=co2e_g,
            breakdown=rows,
        ),
        machine_minutes=minutes,
        grams=grams,
        arrivals=certain_arrivals(np.array(hours_to_delivery, dtype=np.int64) * 60),
        earliest=0,
        latest=len(hours_to_delivery) - 1,
    )


def an_estimate(
    *,
    machine_minutes: int = 60,
    off_machine_minutes: int = 0,
    delays_minutes: tuple[int, ...] = (0, 0, 0, 0, 0),
) -> ProductionEstimate:
    """Return what a part takes that is off the machine in an hour and ready at once."""
    return ProductionEstimate(
        quantity=1,
        standing_mm=(50, 40, 20),
        parts_per_build=1,
        builds=1,
        machine_minutes=machine_minutes,
        machine_minutes_p90=machine_minutes,
        build_minutes=machine_minutes,
        build_minutes_p90=machine_minutes + delays_minutes[-1],
        delays_minutes=delays_minutes,
        off_machine_minutes=off_machine_minutes,
        material_grams=10,
        net_grams=10,
        breakdown=(),
        price_minor=0,
        minimum_top_up_minor=0,
        energy_wh=0,
        co2_g=0,
        figures=(),
    )


def certain_arrivals(minutes: Days) -> Arrivals:
    """Return the arrivals of what is always there after so many minutes, by bucket."""
    return arrivals_of(minutes[np.newaxis], [EVERY_CASE])


def an_option(way: Way, *, bucket: int = 0, objective: str = "cheapest") -> Option:
    """Return a way with a deadline, priced for an objective."""
    wish = Wish(weights=WEIGHTS[objective], minutes_to_need_by=None, need_by_hard=True)
    return option_at(way, bucket, wish=wish)


def some_choices(line: ClaimedLine, *options: Option, exclusions: tuple[ExcludedNode, ...] = ()) -> LineChoices:
    """Return what a line can choose from: these options, and nodes that are ruled out."""
    by_cost = sorted(options, key=lambda option: option.cost_millis)
    best: dict[str, Option] = {}
    for option in by_cost:
        best.setdefault(option.way.node.node_id, option)
    return LineChoices(
        line=line,
        options=tuple(by_cost),
        exclusions=exclusions,
        best=tuple(best.values()),
        cheapest=min(options, key=lambda option: option.price.landed_minor, default=None),
        fastest=min(options, key=lambda option: option.minutes, default=None),
        greenest=min(options, key=lambda option: option.price.co2e_g, default=None),
    )


def an_exclusion(node_id: str, *codes: str, city: str = "Somewhere") -> ExcludedNode:
    """Return a node that is ruled out by these codes."""
    reasons = tuple(Exclusion(code=ExclusionCode(code), message=f"{code} bites") for code in codes)
    return ExcludedNode(node=a_node_view(node_id=node_id, city=city), reasons=reasons)
