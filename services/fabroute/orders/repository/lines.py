"""Statements that hand lines to routing and note what became of them. Lines are locked before orders, each by id."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlmodel import Session

from fabroute.orders.rules import SUB_SCOPE
from fabroute.orders.states import sources_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """How many lines of which scope are claimed, for how long, and after how many attempts no more."""

    scope: str
    limit: int
    lease_seconds: float
    attempt_cap: int
    alone: bool = False
    """Whether the caller holds the scope: what others were routing in it is due then, whatever its lease says."""
    broken_runs: int | None = None
    """Only lines with so many broken runs; ``None``: whatever they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLine:
    """A line that the caller may route until its lease lapses, with what its order asks for.

    ``fence`` is the claim's own number: a later claim has a higher one, and only the highest may write.
    """

    line_id: str
    order_id: str
    organisation_id: str
    position: int
    part_id: str
    revision_id: str
    quantity: int
    fence: int
    attempts: int
    objective: str
    criticality: str
    packaging: str
    need_by: datetime | None
    need_by_hard: bool
    max_price_minor: int | None
    ship_to_city: str
    ship_to_country: str
    ship_to_latitude: float
    ship_to_longitude: float
    placed_at: datetime
    split_max_nodes: int = 0
    """How many nodes may share it; 0: one machine makes all of it, 1: several machines of one node may."""
    split_min_per_node: int = 1
    cost_of_waiting_minor: int | None = None
    """What an hour until delivery costs the customer; in cents."""
    kept_quantity: int = 0
    """Pieces beside ``quantity`` that jobs of an earlier decision go on making: a share of the line came back."""
    kept_nodes: str = ""
    """Ids of the nodes that make these, a comma between two."""
    next_share_no: int = 0
    """The first share number that none of these jobs has."""
    first_article: bool = False
    """Whether a node without a first article may make it: one part first, the rest when it is approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptShares:
    """What jobs of a line go on making while the rest of it is routed again."""

    quantity: int = 0
    nodes: str = ""
    """Ids of the nodes that make them, a comma between two."""
    next_share_no: int = 0
    """The first share number that none of them has."""


NOTHING_KEPT = KeptShares()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOutcome:
    """What a routing run made of a line; ``reason`` says why where it was not routed.

    ``pending`` sends it back, to be routed again from ``next_attempt_at`` (at once where that is ``None``).
    """

    line_id: str
    state: Literal["routed", "no_route", "pending"]
    decision_id: str | None = None
    reason: str = ""
    next_attempt_at: datetime | None = None
    promised_at: datetime | None = None
    """What the decision promises; it stays with the line if it is the first."""
    promised_minor: int | None = None
    untried: bool = False
    """It goes back without having been looked at: that was no attempt."""

    def __post_init__(self) -> None:
        if self.state != "pending" and self.decision_id is None:
            raise ValueError(f"line {self.line_id} is {self.state} without a decision_id")
        if self.state == "no_route" and not self.reason:
            raise ValueError(f"line {self.line_id} has no route and doesn't say why: give a reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The lines that were claimed, the orders with lines that were parked instead, and when, by the database."""

    lines: tuple[ClaimedLine, ...]
    orders_with_parked: frozenset[str]
    claimed_at: datetime | None


DUE = """(
    line.state = 'pending' AND (line.next_attempt_at IS NULL OR line.next_attempt_at <= clock_timestamp())
    OR line.state = 'routing' AND line.lease_until <= clock_timestamp()
)"""
"""That a line may be claimed by whoever comes: it waits and was not put off, or its worker let its lease lapse."""


