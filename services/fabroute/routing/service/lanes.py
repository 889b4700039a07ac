"""Why nothing is sent from a node to a country: no lane, or a lane without a tariff of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fabroute.logistics.rules import Service, Zone
from fabroute.logistics.rules.lapses import lapse
from fabroute.logistics.service import LogisticsView
from fabroute.solver.eligibility import Exclusion
from fabroute.solver.eligibility.commerce import lane_exists, lane_lapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneAsked:
    """A way from a node into a zone, on a day, and the services that are there."""

    node_id: str
    zone: Zone
    country: str
    day: date
    services: Sequence[Service]


def no_lane(logistics: LogisticsView, asked: LaneAsked) -> Exclusion | None:
    """Return why no service takes anything there; ``None`` where one does."""
    reason = lane_exists(tuple(asked.services), zone=asked.zone.value, destination_country=asked.country)
    used = logistics.lanes.get(asked.node_id, {}).get(asked.zone, ())
    if reason is None or not used:
        return reason
    found = lapse(logistics.freight, logistics.ended, zone=asked.zone, used=used, day=asked.day)
    if found is None:
        return reason
    return lane_lapsed(
        reason,
        tariffs=", ".join((*found.carriers, *found.services)),
        services=", ".join(found.services),
        ended_on=found.ended_on,
        begins_on=found.begins_on,
    )
