"""The fewest jobs leave a machine that has less time: what trying every set of jobs finds."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain, combinations

import pytest

from fabroute.production.service.rerouting import choosing
from fabroute.production.service.rerouting.choosing import Movable, fewest_to_leave

DAYS = tuple(date(2026, 6, 15) + timedelta(days=number) for number in range(3))
NOON = datetime(2026, 6, 20, 12, tzinfo=UTC)


def a_job(number: int, *minutes: int, promised_days: int = 0) -> Movable:
    return Movable(
        job_id=f"job_{number:02}",
        promised_at=NOON + timedelta(days=promised_days),
        minutes={day: each for day, each in zip(DAYS, minutes, strict=False) if each},
    )


def some_jobs(chance: random.Random, count: int) -> list[Movable]:
    return [
        a_job(number, *(chance.choice((0, 0, 60, 120, 300)) for _ in DAYS), promised_days=chance.randrange(4))
        for number in range(count)
    ]


def gives_back(jobs: Sequence[Movable], day: date) -> int:
    return sum(job.minutes.get(day, 0) for job in jobs)


def best_by_trying_all(jobs: Sequence[Movable], over: dict[date, int]) -> set[str]:
    """The truth: of all sets that are enough the smallest; of these the one whose promises are latest."""
    wanted = {day: min(minutes, gives_back(jobs, day)) for day, minutes in over.items()}
    every = chain.from_iterable(combinations(jobs, size) for size in range(len(jobs) + 1))
    enough = [them for them in every if all(gives_back(them, day) >= wanted[day] for day in wanted)]
    ranked = sorted(jobs, key=lambda job: (-job.promised_at.timestamp(), job.job_id))
    place = {job.job_id: number for number, job in enumerate(ranked)}
    best = min(enough, key=lambda them: (len(them), sorted(place[job.job_id] for job in them)))
    return {job.job_id for job in best}


@pytest.mark.parametrize("seed", range(60))
def test_the_smallest_set_leaves_and_of_equals_the_one_promised_latest(seed: int) -> None:
    chance = random.Random(seed)
    jobs = some_jobs(chance, chance.randrange(9))
    over = {day: chance.choice((0, 50, 120, 400, 2_000)) for day in DAYS}

    chosen = fewest_to_leave(jobs, over)

    assert set(chosen) == best_by_trying_all(jobs, over)
    assert len(chosen) == len(set(chosen))


@pytest.mark.parametrize("seed", range(20))
def test_where_there_are_too_many_sets_what_leaves_is_enough_and_nothing_too_much(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "MOST_TRIED", 0)
    chance = random.Random(seed)
    jobs = some_jobs(chance, 8)
    over = {day: chance.choice((50, 120, 400)) for day in DAYS}
    wanted = {day: min(minutes, gives_back(jobs, day)) for day, minutes in over.items()}

    chosen = [job for job in jobs if job.job_id in fewest_to_leave(jobs, over)]

    assert all(gives_back(chosen, day) >= wanted[day] for day in DAYS)
    for job in chosen:
        others = [each for each in chosen if each is not job]
        assert any(gives_back(others, day) < wanted[day] for day in DAYS), "a job left that could have stayed"
    assert len(chosen) <= 2 * len(best_by_trying_all(jobs, over))


def test_nothing_leaves_where_nothing_is_over() -> None:
    assert fewest_to_leave([a_job(1, 60)], {}) == ()
    assert fewest_to_leave([a_job(1, 60)], {DAYS[0]: 0}) == ()


def test_a_job_of_another_day_stays() -> None:
    assert fewest_to_leave([a_job(1, 0, 60), a_job(2, 60)], {DAYS[0]: 10}) == ("job_02",)
    assert fewest_to_leave([a_job(1, 0, 60)], {DAYS[0]: 10}) == ()


def test_a_thousand_jobs_are_chosen_from_one_after_the_other() -> None:
    jobs = [a_job(number, 10, promised_days=number % 7) for number in range(1_000)]

    chosen = fewest_to_leave(jobs, {DAYS[0]: 2_000})

    assert len(chosen) == 200
    assert len(set(chosen)) == 200
