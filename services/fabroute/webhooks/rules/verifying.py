"""Checks a message as its receiver does: Standard Webhooks 1.0."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fabroute.kernel.errors import DomainError
from fabroute.webhooks.rules.signing import PUBLIC, SYMMETRIC, SigningSecret, secret_of, signed_headers

TOLERANCE_SECONDS = 300
"""How old a message may be, or how far ahead its sender's clock: the specification's five minutes."""


class BadSignature(DomainError):
    """A message that was not signed with this secret, or not lately."""

    code = "bad_webhook_signature"
    status = 400


class UnusableSecret(DomainError):
    """What was given is neither a ``whsec_…`` nor a ``whpk_…``."""

    code = "unusable_webhook_secret"
    status = 422


def verify(key: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """Return the id of a message that was signed with ``key`` (``whsec_…`` or ``whpk_…``) within five minutes.

    ``headers`` by their names in lower case. Raises ``BadSignature`` and ``UnusableSecret``.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = [it.partition(",") for it in headers.get("webhook-signature", "").split()]
    if not (message_id and given and stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        raise BadSignature("it lacks webhook-id, webhook-timestamp or webhook-signature")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("its timestamp is more than five minutes from now: a replay, or a clock that is wrong")
    kind = "v1a" if key.startswith(PUBLIC) else "v1"
    texts = [text for version, _, text in given if version == kind]
    checks = _is_of_pair if kind == "v1a" else _is_of_secret
    if not any(checks(key, message_id, int(stamp), body, text) for text in texts):
        raise BadSignature("no signature fits: the secret is another's, or the body was changed on its way")
    return message_id


def require_usable(key: str) -> None:
    """Raise ``UnusableSecret`` unless messages can be verified with ``key``: to be asked before any has come."""
    if not key.startswith(PUBLIC):
        _secret(key)
        return
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix(PUBLIC), validate=True))
    except ValueError as error:
        raise UnusableSecret("that is no whpk_… of an Ed25519 key") from error


def _is_of_secret(key: str, message_id: str, stamp: int, body: bytes, text: str) -> bool:
    made = signed_headers([_secret(key)], message_id=message_id, timestamp=stamp, body=body)["webhook-signature"]
    return hmac.compare_digest(made.encode(), f"v1,{text}".encode())


def _is_of_pair(key: str, message_id: str, stamp: int, body: bytes, text: str) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix(PUBLIC), validate=True))
        public.verify(base64.b64decode(text, validate=True), f"{message_id}.{stamp}.".encode() + body)
    except (InvalidSignature, binascii.Error):
        return False
    except ValueError as error:
        raise UnusableSecret("that is no whpk_… of an Ed25519 key") from error
    return True


def _secret(key: str) -> SigningSecret:
    if not key.startswith(SYMMETRIC):
        raise UnusableSecret("give the whsec_… that you were shown, or the whpk_… of a key pair")
    try:
        return secret_of(key)
    except ValueError as error:
        raise UnusableSecret("that is no whsec_…: copy it again, whole") from error
