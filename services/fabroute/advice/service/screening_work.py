"""Judge the rows of screenings chunk by chunk, each kept by itself, so that a killed worker loses nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Engine

from fabroute.advice.events import screening_told
from fabroute.advice.repository import screenings
from fabroute.advice.repository.screenings import ClaimedScreening, JudgedRow, OpenRow
from fabroute.advice.rules.screening import judge_part, unjudged
from fabroute.advice.rules.screening_parts import Judgement
from fabroute.advice.rules.screening_printing import PrintMarket
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.advice.service.screening_facts import listed_part, with_inventory
from fabroute.advice.service.screening_market import read_print_market
from fabroute.advice.service.screenings import summary_of, terms_of
from fabroute.database import unit_of_work
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import DomainEvent
from fabroute.outbox.service import record

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.advice.screening")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningLimits:
    """How long a claim holds, how many rows are judged between two commits, and when a call gives its screening back.

    After ``attempt_cap`` claims that ended without a single row, the row at which they ended is given up.
    """

    lease_seconds: float = 60.0
    chunk_rows: int = 200
    seconds: float = 10.0
    attempt_cap: int = 3


def judge_screenings(engine: Engine, *, limits: ScreeningLimits, now: datetime) -> int | None:
    """Judge rows of a screening that waits, for ``limits.seconds``; return how many, None if none waits.

    Rows are judged outside any transaction and kept under the claim's fence. What is left when the time is over waits
    for the next call, behind screenings that have not begun.
    """
    with unit_of_work(engine) as session:
        claimed = screenings.claim(session, lease_seconds=limits.lease_seconds)
    if claimed is None:
        return None
    with unit_of_work(engine, repeatable_read=True) as session:
        market = read_print_market(session, on=now.date())
    bench = _Bench(engine=engine, claimed=claimed, market=market, terms=terms_of(claimed.terms), limits=limits, now=now)
    judged = _judge_until(bench, time.monotonic() + limits.seconds)
    _log.info("screening.judged", screening_id=claimed.screening_id, rows=judged, attempt=claimed.attempts)
    return judged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Everything that judging one screening takes."""

    engine: Engine
    claimed: ClaimedScreening
    market: PrintMarket
    terms: ScreeningTerms
    limits: ScreeningLimits
    now: datetime

    @property
    def chunk_rows(self) -> int:
        """Return the rows of a chunk: single ones after a worker died, to find out which row it was."""
        return self.limits.chunk_rows if self.claimed.attempts <= 1 else 1

    @property
    def first_row_is_given_up(self) -> bool:
        """Tell whether the next row has ended so many workers that nobody tries it again."""
        return self.claimed.attempts > self.limits.attempt_cap


def _judge_until(bench: _Bench, deadline: float) -> int:
    """Judge chunk by chunk until all rows are judged, the time is over, or the claim is lost; return the rows."""
    judged, last = 0, 0
    while True:
        rows = _open_rows(bench, after=last)
        if not rows:
            _finish(bench)
            return judged
        if judged and time.monotonic() >= deadline:
            _give_back(bench)
            return judged
        if not _keep(bench, _judged(bench, rows, is_first=not judged)):
            return judged
        judged, last = judged + len(rows), rows[-1].position


def _open_rows(bench: _Bench, *, after: int) -> tuple[OpenRow, ...]:
    with unit_of_work(bench.engine) as session:
        return screenings.read_open_rows(session, bench.claimed.screening_id, after=after, limit=bench.chunk_rows)


def _judged(bench: _Bench, rows: Sequence[OpenRow], *, is_first: bool) -> list[JudgedRow]:
    if is_first and bench.first_row_is_given_up:
        message = f"judging it broke off {bench.limits.attempt_cap} times: look at its figures, or ask the operator"
        return [_kept(row, unjudged("judging_broke_off", message)) for row in rows]
    with unit_of_work(bench.engine) as session:
        known = inventory.find_parts(
            session, organisation_id=bench.claimed.organisation_id, part_nos={row.part_no for row in rows}
        )
    return [_kept(row, _judgement_of(bench, row, known.get(row.part_no))) for row in rows]


def _judgement_of(bench: _Bench, row: OpenRow, known: PartView | None) -> Judgement:
    """Return the judgement of a row; one that can't be judged says why, and the others go on."""
    try:
        part, taken = with_inventory(listed_part(row.part_no, row.given), known)
        judgement = judge_part(part, bench.market, bench.terms)
    except (DomainError, ArithmeticError, ValueError, LookupError, TypeError) as error:
        _log.warning("screening.row_not_judged", position=row.position, reason=str(error))
        return unjudged("not_judged", f"the row can't be judged ({error}): look at its figures")
    return replace(judgement, assumed=(*taken, *judgement.assumed))


def _kept(row: OpenRow, judgement: Judgement) -> JudgedRow:
    return JudgedRow(
        position=row.position,
        verdict=judgement.verdict,
        yearly_saving_minor=judgement.yearly_saving_minor,
        judgement=judgement.document(),
    )


def _keep(bench: _Bench, rows: Sequence[JudgedRow]) -> bool:
    """Keep judgements; False if another worker has the screening now, or nobody any more."""
    with unit_of_work(bench.engine) as session:
        kept = screenings.keep_judged(session, bench.claimed, rows, lease_seconds=bench.limits.lease_seconds)
    return kept or _lost(bench)


def _finish(bench: _Bench) -> None:
    claimed = bench.claimed
    with unit_of_work(bench.engine) as session:
        summary = summary_of(session, claimed.screening_id)
        if not screenings.finish(session, claimed, summary.document()):
            _lost(bench)
            return
        record(session, _told("judged", bench))


def _give_back(bench: _Bench) -> None:
    with unit_of_work(bench.engine) as session:
        if screenings.release(session, bench.claimed):
            record(session, _told("paused", bench))


def _lost(bench: _Bench) -> bool:
    _log.warning("screening.lost", screening_id=bench.claimed.screening_id, fence=bench.claimed.fence)
    return False


def _told(what: str, bench: _Bench) -> DomainEvent:
    claimed = bench.claimed
    return screening_told(
        what, screening_id=claimed.screening_id, organisation_id=claimed.organisation_id, now=bench.now
    )
