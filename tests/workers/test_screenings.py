"""Spare-part lists find their worker: by the event, by the sweep, in the process that print files have, too."""

import argparse
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.advice.service.screening_facts import ListedPart
from fabroute.advice.service.screenings import NewScreening, get_screening, request_screening
from fabroute.database import unit_of_work
from fabroute_workers.__main__ import modules
from fabroute_workers.bells import REPEAT_SECONDS
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import JUDGE_SCREENINGS, Errand, errands_of
from fabroute_workers.work import screen
from tests.factories.databases import in_transaction, rows
from tests.factories.network import save_a_network
from tests.factories.organisations import NOW, OWNER
from tests.factories.processes import a_process, wait_until
from tests.factories.screenings import a_spare_part
from tests.fakes.ringers import FakeClock, FakeRinger

pytestmark = pytest.mark.timeout(600)

SCREENINGS = Errand(task=JUDGE_SCREENINGS)


def given_lists(engine: Engine, *sizes: int) -> list[str]:
    """Ask for lists of so many parts beside a network; return the screenings' ids."""
    made = []
    with unit_of_work(engine) as session:
        save_a_network(session)
        for size in sizes:
            parts = [a_spare_part(part_no=f"P-{number}", process_materials=("PA12",)) for number in range(size)]
            listed = [ListedPart(part=part) for part in parts]
            asked = NewScreening(organisation_id=OWNER, name="mill", terms=ScreeningTerms(), rows=listed)
            made.append(request_screening(session, asked=asked, actor="key_1", now=NOW))
    return made


def judged(engine: Engine, screening_id: str) -> tuple[str, int]:
    view = in_transaction(engine, lambda it: get_screening(it, organisation_id=OWNER, screening_id=screening_id))
    return view.state, view.judged


def test_a_list_rings_once_and_the_sweep_rings_again_while_it_waits(engine: Engine) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW)
    given_lists(engine, 3, 2)
    relay.publish()
    assert ringer.errands.count(SCREENINGS) == 1
    assert relay.sweep() == 0
    clock.pass_seconds(REPEAT_SECONDS)
    assert relay.sweep() == 1
    assert ringer.errands[-1] == SCREENINGS
    assert screen(engine) == 5
    clock.pass_seconds(REPEAT_SECONDS)
    assert relay.sweep() == 0


def test_what_was_asked_or_is_left_over_is_judged_and_what_is_done_asks_for_nothing() -> None:
    for name in ("screening.asked", "screening.paused"):
        assert errands_of(event_name=name, data={}) == (SCREENINGS,)
    assert errands_of(event_name="screening.judged", data={}) == ()


def test_one_task_judges_all_lists_that_wait(engine: Engine) -> None:
    lists = given_lists(engine, 3, 250, 1)
    assert screen(engine) == 254
    assert [judged(engine, screening_id) for screening_id in lists] == [("done", 3), ("done", 250), ("done", 1)]
    assert screen(engine) == 0


def test_lists_are_judged_where_print_files_are_and_never_hold_routing_up() -> None:
    wanted = argparse.Namespace(concurrency=2, only=None, queues="routing,network,inventory,production,advice")
    made = modules(wanted)
    assert made["worker"][-1] == "routing,network,production"
    assert made["files"][-1] == "inventory,advice"


@pytest.mark.slow
def test_a_list_is_judged_by_the_running_workers(settings: dict[str, str], engine: Engine, tmp_path: Path) -> None:
    (first, second) = given_lists(engine, 900, 5)
    log = tmp_path / "log"
    with a_process("fabroute_workers", "--concurrency", "1", environment=settings, log=log):
        done = [("done", 900), ("done", 5)]
        assert wait_until(lambda: [judged(engine, it) for it in (first, second)] == done), log.read_text(
            encoding="utf-8"
        )
    entries = [
        json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if '"screening.judged"' in line
    ]
    assert sorted(entry["rows"] for entry in entries) == [5, 900]
    assert {entry["task"] for entry in entries} == {JUDGE_SCREENINGS}
    sql = "SELECT count(*) FROM screening_rows WHERE verdict IS NULL"
    assert in_transaction(engine, lambda session: rows(session, sql)) == [(0,)]
