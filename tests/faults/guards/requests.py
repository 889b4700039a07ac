"""What tries the guards that clients meet: keys sent again, old leases, damaged files, what is others'.

The same on the API in this process and on running processes. All that clients are told goes into the tally.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.chaos.incidents import INCIDENTS
from tests.faults.chaos.network import ChaosBureau, ChaosOwner
from tests.faults.chaos.tally import ClaimTold, FetchTold, KeyTold, ProbeTold, WriteTold
from tests.faults.chaos.wire import Answer, Wire
from tests.faults.guards.scene import Scene

_DECIDED = "SELECT count(*) > 0 AND bool_and(state NOT IN ('pending', 'routing')) FROM order_lines"
_OFFERED = "SELECT state = 'offered' AND lease_id IS NULL FROM jobs WHERE id = '{}'"
_LAPSE = "UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = '{}'"
_JOB = "SELECT id, node_id FROM jobs WHERE order_id = %s"
_KEYS, _AT_ONCE = 20, 6
_PATIENCE_SECONDS = 60.0


def repeat_a_key(scene: Scene) -> str:
    """Send an order again to the other API process, as it was."""
    _begin(scene, "again")
    answers = [_send(scene, "again", process=process) for process in (0, 1)]
    scene.until(_DECIDED)
    return f"{answers[0].status}, then {answers[1].status} {answers[1].code}".strip()


def send_keys_at_once(scene: Scene) -> str:
    """Send orders to both API processes several times in the same instant, each under its key."""
    names = [f"at-once-{number}" for number in range(_KEYS)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for name in names:
            _begin(scene, name)
            list(pool.map(lambda process, key=name: _send(scene, key, process=process), range(_AT_ONCE)))
    scene.until(_DECIDED)
    return f"{_KEYS} keys, each {_AT_ONCE} times"


def report_under_an_old_lease(scene: Scene) -> str:
    """Let a client of a node fall silent until its claim is over and another one has the job, then accept it."""
    order_id = _place(scene, "silence")
    old = _claim(scene, order_id, "first")
    scene.change(_LAPSE.format(old.job_id))
    scene.until(_OFFERED.format(old.job_id))
    _claim(scene, order_id, "second")
    answer = _write(scene, old, "acceptance")
    _probe(scene, "stale fence", answer, wanted=409)
    return f"{answer.status} {answer.code}".strip()


def damage_a_file(scene: Scene) -> str:
    """Change a bit of a print file in the store; then its owner and the node that has a job ask for it."""
    claim = _claim(scene, _place(scene, "damage"), "maker")
    _write(scene, claim, "acceptance")
    ticket = _write(scene, claim, "file-tickets").json()
    owner, part = scene.network.owners[0], scene.network.owners[0].parts[0]
    with _damaged(scene.installed.storage / part.sha256[:2] / part.sha256), _wire(scene, owner) as asking:
        own = asking.ask("GET", f"/v1/revisions/{part.revision_id}/print-file", seconds=_PATIENCE_SECONDS)
        fetched = _fetch(scene, claim, ticket)
    _probe(scene, "damaged file", own, wanted=500)
    return f"its owner: {own.status} {own.code}; its node: {fetched.status} {fetched.code}"


def ask_for_what_is_others(scene: Scene) -> str:
    """Ask for an order and a job with the keys of another owner and another bureau."""
    _claim(scene, _place(scene, "secret"), "claimant")
    (incident,) = [it for it in INCIDENTS if it.name == "ask for what is others'"]
    incident.strike(scene.installed, scene.network, scene.tally, Random(1))
    answers = sorted({probe.status for probe in scene.tally.probes})
    return f"{len(scene.tally.probes)} requests, answered {', '.join(map(str, answers))}"


def _begin(scene: Scene, key: str) -> None:
    owner = scene.network.owners[0]
    scene.tally.begin(
        KeyTold(
            key=key,
            organisation_id=owner.organisation_id,
            reference=key,
            lines=((owner.parts[0].part_no, 2),),
            feasible=True,
        )
    )


def _place(scene: Scene, key: str) -> str:
    """Place an order, have it routed, and return its id."""
    _begin(scene, key)
    answer = _send(scene, key, process=0)
    assert answer.status == 201, answer.body
    scene.until(_DECIDED)
    return str(answer.json()["id"])


def _send(scene: Scene, key: str, *, process: int) -> Answer:
    """Send an order once; what is no final answer is none."""
    owner = scene.network.owners[0]
    lines = [{"part": owner.parts[0].part_no, "quantity": 2}]
    body = {"reference": key, "ship_to": {"city": "Berlin", "country": "DE"}, "lines": lines}
    with _wire(scene, owner, first=process) as wire:
        answer = wire.ask("POST", "/v1/orders", body, headers={"Idempotency-Key": key}, seconds=_PATIENCE_SECONDS)
    if answer.is_final:
        scene.tally.order_answered(key, answer)
    return answer


def _claim(scene: Scene, order_id: str, client: str) -> ClaimTold:
    """Have a client of the node that has an order's job claim it."""
    with scene.installed.engine.connect() as connection:
        job_id, node_id = map(str, connection.exec_driver_sql(_JOB, (order_id,)).one())
    with _wire(scene, scene.network.bureau_of(node_id)) as wire:
        body = {"job_id": job_id}
        path, key = f"/v1/nodes/{node_id}/claims", {"Idempotency-Key": f"{client} {order_id}"}
        answer = wire.ask("POST", path, body, headers=key, seconds=_PATIENCE_SECONDS)
    (packet,) = answer.json()["data"]
    claim = _claim_told(packet, client, answer)
    scene.tally.claimed(f"{client} {order_id}", answer, [claim])
    return claim


