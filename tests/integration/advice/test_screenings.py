"""Screenings on PostgreSQL: chunk by chunk, never twice, and nothing lost with a worker."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.advice.repository.screenings import (
    ClaimedScreening,
    JudgedRow,
    claim,
    finish,
    keep_judged,
    read_open_rows,
    release,
)
from fabroute.advice.rules.screening_parts import ScreenedPart, Verdict
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.advice.service.screening_facts import ListedPart
from fabroute.advice.service.screening_work import ScreeningLimits, judge_screenings
from fabroute.advice.service.screenings import (
    InvalidCursor,
    NewScreening,
    RankedPage,
    ReasonCount,
    ScreenedRow,
    ScreeningView,
    UnknownScreening,
    due_screenings,
    get_screening,
    list_screenings,
    rank_screened_rows,
    remove_screening,
    request_screening,
)
from fabroute.database import unit_of_work
from fabroute.inventory.service import add_revision, attach_print_file, register_part
from fabroute.network.service import StatusChange, set_node_status
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.inventory import a_part, a_print_file, a_revision
from tests.factories.inventory import release as release_revision
from tests.factories.network import save_a_network
from tests.factories.organisations import BUREAU, NOW, OWNER
from tests.factories.processes import a_process, wait_until
from tests.factories.screenings import a_spare_part

LIMITS = ScreeningLimits(chunk_rows=3)
"""Small chunks, so that there are several."""
TERMS = ScreeningTerms()


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """A network of one node that prints PA12, an owner without parts, and nothing to be judged."""
    with engine_for(database.url, connections=10) as engine:
        in_transaction(engine, save_a_network)
        yield engine


def a_row(part_no: str, **changes: Any) -> ListedPart:
    figures: dict[str, Any] = {"unit_price_minor": 40_000.0, "process_materials": ("PA12",)}
    return ListedPart(part=a_spare_part(part_no=part_no, **(figures | changes)), name=f"name of {part_no}")


def some_rows(count: int) -> list[ListedPart]:
    """Return parts of which the third, sixth … are not printable; the higher the number, the dearer the part."""
    return [
        a_row(f"P-{number:03}", unit_price_minor=10_000.0 * number, printable=False if number % 3 == 0 else None)
        for number in range(1, count + 1)
    ]


def ask(
    engine: Engine,
    listed: Sequence[ListedPart],
    *,
    terms: ScreeningTerms = TERMS,
    owner: str = OWNER,
    name: str = "mill",
) -> str:
    asked = NewScreening(organisation_id=owner, name=name, terms=terms, rows=listed)
    return in_transaction(engine, lambda session: request_screening(session, asked=asked, actor="key_1", now=NOW))


def view(engine: Engine, screening_id: str) -> ScreeningView:
    return in_transaction(engine, lambda it: get_screening(it, organisation_id=OWNER, screening_id=screening_id))


def ranked(engine: Engine, screening_id: str, verdict: Verdict | None = None, *, limit: int = 200) -> list[ScreenedRow]:
    """All rows in their ranking, read page by page."""
    found: list[ScreenedRow] = []
    cursor = None
    while True:
        wanted = RankedPage(cursor=cursor, limit=limit)
        with unit_of_work(engine) as session:
            page = rank_screened_rows(
                session, organisation_id=OWNER, screening_id=screening_id, verdict=verdict, page=wanted
            )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def let_the_lease_lapse(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        rows(session, "UPDATE screenings SET lease_until = now() - interval '1 second' RETURNING id")


def claimed_by_somebody(engine: Engine) -> ClaimedScreening:
    claimed = in_transaction(engine, lambda session: claim(session, lease_seconds=60))
    assert claimed is not None
    return claimed


def told(engine: Engine) -> list[object]:
    sql = "SELECT name FROM outbox_events WHERE subject_type = 'screening' ORDER BY id"
    return [name for (name,) in in_transaction(engine, lambda session: rows(session, sql))]


# ---------------------------------------------------------------- from the list to the ranking


def test_a_list_is_judged_and_ranked_by_what_a_twin_of_each_part_saves(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(7))
    waiting = view(engine, screening_id)
    assert (waiting.state, waiting.rows, waiting.judged, waiting.summary.reasons) == ("queued", 7, 0, ())
    assert in_transaction(engine, due_screenings)

    assert judge_screenings(engine, limits=LIMITS, now=NOW) == 7
    done, found = view(engine, screening_id), ranked(engine, screening_id)
    assert (done.state, done.judged, done.summary.digital_twin, done.summary.no) == ("done", 7, 5, 2)
    assert [row.part_no for row in found] == ["P-007", "P-005", "P-004", "P-002", "P-001", "P-003", "P-006"]
    savings = [row.yearly_saving_minor for row in found]
    assert savings[5:] == [None, None]
    assert done.summary.yearly_saving_minor == sum(saving for saving in savings if saving is not None)
    assert done.summary.share_worth_it == 5 / 7
    assert done.summary.reasons == (
        ReasonCount(verdict="digital_twin", code="saves", rows=5),
        ReasonCount(verdict="no", code="not_printable", rows=2),
    )
    assert found[0].judgement["printed"]["node_id"] == "N101"
    assert (found[0].name, found[0].given["currency"]) == ("name of P-007", "EUR")
    assert told(engine) == ["screening.asked", "screening.judged"]
    assert not in_transaction(engine, due_screenings)
    assert judge_screenings(engine, limits=LIMITS, now=NOW) is None


def test_the_ranking_is_the_same_on_pages_of_any_size(engine: Engine) -> None:
    screening_id = ask(engine, [*some_rows(8), a_row("P-100", unit_price_minor=10_000.0)])
    judge_screenings(engine, limits=LIMITS, now=NOW)
    whole = ranked(engine, screening_id)
    assert [ranked(engine, screening_id, limit=limit) for limit in (1, 2, 3)] == [whole] * 3
    assert [row.part_no for row in whole][5:7] == ["P-001", "P-100"]  # of equal savings, the first in the list
    assert [row.part_no for row in ranked(engine, screening_id, "no", limit=1)] == ["P-003", "P-006"]
    assert ranked(engine, screening_id, "unclear") == []


def test_rows_that_are_not_judged_yet_stand_behind_without_a_verdict(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(7))
    assert judge_screenings(engine, limits=replace(LIMITS, seconds=0), now=NOW) == 3
    found, halfway = ranked(engine, screening_id), view(engine, screening_id)
    assert [(row.part_no, row.verdict) for row in found] == [
        ("P-002", "digital_twin"),
        ("P-001", "digital_twin"),
        ("P-003", "no"),
        *((f"P-00{number}", None) for number in (4, 5, 6, 7)),
    ]
    assert (halfway.state, halfway.judged, halfway.summary.digital_twin, halfway.summary.no) == ("queued", 3, 2, 1)
    assert halfway.summary.yearly_saving_minor == sum(row.yearly_saving_minor or 0 for row in found)


def test_a_cursor_that_was_never_given_out_is_refused(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(1))
    for cursor in ("", "x", "1", "1:", ":-1", "1.5:1", "1:1:1"):
        with pytest.raises(InvalidCursor, match="take next_cursor"), unit_of_work(engine) as session:
            rank_screened_rows(
                session,
                organisation_id=OWNER,
                screening_id=screening_id,
                verdict=None,
                page=RankedPage(cursor=cursor),
            )
    assert ranked(engine, screening_id)[0].part_no == "P-001"


def test_lists_are_those_of_their_owner_the_newest_first(engine: Engine) -> None:
    mine = [ask(engine, some_rows(1), name=name) for name in ("one", "two", "three")]
    other = ask(engine, some_rows(1), owner=BUREAU)
    with unit_of_work(engine) as session:
        first = list_screenings(session, organisation_id=OWNER, limit=2)
        rest = list_screenings(session, organisation_id=OWNER, cursor=first.next_cursor, limit=2)
        assert [it.screening_id for it in (*first.items, *rest.items)] == sorted(mine, reverse=True)
        assert rest.next_cursor is None
        for foreign in (other, "scr_none"):
            with pytest.raises(UnknownScreening, match=foreign):
                get_screening(session, organisation_id=OWNER, screening_id=foreign)
            with pytest.raises(UnknownScreening):
                remove_screening(session, organisation_id=OWNER, screening_id=foreign)


# ---------------------------------------------------------------- workers that stop, and several of them


def test_what_is_left_when_the_time_is_over_waits_and_is_rung_for(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(7))
    hurried = replace(LIMITS, seconds=0)
    assert [judge_screenings(engine, limits=hurried, now=NOW) for _ in range(4)] == [3, 3, 1, None]
    assert told(engine) == ["screening.asked", "screening.paused", "screening.paused", "screening.judged"]
    assert view(engine, screening_id).judged == 7


def test_a_list_whose_worker_went_away_is_taken_up_where_it_was(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(7))
    judge_screenings(engine, limits=replace(LIMITS, seconds=0), now=NOW)
    claimed_by_somebody(engine)
    assert view(engine, screening_id).state == "running"
    assert not in_transaction(engine, due_screenings)
    assert judge_screenings(engine, limits=LIMITS, now=NOW) is None
    let_the_lease_lapse(engine)
    assert in_transaction(engine, due_screenings)
    assert judge_screenings(engine, limits=LIMITS, now=NOW) == 4
    assert (view(engine, screening_id).state, view(engine, screening_id).judged) == ("done", 7)


def test_a_worker_that_lost_its_claim_writes_nothing_any_more(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(4))
    slow = claimed_by_somebody(engine)
    let_the_lease_lapse(engine)
    judge_screenings(engine, limits=replace(LIMITS, seconds=0), now=NOW)
    late = JudgedRow(position=4, verdict="digital_twin", yearly_saving_minor=10**9, judgement={})
    with unit_of_work(engine) as session:
        assert not keep_judged(session, slow, [late], lease_seconds=60)
        assert not release(session, slow)
        assert not finish(session, slow, {})
    assert (view(engine, screening_id).judged, view(engine, screening_id).state) == (1, "queued")
    assert [row.verdict for row in ranked(engine, screening_id)] == ["digital_twin", None, None, None]


def test_a_row_is_never_judged_a_second_time(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(2))
    claimed = claimed_by_somebody(engine)
    first = JudgedRow(position=1, verdict="no", yearly_saving_minor=None, judgement={})
    with unit_of_work(engine) as session:
        assert keep_judged(session, claimed, [first], lease_seconds=60)
        assert keep_judged(session, claimed, [replace(first, verdict="digital_twin")], lease_seconds=60)
        assert [row.position for row in read_open_rows(session, screening_id, limit=9)] == [2]
    assert ranked(engine, screening_id)[0].verdict == "no"


def test_workers_at_once_take_different_lists_and_never_the_same_row(engine: Engine) -> None:
    asked = [ask(engine, some_rows(20), name=name) for name in ("one", "two", "three")]
    done = at_once(*[lambda: judge_screenings(engine, limits=LIMITS, now=NOW)] * 6)
    assert sorted(rows for rows in done if rows is not None) == [20, 20, 20]
    views = [view(engine, screening_id) for screening_id in asked]
    assert [(it.state, it.judged, it.rows) for it in views] == [("done", 20, 20)] * 3
    assert {row.verdict for it in asked for row in ranked(engine, it)} == {"digital_twin", "no"}


def test_a_list_that_has_not_begun_goes_before_one_that_has(engine: Engine) -> None:
    long, short = ask(engine, some_rows(9)), ""
    hurried = replace(LIMITS, seconds=0)
    judge_screenings(engine, limits=hurried, now=NOW)
    short = ask(engine, some_rows(3))
    judge_screenings(engine, limits=hurried, now=NOW)
    assert (view(engine, long).judged, view(engine, short).judged) == (3, 3)


@pytest.mark.timeout(300)
def test_a_killed_worker_loses_nothing(engine: Engine, database: Database, tmp_path: Path) -> None:
    screening_id = ask(engine, some_rows(600))
    with a_process("tests.fakes.screening_worker", database.url, environment={}, log=tmp_path / "log") as worker:
        assert wait_until(lambda: view(engine, screening_id).judged >= 20), (tmp_path / "log").read_text(
            encoding="utf-8"
        )
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    killed = view(engine, screening_id)
    assert (killed.state, killed.judged < 600) == ("running", True)
    kept = [row for row in ranked(engine, screening_id) if row.verdict is not None]
    assert len(kept) == killed.judged
    let_the_lease_lapse(engine)
    assert judge_screenings(engine, limits=ScreeningLimits(), now=NOW) == 600 - killed.judged
    assert view(engine, screening_id).judged == 600
    again = {row.part_no: row for row in ranked(engine, screening_id)}
    assert [again[row.part_no] for row in kept] == kept


# ---------------------------------------------------------------- rows that can't be judged


def test_a_row_that_can_not_be_judged_is_noted_and_the_others_go_on(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(4))
    with unit_of_work(engine) as session:
        rows(
            session, 'UPDATE screening_rows SET given = given || \'{"history": ["x"]}\' WHERE position = 2 RETURNING 1'
        )
        rows(session, "UPDATE screening_rows SET given = '{}' WHERE position = 4 RETURNING 1")
    assert judge_screenings(engine, limits=LIMITS, now=NOW) == 4
    done, found = view(engine, screening_id), {row.part_no: row for row in ranked_documents(engine, screening_id)}
    assert (done.state, done.summary.digital_twin, done.summary.no, done.summary.unclear) == ("done", 1, 1, 2)
    assert found["P-002"].verdict == found["P-004"].verdict == "unclear"
    (reason,) = found["P-002"].judgement["reasons"]
    assert reason["code"] == "not_judged"
    assert reason["message"].startswith("the row can't be judged (")


def ranked_documents(engine: Engine, screening_id: str) -> list[ScreenedRow]:
    """The rows, one of which lost what was given of it."""
    with unit_of_work(engine) as session:
        rows(session, 'UPDATE screening_rows SET given = given || \'{"name": ""}\' RETURNING 1')
    return ranked(engine, screening_id)


def test_a_row_that_ends_its_workers_is_found_and_given_up(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(5))
    for _ in range(LIMITS.attempt_cap):
        claimed_by_somebody(engine)
        let_the_lease_lapse(engine)
    assert judge_screenings(engine, limits=LIMITS, now=NOW) == 5
    (given_up,) = ranked(engine, screening_id, "unclear")
    assert (given_up.part_no, given_up.judgement["reasons"][0]["code"]) == ("P-001", "judging_broke_off")
    assert view(engine, screening_id).judged == 5


def test_after_a_worker_died_rows_are_kept_one_by_one(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(5))
    claimed_by_somebody(engine)
    let_the_lease_lapse(engine)
    assert judge_screenings(engine, limits=replace(LIMITS, seconds=0), now=NOW) == 1
    assert view(engine, screening_id).judged == 1
    assert judge_screenings(engine, limits=replace(LIMITS, seconds=0), now=NOW) == 3  # progress forgives the death
    assert ranked(engine, screening_id, "unclear") == []


def test_a_removed_list_is_gone_and_its_worker_stops(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(4))
    claimed = claimed_by_somebody(engine)
    with unit_of_work(engine) as session:
        remove_screening(session, organisation_id=OWNER, screening_id=screening_id)
    judged = JudgedRow(position=1, verdict="no", yearly_saving_minor=None, judgement={})
    with unit_of_work(engine) as session:
        assert not keep_judged(session, claimed, [judged], lease_seconds=60)
        assert rows(session, "SELECT count(*) FROM screening_rows") == [(0,)]
        with pytest.raises(UnknownScreening):
            remove_screening(session, organisation_id=OWNER, screening_id=screening_id)
    assert judge_screenings(engine, limits=LIMITS, now=NOW) is None


# ---------------------------------------------------------------- what the inventory and the network say


def given_known_part(session: Session, *, file: bool) -> None:
    part_id = register_part(session, part=a_part(part_no="K-1"), now=NOW)
    revision_id = add_revision(session, revision=a_revision(part_id=part_id), now=NOW)
    if file:
        attach_print_file(session, revision_id=revision_id, facts=a_print_file(), now=NOW)
        release_revision(session, revision_id)


@pytest.mark.parametrize("file", [True, False])
def test_facts_of_a_known_part_fill_what_its_row_leaves_out(engine: Engine, file: bool) -> None:
    in_transaction(engine, lambda session: given_known_part(session, file=file))
    bare = ListedPart(part=ScreenedPart(part_no="K-1", unit_price_minor=900.0))
    screening_id = ask(engine, [bare])
    judge_screenings(engine, limits=LIMITS, now=NOW)
    (row,) = ranked(engine, screening_id)
    costs = {item["code"]: item["amount_minor"] for item in row.judgement["rows"]}
    assert row.judgement["yearly_demand"] == 1800
    assert row.judgement["assumed"] == [
        f"{name}: from your inventory"
        for name in ("demand", "box_mm", "volume_cm3", "process_materials", "required_certificates")
    ]
    assert costs["qualification"] == -30_000
    assert costs.get("digitisation") == (None if file else -12_000)
    assert row.judgement["printed"]["material"] == "PA12-MJF"


def test_what_the_row_says_goes_before_the_inventory(engine: Engine) -> None:
    in_transaction(engine, lambda session: given_known_part(session, file=True))
    screening_id = ask(engine, [a_row("K-1", required_certificates=("X",))])
    judge_screenings(engine, limits=LIMITS, now=NOW)
    (row,) = ranked(engine, screening_id)
    assert (row.judgement["assumed"], row.judgement["yearly_demand"], row.verdict) == ([], 10, "digital_twin")
    assert "digitisation" not in {item["code"] for item in row.judgement["rows"]}


def test_the_parts_of_others_are_not_looked_at(engine: Engine) -> None:
    in_transaction(engine, lambda session: given_known_part(session, file=True))
    bare = ListedPart(part=ScreenedPart(part_no="K-1", unit_price_minor=900.0))
    screening_id = ask(engine, [bare], owner=BUREAU)
    judge_screenings(engine, limits=LIMITS, now=NOW)
    with unit_of_work(engine) as session:
        page = rank_screened_rows(
            session, organisation_id=BUREAU, screening_id=screening_id, verdict=None, page=RankedPage()
        )
    assert [reason["code"] for reason in page.items[0].judgement["reasons"]] == [
        "demand_unknown",
        "size_unknown",
        "material_unknown",
    ]
    assert page.items[0].verdict == "unclear"


def test_nodes_that_are_down_print_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        change = StatusChange(status="down", reason="moving house", expected_version=None)
        set_node_status(session, node_id="N101", change=change, actor="key_1", now=NOW + timedelta(hours=1))
    screening_id = ask(engine, [a_row("P-1")])
    judge_screenings(engine, limits=LIMITS, now=NOW)
    (row,) = ranked(engine, screening_id)
    assert (row.verdict, row.judgement["reasons"]) == (
        "no",
        [{"code": "material_not_printed", "message": "no node that is up prints PA12"}],
    )


def test_terms_are_kept_and_judged_by(engine: Engine) -> None:
    terms = ScreeningTerms(minimum_saving_minor=10**9, process_materials=("PA12",), scrap_rule="keep")
    screening_id = ask(engine, [a_row("P-1", process_materials=())], terms=terms)
    judge_screenings(engine, limits=LIMITS, now=NOW)
    (row,) = ranked(engine, screening_id)
    assert view(engine, screening_id).terms == terms
    assert row.judgement["reasons"][0]["code"] == "too_little_to_save"
    assert "moq_scrap" not in {item["code"] for item in row.judgement["rows"]}


def test_a_machine_that_can_not_be_as_its_row_says_prints_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        rows(session, "UPDATE machine_models SET layer_um = 0 RETURNING 1")
    screening_id = ask(engine, [a_row("P-1")])
    assert judge_screenings(engine, limits=LIMITS, now=NOW) == 1
    (row,) = ranked(engine, screening_id)
    assert (row.verdict, row.judgement["reasons"][0]["code"]) == ("no", "material_not_printed")


def test_workers_that_take_a_list_from_each_other_judge_every_row_once(engine: Engine) -> None:
    screening_id = ask(engine, some_rows(80))
    greedy = ScreeningLimits(lease_seconds=0, chunk_rows=1, attempt_cap=1_000)
    done = at_once(*[lambda: judge_screenings(engine, limits=greedy, now=NOW)] * 4)
    let_the_lease_lapse(engine)
    rest = judge_screenings(engine, limits=LIMITS, now=NOW)
    assert sum(count or 0 for count in (*done, rest)) == 80
    view_now = view(engine, screening_id)
    assert (view_now.state, view_now.judged) == ("done", 80)
    assert view_now.summary.digital_twin + view_now.summary.no == 80
    assert told(engine).count("screening.judged") == 1
