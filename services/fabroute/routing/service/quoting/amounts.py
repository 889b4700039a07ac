"""What some quantities of a part take at every offer: money, minutes, material and the first days on which they can."""

from dataclasses import dataclass

import numpy as np

from fabroute.logistics.rules import Parcel, pack_parcel
from fabroute.network.rules import MINUTES_PER_DAY
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.quoting.network import Flags, NetworkTables
from fabroute.routing.service.quoting.parts import Figures, PartTable
from fabroute.routing.service.timing import NEVER

_HANDS = 2
_NOISE = 1e-9
_HALF_A_CENT = 0.5
_LIFT = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Amounts:
    """Arrays of rows (offers) by columns (quantities), the same to the cent and minute as scalar estimates."""

    quantities: tuple[int, ...]
    price_minor: Days
    before_top_up_minor: Days
    machine_minutes: Days
    build_minutes: Days
    shifts: Days
    """Days from the end of production to a dispatch, in each of five cases, ascending along the last axis."""
    grams: Days
    co2_g: Days
    parcels: tuple[Parcel, ...]
    parcel_of: Days
    """Which of ``parcels`` a row's quantity goes in."""
    earliest: Days
    """First bucket by which the machine can have made it, ``NEVER`` if not within the horizon."""
    earliest_empty: Days
    """The same for a machine that holds nothing."""
    last_bucket: Days
    """Of the production window in which proofs and lots must hold."""
    lots: Flags
    """By row, quantity and column of the store: the lots that will do."""
    refused: Flags
    """Under the node's minimum order, where it refuses those."""


def amounts(tables: NetworkTables, part: PartTable, quantities: tuple[int, ...]) -> Amounts:
    """Return what each of the quantities takes at each offer."""
    asked = np.array(quantities, dtype=np.float64)
    builds = _builds(part, asked)
    before = _price(part, builds, asked)
    missing = np.maximum(0, tables.minimum_order_minor[part.node_of][:, np.newaxis] - before)
    machine, build = _machine_minutes(part, builds, asked), _build_minutes(part, asked, "p50")
    grams = _up(_virgin(part, asked))
    free = _earliest(tables, part, tables.machines.free, machine, build)
    empty = _earliest(tables, part, tables.machines.empty, machine, build)
    last = _last_bucket(tables, part, free, empty)
    parcels, parcel_of = _parcels(part, quantities)
    return Amounts(
        quantities=quantities,
        price_minor=before + missing,
        before_top_up_minor=before,
        machine_minutes=machine,
        build_minutes=build,
        shifts=_shifts(tables, part, asked, build),
        grams=grams,
        co2_g=_co2(part, builds, asked),
        parcels=parcels,
        parcel_of=parcel_of,
        earliest=free,
        earliest_empty=empty,
        last_bucket=last,
        lots=_lots(tables, part, grams, last),
        refused=_refused(tables, part, before),
    )


def _builds(part: PartTable, asked: Figures) -> Figures:
    """As ``BuildPlan.builds``: a share of a shared build, otherwise whole ones."""
    shares = asked / part.figure("parts_per_build")
    found: Figures = np.where(part.figure("shared") == 1.0, shares, np.ceil(shares))
    return found


def _price(part: PartTable, builds: Figures, asked: Figures) -> Days:
    """As the rows of ``LineCost``, added up one after the other and rounded once."""
    fixed, per_build, per_part = part.costs()
    exact = np.zeros(builds.shape)
    for row in range(fixed.shape[1]):
        exact += (
            fixed[:, row, np.newaxis] + per_build[:, row, np.newaxis] * builds + per_part[:, row, np.newaxis] * asked
        )
    return _whole(np.floor(exact + _HALF_A_CENT + _LIFT))


def _machine_minutes(part: PartTable, builds: Figures, asked: Figures) -> Days:
    hours = builds * part.figure("hours_per_build") + asked * part.figure("hours_per_part")
    return np.maximum(1, _up(hours * part.figure("tries") * 60))


def _build_minutes(part: PartTable, asked: Figures, factor: str) -> Days:
    """Return how long the fullest build keeps the machine, by one of the factors of its spread."""
    copies = part.figure("parts_per_build")
    together = np.where(part.figure("shared") == 1.0, copies, np.minimum(asked, copies))
    hours = part.figure("build_hours") + together * part.figure("exposure_hours")
    return np.maximum(1 if factor == "p50" else 0, _up(hours * part.figure(factor) * 60))


