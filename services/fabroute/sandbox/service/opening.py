"""Opening a sandbox: an owner with a key and released parts, and a bureau with two nodes that can make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fabroute.identity.rules import ADMIN, ROLES
from fabroute.identity.service import IssuedKey, create_organisation, issue_api_key
from fabroute.inventory.ports import PrintFileSigner
from fabroute.inventory.service import (
    Approval,
    NewPart,
    NewRevision,
    PrintFileRecord,
    Release,
    add_revision,
    approve_revision,
    attach_print_file,
    register_part,
    release_revision,
)
from fabroute.kernel.events import DomainEvent
from fabroute.kernel.ids import SANDBOX_PREFIX, new_id
from fabroute.logistics.rules import Service, Zone
from fabroute.logistics.service import (
    CARRIER_TARIFFS,
    DatedQuery,
    LogisticsData,
    NewLane,
    list_rows,
    save_logistics,
)
from fabroute.network.service import (
    NetworkData,
    NewLot,
    NewMachine,
    NewMachineModel,
    NewMaterial,
    NewNode,
    NewOffer,
    extend_capacity,
    save_network,
)
from fabroute.outbox.service import record
from fabroute.qualification.service import NewCertificate, save_certificates
from fabroute.sandbox.rules import OFFER_SECONDS
from fabroute.settings import get_settings

ACTOR = "system:sandbox"
PROCESS, MATERIAL = "MEX", "SBX-PLA"
_MODEL = "Sandbox printer"
_PARAMETER_SET = "SBX-1"
_CERTIFICATE = "ISO9001"
_REASON = "part of the sandbox"
_PLACES = (("a", "Berlin", 52.5244, 13.4105), ("b", "Hamburg", 53.5507, 9.993))
_GRAMS = 1_000_000
_KEPT = timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPart:
    """A part that every sandbox has, with its validated print file; mm and cm³."""

    part_no: str
    name: str
    sector: str
    hs_code: str
    box_mm: tuple[float, float, float]
    volume_cm3: float
    file: PrintFileRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSandbox:
    """What a sandbox is made of: its name, its parts, and the ways of parcels for a network that has none."""

    name: str
    parts: Sequence[SandboxPart]
    logistics: LogisticsData


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox. Its key is shown once."""

    sandbox_id: str
    name: str
    organisation_id: str
    """The owner, who orders."""
    bureau_id: str
    node_ids: tuple[str, ...]
    part_nos: tuple[str, ...]
    key: IssuedKey


def open_sandbox(session: Session, *, new: NewSandbox, signer: PrintFileSigner, now: datetime) -> Sandbox:
    """Make a sandbox: two organisations, a key, released parts, and nodes that are qualified for them. Audited.

    Lanes and capacity are there at once. Tariffs, places and what else parcels need are loaded with it where the
    installation has no tariff at all. Told, ``network.changed``, so that quotes see it.
    """
    sandbox_id = new_id("sbx").partition("_")[2]
    owner_id, bureau_id = f"{SANDBOX_PREFIX}{sandbox_id}", f"{SANDBOX_PREFIX}{sandbox_id}_bureau"
    create_organisation(session, name=new.name, kind="owner", now=now, organisation_id=owner_id)
    create_organisation(session, name=f"{new.name}: bureau", kind="bureau", now=now, organisation_id=bureau_id)
    key = issue_api_key(session, organisation_id=owner_id, name="sandbox", scopes=tuple(ROLES["owner"][ADMIN]), now=now)
    node_ids = _save_nodes(session, sandbox_id, bureau_id, now=now)
    _save_ways(session, node_ids, new.logistics)
    for part in new.parts:
        _release(session, part, owner_id, signer=signer, now=now)
    record(session, _network_changed(sandbox_id, now))
    return Sandbox(
        sandbox_id=f"sbx_{sandbox_id}",
        name=new.name,
        organisation_id=owner_id,
        bureau_id=bureau_id,
        node_ids=node_ids,
        part_nos=tuple(part.part_no for part in new.parts),
        key=key,
    )


def _save_nodes(session: Session, sandbox_id: str, bureau_id: str, *, now: datetime) -> tuple[str, ...]:
    nodes = tuple(_node(sandbox_id, bureau_id, place) for place in _PLACES)
    names = tuple(node.node_id for node in nodes)
    data = NetworkData(
        nodes=nodes,
        models=(_model(),),
        materials=(_material(),),
        machines=tuple(NewMachine(machine_id=f"{it}-1", node_id=it, model=_MODEL, utilisation=0.0) for it in names),
        offers=tuple(_offer(it) for it in names),
        lots=tuple(_lot(it, now.date()) for it in names),
    )
    save_network(session, data=data)
    extend_capacity(session, today=now.date(), horizon_days=get_settings().planning_horizon_days)
    save_certificates(session, certificates=tuple(_proof(it, now.date()) for it in names), now=now, actor=ACTOR)
    return names


