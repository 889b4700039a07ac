"""One statement that takes any number of orders: all that must be true of an order is written, or nothing is.

It writes to the tables of four contexts (idempotency key, order and lines, audit entry, outbox event) and reads the
inventory, because one round trip and one commit for up to 128 orders is what makes the intake quick. The orders travel
as one JSON document: 128 orders cost 10 microseconds each to hand over that way, 46 as twenty arrays. Every look-up is
a subquery with LIMIT 1, so that a plan made once for any number of orders finds its rows by index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from pydantic_core import to_json
from sqlalchemy import text
from sqlmodel import Session

from fabroute.database.on_loop import StatementOnLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipTo:
    """Where an order goes. Degrees, north and east positive.

    ``assumed``: the city is unknown, the coordinates are those of its country's capital.
    """

    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    assumed: bool
    street: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line to be written: which revision of which part, and how many."""

    id: str
    part_id: str
    revision_id: str
    quantity: int
    planning_scope: str | None = None
    """With which lines it is decided; ``None``: with those of the order's scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to be written, with the answer its client will get, now and at every repetition of the request."""

    id: str
    organisation_id: str
    actor: str
    """The API key that placed it."""
    idempotency_key: str
    request_sha256: str
    answer: bytes
    location: str
    planning_scope: str
    reference: str | None
    batch: str | None
    objective: str
    criticality: str
    packaging: str
    need_by: datetime | None
    need_by_hard: bool
    max_price_minor: int | None
    currency: str
    ship_to: ShipTo
    lines: tuple[NewLine, ...]
    placed_at: datetime
    split_max_nodes: int = 0
    """How many nodes may share a line; 0: one machine makes all of it, 1: several machines of one node may."""
    split_min_per_node: int = 1
    cost_of_waiting_minor: int | None = None
    """Of an hour, in cents."""
    first_article: bool = False
    """Whether a node without a first article may make it: one part first, the rest when it is approved."""
    traceparent: str | None = None
    """The span in which it is placed, where its trace is kept."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request, kept with its idempotency key."""

    request_sha256: str
    status: int
    body: bytes
    location: str
    subject_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the statement found: the order was written, or its key is known, or lines may not be ordered."""

    placed: bool
    closed: tuple[int, ...]
    known: StoredAnswer | None


_STATEMENT = """
WITH asked AS (
    SELECT * FROM ROWS FROM (json_to_recordset($1::json) AS (
        id text, organisation_id text, actor text, idempotency_key text, request_sha256 text, answer text,
        location text, planning_scope text, reference text, batch text, objective text, criticality text,
        packaging text, need_by timestamptz, need_by_hard bool, max_price_minor int, currency text, ship_to json,
        lines json, placed_at timestamptz, split_max_nodes int, split_min_per_node int, cost_of_waiting_minor int,
        first_article bool, traceparent text
    )) WITH ORDINALITY AS document (
        id, organisation_id, actor, key, request_sha256, answer, location, planning_scope, reference, batch,
        objective, criticality, packaging, need_by, need_by_hard, max_price_minor, currency, ship_to, lines,
        placed_at, split_max_nodes, split_min_per_node, cost_of_waiting_minor, first_article, traceparent, number
    )
), asked_lines AS (
    SELECT asked.number, asked.organisation_id, line.*
    FROM asked, ROWS FROM (json_to_recordset(asked.lines) AS (
        id text, part_id text, revision_id text, quantity int, planning_scope text
    )) WITH ORDINALITY AS line (id, part_id, revision_id, quantity, planning_scope, position)
), closed AS (
    SELECT line.number, array_agg(line.position::int ORDER BY line.position) AS positions
    FROM asked_lines line
    WHERE (
        SELECT true FROM part_revisions revision JOIN parts part ON part.id = revision.part_id
        WHERE revision.id = line.revision_id AND revision.state = 'released'
          AND part.id = line.part_id AND part.organisation_id = line.organisation_id
        LIMIT 1
    ) IS NULL
    GROUP BY line.number
), known AS (
    SELECT asked.number, stored.request_sha256, stored.status, stored.body, stored.location, stored.subject_id
    FROM asked CROSS JOIN LATERAL (
        SELECT * FROM idempotency_keys earlier
        WHERE earlier.organisation_id = asked.organisation_id AND earlier.key = asked.key LIMIT 1
    ) stored
), accepted AS (
    INSERT INTO idempotency_keys
        (organisation_id, key, request_sha256, status, body, location, subject_id, created_at)
    SELECT organisation_id, key, asked.request_sha256, 201, convert_to(answer, 'UTF8'), asked.location, id, placed_at
    FROM asked LEFT JOIN closed USING (number) LEFT JOIN known USING (number)
    WHERE closed.positions IS NULL AND known.status IS NULL
    ORDER BY organisation_id, key, number  -- the same order in every batch, so that two never wait for each other
    ON CONFLICT DO NOTHING
    RETURNING subject_id
), placed AS (
    SELECT asked.* FROM asked JOIN accepted ON accepted.subject_id = asked.id
), write_orders AS (
    INSERT INTO orders
        (id, organisation_id, reference, batch, objective, criticality, packaging, need_by, need_by_hard,
         max_price_minor, currency, ship_to_name, ship_to_city, ship_to_country, ship_to_latitude,
         ship_to_longitude, ship_to_assumed, state, placed_at, updated_at, version, split_max_nodes,
         split_min_per_node, cost_of_waiting_minor, ship_to_street, ship_to_postal_code, first_article, traceparent)
    SELECT id, organisation_id, reference, batch, objective, criticality, packaging, need_by, need_by_hard,
           max_price_minor, currency, ship_to->>'name', ship_to->>'city', ship_to->>'country',
           (ship_to->>'latitude')::float8, (ship_to->>'longitude')::float8, (ship_to->>'assumed')::bool,
           'pending', placed_at, placed_at, 1, split_max_nodes, split_min_per_node, cost_of_waiting_minor,
           coalesce(ship_to->>'street', ''), coalesce(ship_to->>'postal_code', ''), coalesce(first_article, false),
           traceparent
    FROM placed
), write_lines AS (
    INSERT INTO order_lines
        (id, order_id, position, part_id, revision_id, quantity, planning_scope, state, state_reason, attempts,
         fence, next_attempt_at, kept_quantity, kept_nodes, next_share_no)
    SELECT line.id, placed.id, line.position, line.part_id, line.revision_id, line.quantity,
           coalesce(line.planning_scope, placed.planning_scope), 'pending', '', 0, 0, clock_timestamp(), 0, '', 0
    FROM asked_lines line JOIN placed USING (number)
), write_audit AS (
    INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)
    SELECT organisation_id, placed_at, actor, 'order.placed', 'order', id, '{}'::jsonb FROM placed
), write_events AS (
    INSERT INTO outbox_events (event_id, name, organisation_id, subject_type, subject_id, data, occurred_at)
    SELECT 'evt_' || split_part(id, '_', 2), 'order.placed', organisation_id, 'order', id,
           jsonb_build_object('scope', (
               SELECT string_agg(DISTINCT coalesce(line.planning_scope, placed.planning_scope), ',')
               FROM asked_lines line WHERE line.number = placed.number
           )), placed_at
    FROM placed ORDER BY number
)
SELECT accepted.subject_id IS NOT NULL, closed.positions, known.request_sha256, known.status,
       known.body, known.location, known.subject_id
