"""API keys: made, listed, rotated with an overlap, revoked."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Filter,
    Identifier,
    KeysReader,
    KeysWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.api_keys import (
    ApiKeyIn,
    ApiKeyOut,
    IssuedApiKeyOut,
    KeyRotationIn,
    api_key_out,
    issued_key_out,
    key_rotation,
    new_key,
)
from fabroute.api.schemas.base import Listing
from fabroute.identity.service import grants, keys
from fabroute.identity.service.keys import KeyFilter, KeyState
from fabroute.identity.service.organisations import UnknownOrganisation

router = APIRouter(prefix="/v1/api-keys", tags=["api keys"], route_class=ContractRoute)

_NEVER_KEPT = {"Cache-Control": "no-store"}


@router.post(
    "",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(
        grants.ScopeNotHeld,
        grants.InvalidExpiry,
        grants.TooManyCredentials,
        UnknownOrganisation,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(ApiKeyIn),
)
def create_api_key(
    response: Response,
    caller: KeysWriter,
    asked: Annotated[ApiKeyIn, Depends(json_body(ApiKeyIn))],
    session: WriteSession,
    now: Now,
) -> IssuedApiKeyOut:
    """Make an API key. Its token is in this answer and can't be shown again.

    It opens at most what your own key opens; the operator gives others what they need.
    """
    issued = keys.create_api_key(session, key=new_key(asked), caller=caller, now=now)
    return _issued(response, keys.get_api_key(session, key_id=issued.key_id, caller=caller), issued, now)


@router.get("", responses=docs.NEXT_PAGE | docs.problems(UnknownOrganisation))
def list_api_keys(
    request: Request,
    response: Response,
    caller: KeysReader,
    session: ReadSession,
    page: PageQuery,
    now: Now,
    state: Annotated[KeyState | None, Query(description="Only keys in this state.")] = None,
    organisation_id: Filter = None,
) -> Listing[ApiKeyOut]:
    """List the API keys of your organisation, the youngest first; the operator sees those of all, or of one it names.

    Keys that expired or were revoked stay in the list.
    """
    wanted = KeyFilter(organisation_id=organisation_id, state=state)
    found = keys.list_api_keys(session, wanted=wanted, caller=caller, now=now, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, lambda key: api_key_out(key, now=now))


@router.get("/{key_id}", responses=docs.problems(keys.UnknownApiKey))
def get_api_key(key_id: Identifier, caller: KeysReader, session: ReadSession, now: Now) -> ApiKeyOut:
    """Read an API key of your organisation: what it opens, until when, when it was last used."""
    return api_key_out(keys.get_api_key(session, key_id=key_id, caller=caller), now=now)


@router.delete("/{key_id}", responses=docs.problems(keys.UnknownApiKey))
def revoke_api_key(key_id: Identifier, caller: KeysWriter, session: WriteSession, now: Now) -> ApiKeyOut:
    """Revoke an API key, your own too: it is refused within a second. One that is revoked stays as it is."""
    return api_key_out(keys.close_api_key(session, key_id=key_id, caller=caller, now=now), now=now)


@router.post(
    "/{key_id}/rotation",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(
        keys.UnknownApiKey,
        keys.ApiKeyOver,
        keys.ApiKeyReplaced,
        grants.ScopeNotHeld,
        grants.InvalidExpiry,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(KeyRotationIn),
)
def rotate_api_key(
    response: Response,
    key_id: Identifier,
    caller: KeysWriter,
    asked: Annotated[KeyRotationIn, Depends(json_body(KeyRotationIn))],
    session: WriteSession,
    now: Now,
) -> IssuedApiKeyOut:
    """Follow a key by a new one with the same name and scopes; both work until the overlap is over.

    Deploy the new token within that time; the old key then ends by itself, or revoke it earlier.
    """
    issued = keys.rotate_api_key(session, key_id=key_id, rotation=key_rotation(asked), caller=caller, now=now)
    return _issued(response, keys.get_api_key(session, key_id=issued.key_id, caller=caller), issued, now)


def _issued(response: Response, key: keys.KeyView, issued: keys.IssuedKey, now: Now) -> IssuedApiKeyOut:
    response.headers.update(_NEVER_KEPT | {"Location": f"/v1/api-keys/{key.key_id}"})
    return issued_key_out(key, issued, now=now)
