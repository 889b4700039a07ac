"""The gates: each rule that a node must pass for a line is one function that says what is wrong, with figures."""

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import (
    CertificateFacts,
    Exclusion,
    FirstArticleFacts,
    LicenceFacts,
    LineFacts,
    LotFacts,
    NodeFacts,
    OfferFacts,
    ProductionWindow,
    RuledOutFacts,
)

__all__ = [
    "CertificateFacts",
    "Exclusion",
    "ExclusionCode",
    "FirstArticleFacts",
    "LicenceFacts",
    "LineFacts",
    "LotFacts",
    "NodeFacts",
    "OfferFacts",
    "ProductionWindow",
    "RuledOutFacts",
]
