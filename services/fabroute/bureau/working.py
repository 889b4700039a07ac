"""Takes each job from its claim to its end, one step at a time; every step can be repeated after a crash."""

import time
from collections.abc import Callable

from fabroute.bureau.bench import Bench
from fabroute.bureau.fetching import fetch_packet
from fabroute.bureau.handover import hand_over, look_after_scripts
from fabroute.bureau.patience import Patience
from fabroute.bureau.policy import why_not
from fabroute.bureau.records import JobRecord
from fabroute.bureau.sending import answer_cancel, send_errands, send_late_reports, take_drops
from fabroute.bureau.verification import FileDamaged, FileNotReleased
from fabroute.bureau.wire import LEASE_CODES, Refused

_LOOK_SECONDS = 1.0


class Worker:
    """Works on all open jobs."""

    def __init__(self, bench: Bench, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bench = bench
        self._clock = clock
        self._trusted = bench.settings.public_keys
        self._patience: dict[str, tuple[Patience, float]] = {}

    def step(self) -> float:
        """Take every job one step further and return how many seconds to pause. Raises ``Unavailable``.

        Folders are read first: what operators leave there is safe even while fabroute can't be reached.
        """
        look_after_scripts(self._bench)
        for record in self._bench.records.open():
            if record.stage == "placed":
                take_drops(self._bench, record)
        for record in self._bench.records.open():
            if self._patience.get(record.job_id, (None, 0.0))[1] <= self._clock():
                self._attend(record)
        for record in self._bench.records.all():
            if record.stage == "lost" and record.errands:
                send_late_reports(self._bench, record)
        return _LOOK_SECONDS

    def _attend(self, record: JobRecord) -> None:
        try:
            self._advance(record)
        except (FileDamaged, FileNotReleased) as problem:
            self._wait_with(record, problem.message)
        except Refused as refusal:
            if refusal.code in LEASE_CODES:
                self._bench.lose(record, refusal.message)
            else:
                self._wait_with(record, refusal.message)
        else:
            self._patience.pop(record.job_id, None)

    def _wait_with(self, record: JobRecord, words: str) -> None:
        """Leave one job alone for a while; the others go on."""
        patience, _ = self._patience.get(record.job_id, (Patience(), 0.0))
        self._patience[record.job_id] = (patience, self._clock() + patience.next_seconds(retry_after=None))
        self._bench.trouble(record, words)

    def _advance(self, record: JobRecord) -> None:
        if record.stage == "claimed":
            self._answer(record)
        elif record.stage == "accepted":
            fetch_packet(self._bench, record, trusted=self._trusted_keys())
        else:
            answer_cancel(self._bench, record)
            hand_over(self._bench, record)
            send_errands(self._bench, self._bench.records.get(record.job_id) or record)

    def _answer(self, record: JobRecord) -> None:
        bench = self._bench
        decline = why_not(bench.settings.policy, record.job["job"])
        if decline is not None:
            bench.write(record, "decline", {"reason": decline.reason, "text": decline.text})
            bench.end(record, "declined")
            bench.say(f"{record.job_id}: declined, {decline.text}")
            return
        bench.write(record, "acceptance")
        if bench.records.advance(record.job_id, of="claimed", stage="accepted", trouble="") is not None:
            bench.say(f"{record.job_id}: accepted")
            self._go_offline(record)

    def _go_offline(self, record: JobRecord) -> None:
        hours = self._bench.settings.offline_hours
        if hours:
            self._bench.write(record, "offline-lease", {"hours": hours})
            self._bench.records.change(record.job_id, lease_kind="offline")
            self._bench.say(f"{record.job_id}: held for {hours} h without heartbeats")

    def _trusted_keys(self) -> tuple[str, ...]:
        if not self._trusted:
            self._trusted = (self._bench.wire.signing_key(),)
        return self._trusted
