"""What OAuth clients send and get: forms, credentials and errors as RFC 6749 and RFC 7009 have them."""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_plus

from fastapi import Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from fabroute.api import documentation as docs
from fabroute.api.bodies import read_at_most
from fabroute.api.callers.wrong_keys import TooManyWrongKeys
from fabroute.api.contract.limits import RateLimited
from fabroute.api.dependencies import address_of, get_resources
from fabroute.api.errors import (
    BodyTooLarge,
    InternalError,
    TemporarilyUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from fabroute.api.problems import note_refusal
from fabroute.api.schemas.oauth import OAuthErrorOut
from fabroute.database import unit_of_work
from fabroute.identity.service import oauth
from fabroute.identity.service.oauth import ClientCredentials, IssuedToken
from fabroute.kernel.errors import DomainError

Result = TypeVar("Result")
Form = Mapping[str, str]

_FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_BYTES = 16_384
_MOST_FIELDS = 50
_CLIENT_CREDENTIALS = "client_credentials"
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_NOT_IN_DESCRIPTIONS = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""RFC 6749, 3.3 and 5.2: what scopes are made of, and what may not stand in a description."""


class InvalidRequest(DomainError):
    """A parameter is missing, stands twice, or the client authenticates in two ways at once (RFC 6749, 5.2)."""

    code = "invalid_request"
    status = 400


class UnsupportedGrantType(DomainError):
    """Only client_credentials is granted here (RFC 6749, 5.2)."""

    code = "unsupported_grant_type"
    status = 400


OAUTH_ERRORS = (
    InvalidRequest,
    UnsupportedGrantType,
    oauth.InvalidClient,
    oauth.InvalidScope,
    oauth.UnauthorizedClient,
    oauth.ForeignToken,
)


async def issue_token(request: Request, *, now: datetime) -> IssuedToken:
    """Return the token that a request asks for. Raises ``OAUTH_ERRORS`` and ``TooManyWrongKeys``."""
    form = await read_form(request)
    if "grant_type" not in form:
        raise InvalidRequest("grant_type is missing: send grant_type=client_credentials")
    credentials = client_of(request, form)
    if form["grant_type"] != _CLIENT_CREDENTIALS:
        raise UnsupportedGrantType("only grant_type=client_credentials is granted here")
    scopes = scopes_of(form)
    return await _as_client(
        request,
        credentials,
        lambda session: oauth.issue_token(session, credentials=credentials, scopes=scopes, now=now),
    )


async def revoke_token(request: Request, *, now: datetime) -> None:
    """End the token that a request gives back. Raises ``OAUTH_ERRORS`` and ``TooManyWrongKeys``."""
    form = await read_form(request)
    credentials = client_of(request, form)
    token = form.get("token")
    if token is None:
        raise InvalidRequest("token is missing: send the access token that is to end")
    await _as_client(
        request,
        credentials,
        lambda session: oauth.revoke_token(session, credentials=credentials, token=token, now=now),
    )


async def read_form(request: Request) -> Form:
    """Return the form that a request sends; what is empty counts as left out. Raises ``InvalidRequest``."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != _FORM_TYPE:
        raise InvalidRequest(f"send a form, with the header Content-Type: {_FORM_TYPE}")
    content = await read_at_most(request, _MOST_BYTES)
    try:
        pairs = parse_qsl(content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # no form, no UTF-8, or too many fields
        raise InvalidRequest("the body is no form in UTF-8 with at most 50 fields") from None
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise InvalidRequest("a parameter stands there twice: send each once")
    return {name: value for name, value in pairs if value}


def client_of(request: Request, form: Form) -> ClientCredentials:
    """Return who the client says it is, by HTTP Basic or by the form, not by both.

    Raises ``InvalidRequest`` and ``InvalidClient``.
    """
    authorization = request.headers.get("Authorization")
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise oauth.InvalidClient("send client_id and client_secret: by HTTP Basic, or both in the form")
        return ClientCredentials(client_id=form["client_id"], secret=form["client_secret"])
    found = _basic(authorization)
    if "client_secret" in form or form.get("client_id", found.client_id) != found.client_id:
        raise InvalidRequest("authenticate in one way: by HTTP Basic, or by the form")
    return found


def scopes_of(form: Form) -> tuple[str, ...] | None:
    """Return the scopes that a form asks for, ``None`` where it leaves them to the client. Raises ``InvalidScope``."""
    scope = form.get("scope")
    if scope is None:
        return None
    if _SCOPE.fullmatch(scope) is None:
        raise oauth.InvalidScope("scope is a list of words with one space in between")
    return tuple(scope.split(" "))


def refusal(request: Request, error: DomainError) -> Response:
    """Return the answer for an error as OAuth libraries read it: JSON with ``error`` and ``error_description``."""
    note_refusal(request, error)
    body = OAuthErrorOut(error=error.code, error_description=_NOT_IN_DESCRIPTIONS.sub("'", error.message))
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    if error.status == oauth.InvalidClient.status:
        headers["WWW-Authenticate"] = 'Basic realm="fabroute", charset="UTF-8"'
    return Response(body.model_dump_json(), status_code=error.status, media_type="application/json", headers=headers)


async def _as_client(request: Request, credentials: ClientCredentials, work: Callable[[Session], Result]) -> Result:
    """Return what ``work`` returns in a unit of work of its own; a client that is refused is counted."""
    resources, address = get_resources(request), address_of(request)
    wrong_keys = resources.wrong_keys
    wrong_keys.require_patience(address, credentials.secret)

    def run() -> Result:
        with wrong_keys.watching(address, credentials.secret), unit_of_work(resources.engine) as session:
            return work(session)

    return await run_in_threadpool(run)


def _basic(authorization: str) -> ClientCredentials:
    """Return what HTTP Basic says; each half is written as in a form before (RFC 6749, 2.3.1)."""
    kind, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode() if kind.lower() == "basic" else ""
        client_id, _, secret = text.partition(":")
        found = ClientCredentials(
            client_id=unquote_plus(client_id, errors="strict"), secret=unquote_plus(secret, errors="strict")
        )
    except ValueError:  # no base 64, or no UTF-8
        found = ClientCredentials(client_id="", secret="")
    if not found.client_id or not found.secret:
        raise oauth.InvalidClient("the header Authorization is no HTTP Basic with client_id and client_secret")
    return found


def _form(*fields: tuple[str, str, bool]) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": words} for name, words, _ in fields}
    required = [name for name, _, is_required in fields if is_required]
    schema = {"type": "object", "properties": properties, "required": required}
    return {
        "requestBody": {"required": True, "content": {_FORM_TYPE: {"schema": schema}}},
        "security": [{"OAuthClient": []}, {}],
    }


def _responses() -> docs.Responses:
    meanings: dict[int, list[str]] = {}
    for kind in OAUTH_ERRORS:
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        meanings.setdefault(kind.status, []).append(f"- `{kind.code}`: {meaning}")
    answers: docs.Responses = {
        status: {"model": OAuthErrorOut, "description": "\n".join(sorted(words))} for status, words in meanings.items()
    }
    problems = docs.problems_without_key(
        BodyTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        TooManyWrongKeys,
        RateLimited,
        InternalError,
        TemporarilyUnavailable,
    )
    return {**answers, **problems}


_CLIENT = (
    ("client_id", "The client, where it does not authenticate with HTTP Basic.", False),
    ("client_secret", "Its secret, likewise.", False),
)
TOKEN_FORM = _form(
    ("grant_type", "`client_credentials`.", True),
    ("scope", "What the token is to open, with spaces in between; left out: all that the client has.", False),
    *_CLIENT,
)
REVOCATION_FORM = _form(
    ("token", "The access token that is to end.", True), ("token_type_hint", "Not needed.", False), *_CLIENT
)
PROBLEMS = _responses()
