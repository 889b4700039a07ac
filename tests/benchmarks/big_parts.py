"""Parts of any number of triangles, to see how the validator bears them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.factories.threemf import package

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def torus(*, around: int, across: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return vertices (mm) and triangles of a ring of 100 mm with a wavy skin: ``2 × around × across`` triangles."""
    u, v = np.meshgrid(np.arange(around) * 2 * np.pi / around, np.arange(across) * 2 * np.pi / across, indexing="ij")
    skin = 12.0 + 0.3 * np.sin(40 * u) * np.sin(15 * v)
    ring = 38.0 + skin * np.cos(v)
    vertices = np.stack([ring * np.cos(u), ring * np.sin(u), skin * np.sin(v)], axis=-1).reshape(-1, 3)
    here = np.arange(around * across).reshape(around, across)
    right, up = np.roll(here, -1, axis=0), np.roll(here, -1, axis=1)
    both = np.roll(right, -1, axis=1)
    triangles = np.concatenate([np.stack(it, axis=-1).reshape(-1, 3) for it in ((here, right, both), (here, both, up))])
    return vertices, triangles


def write_stl(path: Path, vertices: npt.NDArray[np.float64], triangles: npt.NDArray[np.int64]) -> None:
    """Write a binary STL file."""
    records = np.zeros(len(triangles), dtype=_RECORD)
    records["corners"] = vertices[triangles]
    with path.open("wb") as file:
        file.write(bytes(80) + np.uint32(len(triangles)).tobytes())
        records.tofile(file)


def write_3mf(path: Path, vertices: npt.NDArray[np.float64], triangles: npt.NDArray[np.int64]) -> None:
    """Write a 3MF file as CAD programs do: one object, coordinates in six digits."""
    points = "".join(f'<vertex x="{x:.6g}" y="{y:.6g}" z="{z:.6g}"/>' for x, y, z in vertices.tolist())
    corners = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in triangles.tolist())
    model = (
        '<?xml version="1.0" encoding="UTF-8"?><model unit="millimeter" xml:lang="en-US" '
        'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources><object id="1" type="model">'
        f"<mesh><vertices>{points}</vertices><triangles>{corners}</triangles></mesh></object></resources>"
        '<build><item objectid="1"/></build></model>'
    )
    path.write_bytes(package(content=model.encode()))
