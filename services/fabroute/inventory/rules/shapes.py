"""When two measured parts are the same, or alike: by lengths that moving and turning don't change."""

from collections.abc import Sequence

SAME_WITHIN = 1e-4
"""Lengths that agree to 1 in 10,000 are the same geometry, whatever it was written with."""
SIMILAR_WITHIN = 5e-3
"""Assumption: parts whose lengths agree to half a percent are worth comparing."""
_LENGTHS = 5
"""∛volume, √area and three radii of gyration; the number after them tells a part from its mirror image."""


def shape_deviation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return by how much two shapes differ, relative to the larger, in the length that differs most.

    ``None`` if they can't be compared: one was never measured, or they are mirror images of each other.
    """
    if len(one) <= _LENGTHS or len(other) <= _LENGTHS or one[_LENGTHS] * other[_LENGTHS] < 0:
        return None
    pairs = zip(one[:_LENGTHS], other[:_LENGTHS], strict=True)
    return max(abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0 for a, b in pairs)
