"""How many connections of PostgreSQL an API process takes: no more than its pools may hold, and eight beside them."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text
from sqlalchemy.pool import QueuePool

from fabroute.database import most_connections, unit_of_work
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.infra.test_connections import BESIDE_THE_POOLS

POOL = 4
AT_ONCE = 48
SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
)


def sessions(engine: Engine) -> int:
    """Return how many there are but for those of ``engine`` itself."""
    with unit_of_work(engine) as session:
        found = int(session.connection().execute(text(SESSIONS)).scalar_one())
    assert isinstance(engine.pool, QueuePool)
    return found - engine.pool.checkedin()


def ask_for_much(api: Api) -> set[int]:
    """Place and read orders from many threads; return the statuses of the answers."""

    def ask(number: int) -> set[int]:
        placed = api.place(key=f"many-{number}")
        return {placed.status_code, api.client.get("/v1/orders").status_code, api.client.get("/v1/parts").status_code}

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return set[int]().union(*threads.map(ask, range(2 * AT_ONCE)))


def test_an_api_process_takes_no_more_connections_than_it_is_given_and_eight(database: Database) -> None:
    with served_api(database.url, database_pool_connections=POOL) as api:
        statuses = ask_for_much(api)
        taken = sessions(api.engine)
        own, tenants = most_connections(api.resources.engine), most_connections(api.resources.tenants)

    assert (own, tenants) == (POOL, POOL)
    assert statuses <= {200, 201}
    assert POOL < taken <= 2 * POOL + BESIDE_THE_POOLS
