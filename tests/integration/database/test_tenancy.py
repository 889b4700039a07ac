"""The database keeps tenants apart by itself: asked as the application's role, table by table."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine, Table, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session, SQLModel

import fabroute.advice.models
import fabroute.webhooks.models  # noqa: F401
from fabroute.cli.invariants.tenancy import BELONG_TO_NOBODY
from fabroute.database import act_for_everyone, create_database_engine, reaches, tenant_of, unit_of_work
from fabroute.identity.rules import ALL_SCOPES, Principal
from fabroute.inventory import service as inventory
from fabroute.orders import service as orders
from fabroute.production import service as production
from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.every_table import NOW, OWNER, insert_everything, row_of
from tests.factories.world import insert_world

FOREIGN = "org_foreign"
READ_BY_EVERYONE = {"machine_offers", "machines", "nodes"}
"""The directory of the network."""
READ_BY_OWNERS = {"calibrations", "certificates", "node_rates"}
"""What estimates and proofs for owners of parts stand on."""
TENANT_TABLES = sorted(set(SQLModel.metadata.tables) - set(BELONG_TO_NOBODY))


@pytest.fixture(scope="module")
def everything(servers: EmbeddedServers, migrated_template: str) -> Iterator[Engine]:
    """An engine of the application's role, to which nobody's rows are there, on a database with all kinds of rows."""
    urls = servers.postgres.create_database("of_every_tenant", template=migrated_template)
    with engine_for(urls.migration_url) as owner, owner.begin() as connection:
        insert_everything(connection)
        kinds = [("org_owner", "owner"), ("org_bureau", "bureau")]
        for organisation_id, kind in kinds:
            row = {"id": organisation_id, "name": organisation_id, "kind": kind}
            connection.execute(table("organisations").insert(), row_of(table("organisations")) | row)
    engine = create_database_engine(urls.url, pool_size=1, tenant=None)
    yield engine
    engine.dispose()
    servers.postgres.drop_database("of_every_tenant")


def table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


def count(engine: Engine, name: str, *, tenant: str | None) -> int:
    """How many rows of a table are there for a tenant."""
    with unit_of_work(engine, tenant=tenant) as session:
        return session.connection().execute(select(func.count()).select_from(table(name))).scalar_one()


def written(engine: Engine, sql: str, *, tenant: str | None) -> int:
    """How many rows a statement changes for a tenant; 0 where it may not be sent at all. Nothing is kept."""
    with unit_of_work(engine, tenant=tenant) as session:
        try:
            return session.connection().execute(text(sql)).rowcount
        except ProgrammingError as error:
            return 0 if isinstance(error.orig, InsufficientPrivilege) else -1
        finally:
            session.rollback()


def test_every_table_belongs_to_tenants_or_stands_on_the_list_with_its_reason() -> None:
    assert set(BELONG_TO_NOBODY) - {"alembic_version"} < set(SQLModel.metadata.tables)
    assert len(TENANT_TABLES) == len(SQLModel.metadata.tables) - len(BELONG_TO_NOBODY) + 1
    assert all(len(reason) > 10 for reason in BELONG_TO_NOBODY.values())
    named = {it.name for it in SQLModel.metadata.tables.values() if {"organisation_id", "node_id"} & set(it.c.keys())}
    assert named <= set(TENANT_TABLES)


@pytest.mark.parametrize("name", TENANT_TABLES)
def test_rows_are_there_for_their_tenant_and_for_everyone_and_for_nobody_else(everything: Engine, name: str) -> None:
    rows = 3 if name == "organisations" else 1
    seen = {tenant: count(everything, name, tenant=tenant) for tenant in (None, "", OWNER, "*")}

    assert seen == {None: 0, "": 0, OWNER: 1, "*": rows}
    assert count(everything, name, tenant=FOREIGN) == (1 if name in READ_BY_EVERYONE else 0)
    assert count(everything, name, tenant="org_owner") == (
        1 if name in READ_BY_EVERYONE | READ_BY_OWNERS | {"organisations"} else 0
    )
    assert count(everything, name, tenant="org_bureau") == (1 if name in READ_BY_EVERYONE | {"organisations"} else 0)


@pytest.mark.parametrize("name", TENANT_TABLES)
def test_nobody_writes_what_is_anothers(everything: Engine, name: str) -> None:
    column = next(iter(table(name).columns)).name
    for tenant in (None, FOREIGN, "org_owner", "org_bureau"):
        guard = "" if name != "organisations" else f" WHERE id = '{OWNER}'"
        assert written(everything, f"DELETE FROM {name}{guard}", tenant=tenant) == 0
        if not table(name).c[column].identity:
            assert written(everything, f"UPDATE {name} SET {column} = {column}{guard}", tenant=tenant) == 0


@pytest.mark.parametrize("name", TENANT_TABLES)
def test_nobody_adds_what_would_be_anothers(everything: Engine, name: str) -> None:
    for tenant in (None, FOREIGN):
        with pytest.raises(ProgrammingError) as refusal, unit_of_work(everything, tenant=tenant) as session:
            session.connection().execute(table(name).insert(), row_of(table(name)))
        assert isinstance(refusal.value.orig, InsufficientPrivilege)


def test_what_happens_to_the_network_is_noted_of_nobody_and_read_by_the_operator_alone(everything: Engine) -> None:
    row = row_of(table("audit_entries")) | {"organisation_id": None}
    with unit_of_work(everything, tenant=FOREIGN) as session:
        session.connection().execute(table("audit_entries").insert().inline(), row)
        mine = session.connection().execute(select(func.count()).select_from(table("audit_entries"))).scalar_one()
        act_for_everyone(session)
        all_of_them = session.connection().execute(select(func.count()).select_from(table("audit_entries")))
        assert (mine, all_of_them.scalar_one()) == (0, 2)
        session.rollback()


# ---------------------------------------------------------------- transactions


def said(session: Session) -> str | None:
    return session.connection().execute(text("SELECT current_setting('fabroute.tenant', true)")).scalar_one() or None


def test_what_one_transaction_says_is_not_there_for_the_next_user_of_the_connection(everything: Engine) -> None:
    seen = []
    for tenant in (OWNER, None, "*", None):
        with unit_of_work(everything, tenant=tenant) as session:
            pid = session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
            seen.append((said(session), pid))

    assert [tenant for tenant, _ in seen] == [OWNER, None, "*", None]
    assert len({pid for _, pid in seen}) == 1


def test_a_transaction_that_failed_leaves_nothing_behind_either(everything: Engine) -> None:
    def fail(session: Session) -> None:
        act_for_everyone(session)
        raise LookupError(said(session))

    with pytest.raises(LookupError, match=r"\*"), unit_of_work(everything, tenant=OWNER) as session:
        fail(session)

    with unit_of_work(everything) as session:
        assert (said(session), tenant_of(session)) == (None, None)


def test_acting_for_everyone_lasts_to_the_end_of_the_transaction_and_is_undone_with_a_savepoint(
    everything: Engine,
) -> None:
    with unit_of_work(everything, tenant=OWNER) as session:
        with session.begin_nested() as inner:
            act_for_everyone(session)
            assert said(session) == "*"
            inner.rollback()
        assert (said(session), tenant_of(session)) == (OWNER, OWNER)
        act_for_everyone(session)
        assert (said(session), tenant_of(session)) == ("*", "*")
        assert reaches(session, OWNER)
        assert not reaches(session, FOREIGN)


def test_an_engine_for_everyone_needs_no_word_and_one_word_narrows_it(database: Database) -> None:
    with engine_for(database.url) as engine:
        with unit_of_work(engine) as session:
            act_for_everyone(session)
            assert (said(session), tenant_of(session), reaches(session, OWNER)) == ("*", None, True)
        with unit_of_work(engine, tenant=OWNER) as session:
            assert (said(session), reaches(session, OWNER), reaches(session, FOREIGN)) == (OWNER, True, False)


def test_a_tenant_that_would_be_sql_is_a_tenant_without_rows(everything: Engine) -> None:
    for tenant in ("*' OR true --", "' OR ''='", "%", "org%", "*,org", " *", "**"):
        assert count(everything, "orders", tenant=tenant) == 0
        assert count(everything, "jobs", tenant=tenant) == 0


def test_a_tenants_own_rows_are_known_before_it_is_asked_what_else_it_may_see(everything: Engine) -> None:
    policies = "SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'seen_by_others'"
    with unit_of_work(everything) as session:
        tables = sorted(session.connection().execute(text(policies)).scalars())
        filters = {table: _filter_of(session, table) for table in tables}

    first = {table: words.split(" OR ")[0].lstrip("(") for table, words in filters.items() if " OR " in words}
    assert (len(tables), len(first)) == (21, 21)
    assert {table for table, words in first.items() if not words.endswith("= '*'::text)")} == set()


def _filter_of(session: Session, table: str) -> str:
    plan = session.connection().execute(text(f"EXPLAIN SELECT * FROM {table}")).scalars()
    return next((line.partition("Filter: ")[2] for line in plan if "Filter: " in line), "")


def test_the_role_of_the_application_can_take_no_policy_away(everything: Engine) -> None:
    tricks = (
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON orders",
        "CREATE POLICY all_of_it ON orders USING (true)",
        "SET LOCAL session_replication_role = replica",
        "SET ROLE fabroute_owner",
        "ALTER ROLE app_rw BYPASSRLS",
        "TRUNCATE orders",
    )
    for trick in tricks:
        with pytest.raises(ProgrammingError) as refusal, unit_of_work(everything, tenant=FOREIGN) as session:
            session.connection().execute(text(trick))
        assert isinstance(refusal.value.orig, InsufficientPrivilege)
    off = text("SET LOCAL row_security = off; SELECT * FROM orders")
    with pytest.raises(ProgrammingError, match="row-level security"), unit_of_work(everything) as session:
        session.connection().execute(off)


# ---------------------------------------------------------------- services


@pytest.fixture
def world(database: Database) -> Iterator[Engine]:
    """An engine for callers on a database with one order of org_owner, whose job lies with a node of org_bureau."""
    with engine_for(database.migration_url) as owner, owner.begin() as connection:
        insert_world(connection)
        connection.execute(table("organisations").insert(), row_of(table("organisations")) | {"id": "org_bureau"})
        connection.execute(text("UPDATE nodes SET organisation_id = 'org_bureau'"))
    engine = create_database_engine(database.url, pool_size=1, tenant=None)
    yield engine
    engine.dispose()


def confused(tenant: str) -> Principal:
    """A caller whom the application takes for the owner, and the database for another."""
    return Principal(organisation_id="org_owner", kind="owner", key_id="key_1", scopes=ALL_SCOPES, tenant=tenant)


def test_services_that_forget_whose_it_is_find_nothing_of_anothers(world: Engine) -> None:
    owner, wrong = confused("org_owner"), confused(FOREIGN)
    with unit_of_work(world, tenant=owner.tenant) as session:
        assert production.get_job(session, principal=owner, job_id="job_1").job_id == "job_1"
        assert orders.get_order(session, organisation_id="org_owner", order_id="ord_1").id == "ord_1"
        assert inventory.get_part(session, organisation_id="org_owner", part_no="RL-0001").part_no == "RL-0001"
    with unit_of_work(world, tenant=wrong.tenant) as session:
        with pytest.raises(production.UnknownJob):
            production.get_job(session, principal=wrong, job_id="job_1")
        with pytest.raises(orders.UnknownOrder):
            orders.get_order(session, organisation_id="org_owner", order_id="ord_1")
        with pytest.raises(inventory.UnknownPart):
            inventory.get_part(session, organisation_id="org_owner", part_no="RL-0001")


def test_a_bureau_taken_for_the_owner_is_neither_and_as_itself_sees_its_job(world: Engine) -> None:
    taken = confused("org_bureau")
    with unit_of_work(world, tenant="org_bureau") as session:
        with pytest.raises(production.UnknownJob):
            production.get_job(session, principal=taken, job_id="job_1")
        with pytest.raises(production.UnknownJob):
            production.take_back_job(session, principal=taken, job_id="job_1", reason="mine", now=NOW)
        itself = replace(taken, organisation_id="org_bureau", kind="bureau")
        assert production.get_job(session, principal=itself, job_id="job_1").node_id == "N1"
        assert tenant_of(session) == "org_bureau"


def test_a_bureau_reads_the_licence_that_its_job_prints_under_and_changes_nothing_of_it(world: Engine) -> None:
    for tenant, states in (("org_bureau", ["active"]), ("org_owner", ["active"]), (FOREIGN, [])):
        with unit_of_work(world, tenant=tenant) as session:
            leases = inventory.leases_of(session, job_ids=["job_1"])
            assert [lease.licence_state for lease in leases.values()] == states
        assert count(world, "print_licences", tenant=tenant) == len(states)

    more = "UPDATE print_licences SET granted_prints = granted_prints + 1"
    assert [written(world, more, tenant=tenant) for tenant in ("org_bureau", FOREIGN, "org_owner")] == [0, 0, 1]
    with unit_of_work(world, tenant="*") as session:
        session.connection().execute(text("DELETE FROM print_licence_leases"))
    assert count(world, "print_licences", tenant="org_bureau") == 0
