"""Decisions over all orders: the list, what bound them, and what people decided otherwise."""

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Query, Response

from fabroute.api.dependencies import BuyerReader, Now, ReadSession, decode_cursor, encode_cursor
from fabroute.console.pages.decisions.list import PERIODS, USUAL_DAYS, DecisionsFacts, DecisionsQuery, decisions_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.production.service.overrides import list_overrides
from fabroute.routing.service.listing import list_decisions
from fabroute.routing.service.statistics import decision_statistics

router = console_router()

_ROWS = 25
_OVERRIDES = 20
Text = Annotated[str, Query(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/decisions")
def show_decisions(
    console: ForPeople,
    caller: BuyerReader,
    session: ReadSession,
    now: Now,
    days: int = USUAL_DAYS,
    code: Text = "",
    outcome: Text = "",
    node: Text = "",
    text: Text = "",
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show what was decided lately about the orders of the viewer's organisation, the operator's: about all."""
    query = DecisionsQuery(
        days=days if days in PERIODS else USUAL_DAYS,
        code=code.strip(),
        outcome=outcome if outcome in ("routed", "no_route") else "",
        node_id=node.strip(),
        text=text.strip(),
        cursor=cursor,
    )
    after = decode_cursor(cursor) if cursor else None
    page = list_decisions(session, principal=caller, wanted=query.wanted(now), cursor=after, limit=_ROWS)
    since, zone = now - timedelta(days=query.days), console.viewer.formats.zone
    facts = DecisionsFacts(
        decisions=page.items,
        statistics=decision_statistics(session, principal=caller, since=since, until=now, zone=zone.key),
        overrides=list_overrides(session, principal=caller, since=since, until=now, limit=_OVERRIDES),
        next_cursor=encode_cursor(page.next_cursor) if page.next_cursor else "",
        today=now.astimezone(zone).date(),
    )
    return console.made("decisions/list.html", partial(decisions_page, facts, query, console.viewer.formats))
