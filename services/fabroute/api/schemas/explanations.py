"""Explanations over the wire: what each rule costs, what would change a decision, and why there is no way."""

from typing import Any, Literal

from pydantic import Field

from fabroute.api.schemas.base import ResponseModel

Side = Literal["order", "part", "network"]
_RULE = "The rule and, where there are several of its kind, which: `certificate:EN45545-HL2`, `need_by`."
_SIDE = "Who makes it: the order, the part's owner, or the network as it is."


class WeighedDifferenceOut(ResponseModel):
    """What would be different from the decision: negative is less money, time, carbon or generalised cost."""

    landed_minor: int
    hours: float
    co2e_g: int
    cost_millis: int


class ThereOut(ResponseModel):
    """A way through a node that there is not, or that was not taken."""

    node_id: str
    city: str
    country: str
    machine_id: str
    process: str
    material: str
    service: str
    landed_minor: int
    promised_at: str = Field(description="Nine in ten deliveries are there by then (RFC 3339).")
    hours: float
    co2e_g: int
    cost_millis: int


class RulePriceOut(ResponseModel):
    """What one rule costs the order: the line routed again without it alone, on what the plan leaves."""

    rule: str = Field(description=_RULE)
    of: Side = Field(description=_SIDE)
    words: str
    nodes: int = Field(description="Nodes that it keeps from the line, alone or with others.")
    alone: int = Field(description="Nodes that it alone keeps from the line.")
    difference: WeighedDifferenceOut = Field(description="All 0 where the rule costs nothing.")
    instead: ThereOut | None = Field(description="Where the line would go; null where it would stay.")


class StepOut(ResponseModel):
    """One change."""

    rule: str = Field(description=_RULE)
    of: Side = Field(description=_SIDE)
    words: str
    figures: dict[str, Any] = Field(description="How much of it; for other rules see the node's exclusion.")


class MarginOut(ResponseModel):
    """By how much a node would have to be better in one thing alone; null where no amount is enough."""

    cheaper_by_minor: int | None
    sooner_by_hours: float | None
    lighter_by_g: int | None


class NodeChangeOut(ResponseModel):
    """The nearest that a node comes to making the line."""

    node_id: str
    city: str
    country: str
    binding: str | None = Field(description="The hardest of the steps; null where the node can and is not the best.")
    words: str
    steps: list[StepOut] = Field(description="All are needed; the hardest first.")
    wins: bool = Field(description="Whether the line would go there after these steps.")
    margin: MarginOut | None = Field(description="What it would lack even then; null where it wins or has no price.")
    then: ThereOut | None = Field(description="What it would be after these steps; null without a price.")


class ConflictOut(ResponseModel):
    """One of the rules that together leave no way."""

    rule: str = Field(description=_RULE)
    of: Side = Field(description=_SIDE)
    words: str


class RelaxationOut(ResponseModel):
    """What it would take for there to be a way, and what that way would cost."""

    words: str
    steps: list[StepOut]
    then: ThereOut


class EnvelopeOut(ResponseModel):
    """The build box of a machine model."""

    model: str
    process: str
    box_mm: list[float]
    machines: int


class TightEnvelopeOut(EnvelopeOut):
    """A build box beside a part."""

    too_long_mm: float = Field(description="In the rotation that fits best, margins kept free; not over 0: it fits.")


class OversizeOut(ResponseModel):
    """A part that none of its machines holds, each with its numbers, and the ways out."""

    part_mm: list[float]
    needed_mm: list[float] = Field(description="The build box that it needs, margins included.")
    envelopes: list[TightEnvelopeOut] = Field(description="Of the part's processes and materials, largest first.")
    largest_of_network: EnvelopeOut | None
    pieces: int | None = Field(description="Pieces of a cut along a grid that fit the largest of its machines.")
    ways_out: list[str]


class NoRouteOut(ResponseModel):
    """Why there is no way, and what it would take."""

    conflict: list[ConflictOut] = Field(
        description="The fewest rules that together keep every offer off; none where other orders took what would do."
    )
    relaxations: list[RelaxationOut] = Field(description="Fewest steps first, then the cheapest; at most eight.")
    oversize: OversizeOut | None


class ScarcityOut(ResponseModel):
    """What the line's own best option is worth to all lines together: why it went elsewhere."""

    words: str
    node_id: str
    machine_id: str
    until: str
    hour_minor: int = Field(description="Cents for an hour of the machine until that day.")
    lot_id: str
    kilogram_minor: int = Field(description="Cents for a kilogram of the lot.")
    minor: int = Field(description="Cents for all that the line would have taken.")


class ExplanationOut(ResponseModel):
    """What is told of a decision beside its candidates and exclusions."""

    rules: list[RulePriceOut] = Field(description="The dearest first; none where there is no way.")
    changes: list[NodeChangeOut] = Field(
        description="Every node but the chosen one that offers the process and material; the nearest first."
    )
    no_route: NoRouteOut | None
    scarcity: ScarcityOut | None
