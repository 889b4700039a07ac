"""A recall finds everything that was made of a lot, takes back what is not shipped, and tells whose the rest is."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.identity.service import create_organisation
from fabroute.network.service import LotStock, NewLot, consume_lot
from fabroute.production.service import recall
from fabroute.production.service.recall import (
    InvalidRecall,
    LotRecalled,
    NothingToRecall,
    RecallRequest,
    RecallView,
    UnknownRecall,
    get_recall,
    list_recalls,
    recall_lots,
    recalls_of_jobs,
)
from tests.benchmarks.bench_recall import measured
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.network import TODAY, a_lot, a_machine, a_network, a_node, an_offer, save_a_network
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, given_floor, key_of

LOT = "L-2291"
STATES = "SELECT state, end_reason FROM jobs ORDER BY id"


@pytest.fixture
def floor(database: Database) -> Iterator[Floor]:
    """A bureau whose lot ``lot_1`` is of the manufacturer's L-2291."""
    with engine_for(database.url) as engine:
        made = given_floor(engine)
        made.table("UPDATE material_lots SET supplier_lot = :lot RETURNING id", lot=LOT)
        yield made


def made(floor: Floor, *, state: str, prints: int = 1) -> str:
    """Return the id of a job in a state, with so many good prints."""
    job_id = floor.accepted(max(prints, 1))
    floor.table(
        "UPDATE jobs SET state = :state, good_prints = :prints WHERE id = :id RETURNING id",
        state=state,
        prints=prints,
        id=job_id,
    )
    floor.table(
        "INSERT INTO print_records (job_id, number, result, serial, note, reported_by, reported_at, scrap_reason)"
        " SELECT :id, n, 'good', 'SN-' || n, '', 'key_bureau', now(), '' FROM generate_series(1, :prints) n"
        " RETURNING 1",
        id=job_id,
        prints=prints,
    )
    return job_id


def recalled(
    floor: Floor,
    who: Principal = OPERATOR_KEY,
    *,
    supplier_lot: str | None = LOT,
    lot_id: str | None = None,
    material: str | None = None,
    reason: str = "contaminated",
    dry_run: bool = False,
) -> RecallView:
    request = RecallRequest(supplier_lot=supplier_lot, lot_id=lot_id, material=material, reason=reason, dry_run=dry_run)
    return floor.do(lambda session: recall_lots(session, request=request, principal=who, now=NOW))


def lot_of(supplier_lot: str, *, state: str = "available") -> NewLot:
    return NewLot(
        node_id="N101",
        material="PA12-MJF",
        grams=500,
        expires_on=TODAY + timedelta(days=90),
        supplier_lot=supplier_lot,
        state=state,
    )


def received(floor: Floor, lot: NewLot) -> LotStock:
    return floor.do(lambda session: recall.receive_lot(session, lot=lot, actor="key_1", now=NOW))


def seen_by(floor: Floor, who: Principal, view: RecallView) -> RecallView:
    return floor.do(lambda session: get_recall(session, recall_id=view.recall_id or "", principal=who))


def listed(floor: Floor, who: Principal) -> int:
    return len(floor.do(lambda session: list_recalls(session, principal=who, cursor=None, limit=5)).items)


def used(floor: Floor, job_id: str, lot_id: str) -> None:
    floor.do(
        lambda session: consume_lot(
            session, lot_id=lot_id, job_id=job_id, build_id="bld_1", grams=90, actor="key_bureau", now=NOW
        )
    )


def outcomes(view: RecallView) -> dict[str, tuple[str, str]]:
    return {job.job_id: (job.state, job.outcome) for job in view.document.jobs}


def test_unshipped_jobs_go_back_to_routing_and_shipped_ones_are_named(floor: Floor) -> None:
    working, inspected = made(floor, state="in_production", prints=0), made(floor, state="inspected")
    shipped, delivered = made(floor, state="shipped", prints=2), made(floor, state="delivered")
    (offered,) = (offer.job_id for offer in floor.offered())

    view = recalled(floor)

    assert outcomes(view) == {
        working: ("in_production", "rerouted"),
        inspected: ("inspected", "rerouted"),
        shipped: ("shipped", "shipped"),
        delivered: ("delivered", "shipped"),
        offered: ("offered", "rerouted"),
    }
    assert floor.table("SELECT count(*) FROM jobs WHERE state = 'cancelled'") == [(3,)]
    assert floor.table("SELECT DISTINCT cause FROM reroutes") == [("lot_blocked",)]
    assert floor.table("SELECT state, state_reason FROM material_lots") == [("blocked", "recalled: contaminated")]
    assert floor.table("SELECT count(*) FROM order_lines WHERE state = 'pending'") == [(3,)]
    assert [len(job.prints) for job in view.document.jobs if job.job_id == shipped] == [2]


