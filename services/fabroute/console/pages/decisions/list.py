"""Decisions over a time as their page shows them: one sentence each, what bound and ruled out, what people changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlencode

from fabroute.console.drawing.bars import level_bar, sparkline
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.formats import Formats
from fabroute.console.pages.network.network import node_path, sentence
from fabroute.console.reasons import stored_words
from fabroute.production.service.overrides import Override
from fabroute.routing.service.listing import DecisionFilter, ListedDecision
from fabroute.routing.service.statistics import CodeCount, DecisionStatistics
from fabroute.routing.service.unrouted import meaning_of
from fabroute.solver.eligibility import ExclusionCode

PATH = "/console/decisions"
Days = Literal[1, 7, 30, 90]
PERIODS: tuple[Days, ...] = get_args(Days)
USUAL_DAYS: Days = 7
_PERIOD_WORDS: Mapping[int, str] = {1: "a day", 7: "a week", 30: "30 days", 90: "90 days"}
_OUTCOMES = (("", "Any outcome"), ("routed", "Found a place"), ("no_route", "Without a place"))
_KINDS: Mapping[str, str] = {
    "online": "promised at once",
    "improved": "moved by a better plan",
}
_DONE: Mapping[str, str] = {
    "job.taken_back": "took a job back",
    "order.line_retried": "sent a line on again",
    "order.exclusion_lifted": "let {node} have a line again",
    "routing_policy.stated": "stated another routing policy",
}
_MOST_CODES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsQuery:
    """What the page is asked for."""

    days: int = USUAL_DAYS
    code: str = ""
    outcome: str = ""
    node_id: str = ""
    text: str = ""
    cursor: str = ""
    """As it stands in the URL."""

    @property
    def path(self) -> str:
        """Where the page is; the usual and the empty are left out."""
        given = {
            "days": "" if self.days == USUAL_DAYS else str(self.days),
            "code": self.code,
            "outcome": self.outcome,
            "node": self.node_id,
            "text": self.text,
            "cursor": self.cursor,
        }
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{PATH}?{query}" if query else PATH

    def wanted(self, now: datetime) -> DecisionFilter:
        """Return the filter of the list."""
        return DecisionFilter(
            since=now - timedelta(days=self.days),
            until=now,
            code=self.code,
            outcome=self.outcome,
            node_id=self.node_id,
            text=self.text,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether decisions of the time may be left out."""
        return bool(self.code or self.outcome or self.node_id or self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision in the list."""

    path: str
    name: str
    order: str
    quantity: int
    outcome: str
    how: str
    """How it came about, where it was not the usual run; else empty."""
    sentence: str
    fix: str
    node_path: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """A reason, how often it stood in decisions, and how that went."""

    code: str
    title: str
    path: str
    is_chosen: bool
    decisions: int
    detail: str
    bar: Svg
    trend: Svg | None
    """Day by day; ``None`` of a single day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRow:
    """What a person decided over the routing."""

    at: datetime
    who: str
    what: str
    reason: str
    subject: str
    path: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to narrow the page to."""

    label: str
    path: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsPage:
    """Decisions over a time."""

    rows: tuple[DecisionRow, ...]
    query: DecisionsQuery
    periods: tuple[Choice, ...]
    codes: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, str], ...]
    summary: str
    binding: tuple[CodeRow, ...]
    excluded: tuple[CodeRow, ...]
    excluded_rest: int
    """How many more reasons there are than are shown."""
    overrides: tuple[OverrideRow, ...]
    next_path: str
    first_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsFacts:
    """What was read of a time."""

    decisions: Sequence[ListedDecision]
    statistics: DecisionStatistics
    overrides: Sequence[Override]
    next_cursor: str
    """As it stands in a URL; empty on the last page."""
    today: date


def decisions_page(facts: DecisionsFacts, query: DecisionsQuery, fmt: Formats) -> DecisionsPage:
    """Return the page of a time."""
    counts = facts.statistics
    days = _days(facts.today, query.days)
    return DecisionsPage(
        rows=tuple(_row(it, fmt) for it in facts.decisions),
        query=query,
        periods=tuple(
            Choice(label=sentence(words), path=replace(query, days=days, cursor="").path, is_chosen=days == query.days)
            for days, words in _PERIOD_WORDS.items()
        ),
        codes=_codes(query),
        outcomes=_OUTCOMES,
        summary=_summary(counts, query.days, fmt),
        binding=_code_rows(counts.binding, query, days, fmt),
        excluded=_code_rows(counts.excluded[:_MOST_CODES], query, days, fmt),
        excluded_rest=max(0, len(counts.excluded) - _MOST_CODES),
        overrides=tuple(_override(it, fmt) for it in facts.overrides),
        next_path=replace(query, cursor=facts.next_cursor).path if facts.next_cursor else "",
        first_path=replace(query, cursor="").path if query.cursor else "",
    )


def _days(today: date, count: int) -> list[date]:
    """Return the days that a time touches, the first one first."""
    return [today - timedelta(days=ago) for ago in range(count, -1, -1)]


def _codes(query: DecisionsQuery) -> tuple[tuple[str, str], ...]:
    known = sorted(((code.name, sentence(code.meaning)) for code in ExclusionCode), key=lambda it: it[1])
    other = [] if not query.code or query.code in ExclusionCode.__members__ else [(query.code, meaning_of(query.code))]
    return (("", "Any reason"), *other, *known)


def _summary(counts: DecisionStatistics, days: int, fmt: Formats) -> str:
    if not counts.decisions:
        return f"Nothing was decided in {_PERIOD_WORDS.get(days, f'{days} days')}."
    whole = "" if counts.is_whole else "the newest "
    found = f"{whole}{fmt.quantity(counts.decisions, 'decision')} in {_PERIOD_WORDS.get(days, f'{days} days')}"
    parts = [f"{fmt.number(counts.routed)} found a place", f"{fmt.number(counts.no_route)} did not"]
    parts += [f"{fmt.number(counts.online)} at once"] if counts.online else []
    parts += [f"{fmt.number(counts.improved)} moved by a better plan"] if counts.improved else []
    return sentence(f"{found}: {', '.join(parts)}.")


def _row(it: ListedDecision, fmt: Formats) -> DecisionRow:
    return DecisionRow(
        path=f"/console/orders/{it.order_id}?line={it.position}",
        name=f"{it.part_name} · {it.part_no}",
        order=it.reference or it.order_id,
        quantity=it.quantity,
        outcome=it.outcome,
        how=_KINDS.get(it.kind, ""),
        sentence=_sentence(it, fmt),
        fix=stored_words(it.fix or "", fmt),
        node_path=node_path(it.node_id) if it.node_id else "",
        decided_at=it.decided_at,
    )


def _sentence(it: ListedDecision, fmt: Formats) -> str:
    """Return what was decided, in one sentence."""
    if it.outcome != "routed" or it.landed_minor is None or it.promised_at is None:
        reason = f": {meaning_of(it.binding)}" if it.binding else ""
        others = f" of {fmt.quantity(it.excluded, 'node')}" if it.excluded else ""
        return f"None{others} can make it{reason}."
    where = it.city or it.node_id or "Several nodes"
    qualified = "the only one" if it.candidates == 1 else f"the best of {fmt.number(it.candidates)}"
    barred = f"; {fmt.number(it.excluded)} ruled out" if it.excluded else ""
    carbon = "" if it.co2e_g is None else f", {fmt.carbon(it.co2e_g)} CO₂e"
    return (
        f"{where} for {fmt.money(it.landed_minor)}, there by {fmt.day(it.promised_at)}{carbon}: "
        f"{qualified} that can{barred}."
    )


def _code_rows(
    counts: Sequence[CodeCount], query: DecisionsQuery, days: Sequence[date], fmt: Formats
) -> tuple[CodeRow, ...]:
    most = max((it.decisions for it in counts), default=1)
    return tuple(_code_row(it, most, query, days, fmt) for it in counts)


def _code_row(it: CodeCount, most: int, query: DecisionsQuery, days: Sequence[date], fmt: Formats) -> CodeRow:
    title, is_binding = sentence(it.meaning), not it.nodes
    key = f"{'binding' if is_binding else 'excluded'}-{it.code or 'none'}"
    words = fmt.quantity(it.decisions, "decision")
    outcome = "no_route" if is_binding else query.outcome
    is_chosen = bool(it.code) and query.code == it.code
    return CodeRow(
        code=it.code,
        title=title,
        path=replace(query, code="" if is_chosen else it.code, outcome=outcome, cursor="").path,
        is_chosen=is_chosen,
        decisions=it.decisions,
        detail=_lines(it, fmt),
        bar=level_bar(Caption(key=key, title=f"{title}: {words}"), it.decisions / most),
        trend=_trend(it, title, key, days, fmt) if len(days) > 2 else None,
    )


def _lines(it: CodeCount, fmt: Formats) -> str:
    lines = fmt.quantity(it.lines, "line")
    return f"{lines}, {fmt.quantity(it.nodes, 'node')} ruled out" if it.nodes else lines


def _trend(it: CodeCount, title: str, key: str, days: Sequence[date], fmt: Formats) -> Svg:
    values = [it.days.get(day, 0) for day in days]
    highest = max(values)
    told = f"From {fmt.day(days[0])} to {fmt.day(days[-1])}, at most {highest:,} a day, lastly {values[-1]:,}"
    return sparkline(Caption(key=f"trend-{key}", title=f"{title}, day by day", description=told), values)


def _override(it: Override, fmt: Formats) -> OverrideRow:
    paths = ((it.order_id, "/console/orders/"), (it.job_id, "/console/jobs/"), (it.node_id, "/console/network/"))
    subject, path = next(((found, prefix + found) for found, prefix in paths if found), ("", ""))
    what = _DONE.get(it.what, it.what.replace("_", " ").replace(".", ": "))
    return OverrideRow(
        at=it.at,
        who=it.actor_name or "somebody of another organisation",
        what=what.format(node=it.node_id or "a node"),
        reason="" if it.reason == it.node_id else it.reason,
        subject=subject,
        path=path,
        effect=_effect(it, fmt),
    )


def _effect(it: Override, fmt: Formats) -> str:
    if it.more_minor is not None:
        return f"{fmt.money_difference(it.more_minor)} since then" if it.more_minor else "the same price since then"
    return it.outcome.replace("_", " ")
