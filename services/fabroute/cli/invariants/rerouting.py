"""Rules about jobs that left their node, and where their line went."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = ()
