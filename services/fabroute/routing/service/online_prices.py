"""What minutes and grams were worth in the last joint plan: kept with its run, and asked when a promise is made."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlmodel import Session

from fabroute.routing import repository
from fabroute.routing.service.documents import Document
from fabroute.routing.service.problem import JointProblem
from fabroute.routing.service.timing import Calendars
from fabroute.solver.plan import RoutingPlan, ScarcityPrices

GOOD_FOR = timedelta(hours=24)
"""Prices of an older run say nothing about today."""


def price_document(joint: JointProblem, plan: RoutingPlan, calendars: Calendars) -> Document | None:
    """Return a plan's prices by machine and day, and by lot, in milli-minor; ``None`` where it names none.

    What is worth nothing is left out. A machine's prices run from ``first_day`` on.
    """
    prices = plan.prices
    if prices is None:
        return None
    minutes = {
        machine: [round(float(price), 3) for price in row]
        for machine, row in zip(joint.machines, prices.minute, strict=True)
        if row.any()
    }
    grams = {lot: round(float(price), 3) for lot, price in zip(joint.lots, prices.gram, strict=True) if price}
    return {"first_day": calendars.first_day.isoformat(), "minute_millis": minutes, "gram_millis": grams}


def read_prices(session: Session, *, scopes: frozenset[str], now: datetime) -> tuple[Mapping[str, Any], ...]:
    """Return the newest prices of each of the planning scopes that has some from the last day."""
    return tuple(repository.read_prices(session, scopes=scopes, since=now - GOOD_FOR))


def prices_of(
    documents: tuple[Mapping[str, Any], ...], joint: JointProblem, calendars: Calendars
) -> ScarcityPrices | None:
    """Return kept prices for the machines and lots of a problem; ``None`` without any.

    A machine that several scopes name is worth what it is worth to the one that wants it most. Days that have passed
    since are dropped; the days that came since cost what the last one did.
    """
    if not documents:
        return None
    minute, gram = np.zeros(joint.problem.capacity.shape), np.zeros(len(joint.lots))
    days = np.arange(joint.problem.capacity.shape[1])
    for document in documents:
        passed = (calendars.first_day - date.fromisoformat(document["first_day"])).days
        for pool, machine in enumerate(joint.machines):
            known = document["minute_millis"].get(machine)
            if known:
                now = np.minimum(days + max(0, passed), len(known) - 1)
                minute[pool] = np.maximum(minute[pool], np.array(known)[now])
        for place, lot in enumerate(joint.lots):
            gram[place] = max(gram[place], document["gram_millis"].get(lot, 0.0))
    return ScarcityPrices(minute=minute, gram=gram)
