"""What strikes when: by seed, and by acknowledged orders, so that runs are alike on any machine."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

_LOOK_SECONDS = 0.02


class Weighted(Protocol):
    """A fault or an incident."""

    @property
    def name(self) -> str:
        """What it is called in the table."""

    @property
    def weight(self) -> int:
        """How often it comes beside others."""


Kind = TypeVar("Kind", bound=Weighted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One strike of a fault or an incident, by its name."""

    after_orders: int
    """It strikes as soon as so many orders are acknowledged."""
    name: str
    seed: str
    """Of all that is random in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A strike that was made."""

    planned: Planned
    at_seconds: float
    """Since the first order."""
    did: str


def schedule(*, seed: int, kinds: Sequence[Weighted], count: int, orders: int) -> tuple[Planned, ...]:
    """Return ``count`` strikes, evenly over the orders. Each kind comes before any comes oftener than its weight."""
    chance, bag, names = Random(f"schedule {seed}"), list[str](), list[str]()
    while len(names) < count:
        if not bag:
            bag = [kind.name for kind in kinds for _ in range(kind.weight)]
            chance.shuffle(bag)
        names.append(bag.pop())
    return tuple(
        Planned(after_orders=orders * number // (count + 1), name=name, seed=f"{seed} {number} {name}")
        for number, name in enumerate(names, 1)
    )


@contextmanager
def striking(
    plan: Sequence[Planned], *, acknowledged: Callable[[], int], strike: Callable[[Planned], str]
) -> Iterator[list[Struck]]:
    """Strike by plan while the block lasts; yields what was struck so far. What is left at its end strikes at once."""
    struck, over, began = list[Struck](), threading.Event(), time.monotonic()

    def work() -> None:
        for planned in plan:
            while acknowledged() < planned.after_orders and not over.wait(_LOOK_SECONDS):
                continue
            at_seconds = time.monotonic() - began
            struck.append(Struck(planned=planned, at_seconds=at_seconds, did=strike(planned)))

    thread = threading.Thread(target=work, name="striker")
    thread.start()
    try:
        yield struck
    finally:
        over.set()
        thread.join()
