"""What an organisation asks of the routing of its lines, as data: weights, caps, minimum shares, waiting, stability."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from fabroute.routing.rules.objectives import WEIGHTS, ObjectiveWeights

ShareUnit = Literal["lines", "pieces"]

DEFAULT_WINDOW_DAYS = 30
LONGEST_WINDOW_DAYS = 365
LONGEST_CONSOLIDATION_HOURS = 240
MOST_RULES = 50
"""Caps and minimum shares of one policy, each."""
DEFAULT_STABILITY_MINOR = 200
IP_SHARE_WINDOW_DAYS = 365
"""A revision's own share cap counts its pieces of a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareCap:
    """No more than a share of an organisation's lines, or pieces, at one node; without a node, at any single one."""

    node_id: str | None
    share: float
    """Over 0 and under 1, of what was decided within the window and what is decided now."""
    window_days: int = DEFAULT_WINDOW_DAYS
    unit: ShareUnit = "lines"
    excess_minor: int | None = None
    """Price of each line or piece over it, in cents; ``None``: it is never exceeded."""

    @property
    def rule(self) -> str:
        """The rule's name in decisions and costs; no two of a policy have the same."""
        return f"cap:{self.node_id or 'any'}:{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumShare:
    """At least a share of an organisation's lines, or pieces, at one node or one kind of node, at a price if not."""

    node_id: str | None = None
    kind: str | None = None
    """Either a node or a kind, such as ``in_house``."""
    share: float
    shortfall_minor: int
    """Price of each line or piece that is short of it, in cents: what the owner pays rather than miss it."""
    window_days: int = DEFAULT_WINDOW_DAYS
    unit: ShareUnit = "lines"

    @property
    def rule(self) -> str:
        """The rule's name in decisions and costs; no two of a policy have the same."""
        return f"minimum:{self.node_id or self.kind}:{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """How an organisation wants its lines routed; version 0 is what holds for whoever has stated nothing."""

    organisation_id: str = ""
    version: int = 0
    weights: Mapping[str, ObjectiveWeights] = field(default_factory=dict)
    """By objective, where it differs from ``rules.WEIGHTS``."""
    caps: tuple[ShareCap, ...] = ()
    minimum_shares: tuple[MinimumShare, ...] = ()
    consolidation_window_hours: int = 0
    """How long a job may wait for others to share its build."""
    stability_minor: int = DEFAULT_STABILITY_MINOR
    """What moving an offered job to another place has to save at least, in cents."""
    share_builds: bool = True
    """Whether parts of other owners may be in one build with its own."""

    def weights_for(self, objective: str) -> ObjectiveWeights:
        """Return what an hour, a gram of CO2e and an hour of delay are worth to a line with this objective."""
        return self.weights.get(objective, WEIGHTS[objective])

    @property
    def windows(self) -> frozenset[int]:
        """The windows that its shares are counted over, in days."""
        caps = {cap.window_days for cap in self.caps}
        return frozenset(caps | {minimum.window_days for minimum in self.minimum_shares})


DEFAULT_POLICY = PolicyView()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedShares:
    """Where the lines of an organisation, or of a revision, went within a window."""

    lines: Mapping[str, int] = field(default_factory=dict)
    """By node. A split line counts at each of its nodes."""
    pieces: Mapping[str, int] = field(default_factory=dict)
    """By node."""
    total_lines: int = 0
    total_pieces: int = 0

    def at(self, node_id: str, unit: ShareUnit) -> int:
        """Return how many lines or pieces a node has."""
        return (self.lines if unit == "lines" else self.pieces).get(node_id, 0)

    def total(self, unit: ShareUnit) -> int:
        """Return how many lines or pieces all nodes have, each counted once."""
        return self.total_lines if unit == "lines" else self.total_pieces


NOTHING_PLACED = PlacedShares()


def added_shares(placements: Iterable[tuple[Mapping[str, int], int]]) -> PlacedShares:
    """Return the shares of placements: pieces by node, and of how many equal lines."""
    lines: dict[str, int] = {}
    pieces: dict[str, int] = {}
    total_lines = 0
    for placed, count in placements:
        total_lines += count
        for node_id, quantity in placed.items():
            lines[node_id] = lines.get(node_id, 0) + count
            pieces[node_id] = pieces.get(node_id, 0) + count * quantity
    return PlacedShares(lines=lines, pieces=pieces, total_lines=total_lines, total_pieces=sum(pieces.values()))


def policy_for(policies: Mapping[str, PolicyView], organisation_id: str) -> PolicyView:
    """Return an organisation's policy, or the default one."""
    return policies.get(organisation_id, DEFAULT_POLICY)


def part_of(share: float, total: int) -> Fraction:
    """Return a share of a whole exactly: 0.4 of 10 is 4, not a little more."""
    return Fraction(repr(share)) * total


def document_of(policy: PolicyView) -> dict[str, Any]:
    """Return a policy's content as it is kept: without its owner and version."""
    return {
        "weights": {
            objective: {
                "millis_per_hour": weights.millis_per_hour,
                "millis_per_co2e_gram": weights.millis_per_co2e_gram,
                "millis_per_late_hour": weights.millis_per_late_hour,
            }
            for objective, weights in sorted(policy.weights.items())
        },
        "caps": [
            {
                "node_id": cap.node_id,
                "share": cap.share,
                "window_days": cap.window_days,
                "unit": cap.unit,
                "excess_minor": cap.excess_minor,
            }
            for cap in policy.caps
        ],
        "minimum_shares": [
            {
                "node_id": minimum.node_id,
                "kind": minimum.kind,
                "share": minimum.share,
                "shortfall_minor": minimum.shortfall_minor,
                "window_days": minimum.window_days,
                "unit": minimum.unit,
            }
            for minimum in policy.minimum_shares
        ],
        "consolidation_window_hours": policy.consolidation_window_hours,
        "stability_minor": policy.stability_minor,
        "share_builds": policy.share_builds,
    }


def policy_of(document: Mapping[str, Any], *, organisation_id: str, version: int) -> PolicyView:
    """Return a policy from what ``document_of`` made of it."""
    return PolicyView(
        organisation_id=organisation_id,
        version=version,
        weights={objective: ObjectiveWeights(**weights) for objective, weights in document["weights"].items()},
        caps=tuple(ShareCap(**cap) for cap in document["caps"]),
        minimum_shares=tuple(MinimumShare(**minimum) for minimum in document["minimum_shares"]),
        consolidation_window_hours=document["consolidation_window_hours"],
        stability_minor=document["stability_minor"],
        share_builds=document.get("share_builds", True),
    )