def claimed_columns(*, fence: str = "line.fence") -> str:
    """Return the columns of a ``ClaimedLine``, of the tables ``order_lines line`` and ``orders placed``."""
    return f"""line.id AS line_id, line.order_id,
    placed.organisation_id, line.position, line.part_id,
    line.revision_id, line.quantity - line.kept_quantity AS quantity, {fence} AS fence, line.attempts, placed.objective,
    placed.criticality, placed.packaging, coalesce(placed.agreed_arrival, placed.need_by) AS need_by,
    placed.need_by_hard AND placed.agreed_arrival IS NULL AS need_by_hard,
    CASE WHEN placed.agreed_price_minor IS NULL THEN placed.max_price_minor END AS max_price_minor,
    placed.ship_to_city, placed.ship_to_country, placed.ship_to_latitude, placed.ship_to_longitude, placed.placed_at,
    placed.split_max_nodes, placed.split_min_per_node, placed.cost_of_waiting_minor,
    line.kept_quantity, line.kept_nodes, line.next_share_no, placed.first_article"""


_CLAIM = text(f"""
WITH due AS (
    SELECT line.id, line.attempts >= :attempt_cap AS is_worn_out FROM order_lines line
    WHERE line.planning_scope = :scope AND line.state IN ('pending', 'routing')
      AND ({DUE} OR line.state = 'routing' AND CAST(:alone AS boolean))
      AND (CAST(:broken_runs AS int) IS NULL OR line.broken_runs = :broken_runs)
    ORDER BY line.next_attempt_at, line.id
    LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE order_lines line
SET state = CASE WHEN is_worn_out THEN 'parked' ELSE 'routing' END,
    state_reason = CASE WHEN is_worn_out THEN :reason ELSE '' END,
    fence = line.fence + 1,
    attempts = line.attempts + CASE WHEN is_worn_out THEN 0 ELSE 1 END,
    lease_until = CASE WHEN is_worn_out THEN NULL ELSE clock_timestamp() + make_interval(secs => :lease_seconds) END
FROM due, orders placed
WHERE line.id = due.id AND placed.id = line.order_id
RETURNING clock_timestamp() AS claimed_at, is_worn_out, {claimed_columns()}
""")

_LOCK_FENCED = text("""
SELECT line.id FROM order_lines line
JOIN unnest(CAST(:ids AS text[]), CAST(:fences AS int[])) AS held (id, fence) ON held.id = line.id
WHERE line.state = 'routing' AND line.fence = held.fence
ORDER BY line.id FOR UPDATE OF line
""")

_HAS_JOBS = "(state = 'routed' OR kept_quantity > 0 AND state <> 'cancelled')"
"""Whether jobs of a line may be live: those of all of it, or some that it kept while the rest is routed again."""

_LOCK_ROUTED = text(f"""
SELECT id FROM order_lines WHERE id = ANY(:ids) AND {_HAS_JOBS} ORDER BY id FOR UPDATE
""")

_WRITE_OUTCOMES = text("""
UPDATE order_lines line
SET state = outcome.state, state_reason = outcome.reason, lease_until = NULL,
    attempts = line.attempts - CASE WHEN outcome.untried THEN 1 ELSE 0 END,
    decision_id = coalesce(outcome.decision_id, line.decision_id),
    promised_at = coalesce(line.promised_at, outcome.promised_at),
    promised_minor = coalesce(line.promised_minor, outcome.promised_minor),
    next_attempt_at = CASE outcome.state WHEN 'pending' THEN coalesce(outcome.next_attempt_at, clock_timestamp()) END,
    broken_runs = CASE outcome.state WHEN 'pending' THEN line.broken_runs ELSE 0 END,
    planning_scope = CASE WHEN outcome.state = 'pending' THEN line.planning_scope
        ELSE regexp_replace(line.planning_scope, '/suspects$', '') END
FROM unnest(CAST(:ids AS text[]), CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:decision_ids AS text[]),
            CAST(:next_attempts AS timestamptz[]), CAST(:promised AS timestamptz[]), CAST(:prices AS int[]),
            CAST(:untried AS boolean[]))
    AS outcome (id, state, reason, decision_id, next_attempt_at, promised_at, promised_minor, untried)
WHERE line.id = outcome.id AND line.state = 'routing'
RETURNING line.order_id
""")

_WHOLE = f"regexp_replace(planning_scope, '{SUB_SCOPE}', '')"
"""A part of a scope goes back to the whole with its line: it is split again if there are still too many."""

