"""PostgreSQL's disk fills up while orders come: each is refused or kept, and sent again when there is room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute.database import unit_of_work
from fabroute_embedded import EmbeddedServers
from fabroute_embedded.accounts import give_to, server_account
from tests.conftest import Database
from tests.factories.api import an_order, served_api
from tests.factories.bad_servers import a_small_disk, as_superuser, fill
from tests.factories.databases import rows


@pytest.fixture
def small_disk(servers: EmbeddedServers, database: Database) -> Iterator[Path]:
    """A disk of four megabytes on which the test's database keeps its orders."""
    folder = servers.folder / "orders-disk"
    with a_small_disk(folder, kib=4096) as disk:
        space = disk / "space"
        space.mkdir(mode=0o700)
        give_to(server_account(), space)
        as_superuser(database.url, f"CREATE TABLESPACE orders_disk LOCATION '{space}'")
        as_superuser(database.url, "ALTER TABLE orders SET TABLESPACE orders_disk")
        yield disk
        (disk / "filler").unlink(missing_ok=True)
        as_superuser(database.url, "ALTER TABLE orders SET TABLESPACE pg_default", "DROP TABLESPACE orders_disk")
    shutil.rmtree(folder)


def test_a_full_disk_refuses_orders_to_be_sent_again_and_loses_none_that_were_taken(
    database: Database, small_disk: Path
) -> None:
    with served_api(database.url) as api:
        taken = [api.place(an_order(reference=f"before {it}"), key=f"before {it}").status_code for it in range(5)]
        fill(small_disk)
        refused, number = api.place(an_order(reference="full 0"), key="full 0"), 0
        while refused.status_code == 201:  # the last page had room
            number += 1
            refused = api.place(an_order(reference=f"full {number}"), key=f"full {number}")
        reading = api.client.get("/v1/orders?limit=1").status_code
        (small_disk / "filler").unlink()
        again = api.place(an_order(reference=f"full {number}"), key=f"full {number}")
        with unit_of_work(api.engine) as session:
            kept = rows(session, "SELECT count(*) FROM orders")

    assert taken == [201] * 5
    assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (reading, again.status_code) == (200, 201)
    assert kept == [(5 + number + 1,)]
