"""Many at once with one ticket, and downloads against whatever ends a job: never a file too many."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.service import AuditedRefusal
from fabroute.production.service import redeem_ticket, revoke_certificate, take_back_job
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, CERTIFICATE, OPERATOR_KEY, RIVAL_KEY, Floor, given_floor

MANY = 64
ROUNDS = 12


@pytest.fixture
def floor(database: Database) -> Iterator[Floor]:
    with engine_for(database.url, connections=MANY + 2) as engine:
        yield given_floor(engine)


def together(*works: Callable[[], str]) -> list[str]:
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], str]) -> str:
        start.wait(timeout=60)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def redeem(floor: Floor, token: str, *, thief: bool = False) -> str:
    who = RIVAL_KEY if thief else BUREAU_KEY
    try:
        floor.do(lambda session: redeem_ticket(session, principal=who, token=token, now=NOW))
    except AuditedRefusal as refusal:
        return refusal.code
    return "file"


def take_back(floor: Floor, job_id: str) -> str:
    with unit_of_work(floor.engine) as session:
        take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="bureau closed", now=NOW)
    return "taken back"


def releases(floor: Floor) -> int:
    return len(floor.audited("print_file.released"))


def test_sixty_four_replays_of_a_ticket_at_once_get_exactly_one_file(floor: Floor) -> None:
    token = floor.token(floor.accepted())

    found = together(*[lambda: redeem(floor, token)] * MANY)

    assert sorted(found) == ["file"] + ["file_ticket_used"] * (MANY - 1)
    assert releases(floor) == 1
    assert floor.table("SELECT count(*) FROM file_tickets WHERE used_at IS NOT NULL") == [(1,)]


def test_thieves_who_are_quicker_than_the_bureau_get_nothing(floor: Floor) -> None:
    token = floor.token(floor.accepted())

    found = together(*[lambda: redeem(floor, token, thief=True)] * 31, lambda: redeem(floor, token))

    assert sorted(found) == ["file"] + ["unknown_file_ticket"] * 31
    assert releases(floor) == 1


def test_no_file_leaves_after_a_job_was_taken_back_however_close_the_race(floor: Floor) -> None:
    found = []
    for _ in range(ROUNDS):
        job_id = floor.accepted()
        token = floor.token(job_id)

        found.append(together(partial(redeem, floor, token), partial(take_back, floor, job_id)))
        assert redeem(floor, token) in ("file_ticket_used", "file_ticket_void")
    assert {outcome for _, outcome in found} == {"taken back"}
    assert {outcome for outcome, _ in found} <= {"file", "file_ticket_void"}
    assert releases(floor) == sum(outcome == "file" for outcome, _ in found)
    # What was released was released under the fence of the ticket, before the job went.
    late = floor.table(
        "SELECT 1 FROM file_tickets ticket JOIN jobs ON jobs.id = ticket.job_id WHERE ticket.used_at IS NOT NULL"
        " AND jobs.file_released_at IS NULL"
    )
    assert late == []


def test_no_file_leaves_after_a_revocation_however_close_the_race(floor: Floor) -> None:
    tokens = [floor.token(floor.accepted()) for _ in range(ROUNDS)]

    def revoke() -> str:
        revocation = floor.do(
            lambda session: revoke_certificate(
                session, certificate_id=CERTIFICATE, reason="audit failed", principal=OPERATOR_KEY, now=NOW
            )
        )
        return f"held {revocation.held}"

    found = together(revoke, *[partial(redeem, floor, token) for token in tokens])

    assert found[0] == f"held {ROUNDS}"
    assert set(found[1:]) <= {"file", "file_ticket_void", "job_unqualified"}
    assert releases(floor) == found.count("file")
    assert [redeem(floor, token) for token in tokens].count("file") == 0
    assert floor.table("SELECT state, count(*) FROM jobs GROUP BY 1") == [("held", ROUNDS)]
    released = "(SELECT id FROM audit_entries WHERE action = 'print_file.released')"
    held = "(SELECT min(id) FROM audit_entries WHERE action = 'job.held')"
    assert floor.table(f"SELECT count(*) FROM {released} AS released WHERE id > {held}") == [(0,)]
