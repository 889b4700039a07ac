"""The cheapest place to print a part: every machine model with every material, at every node that may be cheapest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fabroute.advice.rules.screening_parts import PrintedUnit
from fabroute.estimation.breakdown import rounded_rows
from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.coefficients import line_cost
from fabroute.estimation.facts import Box, MachineModelFacts, MaterialFacts, NodeRates, PartGeometry
from fabroute.estimation.plan import plan_build
from fabroute.estimation.rotations import fitting_rotations


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintOffer:
    """A machine of a node that is up, with a material and the node's rates."""

    node_id: str
    machine_id: str
    machine: MachineModelFacts
    material: MaterialFacts
    rates: NodeRates
    evidence: Evidence = NO_EVIDENCE

    @property
    def kind(self) -> tuple[str, str]:
        """Return what a build plan depends on: machine model and material."""
        return (self.machine.model, self.material.code)

    @property
    def order(self) -> tuple[str, str]:
        """Return what decides between equal prices."""
        return (self.node_id, self.machine_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintMarket:
    """What can be printed where. Made by ``print_market``."""

    offers: Mapping[tuple[str, str], Sequence[PrintOffer]]
    """By machine model and material: those that no other one undercuts in everything."""
    materials: Mapping[str, MaterialFacts]

    def kinds_for(self, wishes: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return the pairs of machine model and material that meet one of the wishes.

        A wish is a process (``LPBF``), a material (``PA12-MJF``, or ``PA12`` whatever prints it, which is not
        ``PA12-GF``), or both (``MJF:PA12``); upper or lower case.
        """
        plain = [wish.strip().upper() for wish in wishes]
        return tuple(
            kind for kind, (offer, *_) in self.offers.items() if any(_meets(offer.material, wish) for wish in plain)
        )

    def materials_for(self, wishes: Iterable[str]) -> tuple[MaterialFacts, ...]:
        """Return the materials that meet one of the wishes, in the order of their codes."""
        codes = sorted({material for _, material in self.kinds_for(wishes)})
        return tuple(self.materials[code] for code in codes)

    def boxes_for(self, kinds: Iterable[tuple[str, str]] | None) -> tuple[Box, ...]:
        """Return the build volumes (mm) of the machines of these kinds, or of all, the largest first."""
        wanted = self.offers if kinds is None else kinds
        boxes = {self.offers[kind][0].machine.box_mm for kind in wanted}
        return tuple(sorted(boxes, key=lambda box: (-box[0] * box[1] * box[2], box)))

    def cheapest(self, part: PartGeometry, kinds: Iterable[tuple[str, str]], *, quantity: int) -> PrintedUnit | None:
        """Return the cheapest way to print an order of so many, None if the part fits no machine of these kinds.

        Of equal prices the first node and machine by name is taken.
        """
        best: tuple[int, tuple[str, str], PrintOffer] | None = None
        for kind in kinds:
            offers = self.offers[kind]
            if not fitting_rotations(part.box_mm, offers[0].machine.box_mm):
                continue
            for offer in offers:
                found = (_price_minor(part, offer, quantity), offer.order, offer)
                best = found if best is None or found[:2] < best[:2] else best
        return None if best is None else _printed(best[2], best[0], quantity)


def print_market(offers: Iterable[PrintOffer]) -> PrintMarket:
    """Return the market of these offers, without those that can't be the cheapest for any part."""
    by_kind: dict[tuple[str, str], list[PrintOffer]] = {}
    for offer in sorted(offers, key=lambda it: (it.kind, it.order)):
        by_kind.setdefault(offer.kind, []).append(offer)
    return PrintMarket(
        offers={kind: _undercut_by_none(found) for kind, found in by_kind.items()},
        materials={offer.material.code: offer.material for found in by_kind.values() for offer in found},
    )


def _undercut_by_none(offers: Sequence[PrintOffer]) -> tuple[PrintOffer, ...]:
    """Return the offers that may be cheapest: the price never falls with a rate, and never rises with the yield."""
    kept: list[PrintOffer] = []
    for offer in offers:
        if not any(_undercuts(other, offer) for other in kept):
            kept = [other for other in kept if not _undercuts(offer, other)] + [offer]
    return tuple(kept)


def _undercuts(one: PrintOffer, other: PrintOffer) -> bool:
    """Tell whether one offer is at most as dear in everything; of equal ones, whether it is the first by name."""
    if one.evidence != other.evidence:
        return False
    ours, theirs = _rates_of(one), _rates_of(other)
    if ours == theirs:
        return one.order < other.order
    return all(mine <= its for mine, its in zip(ours, theirs, strict=True))


def _rates_of(offer: PrintOffer) -> tuple[float, ...]:
    rates, machine, material = offer.rates, offer.machine, offer.material
    hour, kilogram = rates.machine_minor_per_hour, rates.material_minor_per_kg
    return (
        rates.labour_minor_per_hour,
        rates.margin,
        rates.minimum_order_minor,
        -rates.first_pass_yield,
        machine.rate_minor_per_hour if hour is None else hour,
        material.price_minor_per_kg if kilogram is None else kilogram,
    )


def _price_minor(part: PartGeometry, offer: PrintOffer, quantity: int) -> int:
    """Return the price of an estimate, to the cent, without the times and grams that nobody asks for here."""
    plan = plan_build(part, offer.machine, offer.material)
    costs = line_cost(plan, offer.machine, offer.material, offer.rates, offer.evidence)
    rows = rounded_rows(costs.rows(builds=plan.builds(quantity), quantity=quantity))
    return max(offer.rates.minimum_order_minor, sum(row.amount_minor for row in rows))


def _printed(offer: PrintOffer, price_minor: int, quantity: int) -> PrintedUnit:
    return PrintedUnit(
        node_id=offer.node_id,
        machine_id=offer.machine_id,
        machine_model=offer.machine.model,
        process=offer.machine.process.value,
        material=offer.material.code,
        quantity=quantity,
        price_minor=price_minor,
    )


def _meets(material: MaterialFacts, wish: str) -> bool:
    process, colon, named = wish.rpartition(":")
    code = material.code.upper()
    if colon and process != material.process.value:
        return False
    plain, _, suffix = code.rpartition("-")
    names = (material.process.value, code, plain if suffix and material.process.startswith(suffix) else code)
    return not named or named in names
