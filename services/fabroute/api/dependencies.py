"""What endpoints ask for: the caller, a session, the page of a list.

What waits for nothing is ``async``, because FastAPI hands every plain function to a thread.
"""

import base64
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from sqlmodel import Session

from fabroute.api.callers.addresses import client_address
from fabroute.api.contract.attempts import answering
from fabroute.api.contract.limits import require_within_limits
from fabroute.api.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyMissing,
    NodeNotYours,
    OperatorOnly,
    OwnersOnly,
    ValidationFailed,
)
from fabroute.api.people.callers import session_cookie, signed_in
from fabroute.api.resources import Resources
from fabroute.database import reaches, unit_of_work, will_ring
from fabroute.identity.rules import Principal, Scope, Unauthenticated, require_scope
from fabroute.kernel.errors import FieldProblem
from fabroute.kernel.time import utc_now
from fabroute.network import service as network
from fabroute.network.service.nodes import QUEUE_CHANNEL
from fabroute.outbox import service as outbox

MAXIMUM_PAGE = 200
_KEY_LENGTH = 255
_NETWORK_CHANGED = "network.changed"


def get_resources(request: Request) -> Resources:
    """Return what this process holds."""
    resources: Resources = request.app.state.resources
    return resources


async def get_now() -> datetime:
    """Return the instant of this request."""
    return utc_now()


