"""Figures of a node, against plain Python on the same random history; and who sees which jobs behind them."""

import random
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from fabroute.database.pages import Page
from fabroute.identity.rules import Principal
from fabroute.production.service import NotTheNode
from fabroute.production.service.scores import (
    InvalidSpan,
    NodeScores,
    ProcessScores,
    ScoredFilter,
    ScoredJob,
    ScoreFigure,
    Span,
    list_scored_jobs,
    read_scores,
)
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.many_jobs import given_many_jobs
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, a_principal, given_floor, key_of

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 6, 1), date(2026, 6, 30)
NOON = datetime(2026, 6, 28, 12, tzinfo=BERLIN)
SPAN = Span(first_day=FIRST, last_day=LAST)
OPEN = ("accepted", "in_production", "inspected", "suspect")
STATES = (*OPEN, "offered", "held", "shipped", "shipped", "delivered", "declined", "lapsed", "cancelled", "failed")
DECLINES = ("capacity", "machine_down: spindle", "price: too low", "not_manufacturable: wall 0.4 mm")
STRANGER = a_principal(organisation_id="org_stranger", kind="owner", key_id="key_stranger")

_TELL = """UPDATE jobs SET state = :state, produce_by = :produce_by, offered_at = :offered_at,
accepted_at = :accepted_at, ended_at = :ended_at, end_reason = :end_reason, shipped_at = :shipped_at,
offer_rounds = :rounds WHERE id = :id RETURNING id"""
_COUNTER = """INSERT INTO counter_offers (id, job_id, organisation_id, node_id, price_minor, offered_price_minor,
produce_by, offered_produce_by, reason, state, automatic, proposed_by, proposed_at, decision_reason)
SELECT 'cof_' || id, id, organisation_id, node_id, 1, 1, produce_by, produce_by, '', 'lapsed', false, 'key', :at, ''
FROM jobs WHERE id = :id RETURNING id"""
_PRINT = """INSERT INTO print_records (job_id, number, result, serial, note, reported_by, reported_at, scrapped_at,
scrap_reason) VALUES (:id, :number, :result, '', '', 'key', :at, :scrapped_at, '') RETURNING number"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What happened to a job, as the test drew it."""

    job_id: str
    state: str
    produce_by: date
    offered_at: datetime
    accepted_at: datetime | None = None
    countered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    shipped_at: datetime | None = None
    rounds: int = 0
    prints: Sequence[tuple[datetime, str, bool]] = field(default=())
    """When it was reported, as what, and whether it was scrapped since."""

    @property
    def answered_at(self) -> datetime | None:
        declined = self.ended_at if self.state == "declined" else None
        return min((it for it in (self.accepted_at, self.countered_at, declined) if it is not None), default=None)


def drawn(number: int, chance: random.Random) -> Told:
    state = chance.choice(STATES)
    offered_at = instant(chance, date(2026, 5, 20), 45)
    accepted = state not in ("offered", "declined", "lapsed") or (state == "declined" and chance.random() < 0.2)
    later = [offered_at + timedelta(minutes=chance.randint(1, 4_000)) for _ in range(4)]
    return Told(
        job_id=f"job_{number}",
        state=state,
        produce_by=date(2026, 5, 25) + timedelta(days=chance.randrange(45)),
        offered_at=offered_at,
        accepted_at=later[0] if accepted else None,
        countered_at=later[1] if chance.random() < 0.15 else None,
        ended_at=later[2] if state in ("declined", "lapsed", "cancelled", "failed") else None,
        end_reason=chance.choice(DECLINES) if state == "declined" else "",
        shipped_at=later[3] if state in ("shipped", "delivered") else None,
        rounds=int(chance.random() < 0.1),
        prints=tuple(
            (instant(chance, date(2026, 5, 25), 40), chance.choice(("good", "good", "failed")), chance.random() < 0.2)
            for _ in range(chance.randrange(4))
        ),
    )


def instant(chance: random.Random, first: date, days: int) -> datetime:
    day = first + timedelta(days=chance.randrange(days))
    return datetime.combine(day, time(chance.randrange(24), chance.randrange(60)), tzinfo=BERLIN)


