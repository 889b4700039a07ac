"""What the model knows of the world: plain Python, no database and nothing of the product in it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

LEASE = timedelta(seconds=300)
"""Of a client that gives signs of life."""
LEASE_BY_HAND = timedelta(days=1)
"""Of a person who gives one after silence."""
OFFER = timedelta(seconds=900)
OWNERS_TIME = timedelta(hours=24)
ROUTING_LEASE = timedelta(seconds=60)
SCOPE_LEASE = timedelta(seconds=6)
ATTEMPT_CAP = 3
MOST_NODES = 3
"""So many nodes may lose a line; then it waits for a person."""
PATIENT_ATTEMPTS = 3
GRAMS = {1: 37, 2: 73}
"""What so many pieces take of a lot: 24.5 cm3 each, 1.01 g/cm3 and what is not refreshed of the powder around them."""

ENDED = frozenset({"declined", "lapsed", "failed", "cancelled"})
WORKING = frozenset({"accepted", "in_production"})
MADE = frozenset({"inspected", "shipped", "delivered"})
HOLDABLE = frozenset({"offered", "countered", "accepted", "in_production", "inspected", "suspect"})
SILENCEABLE = frozenset({"accepted", "in_production", "inspected"})
UNSTARTED = frozenset({"offered", "countered", "accepted", "held"})
ASKABLE = frozenset({"accepted", "in_production", "inspected", "held", "suspect"})

SCOPE = "global"
SUSPECTS = "global/suspects"
"""Lines whose worker has gone are decided apart."""
SUSPECTS_TOGETHER = 16
BROKEN_RUNS_LEFT = 2
"""A line that a person sends on its way again may break so many runs before it is parked again, but two."""

Held = tuple[str, int]
"""A lease as it was given out: its id and epoch."""
Slot = tuple[str, date]


class Illegal(AssertionError):
    """The product did what the model never would."""


@dataclass(slots=True)
class Line:
    """A line of an order."""

    id: str
    order_id: str
    quantity: int
    licensed: bool
    due: datetime | None
    state: str = "pending"
    fence: int = 0
    attempts: int = 0
    until: datetime | None = None
    decided: bool = False
    excluded: set[str] = field(default_factory=set)
    scope: str = SCOPE
    broken: int = 0
    """How many runs ended with it in them and without a plan."""

    def back(self, now: datetime) -> None:
        """Wait for routing, with all attempts."""
        self.state, self.attempts, self.due, self.until = "pending", 0, now, None

    def done(self, state: str) -> None:
        """Come to an outcome."""
        self.state, self.until, self.due, self.decided = state, None, None, True
        self.scope, self.broken = SCOPE, 0

    def is_due(self, now: datetime) -> bool:
        """Return whether a run may take it."""
        return self.state == "pending" and (self.due is None or self.due <= now)


@dataclass(slots=True)
class Plan:
    """What a run wants for a line."""

    line_id: str
    node: str
    lot: str
    machine: str
    grams: int
    minutes: dict[date, int]


@dataclass(slots=True, kw_only=True)
class Job:
    """A job with all that the database should know of it."""

    id: str
    line_id: str
    order_id: str
    quantity: int
    licensed: bool
    plan: Plan
    price: int
    produce_by: date
    offered_at: datetime
    offer_until: datetime
    state: str = "offered"
    version: int = 1
    fence: int = 0
    rounds: int = 0
    nudged: bool = False
    lease_id: str | None = None
    kind: str = ""
    epoch: int = 0
    until: datetime | None = None
    claimed_by: str | None = None
    accepted_by: str | None = None
    fetched: bool = False
    begun: bool = False
    good: int = 0
    failed: int = 0
    held_from: str | None = None
    held_at: datetime | None = None
    held_for_lot: bool = False
    suspect_from: str | None = None
    suspect_at: datetime | None = None
    asked: str | None = None
    """Why its node is asked to stop: empty for its order; None where nobody asks."""
    ended_at: datetime | None = None
    decline: str = ""
    counter: str = ""
    """What became of the counter-offer of its node; empty: there is none."""
    countered_by: str = ""

    @property
    def live(self) -> bool:
        """Whether it is not over without a part."""
        return self.state not in ENDED

    @property
    def started(self) -> bool:
        """Whether a part may exist."""
        return self.fetched or self.begun or self.good + self.failed > 0

    @property
    def made(self) -> bool:
        """Whether all its prints are good."""
        return self.good >= self.quantity

    @property
    def prints_left(self) -> int:
        """How often its node may still print."""
        return 0 if self.made else self.quantity - self.good - self.failed

    @property
    def state_of_work(self) -> str:
        """Where it is once its node has given a sign of life."""
        return self.suspect_from or "" if self.state == "suspect" else self.state

    def move(self, to: str, *, same_hands: bool = False) -> None:
        """Come into another state."""
        self.state = to
        self.version += 1
        self.fence += 0 if same_hands else 1


@dataclass(slots=True)
class Lot:
    """Material at a node."""

    node: str
    grams: int
    state: str = "available"


@dataclass(slots=True)
class Licence:
    """The right to so many good prints."""

    granted: int
    good: int = 0
    leased: int = 0

    @property
    def free(self) -> int:
        """How many nobody has taken."""
        return self.granted - self.good - self.leased


@dataclass(slots=True)
class Scope:
    """A planning scope: who may decide its lines, until when."""

    fence: int = 0
    until: datetime | None = None


@dataclass(slots=True)
class PausedRun:
    """A run that has read its snapshot and has not written yet."""

    scope: str
    scope_fence: int
    fences: dict[str, int]
    began_at: datetime
    plans: dict[str, Plan | None] = field(default_factory=dict)
    outbid: frozenset[str] = frozenset()
    """Lines without a plan that had places, all of which went to others."""


Late = tuple[str, str, int, str, str]
"""Job, lease, epoch, what was reported, and its content."""


@dataclass(slots=True)
class World:
    """Everything."""

    now: datetime
    nodes: dict[str, str]
    lots: dict[str, Lot]
    licence: Licence
    certified: dict[str, str]
    """By node, the certificate that stands; a node without one has none."""
    lines: dict[str, Line] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    reroutes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """By job: why it left its node, and whether it is settled."""
    reports: dict[tuple[str, str, int], str] = field(default_factory=dict)
    prints: dict[tuple[str, int], str] = field(default_factory=dict)
    late: dict[Late, str] = field(default_factory=dict)
    leases: dict[str, list[Held]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    scopes: dict[str, Scope] = field(default_factory=dict)

    def live_jobs(self) -> list[Job]:
        """Return the jobs that are not over."""
        return [job for job in self.jobs.values() if job.live]

    def closed(self, job: Job) -> bool:
        """Return whether a gate is closed to a job."""
        return job.plan.node not in self.certified or self.lots[job.plan.lot].state != "available"

    def taken(self) -> Counter[Slot]:
        """Return the minutes that live jobs hold of each day of a machine."""
        found: Counter[Slot] = Counter()
        for job in self.live_jobs():
            for day, minutes in job.plan.minutes.items():
                found[job.plan.machine, day] += minutes
        return found

    def lease(self, job: Job, lease_id: str, *, kind: str, until: datetime) -> None:
        """Give a job to whoever holds this lease, under the epoch that its next fence is."""
        job.lease_id, job.kind, job.epoch, job.until = lease_id, kind, job.fence + 1, until
        self.leases.setdefault(job.id, []).append((lease_id, job.epoch))

    def end(self, job: Job, to: str) -> None:
        """End a job without a part, and give back what it holds."""
        job.move(to)
        job.ended_at = self.now
        self.lots[job.plan.lot].grams += job.plan.grams
        if job.licensed:
            self.licence.leased -= job.quantity - job.good
        if job.counter == "open":
            job.counter = "lapsed"

    def leave(self, job: Job, to: str, *, cause: str, exclude: bool) -> None:
        """End a job, and send its line back to routing; after three nodes a person has a look.

        Nobody makes it again where its order was to be cancelled.
        """
        self.end(job, to)
        self.reroutes[job.id] = (cause, False)
        line = self.lines[job.line_id]
        line.back(self.now)
        line.scope, line.broken = SCOPE, 0
        line.fence += 1
        if exclude:
            line.excluded.add(job.plan.node)
        if job.asked == "":
            line.state = "cancelled"
            line.fence += 1
        elif exclude and len(line.excluded) >= MOST_NODES:
            line.state = "parked"
            line.fence += 1

    def hold(self, job: Job) -> None:
        """Hold a job, since a gate is closed to it."""
        if job.state not in HOLDABLE or job.made:
            return
        job.held_from, job.held_at = job.state, self.now
        job.held_for_lot = self.lots[job.plan.lot].state != "available"
        job.move("held")

    def ask_to_stop(self, job: Job, cause: str) -> None:
        """Ask the node of a started job to stop; the customer's wish counts more than an outage."""
        wanted = job.asked is None or (cause == "" and job.asked != "")
        if wanted and job.state in ASKABLE:
            job.asked = cause
            job.version += 1
