"""Sandboxes for tests: with made-up print files, opened in a moment, and played as fast as they can."""

from datetime import date

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import PrintFileRecord
from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight, transit_of
from fabroute.logistics.service import LogisticsData, NewCarbonFactor, NewTariff
from fabroute.orders.service import scopes_with_due_lines
from fabroute.sandbox.service import NewSandbox, Played, Sandbox, SandboxPart, open_sandbox, play
from fabroute.settings import Settings
from fabroute_workers.work import drain
from tests.factories.api import BERLIN, HAMBURG
from tests.factories.databases import in_transaction, rows
from tests.fakes.signer import FakeSigner

_SETTINGS = Settings(routing_deterministic_seconds=1.0)


def a_sandbox_part(*, part_no: str = "SBX-CLIP") -> SandboxPart:
    """Return a clip with a print file that nobody has."""
    file = PrintFileRecord(
        sha256="ab" * 32,
        size_bytes=1_000,
        media_type="model/3mf",
        box_x_mm=74,
        box_y_mm=28,
        box_z_mm=22,
        volume_cm3=6.2,
        triangles=12,
    )
    return SandboxPart(
        part_no=part_no,
        name="Clip",
        sector="rail",
        hs_code="8607.19",
        box_mm=(74, 28, 22),
        volume_cm3=6.2,
        file=file,
    )


def given_sandbox(engine: Engine, *, name: str = "Try", parts: tuple[str, ...] = ("SBX-CLIP",)) -> Sandbox:
    """Open a sandbox."""
    new = NewSandbox(name=name, parts=tuple(a_sandbox_part(part_no=it) for it in parts), logistics=_logistics())
    with unit_of_work(engine) as session:
        return open_sandbox(session, new=new, signer=FakeSigner(), now=utc_now())


def told_of(engine: Engine, order_id: str) -> list[str]:
    """Return the names of the events about an order and its jobs and shipments, as they were told."""
    query = (
        "SELECT name FROM outbox_events WHERE subject_id = :it OR data ->> 'order_id' = :it OR subject_id IN"
        " (SELECT id FROM jobs WHERE order_id = :it UNION SELECT id FROM shipments WHERE order_id = :it) ORDER BY id"
    )
    return [str(name) for (name,) in in_transaction(engine, lambda session: rows(session, query, it=order_id))]


def played(engine: Engine, *, rounds: int = 30) -> list[Played]:
    """Route what is due and let the nodes play, round after round, until nobody has anything to do."""
    done: list[Played] = []
    for _ in range(rounds):
        now, routed = a_round(engine)
        done += now
        if not now and not routed:
            return done
    raise AssertionError(f"still at it after {rounds} rounds: {done[-5:]}")


def a_round(engine: Engine) -> tuple[tuple[Played, ...], int]:
    """Route what is due and let the nodes do one step of each job; return the steps, and how many lines were routed."""
    with unit_of_work(engine) as session:
        scopes = scopes_with_due_lines(session)
    routed = sum(drain(engine, _SETTINGS, scope=scope) for scope in scopes)
    return play(engine, pace_seconds=0.0, now=utc_now()), routed


def _logistics() -> LogisticsData:
    zones = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)
    return LogisticsData(
        places=(BERLIN, HAMBURG),
        tariffs=tuple(NewTariff(tariff=_tariff(zone), source="test") for zone in zones),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="test") for mode in Mode),
    )


def _tariff(zone: Zone) -> Tariff:
    return Tariff(
        carrier="reference",
        zone=zone,
        service=Service.EXPRESS,
        bands=any_weight(base_minor=800, per_kg_minor=90),
        fuel_fraction=0.18,
        surcharge_minor=0,
        transit=transit_of(p50_days=1, p95_days=1),
        mode=Mode.HGV,
        valid_from=date(2010, 1, 1),
        valid_to=date(2099, 12, 31),
    )
