"""Scenario S2 in the database: a node with the cap printer, owners of caps, and orders in the course of time."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.network.service import (
    NetworkData,
    NewMachineModel,
    NewMaterial,
    NewNode,
    NewRate,
    extend_capacity,
    save_network,
    state_rate,
)
from fabroute.orders.service import NewOrder
from fabroute.production.service import Dispatched, dispatch_planned, offer_jobs
from fabroute.production.service.moving import PlannedJobs
from fabroute.routing.service.consolidation_moves import plan_builds
from fabroute.routing.service.improving import ImproveLimits, ImproveReport, improve_promised
from fabroute.routing.service.policies import PolicyView, set_policy
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.factories.databases import in_transaction, rows
from tests.factories.inventory import a_part, a_revision, save_a_released_part
from tests.factories.network import a_lot, a_machine, a_node, an_offer
from tests.factories.orders import Owner, given_orders, make_order
from tests.factories.organisations import NOW, save_organisations
from tests.factories.routable import given_lanes
from tests.factories.spares import ASA, CAP_CM3, CAP_MM, CAP_PRINTER

FIRST_DAY = date(2026, 6, 15)
RUN_LIMITS = RoutingLimits(deterministic_seconds=1.0, wall_seconds=10.0, attempt_cap=100)
IMPROVE_LIMITS = ImproveLimits(deterministic_seconds=1.0, wall_seconds=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The database of S2, and what happens to it in time."""

    engine: Engine

    def owner(
        self, number: int = 1, *, window_hours: int = 36, sector: str = "furniture", share_builds: bool = True
    ) -> Owner:
        """Return a new owner of a leg cap whose jobs may wait so long for others."""
        owner = _given_owner_of_caps(self.engine, number, sector=sector)
        policy = PolicyView(
            organisation_id=owner.organisation_id,
            consolidation_window_hours=window_hours,
            share_builds=share_builds,
        )
        with unit_of_work(self.engine) as session:
            set_policy(session, policy=policy, actor=owner.key_id, now=NOW)
        return owner

    def ordered(self, owner: Owner, *, at: datetime, quantity: int = 4, objective: str = "cheapest") -> NewOrder:
        """Place an order that is due in seven days and have it routed."""
        (order,) = self.ordered_together(owner, at=at, quantity=quantity, objective=objective)
        return order

    def ordered_together(
        self, *owners: Owner, at: datetime, quantity: int = 4, objective: str = "cheapest"
    ) -> tuple[NewOrder, ...]:
        """Place an order of each owner, due in seven days, and have all of them routed by one run."""
        orders = tuple(
            replace(
                make_order(owner, quantities=(quantity,), placed_at=at),
                objective=objective,
                criticality="consumer",
                need_by=at + timedelta(days=7),
            )
            for owner in owners
        )
        given_orders(self.engine, *orders)
        assert route_pending(self.engine, scope="global", now=at, dispatch=offer_jobs, limits=RUN_LIMITS) is not None
        return orders

    def improved(self, *, at: datetime, scope: str = "global") -> ImproveReport | None:
        """Have planned jobs put into shared builds."""
        return improve_promised(
            self.engine,
            scope=scope,
            now=at,
            jobs=PlannedJobs(),
            dispatch=offer_jobs,
            limits=IMPROVE_LIMITS,
            plan=plan_builds,
        )

    def dispatched(self, *, at: datetime) -> Dispatched:
        """Have planned jobs offered whose wait is over."""
        with unit_of_work(self.engine) as session:
            return dispatch_planned(session, now=at)

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.engine, lambda session: rows(session, sql, **values))


def given_shop(engine: Engine, *, node: NewNode | None = None) -> Shop:
    """Save the node with its printer, which is free day and night, with lanes to everywhere."""
    place = node or a_spares_bureau()
    with unit_of_work(engine) as session:
        save_organisations(session)
        save_network(session, data=_network(place))
        extend_capacity(session, today=FIRST_DAY, horizon_days=60)
        rate = NewRate(
            node_id=place.node_id,
            code="material_kg",
            amount_minor=0,
            valid_from=FIRST_DAY,
            source="test",
            subject=ASA.code,
        )
        state_rate(session, rate=rate, actor="test", now=NOW)
    given_lanes(engine, place.node_id)
    shop = Shop(engine=engine)
    shop.table("UPDATE capacity_slots SET initial_minutes = 1440, remaining_minutes = 1440 RETURNING 1")
    return shop


def a_spares_bureau(*, minimum_order_minor: int = 0) -> NewNode:
    """Return a bureau without margin and pay for work by hand, that gets every part right."""
    node = a_node(minimum_order_minor=minimum_order_minor)
    return replace(node, labour_minor_per_hour=0, margin=0.0, first_pass_yield=1.0)


def _network(node: NewNode) -> NetworkData:
    model, material = CAP_PRINTER, ASA
    return NetworkData(
        nodes=(node,),
        models=(
            NewMachineModel(
                model=model.model,
                process=model.process,
                x_mm=model.x_mm,
                y_mm=model.y_mm,
                z_mm=model.z_mm,
                layer_um=model.layer_um,
                layer_fixed_s=model.layer_fixed_s,
                rate_cm3_per_hour=model.rate_cm3_per_hour,
                warmup_hours=model.warmup_hours,
                cooldown_hours=model.cooldown_hours,
                setup_hours=model.setup_hours,
                unload_hours=model.unload_hours,
                rate_minor_per_hour=model.rate_minor_per_hour,
                power_kw=model.power_kw,
                source=model.source,
            ),
        ),
        materials=(
            NewMaterial(
                code=material.code,
                process=material.process,
                density_g_per_cm3=material.density_g_per_cm3,
                bulk_density_g_per_cm3=None,
                price_minor_per_kg=material.price_minor_per_kg,
                refresh_ratio=None,
                support_fraction=0,
                source=material.source,
            ),
        ),
        machines=(a_machine(model=model.model, node_id=node.node_id),),
        offers=(an_offer(process=model.process, material=material.code),),
        lots=(a_lot(lot_id="lot_1", node_id=node.node_id, material=material.code),),
    )


def given_caps(session: Session, *, organisation_id: str, part_no: str, sector: str = "furniture") -> tuple[str, str]:
    """Save a leg cap that is released for printing in ASA; return the ids of part and revision."""
    part = replace(a_part(part_no=part_no, organisation_id=organisation_id), sector=sector)
    part_id = part.part_id or ""
    revision = a_revision(
        part_id=part_id,
        box_mm=CAP_MM,
        volume_cm3=CAP_CM3,
        process_materials=("MEX:ASA",),
        required_certificates=(),
    )
    return part_id, save_a_released_part(session, part=part, revision=revision)


def _given_owner_of_caps(engine: Engine, number: int, *, sector: str) -> Owner:
    part_no = f"FU-{number:04}"
    with unit_of_work(engine) as session:
        organisation_id = create_organisation(session, name=f"Consumer {number}", kind="owner", now=NOW)
        key = issue_api_key(session, organisation_id=organisation_id, name="test", scopes=ALL_SCOPES, now=NOW)
        part_id, revision_id = given_caps(session, organisation_id=organisation_id, part_no=part_no, sector=sector)
    return Owner(
        organisation_id=organisation_id,
        token=key.token,
        key_id=key.key_id,
        part_id=part_id,
        revision_id=revision_id,
        part_no=part_no,
    )
