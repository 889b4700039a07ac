"""The days on which lines that move are made, beside what all others hold on the very days that they hold it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from fabroute.routing.service.machines import free_minutes
from fabroute.routing.service.options import Option
from fabroute.routing.service.problem import LineDays, MachineDays, take_minutes
from fabroute.routing.service.standing import freed, held_by
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot, Standing

_Moving = Mapping[str, tuple[Standing, Option]]


def days_of_moves(snapshot: RoutingSnapshot, moves: _Moving, calendars: Calendars) -> LineDays:
    """Return by line the days on which its new machine works for it, of the moves that there is room for.

    ``snapshot`` is of the network as it is: only what the moves themselves give back is added. Earliest deadline
    first; a move that finds no room stays where it is, and what others were to take of its place is looked for again.
    """
    wanted = dict(moves)
    while wanted:
        days, lost = _placed(snapshot, wanted, calendars)
        if not lost:
            return days
        for line_id in lost:
            del wanted[line_id]
    return {}


def _placed(snapshot: RoutingSnapshot, moves: _Moving, calendars: Calendars) -> tuple[LineDays, list[str]]:
    lost = _short_of_material(snapshot, moves)
    network = freed(snapshot.network, (standing for standing, _ in moves.values()))
    machines: defaultdict[str, list[str]] = defaultdict(list)
    for line_id, (_, option) in moves.items():
        machines[option.way.offer.machine_id].append(line_id)
    days: dict[str, tuple[MachineDays, ...]] = {}
    for machine_id, line_ids in machines.items():
        free = free_minutes(network, machine_id, calendars).tolist()
        for line_id in sorted(line_ids, key=lambda line_id: (moves[line_id][1].bucket, line_id)):
            option = moves[line_id][1]
            taken = take_minutes(free, option.way.machine_minutes, buckets=range(option.bucket + 1))
            if taken is None:
                lost.append(line_id)
            else:
                by_day = tuple((calendars.day(bucket), minutes) for bucket, minutes in taken.items())
                days[line_id] = (MachineDays(machine_id=machine_id, minutes_by_day=by_day),)
    return days, lost


def _short_of_material(snapshot: RoutingSnapshot, moves: _Moving) -> list[str]:
    """Return the lines for which their new lot has too little, those that gain their place last first."""
    freed_grams, _ = held_by(standing for standing, _ in moves.values())
    left = Counter({lot.lot_id: lot.remaining_grams + freed_grams[lot.lot_id] for lot in snapshot.network.lots})
    lost = []
    for line_id, (_, option) in _by_cost(moves):
        if left[option.way.lot.lot_id] < option.way.grams:
            lost.append(line_id)
        else:
            left[option.way.lot.lot_id] -= option.way.grams
    return lost


def _by_cost(moves: _Moving) -> Iterable[tuple[str, tuple[Standing, Option]]]:
    return sorted(moves.items(), key=lambda item: (item[1][1].cost_millis, item[0]))
