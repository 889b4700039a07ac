"""Rules about the queue: offers, claims and leases."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = ()
