"""The installation's secret key: seals what the database must not know, and marks what browsers must not forge."""

import base64
import binascii
import hashlib
import hmac
import os
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fabroute.identity.ports import SealBroken
from fabroute.integrations.key_files import KeyKind, make_key_file, read_key_file
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings

_KEY_BYTES = 32
_NONCE_BYTES = 12


class SecretKeyMissing(DomainError):
    """There is no secret key at that path."""

    code = "secret_key_missing"
    status = 503


class SecretKeyUnusable(DomainError):
    """The file can't be read or written, holds no key, or others than its owner may read it."""

    code = "secret_key_unusable"
    status = 503


_KIND = KeyKind(
    name="secret key",
    missing=SecretKeyMissing,
    exposed=SecretKeyUnusable,
    unusable=SecretKeyUnusable,
    to_have="make one with `fabroute people secret-key`, or set FABROUTE_SECRET_KEY_FILE to the key of this "
    "installation",
    to_hide="chmod 600",
)


class KeyFileSealer:
    """A ``Sealer`` with 32 bytes in a file, which is read, or made where that is allowed, at its first use.

    Each purpose has a key of its own (HKDF-SHA-256): texts are sealed by AES-256-GCM, tags are HMAC-SHA-256. It raises
    ``SecretKeyMissing`` and ``SecretKeyUnusable``.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path
        self._create = create

    @cached_property
    def _key(self) -> bytes:
        if self._create:
            make_secret_key(self._path)
        return _load(self._path)

    def seal(self, text: str, *, purpose: str) -> str:
        """Return ``text`` as only this installation can read it, and only for ``purpose``."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._derived("seal", purpose)).encrypt(nonce, text.encode(), purpose.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, sealed: str, *, purpose: str) -> str:
        """Return what was sealed for ``purpose``; ``SealBroken`` for anything else."""
        key = self._derived("seal", purpose)
        try:
            content = base64.b64decode(sealed, altchars=b"-_", validate=True)
            return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(
                f"what is sealed can't be opened with the key at {self._path}: bring back the key of this installation"
            ) from error

    def tag(self, text: str, *, purpose: str) -> str:
        """Return the HMAC of ``text``, in hexadecimal digits."""
        return hmac.new(
            self._derived("tag", purpose), text.encode("utf-8", "surrogateescape"), hashlib.sha256
        ).hexdigest()

    def _derived(self, use: str, purpose: str) -> bytes:
        info = f"fabroute {use}: {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._key)


def configured_sealer(settings: Settings) -> KeyFileSealer:
    """Return the sealer of an installation; outside production its key is made when it is first needed."""
    return KeyFileSealer(settings.secret_key_file, create=settings.profile != "production")


def make_secret_key(path: Path) -> None:
    """Make a key at ``path`` if there is none; of two that try, both use one. ``SecretKeyUnusable``."""
    make_key_file(path, _new_key, kind=_KIND)


def require_secret_key(path: Path) -> None:
    """Raise ``SecretKeyMissing`` or ``SecretKeyUnusable`` where there is no good key at ``path``."""
    _load(path)


def _new_key() -> bytes:
    return base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n"


def _load(path: Path) -> bytes:
    return _parsed(read_key_file(path, kind=_KIND), path)


def _parsed(content: bytes, path: Path) -> bytes:
    try:
        key = base64.b64decode(content.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise SecretKeyUnusable(f"{path} holds no secret key (32 bytes in base 64): bring back the one it held")
    return key
