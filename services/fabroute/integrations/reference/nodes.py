"""What the files don't say about nodes: who owns them, what they may export, how they pack, when they refuse."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from fabroute.integrations.reference.chance import chance
from fabroute.integrations.reference.dates import BASE_DAY
from fabroute.integrations.reference.rows import AssetRow, CertificateRow, NodeRow
from fabroute.logistics.rules import GridBook, customs_territory, grid_g_per_kwh
from fabroute.network.service import NewMachine, NewNode, NewOffer

OWNER_ID = "org_owner"
OPERATOR_ID = "org_operator"
ITAR_SCHEME = "ITAR-REG"
AEROSPACE_SCHEME = "EN9100"
_MACHINES_OF_A_LARGE_NETWORK = 50
_ROUNDING_G_PER_KWH = 0.5
_NO_GRID = GridBook()
_A_DAY = 86_400
"""Offers to nodes of the reference network wait for people."""
_DUAL_USE_TERRITORIES = ("EU", "US")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRow:
    """An organisation of the reference network."""

    organisation_id: str
    name: str
    kind: Literal["owner", "bureau", "operator"]


def organisations(nodes: Sequence[NodeRow]) -> tuple[OrganisationRow, ...]:
    """Return the owner of parts and in-house nodes, the operator, and one organisation for each other node."""
    others = [node for node in nodes if node.kind != "in_house"]
    return (
        OrganisationRow(organisation_id=OWNER_ID, name="Northgate Spares", kind="owner"),
        OrganisationRow(organisation_id=OPERATOR_ID, name="Network operator", kind="operator"),
        *(
            OrganisationRow(organisation_id=_organisation_id(node), name=_organisation_name(node), kind="bureau")
            for node in others
        ),
    )


def described_node(row: NodeRow, certificates: Sequence[CertificateRow], *, grid: GridBook = _NO_GRID) -> NewNode:
    """Return a node with what the files say and what chance adds; ``certificates`` are those of this node.

    A node whose electricity is that of its country's ``grid`` has no figure of its own: it follows the country's.
    """
    held = {found.scheme for found in certificates if found.valid_from <= BASE_DAY <= found.valid_to}
    return NewNode(
        node_id=row.node_id,
        organisation_id=_organisation_id(row),
        kind=row.kind,
        city=row.city,
        country=row.country,
        latitude=row.latitude,
        longitude=row.longitude,
        timezone=row.timezone,
        working_days=row.working_days,
        cutoff_local=row.cutoff_local,
        labour_minor_per_hour=row.labour_minor_per_hour,
        grid_g_co2_per_kwh=_own_electricity(row, grid),
        minimum_order_minor=row.minimum_order_minor,
        minimum_order_policy=_minimum_order_policy(row),
        margin=row.margin,
        on_time_score=row.on_time_score,
        first_pass_yield=row.first_pass_yield,
        packaging=_packaging(row, held),
        export_permissions=_export_permissions(row, held),
        offer_seconds=_A_DAY,
    )


def described_machines(assets: Sequence[AssetRow]) -> tuple[NewMachine, ...]:
    """Return the machines, busy as the mean of their rows says (assumption); in a large network one of them is down."""
    rows: dict[str, list[AssetRow]] = {}
    for asset in assets:
        rows.setdefault(asset.machine_id, []).append(asset)
    down = chance("machine down").choice(sorted(rows)) if len(rows) >= _MACHINES_OF_A_LARGE_NETWORK else ""
    return tuple(
        NewMachine(
            machine_id=machine_id,
            node_id=found[0].node_id,
            model=found[0].model,
            utilisation=round(sum(row.utilisation for row in found) / len(found), 6),
            status="down" if machine_id == down else "up",
        )
        for machine_id, found in rows.items()
    )


def described_offer(asset: AssetRow) -> NewOffer:
    """Return what a machine offers by one row; one parameter set in twenty is still in development."""
    in_development = chance("parameter set", asset.machine_id, asset.material).random() < 0.05
    return NewOffer(
        offer_id=f"offer_{asset.machine_id}_{asset.material}_{asset.parameter_set}",
        machine_id=asset.machine_id,
        process=asset.process,
        material=asset.material,
        parameter_set=asset.parameter_set,
        parameter_set_state="development" if in_development else "qualified",
    )


def _own_electricity(row: NodeRow, grid: GridBook) -> float | None:
    national = grid_g_per_kwh(grid, row.country, BASE_DAY)
    is_national = not national.assumed and abs(row.grid_g_co2_per_kwh - national.g_per_kwh) <= _ROUNDING_G_PER_KWH
    return None if is_national else row.grid_g_co2_per_kwh


def _organisation_id(node: NodeRow) -> str:
    return OWNER_ID if node.kind == "in_house" else f"org_{node.node_id}"


def _organisation_name(node: NodeRow) -> str:
    return f"{node.city} {'Hub' if node.kind == 'regional_hub' else 'Print Bureau'}"


def _minimum_order_policy(node: NodeRow) -> str:
    refuses = node.kind == "service_bureau" and chance("minimum order", node.node_id).random() < 0.12
    return "refuse" if refuses else "top_up"


def _packaging(node: NodeRow, held: Collection[str]) -> tuple[str, ...]:
    drawn = chance("packaging", node.node_id)
    brand = drawn.random() < {"in_house": 0.75, "regional_hub": 0.85}.get(node.kind, 0.6)
    esd = drawn.random() < 0.3
    offered = (("plain", True), ("brand", brand), ("esd", esd), ("medical_clean", "ISO13485" in held))
    return tuple(name for name, is_offered in offered if is_offered)


def _export_permissions(node: NodeRow, held: Collection[str]) -> tuple[str, ...]:
    territory = customs_territory(node.country)
    dual_use = territory in _DUAL_USE_TERRITORIES and AEROSPACE_SCHEME in held
    itar = node.country == "US" and ITAR_SCHEME in held
    return tuple(name for name, is_held in (("dual_use", dual_use), ("itar", itar)) if is_held)