def keep(floor: Floor, told: Told) -> None:
    floor.table(
        _TELL,
        id=told.job_id,
        state=told.state,
        produce_by=told.produce_by,
        offered_at=told.offered_at,
        accepted_at=told.accepted_at,
        ended_at=told.ended_at,
        end_reason=told.end_reason,
        shipped_at=told.shipped_at,
        rounds=told.rounds,
    )
    if told.countered_at is not None:
        floor.table(_COUNTER, id=told.job_id, at=told.countered_at)
    for number, (at, result, scrapped) in enumerate(told.prints, start=1):
        gone = at + timedelta(hours=1) if scrapped and result == "good" else None
        floor.table(_PRINT, id=told.job_id, number=number, result=result, at=at, scrapped_at=gone)


def within(at: datetime | date) -> bool:
    day = at.astimezone(BERLIN).date() if isinstance(at, datetime) else at
    return FIRST <= day <= LAST


def on_time(history: Sequence[Told]) -> dict[str, bool]:
    due = [it for it in history if within(it.produce_by)]
    shipped = {
        it.job_id: it.shipped_at.astimezone(BERLIN).date() <= it.produce_by for it in due if it.shipped_at is not None
    }
    late = {it.job_id: False for it in due if it.state in OPEN and it.produce_by < NOON.date()}
    return shipped | late


def prints(history: Sequence[Told]) -> list[bool]:
    """Whether each print reported in the span is good for good."""
    reported = [each for it in history for each in it.prints if within(each[0])]
    return [result == "good" and not scrapped for _, result, scrapped in reported]


def answers(history: Sequence[Told]) -> list[float]:
    offers = [it for it in history if within(it.offered_at)]
    return sorted((it.answered_at - it.offered_at).total_seconds() for it in offers if it.answered_at is not None)


def lapses(history: Sequence[Told]) -> tuple[int, int]:
    """How many offers were met with silence, and of how many."""
    offers = [it for it in history if within(it.offered_at)]
    silent = sum(it.rounds + (it.state == "lapsed" and it.answered_at is None) for it in offers)
    return silent, silent + sum(it.answered_at is not None for it in offers)


def declines(history: Sequence[Told]) -> Counter[str]:
    offers = [it for it in history if within(it.offered_at) and it.state == "declined"]
    return Counter(it.end_reason.partition(":")[0] for it in offers)


def scored(floor: Floor, who: Principal = BUREAU_KEY, span: Span = SPAN) -> NodeScores:
    return floor.do(lambda session: read_scores(session, node_id="N101", span=span, principal=who, now=NOON))


def behind(floor: Floor, figure: ScoreFigure, who: Principal = BUREAU_KEY) -> list[ScoredJob]:
    """Return all jobs behind a figure, read by seven at a time."""
    found: list[ScoredJob] = []
    after: str | None = ""
    while after is not None:
        page = page_behind(floor, ScoredFilter(figure=figure, after=after, limit=7), who)
        found += page.items
        after = page.next_cursor
    return found


def page_behind(floor: Floor, wanted: ScoredFilter, who: Principal) -> Page[ScoredJob]:
    return floor.do(
        lambda session: list_scored_jobs(session, node_id="N101", span=SPAN, wanted=wanted, principal=who, now=NOON)
    )


@pytest.fixture
def floor(database: Database) -> Iterator[Floor]:
    with engine_for(database.url) as engine:
        yield given_floor(engine)


