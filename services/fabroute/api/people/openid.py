"""One sign-in at an OpenID provider: what the browser takes there and must bring back."""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from fabroute.api.people.visitors import Visitor
from fabroute.database import unit_of_work
from fabroute.identity.ports import AuthorizationRequest, IdentityProvider, ProviderRefused, SealBroken, Sealer
from fabroute.identity.service.people.linking import sign_in_at_provider
from fabroute.identity.service.people.sessions import OpenSession, end_session_of
from fabroute.identity.service.people.tokens import digest_of
from fabroute.kernel.errors import DomainError

_PURPOSE = "sign-in at a provider"
_GOOD_FOR = timedelta(minutes=10)


class OpenIdNotConfigured(DomainError):
    """This installation knows no OpenID provider."""

    code = "openid_not_configured"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where the browser goes, and the cookie it takes along."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody who came back, and the page that they were going to."""

    opened: OpenSession
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdDesk:
    """Signs people in at the installation's provider; without one nothing but ``OpenIdNotConfigured``."""

    engine: Engine
    sealer: Sealer
    issuer: str
    provider: IdentityProvider | None

    def start(self, *, invitation: str | None, return_to: str, now: datetime) -> Departure:
        """Send somebody to the provider, with a link that they came by; ``OpenIdNotConfigured``, ``ProviderDown``."""
        request = AuthorizationRequest(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48)
        )
        kept = asdict(request) | {
            "invitation": None if invitation is None else digest_of(invitation),
            "return_to": return_to,
            "until": (now + _GOOD_FOR).timestamp(),
        }
        url = self._provider().authorization_url(request)
        return Departure(url=url, cookie=self.sealer.seal(json.dumps(kept), purpose=_PURPOSE))

    def finish(self, *, told: Mapping[str, str], cookie: str | None, visitor: Visitor, now: datetime) -> Arrival:
        """Sign in who comes back, by what the provider had the browser tell (``code``, ``state``, ``iss``, ``error``).

        Raises ``OpenIdNotConfigured``, ``ProviderRefused``, ``ProviderDown``, ``NotInvited``, ``SeveralInvitations``.
        """
        provider, kept = self._provider(), self._kept(cookie, now)
        request = AuthorizationRequest(
            state=str(kept["state"]), nonce=str(kept["nonce"]), verifier=str(kept["verifier"])
        )
        identity = provider.redeem(request, code=_code(told, request, self.issuer))
        with unit_of_work(self.engine) as session:
            if visitor.session is not None:
                end_session_of(session, token=visitor.session, now=now)
            invitation = kept["invitation"]
            opened = sign_in_at_provider(
                session,
                identity=identity,
                invitation_sha256=None if invitation is None else str(invitation),
                browser=visitor.browser,
                now=now,
            )
        return Arrival(opened=opened, return_to=str(kept["return_to"]))

    def close(self) -> None:
        """Let the connections to the provider go."""
        if self.provider is not None:
            self.provider.close()

    def _provider(self) -> IdentityProvider:
        if self.provider is None:
            raise OpenIdNotConfigured("no OpenID provider is configured here: sign in with your password")
        return self.provider

    def _kept(self, cookie: str | None, now: datetime) -> Mapping[str, object]:
        try:
            kept: dict[str, object] = json.loads(self.sealer.unseal(cookie or "", purpose=_PURPOSE))
        except SealBroken:
            kept = {"until": 0.0}
        if not isinstance(kept["until"], float) or kept["until"] < now.timestamp():
            raise ProviderRefused("this sign-in was not begun in this browser, or too long ago: begin again")
        return kept


def _code(told: Mapping[str, str], request: AuthorizationRequest, issuer: str) -> str:
    is_answer = hmac.compare_digest(told.get("state", "").encode("utf-8", "replace"), request.state.encode())
    if not is_answer or told.get("iss", issuer) != issuer:
        raise ProviderRefused("this answer is not for the sign-in that was begun in this browser: begin again")
    if "error" in told or not told.get("code"):
        raise ProviderRefused("the provider did not let you in: begin again, or ask whoever runs it")
    return told["code"]
