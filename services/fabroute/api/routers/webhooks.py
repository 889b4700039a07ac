"""Webhook endpoints: where you are told of events; what was delivered; what is sent again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    Now,
    PageQuery,
    ReadSession,
    WebhooksReader,
    WebhooksWriter,
    WriteSession,
    get_resources,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.webhooks import (
    AddedWebhookEndpointOut,
    WebhookDeliveryDetailOut,
    WebhookDeliveryOut,
    WebhookDisablingIn,
    WebhookEndpointChangeIn,
    WebhookEndpointIn,
    WebhookEndpointOut,
    WebhookReplayIn,
    WebhookReplayOut,
    WebhookSecretRotationIn,
    WebhookTestOut,
    added_endpoint_out,
    delivery_detail_out,
    delivery_out,
    endpoint_change,
    endpoint_out,
    new_endpoint,
    overlap_of,
    replay_asked,
    replay_out,
)
from fabroute.identity.rules import Principal
from fabroute.webhooks.rules.patterns import UnknownEventType
from fabroute.webhooks.rules.urls import UnusableUrl
from fabroute.webhooks.service import deliveries, endpoints
from fabroute.webhooks.service.endpoints import Desk
from fabroute.webhooks.service.feed import UnusableCursor

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=ContractRoute)

_KNOWN = (endpoints.UnknownEndpoint,)
_NEVER_KEPT = {"Cache-Control": "no-store"}
DeliveryState = Annotated[
    Literal["pending", "delivered", "given_up"] | None, Query(description="Only deliveries in this state.")
]


def _desk(request: Request, caller: Principal, now: Now) -> Desk:
    resources = get_resources(request)
    return Desk(
        principal=caller,
        sealer=resources.people.sealer,
        loopback=resources.settings.webhooks_to_this_machine,
        now=now,
    )


def get_reading_desk(request: Request, caller: WebhooksReader, now: Now) -> Desk:
    """Return the circumstances of a request that reads."""
    return _desk(request, caller, now)


def get_writing_desk(request: Request, caller: WebhooksWriter, now: Now) -> Desk:
    """Return the circumstances of a request that changes something."""
    return _desk(request, caller, now)


ReadingDesk = Annotated[Desk, Depends(get_reading_desk)]
WritingDesk = Annotated[Desk, Depends(get_writing_desk)]


@router.post(
    "/webhook-endpoints",
    status_code=201,
    responses=docs.CREATED | docs.problems(UnusableUrl, UnknownEventType, endpoints.TooManyEndpoints, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(WebhookEndpointIn),
)
def add_webhook_endpoint(
    response: Response,
    asked: Annotated[WebhookEndpointIn, Depends(json_body(WebhookEndpointIn))],
    desk: WritingDesk,
    session: WriteSession,
) -> AddedWebhookEndpointOut:
    """Say where you want to be told of what. The secret is in this answer, and can't be shown again.

    Messages are signed by Standard Webhooks 1.0: check `webhook-signature` with one of its libraries before you trust
    one. Answer with 2xx within five seconds. Otherwise it comes again, after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and
    24 h; what concerns the same thing waits until then. The same event may come twice, under the same `webhook-id`.
    """
    added = endpoints.add_endpoint(session, desk, new_endpoint(asked))
    response.headers.update(_NEVER_KEPT | {"Location": f"/v1/webhook-endpoints/{added.endpoint.endpoint_id}"})
    return added_endpoint_out(added)


@router.get("/webhook-endpoints", responses=docs.NEXT_PAGE | docs.problems())
def list_webhook_endpoints(
    request: Request, response: Response, desk: ReadingDesk, session: ReadSession, page: PageQuery
) -> Listing[WebhookEndpointOut]:
    """List your endpoints, and how they do."""
    found = endpoints.list_endpoints(session, desk, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, endpoint_out)


@router.get(
    "/webhook-endpoints/{endpoint_id}",
    response_model=WebhookEndpointOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(*_KNOWN),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_webhook_endpoint(
    request: Request, endpoint_id: Identifier, desk: ReadingDesk, session: ReadSession
) -> Response:
    """Read an endpoint: what it is told of, when it last took something, how often it failed since."""
    found = endpoints.get_endpoint(session, desk, endpoint_id=endpoint_id)
    return conditional(request, endpoint_out(found), version=found.version)


@router.patch(
    "/webhook-endpoints/{endpoint_id}",
    response_model=WebhookEndpointOut,
    responses=docs.TAGGED
    | docs.problems(
        *_KNOWN,
        endpoints.StaleEndpoint,
        UnusableUrl,
        UnknownEventType,
        errors.PreconditionRequired,
        errors.UnknownTag,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(WebhookEndpointChangeIn),
)
def change_webhook_endpoint(
    request: Request,
    endpoint_id: Identifier,
    asked: Annotated[WebhookEndpointChangeIn, Depends(json_body(WebhookEndpointChangeIn))],
    desk: WritingDesk,
    session: WriteSession,
) -> Response:
    """Change where an endpoint is, what it is told of, what it is called. What waits goes to the new URL."""
    expected = require_match(request)
    changed = endpoints.change_endpoint(
        session, desk, endpoint_id=endpoint_id, change=endpoint_change(asked), expected_version=expected
    )
    return conditional(request, endpoint_out(changed), version=changed.version)


@router.delete("/webhook-endpoints/{endpoint_id}", status_code=204, responses=docs.problems(*_KNOWN))
def remove_webhook_endpoint(endpoint_id: Identifier, desk: WritingDesk, session: WriteSession) -> None:
    """Remove an endpoint with its deliveries. Events stay in your feed."""
    endpoints.remove_endpoint(session, desk, endpoint_id=endpoint_id)


@router.post(
    "/webhook-endpoints/{endpoint_id}/secret",
    responses=docs.problems(*_KNOWN, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(WebhookSecretRotationIn),
)
def rotate_webhook_secret(
    response: Response,
    endpoint_id: Identifier,
    asked: Annotated[WebhookSecretRotationIn, Depends(json_body(WebhookSecretRotationIn))],
    desk: WritingDesk,
    session: WriteSession,
) -> AddedWebhookEndpointOut:
    """Give an endpoint a new secret; both sign for a while, so that you change over without losing a message."""
    rotated = endpoints.rotate_secret(
        session, desk, endpoint_id=endpoint_id, kind=asked.kind, overlap=overlap_of(asked)
    )
    response.headers.update(_NEVER_KEPT)
    return added_endpoint_out(rotated)


@router.post(
    "/webhook-endpoints/{endpoint_id}/test",
    status_code=202,
    responses=docs.problems(*_KNOWN, endpoints.EndpointDisabled),
)
def test_webhook_endpoint(endpoint_id: Identifier, desk: WritingDesk, session: WriteSession) -> WebhookTestOut:
    """Send `webhook_endpoint.tested` to this endpoint. `…/deliveries` tells within seconds what it answered."""
    return WebhookTestOut(event_id=endpoints.send_test(session, desk, endpoint_id=endpoint_id))


@router.post("/webhook-endpoints/{endpoint_id}/enable", responses=docs.problems(*_KNOWN))
def enable_webhook_endpoint(endpoint_id: Identifier, desk: WritingDesk, session: WriteSession) -> WebhookEndpointOut:
    """Send to an endpoint again, from now on; what it missed comes by `…/replays`."""
    return endpoint_out(endpoints.enable_endpoint(session, desk, endpoint_id=endpoint_id))


@router.post(
    "/webhook-endpoints/{endpoint_id}/disable",
    responses=docs.problems(*_KNOWN, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(WebhookDisablingIn),
)
def disable_webhook_endpoint(
    endpoint_id: Identifier,
    asked: Annotated[WebhookDisablingIn, Depends(json_body(WebhookDisablingIn))],
    desk: WritingDesk,
    session: WriteSession,
) -> WebhookEndpointOut:
    """Send nothing to an endpoint any more, nor what waits for it."""
    return endpoint_out(endpoints.disable_endpoint(session, desk, endpoint_id=endpoint_id, reason=asked.reason))


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    responses=docs.NEXT_PAGE | docs.problems(*_KNOWN, UnusableCursor),
)
def list_webhook_deliveries(
    request: Request,
    response: Response,
    endpoint_id: Identifier,
    caller: WebhooksReader,
    session: ReadSession,
    page: PageQuery,
    state: DeliveryState = None,
) -> Listing[WebhookDeliveryOut]:
    """List the deliveries to an endpoint of the last 30 days, the newest first."""
    found = deliveries.list_deliveries(
        session, principal=caller, endpoint_id=endpoint_id, state=state, page=(page.cursor, page.limit)
    )
    return listing(request, response, found, delivery_out)


@router.get("/webhook-deliveries/{delivery_id}", responses=docs.problems(deliveries.UnknownDelivery))
def get_webhook_delivery(
    delivery_id: Identifier, caller: WebhooksReader, session: ReadSession
) -> WebhookDeliveryDetailOut:
    """Read a delivery with its attempts: when, how long, what was answered."""
    return delivery_detail_out(deliveries.get_delivery(session, principal=caller, delivery_id=delivery_id))


@router.post(
    "/webhook-deliveries/{delivery_id}/replay",
    status_code=202,
    responses=docs.problems(
        deliveries.UnknownDelivery, deliveries.DeliveryPending, endpoints.EndpointDisabled, *_KNOWN
    ),
)
def replay_webhook_delivery(
    delivery_id: Identifier, caller: WebhooksWriter, session: WriteSession, now: Now
) -> WebhookDeliveryDetailOut:
    """Send an event again, under the same `webhook-id`, as a new delivery."""
    return delivery_detail_out(deliveries.replay_delivery(session, principal=caller, delivery_id=delivery_id, now=now))


@router.post(
    "/webhook-endpoints/{endpoint_id}/replays",
    status_code=202,
    responses=docs.problems(*_KNOWN, UnknownEventType, endpoints.EndpointDisabled, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(WebhookReplayIn),
)
def replay_webhooks(
    endpoint_id: Identifier,
    asked: Annotated[WebhookReplayIn, Depends(json_body(WebhookReplayIn))],
    caller: WebhooksWriter,
    session: WriteSession,
    now: Now,
) -> WebhookReplayOut:
    """Send again what happened since an instant, in its order, under the same ids: after an outage of yours."""
    wanted = replay_asked(endpoint_id, asked)
    return replay_out(deliveries.replay_since(session, principal=caller, asked=wanted, now=now))
