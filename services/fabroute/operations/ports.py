"""What a backup asks of the object storage."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol


class ObjectStore(Protocol):
    """Files by their SHA-256."""

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield each file's SHA-256 and bytes, as the storage lists them."""
        ...

    def fetch(self, sha256: str, target: IO[bytes]) -> int:
        """Write the content into ``target``; ``PrintFileMissing``, ``PrintFileDamaged``."""
        ...

    def put_file(self, path: Path) -> str:
        """Keep the content of a file and return its SHA-256."""
        ...
