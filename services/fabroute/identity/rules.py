"""Who may do what: principals, scopes, and the form of an API key."""

import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import EVERY_TENANT

OrganisationKind = Literal["owner", "bureau", "operator"]
Scope = Literal[
    "orders:read",
    "orders:write",
    "inventory:read",
    "inventory:write",
    "inventory:release",
    "network:read",
    "network:write",
    "jobs:read",
    "jobs:write",
    "webhooks:read",
    "webhooks:write",
    "events:read",
    "audit:read",
    "people:read",
    "people:write",
    "keys:read",
    "keys:write",
]

ALL_SCOPES: frozenset[str] = frozenset(get_args(Scope))
ORGANISATION_KINDS: frozenset[str] = frozenset(get_args(OrganisationKind))

_LOOKING = frozenset(it for it in ALL_SCOPES if it.endswith(":read")) - {"audit:read", "keys:read"}
ADMIN = "admin"
"""The role that every organisation keeps at least one person in."""
ROLES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "owner": {
            ADMIN: ALL_SCOPES,
            "buyer": frozenset({"orders:read", "orders:write", "inventory:read", "network:read", "events:read"}),
            "engineer": frozenset(
                {"inventory:read", "inventory:write", "inventory:release", "orders:read", "network:read"}
            ),
            "viewer": _LOOKING,
        },
        "bureau": {
            ADMIN: ALL_SCOPES,
            "production": frozenset({"jobs:read", "jobs:write", "network:read", "network:write"}),
            "viewer": _LOOKING,
        },
        "operator": {ADMIN: ALL_SCOPES, "support": _LOOKING | {"audit:read"}},
    }
)
"""What people may do, by the kind of their organisation and their role in it."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SECRET_LENGTH = 32
_CHECKSUM_LENGTH = 7
_FORMS: Mapping[str, str] = MappingProxyType({"key": "fr", "tok": "frt", "client": "frs"})
"""What a credential begins with, by the prefix of its id: API key, access token, secret of an OAuth client."""
_KINDS: Mapping[str, str] = MappingProxyType({form: kind for kind, form in _FORMS.items()})


class Unauthenticated(DomainError):
    """No API key, or one that opens nothing."""

    code = "unauthenticated"
    status = 401


class MissingScope(DomainError):
    """The API key is good, but not for this."""

    code = "missing_scope"
    status = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The organisation that makes a request, and what its key allows.

    ``organisation_id`` is what the application filters by, ``tenant`` what the database does (``fabroute.tenant``,
    see ``database.tenancy``): two ways to the same answer, so that one mistake is not a leak. ``tenant`` is the
    organisation unless it is said, and ``*``, every tenant, for the operator.
    """

    organisation_id: str
    kind: OrganisationKind
    key_id: str
    """The actor of the audit log: an API key's id, an access token's client's, or a person's."""
    scopes: frozenset[str]
    tenant: str = ""
    person_id: str | None = None

    def __post_init__(self) -> None:
        if not self.tenant:
            own = EVERY_TENANT if self.kind == "operator" else self.organisation_id
            object.__setattr__(self, "tenant", own)


def require_scope(principal: Principal, scope: Scope) -> None:
    """Raise ``MissingScope`` unless the principal's key has ``scope``."""
    if scope not in principal.scopes:
        raise MissingScope(f"this needs an API key with the scope {scope}: ask your operator for one")


def make_token(*, environment: str, key_id: str) -> str:
    """Return a new ``fr_<environment>_<key>_<secret><checksum>``: 160 random bits and a CRC-32 against typing errors.

    The prefix lets secret scanners find a leaked key; the checksum rejects a broken one without a query. Access tokens
    (``tok_…``) begin with ``frt``, secrets of OAuth clients (``client_…``) with ``frs``.
    """
    kind, _, rest = key_id.partition("_")
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    body = f"{_FORMS[kind]}_{environment}_{rest}_{secret}"
    return body + _checksum(body)


def key_id_of(token: str) -> str:
    """Return the id of the credential in ``token``; ``Unauthenticated`` if it is none of ours or has a typing error."""
    body, checksum = token[:-_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    parts = body.rsplit("_", 2)
    form, _, environment = parts[0].partition("_")
    is_whole = token.isascii() and len(parts) == 3 and environment and parts[1].isalnum()
    if not is_whole or form not in _KINDS or _checksum(body) != checksum:
        raise Unauthenticated(
            "this is not an API key of fabroute (fr_<environment>_<id>_<secret>): copy it again, whole and unchanged"
        )
    return f"{_KINDS[form]}_{parts[1]}"


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(30, -1, -5))
