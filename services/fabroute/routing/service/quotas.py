"""Shares and price caps as quotas of the joint problem: what all chosen options together may weigh."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import floor
from typing import Literal, Protocol

import numpy as np

from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules import MILLIS_PER_MINOR, price_cap_minor
from fabroute.routing.rules.policies import (
    IP_SHARE_WINDOW_DAYS,
    NOTHING_PLACED,
    MinimumShare,
    PlacedShares,
    PolicyView,
    ShareCap,
    ShareUnit,
    part_of,
)
from fabroute.routing.service.options import LineChoices, Option, pieces_by_node
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.problem import HARD, IntArray

RuleKind = Literal["cap", "minimum", "ip", "price"]
Held = tuple[tuple[int, int], ...]
"""Options and what each weighs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareFacts:
    """What the shares of a run are counted by; without anything there are no quotas."""

    policies: Mapping[str, PolicyView] = field(default_factory=dict)
    used: Mapping[tuple[str, int], PlacedShares] = field(default_factory=dict)
    revision_caps: Mapping[str, float] = field(default_factory=dict)
    """By revision with a cap of its own: the largest share of its pieces at one node."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """By node."""
    spent_minor: Mapping[str, int] = field(default_factory=dict)
    """By order with a price cap: what its other lines cost already."""


NO_SHARES = ShareFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRule:
    """What one quota of the problem stands for."""

    kind: RuleKind
    organisation_id: str
    rule: str
    """Name of the policy's rule, ``ip:<revision>`` or ``price:<order>``."""
    subject: str
    """The node (a cap), the node or kind (a minimum share), or the order (a price cap)."""
    unit: str
    """``lines``, ``pieces`` or ``minor`` (cents)."""
    share: float | None = None
    window_days: int | None = None
    total: int = 0
    """All lines or pieces of the window and of this run."""
    used: int = 0
    """What counts against the rule already."""
    limit: int
    excess_millis: int = HARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Quotas as the problem takes them, each with the rule behind it."""

    rules: tuple[QuotaRule, ...] = ()
    shares: tuple[Held, ...] = ()
    """By quota: option and what it weighs."""

    def arrays(self) -> dict[str, IntArray]:
        """Return the keyword arguments of ``RoutingProblem``."""
        flat = [(quota, option, weight) for quota, held in enumerate(self.shares) for option, weight in held]
        quota, option, weight = np.array(flat, dtype=np.int64).reshape(len(flat), 3).T
        return {
            "quota_limit": np.array([rule.limit for rule in self.rules], dtype=np.int64),
            "quota_excess_cost": np.array([rule.excess_millis for rule in self.rules], dtype=np.int64),
            "share_quota": quota,
            "share_option": option,
            "share_weight": weight,
        }

    def dearest_excess(self, option_line: Sequence[int], *, lines: int) -> IntArray:
        """Return, by line, the most that soft quotas can add to one of its options: leaving it out must cost more."""
        by_option: defaultdict[int, int] = defaultdict(int)
        for rule, held in zip(self.rules, self.shares, strict=True):
            for option, weight in held:
                by_option[option] += max(0, rule.excess_millis) * weight
        most = np.zeros(lines, dtype=np.int64)
        for option, price in by_option.items():
            most[option_line[option]] = max(most[option_line[option]], price)
        return most


def share_facts(snapshot: RoutingSnapshot) -> ShareFacts:
    """Return what the shares of a snapshot's lines are counted by."""
    caps = {key: view.ip_share_cap for key, view in snapshot.revisions.items() if view.ip_share_cap is not None}
    return ShareFacts(
        policies=snapshot.policies,
        used=snapshot.shares_used,
        revision_caps={key: cap for key, cap in caps.items() if cap < 1},
        kinds={node.node_id: node.kind for node in snapshot.network.nodes.values()},
        spent_minor=snapshot.spent_minor,
    )


def policy_quotas(
    choices: Sequence[LineChoices], options: Sequence[Option], option_line: Sequence[int], *, facts: ShareFacts
) -> Quotas:
    """Return the quotas of all policies, revisions and price caps that can bite; those that can't are left out.

    ``options`` and ``option_line`` are those of the problem. A hard cap lets a node that has nothing of the window yet
    take one line, so that the first line of a window has a place.
    """
    if not _asks_for_quotas(choices, facts):
        return Quotas()
    lines = [each.line for each in choices]
    table = ShareTable(
        lines=lines,
        placed=[pieces_by_node(it, lines[line].quantity) for it, line in zip(options, option_line, strict=True)],
        option_line=option_line,
    )
    landed = [option.price.landed_minor for option in options]
    return biting(
        table,
        [
            *_all_policies(table, facts),
            *_revision_rules(table, facts),
            *_price_rules(table, lines, landed, facts.spent_minor),
        ],
    )


