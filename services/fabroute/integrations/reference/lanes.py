"""Which shipping services the nodes use: the kind of node decides, a seed makes the exceptions."""

from collections.abc import Sequence

from fabroute.integrations.reference.chance import chance
from fabroute.integrations.reference.rows import NodeRow
from fabroute.logistics.rules import Service, Zone
from fabroute.logistics.service import NewLane

_FAR = {"in_house": (0.4, 0.0), "service_bureau": (1.0, 0.3), "regional_hub": (1.0, 1.0)}
"""How likely a kind of node ships to other continents, and to remote places."""
_HASTE = {"in_house": 0.5, "service_bureau": 0.4, "regional_hub": 1.0}
"""How likely it books next flights out."""
_MISSING = {"in_house": 0.0, "service_bureau": 0.05, "regional_hub": 0.0}
"""How likely a lane abroad is missing on purpose."""


def lanes(nodes: Sequence[NodeRow]) -> tuple[NewLane, ...]:
    """Return the lanes of all nodes: local and domestic always, abroad by kind, a few missing on purpose."""
    return tuple(
        NewLane(node_id=node.node_id, zone=zone, services=_services(node, zone))
        for node in nodes
        for zone in Zone
        if _is_served(node, zone)
    )


def _is_served(node: NodeRow, zone: Zone) -> bool:
    if zone in (Zone.LOCAL, Zone.DOMESTIC):
        return True
    drawn = chance("lane", node.node_id, zone.value)
    intercontinental, remote = _FAR[node.kind]
    likely = {Zone.INTERCONTINENTAL: intercontinental, Zone.REMOTE: remote}.get(zone, 1.0)
    return drawn.random() < likely and drawn.random() >= _MISSING[node.kind]


def _services(node: NodeRow, zone: Zone) -> tuple[Service, ...]:
    if zone is Zone.LOCAL:
        return (Service.EXPRESS,)
    hurries = chance("next flight", node.node_id).random() < _HASTE[node.kind]
    return (Service.ECONOMY, Service.EXPRESS, *((Service.NEXT_FLIGHT,) if hurries else ()))
