"""A decision's document, read: candidates, alternatives, exclusions, prices of rules and ways out, with their types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one machine makes of a split line."""

    node_id: str
    city: str
    machine_id: str
    quantity: int
    promised_at: datetime
    landed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The best way through one node, or through those that share the line; money in cents."""

    node_id: str
    kind: str
    city: str
    country: str
    machine_id: str
    process: str
    material: str
    parameter_set: str
    lot_id: str
    service: str
    carrier: str
    produce_by: date
    expected_at: datetime
    """Half of the deliveries are there by then; in older decisions nine in ten."""
    promised_at: datetime
    hours: float
    landed_minor: int
    breakdown: tuple[tuple[str, int], ...]
    co2e_g: int
    machine_minutes: int
    grams: int
    cost_millis: int
    shares: tuple[Share, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What tells a candidate from the others of a decision."""
        return self.node_id, self.machine_id

    @property
    def node_ids(self) -> tuple[str, ...]:
        """The nodes that make it."""
        return tuple(dict.fromkeys(share.node_id for share in self.shares)) or (self.node_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another way, and what it would cost or save beside the chosen one."""

    label: str
    candidate: Candidate
    landed_minor: int
    hours: float
    co2e_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a node can not."""

    code: str
    message: str
    figures: Document
    machine_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedNode:
    """A node that is ruled out."""

    node_id: str
    city: str
    country: str
    fix: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """A way through a node that there is not, or that was not taken."""

    node_id: str
    city: str
    landed_minor: int
    promised_at: datetime
    hours: float
    co2e_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePrice:
    """What one rule costs the order."""

    rule: str
    of: str
    words: str
    nodes: int
    alone: int
    landed_minor: int
    hours: float
    co2e_g: int
    instead: There | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that would have to change: which rule, whose it is, in words and in figures."""

    rule: str
    of: str
    """``order``, ``part`` or ``network``."""
    words: str
    figures: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """By how much a way would have to be better in one thing alone to win; ``None`` where no amount is enough."""

    cheaper_by_minor: int | None
    sooner_by_hours: float | None
    lighter_by_g: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The nearest that a node comes to making the line."""

    node_id: str
    words: str
    steps: tuple[Step, ...]
    margin: Margin | None
    """What it would lack even then."""
    wins: bool
    then: There | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """What it would take for there to be a way, and what that way would cost."""

    steps: tuple[Step, ...]
    then: There


@dataclass(frozen=True, slots=True, kw_only=True)
class Scarcity:
    """What the capacity or the material that the line takes is worth to the other orders; money in cents."""

    words: str
    node_id: str
    until: date | None
    hour_minor: int
    kilogram_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as its document tells it."""

    objective: str
    why: str
    chosen: Candidate | None
    alternatives: tuple[Alternative, ...]
    candidates: tuple[Candidate, ...]
    exclusions: tuple[ExcludedNode, ...]
    rules: tuple[RulePrice, ...]
    changes: Mapping[str, Change]
    conflict: tuple[tuple[str, str], ...]
    """Who makes each of the rules that leave no way, and the rule in words."""
    relaxations: tuple[Relaxation, ...]
    oversize: Document | None
    scarcity: Scarcity | None
    solver: Document
    moved_from: Document | None
    build: Document | None


def read_document(document: Document) -> Decided:
    """Return what a decision's document says; what older ones do not say is empty."""
    explained: Document = document.get("explanation") or {}
    no_route: Document = explained.get("no_route") or {}
    changes = [_change(it) for it in explained.get("changes", ())]
    return Decided(
        objective=document["objective"],
        why=document["why"],
        chosen=None if document["chosen"] is None else _candidate(document["chosen"]),
        alternatives=tuple(_alternative(it) for it in document["alternatives"]),
        candidates=tuple(_candidate(it) for it in document["candidates"]),
        exclusions=tuple(_exclusion(it) for it in document["exclusions"]),
        rules=tuple(_rule(it) for it in explained.get("rules", ())),
        changes={change.node_id: change for change in changes},
        conflict=tuple((it["of"], it["words"]) for it in no_route.get("conflict", ())),
        relaxations=tuple(_relaxation(it) for it in no_route.get("relaxations", ())),
        oversize=no_route.get("oversize"),
        scarcity=_scarcity(explained.get("scarcity") or {}),
        solver=document["solver"],
        moved_from=document.get("moved_from"),
        build=document.get("build"),
    )


def _candidate(it: Document) -> Candidate:
    promised = datetime.fromisoformat(it["promised_at"])
    expected = it.get("expected_at")
    return Candidate(
        node_id=it["node_id"],
        kind=it["kind"],
        city=it["city"],
        country=it["country"],
        machine_id=it["machine_id"],
        process=it["process"],
        material=it["material"],
        parameter_set=it["parameter_set"],
        lot_id=it.get("lot_id") or "",
        service=it["service"],
        carrier=it.get("carrier") or "",
        produce_by=date.fromisoformat(it["produce_by"]),
        expected_at=datetime.fromisoformat(expected) if expected else promised,
        promised_at=promised,
        hours=it["hours"],
        landed_minor=it["landed_minor"],
        breakdown=tuple((row["code"], row["amount_minor"]) for row in it["breakdown"]),
        co2e_g=it["co2e_g"],
        machine_minutes=it["machine_minutes"],
        grams=it["grams"],
        cost_millis=it["cost_millis"],
        shares=tuple(_share(share) for share in it.get("shares", ())),
    )


def _share(it: Document) -> Share:
    return Share(
        node_id=it["node_id"],
        city=it["city"],
        machine_id=it["machine_id"],
        quantity=it["quantity"],
        promised_at=datetime.fromisoformat(it["promised_at"]),
        landed_minor=it["landed_minor"],
    )


def _alternative(it: Document) -> Alternative:
    differs = it["difference"]
    return Alternative(
        label=it["label"],
        candidate=_candidate(it["candidate"]),
        landed_minor=differs["landed_minor"],
        hours=differs["hours"],
        co2e_g=differs["co2e_g"],
    )


def _exclusion(it: Document) -> ExcludedNode:
    return ExcludedNode(
        node_id=it["node_id"],
        city=it["city"],
        country=it["country"],
        fix=it.get("fix") or "",
        reasons=_reasons(it["reasons"]),
    )


def _reasons(rows: Sequence[Document]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            code=it["code"],
            message=it["message"],
            figures=it.get("figures") or {},
            machine_id=it.get("machine_id") or "",
        )
        for it in rows
    )


