"""Under which terms a line may be split, and who could share it."""

from dataclasses import dataclass

from fabroute.inventory.service import RevisionView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.companies import of_one_lot
from fabroute.routing.service.openings import part_of_line
from fabroute.routing.service.splits_nodes import Limits
from fabroute.solver.split import SplitProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTerms:
    """How a line may be split."""

    quantity: int
    max_nodes: int
    min_per_node: int
    kept_nodes: frozenset[str] = frozenset()
    """Nodes that make other shares of the line anyway: they may make more of it, beside ``max_nodes`` others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What nodes could make of a line in time if they shared it."""

    nodes: frozenset[str]
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Parties that could share a line, what each can make in time, and the allocation to be solved."""

    limits: tuple[Limits, ...]
    problem: SplitProblem
    """Its nodes are those of ``limits``."""
    arrival: int | None = None
    """Minutes from now by which everything arrives; ``None`` where each machine has its window."""

    @property
    def pieces(self) -> int:
        """What all parties can make together."""
        return sum(limits.pieces for limits in self.limits)

    @property
    def together(self) -> Together:
        """The parties' nodes, and what they can make together."""
        return Together(nodes=frozenset(limits.party.node.node_id for limits in self.limits), pieces=self.pieces)

    @property
    def largest(self) -> int:
        """What the machine that can make most can make."""
        return max(most for limits in self.limits for most in limits.most)


def one_lot(line: ClaimedLine, revision: RevisionView) -> bool:
    """Return whether all pieces of a line must be of one lot: regulated parts, whose evidence is of their own lot."""
    return of_one_lot(part_of_line(line, revision))


def split_terms(line: ClaimedLine, revision: RevisionView) -> SplitTerms | None:
    """Return how what is to be routed of a line may be split; ``None`` if it may not.

    Nodes that go on making other shares of it count; where they are as many as may be, one more node still may make
    what came back: a late part hurts more than one more parcel.
    """
    if line.split_max_nodes < 1:
        return None
    kept = frozenset(filter(None, line.kept_nodes.split(",")))
    regulated = one_lot(line, revision)
    return SplitTerms(
        quantity=line.quantity,
        max_nodes=1 if regulated else max(1, line.split_max_nodes - len(kept)),
        min_per_node=min(line.split_min_per_node, line.quantity),
        kept_nodes=frozenset() if regulated else kept,
    )