FROM asked LEFT JOIN accepted ON accepted.subject_id = asked.id
LEFT JOIN closed USING (number) LEFT JOIN known USING (number)
ORDER BY asked.number
"""

_FIND_ANSWER = text(
    "SELECT request_sha256, status, body, location, subject_id FROM idempotency_keys"
    " WHERE organisation_id = :organisation_id AND key = :key"
)


def placing_statement(connection: Connection[Any]) -> StatementOnLoop:
    """Return what ``place`` executes, prepared on a connection of its own in autocommit mode."""
    return StatementOnLoop(connection, _STATEMENT)


async def place(statement: StatementOnLoop, orders: Sequence[NewOrder]) -> list[Outcome]:
    """Write what may be written of ``orders`` by one statement and return their outcomes, in the order given.

    The statement is its own transaction, committed when this returns. An order that is neither placed, nor closed, nor
    known lost a race for its key to a request committed in the same instant.
    """
    return [_outcome(*row) for row in await statement.rows(to_json(orders))]


def find_answer(session: Session, *, organisation_id: str, key: str) -> StoredAnswer | None:
    """Return the stored answer of an idempotency key."""
    found = session.connection().execute(_FIND_ANSWER, {"organisation_id": organisation_id, "key": key}).one_or_none()
    return None if found is None else StoredAnswer(*found)


def _outcome(placed: bool, closed: list[int] | None, *known: Any) -> Outcome:
    stored = StoredAnswer(*known) if known[0] is not None else None
    return Outcome(placed=placed, closed=tuple(closed or ()), known=stored)
