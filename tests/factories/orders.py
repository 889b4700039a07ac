"""Owners with parts that can be ordered, and orders of them."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.inventory.service import add_revision, attach_print_file, register_part
from fabroute.kernel.ids import new_id
from fabroute.orders.service import (
    ClaimedLine,
    NewLine,
    NewOrder,
    OrderPlacer,
    Placed,
    Placing,
    ShipTo,
    claim_lines,
    scopes_with_due_lines,
)
from tests.factories.inventory import a_part, a_print_file, a_revision, release
from tests.factories.organisations import NOW

HAMBURG = ShipTo(name="Workshop 4", city="Hamburg", country="DE", latitude=53.5507, longitude=9.993, assumed=False)

SWALLOW_KEYS = """
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON idempotency_keys
FOR EACH ROW WHEN (NEW.key = 'contended') EXECUTE FUNCTION swallow()
"""
"""Makes an insert of this key find nothing to do, as if another transaction had taken and dropped it meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An organisation with one part, of which revision A is released, and a key with every scope."""

    organisation_id: str
    token: str
    key_id: str
    part_id: str
    revision_id: str
    part_no: str = "RL-0001"


@contextmanager
def intake_connection(engine: Engine) -> Iterator[Connection[Any]]:
    """Yield a connection as the intake uses it: its own, in autocommit mode."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    assert isinstance(connection, Connection)
    with connection:
        connection.autocommit = True
        yield connection


def given_owner(
    engine: Engine, *, name: str = "Nordbahn", part_no: str = "RL-0001", scopes: Collection[str] = ALL_SCOPES
) -> Owner:
    """Return an owner with a released revision A of one part."""
    with unit_of_work(engine) as session:
        organisation_id = create_organisation(session, name=name, kind="owner", now=NOW)
        key = issue_api_key(session, organisation_id=organisation_id, name="test", scopes=scopes, now=NOW)
    part_id = given_part(engine, organisation_id=organisation_id, part_no=part_no)
    return Owner(
        organisation_id=organisation_id,
        token=key.token,
        key_id=key.key_id,
        part_id=part_id,
        revision_id=given_revision(engine, part_id=part_id, revision="A"),
        part_no=part_no,
    )


def given_part(engine: Engine, *, organisation_id: str, part_no: str, criticality: str = "routine") -> str:
    """Return the id of a new part without revisions."""
    part = replace(a_part(organisation_id=organisation_id, part_no=part_no), criticality=criticality)
    with unit_of_work(engine) as session:
        return register_part(session, part=part, now=NOW)


def given_revision(engine: Engine, *, part_id: str, revision: str, state: str = "released") -> str:
    """Return the id of a new revision in ``draft``, ``validated`` or ``released``."""
    with unit_of_work(engine) as session:
        revision_id = add_revision(session, revision=a_revision(part_id=part_id, revision=revision), now=NOW)
        if state != "draft":
            attach_print_file(session, revision_id=revision_id, facts=a_print_file(content=revision_id), now=NOW)
        if state == "released":
            release(session, revision_id)
    return revision_id


def make_order(
    owner: Owner,
    *,
    key: str | None = None,
    quantities: tuple[int, ...] = (1,),
    revision_id: str | None = None,
    request_sha256: str = "same",
    answer: bytes | None = None,
    placed_at: datetime = NOW,
    planning_scope: str = "global",
    batch: str | None = None,
    reference: str | None = None,
) -> NewOrder:
    """Return an order of the owner's part, one line for each of ``quantities``."""
    order_id = new_id("ord")
    lines = tuple(
        NewLine(
            id=new_id("line"),
            part_id=owner.part_id,
            revision_id=revision_id or owner.revision_id,
            quantity=quantity,
        )
        for quantity in quantities
    )
    return NewOrder(
        id=order_id,
        organisation_id=owner.organisation_id,
        actor=owner.key_id,
        idempotency_key=key or order_id,
        request_sha256=request_sha256,
        answer=answer if answer is not None else f'{{"id":"{order_id}"}}'.encode(),
        location=f"/v1/orders/{order_id}",
        planning_scope=planning_scope,
        reference=reference,
        batch=batch,
        objective="cheapest",
        criticality="routine",
        packaging="plain",
        need_by=None,
        need_by_hard=True,
        max_price_minor=None,
        currency="EUR",
        ship_to=HAMBURG,
        lines=lines,
        placed_at=placed_at,
    )


def claim_all_lines(session: Session) -> tuple[ClaimedLine, ...]:
    """Claim every due line of every planning scope, as runs do."""
    return tuple(
        line
        for scope in scopes_with_due_lines(session)
        for line in claim_lines(session, scope=scope, limit=1000, lease_seconds=60, attempt_cap=8)
    )


def place_orders(connection: Connection[Any], *, orders: Sequence[NewOrder]) -> tuple[Placing, ...]:
    """Place orders as the intake does, and wait for what becomes of them."""
    placer = OrderPlacer(connection)

    async def placings() -> tuple[Placing, ...]:
        try:
            return await placer.place(orders)
        finally:
            placer.end()

    with ThreadPoolExecutor(1) as thread:  # a browser's test has an event loop in its own
        return thread.submit(asyncio.run, placings()).result()


def given_orders(engine: Engine, *orders: NewOrder) -> tuple[NewOrder, ...]:
    """Place orders, all of which must be taken, and return them."""
    with intake_connection(engine) as connection:
        outcomes = place_orders(connection, orders=orders)
    assert all(isinstance(outcome, Placed) for outcome in outcomes), outcomes
    return orders
