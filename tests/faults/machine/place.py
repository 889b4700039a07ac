"""A database with a network in it and a clock that stands still, copied for every run of the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from psycopg import Connection
from sqlalchemy import Engine, text

from fabroute import migrations
from fabroute.database import create_database_engine, unit_of_work
from fabroute.inventory.service import (
    NewLicence,
    add_revision,
    attach_print_file,
    grant_licence,
    register_part,
)
from fabroute_embedded import EmbeddedServers
from tests.factories.databases import engine_for
from tests.factories.inventory import a_part, a_print_file, a_revision, release
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_owner, intake_connection
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network
from tests.faults.machine.state import Licence, Lot, World

NODES = ("N101", "N102", "N103")
LOT_GRAMS = 160
"""For four pieces in four jobs, so that lots run out."""
LICENSED_PRINTS = 5
_TEMPLATE = "template_machine"
_CLOCK = """
CREATE SCHEMA simulated;
CREATE TABLE simulated.clock (instant timestamptz NOT NULL);
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT instant FROM simulated.clock';
GRANT USAGE ON SCHEMA simulated TO app_rw;
GRANT SELECT, UPDATE ON simulated.clock TO app_rw;
"""
"""The statements of the product ask ``clock_timestamp()``; this one is found before PostgreSQL's own."""
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One run's database: an engine as the product has it, the owner's, and what is in it to order."""

    engine: Engine
    admin: Engine
    eye: Connection[Any]
    """The owner's, past SQLAlchemy: it looks after every step."""
    cutter: Engine
    """Of the product's role, too: nobody else may end its back ends."""
    plain: Owner
    """The owner with a part that needs no licence."""
    licensed: Owner
    """The same with one that does."""

    def set_clock(self, now: datetime) -> None:
        """Let it be ``now`` for the database."""
        self.eye.execute(b"UPDATE simulated.clock SET instant = %s", (now,))

    def cut(self) -> None:
        """End the back ends of all connections of the product, as a restart does."""
        with self.cutter.begin() as connection:
            connection.execute(text(_CUT))


_CUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = 'app_rw'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A database to copy, and what is in it."""

    name: str
    plain: Owner
    licensed: Owner


def a_world() -> World:
    """Return the model of the template."""
    return World(
        now=NOW,
        nodes=dict.fromkeys(NODES, "up"),
        lots={f"lot_{node}": Lot(node=node, grams=LOT_GRAMS) for node in NODES},
        licence=Licence(granted=LICENSED_PRINTS),
        certified={node: f"crt_{node}" for node in NODES},
    )


def make_template(servers: EmbeddedServers, *, copy_of: str | None = None) -> Template:
    """Return a migrated database with three nodes of one bureau, an owner with two parts, and the clock."""
    name = f"{_TEMPLATE}_{os.getpid()}_{next(_numbers)}"  # a scheduler may come back to a module that it had left
    urls = servers.postgres.create_database(name, template=copy_of)
    if copy_of is None:
        migrations.upgrade(urls.migration_url)
    with engine_for(urls.migration_url) as admin, admin.begin() as connection:
        connection.exec_driver_sql(_CLOCK)
        connection.execute(text("INSERT INTO simulated.clock VALUES (:now)"), {"now": NOW})
        connection.exec_driver_sql(_search_path(name))
    with engine_for(urls.url) as engine:
        return _furnished(engine, name=name)


@contextmanager
def a_place(servers: EmbeddedServers, template: Template) -> Iterator[Place]:
    """Yield a fresh copy of the template, dropped in the end."""
    name = f"machine_{os.getpid()}_{next(_numbers)}"
    urls = servers.postgres.create_database(name, template=template.name)
    admin = create_database_engine(urls.migration_url, pool_size=2)
    with admin.begin() as connection:
        connection.exec_driver_sql(_search_path(name))
    with (
        engine_for(urls.url) as engine,
        engine_for(urls.url, connections=1) as cutter,
        intake_connection(admin) as eye,
    ):
        known = {"plain": template.plain, "licensed": template.licensed}
        yield Place(engine=engine, admin=admin, eye=eye, cutter=cutter, **known)
    admin.dispose()
    servers.postgres.drop_database(name)


def _search_path(database: str) -> str:
    return f"ALTER DATABASE {database} SET search_path = simulated, pg_catalog, public"


def _furnished(engine: Engine, *, name: str) -> Template:
    nodes = tuple(
        a_node(node_id=node, minimum_order_minor=minimum, labour_minor_per_hour=wage)
        for node, minimum, wage in zip(NODES, (5_000, 6_000, 7_000), (4_600, 6_000, 8_000), strict=True)
    )
    given_routable_network(engine, nodes=nodes, lot_grams=LOT_GRAMS)
    owner = given_owner(engine)
    return Template(
        name=name,
        plain=_with_part(engine, owner, part_no="RL-0002", licensed=False),
        licensed=_with_part(engine, owner, part_no="RL-0003", licensed=True),
    )


def _with_part(engine: Engine, owner: Owner, *, part_no: str, licensed: bool) -> Owner:
    """Return the owner with a part that is done when it is printed: nobody has to inspect it."""
    with unit_of_work(engine) as session:
        part_id = register_part(session, part=a_part(organisation_id=owner.organisation_id, part_no=part_no), now=NOW)
        wanted = replace(a_revision(part_id=part_id), inspection_level="none", licence_required=licensed)
        revision_id = add_revision(session, revision=wanted, now=NOW)
        attach_print_file(session, revision_id=revision_id, facts=a_print_file(content=revision_id), now=NOW)
        release(session, revision_id)
        if licensed:
            wish = NewLicence(revision_id=revision_id, prints=LICENSED_PRINTS)
            grant_licence(session, organisation_id=owner.organisation_id, licence=wish, actor=owner.key_id, now=NOW)
    return replace(owner, part_id=part_id, revision_id=revision_id, part_no=part_no)