def _claim_told(packet: dict[str, Any], client: str, answer: Answer) -> ClaimTold:
    job, lease = packet["job"], packet["lease"]
    return ClaimTold(
        job_id=job["id"],
        order_id=job["order_id"],
        order_line_id=job["order_line_id"],
        share_no=job["share_no"],
        quantity=job["quantity"],
        node_id=job["node_id"],
        lease_id=lease["lease_id"],
        epoch=lease["epoch"],
        client=client,
        sent=answer.sent,
        answered=answer.answered,
    )


def _write(scene: Scene, claim: ClaimTold, what: str) -> Answer:
    """Write about a job under a claim's lease."""
    with _wire(scene, scene.network.bureau_of(claim.node_id)) as wire:
        path = f"/v1/jobs/{claim.job_id}/{what}"
        answer = wire.ask("POST", path, headers=_lease(claim), seconds=_PATIENCE_SECONDS)
    scene.tally.wrote(
        WriteTold(
            job_id=claim.job_id,
            lease_id=claim.lease_id,
            epoch=claim.epoch,
            what=what,
            status=answer.status,
            code=answer.code,
            sent=answer.sent,
            answered=answer.answered,
        )
    )
    return answer


def _fetch(scene: Scene, claim: ClaimTold, ticket: dict[str, Any]) -> Answer:
    with _wire(scene, scene.network.bureau_of(claim.node_id)) as wire:
        answer = wire.ask("GET", ticket["url"], headers=_lease(claim), seconds=_PATIENCE_SECONDS)
    found = hashlib.sha256(answer.body).hexdigest() if answer.ok else ""
    scene.tally.fetched(
        FetchTold(job_id=claim.job_id, status=answer.status, promised_sha256=ticket["sha256"], sha256=found)
    )
    return answer


def _probe(scene: Scene, name: str, answer: Answer, *, wanted: int) -> None:
    scene.tally.probed(
        ProbeTold(name=name, wanted=(wanted,), status=answer.status, code=answer.code, detail="a guard was tried")
    )


def _lease(claim: ClaimTold) -> dict[str, str]:
    return {"Fabroute-Lease": f"{claim.lease_id};epoch={claim.epoch}"}


@contextmanager
def _wire(scene: Scene, who: ChaosOwner | ChaosBureau, *, first: int = 0) -> Iterator[Wire]:
    with closing(Wire(scene.installed.api_urls, who.token, first=first, heard=scene.tally.heard)) as wire:
        yield wire


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    """Change the first bit of a file while the block lasts."""
    _flip(path)
    try:
        yield
    finally:
        _flip(path)


def _flip(path: Path) -> None:
    with path.open("r+b") as file:
        first = file.read(1)[0]
        file.seek(0)
        file.write(bytes([first ^ 1]))
