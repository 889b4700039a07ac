"""Replays on a real database: the same again, or what is gone or different."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.production.service import offer_jobs
from fabroute.routing.repository import archives
from fabroute.routing.service.archive import load_archive, pack_run, purge_archives, store_archive
from fabroute.routing.service.replays import UnknownDecision, UnknownReplay, ask_replay, get_replay
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.routing.service.shadow_runs import UnknownShadowRun, get_shadow_run
from fabroute.routing.service.shadow_work import ShadowLimits, work_on_shadow_runs
from fabroute.solver.plan import PlanStatus
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network

LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)
NODES = (a_node(node_id="N101"), a_node(node_id="N102", city="Potsdam", minimum_order_minor=5_300))


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        given_routable_network(engine, nodes=NODES)
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def given_decision(engine: Engine, owner: Owner, *, orders: int = 1) -> tuple[str, str]:
    """The id of a decision and of its run."""
    given_orders(engine, *(make_order(owner) for _ in range(orders)))
    assert route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS) is not None
    found = in_transaction(
        engine, lambda session: rows(session, "SELECT id, run_id FROM routing_decisions ORDER BY id")
    )
    return str(found[0][0]), str(found[0][1])


def replayed(engine: Engine, owner: Owner, decision_id: str) -> dict[str, Any]:
    with unit_of_work(engine) as session:
        asked = ask_replay(
            session,
            organisation_id=owner.organisation_id,
            decision_id=decision_id,
            whole=False,
            actor=owner.key_id,
            now=NOW,
        )
    assert (asked.state, asked.report) == ("waiting", None)
    assert work_on_shadow_runs(engine, limits=ShadowLimits(), now=NOW) == 1
    with unit_of_work(engine) as session:
        found = get_replay(session, organisation_id=owner.organisation_id, replay_id=asked.id)
    assert (found.state, found.decision_id) == ("done", decision_id)
    assert found.report is not None
    return dict(found.report)


def changed_archive(engine: Engine, run_id: str, **changes: Any) -> None:
    """Keep another archive in the place of a run's, well formed."""
    with unit_of_work(engine) as session:
        run = load_archive(session, run_id=run_id)
        assert run is not None
        archives.delete_archives(session, before=NOW + timedelta(days=1), limit=10)
        store_archive(session, run_id=run_id, content=pack_run(replace(run, **changes)), now=NOW)


def codes(report: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in report["reasons"]]


def test_a_decision_comes_out_the_same_again(engine: Engine, owner: Owner) -> None:
    decision_id, _ = given_decision(engine, owner, orders=3)

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], report["reasons"]) == ("same", [])
    assert report["line"]["then"] == report["line"]["now"]
    assert report["line"]["now"]["node_id"] == "N101"
    assert report["line"]["now"]["landed_minor"] == 5_997
    assert report["plan"]["cost_millis_then"] == report["plan"]["cost_millis_now"]
    assert (report["plan"]["lines"], report["plan"]["lines_that_differ"], report["plan"]["verified"]) == (3, 0, True)
    assert (report["seed"], report["deterministic_seconds"]) == (3, 2.0)
    assert report["versions_then"] == report["versions_now"]


def test_without_its_archive_a_decision_can_not_be_made_again(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    with unit_of_work(engine) as session:
        kept = purge_archives(session, now=NOW + timedelta(days=90), days=90)
        gone = purge_archives(session, now=NOW + timedelta(days=90, seconds=1), days=90)

    report = replayed(engine, owner, decision_id)

    assert (kept, gone) == (0, 1)
    assert (report["outcome"], codes(report)) == ("gone", ["ARCHIVE_GONE"])
    assert report["reasons"][0]["message"].startswith(f"run {run_id} has no archive: it is older than")
    assert (report["line"], report["plan"]) == (None, None)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (
            "improve",
            "runs that move promised lines are not archived; its moved_from names the decision before",
        ),
        ("online", "it promised an order by itself (a quote, a promise at once), without a joint plan"),
        ("quote", "it promised an order by itself (a quote, a promise at once), without a joint plan"),
    ],
)
def test_runs_that_never_had_an_archive_say_so(engine: Engine, owner: Owner, kind: str, why: str) -> None:
    decision_id, run_id = given_decision(engine, owner)
    in_transaction(engine, lambda session: rows(session, "DELETE FROM run_archives RETURNING 1"))
    in_transaction(engine, lambda session: rows(session, "UPDATE routing_runs SET kind = :kind RETURNING 1", kind=kind))

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("gone", ["ARCHIVE_GONE"])
    assert report["reasons"][0]["message"] == f"run {run_id} has no archive: {why}"


