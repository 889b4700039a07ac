"""What clients were told, held against the database: each comparison yields a sentence for everything that differs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from tests.faults.chaos.record import Record
from tests.faults.chaos.tally import KeyTold, Tally, WriteTold

Comparison = Callable[[Tally, Record], Iterator[str]]

_GONE = frozenset({"handed_over", "in_transit", "delivered", "exception", "lost"})
_UNDER_A_LEASE = frozenset({"acceptance", "heartbeat", "reports", "file-tickets", "shipments", "handover", "failure"})
_SHOWN = 12


def lost_orders(tally: Tally, record: Record) -> Iterator[str]:
    """Yield orders that were acknowledged and are not there."""
    for told in _acknowledged(tally):
        found = record.orders.get(told.order_id or "")
        if found is None:
            yield f"lost order: {told.order_id} was acknowledged to {told.key} and is not there"
        elif record.keys.get((told.organisation_id, told.key)) != told.order_id:
            yield f"lost key: {told.key} was answered with {told.order_id} and is not kept with it"


def changed_orders(tally: Tally, record: Record) -> Iterator[str]:
    """Yield orders that are not what was asked for."""
    for told in _acknowledged(tally):
        found = record.orders.get(told.order_id or "")
        wanted = (told.organisation_id, told.reference, told.lines)
        if found is not None and (found.organisation_id, found.reference, found.lines) != wanted:
            yield f"changed order: {told.order_id} is {found.lines} of {found.organisation_id}, asked was {wanted}"


def doubled_orders(tally: Tally, record: Record) -> Iterator[str]:
    """Yield keys for which more than one order is there, or one although all answers were refusals."""
    placed: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for order_id, order in record.orders.items():
        placed[(order.organisation_id, order.reference)].append(order_id)
    for told in tally.keys:
        found = placed.pop((told.organisation_id, told.reference), [])
        if len(found) > 1:
            yield f"two orders for one key: {told.key} made {', '.join(sorted(found))}"
        if found and told.answers and told.acknowledged is None:
            yield f"refused, but placed: {told.key} was refused and made {found[0]}"
    for (owner, reference), order_ids in placed.items():
        yield f"unasked order: {', '.join(order_ids)} of {owner} ({reference}): nobody sent that"


def differing_answers(tally: Tally, record: Record) -> Iterator[str]:
    """Yield keys, of orders and claims, that were answered in more than one way."""
    for told in tally.keys:
        if len(told.answers) > 1:
            statuses = ", ".join(str(status) for status, _ in sorted(told.answers))
            yield f"different answers to one key: {told.key} got {len(told.answers)} ({statuses})"
    for key, answers in tally.claim_answers.items():
        if len(answers) > 1:
            yield f"different answers to one key: claim {key} got {len(answers)}"


def impossible_orders(tally: Tally, record: Record) -> Iterator[str]:
    """Yield orders that nobody can make and that did not end without a route, with reasons."""
    for told in _acknowledged(tally):
        found = record.orders.get(told.order_id or "")
        if found is None or told.feasible:
            continue
        if found.state not in ("no_route", "cancelled"):
            yield f"impossible order: {told.order_id} is {found.state}, nobody can make it"
    for order_id, order in record.orders.items():
        if order.unexplained:
            yield f"no reason: {order_id} has {order.unexplained} lines without a route and without a reason"


def broken_cancellations(tally: Tally, record: Record) -> Iterator[str]:
    """Yield orders that were said to be cancelled and are not."""
    for order_id, status in tally.cancels.items():
        found = record.orders.get(order_id)
        if status == 200 and found is not None and found.state != "cancelled":
            yield f"broken cancellation: {order_id} was cancelled and is {found.state}"


def two_holders(tally: Tally, record: Record) -> Iterator[str]:
    """Yield jobs that were handed out twice under one epoch, or in an order that their epochs deny."""
    claims = defaultdict(list)
    for claim in tally.claims:
        claims[claim.job_id].append(claim)
    for job_id, found in claims.items():
        found.sort(key=lambda claim: (claim.epoch, claim.answered))
        for earlier, later in pairwise(found):
            if earlier.epoch == later.epoch:
                yield f"double dispatch: {job_id} was handed to {earlier.client} and {later.client} ({later.epoch})"
            elif later.answered < earlier.sent:
                yield f"fence runs backwards: {job_id} had epoch {later.epoch} before {earlier.epoch}"


def made_twice(tally: Tally, record: Record) -> Iterator[str]:
    """Yield lines of which more was said to be handed over than was ordered."""
    jobs = {claim.job_id: claim for claim in tally.claims}
    gone = {write.job_id for write in _done(tally, "handover")}
    parts: dict[str, int] = defaultdict(int)
    for job_id in gone & jobs.keys():
        parts[jobs[job_id].order_line_id] += jobs[job_id].quantity
    for line_id, made in parts.items():
        if made > record.line_quantities.get(line_id, 0):
            yield f"made twice: {made} parts of {line_id} were sent, {record.line_quantities.get(line_id)} ordered"


def stale_writes(tally: Tally, record: Record) -> Iterator[str]:
    """Yield writes that were taken under an epoch after a later one had been given out."""
    claims = defaultdict(list)
    for claim in tally.claims:
        claims[claim.job_id].append(claim)
    for write in tally.writes:
        if not 200 <= write.status < 300 or write.what not in _UNDER_A_LEASE:
            continue
        for claim in claims[write.job_id]:
            if claim.epoch > write.epoch and claim.answered < write.sent:
                yield (
                    f"stale write: {write.what} of {write.job_id} was taken under epoch {write.epoch}, "
                    f"{claim.client} had {claim.epoch}"
                )


def forgotten_claims(tally: Tally, record: Record) -> Iterator[str]:
    """Yield claims that were answered and are not on the audit log."""
    for claim in tally.claims:
        if (claim.job_id, claim.epoch) not in record.claims:
            yield f"forgotten claim: {claim.job_id} was handed to {claim.client} under {claim.epoch}"


def forgotten_writes(tally: Tally, record: Record) -> Iterator[str]:
    """Yield what nodes were told was done and is not there."""
    for write in tally.writes:
        if 200 <= write.status < 300 and _is_forgotten(write, record):
            yield f"forgotten write: {write.what} of {write.job_id} under {write.epoch} {dict(write.facts)}"


def _is_forgotten(write: WriteTold, record: Record) -> bool:
    job = record.jobs.get(write.job_id)
    match write.what:
        case "acceptance":
            return write.job_id not in record.accepted
        case "decline":
            return job is None or job.state != "declined"
        case "failure":
            return job is None or job.state != "failed"
        case "prints":
            told: Mapping[int, str] = write.facts["prints"]
            return any(record.prints.get((write.job_id, number)) != result for number, result in told.items())
        case "shipments":
            return write.facts["shipment_id"] not in record.shipments
        case "handover":
            return record.shipments.get(write.facts["shipment_id"]) not in _GONE
        case "delivered":
            return bool(record.shipments.get(write.facts["shipment_id"]) != write.facts["state"])
        case _:
            return False


def unasked_prints(tally: Tally, record: Record) -> Iterator[str]:
    """Yield prints that nobody reported; what was not answered, or waited for its turn, may have counted unheard."""
    told = {(write.job_id, number) for write in _done(tally, "prints") for number in write.facts["prints"]}
    unsure = {write.job_id for write in (*tally.unanswered, *_done(tally, "waiting"))}
    for (job_id, number), result in record.prints.items():
        if (job_id, number) not in told and job_id not in unsure and _was_handed_out(tally, job_id):
            yield f"unasked print: {result} print {number} of {job_id} was not told to anybody as counted"


def _was_handed_out(tally: Tally, job_id: str) -> bool:
    return any(write.job_id == job_id for write in tally.writes)


def tampered_files(tally: Tally, record: Record) -> Iterator[str]:
    """Yield print files that came with other bytes than were promised."""
    for fetch in tally.fetches:
        if fetch.status == 200 and fetch.sha256 != fetch.promised_sha256:
            got, promised = fetch.sha256[:_SHOWN], fetch.promised_sha256[:_SHOWN]
            yield f"tampered file: {fetch.job_id} got {got}, promised was {promised}"


def wrong_probes(tally: Tally, record: Record) -> Iterator[str]:
    """Yield requests that had to be refused and were answered otherwise."""
    for probe in tally.probes:
        if probe.wrong:
            yield f"{probe.name}: answered {probe.status} {probe.code} instead of {probe.wanted}: {probe.detail}"


def internal_errors(tally: Tally, record: Record) -> Iterator[str]:
    """Yield kinds of 500 that were answered: a damaged file is one, and meant."""
    for what, count in tally.counts.items():
        if what.startswith("answered 500") and not what.endswith("print_file_damaged"):
            yield f"internal errors: {what}, {count} times"


COMPARISONS: tuple[Comparison, ...] = (
    lost_orders,
    changed_orders,
    doubled_orders,
    differing_answers,
    impossible_orders,
    broken_cancellations,
    two_holders,
    made_twice,
    stale_writes,
    forgotten_claims,
    forgotten_writes,
    unasked_prints,
    tampered_files,
    wrong_probes,
    internal_errors,
)


def _acknowledged(tally: Tally) -> Iterator[KeyTold]:
    return (told for told in tally.keys if told.acknowledged is not None)


def _done(tally: Tally, what: str) -> Iterator[WriteTold]:
    return (write for write in tally.writes if write.what == what and 200 <= write.status < 300)
