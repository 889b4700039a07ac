"""Signatures of Standard Webhooks 1.0: ``v1`` (HMAC-SHA256) and ``v1a`` (Ed25519)."""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SignatureKind = Literal["v1", "v1a"]
SYMMETRIC, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
_BYTES: Mapping[SignatureKind, int] = {"v1": 24, "v1a": 32}
_PREFIXES: Mapping[SignatureKind, str] = {"v1": SYMMETRIC, "v1a": PRIVATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """One secret: the key's bytes, and which signature it makes."""

    kind: SignatureKind
    key: bytes

    @property
    def text(self) -> str:
        """As people copy it: ``whsec_…`` or ``whsk_…``."""
        return _PREFIXES[self.kind] + base64.b64encode(self.key).decode()

    @property
    def public_key(self) -> str:
        """``whpk_…`` of an Ed25519 pair, with which its signatures are checked; empty for a symmetric secret."""
        if self.kind == "v1":
            return ""
        public = Ed25519PrivateKey.from_private_bytes(self.key).public_key()
        return PUBLIC + base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def secret_of(text: str) -> SigningSecret:
    """Return a secret from its text."""
    kind: SignatureKind = "v1a" if text.startswith(PRIVATE) else "v1"
    return SigningSecret(kind=kind, key=base64.b64decode(text.removeprefix(_PREFIXES[kind])))


def new_secret(kind: SignatureKind) -> SigningSecret:
    """Return a random secret: 24 bytes, or an Ed25519 private key of 32."""
    return SigningSecret(kind=kind, key=os.urandom(_BYTES[kind]))


def signed_headers(secrets: Sequence[SigningSecret], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message, with a signature by each secret that lives."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: SigningSecret, content: bytes) -> str:
    if secret.kind == "v1":
        made = hmac.new(secret.key, content, hashlib.sha256).digest()
    else:
        made = Ed25519PrivateKey.from_private_bytes(secret.key).sign(content)
    return f"{secret.kind},{base64.b64encode(made).decode()}"
