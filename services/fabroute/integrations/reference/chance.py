"""Chance that repeats: every choice has a generator of its own, seeded by what it is about."""

import random

SEED = 56
"""The first one with which two nodes could make every part on the base day, wherever the files leave two."""


def chance(*about: str) -> random.Random:
    """Return a generator for one choice, such as ``chance("lots", node_id, material)``.

    Each choice stands alone: a new node in the files changes nothing at the others.
    """
    return random.Random("/".join((str(SEED), *about)))
