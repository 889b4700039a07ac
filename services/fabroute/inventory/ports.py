"""What the inventory asks of the rooms above it: a place for print files and a judge of them."""

from dataclasses import dataclass
from typing import Protocol

from fabroute.kernel.errors import DomainError


class PrintFileRefused(DomainError):
    """The content is no print file that a machine could be trusted with; the message says why."""

    code = "print_file_refused"
    status = 422


class PrintFileMissing(DomainError):
    """The store holds no file of that SHA-256."""

    code = "print_file_missing"
    status = 404


class PrintFileDamaged(DomainError):
    """What the store gave back is not what was put into it."""

    code = "print_file_damaged"
    status = 500


class PrintFileStoreDown(DomainError):
    """The store does not answer."""

    code = "print_file_store_down"
    status = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFileFacts:
    """What was measured in a print file that passed every check."""

    sha256: str
    """Hexadecimal, in lower case; the file's address in the store and its ETag."""
    size_bytes: int
    box_mm: tuple[float, float, float]
    volume_cm3: float
    triangles: int
    bodies: int
    """Closed surfaces that share no vertex; a cavity inside a solid counts as one of them."""
    manifold: bool
    """Every edge joins exactly two triangles that agree on the outside. Always so: other files are refused."""
    warnings: tuple[str, ...] = ()
    """What a person may want to know although the file is printable."""


class PrintFileCheck(Protocol):
    """Reads a print file as strictly as it can."""

    def __call__(self, content: bytes) -> PrintFileFacts:
        """Return the facts of a good file; ``PrintFileRefused`` says what is wrong with any other."""
        ...


class PrintFileStore(Protocol):
    """Keeps print files under the SHA-256 of their content: the same content is one file, and it never changes."""

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256 in hexadecimal. ``PrintFileStoreDown`` if the store can't."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the content with that SHA-256, recomputed on the way out.

        Raises ``PrintFileMissing``, ``PrintFileDamaged`` when the content differs, ``PrintFileStoreDown``.
        """
        ...

    def exists(self, sha256: str) -> bool:
        """Tell whether the store holds that file, without reading it. ``PrintFileStoreDown`` if it can't tell."""
        ...
