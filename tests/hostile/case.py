"""What a hostile file is: bytes that someone might send, and the only two things that may become of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileCase:
    """A file that must be refused with ``code``, or, without one, be read alike by two libraries."""

    category: str
    name: str
    content: Callable[[], bytes]
    code: str = ""
    """Of an error that the report must hold; empty if the file must be accepted and read alike."""
    ending: str = ".stl"
    padded_to: int = 0
    """Bytes of the file on disk; what ``content`` doesn't fill is a hole that reads as zeros."""

    def __str__(self) -> str:
        return f"{self.category}: {self.name}"

    def write(self, folder: Path) -> Path:
        """Write the file into ``folder`` and return its path."""
        path = folder / f"hostile{self.ending}"
        path.write_bytes(self.content())
        if self.padded_to:
            os.truncate(path, self.padded_to)
        return path
