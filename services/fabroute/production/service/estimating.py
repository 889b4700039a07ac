"""What it would take to print a part on each machine that could: times, price, material, energy and carbon.

Nothing is promised or asked of stores, calendars and proofs: that is a quote's business.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.production import ProductionEstimate, estimate_production
from fabroute.estimation.rotations import PartDoesNotFit
from fabroute.estimation.sources import Mark, SourcedFigure, all_constants, mark_of
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView, RevisionView
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics.rules import GridBook, grid_g_per_kwh
from fabroute.logistics.service import freight_constants, read_grid_book
from fabroute.network import service as network
from fabroute.network.service import NodeView, Offerings, OfferView
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory
from fabroute.production.service.geometry import part_geometry
from fabroute.routing.service.facts import line_facts, node_facts, offer_facts
from fabroute.solver.eligibility import ExclusionCode
from fabroute.solver.eligibility.machine import (
    build_volume,
    machine_up,
    node_up,
    parameter_set_allowed,
    parameter_set_qualified,
)
from fabroute.solver.eligibility.worlds import same_world

NO_ESTIMATE = "NO_ESTIMATE"
"""The code of a machine or material whose figures don't allow an estimate."""


class UnknownMachine(DomainError):
    """No node that is asked about has this machine."""

    code = "unknown_machine"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateAsked:
    """How many of what, and where: at one node or machine, or anywhere. The released revision where none is named."""

    part: str
    quantity: int
    revision: str | None = None
    node_id: str | None = None
    machine_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEstimate:
    """What it would take on one machine with one material and parameter set."""

    node: NodeView
    offer: OfferView
    estimate: ProductionEstimate
    figures: tuple[SourcedFigure, ...]
    """Every constant behind it, that of the electricity's carbon among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why an offer can't print a part; ``code`` as exclusions have it."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUnable:
    """A machine with a material and parameter set that can't print the part, and all that speaks against it."""

    node: NodeView
    offer: OfferView
    reasons: tuple[Hindrance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """All that was found, cheapest first, then quickest; and those that can't, the nearest to it first."""

    revision: RevisionView
    quantity: int
    estimates: tuple[MachineEstimate, ...]
    unable: tuple[MachineUnable, ...]

    @property
    def warning(self) -> str | None:
        """What has to be known before anybody trusts these figures; ``None`` where there is nothing."""
        if self.revision.state != "withdrawn":
            return None
        return (
            f"revision {self.revision.revision} of {self.revision.part_no} is withdrawn: it can't be ordered or "
            "printed any more, these figures only tell what it would have taken"
        )


def estimate_part(session: Session, *, principal: Principal, asked: EstimateAsked, now: datetime) -> Estimates:
    """Return what it would take to print one of the caller's parts, today, on every machine that could.

    Raises ``PartNotInInventory``, ``RevisionNotInInventory``, ``UnknownNode`` (also to a bureau for a rival's node),
    ``UnknownMachine`` and ``RevisionNotMeasured``.
    """
    revision, on = _revision(session, principal, asked), now.date()
    offered = _offered(session, principal, asked, on=on)
    judge = _Judge(revision, quantity=asked.quantity, offered=offered, grid=read_grid_book(session, on=on), on=on)
    judged = [judge.judge(offer) for offer in offered.offers if judge.is_in_its_world(offer)]
    return Estimates(
        revision=revision,
        quantity=asked.quantity,
        estimates=tuple(sorted((it for it in judged if isinstance(it, MachineEstimate)), key=_by_price)),
        unable=tuple(sorted((it for it in judged if isinstance(it, MachineUnable)), key=_by_nearness)),
    )


def list_constants(session: Session, *, mark: Mark | None = None) -> tuple[SourcedFigure, ...]:
    """Return every constant that estimates and shipping stand on: all, or those of one mark.

    What nodes state and what was learnt from builds and prints is each machine's own, and comes with its estimates.
    """
    models, materials = network.read_catalogue(session)
    found = all_constants(map(network.machine_facts, models), map(network.material_facts, materials))
    return tuple(figure for figure in (*found, *freight_constants()) if mark in (None, figure.mark))


class _Judge:
    """Says of one offer after the other what a revision would take there, or why it can't be printed there."""

    def __init__(self, revision: RevisionView, *, quantity: int, offered: Offerings, grid: GridBook, on: date) -> None:
        self._part = part_geometry(revision)
        self._line = line_facts(revision, criticality="", destination_country="", packaging=revision.packaging)
        self._quantity = quantity
        self._offered = offered
        self._grid = grid
        self._on = on

    def is_in_its_world(self, offer: OfferView) -> bool:
        """Tell whether an offer's node and the revision are both of the real world, or of the same sandbox."""
        return same_world(self._line, node_facts(self._offered.nodes[offer.node_id])) is None

    def judge(self, offer: OfferView) -> MachineEstimate | MachineUnable:
        """Return the estimate for an offer, or what speaks against it."""
        node = self._offered.nodes[offer.node_id]
        reasons = tuple(self._hindrances(node, offer))
        if reasons:
            return MachineUnable(node=node, offer=offer, reasons=reasons)
        try:
            return self._estimated(node, offer)
        except (InvalidFact, PartDoesNotFit) as refusal:
            reason = Hindrance(code=NO_ESTIMATE, message=refusal.message)
            return MachineUnable(node=node, offer=offer, reasons=(reason,))

    def _hindrances(self, node: NodeView, offer: OfferView) -> Iterator[Hindrance]:
        status = self._offered.machines[offer.machine_id].status
        facts = offer_facts(offer, machine_status=status)
        if facts.process_material not in self._line.process_materials:
            allowed = ", ".join(sorted(self._line.process_materials)) or "nothing yet"
            message = f"prints {facts.process_material}, the part allows {allowed}"
            yield Hindrance(code=ExclusionCode.PROCESS_MATERIAL, message=message)
            return
        broken = (
            node_up(node_facts(node)),
            machine_up(facts),
            parameter_set_qualified(facts),
            parameter_set_allowed(self._line, facts),
            build_volume(self._line, facts),
        )
        yield from (Hindrance(code=it.code, message=it.message) for it in broken if it is not None)

    def _estimated(self, node: NodeView, offer: OfferView) -> MachineEstimate:
        electricity = self._electricity(node)
        estimate = estimate_production(
            part=self._part,
            machine=network.machine_facts(offer.model),
            material=network.material_facts(offer.material),
            rates=network.rates_of(node, offer, grid_g_per_kwh=electricity.value),
            quantity=self._quantity,
            evidence=network.evidence_of(offer),
        )
        return MachineEstimate(node=node, offer=offer, estimate=estimate, figures=(*estimate.figures, electricity))

    def _electricity(self, node: NodeView) -> SourcedFigure:
        """Return the carbon of a node's electricity: its own figure, else that of its country's grid."""
        code, unit, own = "grid_g_per_kwh", "g CO2e per kWh", node.grid_g_co2_per_kwh
        if own is not None:
            return SourcedFigure(code=code, value=own, unit=unit, mark=Mark.STATED, source="the node's own supply")
        found = grid_g_per_kwh(self._grid, node.country, self._on)
        mark = Mark.ASSUMPTION if found.assumed else mark_of(found.source)
        return SourcedFigure(code=code, value=found.g_per_kwh, unit=unit, mark=mark, source=found.source)


def _revision(session: Session, principal: Principal, asked: EstimateAsked) -> RevisionView:
    """Return the revision that is asked for; without a name the released one, else the last."""
    parts = inventory.find_parts(session, organisation_id=principal.organisation_id, part_nos={asked.part})
    part = parts.get(asked.part)
    if part is None:
        message = f"you have no part {asked.part}: GET /v1/parts"
        raise PartNotInInventory(message, problems=(FieldProblem(pointer="/part", message=message),))
    fitting = [it for it in part.revisions if asked.revision in (None, it.revision)]
    if not fitting:
        message = _no_revision(part, asked)
        raise RevisionNotInInventory(message, problems=(FieldProblem(pointer="/revision", message=message),))
    return next((it for it in fitting if it.state == "released"), fitting[-1])


def _no_revision(part: PartView, asked: EstimateAsked) -> str:
    if not part.revisions:
        return f"{asked.part} has no revision yet: add one with POST /v1/parts/{part.part_no}/revisions"
    known = ", ".join(it.revision for it in part.revisions)
    return f"{asked.part} has no revision {asked.revision}: there is {known}"


def _offered(session: Session, principal: Principal, asked: EstimateAsked, *, on: date) -> Offerings:
    """Return what is offered where it is asked for; to a bureau, its own nodes only."""
    if asked.node_id is not None:
        _require_visible(principal, network.find_node(session, node_id=asked.node_id))
    found = network.read_offerings(session, on=on, node_id=asked.node_id)
    offers = [
        offer
        for offer in found.offers
        if asked.machine_id in (None, offer.machine_id) and _may_see(principal, found.nodes[offer.node_id])
    ]
    if asked.machine_id is not None and not offers:
        place = asked.node_id or "any node"
        message = f"there is no machine {asked.machine_id} at {place}: GET /v1/nodes/{{node_id}} lists machines"
        raise UnknownMachine(message, problems=(FieldProblem(pointer="/machine_id", message=message),))
    return replace(found, offers=tuple(offers))


def _require_visible(principal: Principal, node: NodeView) -> None:
    if not _may_see(principal, node):
        raise network.UnknownNode(f"there is no node {node.node_id} of yours")


def _may_see(principal: Principal, node: NodeView) -> bool:
    return principal.kind != "bureau" or node.organisation_id == principal.organisation_id


def _by_price(found: MachineEstimate) -> tuple[int, int, str]:
    return found.estimate.price_minor, found.estimate.build_minutes, found.offer.offer_id


def _by_nearness(found: MachineUnable) -> tuple[bool, int, str]:
    other_material = any(reason.code == ExclusionCode.PROCESS_MATERIAL for reason in found.reasons)
    return other_material, len(found.reasons), found.offer.offer_id
