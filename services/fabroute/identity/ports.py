"""What identity asks of the rooms above it.

The audit log: a signature, and a folder that the database can't reach. People: seals that open with a key outside the
database, and an OpenID provider.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fabroute.kernel.errors import DomainError

SignatureCheck = Callable[[str, bytes, str], bool]
"""Tells whether, by a public key (base64), a statement has a signature (base64)."""


class RootFolderDown(DomainError):
    """The folder of exported audit roots does not answer."""

    code = "audit_root_folder_down"
    status = 503


class RootSigner(Protocol):
    """Signs roots of the audit log with the installation's Ed25519 key."""

    def sign(self, statement: bytes) -> str:
        """Return the signature of ``statement`` in base64."""
        ...

    @property
    def public_key(self) -> str:
        """The public key in base64."""
        ...


class RootFolder(Protocol):
    """Keeps files of signed roots where nobody who can write to the database can change them."""

    def put(self, key: str, content: bytes) -> None:
        """Keep a new file; ``RootFolderDown`` if that can't be done."""
        ...

    def names(self) -> Sequence[str]:
        """Return the keys of all files, oldest first."""
        ...

    def get(self, key: str) -> bytes | None:
        """Return a file's content, ``None`` if there is no such file."""
        ...


class SealBroken(DomainError):
    """Something was sealed with another key than this installation's, or for another purpose."""

    code = "seal_broken"
    status = 503


class Sealer(Protocol):
    """Keeps texts secret and proves where texts come from, with a key that is not in the database."""

    def seal(self, text: str, *, purpose: str) -> str:
        """Return ``text`` as only this installation can read it, and only for ``purpose``."""
        ...

    def unseal(self, sealed: str, *, purpose: str) -> str:
        """Return what was sealed for ``purpose``; ``SealBroken`` for anything else."""
        ...

    def tag(self, text: str, *, purpose: str) -> str:
        """Return a code that nobody else can reckon out of ``text``."""
        ...


class ProviderDown(DomainError):
    """The OpenID provider does not answer, or with something else than OpenID Connect."""

    code = "openid_provider_down"
    status = 503


class ProviderRefused(DomainError):
    """The OpenID provider did not let the person in, or what it says does not belong to this sign-in."""

    code = "openid_refused"
    status = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What one sign-in by OpenID sends and expects back; the browser keeps it sealed in a cookie meanwhile."""

    state: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636): proves that who redeems the code is who asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIdentity:
    """Whom an OpenID provider has signed in."""

    issuer: str
    subject: str
    email: str
    """Only what the provider says is verified; else empty."""


class IdentityProvider(Protocol):
    """An OpenID provider, as the installation is configured for it."""

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the browser goes to sign in; ``ProviderDown``."""
        ...

    def redeem(self, request: AuthorizationRequest, *, code: str) -> VerifiedIdentity:
        """Return who signed in, for the code that the browser brought; ``ProviderDown``, ``ProviderRefused``."""
        ...

    def close(self) -> None:
        """Let the connections go."""
        ...
