"""Nodes that are ruled out: each with its reasons, the figures behind them and the nearest fix; and the ways out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fabroute.console.formats import Formats
from fabroute.console.pages.order.reading import Change, Decided, ExcludedNode, Reason, Relaxation, RulePrice, Step
from fabroute.console.pages.order.sentences import difference_words
from fabroute.console.reasons import fix_words, meaning_of, reason_words, step_words, stored_words
from fabroute.routing.service.explaining.steps import steps_against
from fabroute.solver.eligibility import Exclusion, ExclusionCode

_NOT_IN_THE_GAME = "PROCESS_MATERIAL"
_SIDES = {"order": "the order asks for it", "part": "the part's owner asks for it", "network": "the network is so"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRow:
    """One reason: in a few words, and in full with its figures."""

    code: str
    meaning: str
    message: str
    machine_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionRow:
    """A node that is ruled out."""

    name: str
    node_id: str
    country: str
    reasons: tuple[ReasonRow, ...]
    fix: str
    then: str
    """What the line would cost there, and when it would arrive, if that were done; empty where nobody knows."""
    would_win: bool
    can_be_lifted: bool
    """Whether somebody who may change the order can let the node have the line again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """All nodes that are ruled out: those that come near, and those that do not offer the process or material."""

    near: tuple[ExclusionRow, ...]
    far: tuple[ExclusionRow, ...]
    counts: tuple[tuple[str, int], ...]
    """How many nodes each reason rules out, in words, the most frequent first."""

    @property
    def has_fixes(self) -> bool:
        """Whether there is anything to be told or done about the nearest ones."""
        return any(row.fix or row.can_be_lifted for row in self.near)

    @property
    def total(self) -> int:
        """How many nodes."""
        return len(self.near) + len(self.far)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """What one rule costs the order."""

    words: str
    side: str
    nodes: int
    alone: int
    is_free: bool
    difference: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """What would make a way, and what that way would be."""

    steps: tuple[tuple[str, str], ...]
    """What would have to change, and who makes that rule."""
    city: str
    landed_minor: int
    promised_at: datetime
    co2e_g: int


def ruled_out(decided: Decided, fmt: Formats, *, declined: frozenset[str] = frozenset()) -> RuledOut:
    """Return the nodes that are ruled out, the nearest first; ``declined`` are those that a person may let in again."""
    rows = [(it, _exclusion(it, decided, fmt, declined)) for it in decided.exclusions]
    rows.sort(key=lambda it: (not it[1].would_win, len(it[0].reasons), not it[0].fix, it[0].node_id))
    counts = Counter(code for it in decided.exclusions for code in {reason.code for reason in it.reasons})
    return RuledOut(
        near=tuple(row for it, row in rows if not _is_far(it)),
        far=tuple(row for it, row in rows if _is_far(it)),
        counts=tuple((meaning_of(code), count) for code, count in counts.most_common()),
    )


def rule_rows(decided: Decided, fmt: Formats) -> tuple[RuleRow, ...]:
    """Return what each rule costs, the dearest first."""
    return tuple(_rule(it, fmt) for it in decided.rules)


def ways_out(decided: Decided, fmt: Formats) -> tuple[WayOut, ...]:
    """Return what would make the line routable, fewest steps first."""
    reasons = {it.node_id: it.reasons for it in decided.exclusions}
    return tuple(_way_out(it, fmt, reasons.get(it.then.node_id, ())) for it in decided.relaxations)


def side_words(side: str) -> str:
    """Return who makes a rule."""
    return _SIDES.get(side, side)


def _exclusion(it: ExcludedNode, decided: Decided, fmt: Formats, declined: frozenset[str]) -> ExclusionRow:
    change = decided.changes.get(it.node_id)
    then = None if change is None else change.then
    words = "" if then is None else f"{fmt.money(then.landed_minor)}, there by {fmt.day(then.promised_at)}"
    return ExclusionRow(
        name=it.city,
        node_id=it.node_id,
        country=it.country,
        reasons=tuple(_reason(reason, fmt) for reason in it.reasons),
        fix=_fix(it, change, fmt),
        then=words,
        would_win=change is not None and change.wins,
        can_be_lifted=it.node_id in declined,
    )


def _fix(it: ExcludedNode, change: Change | None, fmt: Formats) -> str:
    found = "" if change is None else fix_words(change.steps, fmt, reasons=it.reasons)
    return found or stored_words(it.fix, fmt) or fix_words(_steps_against(it.reasons), fmt, reasons=it.reasons)


def _steps_against(reasons: Sequence[Reason]) -> tuple[Step, ...]:
    """Return what would have to change by what the reasons say, where no run looked further: as of a quote.

    Nothing where their figures do not tell.
    """
    try:
        found = steps_against(tuple(_as_excluded(reason) for reason in reasons))
    except (KeyError, ValueError, TypeError):
        return ()
    return tuple(Step(rule=it.demand.name, of=it.of, words=it.words, figures=it.figures) for it in found)


def _as_excluded(reason: Reason) -> Exclusion:
    code = ExclusionCode(reason.code)
    return Exclusion(code=code, message=reason.message, figures=reason.figures, machine_id=reason.machine_id or None)


def _reason(reason: Reason, fmt: Formats) -> ReasonRow:
    return ReasonRow(
        code=reason.code,
        meaning=meaning_of(reason.code),
        message=reason_words(reason, fmt),
        machine_id=reason.machine_id,
    )


def _is_far(it: ExcludedNode) -> bool:
    return any(reason.code == _NOT_IN_THE_GAME for reason in it.reasons)


def _rule(it: RulePrice, fmt: Formats) -> RuleRow:
    is_free = it.instead is None
    words = difference_words(fmt, landed_minor=it.landed_minor, hours=it.hours, co2e_g=it.co2e_g)
    return RuleRow(
        words=_rule_name(it),
        side=side_words(it.of),
        nodes=it.nodes,
        alone=it.alone,
        is_free=is_free,
        difference="" if is_free else words,
        instead="" if it.instead is None else it.instead.city,
    )


def _rule_name(it: RulePrice) -> str:
    """Return which rule it is, as its sentence names it: what it costs is told in figures."""
    if it.instead is None:
        return it.words.removesuffix(" costs nothing").removesuffix(" cost nothing")
    return it.words.removeprefix("without ").partition(" this order would ")[0]


def _way_out(it: Relaxation, fmt: Formats, reasons: Sequence[Reason]) -> WayOut:
    return WayOut(
        steps=tuple((step_words(step, fmt, reasons=reasons), side_words(step.of)) for step in it.steps),
        city=it.then.city,
        landed_minor=it.then.landed_minor,
        promised_at=it.then.promised_at,
        co2e_g=it.then.co2e_g,
    )
