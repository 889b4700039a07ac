"""Sign what is released with Ed25519 (RFC 8032), so that a node can check where a file comes from."""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from fabroute.integrations.key_files import KeyKind, make_key_file, read_key_file
from fabroute.kernel.errors import DomainError


class SigningKeyMissing(DomainError):
    """There is no key file at that path."""

    code = "signing_key_missing"
    status = 503


class SigningKeyExposed(DomainError):
    """Others than its owner may read the key file: whoever did can sign in our name."""

    code = "signing_key_exposed"
    status = 503


class SigningKeyUnusable(DomainError):
    """The file can't be read, or holds no Ed25519 private key in PEM."""

    code = "signing_key_unusable"
    status = 503


_KIND = KeyKind(
    name="signing key",
    missing=SigningKeyMissing,
    exposed=SigningKeyExposed,
    unusable=SigningKeyUnusable,
    to_have="make one with `fabroute keys signing`, or set FABROUTE_SIGNING_KEY_FILE to the key of this installation",
    to_hide="chmod 600, then renew it",
)


class Ed25519Signer:
    """Signs statements with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, statement: bytes) -> str:
        """Return the signature of ``statement`` in base64."""
        return base64.b64encode(self._key.sign(statement)).decode()

    @property
    def public_key(self) -> str:
        """The public key, its 32 bytes in base64."""
        return base64.b64encode(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def open_signer(path: Path, *, create: bool = False) -> Ed25519Signer:
    """Return a signer with the private key in the PEM file at ``path``; with ``create`` a new key if there is none.

    Raises ``SigningKeyMissing``, ``SigningKeyExposed`` and ``SigningKeyUnusable``.
    """
    if create:
        _create(path)
    return Ed25519Signer(_load(path))


def verify(public_key: str, statement: bytes, signature: str) -> bool:
    """Tell whether ``signature`` is of ``statement`` and made with the private half of ``public_key`` (both base64)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), statement)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _create(path: Path) -> None:
    make_key_file(path, _new_pem, kind=_KIND)


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _load(path: Path) -> Ed25519PrivateKey:
    return _parsed(read_key_file(path, kind=_KIND), path)


def _parsed(content: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyUnusable(f"{path} holds no private key in PEM without a password: replace it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnusable(f"the key at {path} is no Ed25519 key: replace it")
    return key
