"""A signer whose signatures are plain to see."""

import base64
import hashlib


class FakeSigner:
    """Signs with the SHA-256 of the statement; keeps what it signed."""

    def __init__(self, *, public_key: str = "ZmFrZQ==") -> None:
        self.statements: list[bytes] = []
        self._public_key = public_key

    def sign(self, statement: bytes) -> str:
        """Return the SHA-256 of ``statement`` in base64."""
        self.statements.append(statement)
        return base64.b64encode(hashlib.sha256(statement).digest()).decode()

    @property
    def public_key(self) -> str:
        """The word "fake"."""
        return self._public_key
