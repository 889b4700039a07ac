"""Scenario S2 with several shops: caps of many owners in one build, each promise and price kept, medical ones apart."""

import math
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

import pytest

from fabroute.cli.invariants import check_invariants
from tests.conftest import Database
from tests.factories.api_bureau import HOUR, WEDNESDAY, BureauWorld, a_bureau_world
from tests.factories.problems import Refusal, refusal_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SHOPS = ("hammock shop", "table shop", "stool shop")


@pytest.fixture
def world(database: Database) -> Iterator[BureauWorld]:
    with a_bureau_world(database.url) as made:
        yield made


def test_caps_of_several_shops_are_one_build_and_medical_ones_are_another(world: BureauWorld) -> None:
    world.owner("clinic", sector="medical")
    world.owner("recluse", share_builds=False)
    names = (*SHOPS, "clinic", "recluse")
    orders = {name: world.ordered(name, 6 if name == "table shop" else 4) for name in names}
    jobs = dict(zip(names, world.fetched(*names), strict=True))
    prices = {name: world.job_of(name)["price"]["amount_minor"] for name in names}

    # Routing shared the opening of 45.00 by volume among the three; clinic and recluse pay their own.
    assert sum(prices[name] for name in SHOPS) == 45_00 + 14 * 1_10
    assert (prices["clinic"], prices["recluse"]) == (49_40, 49_40)
    assert prices["table shop"] - 6 * 1_10 == 19_28 == math.floor(Fraction(45_00 * 6, 14))

    # The plan: three builds, those of the shops together, nothing late.
    proposed = world.plan()["builds"]
    together = [{job["job_id"]: job["parts"] for job in build["jobs"]} for build in proposed]
    shared = {jobs[name]: 6 if name == "table shop" else 4 for name in SHOPS}
    assert sorted(map(len, together)) == [1, 1, 3]
    assert shared in together
    assert [job["late"] for build in proposed for job in build["jobs"]] == [False] * 5
    (the_shared,) = [build for build in proposed if len(build["jobs"]) == 3]
    assert (the_shared["planned_minutes"], the_shared["fill"]) == (351, 0.5)

    # No owner opens, and no build mixes what the rules keep apart.
    mixed = world.opened({jobs["clinic"]: 4, jobs["stool shop"]: 4})
    shy = world.opened({jobs["recluse"]: 4, jobs["stool shop"]: 4})
    assert refusal_of(mixed) == refusal_of(shy) == Refusal(status=409, code="build_kept_apart")

    build = world.running(shared)
    assert {world.job_of(name)["state"] for name in SHOPS} == {"in_production"}
    assert world.job_of("clinic")["state"] == "accepted"

    # It took ten minutes more than planned, and ten grams.
    world.clock.move_to(WEDNESDAY + 6 * HOUR)
    results = [{"job_id": job_id, "good": parts, "failed": 0} for job_id, parts in shared.items()]
    closed = world.closed(build, minutes=360, grams=250, results=results)
    assert closed.status_code == 200, closed.text
    whole = closed.json()

    # 6 h at 10.00, 2.00 of consumables; the caps' ASA costs nothing. Shared 4 : 6 : 4, to the cent.
    costs = {job["job_id"]: job["cost"]["amount_minor"] for job in whole["jobs"]}
    assert whole["cost"]["amount_minor"] == 62_00 == sum(costs.values())
    assert sorted(costs.values()) == [17_71, 17_72, 26_57]
    assert costs[jobs["table shop"]] == 26_57
    assert sum(job["grams"] for job in whole["jobs"]) == 250
    assert sum(job["share"] for job in whole["jobs"]) == pytest.approx(1)

    # What was promised and what is paid is as it was; nobody reads of anybody else.
    for name in SHOPS:
        assert world.job_of(name)["price"]["amount_minor"] == prices[name]
        seen = world.owner(name).get(build).json()
        assert [job["job_id"] for job in seen["jobs"]] == [jobs[name]]
        assert (seen["cost"], seen["grams_used"], seen["jobs"][0]["cost"]) == (None, None, None)
        order = world.owner(name).get(orders[name]).json()
        promised = datetime.fromisoformat(world.job_of(name)["promised_at"])
        assert promised <= datetime.fromisoformat(order["need_by"])
    for stranger in (world.owner("clinic"), world.rival):
        assert refusal_of(stranger.get(build)) == Refusal(status=404, code="unknown_build")

    # The next plan has the two others only.
    left = [[job["job_id"] for job in proposal["jobs"]] for proposal in world.plan()["builds"]]
    assert sorted(left) == sorted([[jobs["clinic"]], [jobs["recluse"]]])
    assert {finding.invariant.name for finding in check_invariants(world.api.engine) if finding.broken} <= {
        "the outbox is being emptied",
        "an open line waits for something",
    }
