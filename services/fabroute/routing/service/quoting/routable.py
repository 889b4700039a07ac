"""Where no node can make a quantity: the nodes that one thing keeps from it, and the least change by which they could."""

from collections.abc import Sequence

from fabroute.routing.service.options import ExcludedNode
from fabroute.routing.service.quoting.answers import RoutableIf
from fabroute.routing.service.quoting.survey import Setting, Survey


def routable_if(
    setting: Setting, survey: Survey, column: int, excluded: Sequence[ExcludedNode]
) -> tuple[RoutableIf, ...]:
    return ()
