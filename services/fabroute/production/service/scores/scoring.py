"""What a node's jobs say about it. What is honest never counts against it: only silence, lateness and scrap do."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.network import service as network
from fabroute.production.repository import scores as rows
from fabroute.production.repository.scores import ScoredFilter, ScoreSpan
from fabroute.production.service.access import NotTheNode
from fabroute.production.service.scores.rates import Rate

ScoreFigure = Literal["on_time", "first_pass_yield", "answer_time", "lapses", "declines"]
FIGURES: tuple[ScoreFigure, ...] = get_args(ScoreFigure)
LONGEST_DAYS = 1_096


class InvalidSpan(DomainError):
    """Days that end before they begin, or too many of them."""

    code = "invalid_span"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From which day through which, by the node's calendar; at most three years."""

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last_day - self.first_day).days < LONGEST_DAYS:
            message = f"end on the day of the beginning or later, at most {LONGEST_DAYS} days after it"
            raise InvalidSpan(message, problems=(FieldProblem(pointer="", message=message),))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTime:
    """How long offers waited for an answer: of how many, and the middle and the slowest tenth, in seconds."""

    answered: int
    median_seconds: float | None = None
    p90_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessScores:
    """What a node's jobs of one process say, or (``process`` None) all of them."""

    process: str | None
    on_time: Rate
    """Of jobs with their last day of production in the span: shipped by then. Not of jobs that nodes gave back."""
    first_pass_yield: Rate
    """Of the prints reported in the span: good, and not scrapped since."""
    answer_time: AnswerTime
    """From offer to acceptance, decline or counter-offer, of offers made in the span."""
    lapses: Rate
    """Of these offers: not answered in time."""
    declines: Mapping[str, int]
    """Of these offers, by reason: for reading, they count against nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeScores:
    """A node's figures over some days: of all jobs, and by process."""

    node_id: str
    span: Span
    overall: ProcessScores
    by_process: tuple[ProcessScores, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredJob:
    """A job behind a figure: how much of it counts, and how much of that is so."""

    figure: str
    job_id: str
    organisation_id: str
    part_no: str
    process: str
    counted: int
    so: int
    seconds: float | None
    """Of ``answer_time``: from offer to answer."""
    reason: str
    """Of ``declines``."""


def today_at(node: network.NodeView, now: datetime) -> date:
    """Return the day that it is where a node stands."""
    return now.astimezone(ZoneInfo(node.timezone)).date()


def read_scores(session: Session, *, node_id: str, span: Span, principal: Principal, now: datetime) -> NodeScores:
    """Return a node's figures to itself, the operator and owners of parts; ``NotTheNode`` to other bureaus.

    Raises ``UnknownNode``.
    """
    within = _within(session, node_id, span, principal, now)
    found = rows.read_figures(session, within)
    processes = sorted({row["process"] for row in found if row["process"] is not None})
    return NodeScores(
        node_id=node_id,
        span=span,
        overall=_scores(None, (row for row in found if row["process"] is None)),
        by_process=tuple(_scores(it, (row for row in found if row["process"] == it)) for it in processes),
    )


def list_scored_jobs(
    session: Session, *, node_id: str, span: Span, wanted: ScoredFilter, principal: Principal, now: datetime
) -> Page[ScoredJob]:
    """Return a page of the jobs behind a figure, by id: an owner gets its own. Raises what ``read_scores`` does."""
    within = _within(session, node_id, span, principal, now)
    own = network.find_node(session, node_id=node_id).organisation_id == principal.organisation_id
    everything = own or principal.kind == "operator"
    asked = ScoredFilter(
        figure=wanted.figure,
        process=wanted.process,
        organisation_id=None if everything else principal.organisation_id,
        after=wanted.after,
        limit=wanted.limit + 1,
    )
    found = [ScoredJob(**row) for row in rows.read_scored(session, within, asked)]
    return page_of(found, limit=wanted.limit, cursor_of=lambda job: job.job_id)


def _within(session: Session, node_id: str, span: Span, principal: Principal, now: datetime) -> ScoreSpan:
    node = network.find_node(session, node_id=node_id)
    if principal.kind == "bureau" and node.organisation_id != principal.organisation_id:
        raise NotTheNode(f"the figures of node {node_id} are seen by itself, by owners of parts and by the operator")
    return ScoreSpan(node_id=node_id, first_day=span.first_day, last_day=span.last_day, today=today_at(node, now))


def _scores(process: str | None, found: Iterable[RowMapping]) -> ProcessScores:
    by_figure: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in found:
        by_figure[row["figure"]].append(row)
    answers = next(iter(by_figure["answer_time"]), None)
    return ProcessScores(
        process=process,
        on_time=_rate(by_figure["on_time"]),
        first_pass_yield=_rate(by_figure["first_pass_yield"]),
        answer_time=AnswerTime(answered=0) if answers is None else _answer_time(answers),
        lapses=_rate(by_figure["lapses"]),
        declines={row["reason"]: row["counted"] for row in by_figure["declines"]},
    )


def _rate(found: Iterable[RowMapping]) -> Rate:
    row = next(iter(found), None)
    return Rate(so=0, counted=0) if row is None else Rate(so=row["so"], counted=row["counted"])


def _answer_time(row: RowMapping) -> AnswerTime:
    return AnswerTime(answered=row["counted"], median_seconds=row["median_seconds"], p90_seconds=row["p90_seconds"])
