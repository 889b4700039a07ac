"""Services that a node uses and no carrier offers on a day: when their last tariff ended, or the next one begins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from fabroute.logistics.rules.places import Zone
from fabroute.logistics.rules.quote import FreightBook
from fabroute.logistics.rules.tariffs import Service


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TariffEnd:
    """The last day of a carrier's tariffs that are over."""

    ended_on: date
    carrier: str
    service: Service


Ended = Mapping[Zone, tuple[TariffEnd, ...]]
"""By zone: what is over, and so is no longer in the book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """The tariffs nearest to a day on which none holds: they ended before it, or else begin after it."""

    services: tuple[Service, ...]
    carriers: tuple[str, ...]
    ended_on: date | None = None
    begins_on: date | None = None


def lapse(book: FreightBook, ended: Ended, *, zone: Zone, used: Iterable[Service], day: date) -> Lapse | None:
    """Return the last tariffs of the ``used`` services before a day, else the first ones after it; ``None`` if none."""
    wanted = set(used)
    known = [tariff for service in wanted for tariff in book.tariffs.get((zone, service), ())]
    over = [it for it in ended.get(zone, ()) if it.service in wanted]
    over += [
        TariffEnd(ended_on=tariff.valid_to, carrier=tariff.carrier, service=tariff.service)
        for tariff in known
        if tariff.valid_to < day
    ]
    if over:
        last = max(it.ended_on for it in over)
        return _lapse(((it.carrier, it.service) for it in over if it.ended_on == last), ended_on=last)
    later = [tariff for tariff in known if tariff.valid_from > day]
    if not later:
        return None
    first = min(tariff.valid_from for tariff in later)
    return _lapse(((it.carrier, it.service) for it in later if it.valid_from == first), begins_on=first)


def _lapse(
    found: Iterable[tuple[str, Service]], *, ended_on: date | None = None, begins_on: date | None = None
) -> Lapse:
    pairs = set(found)
    return Lapse(
        services=tuple(service for service in Service if any(service is named for _, named in pairs)),
        carriers=tuple(sorted({carrier for carrier, _ in pairs})),
        ended_on=ended_on,
        begins_on=begins_on,
    )
