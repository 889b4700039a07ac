"""How nodes do, from what was recorded: by process, with the jobs behind each figure."""

from fabroute.production.repository.scores import ScoredFilter
from fabroute.production.service.scores.rates import Rate, wilson_interval
from fabroute.production.service.scores.scoring import (
    FIGURES,
    AnswerTime,
    InvalidSpan,
    NodeScores,
    ProcessScores,
    ScoredJob,
    ScoreFigure,
    Span,
    list_scored_jobs,
    read_scores,
    today_at,
)

__all__ = [
    "FIGURES",
    "AnswerTime",
    "InvalidSpan",
    "NodeScores",
    "ProcessScores",
    "Rate",
    "ScoreFigure",
    "ScoredFilter",
    "ScoredJob",
    "Span",
    "list_scored_jobs",
    "read_scores",
    "today_at",
    "wilson_interval",
]
