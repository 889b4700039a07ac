"""Incidents of the trade, and of bad manners: proofs, stock and nodes that are gone, files and keys abused.

Each does what it says, undoes what would leave the network barren, and returns what it did. What must be refused is
written into the tally as a probe.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.chaos.network import COMMON, MATERIALS, ChaosNetwork, ChaosOwner
from tests.faults.chaos.tally import ClaimTold, KeyTold, ProbeTold, Tally
from tests.faults.chaos.wire import Answer, GaveUp, Installed, NoAnswer, Wire

Strike = Callable[[Installed, ChaosNetwork, Tally, Random], str]
NOBODY = "nobody answered"
_PATIENCE_SECONDS = 20.0
_DOWN_SECONDS = (1.5, 3.0)
_FOREIGN, _REUSED, _STALE, _DAMAGED = "foreign tenant", "key with another body", "stale fence", "damaged file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that happens in the trade, or that somebody tries."""

    name: str
    weight: int = 1
    strike: Strike
    """Does it and returns what exactly, for the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Who acts in an incident, with wires that are closed after it."""

    installation: Installed
    network: ChaosNetwork
    tally: Tally
    chance: Random

    @contextmanager
    def wire(self, token: str) -> Iterator[Wire]:
        """Yield a wire with a key, to any of the API processes."""
        wire = Wire(self.installation.api_urls, token, first=self.chance.randrange(8), heard=self.tally.heard)
        with closing(wire):
            yield wire

    @contextmanager
    def of_node(self, node_id: str) -> Iterator[Wire]:
        """Yield a wire of the bureau that has a node."""
        with self.wire(self.network.bureau_of(node_id).token) as wire:
            yield wire

    def node(self) -> str:
        """Any node."""
        return self.chance.choice(self.network.node_ids)

    def pause(self) -> float:
        """Wait a little and return how long."""
        seconds = self.chance.uniform(*_DOWN_SECONDS)
        time.sleep(seconds)
        return seconds

    def probe(self, name: str, wire: Wire, method: str, path: str, body: object = None, **more: Any) -> None:
        """Ask for what must be refused. Silence and a server that is down refuse nothing, and prove nothing."""
        wanted: tuple[int, ...] = more.pop("wanted")
        try:
            answer = wire.ask(method, path, body, **more)
        except NoAnswer:
            return
        if answer.is_final or answer.status in wanted:
            detail = f"{method} {path}"
            told = ProbeTold(name=name, wanted=wanted, status=answer.status, code=answer.code, detail=detail)
            self.tally.probed(told)


def striking_with(act: Callable[[_Scene], str]) -> Strike:
    """Return a strike that gives up where nobody answers for long."""

    def strike(installation: Installed, network: ChaosNetwork, tally: Tally, chance: Random) -> str:
        try:
            return act(_Scene(installation=installation, network=network, tally=tally, chance=chance))
        except GaveUp as silence:
            return f"{NOBODY}: {silence}"

    return strike


def _done(wire: Wire, method: str, path: str, body: object = None, **headers: str) -> Answer:
    return wire.insist(method, path, body, headers=headers, patience=_PATIENCE_SECONDS)


def revoke_certificate(scene: _Scene) -> str:
    """Revoke a certificate of a node; its jobs are held, until a new one is verified."""
    node_id = scene.node()
    with scene.of_node(node_id) as bureau, scene.wire(scene.network.operator) as operator:
        listed = _done(bureau, "GET", f"/v1/nodes/{node_id}/certificates?limit=200").json()["data"]
        valid = [it["id"] for it in listed if it["scheme"] == COMMON and it["state"] == "valid"]
        for certificate_id in valid:
            reason = {"reason": "the audit failed"}
            _done(operator, "POST", f"/v1/certificates/{certificate_id}/revocation", reason)
        seconds = scene.pause()
        new = {
            "scheme": COMMON,
            "number": f"N-{scene.chance.randrange(10**9)}",
            "valid_from": "2020-01-01",
            "valid_to": "2099-12-31",
        }
        added = _done(bureau, "POST", f"/v1/nodes/{node_id}/certificates", new).json()
        _done(operator, "POST", f"/v1/certificates/{added['id']}/verification")
    return f"{len(valid)} of {node_id} revoked, a new one after {seconds:.1f} s"


def block_lot(scene: _Scene) -> str:
    """Block a lot for good; another of its weight comes into the store."""
    node_id = scene.node()
    with scene.of_node(node_id) as bureau:
        lot = _some_lot(scene, bureau, node_id)
        if lot is None:
            return f"{node_id} has no lot left"
        _done(bureau, "PATCH", f"/v1/lots/{lot['id']}", {"state": "blocked", "reason": "moist"})
        _receive(scene, bureau, node_id, lot)
    return f"{lot['id']} blocked, {lot['initial_grams']} g came"


