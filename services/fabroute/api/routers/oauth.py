"""OAuth2 clients, and the endpoints that OAuth libraries know: token, revocation, metadata."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.callers import oauth as forms
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
    get_resources,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.oauth import (
    AccessTokenOut,
    AuthorizationServerOut,
    IssuedOAuthClientOut,
    OAuthClientIn,
    OAuthClientOut,
    SecretRotationIn,
    access_token_out,
    client_out,
    issued_client_out,
    new_client,
)
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import grants, oauth
from fabroute.identity.service.oauth import ClientFilter
from fabroute.identity.service.organisations import UnknownOrganisation

router = APIRouter(tags=["oauth"], route_class=ContractRoute)

_NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_METHODS = ["client_secret_basic", "client_secret_post"]


@router.post(
    "/v1/oauth-clients",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(grants.ScopeNotHeld, grants.TooManyCredentials, UnknownOrganisation, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(OAuthClientIn),
)
def create_oauth_client(
    response: Response,
    caller: KeysWriter,
    asked: Annotated[OAuthClientIn, Depends(json_body(OAuthClientIn))],
    session: WriteSession,
    now: Now,
) -> IssuedOAuthClientOut:
    """Make a client that fetches its own access tokens. Its secret is in this answer and can't be shown again."""
    issued = oauth.create_client(session, client=new_client(asked), caller=caller, now=now)
    response.headers.update(_NEVER_KEPT | {"Location": f"/v1/oauth-clients/{issued.client_id}"})
    return issued_client_out(oauth.get_client(session, client_id=issued.client_id, caller=caller), issued)


@router.get("/v1/oauth-clients", responses=docs.NEXT_PAGE | docs.problems(UnknownOrganisation))
def list_oauth_clients(
    request: Request,
    response: Response,
    caller: KeysReader,
    session: ReadSession,
    page: PageQuery,
    revoked: Annotated[bool | None, Query(description="Only those that are revoked, or that are not.")] = None,
    organisation_id: Filter = None,
) -> Listing[OAuthClientOut]:
    """List the clients of your organisation, the youngest first; the operator sees those of all, or of one it names."""
    wanted = ClientFilter(organisation_id=organisation_id, revoked=revoked)
    found = oauth.list_clients(session, wanted=wanted, caller=caller, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, client_out)


@router.get("/v1/oauth-clients/{client_id}", responses=docs.problems(oauth.UnknownOAuthClient))
def get_oauth_client(client_id: Identifier, caller: KeysReader, session: ReadSession) -> OAuthClientOut:
    """Read a client of your organisation: what its tokens may open, when one was last used."""
    return client_out(oauth.get_client(session, client_id=client_id, caller=caller))


@router.delete("/v1/oauth-clients/{client_id}", responses=docs.problems(oauth.UnknownOAuthClient))
def revoke_oauth_client(client_id: Identifier, caller: KeysWriter, session: WriteSession, now: Now) -> OAuthClientOut:
    """Revoke a client and every access token of its: they are refused within a second."""
    return client_out(oauth.revoke_client(session, client_id=client_id, caller=caller, now=now))


@router.post(
    "/v1/oauth-clients/{client_id}/secret",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(oauth.UnknownOAuthClient, oauth.OAuthClientRevoked, grants.ScopeNotHeld, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(SecretRotationIn),
)
def rotate_oauth_secret(
    response: Response,
    client_id: Identifier,
    caller: KeysWriter,
    asked: Annotated[SecretRotationIn, Depends(json_body(SecretRotationIn))],
    session: WriteSession,
    now: Now,
) -> IssuedOAuthClientOut:
    """Give a client another secret; the one before works until the overlap is over. Its tokens stay."""
    overlap = timedelta(seconds=asked.overlap_seconds)
    issued = oauth.rotate_secret(session, client_id=client_id, overlap=overlap, caller=caller, now=now)
    response.headers.update(_NEVER_KEPT | {"Location": f"/v1/oauth-clients/{client_id}"})
    return issued_client_out(oauth.get_client(session, client_id=client_id, caller=caller), issued)


@router.post(
    "/v1/oauth/token",
    response_model=AccessTokenOut,
    responses=forms.PROBLEMS,
    openapi_extra=forms.TOKEN_FORM,
)
async def issue_access_token(request: Request, now: Now) -> Response:
    """Fetch an access token for an hour, with a client's id and secret (RFC 6749, 4.4).

    The client authenticates with HTTP Basic, or with `client_id` and `client_secret` in the form. Errors are those of
    RFC 6749, 5.2; `413`, `429` and `5xx` are problems as everywhere else.
    """
    try:
        issued = await forms.issue_token(request, now=now)
    except forms.OAUTH_ERRORS as error:
        return forms.refusal(request, error)
    return Response(access_token_out(issued).model_dump_json(), media_type="application/json", headers=_NEVER_KEPT)


@router.post("/v1/oauth/revoke", response_class=Response, responses=forms.PROBLEMS, openapi_extra=forms.REVOCATION_FORM)
async def revoke_access_token(request: Request, now: Now) -> Response:
    """Give an access token back before its hour is over (RFC 7009). What is no token any more is answered alike."""
    try:
        await forms.revoke_token(request, now=now)
    except forms.OAUTH_ERRORS as error:
        return forms.refusal(request, error)
    return Response(status_code=200, headers=_NEVER_KEPT)


@router.get(
    "/.well-known/oauth-authorization-server",
    responses=docs.problems_without_key(),
    openapi_extra={"security": []},
)
async def get_authorization_server(request: Request) -> AuthorizationServerOut:
    """Read where OAuth libraries find what, and what they may ask for (RFC 8414)."""
    public_url = get_resources(request).settings.public_url.rstrip("/")
    return AuthorizationServerOut(
        issuer=public_url,
        token_endpoint=f"{public_url}/v1/oauth/token",
        revocation_endpoint=f"{public_url}/v1/oauth/revoke",
        scopes_supported=sorted(ALL_SCOPES),
        response_types_supported=["none"],
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=_METHODS,
        revocation_endpoint_auth_methods_supported=_METHODS,
        service_documentation=f"{public_url}/docs",
    )
