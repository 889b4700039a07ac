"""How long an engine may work, and the account of it."""

import time
from dataclasses import dataclass, field

MAX_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveLimits:
    """Limits of one run. The deterministic one ends it; the wall clock only guards against a slow machine."""

    seed: int = 0
    deterministic_seconds: float = 6.0
    """Engine work, counted the same on every machine and in every run; one is about 1.5 to 3.5 seconds of a core."""
    wall_seconds: float = 25.0
    workers: int = 1
    """Threads. With more than one the engine interleaves its searches, so that plans still repeat."""

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed must be between 0 and {MAX_SEED}, not {self.seed}")
        if self.deterministic_seconds <= 0 or self.wall_seconds <= 0:
            raise ValueError("deterministic_seconds and wall_seconds must be over 0")
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, not {self.workers}")


@dataclass(slots=True, kw_only=True)
class Budget:
    """What is left of the limits of one run."""

    limits: SolveLimits
    spent: float = 0.0
    """Deterministic seconds."""
    started: float = field(default_factory=time.monotonic)
    guard_hit: bool = False

    @property
    def left(self) -> float:
        """Deterministic seconds left."""
        return max(0.0, self.limits.deterministic_seconds - self.spent)

    @property
    def wall_left(self) -> float:
        """Seconds left on the wall clock."""
        return max(0.0, self.started + self.limits.wall_seconds - time.monotonic())

    @property
    def wall_ms(self) -> int:
        """Milliseconds since the run began."""
        return round((time.monotonic() - self.started) * 1000)
