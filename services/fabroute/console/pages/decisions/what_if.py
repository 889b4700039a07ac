"""What another rule or network had made of a past time: what can be supposed, how far it is, what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fabroute.console.drawing.bars import level_bar
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.formats import Formats
from fabroute.console.pages.network.network import node_path, sentence
from fabroute.inventory.service import RevisionView
from fabroute.network.service import NodeView
from fabroute.routing.service.policies import PolicyVersion
from fabroute.routing.service.shadow_lines import ComparedLine, LineFigures
from fabroute.routing.service.shadow_runs import ShadowRunView

PATH = "/console/decisions/what-if"
_MILLIS_PER_MINOR = 1_000
_MOST_RUNS = 12
_MOST_LINES = 40
_NOWHERE = "no place"
_OVER = frozenset({"done", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A question that was asked before."""

    path: str
    words: str
    state: str
    asked_at: datetime
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfPage:
    """What can be supposed of a past time, and what was before."""

    days: int
    periods: tuple[tuple[int, str], ...]
    versions: tuple[tuple[int, str], ...]
    """Of the viewer's policy, the newest first; empty where none was stated."""
    nodes: tuple[tuple[str, str], ...]
    """Ids and names of those that the viewer may leave out: empty but for the operator."""
    earlier: tuple[Earlier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure that would have been another."""

    label: str
    words: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShare:
    """How many lines a node had, and would have had."""

    node_id: str
    city: str = ""
    path: str
    was: int
    would_be: int
    was_bar: Svg
    would_be_bar: Svg


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One joint run in it."""

    at: datetime
    moved: int
    money: str
    carbon: str
    late: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What nodes and revisions are called, by their ids, as far as it is known."""

    cities: Mapping[str, str] = field(default_factory=dict)
    revisions: Mapping[str, RevisionView] = field(default_factory=dict)

    def places(self, node_ids: Sequence[str]) -> str:
        """Return where nodes are."""
        return " + ".join(self.cities.get(node_id, node_id) for node_id in node_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A line that would have gone another way."""

    path: str
    name: str
    quantity: int
    was: str
    would_be: str
    """Cities; what is said of a line without a place."""
    money: str
    days: str
    carbon: str
    """What would have been more or less; empty without a place either way."""
    arrivals: str
    prices: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfRun:
    """How far a question is, and what has come of it so far."""

    path: str
    words: str
    state: str
    is_over: bool
    done: int
    total: int
    since: datetime
    until: datetime
    differences: tuple[Difference, ...]
    nodes: tuple[NodeShare, ...]
    lines: tuple[LineRow, ...]
    """Those that change most."""
    lines_left_out: int
    runs: tuple[RunRow, ...]
    """Those that move most lines."""
    runs_left_out: int
    skipped: tuple[tuple[str, int], ...]
    """Why runs could not be decided again, and how many."""
    is_proven: bool
    verdict: str


def what_if_page(
    days: int,
    *,
    versions: Sequence[PolicyVersion],
    nodes: Sequence[NodeView],
    earlier: Sequence[ShadowRunView],
    fmt: Formats,
) -> WhatIfPage:
    """Return the page on which something is supposed."""
    return WhatIfPage(
        days=days,
        periods=((1, "The last day"), (7, "7 days"), (30, "30 days"), (90, "90 days")),
        versions=tuple((it.policy.version, f"{it.policy.version}, of {fmt.day(it.created_at)}") for it in versions),
        nodes=tuple((it.node_id, f"{it.city} ({it.node_id})") for it in nodes),
        earlier=tuple(_earlier(it, fmt) for it in earlier),
    )


def what_if_run(
    run: ShadowRunView, fmt: Formats, *, lines: Sequence[ComparedLine] = (), names: Names | None = None
) -> WhatIfRun:
    """Return the page of a question, with the lines that change most."""
    called = names or Names()
    total = run.report.get("total")
    runs = sorted(run.report.get("runs", ()), key=lambda it: (-it["moved"], it["at"]))
    differences = () if total is None else _differences(total, fmt)
    return WhatIfRun(
        path=f"{PATH}/{run.id}",
        words=supposed_words(run.request, fmt),
        state=run.state,
        is_over=run.state in _OVER,
        done=run.runs_done,
        total=run.runs_total,
        since=datetime.fromisoformat(run.request["since"]),
        until=datetime.fromisoformat(run.request["until"]),
        differences=differences,
        nodes=_nodes(run.report.get("nodes", ()), called.cities),
        lines=tuple(_line(it, called, fmt) for it in lines[:_MOST_LINES]),
        lines_left_out=max(0, (0 if total is None else total["moved"]) - min(len(lines), _MOST_LINES)),
        runs=tuple(_run(it, fmt) for it in runs[:_MOST_RUNS] if it["moved"]),
        runs_left_out=max(0, sum(it["moved"] > 0 for it in runs) - _MOST_RUNS),
        skipped=_skipped(run.report.get("skipped", ())),
        is_proven=total is not None and bool(total["proven"]),
        verdict="" if total is None else _verdict(total, fmt),
    )


def supposed_words(request: Mapping[str, Any], fmt: Formats) -> str:
    """Return what was supposed, in one sentence."""
    parts = [
        *_policy_words(request.get("policy"), fmt),
        *(f"without {node_id}" for node_id in request.get("without_nodes", ())),
        *(
            f"{node_id} with {fmt.percent(factor)} of its time"
            for node_id, factor in request.get("capacity_factor", {}).items()
        ),
    ]
    return f"{sentence(', '.join(parts) or 'the usual way, without any rule')}."


def _policy_words(policy: Mapping[str, Any] | None, fmt: Formats) -> list[str]:
    if policy is None:
        return []
    words = [_cap_words(it, fmt) for it in policy["caps"]]
    words += [
        f"at least {fmt.percent(it['share'])} at {it['node_id'] or it['kind']}" for it in policy["minimum_shares"]
    ]
    return words + _weights_words(policy["weights"], fmt)


def _cap_words(cap: Mapping[str, Any], fmt: Formats) -> str:
    where = cap["node_id"] or "any one node"
    return f"no more than {fmt.percent(cap['share'])} of {cap['unit']} at {where}"


def _weights_words(weights: Mapping[str, Mapping[str, int]], fmt: Formats) -> list[str]:
    """Return what time and carbon are worth, once where it is the same for all objectives."""
    words = {name: _worth(it, fmt) for name, it in weights.items()}
    if len(set(words.values())) == 1:
        return [next(iter(words.values()))]
    return [f"{name} orders: {it}" for name, it in sorted(words.items())]


def _worth(weights: Mapping[str, int], fmt: Formats) -> str:
    hour = fmt.money(weights["millis_per_hour"] // _MILLIS_PER_MINOR)
    return f"an hour is worth {hour}, a kilogram of CO₂e {fmt.money(weights['millis_per_co2e_gram'])}"


def _earlier(run: ShadowRunView, fmt: Formats) -> Earlier:
    total = run.report.get("total")
    return Earlier(
        path=f"{PATH}/{run.id}",
        words=supposed_words(run.request, fmt),
        state=run.state,
        asked_at=run.created_at,
        result="" if total is None or run.state != "done" else _verdict(total, fmt),
    )


def _verdict(total: Mapping[str, Any], fmt: Formats) -> str:
    """Return what would have been, in one sentence."""
    was, would_be = total["as_was"], total["as_would_be"]
    if not total["moved"] and was == would_be:
        return "Nothing would have been different."
    money = would_be["landed_minor"] - was["landed_minor"]
    carbon = would_be["co2e_g"] - was["co2e_g"]
    parts = [
        f"{fmt.quantity(total['moved'], 'line')} elsewhere",
        f"{fmt.money(abs(money))} {'more' if money > 0 else 'less'}" if money else "the same money",
        f"{fmt.weight(abs(carbon))} CO₂e {'more' if carbon > 0 else 'less'}" if carbon else "the same CO₂e",
    ]
    return f"{', '.join(parts)}."


def _differences(total: Mapping[str, Any], fmt: Formats) -> tuple[Difference, ...]:
    was, would_be = total["as_was"], total["as_would_be"]
    beside = "{} as it was, {} as it would be"
    late = would_be["late_minutes"] - was["late_minutes"]
    carbon = would_be["co2e_g"] - was["co2e_g"]
    unrouted = would_be["unrouted"] - was["unrouted"]
    return (
        Difference(
            label="Money",
            words=fmt.money_difference(would_be["landed_minor"] - was["landed_minor"]),
            detail=beside.format(fmt.money(was["landed_minor"]), fmt.money(would_be["landed_minor"])),
        ),
        _delivery(was, would_be, fmt),
        Difference(
            label="Days late",
            words=fmt.number_difference(timedelta(minutes=late) / timedelta(days=1), 1),
            detail=beside.format(fmt.quantity(was["late_lines"], "late line"), fmt.number(would_be["late_lines"])),
        ),
        Difference(
            label="CO₂e",
            words=fmt.weight_difference(carbon),
            detail=beside.format(fmt.carbon(was["co2e_g"]), fmt.carbon(would_be["co2e_g"])),
        ),
        Difference(
            label="Lines elsewhere",
            words=fmt.number(total["moved"]),
            detail=f"of {fmt.quantity(was['lines'], 'line')}",
        ),
        Difference(
            label="Without a place",
            words=fmt.number_difference(unrouted),
            detail=beside.format(fmt.number(was["unrouted"]), fmt.number(would_be["unrouted"])),
        ),
    )


def _delivery(was: Mapping[str, Any], would_be: Mapping[str, Any], fmt: Formats) -> Difference:
    """Return how much longer or shorter deliveries would take, on average over the lines with a place both ways."""
    lines = max(1, min(it["lines"] - it["unrouted"] for it in (was, would_be)))
    days = [timedelta(minutes=it.get("delivery_minutes", 0)) / timedelta(days=1) / lines for it in (was, would_be)]
    change = round(days[1] - days[0], 1)
    return Difference(
        label="Delivery days",
        words=fmt.number_difference(change, 1),
        detail=f"{fmt.number(days[0], 1)} a line as it was, {fmt.number(days[1], 1)} as it would be",
    )


def _nodes(found: Sequence[Mapping[str, Any]], cities: Mapping[str, str]) -> tuple[NodeShare, ...]:
    most = max((max(it["as_was_lines"], it["as_would_be_lines"]) for it in found), default=1) or 1
    ordered = sorted(found, key=lambda it: (-max(it["as_was_lines"], it["as_would_be_lines"]), it["node_id"]))
    shares = (_node(it["node_id"], it["as_was_lines"], it["as_would_be_lines"], most) for it in ordered)
    return tuple(replace(it, city=cities.get(it.node_id, "")) for it in shares)


def _node(node_id: str, was: int, would_be: int, most: int) -> NodeShare:
    was_caption = Caption(key=f"was-{node_id}", title=f"{node_id}, as it was: {was:,} lines")
    would_be_caption = Caption(key=f"be-{node_id}", title=f"{node_id}, as it would be: {would_be:,} lines")
    return NodeShare(
        node_id=node_id,
        path=node_path(node_id),
        was=was,
        would_be=would_be,
        was_bar=level_bar(was_caption, was / most),
        would_be_bar=level_bar(would_be_caption, would_be / most, state="low"),
    )


def _run(run: Mapping[str, Any], fmt: Formats) -> RunRow:
    was, would_be = run["as_was"], run["as_would_be"]
    carbon = would_be["co2e_g"] - was["co2e_g"]
    late = would_be["late_lines"] - was["late_lines"]
    return RunRow(
        at=datetime.fromisoformat(run["at"]),
        moved=run["moved"],
        money=fmt.money_difference(would_be["landed_minor"] - was["landed_minor"]),
        carbon=fmt.weight_difference(carbon),
        late=fmt.number_difference(late),
    )


def _line(it: ComparedLine, names: Names, fmt: Formats) -> LineRow:
    was, would_be, revision = it.as_was, it.as_would_be, names.revisions.get(it.revision_id)
    money, days, carbon = ("", "", "") if was is None or would_be is None else _changes(was, would_be, fmt)
    return LineRow(
        path=f"/console/orders/{it.order_id}",
        name=it.order_id if revision is None else f"{revision.name} · {revision.part_no}",
        quantity=it.quantity,
        was=_NOWHERE if was is None else names.places(was.node_ids),
        would_be=_NOWHERE if would_be is None else names.places(would_be.node_ids),
        money=money,
        days=days,
        carbon=carbon,
        arrivals=" → ".join(_arrival(it, side, fmt) for side in (was, would_be)),
        prices=" → ".join("–" if side is None else fmt.money(side.landed_minor) for side in (was, would_be)),
    )


def _changes(was: LineFigures, would_be: LineFigures, fmt: Formats) -> tuple[str, str, str]:
    """Return what would have been more or less: money, time, carbon."""
    minutes, carbon = would_be.minutes - was.minutes, would_be.co2e_g - was.co2e_g
    return (
        fmt.money_difference(would_be.landed_minor - was.landed_minor),
        fmt.span_difference(timedelta(hours=round(minutes / 60))),
        fmt.weight_difference(carbon),
    )


def _arrival(it: ComparedLine, side: LineFigures | None, fmt: Formats) -> str:
    return "–" if side is None else fmt.day(it.at + timedelta(minutes=side.minutes))


def _skipped(found: Sequence[Mapping[str, str]]) -> tuple[tuple[str, int], ...]:
    reasons: dict[str, int] = {}
    for it in found:
        reasons[it["reason"]] = reasons.get(it["reason"], 0) + 1
    return tuple(sorted(reasons.items(), key=lambda it: (-it[1], it[0])))
