"""What a machine's own builds and prints teach about its estimates: times with a median and a P90, and a yield.

Times: ``ln(real / estimated machine time)`` of a build on a machine with a parameter set is taken as normal, its mean
and spread unknown, with the conjugate prior (normal-inverse-gamma). What the next build takes then follows a
Student t. Yield: the share of good prints has a beta prior around what the node states.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from fabroute.estimation.facts import InvalidFact, require_positive
from fabroute.estimation.student import student_t_quantile

QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Where a spread of times is read: the middles of five equal parts, so that each stands for a fifth of the cases."""
PRIOR_BUILDS = 4
"""What the prior is worth, in builds (assumption): after four builds they and the data sheet weigh the same.

One odd build then moves the median by a fifth of what it was off, sixteen decide it by four fifths. Fewer would make
dates jump after a single failed estimate; many more would hold on to a data sheet that a month of builds disproves.
"""
P90_BEFORE_EVIDENCE = 1.25
"""P90 over P50 of a build's time before there is any evidence (assumption): one build in ten takes over a quarter more.

Slicers and data sheets are commonly 10 to 20 % off, and a machine of which nothing is known is no better than that.
"""
PRIOR_PRINTS = 20
"""What a node's own first-pass yield is worth, in prints (assumption): twenty of its prints weigh as much."""
LARGEST_RATIO = 10.0
"""A real time beyond this multiple of its estimate, or under one over it, is a mistake: refused, not learnt from.

Data sheets are off by tens of per cent, at times by twice; beyond ten, minutes were hours, or the build was another.
"""
MOST_LEARNT_RATIO = 3.0
"""One build moves estimates as if it had taken no more than so many times its estimate, or one over it (assumption).

Sums of log ratios follow an outlier as far as it goes: one mistake of ten times among ten honest builds would move
the median by ``10 ** (1/14)``, 18 %, and widen P90 for weeks. Cut off at three (winsorised at ln 3 on either side of
the estimate) it moves it by 8 %. Honest builds lie within three of their estimate and are not touched, so what they
teach converges to the truth as before; and the cut is a function of one build alone, so that evidence stays a sum
that can be added up again in any order, which a cut around a running median could not. A machine that truly takes
over three times its data sheet is known as three times as slow: its data sheet has to be corrected.
"""
MOST_COUNTED = 1_000_000_000
"""More builds or prints than any machine makes."""

