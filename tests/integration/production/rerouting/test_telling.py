"""What owners see of re-routes: the timeline of an order, the list of re-routes; and what workers do about them."""

from dataclasses import replace

import pytest

from fabroute.database.pages import Page
from fabroute.orders.service import UnknownOrder
from fabroute.production.service.rerouting.outages import leave_down_nodes
from fabroute.production.service.rerouting.settling import (
    RerouteFilter,
    list_reroutes,
    outcome_of,
    reroutes_wait,
    settle_reroutes,
)
from fabroute.production.service.rerouting.timeline import MalformedCursor, TimelineEntry, order_timeline
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, RIVAL_KEY
from tests.factories.rerouting import Works, a_leaving


def order_of(works: Works) -> str:
    ((order_id,),) = works.table("SELECT id FROM orders")
    return str(order_id)


def timeline(works: Works, *, limit: int = 200) -> list[TimelineEntry]:
    order_id = order_of(works)
    page = a_page(works, order_id, None, limit)
    found = [*page.items]
    while page.next_cursor is not None:
        page = a_page(works, order_id, page.next_cursor, limit)
        found += page.items
    return found


def a_page(works: Works, order_id: str, cursor: str | None, limit: int) -> Page[TimelineEntry]:
    return works.do(
        lambda session: order_timeline(session, principal=works.buyer, order_id=order_id, cursor=cursor, limit=limit)
    )


def test_a_timeline_tells_the_story_of_an_order(works: Works) -> None:
    (job_id,) = works.ordered()
    works.lost(job_id, a_leaving(later=1))
    works.route()

    told = timeline(works)
    what = [entry.what for entry in told]

    assert sorted(set(what)) == [
        "job.declined", "job.offered", "line.decided", "line.promise_settled", "line.rerouted", "order.placed",
    ]  # fmt: skip
    assert [entry.at for entry in told] == sorted(entry.at for entry in told)
    (rerouted,) = (entry for entry in told if entry.what == "line.rerouted")
    assert (rerouted.job_id, rerouted.by) == (job_id, "person")
    assert {name: rerouted.figures[name] for name in ("cause", "reason", "node_id", "quantity")} == {
        "cause": "declined", "reason": "no capacity", "node_id": "N101", "quantity": 1,
    }  # fmt: skip
    (settled,) = (entry for entry in told if entry.what == "line.promise_settled")
    assert (settled.figures["outcome"], settled.figures["landed_minor"], settled.by) == ("dearer", 6_997, "system")


def test_a_timeline_names_those_whom_its_reader_may_know(works: Works) -> None:
    works.ordered()
    (actor,) = (row[0] for row in works.table("SELECT actor FROM audit_entries WHERE action = 'order.placed'"))
    placed_by = [(it.who, it.who_kind) for it in timeline(works) if it.what == "order.placed"]
    assert placed_by == [("test", "key")]

    works.table(
        "INSERT INTO people (id, organisation_id, email, name, role, created_at, version)"
        " SELECT :id, organisation_id, 'ada@example.com', :name, 'buyer', now(), 1 FROM orders RETURNING id",
        id=actor,
        name="",
    )
    (placed, *_) = (entry for entry in timeline(works) if entry.what == "order.placed")
    assert (placed.by, placed.who) == ("person", "ada@example.com")

    works.table("UPDATE people SET name = 'Ada Lovelace' RETURNING id")
    told = {entry.what: entry.who for entry in timeline(works)}
    assert (told["order.placed"], told["line.decided"]) == ("Ada Lovelace", "")


def test_a_timeline_tells_once_what_was_decided_again_and_again(works: Works) -> None:
    works.ordered()
    again = (
        "INSERT INTO routing_decisions SELECT (jsonb_populate_record(d, jsonb_build_object('id', 'dec_z' || n,"
        " 'outcome', 'no_route', 'why', told.why, 'decided_at', d.decided_at + n * interval '1 hour'))).*"
        " FROM routing_decisions d, unnest(ARRAY[1, 2, 3, 4], ARRAY['full', 'full', 'closed', 'full'])"
        " told(n, why) RETURNING 1"
    )
    assert len(works.table(again)) == 4

    told = [entry.figures for entry in timeline(works) if entry.what == "line.decided"]

    assert [(it["outcome"], it["why"], it.get("times")) for it in told[1:]] == [
        ("no_route", "full", 2),
        ("no_route", "closed", None),
        ("no_route", "full", None),
    ]
    assert (told[0]["outcome"], "times" in told[0], told[1]["decision_id"]) == ("routed", False, "dec_z2")


