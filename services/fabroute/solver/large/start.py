"""The first plan: lines that would lose most by losing their best option choose first."""

from __future__ import annotations

import numpy as np

from fabroute.solver.large.ledger import Ledger, Ways
from fabroute.solver.large.market import Market, Sweep
from fabroute.solver.large.placing import place_in_turn, rich_of
from fabroute.solver.large.rich import RichLedger
from fabroute.solver.plan import UNROUTED, FloatArray

_TOWARD = 0.25
"""Part of a build's opening that counts for the line that opens it: others may come after."""


def insert_by_regret(ledger: Ledger, ways: Ways, market: Market, priced: Sweep) -> None:
    """Route every line that fits, each to the option of least reduced cost that is still free and pays."""
    order = np.argsort(-regrets(market, priced), kind="stable").tolist()
    if isinstance(ledger, RichLedger):
        place_in_turn(rich_of(ledger, ways, market, priced), order, _TOWARD)
        return
    for line in order:
        for way in ways.by_price[line]:
            if ledger.fits(way):
                ledger.put(line, way)
                break


def regrets(market: Market, priced: Sweep) -> FloatArray:
    """Return, per line, how much dearer its second-best option (or staying unrouted) is than its best."""
    second = market.problem.unrouted_cost.astype(np.float64)
    ranked = np.lexsort((priced.reduced, market.line))
    has_two = np.diff(np.append(market.first, len(ranked))) > 1
    lines, runners_up = market.busy[has_two], ranked[market.first[has_two] + 1]
    second[lines] = np.minimum(second[lines], priced.reduced[runners_up])
    return np.asarray(second - priced.best)


def losses(ledger: Ledger, market: Market, priced: Sweep) -> FloatArray:
    """Return, per line, how much dearer its present choice is than its best one at these prices."""
    chosen = ledger.chosen()
    now = market.problem.unrouted_cost.astype(np.float64)
    routed = chosen != UNROUTED
    now[routed] = priced.reduced[np.searchsorted(market.option, chosen[routed])]
    return np.asarray(np.maximum(now - priced.best, 0.0))
