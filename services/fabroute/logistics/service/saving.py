"""Saving a whole description of the world, as the reference files hold it."""

from dataclasses import asdict

from sqlmodel import Session

from fabroute.logistics import repository
from fabroute.logistics.models import Lane, Place
from fabroute.logistics.service.data import LogisticsData, NewLane
from fabroute.logistics.service.tables import (
    CARBON_FACTORS,
    CARRIER_TARIFFS,
    DUTY_RULES,
    EXCHANGE_RATES,
    GRID_INTENSITIES,
    DatedTable,
    Item,
)
from fabroute.logistics.snapshot import PlaceView, city_key


def save_logistics(session: Session, *, data: LogisticsData) -> int:
    """Save what ``data`` holds and return how many rows were new or different; the same twice returns 0.

    Whoever calls this and gets more than 0 tells it on (``network.changed``).
    """
    return (
        repository.save(session, Place, [_place_row(place) for place in data.places])
        + repository.save(session, Lane, [_lane_row(lane) for lane in data.lanes])
        + _save(session, CARRIER_TARIFFS, data.tariffs)
        + _save(session, DUTY_RULES, data.duty_rules)
        + _save(session, CARBON_FACTORS, data.carbon_factors)
        + _save(session, GRID_INTENSITIES, data.grid_intensities)
        + _save(session, EXCHANGE_RATES, data.exchange_rates)
    )


def _save(session: Session, table: DatedTable[Item], items: tuple[Item, ...]) -> int:
    return repository.save(session, table.model, [table.row_of(item) for item in items])


def _place_row(place: PlaceView) -> dict[str, object]:
    return {**asdict(place), "city_key": city_key(place.city)}


def _lane_row(lane: NewLane) -> dict[str, object]:
    return {"node_id": lane.node_id, "zone": lane.zone.value, "services": [service.value for service in lane.services]}
