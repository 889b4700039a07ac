"""Figures of an installation at one instant. Ages are seconds by the database's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fabroute.orders.rules import holds_suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFigures:
    """Lines of one planning scope that have no outcome yet."""

    scope: str
    pending: int = 0
    due: int = 0
    """Of the pending ones: not put off."""
    routing: int = 0
    lapsed: int = 0
    """Of those being routed: their worker let the lease lapse, and nobody looked after them for half a minute."""
    overdue_seconds: float = 0.0
    """For how long the first of the due ones has been due."""
    new_age_seconds: float = 0.0
    """Since the oldest order was placed that has a line without any decision; 0: there is none."""
    again_age_seconds: float = 0.0
    """Since the oldest order was placed whose line is decided again."""

    @property
    def lines(self) -> int:
        """All of them."""
        return self.pending + self.routing


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigures:
    """Lines that wait, and those that nobody will route without being asked to."""

    scopes: tuple[ScopeFigures, ...] = ()
    no_route: int = 0
    parked: int = 0

    @property
    def open(self) -> int:
        """Lines without an outcome."""
        return sum(scope.lines for scope in self.scopes)

    @property
    def suspects(self) -> int:
        """Of these, lines that were in a run which broke."""
        return sum(scope.lines for scope in self.scopes if holds_suspects(scope.scope))

    @property
    def overdue_seconds(self) -> float:
        """For how long the first due line waits."""
        return max((scope.overdue_seconds for scope in self.scopes), default=0.0)

    @property
    def oldest_seconds(self) -> float:
        """The age of the oldest order that has a line without any decision."""
        return max((scope.new_age_seconds for scope in self.scopes), default=0.0)

    @property
    def oldest_again_seconds(self) -> float:
        """The age of the oldest order whose line is decided again."""
        return max((scope.again_age_seconds for scope in self.scopes), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderFigures:
    """Who works on planning scopes."""

    holders: Mapping[str, str] = field(default_factory=dict)
    """Host and process, by scope."""
    lapsed: int = 0
    """Scopes whose worker has gone, and that nobody took over for half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """Jobs that wait for somebody."""

    offered: Mapping[str, int] = field(default_factory=dict)
    """Offered and unclaimed, by node."""
    offer_age_seconds: float = 0.0
    """Of the oldest of these offers."""
    held: int = 0
    suspect: int = 0
    lapsed_leases: int = 0
    """Leases that are over, of jobs that nobody has looked after for half a minute."""
    lapsed_offers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxFigures:
    """Events on their way."""

    unpublished: int = 0
    unpublished_age_seconds: float = 0.0
    unsequenced: int = 0
    unsequenced_age_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFigures:
    """Deliveries that wait, and endpoints that get none."""

    pending: int = 0
    due: int = 0
    oldest_seconds: float = 0.0
    failing: int = 0
    """Enabled endpoints whose last attempt failed."""
    disabled: Mapping[str, int] = field(default_factory=dict)
    """Endpoints by the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """The last run of one kind over a planning scope."""

    scope: str
    kind: str
    finished_at: datetime
    seconds: float
    gap: float
    lines: int
    routed: int
    no_route: int
    deferred: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFigures:
    """Of the last decisions: what ruled nodes out, and what left lines without a route."""

    decisions: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    """Nodes by code."""
    no_route: Mapping[str, int] = field(default_factory=dict)
    """Lines by the code that binds most."""
    reroutes: Mapping[str, int] = field(default_factory=dict)
    """Jobs that left their nodes within the last hour, by cause; of a thousand at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFigures:
    """The audit log."""

    unsealed_age_seconds: float = 0.0
    """Of the oldest entry without a seal, which could be changed unseen; 0: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFigures:
    """Who is there."""

    connections: Mapping[str, int] = field(default_factory=dict)
    """To PostgreSQL, by program: ``api``, ``relay``, ``routing`` (workers that route), ``worker`` (others)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFigures:
    """PostgreSQL itself."""

    connections: int = 0
    most_connections: int = 0
    oldest_transaction_seconds: float = 0.0
    """Of this installation's own."""
    clock_apart_seconds: float = 0.0
    """By how much its clock is ahead of this machine's, at least; less than 0: behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of it. What could not be read in time is ``None``, and stands in ``failed``."""

    read_at: datetime
    read_seconds: float
    lines: LineFigures | None = None
    holders: HolderFigures | None = None
    jobs: JobFigures | None = None
    outbox: OutboxFigures | None = None
    webhooks: WebhookFigures | None = None
    runs: tuple[RunFigures, ...] | None = None
    decisions: DecisionFigures | None = None
    audit: AuditFigures | None = None
    programs: ProgramFigures | None = None
    server: ServerFigures | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    """Why, by group."""


GROUPS: tuple[str, ...] = (
    "lines",
    "holders",
    "jobs",
    "outbox",
    "webhooks",
    "runs",
    "decisions",
    "audit",
    "programs",
    "server",
)
