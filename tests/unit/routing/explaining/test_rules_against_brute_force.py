"""The price of every rule on random networks, against the finder's answer where the rule is really gone."""

import pytest

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.explaining.explain import Explanation
from fabroute.routing.service.options import Option
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from tests.factories.explanations import a_mild_question, a_strict_question, rules_of, without

QUESTIONS = {"mild": a_mild_question, "strict": a_strict_question}
SEEDS = [*(("mild", range(first, first + 20)) for first in range(0, 60, 20)), ("strict", range(10))]
LIMITS = SolveLimits(seed=1, deterministic_seconds=1.0, wall_seconds=20.0)


def decided(snapshot: RoutingSnapshot) -> tuple[Verdict, Explanation]:
    """The verdict about the only line of a snapshot, with its explanation."""
    (verdict,) = decide(snapshot, LIMITS).verdicts
    assert verdict.explanation is not None
    return verdict, verdict.explanation


def earliest_options(snapshot: RoutingSnapshot) -> tuple[Option, ...]:
    """All that the only line could have on its first day, the best first: the truth, found anew."""
    finder = CandidateFinder(snapshot)
    (line,) = snapshot.lines
    return finder.earliest(line, finder.findings(line))


@pytest.mark.parametrize(("kind", "seeds"), SEEDS, ids=str)
def test_each_rule_costs_what_is_saved_where_it_is_really_gone(kind: str, seeds: range) -> None:
    for seed in seeds:
        snapshot = QUESTIONS[kind](seed)
        verdict, explanation = decided(snapshot)
        if verdict.chosen is None:
            assert explanation.rules == ()
            continue
        told = {price.demand: price for price in explanation.rules}
        for rule in rules_of(snapshot):
            free = earliest_options(without(snapshot, [rule]))
            saved = max(0, verdict.chosen.cost_millis - min(option.cost_millis for option in free))
            assert (seed, rule.name, saved) == (seed, rule.name, -told[rule].cost_millis if rule in told else 0)


@pytest.mark.parametrize(("kind", "seeds"), SEEDS, ids=str)
def test_what_a_line_without_a_way_lacks_is_what_opens_one(kind: str, seeds: range) -> None:
    for seed in seeds:
        snapshot = QUESTIONS[kind](seed)
        verdict, explanation = decided(snapshot)
        if verdict.chosen is not None:
            assert explanation.no_route is None
            continue
        assert explanation.no_route is not None
        for relaxation in explanation.no_route.relaxations:
            rules = [step.demand for step in relaxation.steps]
            if {rule.kind for rule in rules} <= {rule.kind for rule in rules_of(snapshot)}:
                landed = {option.price.landed_minor for option in earliest_options(without(snapshot, rules))}
                assert relaxation.place.chance.landed_minor in landed


@pytest.mark.parametrize(("kind", "seeds"), SEEDS, ids=str)
def test_one_rule_that_opens_a_way_is_among_the_relaxations(kind: str, seeds: range) -> None:
    for seed in seeds:
        snapshot = QUESTIONS[kind](seed)
        verdict, explanation = decided(snapshot)
        if verdict.chosen is not None or explanation.no_route is None:
            continue
        cheapest: dict[str, int] = {}
        for relaxation in explanation.no_route.relaxations:
            (first, *more) = relaxation.steps
            if not more:
                cheapest.setdefault(first.demand.name, relaxation.place.chance.landed_minor)
        opened = {}
        for rule in rules_of(snapshot):
            options = earliest_options(without(snapshot, [rule]))
            if options:
                opened[rule.name] = min(option.price.landed_minor for option in options)
        kept = {name: landed for name, landed in cheapest.items() if name in opened}
        assert (seed, kept) == (seed, opened)


@pytest.mark.parametrize(("kind", "seeds"), SEEDS, ids=str)
def test_a_conflict_alone_still_leaves_no_way(kind: str, seeds: range) -> None:
    for seed in seeds:
        snapshot = QUESTIONS[kind](seed)
        verdict, explanation = decided(snapshot)
        if verdict.chosen is not None or explanation.no_route is None:
            continue
        conflict = explanation.no_route.conflict
        others = [rule for rule in rules_of(snapshot) if rule not in conflict]
        assert (seed, earliest_options(without(snapshot, others))) == (seed, ())
        assert conflict
