"""A node's figures as rows: shares with what they are of and where the truth may lie, answers, silence, declines."""

from collections.abc import Mapping
from dataclasses import dataclass

from fabroute.console.formats import Formats
from fabroute.console.pages.network.standing import seconds_words
from fabroute.production.service.scores import NodeScores, ProcessScores, Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share: the figure, and below it what it is of and between which shares the true one lies with 95 %."""

    words: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """The figures of a process, or of all."""

    process: str
    on_time: Share | None
    first_pass: Share | None
    answer: Share | None
    lapses: Share | None
    declines: str
    """By reason, in words; empty where there was none."""


def score_rows(scores: NodeScores, fmt: Formats) -> tuple[ScoreRow, ...]:
    """Return the figures of all processes together and, where there are several, of each."""
    each = scores.by_process if len(scores.by_process) > 1 else ()
    return tuple(_row(it, fmt) for it in (scores.overall, *each))


def _row(scores: ProcessScores, fmt: Formats) -> ScoreRow:
    return ScoreRow(
        process=scores.process or "all processes",
        on_time=_share(scores.on_time, fmt, "job"),
        first_pass=_share(scores.first_pass_yield, fmt, "print"),
        answer=_answer(scores, fmt),
        lapses=_share(scores.lapses, fmt, "offer"),
        declines=_declines(scores.declines),
    )


def _share(rate: Rate, fmt: Formats, what: str) -> Share | None:
    if rate.share is None or rate.interval is None:
        return None
    low, high = rate.interval
    return Share(
        words=fmt.percent(rate.share),
        detail=f"of {fmt.quantity(rate.counted, what)}; truly {fmt.percent(low)} to {fmt.percent(high)}",
    )


def _answer(scores: ProcessScores, fmt: Formats) -> Share | None:
    found = scores.answer_time
    if found.median_seconds is None:
        return None
    slowest = "" if found.p90_seconds is None else f"; 9 in 10 within {seconds_words(found.p90_seconds, fmt)}"
    return Share(
        words=seconds_words(found.median_seconds, fmt), detail=f"of {fmt.quantity(found.answered, 'offer')}{slowest}"
    )


def _declines(declines: Mapping[str, int]) -> str:
    counted = sorted(declines.items(), key=lambda it: (-it[1], it[0]))
    return ", ".join(f"{count:,} × {reason.replace('_', ' ')}" for reason, count in counted)
