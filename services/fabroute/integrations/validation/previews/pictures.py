"""A thumbnail of a part, lit like a thing on a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from fabroute.integrations.validation.previews.raster import Indices, Planes, Singles, planes_of, visible
from fabroute.integrations.validation.previews.shading import brightness
from fabroute.integrations.validation.previews.views import View, view_of
from fabroute.integrations.validation.solids import Solid, solid_of
from fabroute.integrations.validation.types import Reading

Image.preinit()
"""Once in the process that others are forked from, not in each of them."""

Place = tuple[float, float]
_Kind = TypeVar("_Kind", np.float32, np.int32)

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
    light, cover, depth = _layers(view)
    shown = np.flatnonzero(cover)
    tones = light.reshape(-1)[shown] * (1 - _crevices(depth, cover).reshape(-1)[shown])
    pixels = np.zeros((SIZE * SIZE, 4), dtype=np.uint8)
    pixels[shown] = _palette()[(tones * 255).astype(np.uint8)]
    pixels[shown, 3] = np.round(cover.reshape(-1)[shown] * 255)
    return pixels.reshape(SIZE, SIZE, 4)


def _layers(view: View) -> tuple[Singles, Singles, Singles]:
    """Return brightness, cover and depth of each pixel."""
    size = SIZE * _FINER
    corners = view.placed(view.points, size)[view.triangles][:, [0, 2, 1]]
    seen = visible(corners, view.depths()[view.triangles][:, [0, 2, 1]], size)
    planes = planes_of(corners, brightness(view)[:, [0, 2, 1]])
    depth = np.maximum.reduce(_quarters(seen.depths))
    return *_light(planes, _quarters(seen.triangles)), np.maximum(depth, 0)


def _quarters(samples: npt.NDArray[_Kind]) -> list[npt.NDArray[_Kind]]:
    """Return the four samples of each pixel: upper left and right, lower left and right."""
    return [samples[row::_FINER, column::_FINER] for row in range(_FINER) for column in range(_FINER)]


def _light(planes: Planes, quarters: Sequence[npt.NDArray[np.int32]]) -> tuple[Singles, Singles]:
    """Return brightness and cover of each pixel: the mean of its samples that show the part.

    Where all four show one triangle, its brightness in the middle of the pixel is their mean.
    """
    first = quarters[0]
    whole = np.logical_and.reduce([quarter == first for quarter in quarters[1:]])
    light, cover = np.zeros((2, SIZE, SIZE), dtype=np.float32)
    rows, columns = np.nonzero(whole & (first >= 0))
    light[rows, columns] = _at(planes, first[rows, columns], columns, rows, at=(0.5, 0.5))
    cover[rows, columns] = 1
    rows, columns = np.nonzero(~whole)
    sums, counts = np.zeros((2, len(rows)), dtype=np.float32)
    for number, quarter in enumerate(quarters):
        triangles = quarter[rows, columns]
        down, right = (0.25 + 0.5 * step for step in divmod(number, _FINER))
        shown = triangles >= 0
        sums += np.where(shown, _at(planes, triangles, columns, rows, at=(right, down)), 0)
        counts += shown
    light[rows, columns], cover[rows, columns] = sums / np.maximum(counts, 1), counts / _FINER**2
    return light, cover


def _at(planes: Planes, triangles: npt.NDArray[np.int32], columns: Indices, rows: Indices, *, at: Place) -> Singles:
    """Return the brightness of triangles in pixels, at a place from each one's upper left."""
    right, down = at
    across = (columns.astype(np.float32) + np.float32(right)) * np.float32(_FINER)
    below = (rows.astype(np.float32) + np.float32(down)) * np.float32(_FINER)
    return np.clip(planes.at(triangles, across, below), 0, 1)


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
