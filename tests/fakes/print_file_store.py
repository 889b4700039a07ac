"""A print file store in memory, which can be damaged and switched off."""

import hashlib
from pathlib import Path
from typing import IO

from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStoreDown


class FakePrintFileStore:
    """Keeps files in a dict by their SHA-256; answers nothing while ``down``."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.down = False

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256."""
        self._require_up()
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[sha256] = content
        return sha256

    def put_file(self, path: Path) -> str:
        """Keep the content of a file and return its SHA-256."""
        return self.put(path.read_bytes())

    def get(self, sha256: str) -> bytes:
        """Return the content, checked; ``PrintFileMissing`` or ``PrintFileDamaged``."""
        self._require_up()
        if sha256 not in self.files:
            raise PrintFileMissing(f"no print file {sha256}")
        if hashlib.sha256(self.files[sha256]).hexdigest() != sha256:
            raise PrintFileDamaged(f"the print file {sha256} has been changed")
        return self.files[sha256]

    def fetch(self, sha256: str, target: IO[bytes]) -> int:
        """Write the content, checked, into ``target`` and return its length."""
        return target.write(self.get(sha256))

    def exists(self, sha256: str) -> bool:
        """Tell whether the file is there."""
        self._require_up()
        return sha256 in self.files

    def damage(self, sha256: str) -> None:
        """Change the last byte of a file."""
        content = self.files[sha256]
        self.files[sha256] = content[:-1] + bytes([content[-1] ^ 1])

    def _require_up(self) -> None:
        if self.down:
            raise PrintFileStoreDown("nobody answers")
