"""The functions that policies ask: they find the same rows whatever a session puts in the way of their names."""

import re
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection, Engine, Row, text

from tests.conftest import Database
from tests.factories.databases import engine_for

OURS = text("""
SELECT p.proname AS name, p.prosrc AS source, p.prosecdef AS is_definer, p.proconfig AS settings,
       ARRAY(SELECT format_type(it, NULL) FROM unnest(p.proargtypes) AS it) AS types
FROM pg_catalog.pg_proc p
WHERE p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.proname
""")
"""Every function in the database that is neither PostgreSQL's nor an extension's."""
READ_FROM = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_.]+)", re.IGNORECASE)
CALLED = re.compile(r"([a-z_.]*fabroute_[a-z_]+)\(")
BUILT_IN = frozenset({"jsonb_array_elements_text"})
EMPTY = {"text": "'x'", "jsonb": "'[]'"}


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """As the role that serves requests."""
    with engine_for(database.url) as found:
        yield found


def functions(connection: Connection) -> Sequence[Row[tuple[object, ...]]]:
    return connection.execute(OURS).all()


def test_each_function_names_all_that_it_reads_with_its_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        found = functions(connection)

    assert len(found) == 24
    assert [it.name for it in found if it.is_definer] == []
    for it in found:
        read = set(READ_FROM.findall(it.source)) - BUILT_IN
        assert read | set(CALLED.findall(it.source)), it.name
        assert {name for name in read if not name.startswith("public.")} == set(), it.name
        assert {name for name in CALLED.findall(it.source) if not name.startswith("public.")} == set(), it.name


def test_each_function_works_without_a_search_path(engine: Engine) -> None:
    with engine.connect() as connection:
        found = functions(connection)
        connection.execute(text("SET LOCAL search_path = ''"))
        connection.execute(text("SELECT set_config('fabroute.tenant', 'org_nobody', true)"))
        answers = {}
        for it in found:
            call = f"public.{it.name}({', '.join(EMPTY[kind] for kind in it.types)})"
            answers[it.name] = connection.execute(text(f"SELECT {call}")).scalar_one()

    assert len(answers) == 24
    assert {str(answer) for answer in answers.values()} == {"False", "[]"}


def test_a_table_of_the_session_with_the_same_name_changes_no_answer(engine: Engine) -> None:
    with engine.connect() as connection:
        for table in ("orders", "jobs", "nodes", "parts"):
            connection.execute(text(f"CREATE TEMP TABLE {table} (id text, organisation_id text)"))
            connection.execute(text(f"INSERT INTO pg_temp.{table} VALUES ('it', 'org_a')"))
        connection.execute(text("SELECT set_config('fabroute.tenant', 'org_a', true)"))
        shadowed = connection.execute(text("SELECT count(*) FROM orders")).scalar_one()
        answers = connection.execute(
            text(
                "SELECT fabroute_owns_order('it'), fabroute_owns_part('it'), fabroute_sees_job('it'),"
                " fabroute_my_nodes()"
            )
        ).one()

    assert shadowed == 1
    assert tuple(answers) == (False, False, False, [])
