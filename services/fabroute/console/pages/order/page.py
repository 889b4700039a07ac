"""The page of an order: everything that it shows, made of what the services answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from fabroute.console.drawing.bars import cost_patterns
from fabroute.console.drawing.markup import Svg
from fabroute.console.formats import Formats
from fabroute.console.pages.order.candidates import (
    AlternativeOffer,
    CandidateRow,
    alternative_offers,
    candidate_rows,
    kinds_in,
)
from fabroute.console.pages.order.exclusions import (
    RuledOut,
    RuleRow,
    WayOut,
    rule_rows,
    ruled_out,
    side_words,
    ways_out,
)
from fabroute.console.pages.order.facts import OrderFacts
from fabroute.console.pages.order.layout import Amounts, OrderLayout, order_layout
from fabroute.console.pages.order.pictures import MapPicture, PlotPicture, map_picture, plot_picture
from fabroute.console.pages.order.progress import (
    JobRow,
    LineTab,
    ProposalRow,
    Step,
    job_rows,
    proposal_rows,
    steps_of,
    tabs_of,
)
from fabroute.console.pages.order.reading import Decided, read_document
from fabroute.console.pages.order.records import ActRow, Paper, act_rows, delivery_rows, papers_of
from fabroute.console.pages.order.sentences import scarcity_words, why_this_node
from fabroute.console.pages.order.story import StoryEntry, cause_words, story_entries
from fabroute.console.pages.webhooks.deliveries import DeliveryRow
from fabroute.orders.service import LineView, OrderView
from fabroute.production.service import JobOfLine
from fabroute.routing.service.replays import ReplayView

_REPLAYED = {
    "same": "It came out the same again.",
    "differs": "It came out differently.",
    "gone": "It can't be made again: what it was made from is not kept any more.",
}
_MAY_LEAVE = frozenset({"planned", "offered", "countered", "accepted", "held"})
"""States of jobs that nobody works on."""
_BY_QUOTE = "quote"
"""The engine of decisions that a person made: they accepted an offer."""
_RECORDED = (
    ("Run", "run_id"),
    ("Engine", "engine"),
    ("Options weighed", "options"),
    ("Seed", "seed"),
    ("What it knew (SHA-256)", "snapshot_sha256"),
)
_OF_A_SEARCH = frozenset({"engine", "seed"})
_OPEN = frozenset({"pending", "routing", "parked"})
_MAY_CHANGE = frozenset({"pending", "routed", "parked", "no_route", "partly_routed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPart:
    """The decision about the line."""

    decision_id: str
    decided_at: datetime
    objective: str
    sentence: str
    proof: str
    """How the run came to it."""
    candidates: tuple[CandidateRow, ...]
    kinds: tuple[tuple[str, Svg], ...]
    patterns: Svg
    alternatives: tuple[AlternativeOffer, ...]
    ruled_out: RuledOut
    rules: tuple[RuleRow, ...]
    conflict: tuple[tuple[str, str], ...]
    """Rules that together leave no way, and who makes each."""
    ways_out: tuple[WayOut, ...]
    oversize: tuple[str, ...]
    scarcity: str
    moved_from: str
    shared_build: str
    plot: PlotPicture | None
    solver: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOutByHand:
    """A node that does not get the line again, because of what happened when it had it."""

    node_id: str
    words: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPart:
    """What came of making the decision again."""

    is_done: bool
    words: str
    reasons: tuple[str, ...]
    path: str
    """To ask again whether it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """All that the page of an order shows."""

    order: OrderView
    line: LineView
    path: str
    title: str
    part_name: str
    tabs: tuple[LineTab, ...]
    steps: tuple[Step, ...]
    jobs: tuple[JobRow, ...]
    proposals: tuple[ProposalRow, ...]
    decision: DecisionPart | None
    declined: tuple[RuledOutByHand, ...]
    map: MapPicture
    story: tuple[StoryEntry, ...]
    next_story_path: str
    papers: tuple[Paper, ...]
    deliveries: tuple[DeliveryRow, ...] | None
    acts: tuple[ActRow, ...] | None
    replay: ReplayPart | None
    is_decided: bool
    """Whether the decision still holds: not while the line is routed again, or waits for a person."""
    may_change: bool
    fixed: str
    """Why it can't be routed another way any more; empty where it can, or where the viewer could not anyway."""
    may_cancel: bool
    may_retry: bool
    stamp: str
    """Changes when the order or a job of it does."""

    @property
    def layout(self) -> OrderLayout:
        """Which of its cards stand beside which."""
        decision = self.decision if self.is_decided else None
        return order_layout(
            replace(
                Amounts() if decision is None else _decided_amounts(decision, self.line.state),
                outside=len(self.map.outside),
                jobs=len(self.jobs),
                happenings=len(self.story),
                papers=len(self.papers),
                may_cancel=self.may_cancel,
                deliveries=None if self.deliveries is None else len(self.deliveries),
                acts=None if self.acts is None else len(self.acts),
            )
        )


