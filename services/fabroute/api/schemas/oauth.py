"""OAuth2 clients and access tokens over the wire."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.api_keys import OverlapSeconds, Scopes, Whose
from fabroute.api.schemas.base import RequestModel, ResponseModel, TrimmedLabel
from fabroute.identity.service.oauth import ClientSecret, ClientView, IssuedToken, NewClient


class OAuthClientIn(RequestModel):
    """A program that is to fetch its access tokens itself."""

    name: TrimmedLabel = Field(description="What it is for.", examples=["maintenance system"])
    scopes: Scopes
    organisation_id: Whose = None


class SecretRotationIn(RequestModel):
    """How a client's secret is followed by a new one."""

    overlap_seconds: OverlapSeconds = 86_400


class OAuthClientOut(ResponseModel):
    """An OAuth2 client without its secret, of which only a hash is kept."""

    client_id: str
    organisation_id: str
    name: str
    scopes: list[str] = Field(description="The most that its access tokens may open.")
    created_at: AwareDatetime
    created_by: str
    last_used_at: AwareDatetime | None = Field(description="When one of its tokens was, to the minute.")
    previous_secret_until: AwareDatetime | None = Field(description="Until when the secret before this one works.")
    revoked_at: AwareDatetime | None


class IssuedOAuthClientOut(OAuthClientOut):
    """A client with its new secret."""

    client_secret: str = Field(description="Shown once: keep it now. It fetches tokens at `/v1/oauth/token`.")


class AccessTokenOut(ResponseModel):
    """An access token (RFC 6749, 5.1)."""

    access_token: str = Field(description="Send it as `Authorization: Bearer …`, in the place of an API key.")
    token_type: str = Field(description="`Bearer`.")
    expires_in: int = Field(description="Seconds.")
    scope: str = Field(description="What it opens, with spaces in between.")


class OAuthErrorOut(ResponseModel):
    """Why there is no token (RFC 6749, 5.2)."""

    error: str = Field(
        description="`invalid_request`, `invalid_client`, `invalid_grant`, `unauthorized_client`, "
        "`unsupported_grant_type`, `unsupported_token_type` or `invalid_scope`."
    )
    error_description: str = Field(description="What happened and what to do, for people.")


class AuthorizationServerOut(ResponseModel):
    """What OAuth libraries find out by themselves (RFC 8414)."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str] = Field(description="`none`: nobody is sent to a page to agree.")
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    service_documentation: str


def new_client(asked: OAuthClientIn) -> NewClient:
    """Return a client as the service takes it."""
    return NewClient(name=asked.name, scopes=frozenset(asked.scopes), organisation_id=asked.organisation_id)


def client_out(client: ClientView) -> OAuthClientOut:
    """Return a client for an answer."""
    return OAuthClientOut(
        client_id=client.client_id,
        organisation_id=client.organisation_id,
        name=client.name,
        scopes=list(client.scopes),
        created_at=client.created_at,
        created_by=client.created_by,
        last_used_at=client.last_used_at,
        previous_secret_until=client.previous_secret_until,
        revoked_at=client.revoked_at,
    )


def issued_client_out(client: ClientView, issued: ClientSecret) -> IssuedOAuthClientOut:
    """Return a client for an answer, with its new secret."""
    return IssuedOAuthClientOut(**client_out(client).model_dump(), client_secret=issued.secret)


def access_token_out(issued: IssuedToken) -> AccessTokenOut:
    """Return an access token for an answer."""
    return AccessTokenOut(
        access_token=issued.token,
        token_type="Bearer",
        expires_in=int(issued.expires_in.total_seconds()),
        scope=" ".join(issued.scopes),
    )
