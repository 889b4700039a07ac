"""Webhook endpoints: where an organisation is told of events, what was answered, what is sent again."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Query, Response

from fabroute.api.dependencies import (
    Identifier,
    Now,
    ReadSession,
    WebhooksReader,
    WebhooksWriter,
    WriteSession,
    decode_cursor,
    encode_cursor,
)
from fabroute.api.routers.webhooks import ReadingDesk, WritingDesk
from fabroute.console.forms import FormIn
from fabroute.console.pages.webhooks.pages import (
    PATH,
    DeliveryQuery,
    delivery_page,
    endpoint_page,
    endpoint_path,
    endpoints_page,
    secret_page,
)
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import SECRET, console_router
from fabroute.webhooks.service import deliveries, endpoints
from fabroute.webhooks.service.deliveries import ReplayAsked
from fabroute.webhooks.service.endpoints import MOST_ENDPOINTS, NewEndpoint

router = console_router()

_ROWS = 25
_OVERLAP = timedelta(days=1)
_LONGEST_HOURS = 30 * 24
State = Literal["", "pending", "delivered", "given_up"]


@router.get("/webhooks")
def show_endpoints(console: ForPeople, desk: ReadingDesk, session: ReadSession) -> Response:
    """Show the endpoints of the viewer's organisation, and how they do."""
    found = endpoints.list_endpoints(session, desk, cursor=None, limit=MOST_ENDPOINTS).items
    return console.page("webhooks/list.html", it=endpoints_page(found, kind=desk.principal.kind))


@router.post("/webhooks", dependencies=SECRET)
def add_endpoint(console: ForPeople, desk: WritingDesk, session: WriteSession, form: FormIn) -> Response:
    """Add an endpoint, and show its secret, once."""
    url = form.required("url", "Write where the messages go, such as https://example.com/fabroute.")
    new = NewEndpoint(url=url, description=form.text("description")[:200], types=form.several("types"))
    added = endpoints.add_endpoint(session, desk, new)
    return console.page("webhooks/secret.html", it=secret_page(added, is_new=True))


@router.get("/webhooks/{endpoint_id}")
def show_endpoint(
    console: ForPeople,
    caller: WebhooksReader,
    desk: ReadingDesk,
    session: ReadSession,
    endpoint_id: Identifier,
    state: State = "",
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show an endpoint with what was sent to it, and what it answered."""
    endpoint = endpoints.get_endpoint(session, desk, endpoint_id=endpoint_id)
    asked = (decode_cursor(cursor) if cursor else None, _ROWS)
    found = deliveries.list_answered_deliveries(
        session, principal=caller, endpoint_id=endpoint_id, state=state or None, page=asked
    )
    query = DeliveryQuery(endpoint_id=endpoint_id, state=state, cursor=cursor)
    after = encode_cursor(found.next_cursor) if found.next_cursor else ""
    return console.page("webhooks/endpoint.html", it=endpoint_page(endpoint, found.items, query, next_cursor=after))


@router.get("/webhooks/deliveries/{delivery_id}")
def show_delivery(
    console: ForPeople, caller: WebhooksReader, desk: ReadingDesk, session: ReadSession, delivery_id: Identifier
) -> Response:
    """Show a delivery with each of its attempts."""
    found = deliveries.get_delivery(session, principal=caller, delivery_id=delivery_id)
    endpoint = endpoints.get_endpoint(session, desk, endpoint_id=found.endpoint_id)
    return console.page("webhooks/delivery.html", it=delivery_page(found, endpoint))


@router.post("/webhooks/deliveries/{delivery_id}/again")
def send_again(
    console: ForPeople, caller: WebhooksWriter, session: WriteSession, now: Now, form: FormIn, delivery_id: Identifier
) -> Response:
    """Send an event again, as a delivery of its own."""
    made = deliveries.replay_delivery(session, principal=caller, delivery_id=delivery_id, now=now)
    back = form.text("back", f"{endpoint_path(made.endpoint_id)}#deliveries")
    return console.redirect(back, told="It is sent again, under the same id.")


@router.post("/webhooks/{endpoint_id}/test")
def send_test(console: ForPeople, desk: WritingDesk, session: WriteSession, endpoint_id: Identifier) -> Response:
    """Send an endpoint an event that says nothing."""
    endpoints.send_test(session, desk, endpoint_id=endpoint_id)
    return console.redirect(
        f"{endpoint_path(endpoint_id)}#deliveries", told="A test is on its way: what was answered stands here soon."
    )


@router.post("/webhooks/{endpoint_id}/pause")
def pause_endpoint(
    console: ForPeople, desk: WritingDesk, session: WriteSession, form: FormIn, endpoint_id: Identifier
) -> Response:
    """Send nothing to an endpoint for now."""
    endpoints.disable_endpoint(session, desk, endpoint_id=endpoint_id, reason=form.text("reason", "paused by a person"))
    return console.redirect(endpoint_path(endpoint_id), told="Paused: nothing is sent there until you go on.")


@router.post("/webhooks/{endpoint_id}/resume")
def resume_endpoint(console: ForPeople, desk: WritingDesk, session: WriteSession, endpoint_id: Identifier) -> Response:
    """Send to an endpoint again."""
    endpoints.enable_endpoint(session, desk, endpoint_id=endpoint_id)
    return console.redirect(
        endpoint_path(endpoint_id), told="It is told again, from now on. Have sent again below what it missed."
    )


@router.post("/webhooks/{endpoint_id}/remove")
def remove_endpoint(console: ForPeople, desk: WritingDesk, session: WriteSession, endpoint_id: Identifier) -> Response:
    """Remove an endpoint with its deliveries."""
    endpoints.remove_endpoint(session, desk, endpoint_id=endpoint_id)
    return console.redirect(PATH, told="The endpoint is removed.")


@router.post("/webhooks/{endpoint_id}/secret", dependencies=SECRET)
def renew_secret(console: ForPeople, desk: WritingDesk, session: WriteSession, endpoint_id: Identifier) -> Response:
    """Give an endpoint a new secret, and show it once; the one before signs as well for a day."""
    rotated = endpoints.rotate_secret(session, desk, endpoint_id=endpoint_id, kind="v1", overlap=_OVERLAP)
    return console.page("webhooks/secret.html", it=secret_page(rotated, is_new=False))


@router.post("/webhooks/{endpoint_id}/replays")
def send_all_again(
    console: ForPeople, caller: WebhooksWriter, session: WriteSession, now: Now, form: FormIn, endpoint_id: Identifier
) -> Response:
    """Send again what happened within the last hours."""
    hours = form.whole_number("hours", least=1, most=_LONGEST_HOURS)
    asked = ReplayAsked(endpoint_id=endpoint_id, since=now - timedelta(hours=hours))
    made = deliveries.replay_since(session, principal=caller, asked=asked, now=now)
    count = console.viewer.formats.quantity(made.deliveries, "event")
    rest = "" if made.is_whole else " There are more: ask for the rest when these are through."
    told = f"{count} sent again, in their order.{rest}" if made.deliveries else "Nothing happened in that time."
    return console.redirect(f"{endpoint_path(endpoint_id)}#deliveries", told=told)
