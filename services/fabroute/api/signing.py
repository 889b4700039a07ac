"""The installation's signing key, opened by whoever signs first."""

from functools import cached_property
from pathlib import Path

from fabroute.integrations.validation.signing import Ed25519Signer, open_signer


class InstallationSigner:
    """A ``PrintFileSigner`` with the key in a file, which is read (or made, where that is allowed) at its first use.

    Then, not before, it raises ``SigningKeyMissing``, ``SigningKeyExposed`` or ``SigningKeyUnusable``.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path
        self._create = create

    @cached_property
    def _signer(self) -> Ed25519Signer:
        return open_signer(self._path, create=self._create)

    def sign(self, statement: bytes) -> str:
        """Return the Ed25519 signature of ``statement`` in base64."""
        return self._signer.sign(statement)

    @property
    def public_key(self) -> str:
        """The Ed25519 public key in base64."""
        return self._signer.public_key
