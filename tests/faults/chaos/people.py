"""People who look after what machines leave to them: reprints, silent nodes, held jobs, lines nobody could make."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.chaos.network import ChaosNetwork
from tests.faults.chaos.tally import Tally
from tests.faults.chaos.wire import Answer, GaveUp, Installed, NoAnswer, Wire

SUSPECT_SECONDS = 25.0
"""So long people wait for a silent node before they send its job elsewhere."""
HELD_SECONDS = 40.0
"""So long a held job may wait for its gates to open."""
_LOOK_SECONDS = 2.0
_RETRIES = 2
"""How often a parked line is sent on its way again; then it stays parked, with its reason."""


@dataclass(slots=True, kw_only=True)
class Attendant:
    """The operator and the owners, in one thread."""

    installation: Installed
    network: ChaosNetwork
    tally: Tally
    stop: threading.Event
    retried: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Look after everything every two seconds until ``stop`` is set."""
        urls, heard = self.installation.api_urls, self.tally.heard
        operator = Wire(urls, self.network.operator, heard=heard)
        owners = [
            Wire(urls, owner.token, first=number, heard=heard) for number, owner in enumerate(self.network.owners)
        ]
        looks = 0
        while not self.stop.wait(_LOOK_SECONDS):
            looks += 1
            for owner in owners:
                self._grant_reprints(owner)
            if looks % 3 == 0:
                self._decide_about_jobs(operator)
                for owner in owners:
                    self._retry_lines(owner)
        for wire in (operator, *owners):
            wire.close()

    def _grant_reprints(self, owner: Wire) -> None:
        for request in _listed(owner, "/v1/reprint-requests?state=requested&limit=100"):
            self._do(owner, "reprint granted", f"/v1/reprint-requests/{request['id']}/decision", {"granted": True})

    def _decide_about_jobs(self, operator: Wire) -> None:
        for node_id in self.network.node_ids:
            for job in _listed(operator, f"/v1/nodes/{node_id}/jobs?state=suspect&state=held&limit=100"):
                since = job["suspect_since"] if job["state"] == "suspect" else job["held_at"]
                if job["state"] == "suspect" and _older(since, SUSPECT_SECONDS):
                    body = {"decision": "reroute", "reason": "nobody answers the telephone"}
                    self._do(operator, "suspect re-routed", f"/v1/jobs/{job['id']}/suspicion", body)
                elif job["state"] == "held" and _older(since, HELD_SECONDS):
                    body = {"reason": "its gates stay closed"}
                    self._do(operator, "held taken back", f"/v1/jobs/{job['id']}/take-back", body)

    def _retry_lines(self, owner: Wire) -> None:
        for state in ("parked", "partly_routed"):
            for order in _listed(owner, f"/v1/orders?state={state}&limit=50"):
                for line in order["lines"]:
                    if line["state"] == "parked" and self.retried[line["id"]] < _RETRIES:
                        self.retried[line["id"]] += 1
                        path = f"/v1/orders/{order['id']}/lines/{line['position']}/retry"
                        self._do(owner, "parked line retried", path, {})

    def _do(self, wire: Wire, what: str, path: str, body: dict[str, Any]) -> None:
        """Do something that is done again at the next look where it is not answered now."""
        try:
            answer = wire.insist("POST", path, body, patience=5.0, stop=self.stop)
        except GaveUp:
            return
        self.tally.count(what if answer.ok else f"refused {what}: {answer.code}")


@contextmanager
def attending_people(installation: Installed, network: ChaosNetwork, *, tally: Tally) -> Iterator[None]:
    """Have people look after what waits for them until the block ends."""
    stop = threading.Event()
    attendant = Attendant(installation=installation, network=network, tally=tally, stop=stop)
    thread = threading.Thread(target=attendant.run, name="people", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30.0)


def _listed(wire: Wire, path: str) -> list[dict[str, Any]]:
    """Return the first page of a list; nothing where nobody answers now."""
    try:
        answer: Answer = wire.ask("GET", path)
    except NoAnswer:
        return []
    return list(answer.json()["data"]) if answer.ok else []


def _older(since: str, seconds: float) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(since) > timedelta(seconds=seconds)
