"""With whom a part may be in one build: one function for each rule that keeps it apart.

A rule answers with the words why, or with nothing. Parts of one company may meet: everybody's, or an owner's own. The
same rules hold where lines are routed together and where a node puts jobs into a build.
"""

from collections.abc import Callable
from dataclasses import dataclass

EVERYBODY = ""
"""Company of parts that share a build with the parts of any owner."""

_CRITICALITIES = frozenset({"patient", "safety"})
_MEDICAL_SECTORS = frozenset({"medical"})
_MEDICAL_CERTIFICATES = frozenset({"ISO13485"})
_MEDICAL_PACKAGING = frozenset({"medical_clean"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInBuild:
    """What decides with whom a part may be made; where order and part both say something, both count."""

    organisation_id: str
    """Its owner's."""
    export_class: str = "none"
    sector: str = ""
    criticalities: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    """Schemes that its maker has to hold."""
    packaging: frozenset[str] = frozenset()
    part_qualification: bool = False
    """Whether it needs a first article."""
    may_share: bool = True
    """Whether its owner lets it be made beside the parts of others."""


Rule = Callable[[PartInBuild], str | None]


def export_controlled(part: PartInBuild) -> str | None:
    """Keep parts under export control apart: nobody else's people handle their build."""
    return None if part.export_class == "none" else f"it is under export control ({part.export_class})"


def medical(part: PartInBuild) -> str | None:
    """Keep medical parts apart: by sector, by ISO 13485, or because they leave in medical packaging."""
    reasons = (
        part.sector in _MEDICAL_SECTORS and "it is a medical part",
        bool(part.certificates & _MEDICAL_CERTIFICATES) and "it needs ISO13485",
        bool(part.packaging & _MEDICAL_PACKAGING) and "it is packed as medical_clean",
    )
    return next((reason for reason in reasons if reason), None)


def critical(part: PartInBuild) -> str | None:
    """Keep parts apart on which a patient or somebody's safety depends."""
    found = sorted(part.criticalities & _CRITICALITIES)
    return f"it is critical ({', '.join(found)})" if found else None


def qualified_alone(part: PartInBuild) -> str | None:
    """Keep parts apart that need a first article: the evidence is of their own build."""
    return "it needs a first article" if part.part_qualification else None


def forbidden_by_owner(part: PartInBuild) -> str | None:
    """Keep parts apart whose owner's policy says so (``share_builds``)."""
    return None if part.may_share else "its owner's policy lets no other owner share its builds"


RULES: tuple[Rule, ...] = (export_controlled, medical, critical, qualified_alone, forbidden_by_owner)


_REGULATED: tuple[Rule, ...] = (medical, critical, qualified_alone)


def of_one_lot(part: PartInBuild) -> bool:
    """Return whether all pieces of an order have to be of one lot: regulated parts, whose evidence is of their lot."""
    return any(rule(part) is not None for rule in _REGULATED)


def reasons_apart(part: PartInBuild) -> tuple[str, ...]:
    """Return every reason why a part shares no build with the parts of other owners; none: it may."""
    return tuple(reason for reason in (rule(part) for rule in RULES) if reason is not None)


def company_of(part: PartInBuild) -> str:
    """Return with whom a part may share a build: equal companies may meet.

    ``EVERYBODY``, or its own owner's id. What is under export control meets nothing but parts of its owner and class.
    """
    if not reasons_apart(part):
        return EVERYBODY
    if export_controlled(part) is not None:
        return f"{part.organisation_id}/{part.export_class}"
    return part.organisation_id
