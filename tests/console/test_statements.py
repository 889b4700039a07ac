"""Pages ask the database as often for many rows as for few."""

import re
from collections.abc import Mapping

import httpx
import pytest

from fabroute_embedded import EmbeddedServers
from tests.benchmarks.bench_console import pages_of
from tests.console.browsing import surfing
from tests.console.conftest import WITH_PEOPLE
from tests.factories.console import People, ServedConsole, served_console
from tests.factories.many_decisions import given_many_decisions
from tests.factories.statements import statements_sent

FEW, MANY = 60, 1_500
"""Orders: 2 and 30 jobs to be made, 1 and 30 lines without a route."""
_OF_THE_SESSION = re.compile(r"FROM (person_sessions|people)\b")
"""Asked once in a second, by whichever request comes first."""


def counts(console: ServedConsole, orders: int, nodes: int) -> Mapping[str, int]:
    """Fill a database; return how many statements each page takes."""
    filled = given_many_decisions(console, orders, nodes=nodes)
    found: dict[str, int] = {}
    for who, pages in pages_of(filled).items():
        with surfing(console, who) as client:
            found |= {name: _count(console, client, path) for name, path in pages.items()}
    return found


def _count(console: ServedConsole, client: httpx.Client, path: str) -> int:
    resources = console.resources
    with statements_sent(resources.engine) as plain, statements_sent(resources.tenants) as tenants:
        answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text[:2_000])
    return sum(not _OF_THE_SESSION.search(sent) for sent in (*plain, *tenants))


@pytest.mark.timeout(300)
def test_no_page_asks_the_database_more_often_when_there_is_more(
    console: ServedConsole, servers: EmbeddedServers, people_in_template: People
) -> None:
    few = counts(console, FEW, nodes=3)
    urls = servers.postgres.create_database("console_of_many", template=WITH_PEOPLE)
    with served_console(urls.url, people=people_in_template) as full:
        many = counts(full, MANY, nodes=60)
    servers.postgres.drop_database("console_of_many")

    assert many == few
    assert few["jobs"] <= 30
