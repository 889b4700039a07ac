"""What a guard says of bytes, for tests."""

from pathlib import Path

import pytest

from fabroute.integrations.validation.guard import guard_3mf
from fabroute.integrations.validation.types import GuardFacts, Limits, Refusal
from fabroute.inventory.ports import Finding

SMALL = Limits(vertices=100, triangles=100, objects=5, instances=10, package_parts=8, component_depth=3)


def facts_of(content: bytes, folder: Path, *, limits: Limits | None = None) -> GuardFacts:
    """Return what the guard counts in a 3MF file."""
    path = folder / "part.3mf"
    path.write_bytes(content)
    return guard_3mf(path, limits or Limits())


def finding_of(content: bytes, folder: Path, *, limits: Limits | None = None) -> Finding:
    """Return why the guard refuses a 3MF file."""
    with pytest.raises(Refusal) as caught:
        facts_of(content, folder, limits=limits)
    (finding,) = caught.value.findings
    return finding
