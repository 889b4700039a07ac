"""A thumbnail of a part, lit like a thing on a table."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from fabroute.integrations.validation.previews.raster import Floats, planes_of, visible
from fabroute.integrations.validation.previews.shading import brightness
from fabroute.integrations.validation.previews.views import View, camera, view_of
from fabroute.integrations.validation.solids import Solid, solid_of
from fabroute.integrations.validation.types import Reading

SIZE = 512
_FINER = 2
"""Samples for a pixel in each direction; their mean smooths the edges."""
_MARGIN = 0.07
_TONES = np.array([[24, 33, 48], [72, 92, 117], [142, 162, 184], [238, 242, 246]], dtype=np.float64)
"""From shadow to light: a cool grey that stands out from white and from dark pages."""
_SHADOW = 0.34
_CREVICE = 2.2
"""How much darker it gets where the surroundings are nearer."""


def write_png(reading: Reading, target: Path) -> None:
    """Write a picture of 512 × 512 pixels on a transparent ground to ``target``; the same reading, the same bytes."""
    solid = solid_of(reading.meshes)
    pixels = picture_of(solid) if len(solid.triangles) else np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    Image.fromarray(pixels, "RGBA").save(target, format="PNG", compress_level=4)


def picture_of(solid: Solid) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Return the picture as (512, 512, 4) red, green, blue and opacity."""
    view = view_of(solid, margin=_MARGIN)
    light, depth, cover = _layers(view)
    light = np.clip(light * (1 - _crevices(depth, cover)), 0, 1)
    colour = np.stack([np.interp(light, np.linspace(0, 1, len(_TONES)), tone) for tone in _TONES.T], axis=-1)
    ground = _ground(solid, view) * (1 - cover)
    opacity = cover + ground
    colour *= (cover / np.maximum(opacity, 1e-9))[..., None]
    return np.round(np.dstack([colour, opacity * 255])).astype(np.uint8)


def _layers(view: View) -> tuple[Floats, Floats, Floats]:
    """Return brightness, depth and cover of each pixel, each the mean of its samples that show the part."""
    size = SIZE * _FINER
    corners = view.placed(view.points, size)[view.triangles][:, [0, 2, 1]]
    seen = visible(corners, view.depths()[view.triangles][:, [0, 2, 1]], size)
    bright = brightness(view)[:, [0, 2, 1]]
    planes = planes_of(corners, bright)
    light = planes.at(seen.triangles, seen.columns + 0.5, seen.rows + 0.5)
    light = np.clip(light, bright.min(axis=1)[seen.triangles], bright.max(axis=1)[seen.triangles])
    pixel = seen.rows // _FINER * SIZE + seen.columns // _FINER
    count = np.bincount(pixel, minlength=SIZE * SIZE)
    sums = (np.bincount(pixel, weights=values, minlength=SIZE * SIZE) for values in (light, seen.depths))
    means = [(total / np.maximum(count, 1)).reshape(SIZE, SIZE) for total in sums]
    return means[0], means[1], count.reshape(SIZE, SIZE) / _FINER**2


def _crevices(depth: Floats, cover: Floats) -> Floats:
    """Return how much light is kept off by nearer surroundings (Luft, Colditz and Deussen 2006), from 0 to 0.5."""
    known = (cover > 0).astype(np.float64)
    around = _blurred(depth * known, 9) / np.maximum(_blurred(known, 9), 1e-9)
    return np.clip((around - depth) * _CREVICE, 0, 0.5) * known


def _blurred(values: Floats, radius: int) -> Floats:
    """Return the mean over a square of 2·radius + 1 pixels."""
    for axis in (0, 1):
        padding = [(radius + 1, radius) if it == axis else (0, 0) for it in (0, 1)]
        sums = np.cumsum(np.pad(values, padding, mode="edge"), axis=axis)
        width = 2 * radius + 1
        ends, starts = np.split(sums, [width], axis=axis)[1], np.split(sums, [-width], axis=axis)[0]
        values = (ends - starts) / width
    return values


def _ground(solid: Solid, view: View) -> Floats:
    """Return the opacity of the soft shadow that the part throws on the table under it."""
    small = SIZE // 4
    flat = solid.vertices.copy()
    flat[:, 2] = solid.vertices[:, 2].min()
    corners = view.placed(flat @ camera().T, small)[solid.triangles]
    return np.zeros((SIZE, SIZE))
