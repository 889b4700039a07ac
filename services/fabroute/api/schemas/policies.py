"""Routing policies over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from fabroute.api.schemas.base import Label, MoneyOut, RequestModel, ResponseModel, known_currency
from fabroute.kernel.money import Money
from fabroute.orders.rules import Objective
from fabroute.routing.rules.objectives import MILLIS_PER_MINOR, ObjectiveWeights
from fabroute.routing.rules.policies import (
    DEFAULT_STABILITY_MINOR,
    DEFAULT_WINDOW_DAYS,
    LONGEST_CONSOLIDATION_HOURS,
    LONGEST_WINDOW_DAYS,
    MOST_RULES,
    MinimumShare,
    PolicyView,
    ShareCap,
    ShareUnit,
)
from fabroute.routing.service.policies import PolicyVersion
from fabroute.routing.service.policy_costs import CostOfRule

_MOST_MINOR = 10_000_000
NodeKind = Literal["in_house", "service_bureau", "regional_hub"]
_Window = Annotated[
    int,
    Field(
        ge=1,
        le=LONGEST_WINDOW_DAYS,
        description="Days: the share counts what was decided within so many days, and what is decided now.",
    ),
]


class PolicyPriceIn(RequestModel):
    """A price that a policy sets, in whole cents."""

    amount_minor: int = Field(ge=0, le=_MOST_MINOR, description="Cents; 2.00 EUR is 200.")
    currency: Annotated[str, AfterValidator(known_currency)] = Field(description="`EUR`, the only one so far.")


class WeightsIn(RequestModel):
    """What time and carbon are worth beside the landed money."""

    per_hour: PolicyPriceIn = Field(description="An hour until delivery.")
    per_kg_co2e: PolicyPriceIn
    per_late_hour: PolicyPriceIn = Field(description="An hour after a need-by that is not hard, on top of the others.")


class ShareCapIn(RequestModel):
    """No more than a share of your lines at one node."""

    node_id: Label | None = Field(default=None, description="Without it: at any single node.")
    share: float = Field(gt=0, lt=1, allow_inf_nan=False, description="0.4 for 40 %.")
    window_days: _Window = DEFAULT_WINDOW_DAYS
    unit: ShareUnit = Field(default="lines", description="Whether order lines are counted, or the pieces on them.")
    excess: PolicyPriceIn | None = Field(
        default=None,
        description="Price of each line or piece over it. Without it the cap is never exceeded: a line that has no "
        "other place then has none (CONCENTRATION), but a node that has nothing yet may always take one line.",
    )


class MinimumShareIn(RequestModel):
    """At least a share of your lines at one node, or at nodes of one kind."""

    node_id: Label | None = Field(default=None, description="Either this or `kind`.")
    kind: NodeKind | None = None
    share: float = Field(gt=0, le=1, allow_inf_nan=False, description="0.3 for 30 %.")
    shortfall: PolicyPriceIn = Field(description="What you would pay for each line or piece rather than miss it.")
    window_days: _Window = DEFAULT_WINDOW_DAYS
    unit: ShareUnit = "lines"


class PolicyIn(RequestModel):
    """How your lines are routed. It is whole: what is left out is as usual."""

    weights: dict[Objective, WeightsIn] = Field(default_factory=dict, description="By objective of the order.")
    caps: list[ShareCapIn] = Field(default_factory=list, max_length=MOST_RULES)
    minimum_shares: list[MinimumShareIn] = Field(default_factory=list, max_length=MOST_RULES)
    consolidation_window_hours: int = Field(
        default=0,
        ge=0,
        le=LONGEST_CONSOLIDATION_HOURS,
        description="How long a job may wait for others to share its build; never beyond what was promised.",
    )
    stability: PolicyPriceIn | None = Field(
        default=None,
        description="What moving an offered job to another node has to save at least; "
        f"{DEFAULT_STABILITY_MINOR / 100:.2f} EUR if left out.",
    )
    share_builds: bool = Field(
        default=True,
        description="Whether parts of other owners may be in one build with yours, which is cheaper. Parts that are "
        "medical, safety-critical, under export control or need a first article never share, whatever it says.",
    )


class WeightsOut(ResponseModel):
    """What time and carbon are worth beside the landed money."""

    per_hour: MoneyOut
    per_kg_co2e: MoneyOut
    per_late_hour: MoneyOut


class ShareCapOut(ResponseModel):
    """No more than a share at one node, or at any single one."""

    rule: str = Field(description="Its name in decisions and costs.")
    node_id: str | None
    share: float
    window_days: int
    unit: str
    excess: MoneyOut | None


class MinimumShareOut(ResponseModel):
    """At least a share at one node or kind."""

    rule: str = Field(description="Its name in decisions and costs.")
    node_id: str | None
    kind: str | None
    share: float
    shortfall: MoneyOut
    window_days: int
    unit: str


class PolicyOut(ResponseModel):
    """One version of your policy; the highest holds."""

    version: int
    weights: dict[str, WeightsOut]
    caps: list[ShareCapOut]
    minimum_shares: list[MinimumShareOut]
    consolidation_window_hours: int
    stability: MoneyOut
    share_builds: bool
    created_by: str = Field(description="The API key's id.")
    created_at: AwareDatetime


class RuleCostOut(ResponseModel):
    """What one rule cost you: your lines as they were routed, less the same without it, all else being equal."""

    rule: str
    policy_version: int = Field(description="The latest version that was priced.")
    runs: int = Field(description="Joint runs in which it could bite.")
    lines: int = Field(description="Lines that would have gone elsewhere, or somewhere at all, without it.")
    landed: MoneyOut = Field(description="More landed money, over lines with a place both ways; negative: less.")
    cost_millis: int = Field(description="More generalised cost, in 1/1000 cent: money, time, carbon, lines left out.")
    proven: bool = Field(description="Whether both plans are proven optimal in every run.")
    words: str


class PolicyCostsOut(ResponseModel):
    """What the rules of your policy cost within a time, the dearest first."""

    since: AwareDatetime
    until: AwareDatetime
    rules: list[RuleCostOut]


def new_policy(organisation_id: str, told: PolicyIn) -> PolicyView:
    """Return a policy as routing takes it."""
    return PolicyView(
        organisation_id=organisation_id,
        weights={objective: _weights(weights) for objective, weights in told.weights.items()},
        caps=tuple(_cap(cap) for cap in told.caps),
        minimum_shares=tuple(_minimum(minimum) for minimum in told.minimum_shares),
        consolidation_window_hours=told.consolidation_window_hours,
        stability_minor=DEFAULT_STABILITY_MINOR if told.stability is None else told.stability.amount_minor,
        share_builds=told.share_builds,
    )


def policy_out(stated: PolicyVersion) -> PolicyOut:
    """Return a version for an answer."""
    policy = stated.policy
    return PolicyOut(
        version=policy.version,
        weights={objective: _weights_out(weights) for objective, weights in policy.weights.items()},
        caps=[_cap_out(cap) for cap in policy.caps],
        minimum_shares=[_minimum_out(minimum) for minimum in policy.minimum_shares],
        consolidation_window_hours=policy.consolidation_window_hours,
        stability=_euro(policy.stability_minor),
        share_builds=policy.share_builds,
        created_by=stated.created_by,
        created_at=stated.created_at,
    )


def costs_out(costs: Sequence[CostOfRule], *, since: datetime, until: datetime) -> PolicyCostsOut:
    """Return what rules cost for an answer."""
    return PolicyCostsOut(since=since, until=until, rules=[_cost_out(cost) for cost in costs])


def _weights(told: WeightsIn) -> ObjectiveWeights:
    return ObjectiveWeights(
        millis_per_hour=told.per_hour.amount_minor * MILLIS_PER_MINOR,
        millis_per_co2e_gram=told.per_kg_co2e.amount_minor,  # cents a kilogram are milli-cents a gram
        millis_per_late_hour=told.per_late_hour.amount_minor * MILLIS_PER_MINOR,
    )


def _weights_out(weights: ObjectiveWeights) -> WeightsOut:
    return WeightsOut(
        per_hour=_euro(weights.millis_per_hour // MILLIS_PER_MINOR),
        per_kg_co2e=_euro(weights.millis_per_co2e_gram),
        per_late_hour=_euro(weights.millis_per_late_hour // MILLIS_PER_MINOR),
    )


def _cap(told: ShareCapIn) -> ShareCap:
    return ShareCap(
        node_id=told.node_id,
        share=told.share,
        window_days=told.window_days,
        unit=told.unit,
        excess_minor=None if told.excess is None else told.excess.amount_minor,
    )


def _cap_out(cap: ShareCap) -> ShareCapOut:
    return ShareCapOut(
        rule=cap.rule,
        node_id=cap.node_id,
        share=cap.share,
        window_days=cap.window_days,
        unit=cap.unit,
        excess=None if cap.excess_minor is None else _euro(cap.excess_minor),
    )


def _minimum(told: MinimumShareIn) -> MinimumShare:
    return MinimumShare(
        node_id=told.node_id,
        kind=told.kind,
        share=told.share,
        shortfall_minor=told.shortfall.amount_minor,
        window_days=told.window_days,
        unit=told.unit,
    )


def _minimum_out(minimum: MinimumShare) -> MinimumShareOut:
    return MinimumShareOut(
        rule=minimum.rule,
        node_id=minimum.node_id,
        kind=minimum.kind,
        share=minimum.share,
        shortfall=_euro(minimum.shortfall_minor),
        window_days=minimum.window_days,
        unit=minimum.unit,
    )


def _cost_out(cost: CostOfRule) -> RuleCostOut:
    return RuleCostOut(
        rule=cost.rule,
        policy_version=cost.policy_version,
        runs=cost.runs,
        lines=cost.lines,
        landed=_euro(cost.landed_minor),
        cost_millis=cost.cost_millis,
        proven=cost.proven,
        words=cost.words,
    )


def _euro(amount_minor: int) -> MoneyOut:
    return MoneyOut.of(Money(amount_minor=amount_minor))
