"""A part as binary glTF 2.0, for a viewer in the browser."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fabroute.integrations.validation.solids import Corners, Points, Solid, solid_of, without_collapsed
from fabroute.integrations.validation.types import Reading

MOST_TRIANGLES = 200_000
"""Shown of a part; about 4 MB. Finer parts are simplified."""

_MAGIC, _VERSION = 0x46546C67, 2
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_FLOAT, _SHORT, _INT = 5126, 5123, 5125
_VERTICES, _INDICES = 34962, 34963
_MATERIAL = {
    "name": "print",
    "pbrMetallicRoughness": {"baseColorFactor": [0.42, 0.49, 0.57, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.6},
}


def write_glb(reading: Reading, target: Path) -> None:
    """Write the part to ``target`` as one mesh in metres, y upwards, its box centred on the origin.

    It has no normals, so that viewers shade each triangle flat, as the standard asks. Parts of more than 200,000
    triangles are simplified. The same reading gives the same bytes; an empty one gives a scene with nothing in it.
    """
    vertices, triangles = _simplified(solid_of(reading.meshes))
    if not len(triangles):
        target.write_bytes(_container(_document(), b""))
        return
    used, corners = np.unique(triangles, return_inverse=True)
    x, y, z = vertices[used].T / 1000
    positions = np.stack([x, z, -y], axis=1).astype("<f4") + np.float32(0)
    narrow = len(used) < 2**16 - 1
    indices = corners.reshape(-1).astype("<u2" if narrow else "<u4")
    binary = positions.tobytes() + indices.tobytes()
    target.write_bytes(_container(_document() | _contents(positions, len(indices), narrow, len(binary)), binary))


def _document() -> dict[str, Any]:
    return {"asset": {"version": "2.0", "generator": "fabroute"}, "scene": 0, "scenes": [{}]}


def _contents(positions: npt.NDArray[np.float32], indices: int, narrow: bool, length: int) -> dict[str, Any]:
    """Return what describes one mesh whose positions and then indices fill the buffer."""
    first = positions.nbytes
    return {
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [_MATERIAL],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": len(positions),
                "type": "VEC3",
                "min": positions.min(axis=0).tolist(),
                "max": positions.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": _SHORT if narrow else _INT, "count": indices, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": first, "target": _VERTICES},
            {"buffer": 0, "byteOffset": first, "byteLength": length - first, "target": _INDICES},
        ],
        "buffers": [{"byteLength": length}],
    }


def _container(document: dict[str, Any], binary: bytes) -> bytes:
    chunks = _chunk(_JSON, json.dumps(document, separators=(",", ":")).encode(), b" ")
    if binary:
        chunks += _chunk(_BINARY, binary, b"\0")
    return struct.pack("<III", _MAGIC, _VERSION, 12 + len(chunks)) + chunks


def _chunk(kind: int, content: bytes, filler: bytes) -> bytes:
    padded = content + filler * (-len(content) % 4)
    return struct.pack("<II", len(padded), kind) + padded


def _simplified(solid: Solid) -> tuple[Points, Corners]:
    """Return at most 200,000 triangles: vertices in one small cube become one, the cube as small as can be."""
    vertices, triangles = solid.vertices, solid.triangles
    cell = _first_cell(solid)
    while len(triangles) > MOST_TRIANGLES:
        vertices, triangles = _clustered(solid, cell)
        cell *= 1.2
    return vertices, triangles


def _first_cell(solid: Solid) -> float:
    """Return the side of a cube so that about two triangles for each cube on the box's surface are too many."""
    x, y, z = solid.box_mm
    return math.sqrt((x * y + y * z + z * x) / MOST_TRIANGLES) + 1e-9 * (x + y + z)


def _clustered(solid: Solid, cell: float) -> tuple[Points, Corners]:
    """Return the solid with the vertices of each cube of side ``cell`` replaced by their mean (Rossignac 1993)."""
    cubes = np.floor((solid.vertices + np.array(solid.box_mm) / 2) / cell).astype(np.int64)
    _, clusters = np.unique((cubes[:, 0] << 42) + (cubes[:, 1] << 21) + cubes[:, 2], return_inverse=True)
    counts = np.bincount(clusters)
    means = np.stack([np.bincount(clusters, weights=axis) / counts for axis in solid.vertices.T], axis=1)
    return means, without_collapsed(clusters[solid.triangles])