_REQUEUE = text(f"""
WITH waiting AS (
    SELECT id FROM order_lines
    WHERE state = 'no_route' AND (CAST(:scope AS text) IS NULL OR {_WHOLE} = :scope) ORDER BY id FOR UPDATE
)
UPDATE order_lines line
SET state = 'pending', state_reason = '', attempts = 0, next_attempt_at = clock_timestamp(), planning_scope = {_WHOLE}
FROM waiting WHERE line.id = waiting.id
RETURNING line.order_id
""")

_REQUEUE_ROUTED = text(f"""
WITH standing AS (
    SELECT id FROM order_lines WHERE id = ANY(:ids) AND {_HAS_JOBS} ORDER BY id FOR UPDATE
)
UPDATE order_lines line
SET state = 'pending', state_reason = :reason, attempts = 0, fence = line.fence + 1, lease_until = NULL,
    next_attempt_at = clock_timestamp(), planning_scope = {_WHOLE}, broken_runs = 0,
    kept_quantity = kept.quantity, kept_nodes = kept.nodes, next_share_no = kept.next_share_no
FROM standing, unnest(CAST(:ids AS text[]), CAST(:quantities AS int[]), CAST(:nodes AS text[]),
                      CAST(:share_nos AS int[])) AS kept (id, quantity, nodes, next_share_no)
WHERE line.id = standing.id AND line.id = kept.id
RETURNING line.id, line.order_id
""")

_LOCK_STANDING = text(
    "SELECT FROM order_lines WHERE order_id = :order_id AND state = ANY(:sources) ORDER BY id FOR UPDATE"
)

_CANCEL = text("""
UPDATE order_lines SET state = 'cancelled', state_reason = '', fence = fence + 1, lease_until = NULL
WHERE order_id = :order_id AND state = ANY(:sources) RETURNING id
""")

_CANCEL_LINES = text("""
UPDATE order_lines SET state = 'cancelled', state_reason = '', fence = fence + 1, lease_until = NULL
WHERE id = ANY(:line_ids) AND state = ANY(:sources) RETURNING order_id
""")

_DUE_SCOPES = text(f"""
SELECT DISTINCT line.planning_scope FROM order_lines line
WHERE line.state IN ('pending', 'routing') AND {DUE} ORDER BY line.planning_scope
""")

_WAITING = text("""
SELECT line.planning_scope, count(*) AS lines, min(placed.placed_at) AS oldest_at
FROM order_lines line JOIN orders placed ON placed.id = line.order_id
WHERE line.state IN ('pending', 'routing') GROUP BY line.planning_scope
""")

_COUNT_PENDING = text("SELECT count(*) FROM order_lines WHERE planning_scope = :scope AND state = 'pending'")

_SPLIT = text("""
WITH waiting AS (
    SELECT id, 1 + CAST(CAST('x' || left(md5(order_id), 7) AS bit(28)) AS integer) % :parts AS part
    FROM order_lines WHERE planning_scope = :scope AND state = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE order_lines line SET planning_scope = :scope || '/' || waiting.part || 'of' || :parts
    FROM waiting WHERE line.id = waiting.id RETURNING line.planning_scope
)
SELECT DISTINCT planning_scope FROM moved ORDER BY planning_scope
""")


def claim(session: Session, terms: ClaimTerms, *, reason: str) -> Claim:
    """Take due lines that no other transaction holds: next fence, one more attempt, a lease by the database's clock.

    Lines that had all their attempts are parked with ``reason`` instead. A line of a quoted order comes here when its
    job was taken back: it is needed by the agreed day, softly, and its price is settled, so that no cap is left.
    """
    rows = [dict(row) for row in session.connection().execute(_CLAIM, asdict(terms) | {"reason": reason}).mappings()]
    moments = [row.pop("claimed_at") for row in rows]
    parked = frozenset(row["order_id"] for row in rows if row["is_worn_out"])
    claimed = tuple(ClaimedLine(**row) for row in rows if not row.pop("is_worn_out"))
    return Claim(lines=claimed, orders_with_parked=parked, claimed_at=max(moments, default=None))


