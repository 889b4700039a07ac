"""What a simulated bureau does with a job: drawn by the seed, the order's number and how often it was handed out."""

import threading
from collections import Counter
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How a job goes at its node."""

    answers: str = "accept"
    """``accept``, ``decline`` or ``silent``: then the claim lapses."""
    mishap: str = ""
    """``silent``: no sign of life for a while; ``zombie``: for so long that a person decides; ``job``: the node can't
    finish it; ``print``: one print fails and is made once more; empty: nothing goes wrong."""
    silent_seconds: float = 0.0
    repeats: bool = False
    """Reports are sent twice."""
    starts_first: bool = False
    """It says that it prints before it has printed."""
    shuffled: bool = False
    """Reports are sent in the wrong order, one by one."""
    agrees_to_stop: bool = True
    """What it says when it is asked to stop."""
    print_seconds: float = 0.0


_USUAL = (("", 1.0), ("silent", 0.03), ("zombie", 0.01), ("job", 0.02), ("print", 0.04))
_ANSWERS = (("accept", 1.0), ("decline", 0.04), ("silent", 0.02))
_PATIENT = 3


def temper(*, seed: int, number: int | None, attempt: int, job_id: str) -> Temper:
    """Return how a job goes. A line that was handed out three times before goes well, so that every order ends."""
    random = Random(f"{seed} {job_id if number is None else number} {attempt}")
    answers, mishap = _drawn(random, _ANSWERS), _drawn(random, _USUAL)
    silence = random.uniform(11.0, 16.0) if mishap == "silent" else random.uniform(35.0, 50.0)
    found = Temper(
        answers=answers,
        mishap=mishap,
        silent_seconds=silence,
        repeats=random.random() < 0.15,
        starts_first=mishap != "" or random.random() < 0.5,
        shuffled=random.random() < 0.1,
        agrees_to_stop=random.random() < 0.7,
        print_seconds=random.uniform(0.1, 1.5),
    )
    return found if attempt < _PATIENT else Temper(print_seconds=found.print_seconds)


def _drawn(random: Random, weights: tuple[tuple[str, float], ...]) -> str:
    names, shares = zip(*weights, strict=True)
    chosen: str = random.choices(names, shares)[0]
    return chosen


class Attempts:
    """How often each line was handed out, to whomever; ``before``: how often it counts as handed out before."""

    def __init__(self, *, before: int = 0) -> None:
        self._lock = threading.Lock()
        self._before = before
        self._counts: Counter[str] = Counter()

    def next(self, line_id: str) -> int:
        """Count one more time and return how often it was before."""
        with self._lock:
            self._counts[line_id] += 1
            return self._before + self._counts[line_id] - 1
