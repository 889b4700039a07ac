"""Which nodes could make a part now, and all that speaks against each of the others: by the gates that quotes use."""

from collections.abc import Mapping
from dataclasses import dataclass

from fabroute.network.service import NodeView
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.quoting import QuoteAsked, QuoteBook
from fabroute.routing.service.readiness_finding import Finding
from fabroute.solver.eligibility import ExclusionCode


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAtNode:
    """A node beside a part: what the part would cost there landed, in cents, or what keeps it from being made."""

    node: NodeView
    landed_minor: int | None
    """``None`` where the node can't."""
    reasons: Reasons
    """None where it can."""

    @property
    def does_such_work(self) -> bool:
        """Whether it prints one of the part's processes and materials at all."""
        return all(reason.code is not ExclusionCode.PROCESS_MATERIAL for reason in self.reasons)


def makers_of(book: QuoteBook, asked: QuoteAsked) -> tuple[PartAtNode, ...]:
    """Return all nodes beside a part in one quantity: able ones from cheap to dear, then those that lack the least.

    ``asked`` names one quantity; of a part that can't be estimated every node says why.
    """
    finding, nodes = Finding(book, asked), book.snapshot.network.nodes
    able = [PartAtNode(node=nodes[it], landed_minor=landed, reasons=()) for it, landed in finding.able.items()]
    others = [PartAtNode(node=nodes[it], landed_minor=None, reasons=found) for it, found in _against(finding).items()]
    return (*able, *sorted(others, key=lambda it: (not it.does_such_work, len(it.reasons), it.node.node_id)))


def _against(finding: Finding) -> Mapping[str, Reasons]:
    return {node_id: reasons for node_id, reasons in finding.against.items() if node_id not in finding.able}
