"""Nodes, machines, materials and lots for tests; every factory gives a thing that works."""

from datetime import date

from sqlmodel import Session

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
from tests.factories.organisations import BUREAU, save_organisations

TODAY = date(2026, 6, 15)
"""A Monday."""


def a_node(
    *,
    node_id: str = "N101",
    organisation_id: str = BUREAU,
    kind: str = "service_bureau",
    city: str = "Berlin",
    country: str = "DE",
    latitude: float = 52.5244,
    longitude: float = 13.4105,
    timezone: str = "Europe/Berlin",
    working_days: str = "Mon-Fri",
    labour_minor_per_hour: int = 4600,
    minimum_order_minor: int = 5000,
    minimum_order_policy: str = "top_up",
    packaging: tuple[str, ...] = ("plain",),
    export_permissions: tuple[str, ...] = (),
) -> NewNode:
    """Return a bureau in Berlin that works from Monday to Friday."""
    return NewNode(
        node_id=node_id,
        organisation_id=organisation_id,
        kind=kind,
        city=city,
        country=country,
        latitude=latitude,
        longitude=longitude,
        timezone=timezone,
        working_days=working_days,
        cutoff_local="15:00",
        labour_minor_per_hour=labour_minor_per_hour,
        grid_g_co2_per_kwh=380.9,
        minimum_order_minor=minimum_order_minor,
        minimum_order_policy=minimum_order_policy,
        margin=0.25,
        on_time_score=0.95,
        first_pass_yield=0.97,
        packaging=packaging,
        export_permissions=export_permissions,
    )


def a_model(
    *, model: str = "HP MJF 5200", process: str = "MJF", box_mm: tuple[float, float, float] = (380, 284, 380)
) -> NewMachineModel:
    """Return a multi-jet-fusion machine model."""
    return NewMachineModel(
        model=model,
        process=process,
        x_mm=box_mm[0],
        y_mm=box_mm[1],
        z_mm=box_mm[2],
        layer_um=80,
        layer_fixed_s=6.2,
        rate_cm3_per_hour=0,
        warmup_hours=1.0,
        cooldown_hours=24,
        setup_hours=0.5,
        unload_hours=1.0,
        rate_minor_per_hour=4500,
        power_kw=9.0,
        source="V",
    )


def a_material(*, code: str = "PA12-MJF", process: str = "MJF") -> NewMaterial:
    """Return a nylon powder."""
    return NewMaterial(
        code=code,
        process=process,
        density_g_per_cm3=1.01,
        bulk_density_g_per_cm3=0.425,
        price_minor_per_kg=6000,
        refresh_ratio=0.2,
        support_fraction=0,
        source="V",
    )


def a_machine(
    *, machine_id: str = "N101-A", node_id: str = "N101", model: str = "HP MJF 5200", utilisation: float = 0.5
) -> NewMachine:
    """Return a machine of which half the time is free: 720 minutes a working day."""
    return NewMachine(machine_id=machine_id, node_id=node_id, model=model, utilisation=utilisation)


def an_offer(
    *,
    machine_id: str = "N101-A",
    process: str = "MJF",
    material: str = "PA12-MJF",
    parameter_set: str = "PS-1",
    parameter_set_state: str = "qualified",
) -> NewOffer:
    """Return what a machine offers."""
    return NewOffer(
        offer_id=f"offer_{machine_id}_{material}_{parameter_set}",
        machine_id=machine_id,
        process=process,
        material=material,
        parameter_set=parameter_set,
        parameter_set_state=parameter_set_state,
    )


def a_lot(
    *,
    lot_id: str | None = "lot_1",
    node_id: str = "N101",
    material: str = "PA12-MJF",
    grams: int = 10_000,
    expires_on: date = date(2027, 6, 15),
    state: str = "available",
    reuse_count: int = 0,
) -> NewLot:
    """Return ten kilograms that are good for a year."""
    return NewLot(
        lot_id=lot_id,
        node_id=node_id,
        material=material,
        grams=grams,
        expires_on=expires_on,
        state=state,
        reuse_count=reuse_count,
    )


def a_network(
    *,
    nodes: tuple[NewNode, ...] = (a_node(),),
    machines: tuple[NewMachine, ...] = (a_machine(),),
    offers: tuple[NewOffer, ...] = (an_offer(),),
    lots: tuple[NewLot, ...] = (a_lot(),),
    models: tuple[NewMachineModel, ...] = (a_model(),),
    materials: tuple[NewMaterial, ...] = (a_material(),),
) -> NetworkData:
    """Return a network of one node with one machine, one offer and one lot, or what it is told."""
    return NetworkData(nodes=nodes, machines=machines, offers=offers, lots=lots, models=models, materials=materials)


def save_a_network(session: Session, *, data: NetworkData | None = None, days: int = 10) -> None:
    """Save organisations, a network, and its capacity for ``days`` days from Monday, 15 June 2026 on."""
    save_organisations(session)
    save_network(session, data=a_network() if data is None else data)
    extend_capacity(session, today=TODAY, horizon_days=days)