def token_of(request: Request) -> str:
    """Return the request's API key; ``Unauthenticated`` without one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated("send your API key in the header: Authorization: Bearer fr_…")
    return token


def address_of(request: Request) -> str:
    """Return the address that the request comes from, behind the proxies that this installation trusts."""
    return client_address(request.scope, trusted_proxies=get_resources(request).settings.trusted_proxies)


async def get_principal(request: Request) -> Principal:
    """Return whom the request's API key speaks for; ``Unauthenticated`` without a good one.

    Raises ``RateLimited`` where its organisation sends too much.
    """
    if session_cookie(request) is not None:
        return await _person(request)
    keys, token = get_resources(request).keys, token_of(request)
    known = await keys.find(token, now=utc_now(), address=address_of(request))
    request.state.organisation_id = known.organisation_id
    require_within_limits(request.scope, known.organisation_id)
    return known


async def _person(request: Request) -> Principal:
    """Return whom a person who is signed in speaks for."""
    principal = (await signed_in(request)).principal
    request.state.organisation_id = principal.organisation_id
    require_within_limits(request.scope, principal.organisation_id)
    return principal


Caller = Annotated[Principal, Depends(get_principal)]


def work_of(request: Request, caller: Principal) -> AbstractContextManager[Session]:
    """Return a unit of work that touches what the caller may see: for endpoints that hold no session all the while."""
    return unit_of_work(get_resources(request).tenants, tenant=caller.tenant)


def get_public_session(request: Request) -> Iterator[Session]:
    """Yield a session for who has no key but knows a secret (a passport's token): it may touch every tenant's rows."""
    with unit_of_work(get_resources(request).engine) as session:
        yield session


def get_session(request: Request, principal: Caller) -> Iterator[Session]:
    """Yield a session that is committed before the answer leaves, so that a failed commit never looks like success.

    The database shows it the rows that the caller may see and no others.
    """
    with work_of(request, principal) as session, answering(request, session):
        yield session


def get_telling_session(request: Request, principal: Caller) -> Iterator[Session]:
    """Yield a session whose events the relay is told of right after the commit, and quotes of what concerns them."""
    resources = get_resources(request)
    with work_of(request, principal) as session:
        with answering(request, session):
            yield session
        is_of_queues = will_ring(session, QUEUE_CHANNEL)
    if is_of_queues:
        resources.queues.versions.outdated()
    resources.doorbell.ring()
    if _NETWORK_CHANGED in outbox.recorded_names(session):
        resources.quotes.books.outdated(told=principal.organisation_id)


Now = Annotated[datetime, Depends(get_now)]
# scope="function": FastAPI would otherwise commit after the answer was sent.
PublicSession = Annotated[Session, Depends(get_public_session, scope="function")]
ReadSession = Annotated[Session, Depends(get_session, scope="function")]
WriteSession = Annotated[Session, Depends(get_telling_session, scope="function")]


def caller_with(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that is the caller, if its key has ``scope``."""

    async def check(principal: Annotated[Principal, Depends(get_principal)]) -> Principal:
        require_scope(principal, scope)
        return principal

    return check


OrdersReader = Annotated[Principal, Depends(caller_with("orders:read"))]
OrdersWriter = Annotated[Principal, Depends(caller_with("orders:write"))]
InventoryReader = Annotated[Principal, Depends(caller_with("inventory:read"))]
InventoryWriter = Annotated[Principal, Depends(caller_with("inventory:write"))]
InventoryReleaser = Annotated[Principal, Depends(caller_with("inventory:release"))]
NetworkReader = Annotated[Principal, Depends(caller_with("network:read"))]
NetworkWriter = Annotated[Principal, Depends(caller_with("network:write"))]
JobsReader = Annotated[Principal, Depends(caller_with("jobs:read"))]
JobsWriter = Annotated[Principal, Depends(caller_with("jobs:write"))]
KeysReader = Annotated[Principal, Depends(caller_with("keys:read"))]
KeysWriter = Annotated[Principal, Depends(caller_with("keys:write"))]
WebhooksReader = Annotated[Principal, Depends(caller_with("webhooks:read"))]
WebhooksWriter = Annotated[Principal, Depends(caller_with("webhooks:write"))]
EventsReader = Annotated[Principal, Depends(caller_with("events:read"))]
PeopleReader = Annotated[Principal, Depends(caller_with("people:read"))]
PeopleWriter = Annotated[Principal, Depends(caller_with("people:write"))]


async def get_operator(principal: NetworkReader) -> Principal:
    """Return the caller if it is the operator; ``OperatorOnly`` otherwise."""
    if principal.kind != "operator":
        raise OperatorOnly("this is for the operator of this installation alone: it takes a key of the operator")
    return principal


Operator = Annotated[Principal, Depends(get_operator)]


def require_no_bureau(principal: Principal) -> None:
    """Raise ``OwnersOnly`` where the caller is a bureau: it must not learn what its rivals charge."""
    if principal.kind == "bureau":
        raise OwnersOnly(
            "this tells what other nodes charge: it takes a key of an owner of parts; "
            "POST /v1/estimates tells what your own nodes charge"
        )


def _owner_with(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that is the caller, if its key has ``scope`` and it is no bureau."""

    async def check(principal: Annotated[Principal, Depends(caller_with(scope))]) -> Principal:
        require_no_bureau(principal)
        return principal

    return check


def _buyer_with(scope: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that is the caller, if its key has ``scope`` and it is one who orders parts."""

    async def check(principal: Annotated[Principal, Depends(caller_with(scope))]) -> Principal:
        if principal.kind == "bureau":
            raise OwnersOnly(
                "this belongs to those who order parts: their orders, policies and papers; it takes a key of theirs"
            )
        return principal

    return check


OwnerReader = Annotated[Principal, Depends(_owner_with("inventory:read"))]
OwnerWriter = Annotated[Principal, Depends(_owner_with("inventory:write"))]
BuyerReader = Annotated[Principal, Depends(_buyer_with("orders:read"))]
BuyerWriter = Annotated[Principal, Depends(_buyer_with("orders:write"))]


def get_idempotency_key(request: Request) -> str:
    """Return the request's ``Idempotency-Key``."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise IdempotencyKeyMissing(
            "send a header Idempotency-Key, e.g. a UUID that stays the same when you repeat this request"
        )
    if len(key) > _KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalid(f"Idempotency-Key takes up to {_KEY_LENGTH} visible ASCII characters")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page of a list is asked for; ``cursor`` as the services know it."""

    cursor: str | None
    limit: int


async def get_page_request(
    cursor: Annotated[
        str | None, Query(max_length=400, description="`next_cursor` of the page before; without it, the first page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_PAGE, description="Items on a page.")] = 50,
) -> PageRequest:
    """Return the page that the query asks for; ``ValidationFailed`` for a cursor that no list has given out."""
    return PageRequest(cursor=None if cursor is None else decode_cursor(cursor), limit=limit)


def encode_cursor(cursor: str) -> str:
    """Return a service's cursor as clients see it: opaque, and safe in a URL."""
    return base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return a client's cursor as the services know it."""
    try:
        found = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:  # no base 64, or no UTF-8
        found = ""
    if not found or not found.isprintable():
        message = "parameter cursor: take next_cursor of the page before as it is, or leave it out"
        raise ValidationFailed(message, problems=(FieldProblem(pointer="", message=message),))
    return found


PageQuery = Annotated[PageRequest, Depends(get_page_request)]
Identifier = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
Filter = Annotated[str | None, Query(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


def get_managed_node(node_id: Identifier, principal: NetworkWriter, session: WriteSession) -> str:
    """Return the id of a node that the caller may change; ``NodeNotYours`` for everyone else's."""
    node = network.find_node(session, node_id=node_id)
    own = node.organisation_id == principal.organisation_id and reaches(session, node.organisation_id)
    if principal.kind != "operator" and not own:
        raise NodeNotYours(f"node {node_id} is changed by its own organisation or by the operator")
    return node_id


ManagedNode = Annotated[str, Depends(get_managed_node)]
