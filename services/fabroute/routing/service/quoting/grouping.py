"""What is ruled out, said once: nodes that the same reasons rule out for the same quantities stand together."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

from fabroute.network.service import NodeView
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.options import ExcludedNode
from fabroute.routing.service.quoting.answers import RuledOut
from fabroute.solver.eligibility import Exclusion

_Quantities = tuple[int, ...]


class Grouping:
    """Collects nodes with their reasons, those with equal reasons and quantities in one group, in the order of coming.

    Reasons that are the same objects are found again at once; others are compared by all that they say. What is about
    a machine is about no other node.
    """

    def __init__(self) -> None:
        self._groups: list[tuple[list[NodeView], _Quantities, Reasons]] = []
        self._said: dict[Hashable, int] = {}
        self._seen: dict[tuple[_Quantities, tuple[int, ...]], int] = {}
        self._kept: list[Reasons] = []
        """So that no other object takes the id of one that was seen."""

    def add(self, node: NodeView, quantities: _Quantities, reasons: Reasons) -> None:
        """Note that a node can't make some quantities."""
        if any(reason.machine_id is not None for reason in reasons):
            self._groups.append(([node], quantities, reasons))
            return
        place = (quantities, tuple(map(id, reasons)))
        known = self._seen.get(place)
        if known is None:
            known = self._seen[place] = self._group(quantities, reasons)
        self._groups[known][0].append(node)

    def _group(self, quantities: _Quantities, reasons: Reasons) -> int:
        known = self._said.setdefault((quantities, tuple(map(_said, reasons))), len(self._groups))
        if known == len(self._groups):
            self._groups.append(([], quantities, reasons))
        self._kept.append(reasons)
        return known

    def groups(self) -> tuple[RuledOut, ...]:
        """Return what was noted."""
        return tuple(
            RuledOut(nodes=tuple(nodes), quantities=quantities, reasons=reasons)
            for nodes, quantities, reasons in self._groups
        )


def rule_out(nodes: Iterable[NodeView], found: Sequence[tuple[int, Iterable[ExcludedNode]]]) -> tuple[RuledOut, ...]:
    """Return the exclusions of all quantities together; ``nodes`` gives the order."""
    by_node: dict[str, list[tuple[int, Reasons]]] = {}
    for quantity, excluded in found:
        for each in excluded:
            by_node.setdefault(each.node.node_id, []).append((quantity, each.reasons))
    grouping = Grouping()
    for node in nodes:
        for quantities, reasons in together(by_node.get(node.node_id, ())):
            grouping.add(node, quantities, reasons)
    return grouping.groups()


def together(by_quantity: Iterable[tuple[int, Reasons]]) -> Iterator[tuple[_Quantities, Reasons]]:
    """Return the quantities of a node that have the same reasons, as one."""
    found: list[tuple[list[int], Reasons]] = []
    for quantity, reasons in by_quantity:
        for quantities, known in found:
            if known is reasons or known == reasons:
                quantities.append(quantity)
                break
        else:
            found.append(([quantity], reasons))
    return ((tuple(quantities), reasons) for quantities, reasons in found)


def shared(found: Iterable[Exclusion | None]) -> tuple[Exclusion | None, ...]:
    """Return reasons with one object for all that say the same."""
    known: dict[Hashable, Exclusion] = {}
    return tuple(None if each is None else known.setdefault(_said(each), each) for each in found)


def _said(reason: Exclusion) -> Hashable:
    # By the id of the code: there is one object for each, and to hash a member of an enumeration takes long.
    return (id(reason.code), reason.message, reason.machine_id, *reason.figures.items())
