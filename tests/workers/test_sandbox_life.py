"""The whole life of an order in a sandbox, by the processes that an installation runs; and its audit log, sealed."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from tests.factories.audit import verified
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner, given_orders, make_order
from tests.factories.processes import a_process, wait_until
from tests.factories.sandbox import given_sandbox

_OWNER = (
    "SELECT part.organisation_id, part.id, revision.id FROM parts part JOIN part_revisions revision"
    " ON revision.part_id = part.id"
)
_TOLD = "SELECT DISTINCT type FROM events WHERE organisation_id = :owner"
_UNSEALED = "SELECT 1 FROM audit_entries e WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = e.id)"


def table(engine: Engine, sql: str, **values: object) -> list[tuple[object, ...]]:
    """The rows of a query."""
    return in_transaction(engine, lambda session: rows(session, sql, **values))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_order_is_delivered_told_of_and_sealed_without_anybodys_doing(
    settings: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    sandbox = given_sandbox(engine)
    ((owner_id, part_id, revision_id),) = table(engine, _OWNER)
    owner = Owner(
        organisation_id=str(owner_id),
        token=sandbox.key.token,
        key_id=sandbox.key.key_id,
        part_id=str(part_id),
        revision_id=str(revision_id),
        part_no="SBX-CLIP",
    )
    given_orders(engine, make_order(owner, placed_at=utc_now()))
    environment = settings | {"FABROUTE_SANDBOX_STEP_SECONDS": "0"}
    with a_process("fabroute_workers", "--concurrency", "1", environment=environment, log=tmp_path / "log"):
        delivered = wait_until(lambda: table(engine, "SELECT state FROM jobs") == [("delivered",)])
        told = wait_until(lambda: ("job.delivered",) in table(engine, _TOLD, owner=owner.organisation_id))
        sealed = wait_until(lambda: table(engine, _UNSEALED) == [])

    assert (delivered, told, sealed) == (True, True, True)
    assert in_transaction(engine, lambda session: verified(session).findings) == ()
    assert '"step": "deliver"' in (tmp_path / "log").read_text(encoding="utf-8")
