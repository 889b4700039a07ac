"""Random networks and parts with export classes and owners' limits: no file and no job goes where the law forbids it.

What is permitted stands here a second time, as a table that knows nothing of the product's rules.
``make export-networks`` decides ten thousand networks.
"""

import os
import platform
import random
import sys
import time
from dataclasses import asdict, dataclass, replace

from fabroute.inventory.service import RevisionView
from fabroute.network.service import NodeView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.decide import decide
from fabroute.routing.service.documents import Verdict
from fabroute.solver.limits import SolveLimits
from tests.factories.routing import a_node_view
from tests.factories.snapshots import a_line, a_revision_view, a_snapshot

_UNION = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip
_FRIENDS = {"AU", "CA", "CH", "GB", "IS", "JP", "LI", "NO", "NZ", "US"}
_PLACES = ("DE", "DE", "FR", "PL", "MT", "US", "US", "GB", "CH", "JP", "CN")
_MAY_MAKE = {"dual_use": _UNION | {"US"}, "itar": {"US"}}
_MAY_RECEIVE = {"dual_use": _UNION | _FRIENDS, "itar": {"US"}}
_ZONES = {"EU": _UNION, "EU_US": _UNION | {"US"}, "US": {"US"}}
_KINDS = ("in_house", "service_bureau", "regional_hub")
_OF_LAW = {"EXPORT_CONTROL", "IP_POLICY"}
_LIMITS = SolveLimits(seed=7, deterministic_seconds=1.0, wall_seconds=60.0)


@dataclass(slots=True, kw_only=True)
class ExportNetworks:
    """What was decided over random networks."""

    networks: int = 0
    pairs: int = 0
    """Of a line and a node."""
    forbidden: int = 0
    """Pairs that law or owner forbid."""
    breaches: int = 0
    """Forbidden pairs that were an option, or were not ruled out by ``EXPORT_CONTROL`` or ``IP_POLICY``."""
    needless: int = 0
    """Permitted pairs that one of the two codes ruled out."""
    routed: int = 0
    unroutable: int = 0
    """Lines that no node may make."""
    wrong_ends: int = 0
    """Lines that were made somewhere forbidden, or nowhere though somebody might and could send them."""
    seconds: float = 0.0


def decide_networks(*, count: int, seed: int) -> ExportNetworks:
    """Decide random networks and compare every pair of line and node with the table."""
    chance, seen, began = random.Random(seed), ExportNetworks(networks=count), time.monotonic()
    for _ in range(count):
        nodes = tuple(_node(chance, number) for number in range(chance.randint(2, 7)))
        revisions = tuple(_revision(chance, number, nodes) for number in range(3))
        lines = tuple(_line(chance, number) for number in range(chance.randint(2, 6)))
        decided = decide(a_snapshot(*lines, nodes=nodes, revisions=revisions), _LIMITS)
        of_id = {revision.revision_id: revision for revision in revisions}
        for verdict in decided.verdicts:
            _look_at(seen, verdict, of_id[verdict.choices.line.revision_id], nodes)
    seen.seconds = time.monotonic() - began
    return seen


def _look_at(seen: ExportNetworks, verdict: Verdict, revision: RevisionView, nodes: tuple[NodeView, ...]) -> None:
    line = verdict.choices.line
    permitted = {node.node_id for node in nodes if _may_make(line, revision, node)}
    offered = {option.way.node.node_id for option in verdict.choices.options}
    refused = {
        excluded.node.node_id
        for excluded in verdict.choices.exclusions
        if _OF_LAW & {str(reason.code) for reason in excluded.reasons}
    }
    everybody = {node.node_id for node in nodes}
    made_at = None if verdict.chosen is None else verdict.chosen.way.node.node_id
    seen.pairs += len(everybody)
    seen.forbidden += len(everybody - permitted)
    seen.breaches += len((everybody - permitted) & (offered | (everybody - refused)))
    seen.needless += len(permitted & refused)
    seen.routed += made_at is not None
    seen.unroutable += not permitted
    seen.wrong_ends += (made_at not in permitted) if offered else (made_at is not None)


def _may_make(line: ClaimedLine, revision: RevisionView, node: NodeView) -> bool:
    there, export = line.ship_to_country, revision.export_class
    lawful = export == "none" or (
        node.country in _MAY_MAKE.get(export, ())
        and export in node.export_permissions
        and there in _MAY_RECEIVE.get(export, ())
    )
    zone = revision.ip_zone
    inside = zone == "any" or (
        node.country == there if zone == "same_country" else node.country in _ZONES.get(zone, ())
    )
    listed = all(
        not permitted or present in permitted
        for permitted, present in (
            (revision.ip_countries, node.country),
            (revision.ip_kinds, node.kind),
            (revision.ip_nodes, node.node_id),
        )
    )
    return lawful and inside and listed


def _node(chance: random.Random, number: int) -> NodeView:
    permissions = tuple(name for name in ("dual_use", "itar") if chance.random() < 0.6)
    node = a_node_view(
        node_id=f"N{number}",
        country=chance.choice(_PLACES),
        latitude=chance.uniform(48, 54),
        longitude=chance.uniform(5, 15),
        export_permissions=permissions,
    )
    return replace(node, kind=chance.choice(_KINDS))


def _revision(chance: random.Random, number: int, nodes: tuple[NodeView, ...]) -> RevisionView:
    def some(of: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(chance.sample(of, chance.randint(1, len(of)))))) if chance.random() < 0.2 else ()

    return a_revision_view(
        revision_id=f"rev_{number}",
        export_class=chance.choice(("none", "none", "dual_use", "dual_use", "itar", "secret")),
        ip_zone=chance.choice(("any", "any", "any", "any", "any", "EU", "EU_US", "US", "same_country", "MARS")),
        ip_countries=some(_PLACES),
        ip_nodes=some(tuple(node.node_id for node in nodes)),
        ip_kinds=some(_KINDS),
    )


def _line(chance: random.Random, number: int) -> ClaimedLine:
    line = a_line(line_id=f"line_{number}", quantity=1, country=chance.choice(_PLACES))
    return replace(line, revision_id=f"rev_{chance.randrange(3)}")


def main(arguments: list[str]) -> int:
    """Print what was decided; 1 where something went, or might have gone, where it may not."""
    asked = dict(argument.split("=") for argument in arguments)
    count, seed = int(asked.get("NETWORKS", 10_000)), int(asked.get("SEED", 7))
    print(f"{os.cpu_count()} cores; Python {platform.python_version()}; {count:,} networks, seed {seed}", flush=True)
    seen = decide_networks(count=count, seed=seed)
    for name, figure in asdict(seen).items():
        print(f"{name:>10}: {figure:,.1f}" if isinstance(figure, float) else f"{name:>10}: {figure:,}")
    return int(seen.breaches + seen.needless + seen.wrong_ends > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
