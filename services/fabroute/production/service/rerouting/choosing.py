"""Which jobs leave a machine that has less time than they hold: the fewest, of equals those promised latest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from math import comb

MOST_TRIED = 50_000
"""So many sets of jobs are tried; where there are more, jobs are chosen one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movable:
    """A job that nobody has started, and the minutes that it holds of each day."""

    job_id: str
    promised_at: datetime
    minutes: Mapping[date, int]


def fewest_to_leave(jobs: Collection[Movable], over: Mapping[date, int]) -> tuple[str, ...]:
    """Return the jobs that have to leave so that each day gets back what is ``over``, or all that they hold of it.

    Exact as long as few sets have to be tried: the fewest jobs; of these sets the one that is first when jobs are
    ordered by their promise, the latest first. Beyond that, one after the other: whichever gives back most of what is
    still over; what turns out not to be needed stays.
    """
    latest = sorted(jobs, key=lambda job: (-job.promised_at.timestamp(), job.job_id))
    wanted = {day: min(minutes, sum(job.minutes.get(day, 0) for job in latest)) for day, minutes in over.items()}
    useful = [job for job in latest if any(job.minutes.get(day, 0) for day, minutes in wanted.items() if minutes > 0)]
    chosen = _exactly(useful, wanted)
    return tuple(job.job_id for job in (_one_by_one(useful, wanted) if chosen is None else chosen))


def _exactly(jobs: Sequence[Movable], wanted: Mapping[date, int]) -> tuple[Movable, ...] | None:
    """Return the first smallest set that is enough, ``None`` if that takes too many tries."""
    tried = 0
    for size in range(len(jobs) + 1):
        tried += comb(len(jobs), size)
        if tried > MOST_TRIED:
            return None
        found = next((them for them in combinations(jobs, size) if _is_enough(them, wanted)), None)
        if found is not None:
            return found
    return tuple(jobs)


def _one_by_one(jobs: Sequence[Movable], wanted: Mapping[date, int]) -> tuple[Movable, ...]:
    chosen: list[Movable] = []
    left, rest = dict(wanted), list(jobs)
    while rest and any(minutes > 0 for minutes in left.values()):
        best = max(rest, key=lambda job: _gives(job, left))
        rest.remove(best)
        chosen.append(best)
        left = {day: minutes - best.minutes.get(day, 0) for day, minutes in left.items()}
    for job in sorted(chosen, key=lambda each: (each.promised_at, each.job_id)):
        others = [each for each in chosen if each is not job]
        if _is_enough(others, wanted):
            chosen = others
    return tuple(chosen)


def _gives(job: Movable, left: Mapping[date, int]) -> int:
    return sum(min(max(0, minutes), job.minutes.get(day, 0)) for day, minutes in left.items())


def _is_enough(jobs: Collection[Movable], wanted: Mapping[date, int]) -> bool:
    return all(sum(job.minutes.get(day, 0) for job in jobs) >= minutes for day, minutes in wanted.items())
