"""Other materials and processes in which a line without a way could be made: which offers are worth a look."""

from collections import Counter
from collections.abc import Iterable

from fabroute.network.service import OfferView
from fabroute.orders.rules import FAMILY_OF, OTHER_FAMILY
from fabroute.routing.service.explaining.demands import ACCEPT
from fabroute.routing.service.explaining.oversize import Envelope
from fabroute.solver.eligibility import Exclusion, ExclusionCode

MOST_LOOKS, LEAST_LOOKS = 16, 2
"""Offers that are priced for one line, as long as a run has few lines without a way."""
LOOKS_PER_RUN = 120


def looks_per_line(lines: int) -> int:
    """Return how many offers in other materials are priced for each of so many lines without a way."""
    return max(LEAST_LOOKS, min(MOST_LOOKS, LOOKS_PER_RUN // max(1, lines)))


def pair_of(offer: OfferView) -> str:
    """Return an offer's process and material as parts name them: ``MJF:PA12-MJF``."""
    return f"{offer.process}:{offer.material.code}"


def is_related(offer: OfferView, allowed: frozenset[str]) -> bool:
    """Tell whether an offer is not among the allowed pairs, but of the same family of processes as one of them."""
    families = {_family(pair) for pair in allowed}
    return pair_of(offer) not in allowed and _family(offer.process) in families


def not_accepted(offer: OfferView, allowed: frozenset[str]) -> Exclusion:
    """Return that a part is not to be made in an offer's process and material."""
    pair, listed = pair_of(offer), ", ".join(sorted(allowed))
    return Exclusion(
        code=ExclusionCode.PROCESS_MATERIAL,
        message=f"allowed: {listed}; this is {pair}",
        figures={"allowed": listed, "offered": pair, ACCEPT: pair},
        machine_id=offer.machine_id,
    )


def envelopes(offers: Iterable[OfferView], allowed: frozenset[str] | None = None) -> tuple[Envelope, ...]:
    """Return the machine models behind offers, of the allowed pairs or of all, each process with its machines."""
    machines = {
        (offer.model.model, offer.process, offer.machine_id, (offer.model.x_mm, offer.model.y_mm, offer.model.z_mm))
        for offer in offers
        if allowed is None or pair_of(offer) in allowed
    }
    counts = Counter((model, process, box) for model, process, _, box in machines)
    return tuple(
        Envelope(model=model, process=process, box_mm=box, machines=count)
        for (model, process, box), count in sorted(counts.items())
    )


def _family(pair: str) -> str:
    return FAMILY_OF.get(pair.partition(":")[0], OTHER_FAMILY)