def test_a_timeline_in_pages_is_the_same_and_each_entry_comes_once(works: Works) -> None:
    (job_id,) = works.ordered()
    works.lost(job_id, a_leaving())
    works.route()

    whole = timeline(works)

    assert timeline(works, limit=2) == whole
    assert len({entry.key for entry in whole}) == len(whole)


def test_a_timeline_is_for_the_owner_and_the_operator(works: Works) -> None:
    works.ordered()
    order_id = order_of(works)

    seen = works.do(lambda session: order_timeline(session, principal=OPERATOR_KEY, order_id=order_id))
    assert [entry.what for entry in seen.items] == [entry.what for entry in timeline(works)]
    with pytest.raises(UnknownOrder):
        works.do(lambda session: order_timeline(session, principal=RIVAL_KEY, order_id=order_id))
    with pytest.raises(MalformedCursor, match="next_cursor"):
        works.do(lambda session: order_timeline(session, principal=works.buyer, order_id=order_id, cursor="nonsense"))


def test_re_routes_are_listed_by_cause_and_by_what_became_of_them(works: Works) -> None:
    works.ordered(1, 1)
    first, second = works.jobs()
    works.lost(first, a_leaving())
    works.route()
    works.lost(second, a_leaving("lapsed", state="lapsed"))

    def listed(wanted: RerouteFilter) -> list[str]:
        return [each.job_id for each in works.do(lambda session: list_reroutes(session, wanted=wanted)).items]

    mine = RerouteFilter(organisation_id=works.owner.organisation_id)
    assert listed(mine) == [second, first]
    assert listed(replace(mine, cause="declined")) == [first]
    assert listed(replace(mine, settled=False)) == [second]
    assert listed(replace(mine, node_id="N103")) == []
    assert listed(replace(mine, organisation_id="org_rival")) == []


def test_a_re_route_waits_until_its_line_is_decided_and_is_told_once(works: Works) -> None:
    (job_id,) = works.ordered()
    works.lost(job_id, a_leaving())

    assert works.do(reroutes_wait) is False
    assert works.do(lambda session: settle_reroutes(session, now=NOW)) == 0
    works.route()
    assert works.do(lambda session: settle_reroutes(session, now=NOW)) == 0
    assert len(works.told("order.promise_changed")) == 1


def test_jobs_that_were_decided_while_their_node_went_down_leave_it(works: Works) -> None:
    (job_id,) = works.ordered()
    works.table("UPDATE nodes SET status = 'down' WHERE id = 'N101' RETURNING id")

    assert works.do(lambda session: leave_down_nodes(session, now=NOW)) == 1
    assert works.do(lambda session: leave_down_nodes(session, now=NOW)) == 0
    assert works.reroutes("job_id, cause") == [(job_id, "node_down")]
    works.route()
    assert works.where() == ["N102"]


@pytest.mark.parametrize(
    ("arrives", "landed", "outcome"),
    [
        (10, 100, "kept"),
        (9, 99, "kept"),
        (11, 100, "late"),
        (10, 101, "dearer"),
        (11, 101, "late_and_dearer"),
        (11, None, "late"),
        (None, 101, "dearer"),
    ],
)
def test_a_promise_is_kept_if_it_is_no_later_and_no_dearer(
    arrives: int | None, landed: int | None, outcome: str
) -> None:
    row = {"state": "routed", "promised_at": 10, "arrives_at": arrives, "promised_minor": 100, "landed_minor": landed}

    assert outcome_of(row) == outcome
    assert outcome_of({**row, "state": "no_route"}) == "no_route"
    assert outcome_of({**row, "promised_at": None, "promised_minor": None}) == "kept"
