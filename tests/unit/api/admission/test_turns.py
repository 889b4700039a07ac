import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

from fabroute.api.admission.resting import begin, resting
from fabroute.api.admission.turns import Bounds, Party, Turns

T = TypeVar("T")
FOREVER = 1e6


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def make_turns(*, at_once: int = 4, of_one: int = 2, waiting: int = 10, clock: Clock | None = None) -> Turns:
    return Turns(Bounds(at_once=at_once, of_one=of_one, waiting=waiting), clock=clock or Clock())


class Crowd:
    """Requests by their names, and the order in which they got their turns."""

    def __init__(self, turns: Turns, *, patience: float = FOREVER) -> None:
        self.turns = turns
        self.patience = patience
        self.order: list[str] = []
        self.refused: list[str] = []
        self.inside: dict[str, Party] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.waiting: dict[str, int] = {}

    async def come(self, *names: str) -> None:
        """Have requests ask for a turn, such as ``A1``: the letter is the party."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._enter(name))
            await settled()
        self._look()

    async def go(self, *names: str) -> None:
        """Have requests end."""
        for name in names:
            self.turns.leave(self.inside.pop(name))
            await settled()
        self._look()

    def _look(self) -> None:
        """Note who waits: at the end of a scene nobody does any more."""
        self.waiting = {party: self.turns.waiting(party) for party in "ABCD"}

    async def _enter(self, name: str) -> None:
        party = await self.turns.enter(name[0], patience_seconds=self.patience)
        if party is None:
            self.refused.append(name)
        else:
            self.order.append(name)
            self.inside[name] = party


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def run(scene: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(scene)


def test_whoever_has_all_that_one_may_have_waits_and_another_is_served_at_once() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=4, of_one=2))
        await crowd.come("A1", "A2", "A3", "B1")
        return crowd

    crowd = run(scene())
    assert crowd.order == ["A1", "A2", "B1"]
    assert (crowd.turns.serving, crowd.waiting["A"], crowd.waiting["B"]) == (3, 1, 0)


def test_a_place_that_gets_free_goes_to_who_has_the_fewest_however_long_the_others_line_is() -> None:
    async def scene() -> list[str]:
        crowd = Crowd(make_turns(at_once=2, of_one=2))
        await crowd.come("A1", "A2", "A3", "A4", "A5", "B1", "B2")
        await crowd.go("A1")
        await crowd.go("A2")
        await crowd.go("B1")
        return crowd.order

    assert run(scene()) == ["A1", "A2", "B1", "A3", "B2"]


def test_those_who_have_as_few_take_turns() -> None:
    async def scene() -> list[str]:
        crowd = Crowd(make_turns(at_once=1, of_one=1))
        await crowd.come("X1", "A1", "A2", "A3", "B1", "B2", "C1")
        for name in ("X1", "A1", "B1", "C1", "A2", "B2"):
            await crowd.go(name)
        return crowd.order

    assert run(scene()) == ["X1", "A1", "B1", "C1", "A2", "B2", "A3"]


def test_a_line_that_is_full_takes_nobody_and_another_still_does() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=1, of_one=1, waiting=2))
        await crowd.come("A1", "A2", "A3", "A4", "B1", "A5")
        return crowd

    crowd = run(scene())
    assert (crowd.order, crowd.refused) == (["A1"], ["A4", "A5"])
    assert (crowd.waiting["A"], crowd.waiting["B"]) == (2, 1)


def test_where_nobody_may_wait_one_too_many_is_refused_at_once_and_leaves_nothing_behind() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=1, of_one=1, waiting=0))
        await crowd.come("A1", "A2", "B1")
        await crowd.go("A1")
        return crowd

    crowd = run(scene())
    assert (crowd.order, crowd.refused) == (["A1"], ["A2", "B1"])
    assert crowd.turns._parties == {}


def test_what_would_wait_too_long_at_the_pace_of_its_line_is_refused_at_once() -> None:
    async def scene() -> Crowd:
        clock = Clock()
        crowd = Crowd(make_turns(at_once=1, of_one=1, waiting=99, clock=clock), patience=100.0)
        await crowd.come("A1", "A2", "A3", "A4")
        for name in ("A1", "A2"):
            clock.seconds += 30
            await crowd.go(name)
        await crowd.come("A5", "A6", "A7", "A8")  # the line moves every 30 seconds: A4, A5, A6 have 30, 60, 90 to wait
        return crowd

    crowd = run(scene())
    assert crowd.refused == ["A7", "A8"]
    assert crowd.waiting["A"] == 3


def test_the_pace_of_a_line_is_forgotten_with_the_line() -> None:
    async def scene() -> Crowd:
        clock = Clock()
        crowd = Crowd(make_turns(at_once=1, of_one=1, waiting=99, clock=clock), patience=100.0)
        await crowd.come("A1", "A2", "A3")
        for name in ("A1", "A2"):
            clock.seconds += 90
            await crowd.go(name)
        await crowd.come("A4", "A5", "A6")
        return crowd

    crowd = run(scene())
    assert (crowd.order, crowd.refused) == (["A1", "A2", "A3"], [])
    assert crowd.waiting["A"] == 3


def test_a_line_that_does_not_move_at_all_is_given_up_after_the_patience() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=1, of_one=1), patience=0.01)
        await crowd.come("A1", "A2", "B1")
        await asyncio.wait([crowd.tasks["A2"], crowd.tasks["B1"]])
        await crowd.go("A1")
        return crowd

    crowd = run(scene())
    assert (crowd.order, sorted(crowd.refused)) == (["A1"], ["A2", "B1"])
    assert (crowd.turns.serving, crowd.turns._parties, crowd.turns._lines) == (0, {}, {})


def test_who_was_refused_lately_has_a_quarter_of_the_room_while_others_come() -> None:
    async def scene() -> tuple[list[str], list[str]]:
        clock = Clock()
        crowd = Crowd(make_turns(at_once=12, of_one=8, waiting=1, clock=clock))
        await crowd.come("B1", *(f"A{number}" for number in range(10)))  # A8 waits, A9 is refused
        await crowd.go(*(f"A{number}" for number in range(6)))
        await crowd.come("B2")
        during = list(crowd.order)
        await crowd.go("A6")
        return during, crowd.order

    during, after = run(scene())
    assert during == ["B1", *(f"A{number}" for number in range(8)), "B2"]  # with A6 and A7 it has its two
    assert after == [*during, "A8"]


def test_room_comes_back_a_second_after_the_last_refusal_or_the_last_of_the_others() -> None:
    async def scene(*, seconds: float, others: bool) -> list[str]:
        clock = Clock()
        crowd = Crowd(make_turns(at_once=12, of_one=4, waiting=0, clock=clock))
        await crowd.come("B1", "A1", "A2", "A3", "A4", "A5")
        await crowd.go("A2", "A3", "A4")
        clock.seconds += seconds
        await crowd.come(*(["B2"] if others else []), "A6")
        return crowd.refused

    assert run(scene(seconds=0.5, others=True)) == ["A5", "A6"]
    assert run(scene(seconds=1.5, others=True)) == ["A5"]
    assert run(scene(seconds=1.5, others=False)) == ["A5"]


def test_a_flood_that_nobody_else_suffers_from_keeps_all_its_room() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=12, of_one=4, waiting=0))
        await crowd.come("A1", "A2", "A3", "A4", "A5")
        await crowd.go("A1", "A2")
        await crowd.come("A6", "A7", "A8")
        return crowd

    crowd = run(scene())
    assert (crowd.order, crowd.refused) == (["A1", "A2", "A3", "A4", "A6", "A7"], ["A5", "A8"])


def test_who_has_no_room_holds_up_nobody_who_has() -> None:
    async def scene() -> list[str]:
        crowd = Crowd(make_turns(at_once=6, of_one=4, waiting=1))
        await crowd.come("A1", "A2", "B1", "B2", "B3", "B4", "A3", "A4", "B5")  # A3, B5 wait; A4 is refused
        await crowd.go("B1")  # A has two, which is more than its one now, and B three
        return crowd.order

    assert run(scene()) == ["A1", "A2", "B1", "B2", "B3", "B4", "B5"]


def test_who_is_gone_while_it_waits_takes_nobodys_turn() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=1, of_one=1))
        await crowd.come("A1", "A2", "B1", "A3")
        crowd.tasks["A2"].cancel()
        crowd.tasks["B1"].cancel()
        await settled()
        await crowd.go("A1")
        return crowd

    crowd = run(scene())
    assert (crowd.order, crowd.turns.serving) == (["A1", "A3"], 1)
    assert set(crowd.turns._parties) == {"A"}


def test_a_turn_that_comes_in_the_instant_in_which_its_request_goes_is_passed_on() -> None:
    async def scene() -> Crowd:
        crowd = Crowd(make_turns(at_once=1, of_one=1))
        await crowd.come("A1", "A2", "B1")
        crowd.turns.leave(crowd.inside.pop("A1"))  # B1 has the turn now, but did not run yet
        crowd.tasks["B1"].cancel()
        crowd.tasks["A2"].cancel()
        await settled()
        await crowd.come("C1")
        return crowd

    crowd = run(scene())
    assert (crowd.order, crowd.turns.serving) == (["A1", "C1"], 1)
    assert crowd.turns._lines == {}


def test_a_request_that_rests_leaves_its_place_and_comes_back_into_it() -> None:
    async def scene() -> list[int]:
        turns = make_turns(at_once=1, of_one=1)
        crowd, serving = Crowd(turns), []
        party = await turns.enter("A", patience_seconds=FOREVER)
        assert party is not None
        turn = begin(turns, party)
        await crowd.come("A2")
        with resting():
            await settled()
            serving += [turns.serving, len(crowd.order)]
            with resting():
                serving.append(turns.serving)
        serving.append(turns.serving)
        await crowd.go("A2")
        turns.leave(turn.party)
        return [*serving, turns.serving, len(turns._parties)]

    assert run(scene()) == [1, 1, 1, 2, 0, 0]


def test_resting_without_a_turn_is_nothing() -> None:
    async def scene() -> bool:
        with resting():
            return True

    assert run(scene())


def test_at_every_moment_bounds_hold_nobody_waits_for_nothing_and_lines_keep_their_order() -> None:
    async def scene(seed: int) -> None:
        clock = Clock()
        source, crowd = random.Random(seed), Crowd(make_turns(at_once=5, of_one=3, waiting=4, clock=clock))
        for step in range(200):
            clock.seconds += 2  # nobody was refused lately
            if crowd.inside and source.random() < 0.5:
                await crowd.go(source.choice(sorted(crowd.inside)))
            else:
                await crowd.come(f"{source.choice('ABCD')}{step:03}")
            serving = {party: sum(name[0] == party for name in crowd.inside) for party in "ABCD"}
            waiting = crowd.waiting
            assert crowd.turns.serving == sum(serving.values()) <= 5
            assert max(serving.values()) <= 3
            assert max(waiting.values()) <= 4
            full = sum(serving.values()) == 5
            assert all(full or serving[party] == 3 for party, count in waiting.items() if count)
        for party in "ABCD":
            mine = [name for name in crowd.order if name[0] == party]
            assert mine == sorted(mine)
        for task in crowd.tasks.values():
            task.cancel()

    for seed in range(10):
        run(scene(seed))