def biting(table: "ShareTable", quotas: Iterable["Quota"]) -> Quotas:
    """Return the quotas that options of the table could break together."""
    found = [(rule, held) for rule, held in quotas if table.most(held) > rule.limit]
    return Quotas(rules=tuple(rule for rule, _ in found), shares=tuple(held for _, held in found))


def _asks_for_quotas(choices: Sequence[LineChoices], facts: ShareFacts) -> bool:
    policies = (it for it in facts.policies.values() if it.caps or it.minimum_shares)
    priced = Counter(it.line.order_id for it in choices if it.line.max_price_minor is not None)
    return any(policies) or bool(facts.revision_caps) or any(lines > 1 for lines in priced.values())


Quota = tuple[QuotaRule, Held]


class SharingLine(Protocol):
    """What of a line shares are counted by."""

    @property
    def organisation_id(self) -> str:
        """Whose it is."""

    @property
    def revision_id(self) -> str:
        """What it is."""

    @property
    def quantity(self) -> int:
        """How many pieces."""


class ShareTable:
    """The options of a run and what each node makes of them, to be weighed for one quota after the other."""

    def __init__(
        self,
        *,
        lines: Sequence[SharingLine],
        placed: Sequence[Mapping[str, int]],
        option_line: Sequence[int],
    ) -> None:
        """``placed`` are the pieces by node of each option, ``option_line`` its line."""
        self.lines = lines
        self._option_line = option_line
        self._placed = placed
        self._at: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for option, pieces_of in enumerate(placed):
            for node_id, pieces in pieces_of.items():
                self._at[node_id].append((option, pieces))

    def lines_by(self, key: Callable[[SharingLine], str]) -> dict[str, frozenset[int]]:
        """Return the lines of each owner or revision."""
        return _grouped(key(line) for line in self.lines)

    def options(self, lines: Collection[int]) -> list[int]:
        """Return the options of these lines."""
        return [option for option, line in enumerate(self._option_line) if line in lines]

    def nodes(self, lines: Collection[int]) -> list[str]:
        """Return the nodes at which these lines have options, sorted."""
        return sorted(
            node_id
            for node_id, held in self._at.items()
            if any(self._option_line[option] in lines for option, _ in held)
        )

    def at(self, node_id: str, lines: Collection[int], unit: ShareUnit) -> Held:
        """Return what each option of these lines weighs at a node."""
        return tuple(
            (option, pieces if unit == "pieces" else 1)
            for option, pieces in self._at.get(node_id, ())
            if self._option_line[option] in lines
        )

    def outside(self, elsewhere: Callable[[str], bool], lines: Collection[int], unit: ShareUnit) -> Held:
        """Return what each option of these lines weighs outside of some nodes; as a line only if all of it is."""
        weighed = (
            (option, sum(pieces for node_id, pieces in placed.items() if elsewhere(node_id)), sum(placed.values()))
            for option, placed in enumerate(self._placed)
            if self._option_line[option] in lines
        )
        if unit == "pieces":
            return tuple((option, pieces) for option, pieces, _ in weighed if pieces)
        return tuple((option, 1) for option, pieces, quantity in weighed if pieces == quantity)

    def most(self, held: Held) -> int:
        """Return what the heaviest options of all lines weigh together."""
        heaviest: dict[int, int] = {}
        for option, weight in held:
            line = self._option_line[option]
            heaviest[line] = max(heaviest.get(line, 0), weight)
        return sum(heaviest.values())

    def amount(self, lines: Iterable[int], unit: ShareUnit) -> tuple[int, int]:
        """Return how many lines or pieces there are, and the least that one line counts."""
        counts = [1 if unit == "lines" else self.lines[line].quantity for line in lines]
        return sum(counts), min(counts)


def _all_policies(table: ShareTable, facts: ShareFacts) -> Iterator[Quota]:
    for owner in table.lines_by(lambda line: line.organisation_id):
        policy = facts.policies.get(owner)
        if policy is not None:
            used = {days: facts.used.get((owner, days), NOTHING_PLACED) for days in policy.windows}
            yield from rules_of_policy(table, policy, owner=owner, used=used, kinds=facts.kinds)


def rules_of_policy(
    table: ShareTable,
    policy: PolicyView,
    *,
    owner: str,
    used: Mapping[int, PlacedShares],
    kinds: Mapping[str, str],
) -> Iterator[Quota]:
    """Yield the quotas of one owner's policy, biting or not; ``used`` by days of the window, ``kinds`` by node."""
    lines = table.lines_by(lambda line: line.organisation_id)[owner]
    for cap in policy.caps:
        nodes = table.nodes(lines) if cap.node_id is None else [cap.node_id]
        for node_id in nodes:
            yield _cap(table, lines, cap, used=used[cap.window_days], node_id=node_id, owner=owner)
    for minimum in policy.minimum_shares:
        yield _minimum(table, lines, minimum, used=used[minimum.window_days], kinds=kinds, owner=owner)


