"""Orders with their decisions as pages of the console take them, written by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from fabroute.console.formats import Formats
from fabroute.console.pages.order.facts import OrderFacts, Rights
from fabroute.network.service import NodeView
from fabroute.orders.service import LineView, OrderView
from fabroute.production.service import JobOfLine
from fabroute.production.service.rerouting.timeline import TimelineEntry
from fabroute.routing.service import DecisionView
from tests.factories.decisions import CANDIDATE, EXCLUSION, SOLVER
from tests.factories.orders import HAMBURG

NOW = datetime(2026, 6, 15, 8, tzinfo=UTC)
FMT = Formats(locale=Locale.parse("en_GB"), zone=ZoneInfo("UTC"))
Figures = Mapping[str, Any]


def a_candidate(city: str = "Berlin", *, landed_minor: int = 4120, days: int = 3, **changes: object) -> dict[str, Any]:
    """Return a candidate of a document: promised so many days after ``NOW``, half of them there a day before."""
    promised = NOW + timedelta(days=days)
    return {
        **CANDIDATE,
        "node_id": f"N-{city}",
        "machine_id": f"N-{city}-A",
        "city": city,
        "landed_minor": landed_minor,
        "cost_millis": landed_minor * 1000,
        "breakdown": [
            {"code": "machine", "amount_minor": landed_minor - 1500},
            {"code": "freight_base", "amount_minor": 1500},
        ],
        "expected_at": (promised - timedelta(days=1)).isoformat(),
        "promised_at": promised.isoformat(),
        "hours": days * 24.0,
        **changes,
    }


def an_alternative(label: str, chosen: Figures, other: Figures) -> dict[str, Any]:
    """Return an alternative of a document, with what it changes beside the chosen one."""
    differs = {name: other[name] - chosen[name] for name in ("landed_minor", "hours", "co2e_g")}
    return {"label": label, "candidate": dict(other), "difference": differs}


def a_place(city: str = "Hamburg", *, landed_minor: int = 5200) -> dict[str, Any]:
    """Return a way through a node that there is not, as documents have it."""
    return {
        "node_id": f"N-{city}",
        "city": city,
        "country": "DE",
        "machine_id": f"N-{city}-A",
        "process": "MJF",
        "material": "PA12-MJF",
        "service": "express",
        "landed_minor": landed_minor,
        "promised_at": (NOW + timedelta(days=4)).isoformat(),
        "hours": 96.0,
        "co2e_g": 2000,
        "cost_millis": landed_minor * 1000,
    }


def an_exclusion(city: str, *codes: str, fix: str | None = None) -> dict[str, Any]:
    """Return a node that is ruled out by these codes."""
    reasons = [{**EXCLUSION["reasons"][0], "code": code, "message": f"because of {code}"} for code in codes]
    return {**EXCLUSION, "node_id": f"N-{city}", "city": city, "fix": fix, "reasons": reasons}


def a_document(
    *candidates: Figures,
    exclusions: Sequence[Figures] = (),
    alternatives: Sequence[Figures] = (),
    objective: str = "cheapest",
    explanation: Figures | None = None,
    routed: bool = True,
    **more: object,
) -> dict[str, Any]:
    """Return the document of a decision for the first of these candidates."""
    return {
        "objective": objective,
        "why": "Berlin: 41.20 EUR, arrives 18 Jun",
        "chosen": dict(candidates[0]) if routed else None,
        "alternatives": list(alternatives),
        "candidates": [dict(it) for it in candidates],
        "exclusions": list(exclusions),
        "reasons": {},
        "solver": dict(SOLVER),
        "explanation": None if explanation is None else dict(explanation),
        **more,
    }


def a_decision(document: Mapping[str, Any]) -> DecisionView:
    """Return the decision that has this document."""
    chosen = document["chosen"]
    return DecisionView(
        id="dec_1",
        organisation_id="org_1",
        run_id="run_1",
        order_id="ord_1",
        order_line_id="line_1",
        fence=1,
        kind="first",
        outcome="routed" if chosen else "no_route",
        node_id=chosen and chosen["node_id"],
        machine_id=chosen and chosen["machine_id"],
        revision_id="rev_1",
        placed=None,
        landed_minor=chosen and chosen["landed_minor"],
        promised_at=None,
        co2e_g=chosen and chosen["co2e_g"],
        candidates=len(document["candidates"]),
        excluded=len(document["exclusions"]),
        why=document["why"],
        document=document,
        decided_at=NOW,
    )


def a_line(*, state: str = "routed", position: int = 1, reason: str = "") -> LineView:
    """Return a line of two pieces."""
    return LineView(
        id=f"line_{position}",
        position=position,
        part="SP-10042",
        revision="B",
        quantity=2,
        state=state,  # type: ignore[arg-type]
        state_reason=reason,
        decision_id="dec_1",
        revision_id="rev_1",
    )


def an_order(*lines: LineView, state: str = "routed", need_by: datetime | None = None) -> OrderView:
    """Return an order to Hamburg."""
    return OrderView(
        id="ord_1",
        organisation_id="org_1",
        reference="PO-7",
        batch=None,
        state=state,  # type: ignore[arg-type]
        objective="cheapest",
        criticality="routine",
        packaging="plain",
        need_by=need_by,
        need_by_hard=True,
        max_price_minor=None,
        currency="EUR",
        ship_to=HAMBURG,
        placed_at=NOW,
        updated_at=NOW,
        version=3,
        lines=lines or (a_line(),),
    )


def a_job_of_line(*, state: str = "offered", city: str = "Berlin", held_reason: str = "") -> JobOfLine:
    """Return a job of the whole line."""
    return JobOfLine(
        job_id=f"job_{city}",
        share_no=0,
        node_id=f"N-{city}",
        city=city,
        machine_id=f"N-{city}-A",
        quantity=2,
        price_minor=2500,
        produce_by=NOW.date(),
        promised_at=NOW + timedelta(days=3),
        state=state,
        held_reason=held_reason,
    )


def an_entry(what: str, *, position: int | None = 1, by: str = "system", **figures: Any) -> TimelineEntry:
    """Return an entry of a timeline."""
    return TimelineEntry(key="1", at=NOW, what=what, position=position, job_id=None, by=by, figures=figures)


def a_node_view(city: str, *, latitude: float, longitude: float, status: str = "up") -> NodeView:
    """Return a node in a city."""
    return NodeView(
        node_id=f"N-{city}",
        organisation_id="org_b",
        kind="service_bureau",
        city=city,
        country="DE",
        latitude=latitude,
        longitude=longitude,
        timezone="Europe/Berlin",
        working_days="Mon-Fri",
        cutoff_local="15:00",
        labour_minor_per_hour=4600,
        grid_g_co2_per_kwh=None,
        minimum_order_minor=0,
        minimum_order_policy="top_up",
        margin=0.2,
        on_time_score=0.95,
        first_pass_yield=0.97,
        packaging=("plain",),
        export_permissions=(),
        status=status,
        status_reason="",
        version=1,
        queue_version=1,
    )


def some_facts(document: Mapping[str, Any] | None = None, **changes: Any) -> OrderFacts:
    """Return the facts of an order with one line, by default decided for Berlin."""
    order = changes.pop("order", an_order())
    facts = OrderFacts(
        order=order,
        line=order.lines[0],
        part_name="Impeller cover",
        now=NOW,
        rights=Rights(order=True, jobs=True, cancel=True),
        decision=a_decision(a_document(a_candidate()) if document is None else document),
    )
    return replace(facts, **changes)
