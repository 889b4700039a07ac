"""The gate between worlds: what is ordered in a sandbox is never made by a real node, nor the other way round."""

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Exclusion, LineFacts, NodeFacts


def same_world(line: LineFacts, node: NodeFacts) -> Exclusion | None:
    """Require that line and node are both of the real world, or both in the same sandbox."""
    if line.sandbox == node.sandbox:
        return None
    if not line.sandbox:
        message = "takes orders of its own sandbox only"
    elif not node.sandbox:
        message = "is a real node, and the order is in a sandbox"
    else:
        message = "is in another sandbox"
    return Exclusion(
        code=ExclusionCode.SANDBOX,
        message=message,
        figures={"order_in_sandbox": bool(line.sandbox), "node_in_sandbox": bool(node.sandbox)},
    )


def is_in_sight(line: LineFacts, node: NodeFacts) -> bool:
    """Tell whether a line's owner hears of a node at all: of sandboxes only their own do."""
    return node.sandbox in ("", line.sandbox)