def test_owners_of_shipped_parts_are_told_once_with_counts(floor: Floor) -> None:
    made(floor, state="shipped", prints=2)
    made(floor, state="delivered", prints=3)
    view = recalled(floor)
    recalled(floor)

    assert floor.told("recall.parts_shipped") == [view.recall_id]
    told = floor.audited("recall.parts_shipped")
    assert told == [
        ("key_operator", view.recall_id, {"supplier_lot": LOT, "reason": "contaminated", "jobs": 2, "parts": 5})
    ]
    owners = "SELECT organisation_id FROM outbox_events WHERE name = 'recall.parts_shipped'"
    assert floor.table(owners) == [(floor.owner.organisation_id,)]


def test_the_same_recall_again_answers_with_the_first(floor: Floor) -> None:
    made(floor, state="shipped")
    first = recalled(floor)
    again = recalled(floor, reason="again")

    assert (again.recall_id, again.reason, again.repeated) == (first.recall_id, "contaminated", True)
    assert again.document == first.document
    assert floor.table("SELECT count(*) FROM recalls") == [(1,)]


def test_a_dry_run_tells_the_same_and_changes_nothing(floor: Floor) -> None:
    made(floor, state="in_production", prints=0)
    made(floor, state="shipped")
    before = floor.table("SELECT id, state, version FROM jobs ORDER BY id")
    seen = recalled(floor, dry_run=True)

    assert seen.recall_id is None
    assert floor.table("SELECT id, state, version FROM jobs ORDER BY id") == before
    assert floor.table("SELECT state FROM material_lots") == [("available",)]
    assert floor.table("SELECT count(*) FROM recalls") == [(0,)]
    assert recalled(floor).document == seen.document


def test_a_job_whose_builds_used_another_lot_is_not_touched(floor: Floor) -> None:
    floor.do(lambda session: save_a_network(session, data=a_network(lots=(a_lot(lot_id="lot_2"),))))
    other, this = made(floor, state="shipped"), made(floor, state="shipped")
    used(floor, other, "lot_2")
    used(floor, this, "lot_1")

    view = recalled(floor, dry_run=True)
    assert [(job.job_id, job.used_grams) for job in view.document.jobs] == [(this, 90)]
    view = recalled(floor, supplier_lot=None, lot_id="lot_2", dry_run=True)
    assert [(job.job_id, job.used_grams) for job in view.document.jobs] == [(other, 90)]


def test_a_job_that_ended_before_it_used_anything_is_not_touched(floor: Floor) -> None:
    made(floor, state="cancelled", prints=0)
    scrapped = made(floor, state="failed", prints=1)

    assert outcomes(recalled(floor, dry_run=True)) == {scrapped: ("failed", "ended")}


def test_everyone_sees_of_a_recall_what_is_theirs(floor: Floor) -> None:
    job_id = made(floor, state="shipped")
    view = recalled(floor)
    owner = key_of(floor.owner)

    whole = {job_id: ("shipped", "shipped")}
    assert outcomes(seen_by(floor, OPERATOR_KEY, view)) == outcomes(seen_by(floor, BUREAU_KEY, view)) == whole
    assert [lot.lot_id for lot in seen_by(floor, BUREAU_KEY, view).document.lots] == ["lot_1"]
    assert (outcomes(seen_by(floor, owner, view)), seen_by(floor, owner, view).document.lots) == (whole, ())
    with pytest.raises(UnknownRecall, match="that touches you"):
        seen_by(floor, RIVAL_KEY, view)
    assert [listed(floor, who) for who in (OPERATOR_KEY, BUREAU_KEY, RIVAL_KEY, owner)] == [1, 1, 0, 1]


