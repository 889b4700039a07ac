"""Routing snapshots made by hand: desktop printers in German cities, one tariff for each service, round figures."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from fabroute.inventory.service import LicenceView, PrintFileView, RevisionSize, RevisionView
from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight, freight_book, transit_of
from fabroute.logistics.rules.duties import Duty
from fabroute.logistics.service import LogisticsView
from fabroute.network.service import (
    LotView,
    MachineModelView,
    MachineView,
    MaterialView,
    NetworkView,
    NodeView,
    OfferView,
)
from fabroute.orders.service import ClaimedLine
from fabroute.qualification.service import CertificateView, FirstArticleView, Qualifications
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import MONDAY_MORNING, a_claimed_line, a_lot_view, a_node_view

ALWAYS = (date(2010, 1, 1), date(2099, 12, 31))
G_PER_TONNE_KM = {
    Mode.VAN: 782.0,
    Mode.HGV: 125.0,
    Mode.ARTICULATED: 96.0,
    Mode.FLIGHT_SHORT: 961.0,
    Mode.FLIGHT_LONG: 666.0,
    Mode.RAIL: 35.0,
    Mode.SHIP: 20.0,
}
PRINTER = MachineModelView(
    model="Desktop",
    process="MEX",
    x_mm=330,
    y_mm=240,
    z_mm=300,
    layer_um=150,
    layer_fixed_s=0,
    rate_cm3_per_hour=12,
    warmup_hours=0.15,
    cooldown_hours=0.1,
    setup_hours=0.3,
    unload_hours=0.2,
    rate_minor_per_hour=400,
    power_kw=0.25,
    source="V",
)
PLA = MaterialView(
    code="PLA",
    process="MEX",
    density_g_per_cm3=1.24,
    bulk_density_g_per_cm3=None,
    price_minor_per_kg=3000,
    refresh_ratio=None,
    support_fraction=0.1,
    source="M",
)


def a_revision_view(
    *,
    revision_id: str = "rev_1",
    state: str = "released",
    box_mm: tuple[float, float, float] = (50, 40, 20),
    volume_cm3: float = 20,
    process_materials: tuple[str, ...] = ("MEX:PLA",),
    required_certificates: tuple[str, ...] = (),
    part_qualification: bool = False,
    export_class: str = "none",
    ip_zone: str = "any",
    validated: bool = True,
    packaging: str = "plain",
    parameter_sets: tuple[str, ...] = (),
    qualified_orientation: str | None = None,
    ip_countries: tuple[str, ...] = (),
    ip_nodes: tuple[str, ...] = (),
    ip_kinds: tuple[str, ...] = (),
    licence_required: bool = False,
) -> RevisionView:
    """Return a released clip of 20 cm³ of PLA that anybody may print."""
    file = PrintFileView(
        sha256="0" * 64,
        size_bytes=1000,
        media_type="model/3mf",
        box_x_mm=box_mm[0],
        box_y_mm=box_mm[1],
        box_z_mm=box_mm[2],
        volume_cm3=volume_cm3,
        triangles=12,
        validated_at=MONDAY_MORNING,
    )
    return RevisionView(
        revision_id=revision_id,
        part_id="part_1",
        organisation_id="org_owner",
        part_no="CL-1",
        name="Clip",
        sector="appliance",
        criticality="routine",
        hs_code="3926.90",
        revision="A",
        state=state,
        size=RevisionSize(box_x_mm=box_mm[0], box_y_mm=box_mm[1], box_z_mm=box_mm[2], volume_cm3=volume_cm3),
        process_materials=process_materials,
        required_certificates=required_certificates,
        part_qualification=part_qualification,
        export_class=export_class,
        ip_zone=ip_zone,
        released_at=MONDAY_MORNING,
        file=file if validated else None,
        packaging=packaging,
        parameter_sets=parameter_sets,
        qualified_orientation=qualified_orientation,
        ip_countries=ip_countries,
        ip_nodes=ip_nodes,
        ip_kinds=ip_kinds,
        licence_required=licence_required,
    )


def a_licence(
    *,
    licence_id: str = "lic_1",
    granted: int = 10,
    good: int = 0,
    leased: int = 0,
    node_ids: tuple[str, ...] = (),
    countries: tuple[str, ...] = (),
    valid_to: date | None = None,
    state: str = "active",
) -> LicenceView:
    """Return a licence for ten prints of the clip, anywhere and for ever."""
    return LicenceView(
        licence_id=licence_id,
        organisation_id="org_owner",
        revision_id="rev_1",
        granted_prints=granted,
        good_prints=good,
        leased_prints=leased,
        node_ids=node_ids,
        countries=countries,
        valid_to=valid_to,
        state=state,
        state_reason="",
        note="",
        granted_by="key_1",
        granted_at=MONDAY_MORNING,
    )


def a_printer(
    *, node_id: str = "N101", machine_id: str | None = None, model: MachineModelView = PRINTER, state: str = "qualified"
) -> OfferView:
    """Return a desktop printer with PLA."""
    machine = machine_id or f"{node_id}-A"
    return OfferView(
        offer_id=f"offer_{machine}",
        machine_id=machine,
        node_id=node_id,
        process=model.process,
        material=PLA,
        model=model,
        parameter_set="PS-1",
        parameter_set_state=state,
    )


def a_certificate(
    *,
    node_id: str = "N101",
    scheme: str = "ISO9001",
    scope: str = "*",
    valid_from: date = ALWAYS[0],
    valid_to: date = ALWAYS[1],
    machine_id: str | None = None,
    parameter_set: str | None = None,
    verified: bool = True,
) -> CertificateView:
    """Return a verified certificate of the whole site, for ever."""
    return CertificateView(
        certificate_id=f"crt_{node_id}_{scheme}_{valid_to}",
        node_id=node_id,
        scheme=scheme,
        scope_kind="site",
        scope=scope,
        valid_from=valid_from,
        valid_to=valid_to,
        machine_id=machine_id,
        parameter_set=parameter_set,
        verified_at=MONDAY_MORNING if verified else None,
    )


def a_first_article(*, machine_id: str = "N101-A", last_production_on: date = date(2026, 1, 10)) -> FirstArticleView:
    """Return the proof that a printer made the clip in January."""
    return FirstArticleView(
        first_article_id=f"fai_{machine_id}",
        revision_id="rev_1",
        node_id=machine_id.partition("-")[0],
        machine_id=machine_id,
        material="PLA",
        parameter_set="PS-1",
        approved_on=date(2025, 6, 1),
        last_production_on=last_production_on,
    )


def some_logistics(lanes: Mapping[str, Mapping[Zone, tuple[Service, ...]]]) -> LogisticsView:
    """Return express and economy within a country, express in the customs union and in Europe; 3 % duty there."""
    tariffs = (
        _tariff(Zone.DOMESTIC, Service.ECONOMY, base=640, kg=72, late=3, mode=Mode.ARTICULATED),
        _tariff(Zone.DOMESTIC, Service.EXPRESS, base=800, kg=90, late=1, mode=Mode.HGV),
        _tariff(Zone.CUSTOMS_UNION, Service.EXPRESS, base=1300, kg=190, late=2, mode=Mode.HGV),
        _tariff(Zone.CONTINENT, Service.EXPRESS, base=2400, kg=360, late=3, mode=Mode.HGV),
    )
    duty = Duty(
        territory="*",
        consignment="b2b",
        maximum_value_minor=None,
        fixed_minor=0,
        fraction=0.03,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )
    book = freight_book(tariffs=tariffs, duties=(duty,), g_per_tonne_km=G_PER_TONNE_KM)
    return LogisticsView(lanes=lanes, freight=book)


def a_snapshot(
    *lines: ClaimedLine,
    nodes: tuple[NodeView, ...] | None = None,
    offers: tuple[OfferView, ...] | None = None,
    lots: tuple[LotView, ...] | None = None,
    revisions: tuple[RevisionView, ...] | None = None,
    certificates: tuple[CertificateView, ...] = (),
    first_articles: tuple[FirstArticleView, ...] = (),
    lanes: Mapping[str, Mapping[Zone, tuple[Service, ...]]] | None = None,
    free_minutes: Mapping[str, tuple[int, ...]] | None = None,
    machine_status: Mapping[str, str] | None = None,
    spent_minor: Mapping[str, int] | None = None,
    licences: tuple[LicenceView, ...] = (),
    now: datetime = MONDAY_MORNING,
    horizon_days: int = 14,
) -> RoutingSnapshot:
    """Return a snapshot: printers that are half free on working days, a full store and all lanes at every node.

    Without ``nodes`` there is one, in the middle of Germany (52 N, 10 E), a degree south of the lines' usual place.
    """
    present = nodes or (a_node_view(latitude=52.0, longitude=10.0),)
    offered = offers if offers is not None else tuple(a_printer(node_id=node.node_id) for node in present)
    stored = lots if lots is not None else tuple(_full_store(node.node_id) for node in present)
    wanted = lines or (a_line(),)
    status = machine_status or {}
    machines = {
        offer.machine_id: MachineView(
            machine_id=offer.machine_id,
            node_id=offer.node_id,
            model=offer.model,
            utilisation=0.5,
            status=status.get(offer.machine_id, "up"),
        )
        for offer in offered
    }
    free = {machine_id: _half_free(now.date(), horizon_days) for machine_id in machines} | dict(free_minutes or {})
    every_lane = dict.fromkeys(Zone, (Service.ECONOMY, Service.EXPRESS))
    return RoutingSnapshot(
        now=now,
        horizon_days=horizon_days,
        lines=wanted,
        revisions={each.revision_id: each for each in revisions or (a_revision_view(),)},
        network=NetworkView(
            first_day=now.date(),
            last_day=now.date() + timedelta(days=horizon_days - 1),
            nodes={node.node_id: node for node in present},
            machines=machines,
            offers=offered,
            lots=stored,
            capacity=free,
        ),
        qualifications=_qualifications(certificates, first_articles),
        logistics=some_logistics(lanes if lanes is not None else {node.node_id: every_lane for node in present}),
        licences={"rev_1": licences} if licences else {},
        spent_minor=spent_minor or {},
    )


def a_line(
    *,
    line_id: str = "line_1",
    order_id: str | None = None,
    quantity: int = 2,
    objective: str = "cheapest",
    criticality: str = "routine",
    packaging: str = "plain",
    need_by: datetime | None = None,
    need_by_hard: bool = True,
    max_price_minor: int | None = None,
    country: str = "DE",
) -> ClaimedLine:
    """Return a line of two clips to a place at 53 N, 10 E."""
    line = a_claimed_line(
        line_id=line_id,
        order_id=order_id,
        quantity=quantity,
        objective=objective,
        criticality=criticality,
        packaging=packaging,
        need_by=need_by,
        need_by_hard=need_by_hard,
        max_price_minor=max_price_minor,
        country=country,
    )
    return replace(line, ship_to_latitude=53.0, ship_to_longitude=10.0)


def june(day: int, hour: int = 0) -> datetime:
    """Return an instant of June 2026, UTC."""
    return datetime(2026, 6, day, hour, tzinfo=UTC)


def _full_store(node_id: str) -> LotView:
    return a_lot_view(lot_id=f"lot_{node_id}", node_id=node_id, material="PLA")


def _half_free(first_day: date, days: int) -> tuple[int, ...]:
    return tuple(720 if (first_day + timedelta(days=day)).weekday() < 5 else 0 for day in range(days))


def _tariff(zone: Zone, service: Service, *, base: int, kg: int, late: int, mode: Mode) -> Tariff:
    return Tariff(
        carrier="reference",
        zone=zone,
        service=service,
        bands=any_weight(base_minor=base, per_kg_minor=kg),
        fuel_fraction=0.18,
        surcharge_minor=0,
        transit=transit_of(p50_days=1, p95_days=late),
        mode=mode,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )


def _qualifications(
    certificates: tuple[CertificateView, ...], first_articles: tuple[FirstArticleView, ...]
) -> Qualifications:
    by_node: dict[str, tuple[CertificateView, ...]] = {}
    for certificate in certificates:
        by_node[certificate.node_id] = (*by_node.get(certificate.node_id, ()), certificate)
    return Qualifications(
        certificates=by_node,
        first_articles={
            (article.revision_id, article.machine_id, article.material, article.parameter_set): article
            for article in first_articles
        },
    )
