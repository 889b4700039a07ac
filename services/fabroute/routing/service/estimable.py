"""Machines that nothing can be estimated for, because a row about them says what no machine or material can be."""

from functools import lru_cache

import structlog

from fabroute.estimation.facts import InvalidFact
from fabroute.network.service import OfferView
from fabroute.solver.eligibility import Exclusion, ExclusionCode

_MOST_REMEMBERED = 4_096
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing")


def no_estimate(offer: OfferView, error: InvalidFact) -> Exclusion:
    """Return why a machine is left out whose figures can't be; the first time, the log says so too.

    The code is ``NODE_DOWN``: the machine is there and would print it, but can't be used until its row is put right.
    """
    _say_once(offer.machine_id, offer.offer_id, error.message)
    return Exclusion(
        code=ExclusionCode.NODE_DOWN,
        message=f"machine {offer.machine_id} can't be estimated with: {error.message}",
        figures={"status": "not_estimable", "invalid": error.message},
        machine_id=offer.machine_id,
    )


@lru_cache(maxsize=_MOST_REMEMBERED)
def _say_once(machine_id: str, offer_id: str, message: str) -> None:
    _log.warning("routing.machine_not_estimable", machine_id=machine_id, machine_offer_id=offer_id, error=message)
