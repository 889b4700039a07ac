"""Shares of few cases: with their counts, and the interval in which the true share lies."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054
"""The 97.5th percentile of the normal distribution: an interval of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many of so many, such as jobs on time."""

    so: int
    counted: int

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None of nothing."""
        return self.so / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies with 95 %: one of one is not everything. None of nothing."""
        return wilson_interval(self.so, self.counted) if self.counted else None


def wilson_interval(so: int, counted: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927); ``counted`` is over 0."""
    share, squared = so / counted, _Z * _Z
    centre = (share + squared / (2 * counted)) / (1 + squared / counted)
    half = _Z / (1 + squared / counted) * sqrt(share * (1 - share) / counted + squared / (4 * counted * counted))
    return (centre - half if so else 0.0), (centre + half if so < counted else 1.0)