def order_page(facts: OrderFacts, fmt: Formats) -> OrderPage:
    """Return the page of an order, with one of its lines looked at."""
    order, line = facts.order, facts.line
    decided = None if facts.decision is None else read_document(facts.decision.document)
    can_change, fixed = facts.rights.order and order.state in _MAY_CHANGE, _fixed(facts)
    return OrderPage(
        order=order,
        line=line,
        path=_path(facts),
        title=f"{facts.part_name or line.part} × {fmt.number(line.quantity)}",
        part_name=facts.part_name,
        tabs=tabs_of(facts),
        steps=steps_of(facts, fmt),
        jobs=job_rows(facts),
        proposals=proposal_rows(facts),
        decision=None if decided is None else _decision(decided, facts, fmt),
        declined=_declined(facts),
        map=map_picture(None if line.state in _OPEN else decided, facts.nodes, order.ship_to, fmt),
        story=story_entries(facts.timeline, fmt, cities=_cities(facts)),
        next_story_path=f"{_path(facts)}&story={facts.next_entry}#story" if facts.next_entry else "",
        papers=papers_of(facts),
        deliveries=None if facts.deliveries is None else delivery_rows(facts.deliveries),
        acts=None if facts.acts is None else act_rows(facts.acts),
        replay=None if facts.replay is None else _replay(facts.replay, facts),
        is_decided=line.state not in _OPEN,
        may_change=can_change and not fixed,
        fixed=fixed if can_change else "",
        may_cancel=facts.rights.cancel and order.state in _MAY_CHANGE,
        may_retry=facts.rights.order and line.state in ("parked", "no_route"),
        stamp=stamp_of(order, facts.jobs),
    )


def stamp_of(order: OrderView, jobs: Mapping[str, tuple[JobOfLine, ...]]) -> str:
    """Return something that changes when an order or a job of it does, to ask whether a page is still true."""
    states = sorted(f"{job.job_id}{job.state}" for them in jobs.values() for job in them)
    return f"{order.version}-{crc32('-'.join(states).encode()):x}"


def _decided_amounts(decision: DecisionPart, state: str) -> Amounts:
    steps = sum(len(way.steps) for way in decision.ways_out) + len(decision.conflict)
    return Amounts(
        candidates=len(decision.candidates),
        steps_out=steps if state == "no_route" else None,
        alternatives=None if decision.plot is None else len(decision.alternatives),
        rules=len(decision.rules),
        has_record=True,
    )


def _fixed(facts: OrderFacts) -> str:
    if facts.order.agreed is not None:
        return "Its price and day are agreed: for another way, place another order."
    if all(job.state in _MAY_LEAVE for them in facts.jobs.values() for job in them):
        return ""
    return "A node works on it already: it goes on as it is, or cancel it and place it again."


def _cities(facts: OrderFacts) -> dict[str, str]:
    """Return the cities of the nodes that the decision or a job names."""
    known = {node.node_id: node.city for node in facts.nodes.values()}
    return known | {job.node_id: job.city for them in facts.jobs.values() for job in them}


def _path(facts: OrderFacts) -> str:
    return f"/console/orders/{facts.order.id}?line={facts.line.position}"


