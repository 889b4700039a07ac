"""The judge: holds the database against what clients were told, and asks the doctor and the audit log, too."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from fabroute.cli.invariants import Finding, check_invariants
from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import Evidence, verify_audit_log
from fabroute.integrations.validation.signing import open_signer, verify
from tests.faults.chaos.comparing import COMPARISONS
from tests.faults.chaos.record import LIVE, Record, record_on
from tests.faults.chaos.tally import Tally
from tests.faults.chaos.wire import Installed

QUIET_SECONDS = 240.0
"""So long a run may take to come to rest after its last order."""
PEOPLE_SECONDS = 75.0
"""So long people have to decide about what waits for them when all else is at rest."""
SETTLE_SECONDS = 90.0
"""So long invariants that allow for a minute of delay may take to hold."""
_LOOK_SECONDS = 0.5
_STEADY_LOOKS = 4
"""So often in a row nothing may be under way: a line that nobody could make is tried again when stock comes back."""
_EXAMPLES = 10
"""Of each problem; the rest is counted."""
_UNDER_WAY = (
    "(state IN ('planned', 'offered', 'countered', 'in_production', 'inspected', 'shipped')"
    " OR state = 'accepted' AND lease_kind <> 'hand')"
)
"""What a person has accepted by hand is at its end here: it lies in that node's hands."""
_WITH_PEOPLE = ("held", "suspect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long orders may take from their placing to the commit of their first decision."""

    p99_seconds: float = 15.0
    max_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong, and the figures."""

    problems: tuple[str, ...]
    figures: Mapping[str, float | int | str]
    slowest: tuple[str, ...] = ()
    """The lines that waited longest for their route."""

    @property
    def green(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A statement of the judge's own that finds the rows that break it; the first column says which."""

    name: str
    query: str


LAWS: tuple[Law, ...] = (
    Law(
        name="two live jobs for one share",
        query=f"SELECT order_line_id || '/' || share_no, count(*) FROM jobs WHERE {LIVE}"
        " GROUP BY order_line_id, share_no HAVING count(*) > 1",
    ),
    Law(
        name="more than ordered is being made",
        query=f"SELECT line.id, line.quantity, sum(job.quantity) FROM order_lines line JOIN jobs job"
        f" ON job.order_line_id = line.id AND job.{LIVE} GROUP BY line.id HAVING sum(job.quantity) > line.quantity",
    ),
    Law(
        name="over-allocated lot",
        query="SELECT lot.id, lot.initial_grams, sum(held.grams) FROM material_lots lot JOIN material_allocations held"
        " ON held.lot_id = lot.id AND held.released_at IS NULL GROUP BY lot.id"
        " HAVING sum(held.grams) > lot.initial_grams",
    ),
    Law(
        name="a lot's remainder is wrong",
        query="SELECT lot.id, lot.remaining_grams, lot.initial_grams - coalesce(sum(held.grams), 0)"
        " FROM material_lots lot LEFT JOIN material_allocations held ON held.lot_id = lot.id"
        " AND held.released_at IS NULL GROUP BY lot.id"
        " HAVING lot.remaining_grams <> lot.initial_grams - coalesce(sum(held.grams), 0)",
    ),
    Law(
        name="over-allocated slot",
        query="SELECT slot.machine_id || ' ' || slot.day, slot.initial_minutes, sum(held.minutes)"
        " FROM capacity_slots slot JOIN capacity_allocations held ON held.machine_id = slot.machine_id"
        " AND held.day = slot.day AND held.released_at IS NULL GROUP BY slot.machine_id, slot.day"
        " HAVING sum(held.minutes) > slot.initial_minutes",
    ),
    Law(
        name="a slot's remainder is wrong",
        query="SELECT slot.machine_id || ' ' || slot.day, slot.remaining_minutes, slot.initial_minutes"
        " - coalesce(sum(held.minutes), 0) FROM capacity_slots slot LEFT JOIN capacity_allocations held"
        " ON held.machine_id = slot.machine_id AND held.day = slot.day AND held.released_at IS NULL"
        " GROUP BY slot.machine_id, slot.day"
        " HAVING slot.remaining_minutes <> slot.initial_minutes - coalesce(sum(held.minutes), 0)",
    ),
    Law(
        name="a job without material or time",
        query="SELECT job.id, job.state, job.grams, job.machine_minutes FROM jobs job WHERE job.state IN"
        " ('planned', 'offered', 'countered', 'accepted', 'in_production', 'inspected')"
        " AND (job.grams <> (SELECT coalesce(sum(grams), 0) FROM material_allocations held WHERE held.job_id = job.id"
        " AND held.released_at IS NULL) OR job.machine_minutes <> (SELECT coalesce(sum(minutes), 0)"
        " FROM capacity_allocations held WHERE held.job_id = job.id AND held.released_at IS NULL))",
    ),
    Law(
        name="material held by a job that ended",
        query=f"SELECT held.job_id FROM material_allocations held JOIN jobs job ON job.id = held.job_id"
        f" WHERE held.released_at IS NULL AND NOT job.{LIVE}",
    ),
    Law(
        name="an order without its answer, or an answer without its order",
        query="SELECT coalesce(placed.id, kept.subject_id), kept.key FROM orders placed FULL JOIN (SELECT * FROM"
        " idempotency_keys WHERE location LIKE '/v1/orders/%') kept ON kept.subject_id = placed.id"
        " WHERE placed.id IS NULL OR kept.key IS NULL",
    ),
    Law(
        name="left behind",
        query="SELECT id, state, attempts, next_attempt_at FROM order_lines WHERE state IN ('pending', 'routing')",
    ),
    Law(
        name="a job left behind",
        query=f"SELECT id, state, node_id, updated_at FROM jobs WHERE {_UNDER_WAY}",
    ),
    Law(
        name="a routed line that nobody makes",
        query="SELECT line.id, line.quantity FROM order_lines line WHERE line.state = 'routed'"
        f" AND (SELECT coalesce(sum(quantity), 0) FROM jobs job WHERE job.order_line_id = line.id AND job.{LIVE})"
        " <> line.quantity",
    ),
    Law(
        name="parked, held or suspect without a reason",
        query="SELECT id, state FROM order_lines WHERE state IN ('parked', 'no_route') AND state_reason = ''"
        " UNION ALL SELECT id, state FROM jobs WHERE state = 'held' AND held_reason = ''"
        " OR state = 'suspect' AND suspect_since IS NULL OR NOT " + LIVE + " AND end_reason = ''",
    ),
    Law(
        name="written after its end",
        query="SELECT later.subject_id, ending.action, later.action FROM audit_entries ending JOIN audit_entries later"
        " ON later.subject_type = 'job' AND later.subject_id = ending.subject_id AND later.id > ending.id"
        " WHERE ending.subject_type = 'job'"
        " AND ending.action IN ('job.cancelled', 'job.declined', 'job.lapsed', 'job.failed')"
        " AND later.action IN ('job.claimed', 'job.accepted', 'job.started', 'job.print_reported', 'job.inspected',"
        " 'job.shipped', 'job.delivered', 'print_file.released', 'shipment.prepared')",
    ),
    Law(
        name="claimed twice under one epoch",
        query="SELECT subject_id, data ->> 'epoch', count(*) FROM audit_entries WHERE action = 'job.claimed'"
        " GROUP BY 1, 2 HAVING count(*) > 1",
    ),
    Law(
        name="accepted twice under one lease",
        query="SELECT job.subject_id, count(*), (SELECT count(*) FROM audit_entries claim"
        " WHERE claim.subject_id = job.subject_id AND claim.action = 'job.claimed') FROM audit_entries job"
        " WHERE job.action = 'job.accepted' GROUP BY job.subject_id HAVING count(*) > 1",
    ),
    Law(
        name="untold",
        query="SELECT event_id, name FROM outbox_events WHERE published_at IS NULL"
        " AND occurred_at < clock_timestamp() - interval '30 seconds'",
    ),
)


def judge(
    installation: Installed,
    tally: Tally,
    *,
    limits: Limits | None = None,
    quiet_seconds: float = QUIET_SECONDS,
    settle_seconds: float = SETTLE_SECONDS,
) -> Verdict:
    """Wait until the installation is at rest, then say what is wrong. Bureaus and people must still be at work.

    ``limits`` are asked where they are given. Whoever waits for a person at the end is no problem, but a figure.
    """
    began = time.monotonic()
    came_to_rest = wait_until_quiet(installation.engine, seconds=quiet_seconds)
    drained = time.monotonic() - began
    findings = _doctored(installation.engine, seconds=settle_seconds)
    record, broken = read_at_rest(installation.engine, seconds=settle_seconds)
    figures = figures_of(installation.engine, tally, record) | {"drain s": round(drained, 1)}
    problems = [
        *([] if came_to_rest else [f"not at rest {quiet_seconds:.0f} s after the last order"]),
        *broken,
        *compared(tally, record),
        *(_words(found) for found in findings if found.broken),
        *broken_chains(installation.engine, signing_key=_signing_key(installation)),
        *(too_slow(record, limits) if limits is not None else ()),
    ]
    return Verdict(problems=tuple(problems), figures=figures, slowest=record.slowest)


def wait_until_quiet(engine: Engine, *, seconds: float, people_seconds: float = PEOPLE_SECONDS) -> bool:
    """Wait until no line and no job is under way; return whether that came.

    What waits for people alone is waited for as long as ``people_seconds``; a database that is down is not at rest.
    """
    until, people_until, steady = time.monotonic() + seconds, 0.0, 0
    while time.monotonic() < until:
        under_way, with_people = _open_work(engine)
        steady = steady + 1 if under_way == 0 else 0
        if steady >= _STEADY_LOOKS:
            people_until = people_until or time.monotonic() + people_seconds
            if with_people == 0 or time.monotonic() > people_until:
                return True
        time.sleep(_LOOK_SECONDS)
    return steady >= _STEADY_LOOKS


def read_at_rest(engine: Engine, *, seconds: float) -> tuple[Record, list[str]]:
    """Return the record and what breaks a law, both of one instant in which nothing is under way.

    A line that nobody could make is tried again whenever a machine or a lot comes back, long after all else is over.
    Where there is no such instant in time, the last one is taken as it is.
    """
    until = time.monotonic() + seconds
    while True:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            under_way, _ = connection.execute(text(_OPEN_WORK)).one()
            if under_way == 0 or time.monotonic() >= until:
                return record_on(connection), laws_broken_on(connection)
        time.sleep(_LOOK_SECONDS)


def broken_laws(engine: Engine) -> list[str]:
    """Return a sentence for each row that breaks a law, up to ten of each."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return laws_broken_on(connection)


def laws_broken_on(connection: Connection) -> list[str]:
    """Return what ``broken_laws`` does, as a connection sees it."""
    return [
        sentence
        for law in LAWS
        for sentence in _shortened(
            f"{law.name}: {' · '.join(map(str, row))}" for row in connection.execute(text(law.query))
        )
    ]


def compared(tally: Tally, record: Record) -> list[str]:
    """Return a sentence for everything in which the database and what clients were told differ, up to ten of a kind."""
    return [sentence for comparison in COMPARISONS for sentence in _shortened(comparison(tally, record))]


def broken_chains(engine: Engine, *, signing_key: str | None = None) -> list[str]:
    """Return what is wrong with the chains of the audit log."""
    evidence = Evidence(check=verify, trusted_keys=frozenset({signing_key} if signing_key else ()))
    with unit_of_work(engine, repeatable_read=True) as session:
        found = verify_audit_log(session, evidence=evidence)
    return list(
        _shortened(f"audit log: {it.code} at {it.position} of {it.chain}: {it.message}" for it in found.findings)
    )


def too_slow(record: Record, limits: Limits) -> list[str]:
    """Return whether orders waited longer for their route than they may."""
    p99, longest = percentile(record.routed_seconds, 99), max(record.routed_seconds, default=0.0)
    found = []
    if p99 > limits.p99_seconds:
        found.append(f"too slow: 99 of 100 orders had their route within {p99:.1f} s, not {limits.p99_seconds:g}")
    if longest > limits.max_seconds:
        found.append(f"too slow: one order had its route after {longest:.1f} s, not {limits.max_seconds:g}")
    return found


def percentile(values: tuple[float, ...], share: int) -> float:
    """Return the value that ``share`` of a hundred values do not exceed (nearest rank); 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0.0


def figures_of(engine: Engine, tally: Tally, record: Record) -> dict[str, float | int | str]:
    """Return the figures of a run: orders by state, jobs by state, who waits for a person, times, refusals."""
    states = Counter(order.state for order in record.orders.values())
    jobs = Counter(job.state for job in record.jobs.values())
    refused = Counter(write.code for write in tally.writes if write.status == 409)
    times = record.routed_seconds
    return {
        "orders acknowledged": tally.acknowledged,
        "orders sent": sum(sum(told.answers.values()) for told in tally.keys),
        **{f"orders {state}": count for state, count in sorted(states.items())},
        **{f"jobs {state}": count for state, count in sorted(jobs.items())},
        "waiting for a person": states["parked"] + jobs["held"] + jobs["suspect"],
        "route p50 s": round(percentile(times, 50), 2),
        "route p99 s": round(percentile(times, 99), 2),
        "route max s": round(max(times, default=0.0), 2),
        "claims": len(tally.claims),
        "files fetched": sum(fetch.status == 200 for fetch in tally.fetches),
        "writes answered": len(tally.writes),
        "writes without an answer": len(tally.unanswered),
        **{f"writes refused: {code}": count for code, count in sorted(refused.items())},
        "requests that had to be refused": len(tally.probes),
        **_counted(engine),
        **dict(sorted(tally.counts.items())),
    }


def _counted(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(text(_TABLES)).all()
    return {str(name): int(count) for name, count in rows}


def _doctored(engine: Engine, *, seconds: float) -> tuple[Finding, ...]:
    """Return the doctor's findings, once nothing is broken or the time for that is over."""
    until = time.monotonic() + seconds
    while True:
        found = check_invariants(engine)
        if not any(it.broken for it in found) or time.monotonic() >= until:
            return found
        time.sleep(10 * _LOOK_SECONDS)


def _open_work(engine: Engine) -> tuple[int, int]:
    try:
        with engine.connect() as connection:
            under_way, with_people = connection.execute(text(_OPEN_WORK)).one()
            return int(under_way), int(with_people)
    except DBAPIError:
        return 1, 0


def _words(found: Finding) -> str:
    return f"doctor: {found.invariant.name}: {found.broken} rows, such as {'; '.join(found.examples)}"


def _shortened(sentences: Iterator[str]) -> Iterator[str]:
    left = 0
    for number, sentence in enumerate(sentences):
        if number < _EXAMPLES:
            yield sentence
        else:
            left += 1
    if left:
        yield f"{sentence.partition(':')[0]}: and {left} more"


def _signing_key(installation: Installed) -> str | None:
    """Return the public key that the installation signs with; None while it has signed nothing."""
    path = Path(installation.environment.get("FABROUTE_SIGNING_KEY_FILE", ""))
    return open_signer(path).public_key if path.is_file() else None


_OPEN_WORK = f"""
SELECT (SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing'))
    + (SELECT count(*) FROM jobs WHERE {_UNDER_WAY}),
    (SELECT count(*) FROM jobs WHERE state IN {_WITH_PEOPLE})
"""
_TABLES = """
SELECT 'reroutes: ' || cause AS name, count(*) FROM reroutes GROUP BY cause
UNION ALL SELECT 'late reports kept: ' || kind, count(*) FROM reconciliations GROUP BY kind
UNION ALL SELECT 'audit entries', count(*) FROM audit_entries
ORDER BY name
"""