def test_an_archive_that_was_changed_is_no_proof(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    in_transaction(
        engine, lambda session: rows(session, "UPDATE run_archives SET content = content || 'x' RETURNING 1")
    )

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("gone", ["ARCHIVE_DAMAGED"])
    assert f"the archive of run {run_id} has changed since it was stored" in report["reasons"][0]["message"]


def test_another_version_is_named_where_the_plan_differs(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    with unit_of_work(engine) as session:
        run = load_archive(session, run_id=run_id)
    assert run is not None
    other = next(option for option in range(run.problem.option_count) if run.node_of(option) == "N102")
    changed_archive(engine, run_id, versions={**run.versions, "ortools": "8.0"}, chosen=(other,))

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("differs", ["VERSION_DIFFERS"])
    assert report["reasons"][0]["message"] == f"ortools was 8.0, is {run.versions['ortools']}"
    assert (report["line"]["then"]["node_id"], report["line"]["now"]["node_id"]) == ("N102", "N101")
    assert report["plan"]["lines_that_differ"] == 1


def test_the_same_plan_by_another_version_is_the_same(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    changed_archive(engine, run_id, versions={"ortools": "8.0"})

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("same", ["VERSION_DIFFERS"])
    assert report["versions_then"] == {"ortools": "8.0"}


def test_a_wall_clock_that_stopped_the_run_then_is_named(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    changed_archive(engine, run_id, status=PlanStatus.WALL_GUARD, cost_millis=1)

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("differs", ["WALL_GUARD_THEN"])
    assert report["plan"]["cost_millis_then"] == 1


def test_an_archive_of_another_snapshot_is_another(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    changed_archive(engine, run_id, snapshot_sha256="0" * 64)

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("differs", ["SNAPSHOT_DIFFERS"])
    assert report["snapshot_sha256"] == "0" * 64


def test_a_difference_that_nothing_explains_says_so(engine: Engine, owner: Owner) -> None:
    decision_id, run_id = given_decision(engine, owner)
    changed_archive(engine, run_id, cost_millis=1)

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], codes(report)) == ("differs", ["UNEXPLAINED"])
    assert report["plan"]["lines_that_differ"] == 0


def test_a_line_that_had_no_option_has_none_again(engine: Engine, owner: Owner) -> None:
    in_transaction(engine, lambda session: rows(session, "UPDATE nodes SET status = 'down' RETURNING 1"))
    decision_id, _ = given_decision(engine, owner)

    report = replayed(engine, owner, decision_id)

    assert (report["outcome"], report["plan"]) == ("same", None)
    assert report["line"] == {"then": {"option": None, "node_id": None}, "now": {"option": None, "node_id": None}}


def test_decisions_and_replays_of_others_are_unknown(engine: Engine, owner: Owner) -> None:
    decision_id, _ = given_decision(engine, owner)
    other = given_owner(engine, name="Südbahn", part_no="RL-0002")

    with unit_of_work(engine) as session:
        asked = ask_replay(
            session, organisation_id="org_operator", decision_id=decision_id, whole=True, actor="key_1", now=NOW
        )
        for unknown in (decision_id, "dec_nothing"):
            with pytest.raises(UnknownDecision, match=f"there is no decision {unknown} of yours"):
                ask_replay(
                    session,
                    organisation_id=other.organisation_id,
                    decision_id=unknown,
                    whole=False,
                    actor="key_1",
                    now=NOW,
                )
        with pytest.raises(UnknownReplay, match=f"you have no replay {asked.id}"):
            get_replay(session, organisation_id=other.organisation_id, replay_id=asked.id)
        with pytest.raises(UnknownShadowRun):
            get_shadow_run(session, organisation_id="org_operator", shadow_run_id=asked.id)
    assert asked.id.startswith("rpl_")
