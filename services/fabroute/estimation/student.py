"""Quantiles of Student's t distribution."""

import math
from functools import lru_cache
from statistics import NormalDist

from fabroute.estimation.facts import InvalidFact

_LEAST, _MOST = 0.001, 0.999
_MANY_DEGREES = 1000


@lru_cache(maxsize=8192)
def student_t_quantile(probability: float, *, degrees: float) -> float:
    """Return the value that a t-distributed figure stays under with this probability (0.001 to 0.999).

    ``degrees`` of freedom are 2 or more. To 1e-12 or better, by Newton's method on the exact distribution; beyond
    1,000 degrees by the expansion about the normal quantile (Abramowitz and Stegun 26.7.5). ``InvalidFact`` if asked
    for anything else.
    """
    if not (_LEAST <= probability <= _MOST and 2 <= degrees < math.inf):
        raise InvalidFact(
            f"no t quantile at {probability} with {degrees} degrees of freedom: ask for a probability from {_LEAST} "
            f"to {_MOST} and for 2 degrees or more"
        )
    if probability < 0.5:
        return -student_t_quantile(1 - probability, degrees=degrees)
    return _near_normal(probability, degrees) if degrees > _MANY_DEGREES else _climbed(probability, degrees)


def _climbed(probability: float, degrees: float) -> float:
    """Return the quantile of a probability of a half or more.

    The distribution is concave above 0, so that Newton's steps from 0 climb to the quantile and pass it
    by no more than rounding, which ends them.
    """
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    value, step = 0.0, math.inf
    while step > 1e-15 * value:
        kernel = (1 + value * value / degrees) ** (-(degrees + 1) / 2)
        step = (probability - 0.5) / (scale * kernel) - value * _above_zero(value, degrees)
        value += step
    return value


def _above_zero(value: float, degrees: float) -> float:
    """Return the probability between 0 and a value, over the value times the density there.

    The incomplete beta function as a series of positive terms, so that nothing cancels:
    ``sum of ((d + 1) / 2)_n / (3 / 2)_n y^n`` with ``y = t^2 / (d + t^2)``.
    """
    y = value * value / (degrees + value * value)
    term = total = 1.0
    n = 0
    while term > 1e-17 * total:
        term *= y * ((degrees + 1) / 2 + n) / (1.5 + n)
        total += term
        n += 1
    return total


def _near_normal(probability: float, degrees: float) -> float:
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))
