"""Which promised lines move: only where the promise is kept, the gain is real, and there is room on the very days."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from fabroute.network.service import Held
from fabroute.orders.service import ClaimedLine
from fabroute.routing.ports import StandingJob
from fabroute.routing.rules.policies import PolicyView
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import promised_at
from fabroute.routing.service.improving import moved_from, moved_sentence
from fabroute.routing.service.improving_days import days_of_moves
from fabroute.routing.service.improving_moves import Moves, groups_of, plan_moves
from fabroute.routing.service.standing import freed, given_back
from fabroute.routing.snapshot import RoutingSnapshot, Standing
from fabroute.solver.limits import SolveLimits
from tests.factories.routing import a_node_view
from tests.factories.snapshots import a_licence, a_line, a_revision_view, a_snapshot, june

LIMITS = SolveLimits(seed=7, deterministic_seconds=2.0, wall_seconds=20.0)
CHEAP = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0, margin=0.1)
DEAR = a_node_view(node_id="N2", city="Göttingen", latitude=51.5, longitude=10.0, margin=0.4)
FREE = (720,) * 14
FULL = (0,) * 14
MADE_APART = replace(a_revision_view(), sector="medical")
"""Shares no build with parts of other owners."""


def promised(
    *lines: ClaimedLine, free: Mapping[str, tuple[int, ...]] | None = None, state: str = "offered"
) -> list[Standing]:
    """Return lines as they stand after a run on a network whose cheap node is full, unless told what is free."""
    snapshot = network(*lines, free=free or {"N1-A": FULL, "N2-A": FREE})
    decided = decide(snapshot, LIMITS)
    return [_standing(decided, line, state) for line in lines]


def network(*lines: ClaimedLine, free: Mapping[str, tuple[int, ...]] | None = None) -> RoutingSnapshot:
    return a_snapshot(
        *lines, nodes=(CHEAP, DEAR), free_minutes=free or {"N1-A": FREE, "N2-A": FREE}, revisions=(MADE_APART,)
    )


def taken(snapshot: RoutingSnapshot, standing: list[Standing]) -> RoutingSnapshot:
    """Return the network as it is while these lines hold what they hold."""
    capacity = {machine: list(days) for machine, days in snapshot.network.capacity.items()}
    for (machine, day), minutes in ((key, value) for each in standing for key, value in each.held.minutes.items()):
        capacity[machine][(day - snapshot.network.first_day).days] -= minutes
    grams = {lot.lot_id: 0 for lot in snapshot.network.lots}
    for lot, amount in ((key, value) for each in standing for key, value in each.held.grams.items()):
        grams[lot] += amount
    return replace(
        snapshot,
        network=replace(
            snapshot.network,
            capacity={machine: tuple(days) for machine, days in capacity.items()},
            lots=tuple(
                replace(lot, remaining_grams=lot.remaining_grams - grams[lot.lot_id]) for lot in snapshot.network.lots
            ),
        ),
    )


def _standing(decided: Decided, line: ClaimedLine, state: str) -> Standing:
    (verdict,) = (it for it in decided.verdicts if it.choices.line.line_id == line.line_id)
    option, (machine,) = verdict.chosen, decided.days[line.line_id]
    assert option is not None
    way, arrives = option.way, promised_at(option, decided.calendars)
    return Standing(
        line=line,
        fence=1,
        job=StandingJob(
            job_id=f"job_{line.line_id}",
            order_line_id=line.line_id,
            version=1,
            state=state,
            node_id=way.node.node_id,
            machine_id=way.offer.machine_id,
            material=way.offer.material.code,
            parameter_set=way.offer.parameter_set,
            lot_id=way.lot.lot_id,
            quantity=line.quantity,
            shipping_service=way.service,
            produce_by=decided.calendars.day(option.bucket),
            dispatch_at=None,
        ),
        held=Held(
            grams={way.lot.lot_id: way.grams},
            minutes={(machine.machine_id, day): minutes for day, minutes in machine.minutes_by_day},
        ),
        licence_id=None,
        prints=0,
        decision_id=f"dec_{line.line_id}",
        city=way.node.city,
        landed_minor=option.price.landed_minor,
        promised_at=arrives,
        co2e_g=option.price.co2e_g,
        latest_at=arrives,
        most_minor=option.price.landed_minor,
    )


def moved(moves: Moves) -> dict[str, str]:
    """Return where each line goes that moves."""
    return {move.line_id: move.option.way.node.city for group in moves.groups for move in group}


def test_a_line_moves_to_the_cheaper_node_once_it_has_room() -> None:
    standing = promised(a_line())
    moves = plan_moves(taken(network(), standing), standing, LIMITS)
    (move,) = (move for group in moves.groups for move in group)
    assert (standing[0].city, moved(moves)) == ("Göttingen", {"line_1": "Hannover"})
    assert move.option.price.landed_minor < standing[0].landed_minor
    assert move.gain_millis == move.stay.cost_millis - move.option.cost_millis - 200_000
    assert moves.looked_at == 1


def test_nothing_moves_where_every_line_is_at_its_best() -> None:
    standing = promised(a_line(), free={"N1-A": FREE, "N2-A": FREE})
    moves = plan_moves(taken(network(), standing), standing, LIMITS)
    assert (standing[0].city, moves.groups, moves.looked_at) == ("Hannover", (), 1)


def test_no_line_moves_to_a_place_that_is_later_or_dearer_than_promised() -> None:
    (stands,) = promised(a_line())
    tight = replace(stands, most_minor=1)
    assert plan_moves(taken(network(), [tight]), [tight], LIMITS).groups == ()
    late = {"N1-A": (0,) * 9 + (720,) * 5, "N2-A": FREE}
    assert plan_moves(taken(network(free=late), [stands]), [stands], LIMITS).groups == ()
    patient = replace(stands, latest_at=stands.latest_at + timedelta(days=20))
    assert moved(plan_moves(taken(network(free=late), [patient]), [patient], LIMITS)) == {"line_1": "Hannover"}


def test_the_stability_price_is_that_of_the_owner_and_only_for_jobs_that_nodes_know() -> None:
    (offered,) = promised(a_line())
    (planned,) = promised(a_line(), state="planned")
    dear = {offered.line.organisation_id: PolicyView(stability_minor=100_000)}
    snapshot = replace(taken(network(), [offered]), policies=dear)
    assert plan_moves(snapshot, [offered], LIMITS).groups == ()
    moves = plan_moves(snapshot, [planned], LIMITS)
    assert moved(moves) == {"line_1": "Hannover"}
    assert [move.stability_millis for group in moves.groups for move in group] == [0]


def test_a_line_whose_place_is_gone_stays_and_what_it_holds_stays_its_own() -> None:
    standing = promised(a_line(line_id="line_1"), a_line(line_id="line_2"))
    gone = replace(standing[0], job=replace(standing[0].job, lot_id="lot_gone"))
    moves = plan_moves(taken(network(), standing), [gone, standing[1]], LIMITS)
    assert moved(moves) == {"line_2": "Hannover"}
    assert moves.looked_at == 1


def test_nothing_at_all_moves_where_no_line_can_be_rebuilt() -> None:
    (stands,) = promised(a_line())
    gone = replace(stands, job=replace(stands.job, machine_id="M9"))
    moves = plan_moves(taken(network(), [stands]), [gone], LIMITS)
    assert (moves.groups, moves.looked_at, moves.plan.chosen) == ((), 0, ())


def test_a_line_makes_room_for_one_that_gains_more_and_both_move_or_none() -> None:
    on_day_three = {"N1-A": (0, 0, 0, 900, *FULL[4:]), "N2-A": FULL}
    (small,) = promised(a_line(line_id="line_1", quantity=1), free=on_day_three)
    (large,) = promised(a_line(line_id="line_2", quantity=4))
    patient = [replace(each, most_minor=10**6, latest_at=june(28)) for each in (small, large)]
    room = sum(large.held.minutes.values())
    snapshot = taken(network(free={"N1-A": (0, 0, 0, room, *FULL[4:]), "N2-A": FREE}), [small, large])
    snapshot = replace(snapshot, policies={small.line.organisation_id: PolicyView(stability_minor=0)})
    moves = plan_moves(snapshot, patient, LIMITS)
    assert (small.city, large.city) == ("Hannover", "Göttingen")
    assert moved(moves) == {"line_1": "Göttingen", "line_2": "Hannover"}
    (group,) = moves.groups
    assert group[0].gain_millis < 0 < sum(move.gain_millis for move in group)


def test_moves_that_share_nothing_are_groups_of_their_own() -> None:
    standing = promised(a_line())
    (group,) = plan_moves(taken(network(), standing), standing, LIMITS).groups
    (move,) = group
    elsewhere = replace(
        move,
        standing=replace(
            move.standing,
            line=a_line(line_id="line_9"),
            job=replace(move.standing.job, machine_id="N8-A", lot_id="lot_8"),
        ),
        option=replace(
            move.option,
            way=replace(
                move.option.way,
                offer=replace(move.option.way.offer, machine_id="N9-A"),
                lot=replace(move.option.way.lot, lot_id="lot_9"),
            ),
        ),
    )
    assert [[it.line_id for it in each] for each in groups_of([elsewhere, move])] == [["line_1"], ["line_9"]]
    joined = replace(elsewhere, option=move.option)
    assert [[it.line_id for it in each] for each in groups_of([joined, move])] == [["line_1", "line_9"]]


def test_the_same_snapshot_and_lines_give_the_same_moves() -> None:
    standing = promised(a_line(line_id="line_1"), a_line(line_id="line_2", quantity=3))
    snapshot = taken(network(), standing)
    first, second = (plan_moves(snapshot, standing, LIMITS) for _ in range(2))
    assert moved(first) == moved(second)
    assert first.plan.cost == second.plan.cost
    assert first.snapshot.sha256() == second.snapshot.sha256()


def test_what_standing_lines_hold_is_free_again_and_nothing_else_changes() -> None:
    standing = promised(a_line())
    whole, held = network(), taken(network(), standing)
    assert freed(held.network, standing) == whole.network
    back = given_back(held, standing)
    assert back.network == whole.network
    assert back.standing == {"line_1": standing[0]}
    assert back.sha256() != whole.sha256()


def test_licensed_prints_are_given_back_to_their_licence() -> None:
    licence = replace(a_licence(), leased_prints=3)
    (stands,) = promised(a_line())
    lent = replace(stands, licence_id=licence.licence_id, prints=2)
    snapshot = replace(network(), licences={"rev_1": (licence,)})
    assert [it.leased_prints for it in given_back(snapshot, [lent]).licences["rev_1"]] == [1]
    assert [it.leased_prints for it in given_back(snapshot, [stands]).licences["rev_1"]] == [3]


def test_a_move_is_made_on_days_that_others_do_not_hold() -> None:
    standing = promised(a_line())
    (stands,) = standing
    snapshot = taken(network(free={"N1-A": (100, 0, 700, *FREE[3:]), "N2-A": FREE}), standing)
    finder = CandidateFinder(given_back(snapshot, standing))
    option = next(it for it in finder.choices()[0].options if it.way.node is CHEAP and it.bucket >= 3)
    ((machine,),) = days_of_moves(snapshot, {"line_1": (stands, option)}, finder.calendars).values()
    assert machine.machine_id == "N1-A"
    assert sum(minutes for _, minutes in machine.minutes_by_day) == option.way.machine_minutes
    assert june(16).date() not in {day for day, _ in machine.minutes_by_day}


def test_a_move_for_which_lot_or_machine_has_no_room_is_given_up() -> None:
    standing = promised(a_line())
    snapshot = taken(network(), standing)
    finder = CandidateFinder(given_back(snapshot, standing))
    option = next(it for it in finder.choices()[0].options if it.way.node is CHEAP)
    moving = {"line_1": (standing[0], option)}
    assert set(days_of_moves(snapshot, moving, finder.calendars)) == {"line_1"}
    empty = replace(snapshot.network, lots=tuple(replace(lot, remaining_grams=1) for lot in snapshot.network.lots))
    assert days_of_moves(replace(snapshot, network=empty), moving, finder.calendars) == {}
    full = replace(snapshot.network, capacity={**snapshot.network.capacity, "N1-A": FULL})
    assert days_of_moves(replace(snapshot, network=full), moving, finder.calendars) == {}


def test_the_document_and_the_sentence_say_what_the_move_saves() -> None:
    standing = promised(a_line())
    moves = plan_moves(taken(network(), standing), standing, LIMITS)
    ((move,),) = moves.groups
    saves = standing[0].landed_minor - move.option.price.landed_minor
    document = moved_from(move, moves.calendars)["moved_from"]
    assert isinstance(document, dict)
    assert document["saves"]["landed_minor"] == saves
    assert (document["decision_id"], document["node_id"], document["city"]) == ("dec_line_1", "N2", "Göttingen")
    sentence = moved_sentence(move, moves.calendars)
    assert sentence.startswith(f"Hannover: {move.option.price.landed_minor / 100:.2f} EUR, arrives ")
    assert f"moved from Göttingen: {saves / 100:.2f} EUR less" in sentence
    assert len(sentence.encode()) <= 200


def test_a_move_at_its_own_node_says_whether_the_machine_the_day_or_something_else_is_new() -> None:
    standing = promised(a_line())
    moves = plan_moves(taken(network(), standing), standing, LIMITS)
    ((move,),) = moves.groups

    def said(*, node_id: str = "N1", machine_id: str = "N1-A") -> str:
        job = replace(move.standing.job, node_id=node_id, machine_id=machine_id)
        stood = replace(move.standing, city="Hannover", job=job)
        later = replace(stood, promised_at=moves.calendars.instant(move.option.minutes) + timedelta(hours=72))
        return moved_sentence(replace(move, standing=later), moves.calendars).split("; ")[1]

    assert said(node_id="N9").startswith("moved from Hannover (N9): ")
    assert said(machine_id="N1-B").startswith("moved to machine N1-A: ")
    assert said().startswith("re-timed at Hannover: ")
    assert said().endswith(" 72 h sooner, within what was promised")
    same = replace(move.standing, city="Hannover", promised_at=moves.calendars.instant(move.option.minutes))
    same = replace(same, job=replace(same.job, node_id="N1", machine_id="N1-A", lot_id="lot_other"))
    assert "; planned anew at Hannover: " in moved_sentence(replace(move, standing=same), moves.calendars)


def test_scarce_time_is_not_free_to_a_line_that_moves() -> None:
    standing = promised(a_line())
    snapshot = taken(network(), standing)
    dear = {"first_day": "2026-06-15", "minute_millis": {"N1-A": [100_000.0] * 14}, "gram_millis": {}}
    assert moved(plan_moves(snapshot, standing, LIMITS)) == {"line_1": "Hannover"}
    assert plan_moves(replace(snapshot, prices=(dear,)), standing, LIMITS).groups == ()
