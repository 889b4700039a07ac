from datetime import timedelta

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.identity.service.grants import AT_THE_TERMINAL
from fabroute.identity.service.oauth import ClientCredentials, NewClient, create_client, issue_token
from fabroute.kernel.time import utc_now
from fabroute_workers import forgetting
from fabroute_workers.subscriptions import PURGE_ANSWERS
from fabroute_workers.tasks import identity
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows


def test_the_hourly_errand_removes_tokens_that_ended_more_than_a_day_ago(database: Database) -> None:
    now = utc_now()
    with engine_for(database.url) as engine:
        with unit_of_work(engine) as session:
            owner = create_organisation(session, name="Nordbahn", kind="owner", now=now)
            wanted = NewClient(name="CMMS", scopes=frozenset({"orders:read"}), organisation_id=owner)
            made = create_client(session, client=wanted, caller=AT_THE_TERMINAL, now=now)
            credentials = ClientCredentials(client_id=made.client_id, secret=made.secret)
            for hours in (0, 1, 26):
                issue_token(session, credentials=credentials, scopes=None, now=now - timedelta(hours=hours))
        removed = [forgetting.forget_answers(engine).rows for _ in range(2)]
        left = in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM access_tokens"))

    assert (removed, left) == ([1, 0], [(2,)])
    assert identity.purge_answers.name == PURGE_ANSWERS
