"""Guards look a print file over with nothing but the standard library, before a library of C++ sees a byte of it."""

from pathlib import Path

from fabroute.integrations.validation.guard.model import read_models
from fabroute.integrations.validation.guard.package import open_package
from fabroute.integrations.validation.types import GuardFacts, Limits
from fabroute.inventory.ports import PrintFileFormat

_HEAD_BYTES = 512
_STL_HEADER_BYTES, _STL_TRIANGLE_BYTES = 84, 50
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def detect(path: Path) -> PrintFileFormat:
    """Return what a file is by its content: a zip archive is a 3MF file; STL is told by its size or its first word."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "3mf"
    count = int.from_bytes(head[_STL_HEADER_BYTES - 4 : _STL_HEADER_BYTES], "little")
    if size >= _STL_HEADER_BYTES and size == _STL_HEADER_BYTES + _STL_TRIANGLE_BYTES * count:
        return "stl"
    return "stl" if head.removeprefix(_BYTE_ORDER_MARK).lstrip().lower().startswith(b"solid") else "unknown"


def guard_3mf(path: Path, limits: Limits) -> GuardFacts:
    """Return what is in a 3MF file, counted without keeping it; ``Refusal`` says why it must not be read.

    Sizes are judged as declared before anything is unpacked, and held to that while unpacking. Memory is bounded by a
    block of the file, time by the limits.
    """
    with open_package(path, limits) as package:
        return read_models(package, limits)
