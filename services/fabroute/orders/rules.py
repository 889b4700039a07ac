"""What an order may ask for."""

from typing import Literal

Objective = Literal["cheapest", "fastest", "balanced", "greenest"]
Criticality = Literal["routine", "line_down", "aog", "consumer", "patient", "safety"]
Packaging = Literal["plain", "brand", "esd", "medical_clean"]

MAXIMUM_LINES = 20
MINIMUM_QUANTITY = 1
MAXIMUM_QUANTITY = 100_000
CURRENCY = "EUR"
GLOBAL_SCOPE = "global"
"""The one planning scope of this version: lines of a scope are decided together."""


def default_objective(criticality: str) -> Objective:
    """Return the objective of an order that names none (assumption): haste where something stands still."""
    if criticality in ("aog", "line_down"):
        return "fastest"
    return "balanced" if criticality == "consumer" else "cheapest"
