"""Gates of law and property: who may see a file, and where a part may be made."""

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Exclusion, LineFacts, NodeFacts

EU = frozenset(
    {
        "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
        "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
    }
)  # fmt: skip
DUAL_USE_NODES = EU | {"US"}
DUAL_USE_DESTINATIONS = EU | {"AU", "CA", "IS", "JP", "NZ", "NO", "CH", "LI", "GB", "US"}
"""Where the general authorisations for dual-use goods reach; an assumption, not legal advice."""
ZONES = {"EU": EU, "EU_US": EU | {"US"}, "US": frozenset({"US"})}


def export_control(line: LineFacts, node: NodeFacts) -> Exclusion | None:
    """Require permission for the part's export class, at the node and for the destination; unknown classes are denied.

    Sending the file to a node abroad is an export already, so the gate comes before any price.
    """
    if line.export_class == "none":
        return None
    if line.export_class == "dual_use":
        return _controlled(line, node, nodes=DUAL_USE_NODES, destinations=DUAL_USE_DESTINATIONS)
    if line.export_class == "itar":
        return _controlled(line, node, nodes=frozenset({"US"}), destinations=frozenset({"US"}))
    return _denied(line, node, f"export class {line.export_class} has no rule, so no node may have the file")


def ip_policy(line: LineFacts, node: NodeFacts) -> Exclusion | None:
    """Require that the node lies in the zone that the part's owner permits; unknown zones are denied."""
    if line.ip_zone == "any":
        return None
    if line.ip_zone == "same_country":
        permitted, inside = f"only {line.destination_country}", node.country == line.destination_country
    else:
        permitted, inside = f"zone {line.ip_zone}", node.country in ZONES.get(line.ip_zone, frozenset())
    if inside:
        return None
    return Exclusion(
        code=ExclusionCode.IP_POLICY,
        message=f"the owner permits {permitted}; the node is in {node.country}",
        figures={"permitted": line.ip_zone, "node_country": node.country, "ship_to": line.destination_country},
    )


def _controlled(
    line: LineFacts, node: NodeFacts, *, nodes: frozenset[str], destinations: frozenset[str]
) -> Exclusion | None:
    if node.country not in nodes:
        return _denied(line, node, f"{line.export_class} files may not go to a node in {node.country}")
    if line.export_class not in node.export_permissions:
        return _denied(line, node, f"the node has no permission for {line.export_class} files")
    if line.destination_country not in destinations:
        return _denied(line, node, f"{line.export_class} parts may not be shipped to {line.destination_country}")
    return None


def _denied(line: LineFacts, node: NodeFacts, message: str) -> Exclusion:
    return Exclusion(
        code=ExclusionCode.EXPORT_CONTROL,
        message=message,
        figures={
            "export_class": line.export_class,
            "node_country": node.country,
            "ship_to": line.destination_country,
            "node_permissions": " ".join(sorted(node.export_permissions)) or "none",
        },
    )
