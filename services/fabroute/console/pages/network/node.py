"""One node as its page shows it: machines and their days, offers, store, proofs, figures, open jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from fabroute.console.drawing.bars import day_columns, days_bar, level_bar
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.formats import Formats
from fabroute.console.pages.columns import Card, Columns, balanced
from fabroute.console.pages.network.scoring import ScoreRow
from fabroute.console.pages.network.standing import (
    CERTIFICATE_CRITICAL,
    CERTIFICATE_DAYS,
    CERTIFICATE_LOW,
    Gauge,
    answer_gauge,
    certificate_gauge,
    days_left,
    days_until,
    kind_words,
    load_gauge,
    rate_gauge,
    runway_gauge,
)
from fabroute.network.service import LotStock, MachineView, NodeDetail, OfferView
from fabroute.network.service.overview import MachineDay
from fabroute.production.service import JobView
from fabroute.production.service.overview import NodeStanding
from fabroute.qualification.service import CertificateView

_LOT_LOW, _LOT_CRITICAL = 30, 7
_MINUTES_IN_HOUR = 60
_CERTIFICATE_STATES: Mapping[str, tuple[str, str]] = {
    "valid": ("counts", "good"),
    "waiting": ("waits for the operator", "waits"),
    "not_yet_valid": ("not yet", "busy"),
    "expired": ("ended", "over"),
    "revoked": ("revoked", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine with its next days."""

    machine_id: str
    model: str
    process: str
    volume: str
    is_up: bool
    columns: Svg | None
    """Its days, each as full as it is; ``None`` where the viewer may not see them."""
    hours: str
    """How much of them is held, in words."""
    days: tuple[tuple[date, str], ...]
    """Each day in words, for who does not see the columns."""


