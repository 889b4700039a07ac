"""What a process holds to let people in."""

from dataclasses import dataclass

from sqlalchemy import Engine

from fabroute.api.people.cache import SessionCache
from fabroute.api.people.cookies import Cookies
from fabroute.api.people.desk import SignInDesk
from fabroute.api.people.hashing import PasswordSlots
from fabroute.api.people.openid import OpenIdDesk
from fabroute.identity.ports import Sealer
from fabroute.integrations.sign_in.openid import OpenIdProvider, Registration
from fabroute.integrations.sign_in.secret_key import configured_sealer
from fabroute.settings import Settings

_CALLBACK = "/v1/oidc/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleRoom:
    """Cookies, sessions, and the desks that open them."""

    cookies: Cookies
    sessions: SessionCache
    sealer: Sealer
    desk: SignInDesk
    openid: OpenIdDesk


def make_people_room(engine: Engine, settings: Settings) -> PeopleRoom:
    """Return the room of a process, without connecting anywhere or reading any key."""
    sealer = configured_sealer(settings)
    sessions = SessionCache(engine=engine, seconds=settings.api_key_cache_seconds)
    provider = _provider(settings)
    return PeopleRoom(
        cookies=Cookies(is_secure=settings.public_url.startswith("https://")),
        sessions=sessions,
        sealer=sealer,
        desk=SignInDesk(engine=engine, sealer=sealer, passwords=PasswordSlots.configured(settings), sessions=sessions),
        openid=OpenIdDesk(engine=engine, sealer=sealer, issuer=settings.oidc_issuer or "", provider=provider),
    )


def _provider(settings: Settings) -> OpenIdProvider | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.oidc_client_secret is None:
        return None
    registration = Registration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        redirect_uri=settings.public_url.rstrip("/") + _CALLBACK,
    )
    return OpenIdProvider(registration)
