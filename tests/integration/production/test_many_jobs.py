"""A revocation holds every job that needs the certificate, however many there are, and all of them go elsewhere."""

import pytest
from psycopg import Connection

from fabroute.database import unit_of_work
from fabroute.production.service import list_jobs, recheck_jobs, revoke_certificate, take_back_held
from tests.factories.many_jobs import given_many_jobs
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, CERTIFICATE, OPERATOR_KEY, Floor
from tests.factories.routable import held_and_taken
from tests.factories.statements import counted_statements

MANY = 1_500


def revoke(floor: Floor) -> int:
    return floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit failed", principal=OPERATOR_KEY, now=NOW
        )
    ).held


@pytest.mark.slow
def test_a_revocation_holds_many_jobs_in_one_transaction_and_they_are_taken_back_in_batches(floor: Floor) -> None:
    given_many_jobs(floor.engine, floor.owner, MANY)

    assert revoke(floor) == MANY
    assert floor.table("SELECT state, held_from, fence, count(*) FROM jobs GROUP BY 1, 2, 3") == [
        ("held", "accepted", 2, MANY)
    ]
    assert len(set(floor.told("job.held"))) == len({subject for _, subject, _ in floor.audited("job.held")}) == MANY
    assert floor.table("SELECT queue_version FROM nodes") == [(2,)]
    taken = [floor.do(lambda session: take_back_held(session, limit=1_000, now=NOW)) for _ in range(3)]
    assert taken == [1_000, 500, 0]
    assert floor.table("SELECT state, count(*) FROM order_lines GROUP BY 1") == [("pending", MANY)]
    assert floor.do(held_and_taken) == {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}


def test_looking_at_many_jobs_takes_as_many_statements_as_looking_at_one(floor: Floor) -> None:
    given_many_jobs(floor.engine, floor.owner, 50)

    def look(count: int) -> int:
        ids = [f"job_{number}" for number in range(1, count + 1)]
        with unit_of_work(floor.engine) as session:
            driver = session.connection().connection.driver_connection
            assert isinstance(driver, Connection)
            with counted_statements(driver) as statements:
                found = recheck_jobs(session, job_ids=ids, now=NOW)
        assert found == dict.fromkeys(ids, ())
        return statements.executed

    assert look(1) == look(50)
    page = floor.do(
        lambda session: list_jobs(
            session, principal=BUREAU_KEY, node_id="N101", state="accepted", cursor=None, limit=20
        )
    )
    assert (len(page.items), page.next_cursor) == (20, page.items[-1].job_id)
