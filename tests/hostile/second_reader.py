"""An independent reading of print files: trimesh, which shares no code with ours."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import trimesh


def second_reading(path: Path) -> tuple[int, float]:
    """Return the triangles with three different corners and the volume (mm³) that trimesh finds in a file.

    It gets STL files without padding after the last triangle, with line feeds, and with names in UTF-8: it can't read
    others, or wants more libraries for them.
    """
    content = path.read_bytes()
    if path.suffix == ".stl":
        content = _plain_stl(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scene = trimesh.load_scene(io.BytesIO(content), file_type=path.suffix[1:].lower(), process=False)
        mesh = (scene.convert_units("millimeters") if scene.units else scene).to_mesh()
        corners = np.asarray(mesh.triangles, dtype=np.float64)
        volume = float(mesh.volume)
    lines = (corners == np.roll(corners, 1, axis=1)).all(axis=2).any(axis=1)
    return int(np.count_nonzero(~lines)), volume


def _plain_stl(content: bytes) -> bytes:
    size = 84 + 50 * struct.unpack_from("<I", content.ljust(84, b"\0"), 80)[0]
    if len(content) - 50 < size <= len(content):
        return content[:size]
    return content.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").encode()
