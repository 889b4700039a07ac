"""How often an errand may be sent: at once, but not again and again while its task still waits in the broker."""

from collections.abc import Mapping

from fabroute_workers.subscriptions import (
    ASK_READINESS,
    DELIVER_DUE,
    DISPATCH_PLANNED,
    FOLLOW_REROUTES,
    HOLD_UNQUALIFIED,
    JUDGE_SCREENINGS,
    LEARN_CALIBRATIONS,
    MAKE_READINESS,
    PLAY_SANDBOXES,
    REQUEUE_UNROUTABLE,
    ROUTE_PENDING,
    RUN_SHADOWS,
    SEAL_AUDIT_LOG,
    SYNC_CARRIERS,
    TAKE_BACK_HELD,
    VALIDATE_PRINT_FILES,
    WATCH_LEASES,
    Errand,
)

SPACING_SECONDS: Mapping[str, float] = {
    ROUTE_PENDING: 0.05,
    REQUEUE_UNROUTABLE: 1.0,
    VALIDATE_PRINT_FILES: 0.2,
    HOLD_UNQUALIFIED: 1.0,
    TAKE_BACK_HELD: 0.2,
    DISPATCH_PLANNED: 0.2,
    FOLLOW_REROUTES: 0.2,
    WATCH_LEASES: 0.2,
    JUDGE_SCREENINGS: 0.2,
    RUN_SHADOWS: 0.2,
    ASK_READINESS: 1.0,
    MAKE_READINESS: 0.2,
    LEARN_CALIBRATIONS: 0.2,
    SYNC_CARRIERS: 1.0,
    DELIVER_DUE: 0.2,
    SEAL_AUDIT_LOG: 1.0,
    PLAY_SANDBOXES: 0.5,
}
"""The least time between two sendings for fresh events. One ``route_pending`` takes all that is due anyway."""

REPEAT_SECONDS = 3.0
"""How soon the sweep sends an errand again that was sent but is still not done."""


class Bells:
    """Remembers when each errand was last sent; times are seconds of any steady clock."""

    def __init__(self, spacing_seconds: Mapping[str, float] = SPACING_SECONDS) -> None:
        self._spacing_seconds = spacing_seconds
        self._last: dict[Errand, float] = {}

    def ready(self, errand: Errand, *, at: float) -> bool:
        """Say whether fresh events may send the errand now."""
        return self._quiet_seconds(errand, at) >= self._spacing_seconds.get(errand.task, 0.0)

    def overdue(self, errand: Errand, *, at: float) -> bool:
        """Say whether the sweep may send the errand now, without a fresh event."""
        return self._quiet_seconds(errand, at) >= REPEAT_SECONDS

    def sent(self, errand: Errand, *, at: float) -> None:
        """Note that the errand was sent."""
        self._last[errand] = at

    def _quiet_seconds(self, errand: Errand, at: float) -> float:
        return at - self._last.get(errand, float("-inf"))
