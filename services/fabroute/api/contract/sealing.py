"""Stored answers that hold a secret: encrypted under what the caller authenticates with, which is nowhere stored."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fabroute.kernel.errors import DomainError

_NONCE_BYTES = 12
_PURPOSE = b"fabroute stored answer"


class AnswerSealed(DomainError):
    """The first answer holds a secret, and only the credential that got it first may read it again."""

    code = "idempotency_answer_sealed"
    status = 409


def seal(content: bytes, *, credential: str, name: str) -> bytes:
    """Return ``content`` encrypted (AES-256-GCM) so that only who holds ``credential`` reads it, under ``name``."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key(credential)).encrypt(nonce, content, name.encode())


def unseal(content: bytes, *, credential: str, name: str) -> bytes:
    """Return what was sealed. Raises ``AnswerSealed`` for another credential or another name."""
    try:
        return AESGCM(_key(credential)).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], name.encode())
    except InvalidTag as error:
        raise AnswerSealed(
            "this request was answered already, with a secret that only the key which sent it first may read again: "
            "repeat it with that key, or send it with a new Idempotency-Key"
        ) from error


def _key(credential: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(credential.encode())
