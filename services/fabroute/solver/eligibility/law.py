"""Gates of law and property: who may see a file, and where a part may be made."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from fabroute.kernel.events import JsonScalar
from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Exclusion, LicenceFacts, LineFacts, NodeFacts

EU = frozenset(
    {
        "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
        "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
    }
)  # fmt: skip
DUAL_USE_NODES = EU | {"US"}
DUAL_USE_DESTINATIONS = EU | {"AU", "CA", "IS", "JP", "NZ", "NO", "CH", "LI", "GB", "US"}
"""Where the general authorisations for dual-use goods reach; an assumption, not legal advice."""
_ONE = {"countries": "country", "kinds": "kind", "nodes": "id"}
_Limit = tuple[str, Mapping[str, JsonScalar]]
"""A limit that is broken, in words and in figures."""
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
    """Require that the node lies in the zone, is in the countries, of the kinds and among the nodes that are permitted.

    The part's owner names them; an empty list permits all, an unknown zone none.
    """
    broken = [limit for limit in (_zone(line, node), *_lists(line, node)) if limit is not None]
    if not broken:
        return None
    return Exclusion(
        code=ExclusionCode.IP_POLICY,
        message="; ".join(words for words, _ in broken),
        figures={name: value for _, figures in broken for name, value in figures.items()},
    )


def print_licence(
    line: LineFacts, node: NodeFacts, licences: Iterable[LicenceFacts], *, prints: int, through: date
) -> Exclusion | None:
    """Require an active licence of the revision, for the node and through production, with so many prints left."""
    held = tuple(licences)
    if not line.licence_required or usable_licences(node, held, prints=prints, through=through):
        return None
    if not held:
        return _no_licence("the part may only be printed under a licence, and there is none", None, prints)
    reason = {licence.licence_id: _not_usable(licence, node, prints=prints, through=through) for licence in held}
    nearest = max(held, key=lambda licence: (licence.state == "active", licence.left, licence.licence_id))
    return _no_licence(f"licence {nearest.licence_id} {reason[nearest.licence_id]}", nearest, prints)


def usable_licences(
    node: NodeFacts, licences: Iterable[LicenceFacts], *, prints: int, through: date
) -> tuple[LicenceFacts, ...]:
    """Return the licences that serve so many prints at a node through a day, the one to be used up first in front.

    That is the first to end, of equals the one with the least left.
    """
    usable = [each for each in licences if _not_usable(each, node, prints=prints, through=through) is None]
    return tuple(sorted(usable, key=lambda each: (each.valid_to or date.max, each.left, each.licence_id)))


def _zone(line: LineFacts, node: NodeFacts) -> _Limit | None:
    if line.ip_zone == "any":
        return None
    if line.ip_zone == "same_country":
        permitted, inside = f"only {line.destination_country}", node.country == line.destination_country
    else:
        permitted, inside = f"zone {line.ip_zone}", node.country in ZONES.get(line.ip_zone, frozenset())
    if inside:
        return None
    return (
        f"the owner permits {permitted}; the node is in {node.country}",
        {"permitted": line.ip_zone, "node_country": node.country, "ship_to": line.destination_country},
    )


def _lists(line: LineFacts, node: NodeFacts) -> Iterator[_Limit]:
    for what, permitted, present in (
        ("countries", line.ip_countries, node.country),
        ("kinds", line.ip_kinds, node.kind),
        ("nodes", line.ip_nodes, node.node_id),
    ):
        if permitted and present not in permitted:
            listed = ", ".join(sorted(permitted))
            words = f"the owner permits the {what} {listed}; this is {present}"
            yield words, {f"permitted_{what}": listed, f"node_{_ONE[what]}": present}


def _not_usable(licence: LicenceFacts, node: NodeFacts, *, prints: int, through: date) -> str | None:
    """Return what keeps a licence from being used, None if nothing does."""
    if licence.state != "active":
        return f"is {licence.state}"
    if licence.valid_to is not None and licence.valid_to < through:
        return f"ends {licence.valid_to}, build ends {through}"
    if licence.node_ids and node.node_id not in licence.node_ids:
        return f"is not for node {node.node_id}"
    if licence.countries and node.country not in licence.countries:
        return f"is not for {node.country}, only for {', '.join(sorted(licence.countries))}"
    if licence.left < prints:
        return f"has {licence.left} of {licence.granted} prints left, {prints} are needed"
    return None


def _no_licence(message: str, licence: LicenceFacts | None, prints: int) -> Exclusion:
    return Exclusion(
        code=ExclusionCode.IP_POLICY,
        message=message,
        figures={
            "licence": "none" if licence is None else licence.licence_id,
            "state": "none" if licence is None else licence.state,
            "left": 0 if licence is None else licence.left,
            "granted": 0 if licence is None else licence.granted,
            "needed": prints,
        },
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