def _decision(decided: Decided, facts: OrderFacts, fmt: Formats) -> DecisionPart:
    assert facts.decision is not None
    order, decision = facts.order, facts.decision
    declined = frozenset(it.node_id for it in facts.ruled_out) if facts.rights.order else frozenset[str]()
    return DecisionPart(
        decision_id=decision.id,
        decided_at=decision.decided_at,
        objective=decided.objective,
        sentence=why_this_node(decided, fmt, need_by=order.need_by),
        proof=_proof(decided, fmt),
        candidates=candidate_rows(decided, fmt, need_by=order.need_by),
        kinds=kinds_in(decided),
        patterns=cost_patterns(),
        alternatives=alternative_offers(decided, fmt),
        ruled_out=ruled_out(decided, fmt, declined=declined),
        rules=rule_rows(decided, fmt),
        conflict=tuple((words, side_words(side)) for side, words in decided.conflict),
        ways_out=ways_out(decided, fmt),
        oversize=_oversize(decided),
        scarcity=scarcity_words(decided, fmt),
        moved_from=_moved_from(decided, fmt),
        shared_build=_shared_build(decided, fmt),
        plot=plot_picture(decided, fmt, since=decision.decided_at, need_by=order.need_by),
        solver=_solver(decided, fmt),
    )


def _oversize(decided: Decided) -> tuple[str, ...]:
    """Return the ways out for a part that no machine holds, without what only programs can do."""
    ways = () if decided.oversize is None else decided.oversize["ways_out"]
    return tuple(words.partition(": POST ")[0] for words in ways)


def _proof(decided: Decided, fmt: Formats) -> str:
    solver = decided.solver
    if solver.get("engine") == _BY_QUOTE:
        return "An offer of a quote was accepted, and it is made as was agreed."
    others = solver["lines"] - 1
    together = f"decided together with {'another line' if others == 1 else f'{fmt.number(others)} other lines'}"
    if solver["status"] == "optimal":
        proven = "Proven to be the best plan"
    else:
        proven = f"At most {fmt.percent(solver['gap'], 2)} from the best plan there can be"
    return f"{proven}, {together}." if others > 0 else f"{proven}."


def _solver(decided: Decided, fmt: Formats) -> tuple[tuple[str, str], ...]:
    """Return what is on record of the run, as far as it is known; nobody drew lots where an offer was accepted."""
    solver = decided.solver
    names = [(label, name) for label, name in _RECORDED if solver.get(name) is not None]
    if solver.get("engine") == _BY_QUOTE:
        names = [it for it in names if it[1] not in _OF_A_SEARCH]
    return tuple((label, _figure(solver[name], fmt)) for label, name in names)


def _figure(value: Any, fmt: Formats) -> str:
    return fmt.number(value) if isinstance(value, int) else str(value)


def _moved_from(decided: Decided, fmt: Formats) -> str:
    moved = decided.moved_from
    if moved is None:
        return ""
    saves = moved["saves"]
    gains = [
        words
        for amount, words in (
            (saves["landed_minor"], fmt.money(saves["landed_minor"])),
            (saves["hours"], fmt.span(timedelta(hours=saves["hours"]))),
            (saves["co2e_g"], f"{fmt.weight(saves['co2e_g'])} CO₂e"),
        )
        if amount > 0
    ]
    return f"It was to be made in {moved['city']} before: the move saves {', '.join(gains) or 'in all'}."


def _shared_build(decided: Decided, fmt: Formats) -> str:
    build = decided.build
    if build is None:
        return ""
    others = build["lines"] - 1
    who = "another line" if others == 1 else f"{fmt.number(others)} other lines"
    return f"It shares a build with {who}, which saves {fmt.money(build['saved_minor'])}."


def _declined(facts: OrderFacts) -> tuple[RuledOutByHand, ...]:
    return tuple(
        RuledOutByHand(node_id=it.node_id, words=cause_words(it.cause), reason=it.reason, since=it.excluded_at)
        for it in facts.ruled_out
    )


def _replay(replay: ReplayView, facts: OrderFacts) -> ReplayPart:
    report = replay.report or {}
    is_done = replay.state == "done"
    words = _REPLAYED.get(str(report.get("outcome")), "It is done.") if is_done else "It is being made again."
    reasons = tuple(str(it.get("words") or it.get("message") or it.get("code")) for it in report.get("reasons", ()))
    path = f"{_path(facts)}&replay={replay.id}#replay"
    return ReplayPart(is_done=is_done, words=words, reasons=reasons, path=path)