def test_figures_are_what_plain_python_counts(floor: Floor) -> None:
    chance = random.Random(6)
    given_many_jobs(floor.engine, floor.owner, 120)
    history = [drawn(number, chance) for number in range(1, 121)]
    for told in history:
        keep(floor, told)

    scores = scored(floor)
    overall = scores.overall
    expected_time, expected_prints = on_time(history), prints(history)
    seconds = answers(history)
    assert (overall.on_time.so, overall.on_time.counted) == (sum(expected_time.values()), len(expected_time))
    assert (overall.first_pass_yield.so, overall.first_pass_yield.counted) == (
        sum(expected_prints),
        len(expected_prints),
    )
    assert (overall.lapses.so, overall.lapses.counted) == lapses(history)
    assert dict(overall.declines) == dict(declines(history))
    assert (overall.answer_time.answered, overall.answer_time.median_seconds) == (
        len(seconds),
        statistics.median(seconds),
    )
    ninth = statistics.quantiles(seconds, n=10, method="inclusive")[8]
    assert overall.answer_time.p90_seconds == pytest.approx(ninth)
    assert [each.process for each in scores.by_process] == ["MJF"]
    assert without_process(scores.by_process[0]) == without_process(overall)
    assert {job.job_id: bool(job.so) for job in behind(floor, "on_time")} == expected_time
    assert sum(job.counted for job in behind(floor, "first_pass_yield")) == len(expected_prints)
    assert sorted(job.seconds or 0 for job in behind(floor, "answer_time")) == seconds
    assert Counter(job.reason for job in behind(floor, "declines")) == declines(history)


def without_process(scores: ProcessScores) -> tuple[object, ...]:
    return scores.on_time, scores.first_pass_yield, scores.answer_time, scores.lapses, dict(scores.declines)


@pytest.mark.parametrize("reason", ["capacity", "machine_down", "material: none left", "price", "date"])
def test_an_honest_decline_lowers_no_figure(floor: Floor, reason: str) -> None:
    given_many_jobs(floor.engine, floor.owner, 2)
    at = datetime(2026, 6, 10, 9, tzinfo=BERLIN)
    soon = at + timedelta(minutes=10)
    keep(
        floor, Told(job_id="job_1", state="shipped", produce_by=LAST, offered_at=at, accepted_at=soon, shipped_at=soon)
    )
    accepted = Told(job_id="job_2", state="offered", produce_by=date(2026, 6, 12), offered_at=at)
    keep(floor, accepted)
    before = scored(floor).overall
    declined = Told(
        job_id="job_2",
        state="declined",
        produce_by=date(2026, 6, 12),
        offered_at=at,
        ended_at=soon,
        end_reason=reason,
    )
    keep(floor, declined)
    after = scored(floor).overall

    assert (after.on_time, after.first_pass_yield) == (before.on_time, before.first_pass_yield)
    assert (before.lapses.so, after.lapses.so, after.lapses.counted) == (0, 0, 2)
    assert dict(after.declines) == {reason.partition(":")[0]: 1}


def test_silence_is_what_lowers_the_share_of_answers(floor: Floor) -> None:
    given_many_jobs(floor.engine, floor.owner, 1)
    at = datetime(2026, 6, 10, 9, tzinfo=BERLIN)
    silent = Told(job_id="job_1", state="lapsed", produce_by=LAST, offered_at=at, ended_at=at + timedelta(hours=1))
    keep(floor, silent)

    overall = scored(floor).overall
    assert (overall.lapses.so, overall.lapses.counted, overall.answer_time.answered) == (1, 1, 0)
    assert (overall.on_time.counted, dict(overall.declines)) == (0, {})


def test_a_node_the_operator_and_owners_see_figures_and_rivals_do_not(floor: Floor) -> None:
    given_many_jobs(floor.engine, floor.owner, 3)
    owner = key_of(floor.owner)
    assert scored(floor) == scored(floor, OPERATOR_KEY) == scored(floor, owner) == scored(floor, STRANGER)
    with pytest.raises(NotTheNode, match="are seen by itself"):
        scored(floor, RIVAL_KEY)
    seen = {who.key_id: len(behind(floor, "answer_time", who)) for who in (BUREAU_KEY, OPERATOR_KEY, owner, STRANGER)}
    assert list(seen.values()) == [3, 3, 3, 0]
    with pytest.raises(NotTheNode):
        behind(floor, "on_time", RIVAL_KEY)


def test_nothing_counted_is_no_figure(floor: Floor) -> None:
    overall = scored(floor).overall

    assert (overall.on_time.share, overall.on_time.interval, overall.answer_time.median_seconds) == (None, None, None)
    assert scored(floor).by_process == ()


def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(InvalidSpan, match="end on the day of the beginning or later"):
        Span(first_day=LAST, last_day=FIRST)
    with pytest.raises(InvalidSpan, match="at most 1096 days"):
        Span(first_day=date(2020, 1, 1), last_day=LAST)
