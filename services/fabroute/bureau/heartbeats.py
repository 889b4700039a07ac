"""Gives a sign of life for each job in time, and hears what fabroute wants to tell."""

import time
from collections.abc import Callable

from fabroute.bureau.bench import Bench
from fabroute.bureau.disk import write_whole
from fabroute.bureau.packets import CANCEL_NOTE, cancel_note
from fabroute.bureau.records import JobRecord
from fabroute.bureau.wire import LEASE_CODES, Refused, Unavailable

_EARLY = 0.8
"""Heartbeats come after this share of the time that fabroute allows."""
_LOOK_SECONDS = 1.0


class Heart:
    """Beats for all accepted jobs."""

    def __init__(self, bench: Bench, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bench = bench
        self._clock = clock
        self._last: dict[str, float] = {}

    def step(self) -> float:
        """Beat for what is due and return how many seconds to pause. Raises ``Unavailable``."""
        failure: Unavailable | None = None
        for record in self._due():
            try:
                self._beat(record)
            except Unavailable as error:
                if error.retry_after is not None:
                    raise
                failure = error
        if failure is not None:
            raise failure
        return _LOOK_SECONDS

    def _due(self) -> list[JobRecord]:
        now = self._clock()
        held = [
            it for it in self._bench.records.open() if it.stage in ("accepted", "placed") and it.lease_kind != "hand"
        ]
        never = float("-inf")
        due = [it for it in held if now - self._last.get(it.job_id, never) >= it.heartbeat_seconds * _EARLY]
        return sorted(due, key=lambda it: self._last.get(it.job_id, never))

    def _beat(self, record: JobRecord) -> None:
        with self._bench.records.turn_of(record.job_id):
            self._beat_in_turn(record)

    def _beat_in_turn(self, record: JobRecord) -> None:
        try:
            answer = self._bench.write(record, "heartbeat")
        except Refused as refusal:
            if refusal.code in LEASE_CODES:
                self._bench.lose(record, refusal.message)
            else:
                self._last[record.job_id] = self._clock()
                self._bench.trouble(record, f"its heartbeat is refused: {refusal.message}")
            return
        self._last[record.job_id] = self._clock()
        if answer.get("cancel_requested") or answer.get("cancel_requested_at"):
            ask_to_stop(self._bench, record, str(answer.get("cancel_reason") or ""))


def ask_to_stop(bench: Bench, record: JobRecord, reason: str) -> None:
    """Note that the customer wants a job cancelled, and lay the question into its folder; once."""
    if record.cancel_requested:
        return
    bench.records.change(record.job_id, cancel_requested=True)
    folder = bench.folder_of(record.job_id)
    if folder.exists():
        write_whole(folder / CANCEL_NOTE, cancel_note(reason).encode())
    bench.say(f"{record.job_id}: the customer asks to cancel{': ' + reason if reason else ''}")
