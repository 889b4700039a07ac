"""A small OpenID provider on this machine: it signs in whoever it is told to, and checks what a provider checks."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.fakes.web_server import Answer, Asked, json_answer, served_by

CLIENT_ID = "fabroute at example.com"
CLIENT_SECRET = "s3cret: with + and %"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass(slots=True, kw_only=True)
class FakeProvider:
    """What the provider tells of whom it signs in next; ``claims`` go over what it would say by itself."""

    subject: str = "subject-1"
    claims: dict[str, Any] = field(default_factory=lambda: {"email": "ada@example.com", "email_verified": True})
    user_info: dict[str, Any] | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    issuer: str = ""
    keys: list[ECKey] = field(default_factory=lambda: [a_key()])
    signs_with: ECKey | None = None
    """Another key than the last published one."""
    forged: dict[str, str] | None = None
    """The header of ID tokens that nobody signed."""
    asked: list[str] = field(default_factory=list)
    """Paths, as they were asked for."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """What some paths answer instead."""
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def sign_in(self, authorization_url: str) -> dict[str, str]:
        """Let somebody sign in at the page where the browser was sent; return what it brings back."""
        parts = urlsplit(authorization_url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert parts.path == "/authorize"
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert (query["client_id"], query["scope"]) == (CLIENT_ID, "openid email")
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def rotate(self) -> None:
        """Sign with a new key and publish no other."""
        self.keys = [a_key()]

    def handle(self, asked: Asked) -> Answer:
        """Answer one request."""
        path = urlsplit(asked.path).path
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        if path == DISCOVERY:
            return json_answer(self._configuration())
        if path == "/keys":
            return json_answer({"keys": [key.as_dict(private=False) for key in self.keys]})
        if path == "/userinfo":
            assert asked.headers["authorization"] == "Bearer access-1"
            return json_answer(self.user_info)
        return self._token(asked)

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.discovery

    def _token(self, asked: Asked) -> Answer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        query = self._codes.pop(form.get("code", ""), None)
        is_client = _credentials(asked, form) == (CLIENT_ID, CLIENT_SECRET)
        if query is None or not is_client or form["redirect_uri"] != query["redirect_uri"] or not _proves(form, query):
            return json_answer({"error": "invalid_grant"}, 400)
        return json_answer({"access_token": "access-1", "token_type": "Bearer", "id_token": self._id_token(query)})

    def _id_token(self, query: Mapping[str, str]) -> str:
        key = self.signs_with or self.keys[-1]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": query["nonce"],
        } | self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        if self.forged is not None:
            return ".".join((_encoded(self.forged), _encoded(kept), ""))
        return jwt.encode({"alg": self.algorithm, "kid": key.kid}, kept, key, algorithms=[self.algorithm])


def a_key() -> ECKey:
    """Return a new key that ID tokens are signed with."""
    key = ECKey.generate_key("P-256")
    key.ensure_kid()
    return key


@contextmanager
def an_openid_provider() -> Iterator[FakeProvider]:
    """Yield a provider that listens."""
    provider = FakeProvider()
    with served_by(provider.handle) as url:
        provider.issuer = url
        yield provider


def _encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _credentials(asked: Asked, form: Mapping[str, str]) -> tuple[str, str]:
    kind, _, encoded = asked.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    name, _, secret = base64.b64decode(encoded).decode().partition(":")
    return unquote(name.replace("+", " ")), unquote(secret.replace("+", " "))


def _proves(form: Mapping[str, str], query: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") == query["code_challenge"]