def _shifts(tables: NetworkTables, part: PartTable, asked: Figures, build: Days) -> Days:
    """As ``Calendars`` has it: a day after production, more for what comes after it, one more past the cut-off."""
    by_hand = asked * part.figure("tries") * part.figure("hand_hours_per_part")
    off_machine = _up((part.figure("hours_beside_the_machine") + by_hand / _HANDS) * 60)
    late = [_build_minutes(part, asked, name) - build for name in ("q10", "q30", "q50", "q70", "q90")]
    ready = off_machine[:, :, np.newaxis] + np.maximum(0, np.stack(late, axis=-1))
    days, minute = np.divmod(ready, MINUTES_PER_DAY)
    after: Days = 1 + days + (minute > tables.cutoff_minute[part.node_of][:, np.newaxis, np.newaxis])
    return after


def _virgin(part: PartTable, asked: Figures) -> Figures:
    grams: Figures = part.figure("virgin_grams_per_part") * asked * part.figure("tries")
    return grams


def _co2(part: PartTable, builds: Figures, asked: Figures) -> Days:
    kwh = builds * part.figure("kwh_per_build") + asked * part.figure("hours_per_part") * part.figure("power_kw")
    energy_wh = kwh * 1000 * part.figure("tries")
    return _up(energy_wh / 1000 * part.figure("grid") + _virgin(part, asked) / 1000 * part.figure("embodied"))


def _parcels(part: PartTable, quantities: tuple[int, ...]) -> tuple[tuple[Parcel, ...], Days]:
    """Return the different parcels, and which one each row's quantity goes in: equal weights, equal parcels."""
    kinds, kind_of = np.unique(part.figure("net_grams"), return_inverse=True)
    net = _up(kinds[:, np.newaxis] * np.array(quantities, dtype=np.float64)).tolist()
    parcels = [
        pack_parcel(part_box_mm=part.key.geometry.box_mm, quantity=quantity, net_grams=grams)
        for of_kind in net
        for quantity, grams in zip(quantities, of_kind, strict=True)
    ]
    columns = np.arange(len(quantities))
    return tuple(parcels), kind_of.reshape(-1, 1) * len(quantities) + columns


def _earliest(tables: NetworkTables, part: PartTable, until: Days, minutes: Days, build: Days) -> Days:
    """As ``MachineTime.earliest``: when the minutes are there, and not before a build that begins now can be over."""
    totals = until[part.machine_of][:, np.newaxis, :]
    enough = (totals < minutes[:, :, np.newaxis]).sum(axis=-1)
    first, left = (of[part.node_of][:, np.newaxis] for of in (tables.first_bucket, tables.first_day_minutes))
    found = np.maximum(enough, first + np.maximum(0, -(-(build - left) // MINUTES_PER_DAY)))
    return np.where(found < tables.horizon_days, found, NEVER)


def _last_bucket(tables: NetworkTables, part: PartTable, free: Days, empty: Days) -> Days:
    last = np.where(free != NEVER, free, np.where(empty != NEVER, empty, tables.horizon_days - 1))
    return np.maximum(tables.first_bucket[part.node_of][:, np.newaxis], last)


def _lots(tables: NetworkTables, part: PartTable, grams: Days, last: Days) -> Flags:
    stores, of = tables.stores, part.store_of
    good = stores.usable[of][:, np.newaxis] & (stores.last_bucket[of][:, np.newaxis] >= last[:, :, np.newaxis])
    enough: Flags = good & (stores.grams[of][:, np.newaxis] >= grams[:, :, np.newaxis])
    return enough


def _refused(tables: NetworkTables, part: PartTable, before: Days) -> Flags:
    refuses, least = tables.refuses_small_orders[part.node_of], tables.minimum_order_minor[part.node_of]
    refused: Flags = refuses[:, np.newaxis] & (before < least[:, np.newaxis])
    return refused


def _up(values: Figures) -> Days:
    return _whole(np.ceil(values - _NOISE))


def _whole(values: Figures) -> Days:
    whole: Days = values.astype(np.int64)
    return whole
