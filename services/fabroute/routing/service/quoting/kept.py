"""What was worked out once and is kept in memory: the last so many answers, for all threads."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """At most ``most`` values by key; the one that was put first goes first. Two threads may make the same value."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[_Key, _Value] = {}
        self._putting = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """Return the value of a key, made now if it is not kept."""
        try:
            return self._values[key]
        except KeyError:
            return self._put(key, make())

    def _put(self, key: _Key, value: _Value) -> _Value:
        with self._putting:
            self._values[key] = value
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
        return value