def lock_fenced(session: Session, fences: Mapping[str, int]) -> frozenset[str]:
    """Lock the lines that are still being routed under these very fences; return their ids."""
    parameters = {"ids": list(fences), "fences": list(fences.values())}
    return frozenset(session.connection().execute(_LOCK_FENCED, parameters).scalars())


def lock_routed(session: Session, line_ids: Collection[str]) -> frozenset[str]:
    """Lock, by id, those of the lines that may have live jobs; return their ids."""
    return frozenset(session.connection().execute(_LOCK_ROUTED, {"ids": list(line_ids)}).scalars())


def write_outcomes(session: Session, outcomes: Sequence[LineOutcome]) -> list[str]:
    """Write the outcomes of lines that are being routed; return the order of each line that was written."""
    parameters = {
        "ids": [outcome.line_id for outcome in outcomes],
        "states": [outcome.state for outcome in outcomes],
        "reasons": [outcome.reason for outcome in outcomes],
        "decision_ids": [outcome.decision_id for outcome in outcomes],
        "next_attempts": [outcome.next_attempt_at for outcome in outcomes],
        "promised": [outcome.promised_at for outcome in outcomes],
        "prices": [outcome.promised_minor for outcome in outcomes],
        "untried": [outcome.untried for outcome in outcomes],
    }
    return list(session.connection().execute(_WRITE_OUTCOMES, parameters).scalars())


def requeue(session: Session, *, scope: str | None) -> list[str]:
    """Send the lines without a route, of a scope or of all, back to routing, afresh; return the order of each."""
    return list(session.connection().execute(_REQUEUE, {"scope": scope}).scalars())


def requeue_routed(session: Session, kept: Mapping[str, KeptShares], *, reason: str) -> dict[str, str]:
    """Send lines back to routing, with all their attempts and the reason, but for what jobs of theirs go on making.

    Return the order of each line that was sent back, by line.
    """
    parameters = {
        "ids": list(kept),
        "quantities": [shares.quantity for shares in kept.values()],
        "nodes": [shares.nodes for shares in kept.values()],
        "share_nos": [shares.next_share_no for shares in kept.values()],
        "reason": reason,
    }
    rows = session.connection().execute(_REQUEUE_ROUTED, parameters)
    return {row.id: row.order_id for row in rows}


def cancel_lines(session: Session, line_ids: Collection[str]) -> frozenset[str]:
    """Cancel those of the lines, locked by the caller, that stand; return their orders."""
    parameters = {"line_ids": list(line_ids), "sources": sources_of("cancelled")}
    return frozenset(session.connection().execute(_CANCEL_LINES, parameters).scalars())


def cancel(session: Session, *, order_id: str) -> list[str]:
    """Cancel an order's standing lines, fencing out whoever routes them now; return their ids.

    They are locked by a statement of its own: one that locks rows and changes them begins at versions of before it
    waited, and so can wait for a third transaction that waits for it.
    """
    parameters = {"order_id": order_id, "sources": sources_of("cancelled")}
    session.connection().execute(_LOCK_STANDING, parameters)
    return sorted(session.connection().execute(_CANCEL, parameters).scalars())


def due_scopes(session: Session) -> Collection[str]:
    """Return the planning scopes that have due lines."""
    return session.connection().execute(_DUE_SCOPES).scalars().all()


def waiting_lines(session: Session) -> dict[str, tuple[int, datetime]]:
    """Return by planning scope how many lines have no outcome yet, and when the order of the oldest was placed."""
    return {row.planning_scope: (row.lines, row.oldest_at) for row in session.connection().execute(_WAITING)}


def count_pending(session: Session, *, scope: str) -> int:
    """Return how many lines of a scope wait to be claimed, now or later."""
    found: int = session.connection().execute(_COUNT_PENDING, {"scope": scope}).scalar_one()
    return found


def split(session: Session, *, scope: str, parts: int) -> list[str]:
    """Spread the lines that wait in a scope over its parts, by their orders; return the parts that got some."""
    return list(session.connection().execute(_SPLIT, {"scope": scope, "parts": parts}).scalars())
