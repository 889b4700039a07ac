"""What routing looks at, made by hand: nodes, machines and lines without a database."""

from datetime import UTC, datetime

from fabroute.network.service import NodeView
from fabroute.routing.service.timing import Calendars

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
