"""What the benches of a whole installation say is what they have seen."""

from collections import Counter
from collections.abc import Mapping

import pytest

from tests.benchmarks.bench_e2e import bottleneck, stages_of
from tests.benchmarks.flow_run import Flow, Flowed, Look
from tests.benchmarks.open_loop import Offered
from tests.benchmarks.order_flow import Backlog, Way, seconds_of
from tests.benchmarks.running_processes import Taken
from tests.benchmarks.simulated_bureaus import Taken as Bureaus
from tests.benchmarks.soak import Grown, growth
from tests.benchmarks.whole_installation import Size

SIZE = Size(apis=1, routers=2)


def a_look(at: float, *, cpu: Mapping[str, float], own_mib: float = 100.0, **waiting: int) -> Look:
    backlog = {"placed": 0, "undecided": 0, "planned": 0, "unclaimed": 0, "unpublished": 0, "unsequenced": 0} | waiting
    taken = {
        name: Taken(processes=1, cpu_seconds=seconds, resident_mib=200, own_mib=own_mib)
        for name, seconds in cpu.items()
    }
    return Look(at=at, backlog=Backlog(**backlog), queued=0, taken=taken)


def a_flow(*looks: Look, refused: int = 0) -> Flowed:
    return Flowed(
        flow=Flow(rate=100, seconds=10),
        offered=[Offered(statuses=Counter({201: 1000 - refused, 429: refused}))],
        bureaus=Bureaus(),
        looks=looks,
        ways=[],
    )


def busy(routing: float, api: float = 1.0) -> Mapping[str, float]:
    return {"API": api, "routing": routing, "relay": 0.5}


def test_a_stage_that_takes_all_it_can_is_the_bottleneck() -> None:
    flowed = a_flow(a_look(0, cpu=busy(0, 0)), a_look(10, cpu=busy(19, 3), undecided=700, unclaimed=20))

    words = bottleneck(flowed, SIZE)

    assert words.startswith(
        "first bottleneck: routing: 700 lines undecided when the last order came; its 2 process(es)"
    )
    assert "took 1.90 cores: that is all they can" in words
    assert stages_of(flowed, SIZE)["routing"].busy == pytest.approx(0.95)


def test_a_stage_that_waits_for_others_is_told_so() -> None:
    flowed = a_flow(a_look(0, cpu=busy(0, 0)), a_look(10, cpu=busy(5, 3), undecided=700))

    assert "took 0.50 cores: they waited for others most of the time" in bottleneck(flowed, SIZE)


def test_where_less_than_a_second_waits_there_is_no_bottleneck() -> None:
    flowed = a_flow(a_look(0, cpu=busy(0, 0)), a_look(10, cpu=busy(5, 3), undecided=99), a_look(20, cpu=busy(9, 9)))

    assert bottleneck(flowed, SIZE).startswith("first bottleneck: none at this rate")


def test_what_was_refused_at_the_door_counts_as_waiting_there() -> None:
    flowed = a_flow(a_look(0, cpu=busy(0, 0)), a_look(10, cpu=busy(5, 9), undecided=300), refused=400)

    assert bottleneck(flowed, SIZE).startswith(
        "first bottleneck: intake: the API refused 400 orders; its 1 process(es)"
    )


def test_a_step_is_counted_of_the_orders_that_made_it() -> None:
    ways = [
        Way(placed=10.0, decided=10.5, offered=10.5, claimed=11.0, received=11.25),
        Way(placed=20.0, decided=21.0, offered=None, claimed=None, received=None),
    ]

    assert seconds_of(ways, ("commit to decision", "placed", "decided")) == [0.5, 1.0]
    assert seconds_of(ways, ("commit to the bureau", "placed", "received")) == [1.25]


def test_memory_that_goes_up_steadily_is_seen_after_the_warm_up() -> None:
    held = {0: 50.0, 60: 100.0, 120: 104.0, 180: 108.0, 240: 112.0}
    looks = [a_look(at, cpu={"API": 0}, own_mib=mib) for at, mib in held.items()]

    (grown,) = growth(looks, warm_seconds=60, until=240)

    assert (grown.name, grown.begin, grown.end) == ("API", 100.0, 112.0)
    assert [grown.slope, grown.along] == pytest.approx([240.0, 12.0])
    assert not grown.is_flat


@pytest.mark.parametrize(("begin", "along", "flat"), [(200.0, 10.0, True), (200.0, 10.1, False), (5.0, 4.0, True)])
def test_five_percent_or_four_mebibytes_are_no_growth(begin: float, along: float, flat: bool) -> None:
    assert Grown(name="API", begin=begin, end=begin, slope=0, along=along).is_flat is flat


def test_too_few_looks_say_nothing() -> None:
    with pytest.raises(RuntimeError, match="only 1 looks after the warm-up: take more MINUTES"):
        growth([a_look(60, cpu={"API": 0})], warm_seconds=60, until=120)
