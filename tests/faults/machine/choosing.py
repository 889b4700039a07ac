"""Which deed a number stands for: what a client, a person or the network may do, mostly what makes sense."""

from collections.abc import Callable

from fabroute.identity.rules import Principal
from fabroute.network.service import LotState
from tests.faults.machine import deeds
from tests.faults.machine.deeds import CLIENTS, Deed
from tests.faults.machine.place import Place
from tests.faults.machine.state import Held, Job, World

_SENSIBLE = {
    "offered": (0, 2, 3, 4, 5),
    "countered": (0, 4),
    "accepted": (0, 6, 7, 8, 10, 4, 11),
    "in_production": (0, 8, 9, 10, 11, 12, 6),
    "inspected": (0, 9, 11, 12),
    "held": (0, 11, 12, 8),
    "suspect": (0, 7, 8, 10, 11),
}
"""What a client may well do with a job in each state, by number; now and then it does anything else."""
_DEEDS_OF_CLIENTS = 13


def lease_of(world: World, job: Job, how: str) -> Held | None:
    """Return the lease that a client names: the one that it holds, an old or a wrong one, or none."""
    held = None if job.lease_id is None else (job.lease_id, job.epoch)
    if how == "none" or (how == "held" and (held is None or job.kind == "hand")):
        return None
    if how == "held":
        return held
    known = [lease for lease in world.leases.get(job.id, ()) if lease != held]
    return known[-1] if known else ("lse_unknown", job.epoch)


def next_deed(place: Place, world: World, job: Job, key: str) -> Deed:
    """Return what is done next with a job when all goes well."""
    client, lease = CLIENTS[0], lease_of(world, job, "held")
    if job.state == "offered" and job.lease_id is None:
        return deeds.claim_named(job.id, job.plan.node, client, key)
    if job.state == "accepted" and not job.fetched:
        return deeds.fetch(job.id, lease, client)
    choices: dict[str, Callable[[], Deed]] = {
        "offered": lambda: deeds.accept(job.id, lease, client),
        "countered": lambda: deeds.answer_counter(place, job.id, yes=True),
        "accepted": lambda: deeds.start(job.id, lease, client),
        "in_production": lambda: deeds.complete(job.id, lease, client, result="good", number=None),
        "held": lambda: deeds.resume(place, job.id),
    }
    return choices.get(job.state, lambda: deeds.beat(job.id, lease, client))()


def deed_of_client(job: Job, lease: Held | None, client: Principal, which: int) -> Deed:
    """Return what a client does with a job: mostly what makes sense in its state, now and then anything."""
    sensible = _SENSIBLE.get(job.state, ()) if which >= _DEEDS_OF_CLIENTS else ()
    made: tuple[Callable[[], Deed], ...] = (
        lambda: deeds.beat(job.id, lease, client),
        lambda: deeds.beat(job.id, lease, client),
        lambda: deeds.accept(job.id, lease, client),
        lambda: deeds.accept(job.id, lease, client),
        lambda: deeds.decline(job.id, lease, client, "capacity" if which % 2 else "machine_down"),
        lambda: deeds.counter(job.id, lease, client, job.price + 500),
        lambda: deeds.fetch(job.id, lease, client),
        lambda: deeds.start(job.id, lease, client),
        lambda: deeds.complete(job.id, lease, client, result="good", number=None),
        lambda: deeds.complete(job.id, lease, client, result="good", number=1),
        lambda: deeds.complete(job.id, lease, client, result="failed", number=job.failed + job.good + 1),
        lambda: deeds.fail(job.id, lease, client),
        lambda: deeds.answer_stop(job.id, lease, client, agreed=job.good == 0),
    )
    return made[sensible[which % len(sensible)] if sensible else which % _DEEDS_OF_CLIENTS]()


def deed_of_network(world: World, node: str, which: int, state: LotState, name: str) -> Deed:
    """Return what happens at a node: it loses a certificate, its youngest lot or its power, or gets them back."""
    standing = world.certified.get(node)
    lot_id = max((it for it, lot in world.lots.items() if lot.node == node), key=lambda it: (len(it), it))
    lot = world.lots[lot_id]
    if which < 2:
        return deeds.certify(node, name) if standing is None else deeds.revoke(node, standing)
    if which == 2 and lot.state == "blocked":
        return deeds.receive(node, f"{lot_id}x", 80)
    if which < 5:
        return deeds.set_lot(lot_id, state if lot.state == "available" else "available")
    return deeds.set_node(node, "down" if world.nodes[node] == "up" and which < 7 else "up")


def deed_of_person(place: Place, world: World, job: Job, which: int) -> Deed:
    """Return what an owner or the operator does about a job."""
    line = world.lines[job.line_id]
    position = 1 + [it.id for it in world.lines.values() if it.order_id == job.order_id].index(line.id)
    made: tuple[Callable[[], Deed], ...] = (
        lambda: deeds.resume(place, job.id),
        lambda: deeds.take_back(job.id),
        lambda: deeds.suspicion(place, job.id, reroute=job.good == 0),
        lambda: deeds.retry(place, line.id, line.order_id, position),
        lambda: deeds.answer_counter(place, job.id, yes=job.plan.node == "N101"),
        lambda: deeds.cancel(place, job.order_id),
    )
    if which == 4 and not job.counter:
        return deeds.suspicion(place, job.id, reroute=False)
    return made[which]()


def racer(place: Place, world: World, job: Job, which: int, key: str) -> Callable[[Principal], Deed]:
    """Return something that two may want to do with a job at the same time."""
    lease, node = lease_of(world, job, "held"), job.plan.node
    made: tuple[Callable[[Principal], Deed], ...] = (
        lambda client: deeds.claim_named(job.id, node, client, key),
        lambda client: deeds.accept(job.id, lease, client),
        lambda client: deeds.decline(job.id, lease, client, "capacity"),
        lambda _: deeds.cancel(place, job.order_id),
        lambda _: deeds.take_back(job.id),
        lambda client: deeds.complete(job.id, lease, client, result="good", number=None),
        lambda _: deeds.revoke(node, world.certified[node]) if node in world.certified else deeds.resume(place, job.id),
        lambda _: deeds.set_node(node, "down"),
    )
    return made[which]
