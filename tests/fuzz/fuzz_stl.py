"""Whatever the bytes: an STL file is refused with a reason, or read as a slow reader of twenty lines reads it."""

import re
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fabroute.integrations.validation.guard.stl import guard_stl, is_binary_stl
from fabroute.integrations.validation.readers.stl import read_stl
from fabroute.integrations.validation.types import Limits, Reading, Refusal
from fabroute.inventory.ports import Finding
from tests.hostile.stl import CASES, TETRAHEDRON, binary, moved, text

LIMITS = Limits(file_bytes=2**20, triangles=20_000, objects=100)
NO_REASON = Finding(code="", severity="error", message="", advice="")
LONGEST_SEED = 4_096
SEEDS: tuple[bytes, ...] = (
    binary(),
    binary(header=b"solid", attribute=7, normal=(0.0, 0.0, 1.0), tail=b"\n"),
    text().encode(),
    (text(name="a") + text(moved(TETRAHEDRON, (50.0, 0.0, 0.0)), name="b")).encode(),
    text(form=lambda value: f"{value:.6e}").upper().encode(),
    *(content for case in CASES if not case.padded_to and len(content := case.content()) <= LONGEST_SEED),
)

_VERTEX = re.compile(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)
_NAMES = re.compile(rb"^[ \t\v\f]*(?:end)?solid(?=\s|\Z)[^\n]*", re.IGNORECASE | re.MULTILINE)


def fuzz_one(data: bytes) -> None:
    """Raise if guard and reader do anything else with ``data`` than refuse it with a reason or read it rightly."""
    with tempfile.NamedTemporaryFile(suffix=".stl") as file:
        file.write(data)
        file.flush()
        findings = _findings(Path(file.name), data)
    assert all(finding.code and finding.message and finding.advice for finding in findings)


def _findings(path: Path, data: bytes) -> Sequence[Finding]:
    """Return the reasons of the refusal; none if the file was read."""
    try:
        _read(path, data)
    except Refusal as refusal:
        return refusal.findings or [NO_REASON]
    return ()


def _read(path: Path, data: bytes) -> None:
    facts = guard_stl(path, LIMITS)
    assert 0 < facts.triangles <= LIMITS.triangles
    reading = read_stl(path, facts)
    slowly = _binary_corners(data) if is_binary_stl(path) else _text_corners(data)
    assert len(slowly) == 9 * facts.triangles
    if {finding.code for finding in reading.findings} & {"STL_STITCHED", "STL_COLLAPSED_TRIANGLES"}:
        return
    assert np.array_equal(_corners(reading), np.array(slowly))


def _corners(reading: Reading) -> "np.typing.NDArray[np.float64]":
    return np.concatenate([mesh.vertices[mesh.triangles].ravel() for mesh in reading.meshes])


def _binary_corners(data: bytes) -> list[float]:
    (count,) = struct.unpack_from("<I", data, 80)
    records = struct.iter_unpack("<12fH", data[84 : 84 + 50 * count])
    return [number for record in records for number in record[3:12]]


def _text_corners(data: bytes) -> list[float]:
    plain = _NAMES.sub(b"", data.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n"))
    return [float(number) for corner in _VERTEX.findall(plain) for number in corner]