def quarantine_lot(scene: _Scene) -> str:
    """Put a lot aside for a while."""
    node_id = scene.node()
    with scene.of_node(node_id) as bureau:
        lot = _some_lot(scene, bureau, node_id)
        if lot is None:
            return f"{node_id} has no lot left"
        _done(bureau, "PATCH", f"/v1/lots/{lot['id']}", {"state": "quarantined", "reason": "a sample is tested"})
        seconds = scene.pause()
        _done(bureau, "PATCH", f"/v1/lots/{lot['id']}", {"state": "available", "reason": "the sample is good"})
    return f"{lot['id']} for {seconds:.1f} s"


def recall_material(scene: _Scene) -> str:
    """Recall a manufacturer's lot; each node that had it gets another."""
    with scene.wire(scene.network.operator) as operator:
        node_id = scene.node()
        lot = _some_lot(scene, operator, node_id)
        if lot is None:
            return f"{node_id} has no lot left"
        asked = {"supplier_lot": lot["supplier_lot"], "material": lot["material"], "reason": "contaminated"}
        recall = _done(operator, "POST", "/v1/recalls", asked).json()
        for each in recall.get("lots", ()):
            with scene.of_node(each["node_id"]) as bureau:
                _receive(scene, bureau, each["node_id"], lot)
    return f"{lot['supplier_lot']}: {len(recall.get('lots', ()))} lots, {len(recall.get('jobs', ()))} jobs"


def node_down(scene: _Scene) -> str:
    """Take a node down for a while."""
    node_id = scene.node()
    return _down(scene, node_id, f"/v1/nodes/{node_id}")


def machine_down(scene: _Scene) -> str:
    """Take a machine down for a while."""
    node_id = scene.node()
    process = scene.chance.choice(sorted(MATERIALS.values()))
    return _down(scene, node_id, f"/v1/machines/{node_id}-{process}")


def _down(scene: _Scene, node_id: str, path: str) -> str:
    with scene.of_node(node_id) as bureau:
        _done(bureau, "PATCH", path, {"status": "down", "reason": "no power"}, **{"If-Match": "*"})
        seconds = scene.pause()
        _done(bureau, "PATCH", path, {"status": "up", "reason": "power is back"}, **{"If-Match": "*"})
    return f"{path.rpartition('/')[2]} for {seconds:.1f} s"


def cut_capacity(scene: _Scene) -> str:
    """Take a part of a machine's next days away."""
    node_id = scene.node()
    machine_id = f"{node_id}-{scene.chance.choice(sorted(MATERIALS.values()))}"
    first = datetime.now(UTC).date() + timedelta(days=scene.chance.randint(0, 3))
    cut = {
        "first_day": first.isoformat(),
        "last_day": (first + timedelta(days=2)).isoformat(),
        "fraction": scene.chance.choice((0.5, 0.8)),
        "reason": "the operator is ill",
    }
    with scene.of_node(node_id) as bureau:
        answer = _done(bureau, "POST", f"/v1/machines/{machine_id}/capacity", cut)
    return f"{machine_id} to {cut['fraction']} for three days: {answer.status}"


def flip_byte(scene: _Scene) -> str:
    """Change a byte of a print file in the store; nobody may get it before it is put right."""
    owner = scene.chance.choice(scene.network.owners)
    part = scene.chance.choice(owner.parts)
    path = scene.installation.storage / part.sha256[:2] / part.sha256
    place = scene.chance.randrange(path.stat().st_size)
    _flip(path, place)
    try:
        with scene.wire(owner.token) as wire:
            url = f"/v1/revisions/{part.revision_id}/print-file"
            scene.probe(_DAMAGED, wire, "GET", url, wanted=(500,))
        seconds = scene.pause()
    finally:
        _flip(path, place)
    return f"{part.part_no} byte {place} for {seconds:.1f} s"


