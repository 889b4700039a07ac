"""OpenID Connect, authorization code flow with PKCE, at the one provider that an installation is configured for."""

import base64
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fabroute.identity.ports import AuthorizationRequest, ProviderDown, ProviderRefused, VerifiedIdentity

_SECONDS = 5.0
_LONGEST_ANSWER = 2**18
_KNOWN_FOR_SECONDS = 3600.0
_KEYS_AGAIN_AFTER_SECONDS = 30.0
_DOWN_FOR_SECONDS = 5.0
"""After it did not answer, who comes next is told so at once."""
_ASKED_AT_ONCE = 8
"""So that a slow provider does not hold the threads that everybody is served by."""
_LEEWAY_SECONDS = 60
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures with a public key. None, and what a shared secret could sign, is never taken."""
_WELL_KNOWN = "/.well-known/openid-configuration"
_SCOPE = "openid email"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the provider knows this installation as."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str


class OpenIdProvider:
    """An ``IdentityProvider`` that is found by its issuer's discovery document. One instance serves all threads."""

    def __init__(self, registration: Registration, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._us = registration
        self._clock = clock
        self._http = httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False)
        self._found: tuple[Json, float] | None = None
        self._keys: tuple[KeySet, float] | None = None
        self._down_until = float("-inf")
        self._asking = BoundedSemaphore(_ASKED_AT_ONCE)

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser goes to sign in; ``ProviderDown``."""
        query = {
            "response_type": "code",
            "client_id": self._us.client_id,
            "redirect_uri": self._us.redirect_uri,
            "scope": _SCOPE,
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": challenge_of(request.verifier),
            "code_challenge_method": "S256",
        }
        endpoint = _endpoint(self._configuration(), "authorization_endpoint")
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def redeem(self, request: AuthorizationRequest, *, code: str) -> VerifiedIdentity:
        """Return who signed in, for the code that the browser brought; ``ProviderDown``, ``ProviderRefused``."""
        answer = self._tokens(request, code)
        claims = self._claims(str(answer.get("id_token", "")), request)
        subject = str(claims["sub"])
        told = claims if "email" in claims else self._told_of(subject, str(answer.get("access_token", "")))
        email = str(told.get("email", "")) if told.get("email_verified") is True else ""
        return VerifiedIdentity(issuer=self._us.issuer, subject=subject, email=email)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _configuration(self) -> Json:
        now = self._clock()
        if self._found is None or self._found[1] <= now:
            if now < self._down_until:
                raise ProviderDown("the OpenID provider did not answer a moment ago: try again in a few seconds")
            try:
                self._found = (self._discovered(), now + _KNOWN_FOR_SECONDS)
            except ProviderDown:
                self._down_until = self._clock() + _DOWN_FOR_SECONDS
                raise
        return self._found[0]

    def _discovered(self) -> Json:
        found = self._get(self._us.issuer.rstrip("/") + _WELL_KNOWN)
        if found.get("issuer") != self._us.issuer:
            raise ProviderDown(
                f"the OpenID provider calls itself {found.get('issuer')!r}: set FABROUTE_OIDC_ISSUER to just that"
            )
        return found

    def _tokens(self, request: AuthorizationRequest, code: str) -> Json:
        configuration = self._configuration()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._us.redirect_uri,
            "code_verifier": request.verifier,
        }
        offered = configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth = None
        if "client_secret_basic" in offered:
            auth = httpx.BasicAuth(_form_encoded(self._us.client_id), _form_encoded(self._us.client_secret))
        else:
            form |= {"client_id": self._us.client_id, "client_secret": self._us.client_secret}
        answer = self._ask("POST", _endpoint(configuration, "token_endpoint"), data=form, auth=auth)
        if answer.is_client_error:
            raise ProviderRefused("the provider does not take the code that your browser brought: sign in again")
        return _object(answer)

    def _claims(self, id_token: str, request: AuthorizationRequest) -> Json:
        """Return what an ID token says, once all that OpenID Connect Core 3.1.3.7 asks holds."""
        try:
            token = self._decoded(id_token)
            rules = jwt.JWTClaimsRegistry(
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": self._us.issuer},
                aud={"essential": True, "value": self._us.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True},
            )
            rules.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise ProviderRefused("the provider's ID token is not for this sign-in: sign in again") from error
        _require_ours(token.claims, request, self._us.client_id)
        return token.claims

    def _decoded(self, id_token: str) -> jwt.Token:
        """Return a token whose signature is right; keys are read again once for one that is not known yet."""
        try:
            return jwt.decode(id_token, self._key_set(), algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            if self._keys is None or self._clock() - self._keys[1] < _KEYS_AGAIN_AFTER_SECONDS:
                raise
        self._keys = None
        return jwt.decode(id_token, self._key_set(), algorithms=_ALGORITHMS)

    def _key_set(self) -> KeySet:
        now = self._clock()
        if self._keys is None or self._keys[1] + _KNOWN_FOR_SECONDS <= now:
            found = self._get(_endpoint(self._configuration(), "jwks_uri"))
            try:
                keys = KeySet.import_key_set({"keys": list(found["keys"])})
            except (JoseError, KeyError, TypeError, ValueError) as error:
                raise ProviderDown("the OpenID provider publishes no keys that can be read") from error
            self._keys = (keys, now)
        return self._keys[0]

    def _told_of(self, subject: str, access_token: str) -> Json:
        """Return what the provider's UserInfo tells of a subject; nothing where there is none."""
        configuration = self._configuration()
        if not access_token or "userinfo_endpoint" not in configuration:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        told = _object(self._ask("GET", _endpoint(configuration, "userinfo_endpoint"), headers=headers))
        if told.get("sub") != subject:
            raise ProviderRefused("the provider tells of somebody else than it signed in: sign in again")
        return told

    def _get(self, url: str) -> Json:
        _require_safe(url)
        return _object(self._ask("GET", url))

    def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        if not self._asking.acquire(blocking=False):
            raise ProviderDown("many people sign in at the OpenID provider just now: try again in a second")
        try:
            return self._answer(method, url, **request)
        except httpx.HTTPError as error:
            raise ProviderDown(f"the OpenID provider does not answer ({error.__class__.__name__})") from error
        finally:
            self._asking.release()

    def _answer(self, method: str, url: str, **request: Any) -> httpx.Response:
        headers = {"Accept": "application/json"} | request.pop("headers", {})
        with self._http.stream(method, url, headers=headers, **request) as answer:
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > _LONGEST_ANSWER:
                    raise ProviderDown(f"the OpenID provider's answer is longer than {_LONGEST_ANSWER} bytes")
        return httpx.Response(answer.status_code, content=bytes(content), request=answer.request)


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _require_ours(claims: Json, request: AuthorizationRequest, client_id: str) -> None:
    audience = claims["aud"]
    authorized = claims.get("azp", client_id)
    is_alone = isinstance(audience, str) or len(audience) == 1 or "azp" in claims
    is_answer = hmac.compare_digest(str(claims["nonce"]).encode(), request.nonce.encode())
    if not (is_answer and is_alone and authorized == client_id and claims["sub"]):
        raise ProviderRefused("the provider's ID token is not for this sign-in: sign in again")


def _endpoint(configuration: Json, name: str) -> str:
    url = configuration.get(name)
    if not isinstance(url, str):
        raise ProviderDown(f"the OpenID provider's discovery document names no {name}")
    _require_safe(url)
    return url


def _require_safe(url: str) -> None:
    """Raise ``ProviderDown`` for an address that anybody on the way could read; loopback has no way."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise ProviderDown("the OpenID provider must be reached by https")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _object(answer: httpx.Response) -> Json:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not answer.is_success or not isinstance(content, dict):
        raise ProviderDown(f"the OpenID provider answered with status {answer.status_code}, not with what it promises")
    return content


def _form_encoded(text: str) -> str:
    """Return a credential as RFC 6749, 2.3.1, has it in the Basic scheme."""
    return urlencode({"": text})[1:]
