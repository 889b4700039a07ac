"""Styles and scripts under URLs that name their content, so that browsers keep them for good."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

PREFIX = "/console/static"
_HASH_LENGTH = 12
_TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file as it is sent, plain and compressed."""

    name: str
    digest: str
    content: bytes
    compressed: bytes
    media_type: str

    @property
    def url(self) -> str:
        """Where browsers find it, as long as its content is this."""
        return f"{PREFIX}/{self.digest}/{self.name}"


@lru_cache(maxsize=1)
def static_files() -> Mapping[str, StaticFile]:
    """Return all files by name (``console.css``, ``vendor/….js``), read once."""
    return {name: _read(name, found) for name, found in _walk(files("fabroute.console") / "static", "")}


def static_url(name: str) -> str:
    """Return the URL of a file; ``KeyError`` where there is none of that name."""
    return static_files()[name].url


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda it: it.name):
        name = f"{prefix}{entry.name}"
        found += _walk(entry, f"{name}/") if entry.is_dir() else [(name, entry)]
    return [(name, entry) for name, entry in found if name.rpartition(".")[2] in _TYPES]


def _read(name: str, found: Traversable) -> StaticFile:
    content = found.read_bytes()
    return StaticFile(
        name=name,
        digest=hashlib.sha256(content).hexdigest()[:_HASH_LENGTH],
        content=content,
        compressed=gzip.compress(content, mtime=0),
        media_type=_TYPES[name.rpartition(".")[2]],
    )