_HEAD, _CALENDAR, _BUTTONS, _JOB, _CERTIFICATE, _SCORES, _OFFER, _NOTHING = 80, 130, 70, 68, 104, 230, 62, 40
"""Heights of what stands in the cards of a desk's page, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a machine prints."""

    machine_id: str
    process: str
    material: str
    parameter_set: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A lot in the store."""

    lot_id: str
    material: str
    remaining_grams: int
    initial_grams: int
    reserved_grams: int
    level: Svg
    expires_on: date
    expires: str
    is_late: bool
    state: str
    reason: str
    reuse_count: int
    runway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A proof, and how long it counts."""

    certificate_id: str
    scheme: str
    scope: str
    number: str
    issuer: str
    valid_to: date
    left: str
    bar: Svg | None
    """``None`` where it does not count."""
    state: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJob:
    """A job that is open at the node."""

    path: str
    part_no: str
    quantity: int
    state: str
    machine_id: str
    produce_by: date
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What was read about a node; ``None``: the viewer may not see it."""

    node: NodeDetail
    standing: NodeStanding
    calendar: Mapping[str, tuple[MachineDay, ...]] = field(default_factory=dict)
    lots: Sequence[LotStock] | None = None
    certificates: Sequence[CertificateView] | None = None
    scores: Sequence[ScoreRow] | None = None
    jobs: Sequence[JobView] | None = None
    has_more_jobs: bool = False
    manages: bool = False
    """Whether the viewer may take it down and up."""
    is_own: bool = False
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePage:
    """A node."""

    node: NodeDetail
    kind: str
    load: Gauge | None
    certificate: Gauge | None
    runway: Gauge | None
    on_time: Gauge | None
    answer: Gauge | None
    open_jobs: int
    machines: tuple[Machine, ...]
    first_day: date | None
    last_day: date | None
    offers: tuple[Offer, ...]
    lots: tuple[Lot, ...] | None
    certificates: tuple[Certificate, ...] | None
    scores: Sequence[ScoreRow] | None
    jobs: tuple[NodeJob, ...] | None
    has_more_jobs: bool
    manages: bool
    is_own: bool
    today: date

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/console/network/{self.node.node_id}"

    @property
    def columns(self) -> Columns:
        """Which of its cards stand beside which: machines on the left, jobs on the right, the others where room is."""
        machine = _HEAD + _CALENDAR * any(it.columns for it in self.machines) + _BUTTONS * self.manages
        jobs = () if self.jobs is None else (Card("jobs", len(self.jobs) * _JOB or _NOTHING),)
        known = ((self.certificates, "certificates", _CERTIFICATE), (self.scores, "scores", _SCORES))
        others = [Card(name, len(them) * each or _NOTHING) for them, name, each in known if them is not None]
        offers = Card("offers", (len(self.offers) + 1) * _OFFER)
        return balanced((Card("machines", len(self.machines) * machine or _NOTHING),), jobs, (*others, offers))


def node_page(facts: NodeFacts, fmt: Formats) -> NodePage:
    """Return the page of a node from what was read about it."""
    node, standing = facts.node, facts.standing
    days = [day.day for each in facts.calendar.values() for day in each]
    return NodePage(
        node=node,
        kind=kind_words(node.kind),
        load=load_gauge(standing.load, fmt, key=node.node_id),
        certificate=certificate_gauge(standing.certificate, key=node.node_id),
        runway=runway_gauge(standing.shortest_runway, key=node.node_id),
        on_time=rate_gauge(standing.on_time, fmt, "job"),
        answer=answer_gauge(standing, fmt),
        open_jobs=standing.open_jobs,
        machines=tuple(_machine(it, facts.calendar.get(it.machine_id, ()), fmt) for it in node.machines),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        offers=tuple(_offer(it) for it in node.offers),
        lots=None if facts.lots is None else tuple(_lot(it, facts.today) for it in facts.lots),
        certificates=None if facts.certificates is None else _certificates(facts.certificates, facts.today),
        scores=facts.scores,
        jobs=None if facts.jobs is None else tuple(_job(it, facts.today) for it in facts.jobs),
        has_more_jobs=facts.has_more_jobs,
        manages=facts.manages,
        is_own=facts.is_own,
        today=facts.today,
    )


def _machine(machine: MachineView, days: Sequence[MachineDay], fmt: Formats) -> Machine:
    model = machine.model
    told = tuple((day.day, _day_words(day, fmt)) for day in days)
    planned, held = sum(it.planned_minutes for it in days), sum(it.held_minutes for it in days)
    return Machine(
        machine_id=machine.machine_id,
        model=model.model,
        process=model.process,
        volume=" × ".join(fmt.number(side) for side in (model.x_mm, model.y_mm, model.z_mm)) + "\N{NO-BREAK SPACE}mm",
        is_up=machine.status == "up",
        columns=_columns(machine.machine_id, days) if days else None,
        hours=f"{_hours(held, fmt)} of {_hours(planned, fmt)} are taken" if planned else "No time is planned",
        days=told,
    )


def _columns(machine_id: str, days: Sequence[MachineDay]) -> Svg:
    caption = Caption(key=f"days-{machine_id}", title=f"How full the next {len(days)} days of {machine_id} are")
    return day_columns(caption, [day.share for day in days], closed=[not day.planned_minutes for day in days])


def _day_words(day: MachineDay, fmt: Formats) -> str:
    return fmt.percent(day.share) if day.planned_minutes else "closed"


def _hours(minutes: int, fmt: Formats) -> str:
    return f"{fmt.number(minutes / _MINUTES_IN_HOUR)}\N{NO-BREAK SPACE}h"


def _offer(offer: OfferView) -> Offer:
    return Offer(
        machine_id=offer.machine_id,
        process=offer.process,
        material=offer.material.code,
        parameter_set=offer.parameter_set,
        state=offer.parameter_set_state,
    )


def _lot(lot: LotStock, today: date) -> Lot:
    left = lot.days_left(today)
    state = "critical" if left <= _LOT_CRITICAL else "low" if left <= _LOT_LOW else "ok"
    caption = Caption(key=f"lot-{lot.lot_id}", title=f"{lot.lot_id}: what remains of it")
    return Lot(
        lot_id=lot.lot_id,
        material=lot.material,
        remaining_grams=lot.remaining_grams,
        initial_grams=lot.initial_grams,
        reserved_grams=lot.reserved_grams,
        level=level_bar(caption, lot.remaining_grams / max(1, lot.initial_grams), state=state),
        expires_on=lot.expires_on,
        expires=days_left(left),
        is_late=left <= _LOT_LOW,
        state=lot.state,
        reason=lot.state_reason,
        reuse_count=lot.reuse_count,
        runway="" if lot.runway_days is None else f"lasts {int(lot.runway_days):,}\N{NO-BREAK SPACE}d at its late use",
    )


def _certificates(found: Sequence[CertificateView], today: date) -> tuple[Certificate, ...]:
    """Return the certificates, those that count first, and of them those that end first."""
    made = [(it.state_on(today) != "valid", it.valid_to, it.certificate_id, _certificate(it, today)) for it in found]
    return tuple(it[3] for it in sorted(made, key=lambda it: it[:3]))


def _certificate(held: CertificateView, today: date) -> Certificate:
    state = str(held.state_on(today))
    words, kind = _CERTIFICATE_STATES.get(state, (state.replace("_", " "), "busy"))
    counts = state == "valid"
    left = days_until(held.valid_to, today)
    return Certificate(
        certificate_id=held.certificate_id,
        scheme=held.scheme,
        scope=_scope(held),
        number=held.number,
        issuer=held.issuer,
        valid_to=held.valid_to,
        left=left if counts else "",
        bar=_certificate_bar(held, left, (held.valid_to - today).days) if counts else None,
        state=words,
        kind=kind,
        reason=held.revocation_reason,
    )


def _certificate_bar(held: CertificateView, left: str, days: int) -> Svg:
    return days_bar(
        Caption(key=f"proof-{held.certificate_id}", title=f"{held.scheme}: {left}"),
        days,
        horizon=CERTIFICATE_DAYS,
        low=CERTIFICATE_LOW,
        critical=CERTIFICATE_CRITICAL,
    )


def _scope(held: CertificateView) -> str:
    scope = "the whole site" if held.scope == "*" else held.scope
    return ", ".join(it for it in (scope, held.machine_id or "", held.parameter_set or "") if it)


def _job(job: JobView, today: date) -> NodeJob:
    return NodeJob(
        path=f"/console/jobs/{job.job_id}",
        part_no=job.part_no,
        quantity=job.quantity,
        state=job.state,
        machine_id=job.machine_id,
        produce_by=job.produce_by,
        is_late=job.produce_by < today,
    )


def outage_words(rerouted: int, asked: int, over: int = 0) -> str:
    """Return what an outage did to jobs, in one sentence; empty where it did nothing."""
    parts = []
    if rerouted:
        parts.append(f"{rerouted:,} {'job leaves' if rerouted == 1 else 'jobs leave'} for other nodes")
    if asked:
        parts.append(f"{asked:,} that {'is' if asked == 1 else 'are'} started: the node is asked to stop")
    if over:
        parts.append(f"on {over:,} {'day' if over == 1 else 'days'} started jobs hold more than is left")
    return "; ".join(parts) + "." if parts else ""