def _save_ways(session: Session, node_ids: Sequence[str], logistics: LogisticsData) -> None:
    held = list_rows(session, table=CARRIER_TARIFFS, query=DatedQuery(limit=1))
    if not held.items:
        save_logistics(session, data=logistics)
    services = (Service.ECONOMY, Service.EXPRESS)
    lanes = tuple(NewLane(node_id=it, zone=zone, services=services) for it in node_ids for zone in Zone)
    save_logistics(session, data=LogisticsData(lanes=lanes))


def _release(session: Session, part: SandboxPart, owner_id: str, *, signer: PrintFileSigner, now: datetime) -> None:
    part_id = register_part(session, part=_new_part(part, owner_id), now=now, actor=ACTOR)
    revision = NewRevision(
        part_id=part_id,
        revision="A",
        process_materials=(f"{PROCESS}:{MATERIAL}",),
        box_x_mm=part.box_mm[0],
        box_y_mm=part.box_mm[1],
        box_z_mm=part.box_mm[2],
        volume_cm3=part.volume_cm3,
        required_certificates=(_CERTIFICATE,),
    )
    revision_id = add_revision(session, revision=revision, now=now, actor=ACTOR)
    attach_print_file(session, revision_id=revision_id, facts=part.file, now=now, actor=ACTOR)
    approve_revision(session, revision_id=revision_id, approval=Approval(actor=ACTOR, reason=_REASON), now=now)
    release = Release(actor=f"{ACTOR}-release", reason=_REASON)
    release_revision(session, revision_id=revision_id, release=release, signer=signer, now=now)


def _new_part(part: SandboxPart, owner_id: str) -> NewPart:
    return NewPart(
        organisation_id=owner_id,
        part_no=part.part_no,
        name=part.name,
        sector=part.sector,
        criticality="routine",
        hs_code=part.hs_code,
    )


def _node(sandbox_id: str, bureau_id: str, place: tuple[str, str, float, float]) -> NewNode:
    letter, city, latitude, longitude = place
    return NewNode(
        node_id=f"sbx-{sandbox_id}-{letter}",
        organisation_id=bureau_id,
        kind="service_bureau",
        city=city,
        country="DE",
        latitude=latitude,
        longitude=longitude,
        timezone="Europe/Berlin",
        working_days="Mon-Sun",
        cutoff_local="18:00",
        labour_minor_per_hour=3_000,
        grid_g_co2_per_kwh=None,
        minimum_order_minor=0,
        minimum_order_policy="top_up",
        margin=0.2,
        on_time_score=0.95,
        first_pass_yield=0.98,
        packaging=("plain", "brand"),
        export_permissions=(),
        offer_seconds=OFFER_SECONDS,
    )


def _model() -> NewMachineModel:
    return NewMachineModel(
        model=_MODEL,
        process=PROCESS,
        x_mm=400,
        y_mm=400,
        z_mm=400,
        layer_um=200,
        layer_fixed_s=0,
        rate_cm3_per_hour=60,
        warmup_hours=0.1,
        cooldown_hours=0.05,
        setup_hours=0.2,
        unload_hours=0.15,
        rate_minor_per_hour=400,
        power_kw=0.2,
        source="sandbox",
    )


def _material() -> NewMaterial:
    return NewMaterial(
        code=MATERIAL,
        process=PROCESS,
        density_g_per_cm3=1.24,
        bulk_density_g_per_cm3=None,
        price_minor_per_kg=3_000,
        refresh_ratio=None,
        support_fraction=0.1,
        source="sandbox",
    )


def _offer(node_id: str) -> NewOffer:
    return NewOffer(
        offer_id=f"offer_{node_id}",
        machine_id=f"{node_id}-1",
        process=PROCESS,
        material=MATERIAL,
        parameter_set=_PARAMETER_SET,
    )


def _lot(node_id: str, today: date) -> NewLot:
    return NewLot(lot_id=f"lot_{node_id}", node_id=node_id, material=MATERIAL, grams=_GRAMS, expires_on=today + _KEPT)


def _proof(node_id: str, today: date) -> NewCertificate:
    return NewCertificate(
        certificate_id=f"cert_{node_id}",
        node_id=node_id,
        scheme=_CERTIFICATE,
        scope="*",
        valid_from=today - timedelta(days=1),
        valid_to=today + _KEPT,
    )


def _network_changed(sandbox_id: str, now: datetime) -> DomainEvent:
    return DomainEvent(
        name="network.changed",
        subject_type="network",
        subject_id=f"sbx_{sandbox_id}",
        occurred_at=now,
        data={"reason": "sandbox_opened"},
    )