_NOISE = 1e-9
_PRIOR_DEGREES = PRIOR_BUILDS
_PRIOR_SCALE = math.log(P90_BEFORE_EVIDENCE) / student_t_quantile(0.9, degrees=_PRIOR_DEGREES)
_PRIOR_BETA = _PRIOR_SCALE**2 * (_PRIOR_DEGREES / 2) * PRIOR_BUILDS / (PRIOR_BUILDS + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What builds and prints on one machine with one parameter set have taught so far, as sums.

    ``InvalidFact`` where no builds and prints can have given these sums.
    """

    builds: int
    log_ratio_sum: float
    """Over builds: the sum of ln(real / estimated machine time), each cut off at ``MOST_LEARNT_RATIO``."""
    log_ratio_sum_squares: float
    good_prints: int
    failed_prints: int

    def __post_init__(self) -> None:
        for name in ("builds", "good_prints", "failed_prints"):
            if not 0 <= getattr(self, name) <= MOST_COUNTED:
                raise InvalidFact(f"{name} must be a count from 0 to {MOST_COUNTED:,}, not {getattr(self, name)}")
        _check_sums(self.builds, self.log_ratio_sum, self.log_ratio_sum_squares)

    @property
    def prints(self) -> int:
        """Return how many prints were judged."""
        return self.good_prints + self.failed_prints

    def with_build(self, *, real_minutes: float, estimated_minutes: float) -> "Evidence":
        """Return the evidence after one more build; the estimate is the one without any evidence."""
        ratio = learnt_log_ratio(real_minutes=real_minutes, estimated_minutes=estimated_minutes)
        return replace(
            self,
            builds=self.builds + 1,
            log_ratio_sum=self.log_ratio_sum + ratio,
            log_ratio_sum_squares=self.log_ratio_sum_squares + ratio * ratio,
        )

    def with_prints(self, *, good: int, failed: int) -> "Evidence":
        """Return the evidence after more prints were judged."""
        return replace(self, good_prints=self.good_prints + good, failed_prints=self.failed_prints + failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpread:
    """How long builds take against their estimate without evidence, as factors."""

    p50_factor: float
    p90_factor: float
    quantile_factors: tuple[float, ...]
    """At each of ``QUANTILES``, rising."""


def log_ratio(*, real_minutes: float, estimated_minutes: float) -> float:
    """Return ln(real / estimated) of a build; ``InvalidFact`` if the two can't be of the same build."""
    require_positive("real_minutes", real_minutes)
    require_positive("estimated_minutes", estimated_minutes)
    ratio = math.log(real_minutes) - math.log(estimated_minutes)
    if abs(ratio) > math.log(LARGEST_RATIO):
        raise InvalidFact(
            f"{real_minutes:g} real minutes are not of a build that was estimated at {estimated_minutes:g}: check the "
            f"units, a ratio over {LARGEST_RATIO:g} is not learnt from"
        )
    return ratio


def learnt_log_ratio(*, real_minutes: float, estimated_minutes: float) -> float:
    """Return what one build teaches: its log ratio, cut off at ``MOST_LEARNT_RATIO``. ``InvalidFact`` as above."""
    most = math.log(MOST_LEARNT_RATIO)
    return max(-most, min(most, log_ratio(real_minutes=real_minutes, estimated_minutes=estimated_minutes)))


@lru_cache(maxsize=8192)
def time_spread(evidence: Evidence) -> TimeSpread:
    """Return the factors on estimated build times after this evidence: median, P90 and the five quantiles.

    Before any evidence the median is the estimate itself, and P90 is ``P90_BEFORE_EVIDENCE`` times it. The prior is
    worth ``PRIOR_BUILDS`` builds in the mean and in the spread; the order of builds does not matter. Conjugate update
    and predictive t as in Murphy (2007), "Conjugate Bayesian analysis of the Gaussian distribution", section 6.
    """
    n = evidence.builds
    mean = evidence.log_ratio_sum / (PRIOR_BUILDS + n)
    degrees = _PRIOR_DEGREES + n
    beta = _PRIOR_BETA + (_scatter(evidence) + _surprise(evidence)) / 2
    scale = math.sqrt(beta / (degrees / 2) * (PRIOR_BUILDS + n + 1) / (PRIOR_BUILDS + n))
    factors = tuple(math.exp(mean + scale * student_t_quantile(each, degrees=degrees)) for each in QUANTILES)
    p90 = factors[-1] if n else P90_BEFORE_EVIDENCE
    return TimeSpread(p50_factor=factors[2], p90_factor=p90, quantile_factors=(*factors[:-1], p90))


def calibrated_yield(stated: float, evidence: Evidence) -> float:
    """Return the share of good prints to expect: what the node states, moved by the prints that were judged.

    A beta prior worth ``PRIOR_PRINTS`` prints at the stated yield; without prints it is the stated one. ``InvalidFact``
    if that is no share above 0.
    """
    if not 0 < stated <= 1:
        raise InvalidFact(f"first_pass_yield must be a share above 0 and up to 1, not {stated}")
    if not evidence.prints:
        return stated
    return (PRIOR_PRINTS * stated + evidence.good_prints) / (PRIOR_PRINTS + evidence.prints)


def _scatter(evidence: Evidence) -> float:
    """Return the sum of squares about the mean of the builds; rounding may have left it a hair under 0."""
    if not evidence.builds:
        return 0.0
    return max(0.0, evidence.log_ratio_sum_squares - evidence.log_ratio_sum**2 / evidence.builds)


def _surprise(evidence: Evidence) -> float:
    """Return how far the builds' mean is from the prior's, 0: ``k n / (k + n) x mean^2``."""
    if not evidence.builds:
        return 0.0
    return PRIOR_BUILDS * evidence.log_ratio_sum**2 / (evidence.builds * (PRIOR_BUILDS + evidence.builds))


def _check_sums(builds: int, total: float, squares: float) -> None:
    if not (math.isfinite(total) and math.isfinite(squares)):
        raise InvalidFact(f"sums of log ratios must be numbers, not {total} and {squares}: learn again from the builds")
    if not builds and (total or squares):
        raise InvalidFact(f"no builds can't have log ratios that add up to {total:g}: learn again from the builds")
    if squares > builds * math.log(LARGEST_RATIO) ** 2 * (1 + _NOISE):
        raise InvalidFact(
            f"{builds} builds can't have squared log ratios of {squares:g}: a ratio over {LARGEST_RATIO:g} is a "
            "mistake of units, learn again from the builds"
        )
    if total * total > builds * squares + _NOISE * builds * builds:
        raise InvalidFact(
            f"{builds} builds with log ratios that add up to {total:g} have squares of at least "
            f"{total * total / builds:g}, not {squares:g}: learn again from the builds"
        )


NO_EVIDENCE = Evidence(builds=0, log_ratio_sum=0.0, log_ratio_sum_squares=0.0, good_prints=0, failed_prints=0)
"""A machine of which nothing was learnt yet: estimates are what they are without calibration."""
