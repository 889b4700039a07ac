"""Looks at the node's list of jobs now and then, at no cost where nothing changed: holds, and wishes to cancel."""

from fabroute.bureau.bench import Bench
from fabroute.bureau.heartbeats import ask_to_stop
from fabroute.bureau.wire import JsonObject

_STATES = ("accepted", "in_production", "inspected", "held", "suspect")


class Watcher:
    """Compares what lies here with what fabroute says about it; leases without heartbeats hear of cancels here."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._etag = ""

    def step(self) -> float:
        """Look once and return how many seconds to pause. Raises ``Unavailable`` and ``Refused``."""
        node = self._bench.settings.node
        answer = self._bench.wire.list_jobs(node=node, states=_STATES, etag=self._etag)
        self._etag = answer.etag
        for job in answer.jobs or ():
            self._compare(job)
        return max(self._bench.settings.watch_seconds, answer.poll_seconds)

    def _compare(self, job: JsonObject) -> None:
        record = self._bench.records.get(str(job["id"]))
        if record is None or record.stage not in ("accepted", "placed"):
            return
        if job["state"] == "held":
            self._bench.trouble(record, f"held by fabroute: {job.get('held_reason') or 'no reason was given'}")
        if job.get("cancel_requested_at"):
            ask_to_stop(self._bench, record, str(job.get("cancel_reason") or ""))