def _rule(it: Document) -> RulePrice:
    differs = it["difference"]
    return RulePrice(
        rule=it["rule"],
        of=it["of"],
        words=it["words"],
        nodes=it["nodes"],
        alone=it["alone"],
        landed_minor=differs["landed_minor"],
        hours=differs["hours"],
        co2e_g=differs["co2e_g"],
        instead=None if it["instead"] is None else _there(it["instead"]),
    )


def _change(it: Document) -> Change:
    then = None if it["then"] is None else _there(it["then"])
    return Change(
        node_id=it["node_id"],
        words=it["words"],
        steps=_steps(it.get("steps", ())),
        margin=_margin(it.get("margin")),
        wins=it["wins"],
        then=then,
    )


def _margin(it: Document | None) -> Margin | None:
    if it is None:
        return None
    return Margin(
        cheaper_by_minor=it["cheaper_by_minor"],
        sooner_by_hours=it["sooner_by_hours"],
        lighter_by_g=it["lighter_by_g"],
    )


def _steps(rows: Sequence[Document]) -> tuple[Step, ...]:
    return tuple(Step(rule=it["rule"], of=it["of"], words=it["words"], figures=it.get("figures") or {}) for it in rows)


def _relaxation(it: Document) -> Relaxation:
    return Relaxation(steps=_steps(it["steps"]), then=_there(it["then"]))


def _scarcity(it: Document) -> Scarcity | None:
    if not it:
        return None
    until = it.get("until")
    return Scarcity(
        words=it["words"],
        node_id=it.get("node_id", ""),
        until=date.fromisoformat(until) if until else None,
        hour_minor=it.get("hour_minor", 0),
        kilogram_minor=it.get("kilogram_minor", 0),
    )


def _there(it: Document) -> There:
    return There(
        node_id=it["node_id"],
        city=it["city"],
        landed_minor=it["landed_minor"],
        promised_at=datetime.fromisoformat(it["promised_at"]),
        hours=it["hours"],
        co2e_g=it["co2e_g"],
    )
