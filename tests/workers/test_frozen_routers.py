"""Real processes that freeze in the middle of a run and wake up after somebody else took over."""

import os
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.service.scopes import claim_scope, lapsed_scopes
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import ROUTE_PENDING, Errand
from tests.conftest import Database
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.processes import PATIENCE_SECONDS, a_process, wait_until
from tests.factories.routable import given_routable_network, held_and_taken
from tests.fakes.ringers import FakeRinger

pytestmark = pytest.mark.timeout(600)

SCOPES = ("metal/europe", "photopolymer/europe", "polymer_powder/europe")
LINES = 4


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def is_frozen(process: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"


def route(engine: Engine, scope: str) -> RunReport | None:
    limits = RoutingLimits(deterministic_seconds=1.0)
    return route_pending(engine, scope=scope, now=NOW, dispatch=offer_jobs, limits=limits)


@pytest.mark.slow
def test_routers_that_wake_up_after_their_lease_write_nothing(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    given_routable_network(engine)
    owner = given_owner(engine)
    for scope in SCOPES:
        given_orders(engine, *(make_order(owner, planning_scope=scope) for _ in range(LINES)))
    environment = {"FABROUTE_PROFILE": "embedded", "FABROUTE_DATABASE_URL": database.url}
    log, ringer = tmp_path / "log", FakeRinger()
    with ExitStack() as stack:
        frozen = [
            stack.enter_context(a_process("tests.fakes.frozen_router", scope, environment=environment, log=log))
            for scope in SCOPES
        ]
        assert wait_until(lambda: all(map(is_frozen, frozen)))
        assert wait_until(lambda: in_transaction(engine, lapsed_scopes) == SCOPES)
        Relay(engine, ringer=ringer).sweep()
        taken_over = [route(engine, scope) for scope in SCOPES]  # what those had is suspected of their end
        reports = [route(engine, f"{scope}/suspects") for scope in SCOPES]
        before = table(engine, "SELECT id, state, node_id FROM jobs ORDER BY id")
        for process in frozen:
            os.kill(process.pid, signal.SIGCONT)
        codes = [process.wait(PATIENCE_SECONDS) for process in frozen]

    assert ringer.errands == [Errand(task=ROUTE_PENDING, scope=scope) for scope in SCOPES]
    assert taken_over == [None] * len(SCOPES)
    assert [report.routed for report in reports if report is not None] == [LINES] * len(SCOPES)
    assert codes == [0] * len(SCOPES)
    assert log.read_text(encoding="utf-8").count(f"routed 0, open {LINES}") == len(SCOPES)
    assert table(engine, "SELECT id, state, node_id FROM jobs ORDER BY id") == before
    assert table(engine, "SELECT count(*), count(DISTINCT order_line_id) FROM routing_decisions") == [(12, 12)]
    scopes = "SELECT DISTINCT name LIKE '%/suspects', fence, holder FROM planning_scopes ORDER BY 1"
    assert table(engine, scopes) == [(False, 2, None), (True, 1, None)]
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    assert broken <= {"the outbox is being emptied"}  # no relay runs here


def test_a_router_that_freezes_as_its_keeper_writes_holds_its_scope_up_no_longer_than_a_transaction_may_stand_idle(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    given_routable_network(engine)
    given_orders(engine, *(make_order(given_owner(engine), planning_scope=SCOPES[0]) for _ in range(LINES)))
    environment = {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": database.url,
        "FABROUTE_IDLE_TRANSACTION_SECONDS": "1",
    }
    log = tmp_path / "log"
    with a_process("tests.fakes.frozen_router", SCOPES[0], "keeper", environment=environment, log=log) as frozen:
        assert wait_until(lambda: is_frozen(frozen))
        assert wait_until(lambda: in_transaction(engine, lapsed_scopes) == (SCOPES[0],))
        with unit_of_work(engine) as session:
            lease = claim_scope(session, name=SCOPES[0], lease_seconds=600, holder="another")
        still_frozen = is_frozen(frozen)
        os.kill(frozen.pid, signal.SIGCONT)
        code = frozen.wait(PATIENCE_SECONDS)

    assert lease is not None
    assert (lease.fence, still_frozen, code) == (2, True, 0)
    assert "idle-in-transaction timeout" in log.read_text(encoding="utf-8")
    assert f"routed 0, open {LINES}" in log.read_text(encoding="utf-8")
    assert table(engine, "SELECT fence, holder FROM planning_scopes") == [(2, "another")]
    assert table(engine, "SELECT count(*) FROM routing_decisions") == [(0,)]