def _flip(path: Path, place: int) -> None:
    """Change one bit, in place: files that are written anew would have another content in between."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def ask_for_others(scene: _Scene) -> str:
    """Ask for an order and a job of others, with keys of another owner and another bureau: there are none for them."""
    told, claim = _some_order(scene), _some_claim(scene)
    if told is not None:
        path = f"/v1/orders/{told.order_id}"
        with scene.wire(_another_owner(scene, told.organisation_id).token) as stranger:
            for method, url in (("GET", path), ("GET", f"{path}/decision"), ("GET", f"{path}/timeline")):
                scene.probe(_FOREIGN, stranger, method, url, wanted=(404,))
            scene.probe(_FOREIGN, stranger, "POST", f"{path}/cancel", wanted=(404,))
    if claim is not None:
        job, lease = f"/v1/jobs/{claim.job_id}", {"Fabroute-Lease": f"{claim.lease_id};epoch={claim.epoch}"}
        rivals = [it for it in scene.network.bureaus if claim.node_id not in it.node_ids]
        with scene.wire(scene.chance.choice(rivals).token) as rival:
            for method, url in (("GET", job), ("GET", f"{job}/packet"), ("POST", f"{job}/heartbeat")):
                scene.probe(_FOREIGN, rival, method, url, headers=lease, wanted=(404,))
            scene.probe(_FOREIGN, rival, "POST", f"{job}/file-tickets", headers=lease, wanted=(404,))
    return f"{told.order_id if told else 'no order'}, {claim.job_id if claim else 'no job'}"


def reuse_key(scene: _Scene) -> str:
    """Send a key that was answered with another body: nothing is placed."""
    told = _some_order(scene)
    if told is None:
        return "no order yet"
    owner = next(it for it in scene.network.owners if it.organisation_id == told.organisation_id)
    part, quantity = told.lines[0]
    body = {"ship_to": {"city": "Berlin", "country": "DE"}, "lines": [{"part": part, "quantity": quantity + 1}]}
    with scene.wire(owner.token) as wire:
        scene.probe(_REUSED, wire, "POST", "/v1/orders", body, headers={"Idempotency-Key": told.key}, wanted=(422,))
    return told.key


def report_under_old_fence(scene: _Scene) -> str:
    """Write about jobs under the epoch before the one that they were handed out under: nothing of it counts."""
    claims = scene.tally.claims[-200:]
    chosen = scene.chance.sample(claims, min(3, len(claims)))
    at = datetime.now(UTC).isoformat()
    report = {"reports": [{"sequence": 1, "name": "printed", "occurred_at": at, "data": {"number": 1}}]}
    for claim in chosen:
        old = {"Fabroute-Lease": f"{claim.lease_id};epoch={max(0, claim.epoch - 1)}"}
        with scene.of_node(claim.node_id) as bureau:
            for what, body in (("acceptance", None), ("heartbeat", None), ("reports", report)):
                path = f"/v1/jobs/{claim.job_id}/{what}"
                scene.probe(_STALE, bureau, "POST", path, body, headers=old, wanted=(409,))
    return f"{len(chosen)} jobs"


def _some_lot(scene: _Scene, wire: Wire, node_id: str) -> dict[str, Any] | None:
    listed = _done(wire, "GET", f"/v1/nodes/{node_id}/lots?state=available&limit=200").json()["data"]
    lots: list[dict[str, Any]] = sorted(listed, key=lambda lot: str(lot["id"]))
    return scene.chance.choice(lots) if lots else None


def _receive(scene: _Scene, bureau: Wire, node_id: str, like: dict[str, Any]) -> None:
    lot = {
        "material": like["material"],
        "grams": like["initial_grams"],
        "expires_on": (datetime.now(UTC).date() + timedelta(days=400)).isoformat(),
        "supplier_lot": f"L-{scene.chance.randrange(10**9)}",
    }
    _done(bureau, "POST", f"/v1/nodes/{node_id}/lots", lot)


def _some_order(scene: _Scene) -> KeyTold | None:
    known = [told for told in scene.tally.keys if told.order_id is not None]
    return scene.chance.choice(known) if known else None


def _some_claim(scene: _Scene) -> ClaimTold | None:
    claims = scene.tally.claims
    return scene.chance.choice(claims) if claims else None


def _another_owner(scene: _Scene, organisation_id: str) -> ChaosOwner:
    return scene.chance.choice([it for it in scene.network.owners if it.organisation_id != organisation_id])


INCIDENTS: tuple[Incident, ...] = (
    Incident(name="revoke a certificate", strike=striking_with(revoke_certificate)),
    Incident(name="block a lot", strike=striking_with(block_lot)),
    Incident(name="quarantine a lot", strike=striking_with(quarantine_lot)),
    Incident(name="recall material", strike=striking_with(recall_material)),
    Incident(name="node down", strike=striking_with(node_down)),
    Incident(name="machine down", strike=striking_with(machine_down)),
    Incident(name="cut a machine's days", strike=striking_with(cut_capacity)),
    Incident(name="flip a byte of a print file", strike=striking_with(flip_byte)),
    Incident(name="ask for what is others'", strike=striking_with(ask_for_others)),
    Incident(name="reuse a key", strike=striking_with(reuse_key)),
    Incident(name="report under an old fence", strike=striking_with(report_under_old_fence)),
)
