"""Whatever the bytes: a 3MF file is refused with a reason, or two readers agree about it.

Bytes that begin like a zip archive are taken as a file; others as the model in a sound package, for few changed bytes
of an archive get past its checksums.
"""

import tempfile
from pathlib import Path

from fabroute.integrations.validation.guard import guard_3mf
from fabroute.integrations.validation.readers.threemf import read_3mf
from fabroute.integrations.validation.types import Limits, Refusal
from tests.factories.threemf import archive, assembly, items, model, package, solid

LIMITS = Limits(file_bytes=2**20, unpacked_bytes=2**22, vertices=10_000, triangles=10_000, objects=100, instances=100)
SEEDS: tuple[bytes, ...] = (
    package(),
    archive(*items(), large={}),
    archive(*items(parts={"3D/extra.bin": b"extra"}), comment=b"comment"),
    model().encode(),
    model(
        metadata='<metadata name="Title">a</metadata>',
        resources='<basematerials id="9"><base name="a" displaycolor="#FFFFFF"/></basematerials>',
        objects=solid(attributes=' pid="9" pindex="0"') + assembly(2, 1, 1) + solid(3, attributes=' type="support"'),
        build='<item objectid="2" transform="0 1 0 -1 0 0 0 0 1 5 6 7"/><item objectid="3"/>',
    ).encode(),
)


def fuzz_one(data: bytes) -> None:
    """Raise if guard and reader do anything else with ``data`` than refuse it with a reason or agree about it."""
    content = data if data.startswith(b"PK") else package(content=data or b" ")
    with tempfile.NamedTemporaryFile(suffix=".3mf") as file:
        file.write(content)
        file.flush()
        try:
            _read(Path(file.name))
        except Refusal as refusal:
            _expect_reasons(refusal)


def _expect_reasons(refusal: Refusal) -> None:
    assert refusal.findings, "refused without a reason"
    assert all(it.code and it.message and it.advice for it in refusal.findings), "a reason without words"


def _read(path: Path) -> None:
    facts = guard_3mf(path, LIMITS)
    reading = read_3mf(path, facts)
    assert 0 < sum(len(mesh.triangles) for mesh in reading.meshes) <= facts.built_triangles <= LIMITS.triangles
    for mesh in reading.meshes:
        assert 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.vertices)
