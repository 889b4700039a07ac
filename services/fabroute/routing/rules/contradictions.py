"""What contradicts in a policy, whatever lines may come: told at once, with the field and what to do."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from fabroute.kernel.errors import FieldProblem
from fabroute.routing.rules.objectives import WEIGHTS
from fabroute.routing.rules.policies import MinimumShare, PolicyView, ShareCap, part_of


def policy_problems(policy: PolicyView, *, kinds: Mapping[str, str]) -> tuple[FieldProblem, ...]:
    """Return everything that contradicts in a policy, given the kind of each node that there is; empty if nothing does.

    What only the lines of a run can tell (that a cap leaves some of them without a place) is not asked here.
    """
    wrong = (*_number_problems(policy), *_weight_problems(policy), *_unknown_places(policy, kinds))
    return wrong or (
        *_repeated(policy.caps, "/caps"),
        *_repeated(policy.minimum_shares, "/minimum_shares"),
        *_minimum_over_cap(policy, kinds),
        *_minimums_over_whole(policy, kinds),
        *_caps_under_whole(policy, kinds),
    )


def _number_problems(policy: PolicyView) -> Iterable[FieldProblem]:
    for index, cap in enumerate(policy.caps):
        if not 0 < cap.share < 1:
            message = (
                f"is {cap.share:g}: a cap is over 0 and under 1, such as 0.4 for 40 %; leave it out to cap nothing"
            )
            yield FieldProblem(pointer=f"/caps/{index}/share", message=message)
    for index, minimum in enumerate(policy.minimum_shares):
        if not 0 < minimum.share <= 1:
            message = f"is {minimum.share:g}: a minimum share is over 0 and at most 1, such as 0.3 for 30 %"
            yield FieldProblem(pointer=f"/minimum_shares/{index}/share", message=message)
        if (minimum.node_id is None) == (minimum.kind is None):
            message = "needs either node_id or kind: where the share has to go"
            yield FieldProblem(pointer=f"/minimum_shares/{index}", message=message)


def _weight_problems(policy: PolicyView) -> Iterable[FieldProblem]:
    for objective in policy.weights:
        if objective not in WEIGHTS:
            message = f"is no objective: weights are stated for {', '.join(WEIGHTS)}"
            yield FieldProblem(pointer=f"/weights/{objective}", message=message)


def _unknown_places(policy: PolicyView, kinds: Mapping[str, str]) -> Iterable[FieldProblem]:
    named = [(f"/caps/{index}/node_id", cap.node_id) for index, cap in enumerate(policy.caps)]
    named += [(f"/minimum_shares/{index}/node_id", each.node_id) for index, each in enumerate(policy.minimum_shares)]
    for pointer, node_id in named:
        if node_id is not None and node_id not in kinds:
            yield FieldProblem(pointer=pointer, message=f"there is no node {node_id}: GET /v1/nodes lists them")
    for index, minimum in enumerate(policy.minimum_shares):
        if minimum.kind is not None and minimum.kind not in kinds.values():
            message = (
                f"there is no node of the kind {minimum.kind}: the network has {', '.join(sorted({*kinds.values()}))}"
            )
            yield FieldProblem(pointer=f"/minimum_shares/{index}/kind", message=message)


def _repeated(rules: Sequence[ShareCap | MinimumShare], pointer: str) -> Iterable[FieldProblem]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.rule in seen:
            yield FieldProblem(pointer=f"{pointer}/{index}", message=f"repeats {rule.rule}: state each rule once")
        seen.add(rule.rule)


def _minimum_over_cap(policy: PolicyView, kinds: Mapping[str, str]) -> Iterable[FieldProblem]:
    """A minimum share can't be over what the caps of the same unit let its node, or the nodes of its kind, have."""
    for index, minimum in enumerate(policy.minimum_shares):
        places = [minimum.node_id] if minimum.node_id else [it for it, kind in kinds.items() if kind == minimum.kind]
        most = sum(_most(policy.caps, str(node_id), minimum.unit) for node_id in places)
        if places and part_of(minimum.share, 1) > most:
            where = minimum.node_id or f"nodes of the kind {minimum.kind}"
            message = (
                f"wants {minimum.share:.0%} of the {minimum.unit} at {where}, the caps allow {float(most):.0%}: "
                "lower the minimum share or raise the cap"
            )
            yield FieldProblem(pointer=f"/minimum_shares/{index}/share", message=message)


def _minimums_over_whole(policy: PolicyView, kinds: Mapping[str, str]) -> Iterable[FieldProblem]:
    """Minimum shares of one unit can't be over the whole together; a node's share counts towards its kind's."""
    for unit in ("lines", "pieces"):
        of_unit = [it for it in policy.minimum_shares if it.unit == unit]
        by_kind: dict[str, Fraction] = {}
        for minimum in of_unit:
            if minimum.node_id is not None:
                kind = kinds.get(minimum.node_id, minimum.node_id)
                by_kind[kind] = by_kind.get(kind, Fraction(0)) + part_of(minimum.share, 1)
        for minimum in of_unit:
            if minimum.kind is not None:
                by_kind[minimum.kind] = max(by_kind.get(minimum.kind, Fraction(0)), part_of(minimum.share, 1))
        total = sum(by_kind.values())
        if total > 1:
            message = f"add up to {float(total):.0%} of the {unit}: lower them to 100 % or less together"
            yield FieldProblem(pointer="/minimum_shares", message=message)


def _caps_under_whole(policy: PolicyView, kinds: Mapping[str, str]) -> Iterable[FieldProblem]:
    """Hard caps can't leave a part of the lines without any place in the whole network."""
    hard = tuple(cap for cap in policy.caps if cap.excess_minor is None)
    for unit in ("lines", "pieces"):
        most = sum(_most(hard, node_id, unit) for node_id in kinds)
        if kinds and any(cap.unit == unit for cap in hard) and most < 1:
            message = (
                f"leave {float(1 - most):.0%} of the {unit} without a place: the network has {len(kinds)} node(s), "
                f"which may have {float(most):.0%} together; raise the caps, or state a price (excess) instead"
            )
            yield FieldProblem(pointer="/caps", message=message)


def _most(caps: Iterable[ShareCap], node_id: str, unit: str) -> Fraction:
    """Return the largest share of a unit that a node may have."""
    bounds = [part_of(cap.share, 1) for cap in caps if cap.unit == unit and cap.node_id in (None, node_id)]
    return min(bounds, default=Fraction(1))