def _cap(
    table: ShareTable, lines: Collection[int], cap: ShareCap, *, used: PlacedShares, node_id: str, owner: str
) -> Quota:
    amount, least = table.amount(lines, cap.unit)
    total, taken = used.total(cap.unit) + amount, used.at(node_id, cap.unit)
    rule = QuotaRule(
        kind="cap",
        organisation_id=owner,
        rule=cap.rule,
        subject=node_id,
        unit=cap.unit,
        share=cap.share,
        window_days=cap.window_days,
        total=total,
        used=taken,
        limit=cap_limit(cap.share, total=total, used=taken, least=least),
        excess_millis=HARD if cap.excess_minor is None else cap.excess_minor * MILLIS_PER_MINOR,
    )
    return rule, table.at(node_id, lines, cap.unit)


def cap_limit(share: float, *, total: int, used: int, least: int) -> int:
    """Return how much more a node may take: its share of all, but one line where it has nothing yet."""
    allowed = floor(part_of(share, total))
    return max(0, (allowed if used else max(allowed, least)) - used)


def _minimum(
    table: ShareTable,
    lines: Collection[int],
    minimum: MinimumShare,
    *,
    used: PlacedShares,
    kinds: Mapping[str, str],
    owner: str,
) -> Quota:
    """Return a minimum share as a soft quota on all other nodes."""
    elsewhere = partial(_is_elsewhere, minimum, kinds)
    amount, _ = table.amount(lines, minimum.unit)
    total = used.total(minimum.unit) + amount
    here = sum(used.at(node_id, minimum.unit) for node_id in used.pieces if not elsewhere(node_id))
    taken = used.total(minimum.unit) - here
    rule = QuotaRule(
        kind="minimum",
        organisation_id=owner,
        rule=minimum.rule,
        subject=minimum.node_id or str(minimum.kind),
        unit=minimum.unit,
        share=minimum.share,
        window_days=minimum.window_days,
        total=total,
        used=taken,
        limit=max(0, floor(total - part_of(minimum.share, total)) - taken),
        excess_millis=minimum.shortfall_minor * MILLIS_PER_MINOR,
    )
    return rule, table.outside(elsewhere, lines, minimum.unit)


def _is_elsewhere(minimum: MinimumShare, kinds: Mapping[str, str], node_id: str) -> bool:
    return node_id != minimum.node_id if minimum.node_id else kinds.get(node_id) != minimum.kind


def _revision_rules(table: ShareTable, facts: ShareFacts) -> Iterator[Quota]:
    """Yield the share caps that revisions have themselves: so much of a revision's pieces at any single node."""
    for revision_id, lines in table.lines_by(lambda line: line.revision_id).items():
        share = facts.revision_caps.get(revision_id)
        if share is None:
            continue
        cap = ShareCap(node_id=None, share=share, window_days=IP_SHARE_WINDOW_DAYS, unit="pieces")
        used = facts.used.get((revision_id, cap.window_days), NOTHING_PLACED)
        owner = table.lines[min(lines)].organisation_id
        for node_id in table.nodes(lines):
            rule, held = _cap(table, lines, cap, used=used, node_id=node_id, owner=owner)
            yield replace(rule, kind="ip", rule=f"ip:{revision_id}"), held


def _price_rules(
    table: ShareTable, lines: Sequence[ClaimedLine], landed: Sequence[int], spent_minor: Mapping[str, int]
) -> Iterator[Quota]:
    """Yield the price caps of orders of which several lines are decided now; one line alone is within it already."""
    for order_id, of_order in _grouped(line.order_id for line in lines).items():
        line = lines[min(of_order)]
        cap = price_cap_minor(line.max_price_minor, criticality=line.criticality)
        if cap is None or len(of_order) < 2:
            continue
        spent = spent_minor.get(order_id, 0)
        rule = QuotaRule(
            kind="price",
            organisation_id=line.organisation_id,
            rule=f"price:{order_id}",
            subject=order_id,
            unit="minor",
            total=cap,
            used=spent,
            limit=max(0, cap - spent),
        )
        yield rule, tuple((option, landed[option]) for option in table.options(of_order))


def _grouped(names: Iterable[str]) -> dict[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for line, name in enumerate(names):
        found[name].add(line)
    return {name: frozenset(lines) for name, lines in found.items()}