def test_a_bureau_recalls_from_its_own_store_only(floor: Floor) -> None:
    job_id = made(floor, state="accepted", prints=0)
    with pytest.raises(NothingToRecall, match="no store of yours has lot L-2291"):
        recalled(floor, RIVAL_KEY)
    with pytest.raises(NothingToRecall, match="lot_1"):
        recalled(floor, RIVAL_KEY, supplier_lot=None, lot_id="lot_1")

    assert outcomes(recalled(floor, BUREAU_KEY, material="PA12-MJF")) == {job_id: ("accepted", "rerouted")}


def test_a_recall_names_one_thing(floor: Floor) -> None:
    with pytest.raises(InvalidRecall, match="name the manufacturer's lot number"):
        recalled(floor, lot_id="lot_1")
    with pytest.raises(InvalidRecall, match="or one lot of a store"):
        recalled(floor, supplier_lot=None)
    with pytest.raises(NothingToRecall, match="lot L-2291 of PA11"):
        recalled(floor, material="PA11")


def test_papers_learn_that_the_material_of_a_job_was_recalled(floor: Floor) -> None:
    job_id = made(floor, state="delivered")
    assert floor.do(lambda session: recalls_of_jobs(session, job_ids=[job_id])) == {}
    view = recalled(floor)

    found = floor.do(lambda session: recalls_of_jobs(session, job_ids=[job_id, "job_other"]))
    assert {it: (each.recall_id, each.reason, each.supplier_lot) for it, each in found.items()} == {
        job_id: (view.recall_id, "contaminated", LOT)
    }


def test_a_recalled_lot_comes_in_as_blocked_only(floor: Floor) -> None:
    recalled(floor)
    with pytest.raises(LotRecalled, match=r"lot L-2291 of PA12-MJF was recalled \(rcl_"):
        received(floor, lot_of(LOT))
    blocked, other = received(floor, lot_of(LOT, state="blocked")), received(floor, lot_of("L-2292"))
    assert (blocked.state, other.state, other.supplier_lot) == ("blocked", "available", "L-2292")


def test_a_recall_that_is_rolled_back_leaves_everything(floor: Floor) -> None:
    made(floor, state="accepted", prints=0)
    request = RecallRequest(supplier_lot=LOT, reason="x")

    def recall_and_fail(session: Session) -> None:
        recall_lots(session, request=request, principal=OPERATOR_KEY, now=NOW)
        raise RuntimeError("the server went away")

    with pytest.raises(RuntimeError):
        floor.do(recall_and_fail)

    assert floor.table(STATES) == [("accepted", "")]
    assert floor.told("recall.opened") == []


def test_lots_of_two_stores_with_one_number_are_blocked_together(floor: Floor) -> None:
    second = a_network(
        nodes=(a_node(node_id="N102", organisation_id="org_rival"),),
        machines=(a_machine(machine_id="N102-A", node_id="N102"),),
        offers=(an_offer(machine_id="N102-A"),),
        lots=(a_lot(lot_id="lot_2", node_id="N102"),),
    )
    floor.do(
        lambda session: create_organisation(session, name="Rival", kind="bureau", now=NOW, organisation_id="org_rival")
    )
    floor.do(lambda session: save_a_network(session, data=second))
    floor.table("UPDATE material_lots SET supplier_lot = :lot RETURNING id", lot=LOT)
    view = recalled(floor)

    assert [(lot.lot_id, lot.node_id, lot.state_before) for lot in view.document.lots] == [
        ("lot_1", "N101", "available"),
        ("lot_2", "N102", "available"),
    ]
    assert floor.told("lot.blocked") == ["lot_1", "lot_2"]
    assert [lot.lot_id for lot in seen_by(floor, RIVAL_KEY, view).document.lots] == ["lot_2"]


def test_the_statements_of_a_recall_do_not_grow_with_its_jobs(floor: Floor) -> None:
    counted = []
    for jobs in (3, 9):
        floor.table("UPDATE material_lots SET state = 'available' RETURNING id")
        floor.table("UPDATE recalls SET lot_ids = '[]' RETURNING id")
        for _ in range(jobs):
            made(floor, state="in_production", prints=0)
        view, _, statements = measured(floor, dry_run=False)
        assert {job.outcome for job in view.document.jobs} == {"rerouted"}
        counted.append((len(view.document.jobs), statements))

    assert [jobs for jobs, _ in counted] == [3, 12]
    assert counted[0][1] == counted[1][1]
