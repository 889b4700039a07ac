"""A thumbnail of a part, lit like a thing on a table."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fabroute.integrations.validation.previews.raster import Floats, Seen, Singles, planes_of, visible
from fabroute.integrations.validation.previews.shading import brightness
from fabroute.integrations.validation.previews.views import View, view_of
from fabroute.integrations.validation.solids import Solid, solid_of
from fabroute.integrations.validation.types import Reading

Image.preinit()
"""Once in the process that others are forked from, not in each of them."""

SIZE = 512
_FINER = 2
"""Samples for a pixel in each direction; their mean smooths the edges."""
_MARGIN = 0.07
_TONES = ((0.0, (22, 30, 44)), (0.35, (86, 108, 133)), (0.7, (164, 183, 203)), (1.0, (247, 249, 251)))
"""From shadow to light: a cool grey that stands out from white and from dark pages."""
_CREVICE = np.float32(3.0)
"""How much darker it gets where the surroundings are nearer."""
_AROUND = 2
"""Squares of four by four pixels that count as surroundings, in each direction."""


def write_png(reading: Reading, target: Path) -> None:
    """Write a picture of 512 × 512 pixels on a transparent ground to ``target``; the same reading, the same bytes."""
    solid = solid_of(reading.meshes)
    pixels = picture_of(solid) if len(solid.triangles) else np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(target, format="PNG", compress_level=3)


def picture_of(solid: Solid) -> npt.NDArray[np.uint8]:
    """Return the picture as (512, 512, 4): red, green, blue and opacity."""
    view = view_of(solid, margin=_MARGIN)
    light, depth, cover = _layers(view)
    shown = np.flatnonzero(cover)
    tones = light.reshape(-1)[shown] * (1 - _crevices(depth, cover).reshape(-1)[shown])
    pixels = np.zeros((SIZE * SIZE, 4), dtype=np.uint8)
    pixels[shown] = _palette()[(tones * 255).astype(np.uint8)]
    pixels[shown, 3] = np.round(cover.reshape(-1)[shown] * 255)
    return pixels.reshape(SIZE, SIZE, 4)


def _layers(view: View) -> tuple[Singles, ...]:
    """Return brightness, depth and cover of each pixel, each the mean of its samples that show the part."""
    size = SIZE * _FINER
    corners = view.placed(view.points, size)[view.triangles][:, [0, 2, 1]]
    seen = visible(corners, view.depths()[view.triangles][:, [0, 2, 1]], size)
    light = _light(corners, brightness(view)[:, [0, 2, 1]], seen, size)
    count = _pooled(seen, np.ones(len(seen.samples), dtype=np.float32), size)
    pooled = (_pooled(seen, light, size), _pooled(seen, seen.depths, size))
    return (*(layer / np.maximum(count, np.float32(1)) for layer in pooled), count / np.float32(_FINER**2))


def _light(corners: Floats, bright: Floats, seen: Seen, size: int) -> Singles:
    """Return how bright each sample is, between its triangle's corners."""
    planes = planes_of(corners, bright)
    rows, columns = np.divmod(seen.samples.astype(np.float32) + np.float32(0.5), np.float32(size))
    light = planes.at(seen.triangles, columns, rows + np.float32(0.5))
    return np.clip(light, 0, 1, out=light)


def _pooled(seen: Seen, values: Singles, size: int) -> Singles:
    """Return for each pixel the sum of its samples."""
    fine = np.zeros(size * size, dtype=np.float32)
    fine[seen.samples] = values
    pairs = fine.reshape(size, size)
    pairs = pairs[0::2] + pairs[1::2]
    pooled: Singles = pairs[:, 0::2] + pairs[:, 1::2]
    return pooled


def _palette() -> npt.NDArray[np.uint8]:
    levels = np.linspace(0, 1, 256)
    stops = [level for level, _ in _TONES]
    channels = [np.interp(levels, stops, [tone[channel] for _, tone in _TONES]) for channel in range(3)]
    return np.round(np.stack([*channels, np.full(256, 255.0)], axis=1)).astype(np.uint8)


def _crevices(depth: Singles, cover: Singles) -> Singles:
    """Return how much light is kept off by nearer surroundings (Luft, Colditz and Deussen 2006), from 0 to 0.5."""
    known = (cover > 0).astype(np.float32)
    small, weight = _halved(_halved(depth * known)), _halved(_halved(known))
    around = _blurred(small, _AROUND) / np.maximum(_blurred(weight, _AROUND), np.float32(1e-6))
    wide = np.asarray(Image.fromarray(around).resize((SIZE, SIZE), Image.Resampling.BILINEAR), dtype=np.float32)
    darker: Singles = np.clip((wide - depth) * _CREVICE, 0, 0.5).astype(np.float32) * known
    return darker


def _halved(values: Singles) -> Singles:
    pairs: Singles = values[0::2] + values[1::2]
    halved: Singles = (pairs[:, 0::2] + pairs[:, 1::2]) * np.float32(0.25)
    return halved


def _blurred(values: Singles, radius: int) -> Singles:
    """Return the mean over a square of 2·radius + 1 values."""
    return _blurred_down(_blurred_down(values, radius).T, radius).T


def _blurred_down(values: Singles, radius: int) -> Singles:
    width = 2 * radius + 1
    sums = np.cumsum(np.pad(values, [(radius + 1, radius), (0, 0)], mode="edge"), axis=0)
    means: Singles = (sums[width:] - sums[:-width]) / np.float32(width)
    return means
