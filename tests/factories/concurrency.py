"""Things that happen at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


def at_once(*works: Callable[[], _Result]) -> list[_Result]:
    """Do all works at the same time and return what they returned."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], _Result]) -> _Result:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))
