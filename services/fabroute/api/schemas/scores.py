"""How nodes do over the wire: shares with their counts and intervals, and the jobs behind them."""

from datetime import date

from pydantic import Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.production.service.scores import NodeScores, ProcessScores, Rate, ScoredJob


class CountedShareOut(ResponseModel):
    """So many of so many."""

    so: int = Field(description="How many of them are so.")
    counted: int = Field(description="How many count.")
    share: float | None = Field(description="`so` ÷ `counted`; null of nothing.")
    low: float | None = Field(description="The true share lies over this with 97.5 % (Wilson's score interval).")
    high: float | None = Field(description="And under this.")


class AnswerTimeOut(ResponseModel):
    """How long offers waited for an answer."""

    answered: int
    median_seconds: float | None
    p90_seconds: float | None


class ProcessScoresOut(ResponseModel):
    """Figures of a node, of one process or of all."""

    process: str | None = Field(description="Null: all processes.")
    on_time: CountedShareOut = Field(
        description="Jobs whose last day of production lies in the span: shipped by then. Those still at the node "
        "after it count as late; declined, failed and cancelled ones don't count."
    )
    first_pass_yield: CountedShareOut = Field(description="Prints reported in the span: good, and not scrapped since.")
    answer_time: AnswerTimeOut = Field(
        description="From offer to acceptance, decline or counter-offer, of offers made in the span."
    )
    lapses: CountedShareOut = Field(
        description="These offers that were not answered in time: silence is what counts against."
    )
    declines: dict[str, int] = Field(description="By reason; honest reasons count against nobody.")


class NodeScoresOut(ResponseModel):
    """A node's figures, from recorded events only."""

    node_id: str
    first_day: date
    last_day: date
    overall: ProcessScoresOut
    by_process: list[ProcessScoresOut]


class ScoredJobOut(ResponseModel):
    """A job behind a figure."""

    job_id: str
    organisation_id: str = Field(description="The owner's.")
    part_no: str
    process: str
    counted: int = Field(description="How much of it counts: 1, or its prints, or its offers.")
    so: int = Field(description="How much of that is on time, good, answered, lapsed, or declined.")
    seconds: float | None = Field(description="Of `answer_time`: from offer to answer.")
    reason: str | None = Field(description="Of `declines`.")


def node_scores_out(scores: NodeScores) -> NodeScoresOut:
    """Return a node's figures for an answer."""
    return NodeScoresOut(
        node_id=scores.node_id,
        first_day=scores.span.first_day,
        last_day=scores.span.last_day,
        overall=_process_out(scores.overall),
        by_process=[_process_out(each) for each in scores.by_process],
    )


def scored_job_out(job: ScoredJob) -> ScoredJobOut:
    """Return a job behind a figure for an answer."""
    return ScoredJobOut(
        job_id=job.job_id,
        organisation_id=job.organisation_id,
        part_no=job.part_no,
        process=job.process,
        counted=job.counted,
        so=job.so,
        seconds=job.seconds,
        reason=job.reason or None,
    )


def _process_out(scores: ProcessScores) -> ProcessScoresOut:
    answers = scores.answer_time
    return ProcessScoresOut(
        process=scores.process,
        on_time=_rate_out(scores.on_time),
        first_pass_yield=_rate_out(scores.first_pass_yield),
        answer_time=AnswerTimeOut(
            answered=answers.answered, median_seconds=answers.median_seconds, p90_seconds=answers.p90_seconds
        ),
        lapses=_rate_out(scores.lapses),
        declines=dict(scores.declines),
    )


def _rate_out(rate: Rate) -> CountedShareOut:
    low, high = rate.interval or (None, None)
    return CountedShareOut(so=rate.so, counted=rate.counted, share=rate.share, low=low, high=high)
