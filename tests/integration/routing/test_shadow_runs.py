"""Shadow runs on a real database: past runs decided again, compared, kept turn by turn, seen by their owner only."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.service import read_audit
from fabroute.production.service import offer_jobs
from fabroute.routing.repository import shadow_runs as repository
from fabroute.routing.rules.policies import PolicyView, ShareCap
from fabroute.routing.service.archive import purge_archives
from fabroute.routing.service.policies import ContradictoryPolicy, UnknownPolicy, set_policy
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.routing.service.shadow_runs import (
    InvalidShadowRun,
    NothingArchived,
    ShadowQuestion,
    ShadowRunView,
    UnknownShadowRun,
    ask_shadow_run,
    due_shadow_runs,
    get_shadow_run,
    list_shadow_runs,
)
from fabroute.routing.service.shadow_work import ShadowLimits, work_on_shadow_runs
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, given_part, given_revision, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network

LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)
HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=1)
NODES = (
    a_node(node_id="N101", minimum_order_minor=5_000),
    a_node(node_id="N102", city="Potsdam", minimum_order_minor=5_300),
    a_node(node_id="N103", city="Cottbus", minimum_order_minor=6_000, kind="in_house"),
)
HALF_EACH = ShareCap(node_id=None, share=0.5)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        given_routable_network(engine, nodes=NODES)
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def given_run(engine: Engine, *owners: Owner, at: datetime = NOW) -> None:
    """A run that decides one order of each owner."""
    given_orders(engine, *(make_order(each, placed_at=at) for each in owners))
    assert route_pending(engine, scope="global", now=at, dispatch=offer_jobs, limits=LIMITS) is not None


def half_each(owner: Owner) -> PolicyView:
    return PolicyView(organisation_id=owner.organisation_id, caps=(HALF_EACH,))


def a_question(
    owner: Owner,
    *,
    policy: PolicyView | None = None,
    policy_version: int | None = None,
    whole: bool = False,
    since: datetime = NOW,
    until: datetime = LATER,
    without_nodes: tuple[str, ...] = (),
    capacity_factor: Mapping[str, float] | None = None,
) -> ShadowQuestion:
    return ShadowQuestion(
        organisation_id="org_operator" if whole else owner.organisation_id,
        whole=whole,
        since=since,
        until=until,
        policy=policy,
        policy_version=policy_version,
        without_nodes=without_nodes,
        capacity_factor=capacity_factor or {},
    )


def ask(engine: Engine, question: ShadowQuestion) -> ShadowRunView:
    with unit_of_work(engine) as session:
        return ask_shadow_run(session, question=question, actor="key_1", now=LATER)


def done(engine: Engine, question: ShadowQuestion) -> ShadowRunView:
    asked = ask(engine, question)
    assert work_on_shadow_runs(engine, limits=ShadowLimits(), now=LATER) == asked.runs_total
    with unit_of_work(engine) as session:
        return get_shadow_run(session, organisation_id=question.organisation_id, shadow_run_id=asked.id)


def shares(run: ShadowRunView) -> dict[str, tuple[int, int]]:
    return {node["node_id"]: (node["as_was_lines"], node["as_would_be_lines"]) for node in run.report["nodes"]}


def total(run: ShadowRunView) -> tuple[dict[str, Any], dict[str, Any]]:
    return run.report["total"]["as_was"], run.report["total"]["as_would_be"]


# ---------------------------------------------------------------- what is found


def test_lines_that_no_node_could_make_are_shown_beside_those_that_were_decided(engine: Engine, owner: Owner) -> None:
    part_id = given_part(engine, organisation_id=owner.organisation_id, part_no="RL-0009")
    revision_id = given_revision(engine, part_id=part_id, revision="A")
    in_transaction(
        engine,
        lambda session: rows(
            session,
            f"UPDATE part_revisions SET required_certificates = '{{EN9100}}' WHERE id = '{revision_id}' RETURNING 1",
        ),
    )
    given_orders(engine, make_order(owner), make_order(replace(owner, part_id=part_id, revision_id=revision_id)))
    assert route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS) is not None

    was, would_be = total(done(engine, a_question(owner, policy=half_each(owner))))

    assert [(it["lines"], it["unrouted"], it["without_options"]) for it in (was, would_be)] == [(1, 0, 1)] * 2


def test_a_cap_is_tried_on_the_past_and_costs_what_the_other_nodes_take_more(engine: Engine, owner: Owner) -> None:
    """Four orders, one a run: at half each they would have gone N101, N102, N103 (of three one each), N101."""
    for number in range(4):
        given_run(engine, owner, at=NOW + number * HOUR)

    found = done(engine, a_question(owner, policy=half_each(owner)))

    assert (found.state, found.runs_done, found.runs_total) == ("done", 4, 4)
    assert shares(found) == {"N101": (4, 2), "N102": (0, 1), "N103": (0, 1)}
    was, would_be = total(found)
    assert (was["landed_minor"], would_be["landed_minor"]) == (4 * 5_997, 4 * 5_997 + 300 + 1_000)
    assert would_be["cost_millis"] - was["cost_millis"] == 1_300_000
    assert (was["lines"], was["unrouted"], would_be["unrouted"], found.report["total"]["moved"]) == (4, 0, 0, 2)
    assert found.report["total"]["proven"] is True
    assert found.report["skipped"] == []


def test_nothing_is_done(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)
    before = in_transaction(engine, lambda session: rows(session, "SELECT id, node_id, state FROM jobs"))

    done(engine, a_question(owner, policy=half_each(owner)))

    tables = "SELECT (SELECT count(*) FROM routing_decisions), (SELECT count(*) FROM routing_policies)"
    assert in_transaction(engine, lambda session: rows(session, tables)) == [(1, 0)]
    assert in_transaction(engine, lambda session: rows(session, "SELECT id, node_id, state FROM jobs")) == before


def test_what_was_decided_before_the_time_counts_towards_shares(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)
    given_run(engine, owner, at=NOW + HOUR)

    found = done(engine, a_question(owner, policy=half_each(owner), since=NOW + HOUR))

    assert shares(found) == {"N101": (1, 0), "N102": (0, 1)}
    assert found.runs_total == 1


def test_a_version_that_was_stated_can_be_tried(engine: Engine, owner: Owner) -> None:
    with unit_of_work(engine) as session:
        set_policy(session, policy=half_each(owner), actor="key_1", now=NOW)
        set_policy(session, policy=PolicyView(organisation_id=owner.organisation_id), actor="key_1", now=NOW)
    given_run(engine, owner, owner)

    found = done(engine, a_question(owner, policy_version=1))

    assert shares(found) == {"N101": (2, 1), "N102": (0, 1)}
    assert found.request["policy_version"] == 1
    with pytest.raises(UnknownPolicy, match="no version 7"):
        ask(engine, a_question(owner, policy_version=7))


def test_the_policy_that_held_gives_what_was_decided(engine: Engine, owner: Owner) -> None:
    with unit_of_work(engine) as session:
        set_policy(session, policy=half_each(owner), actor="key_1", now=NOW)
    for number in range(3):
        given_run(engine, owner, at=NOW + number * HOUR)

    found = done(engine, a_question(owner, policy_version=1))

    was, would_be = total(found)
    assert was == would_be
    assert found.report["total"]["moved"] == 0
    assert shares(found) == {"N101": (1, 1), "N102": (1, 1), "N103": (1, 1)}


def test_a_node_that_was_not_there_loses_its_lines_to_the_next(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner, owner)

    found = done(engine, a_question(owner, whole=True, without_nodes=("N101",)))

    assert shares(found) == {"N101": (2, 0), "N102": (0, 2)}
    was, would_be = total(found)
    assert would_be["landed_minor"] - was["landed_minor"] == 600


def test_without_any_node_every_line_would_have_no_place(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)

    found = done(engine, a_question(owner, whole=True, without_nodes=("N101", "N102", "N103")))

    was, would_be = total(found)
    assert (was["unrouted"], would_be["unrouted"]) == (0, 1)
    assert (was["landed_minor"], would_be["landed_minor"]) == (0, 0)  # no line has a place both ways
    assert would_be["cost_millis"] == was["cost_millis"] * 5 // 2 + 5_000_000


def test_less_capacity_sends_lines_elsewhere(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)

    found = done(engine, a_question(owner, whole=True, capacity_factor={"N101": 0.0}))

    assert shares(found) == {"N101": (1, 0), "N102": (0, 1)}
    assert found.request["capacity_factor"] == {"N101": 0.0}


# ---------------------------------------------------------------- who sees what


def test_an_owner_sees_only_its_own_lines(engine: Engine, owner: Owner) -> None:
    other = given_owner(engine, name="Südbahn", part_no="RL-0002")
    given_run(engine, owner, owner, other, other, other)

    found = done(engine, a_question(owner, policy=half_each(owner)))

    assert total(found)[0]["lines"] == 2
    assert shares(found) == {"N101": (2, 1), "N102": (0, 1)}
    assert other.organisation_id not in str(found)


def test_the_operator_sees_all_lines_and_each_owners_policy_is_its_own(engine: Engine, owner: Owner) -> None:
    other = given_owner(engine, name="Südbahn", part_no="RL-0002")
    given_run(engine, owner, owner, other, other)

    found = done(engine, a_question(owner, whole=True, policy=PolicyView(caps=(HALF_EACH,))))

    assert shares(found) == {"N101": (4, 2), "N102": (0, 2)}
    assert total(found)[0]["lines"] == 4


def test_a_shadow_run_is_its_askers(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)
    asked = ask(engine, a_question(owner, policy=half_each(owner)))

    with unit_of_work(engine) as session:
        with pytest.raises(UnknownShadowRun, match=f"you have no shadow run {asked.id}"):
            get_shadow_run(session, organisation_id="org_other", shadow_run_id=asked.id)
        assert list_shadow_runs(session, organisation_id="org_other").items == ()
        (listed,) = list_shadow_runs(session, organisation_id=owner.organisation_id).items
        (entry,) = read_audit(session, subject_type="shadow_run", subject_id=asked.id)
    assert (listed.id, listed.state, listed.report) == (asked.id, "waiting", {})
    assert (entry.action, entry.data) == ("shadow_run.asked", {"runs": 1, "whole": False})


def test_shadow_runs_are_listed_newest_first_in_pages(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)
    asked = [ask(engine, a_question(owner, policy=half_each(owner))).id for _ in range(3)]

    with unit_of_work(engine) as session:
        page = list_shadow_runs(session, organisation_id=owner.organisation_id, limit=2)
        rest = list_shadow_runs(session, organisation_id=owner.organisation_id, cursor=page.next_cursor, limit=2)
    assert sorted(asked, reverse=True) == [run.id for run in (*page.items, *rest.items)]
    assert rest.next_cursor is None


# ---------------------------------------------------------------- what is refused


def test_a_time_without_archives_is_refused(engine: Engine, owner: Owner) -> None:
    other = given_owner(engine, name="Südbahn", part_no="RL-0002")
    given_run(engine, other)

    with pytest.raises(NothingArchived, match="no run with lines of yours from 2026-06-15") as refusal:
        ask(engine, a_question(owner, policy=half_each(owner)))
    with unit_of_work(engine) as session:
        assert purge_archives(session, now=NOW + timedelta(days=91), days=90) == 1
    with pytest.raises(NothingArchived, match="no run from 2026-06-15"):
        ask(engine, a_question(owner, whole=True, without_nodes=("N101",)))

    assert refusal.value.status == 422


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"until": NOW - HOUR}, "/until", "must be after since"),
        ({"since": LATER + HOUR, "until": LATER + 2 * HOUR}, "/since", "is in the future"),
        ({"since": NOW - timedelta(days=100)}, "/since", "is more than 92 days before until"),
        ({"policy": None}, "", "nothing is supposed: state a policy"),
        ({"policy_version": 1}, "/policy_version", "state either a policy or a version"),
        ({"without_nodes": ("N999",)}, "/network/without_nodes", "names N999, which is no node"),
        ({"capacity_factor": {"N101": 11.0}}, "/network/capacity_factor/N101", "must be from 0 to 10"),
        ({"capacity_factor": {"N101": float("nan")}}, "/network/capacity_factor/N101", "must be from 0 to 10"),
    ],
)
def test_what_can_not_be_looked_at_is_refused_with_the_field(
    engine: Engine, owner: Owner, changes: dict[str, Any], pointer: str, words: str
) -> None:
    question = replace(a_question(owner, policy=half_each(owner)), **changes)

    with pytest.raises(InvalidShadowRun, match=words) as refusal:
        ask(engine, question)

    assert [problem.pointer for problem in refusal.value.problems] == [pointer]
    assert refusal.value.status == 422


def test_a_policy_that_contradicts_is_refused(engine: Engine, owner: Owner) -> None:
    tight = PolicyView(organisation_id=owner.organisation_id, caps=(ShareCap(node_id=None, share=0.1),))

    with pytest.raises(ContradictoryPolicy, match="leave 70% of the lines without a place"):
        ask(engine, a_question(owner, policy=tight))
    counted = in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM shadow_runs"))
    assert counted == [(0,)]


# ---------------------------------------------------------------- turn by turn


def test_what_a_turn_does_not_finish_the_next_one_goes_on_with(engine: Engine, owner: Owner) -> None:
    for number in range(3):
        given_run(engine, owner, at=NOW + number * HOUR)
    asked = ask(engine, a_question(owner, policy=half_each(owner)))
    turns = [work_on_shadow_runs(engine, limits=ShadowLimits(seconds=0.0), now=LATER) for _ in range(4)]

    with unit_of_work(engine) as session:
        found = get_shadow_run(session, organisation_id=owner.organisation_id, shadow_run_id=asked.id)
        told = rows(session, "SELECT name FROM outbox_events WHERE name LIKE 'shadow_run.%' ORDER BY id")
    assert turns == [1, 1, 1, None]
    assert (found.state, found.runs_done) == ("done", 3)
    assert shares(found) == {"N101": (3, 1), "N102": (0, 1), "N103": (0, 1)}
    assert [name for (name,) in told] == [
        "shadow_run.asked",
        "shadow_run.paused",
        "shadow_run.paused",
        "shadow_run.done",
    ]


def test_a_worker_that_went_away_is_followed_by_another(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)
    asked = ask(engine, a_question(owner, policy=half_each(owner)))
    with unit_of_work(engine) as session:
        lost = repository.claim(session, lease_seconds=0.0)
        assert due_shadow_runs(session)
    assert lost is not None

    assert work_on_shadow_runs(engine, limits=ShadowLimits(), now=LATER) == 1

    with unit_of_work(engine) as session:
        late = repository.Progress(state="done", report={}, runs_done=9, runs_total=9)
        assert not repository.keep(session, lost, late, lease_seconds=1)
        found = get_shadow_run(session, organisation_id=owner.organisation_id, shadow_run_id=asked.id)
        assert not due_shadow_runs(session)
    assert (found.state, found.runs_done) == ("done", 1)


def test_a_run_at_which_workers_break_off_is_left_out(engine: Engine, owner: Owner) -> None:
    given_run(engine, owner)
    given_run(engine, owner, at=NOW + HOUR)
    asked = ask(engine, a_question(owner, policy=half_each(owner)))
    for _ in range(3):
        with unit_of_work(engine) as session:
            assert repository.claim(session, lease_seconds=0.0) is not None

    assert work_on_shadow_runs(engine, limits=ShadowLimits(), now=LATER) == 1

    with unit_of_work(engine) as session:
        found = get_shadow_run(session, organisation_id=owner.organisation_id, shadow_run_id=asked.id)
    (skipped,) = found.report["skipped"]
    assert skipped["reason"] == "deciding it again broke off 3 times"
    assert (found.state, found.runs_done, total(found)[0]["lines"]) == ("done", 2, 1)


def test_an_archive_that_is_gone_or_damaged_is_left_out_with_the_reason(engine: Engine, owner: Owner) -> None:
    for number in range(3):
        given_run(engine, owner, at=NOW + number * HOUR)
    asked = ask(engine, a_question(owner, policy=half_each(owner)))
    with unit_of_work(engine) as session:
        ids = [str(run_id) for (run_id,) in rows(session, "SELECT run_id FROM run_archives ORDER BY created_at")]
        rows(session, "DELETE FROM run_archives WHERE run_id = :id RETURNING 1", id=ids[0])
        rows(session, "UPDATE run_archives SET content = 'x' WHERE run_id = :id RETURNING 1", id=ids[1])

    work_on_shadow_runs(engine, limits=ShadowLimits(), now=LATER)

    with unit_of_work(engine) as session:
        found = get_shadow_run(session, organisation_id=owner.organisation_id, shadow_run_id=asked.id)
    reasons = {item["run_id"]: item["reason"] for item in found.report["skipped"]}
    assert reasons[ids[0]] == "its archive is gone"
    assert "has changed since it was stored" in reasons[ids[1]]
    assert total(found)[0]["lines"] == 1


def test_without_anything_to_do_nothing_is_done(engine: Engine) -> None:
    assert work_on_shadow_runs(engine, limits=ShadowLimits(), now=LATER) is None
    with unit_of_work(engine) as session:
        assert not due_shadow_runs(session)
