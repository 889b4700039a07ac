"""What certificates and first articles prove, and until when. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

SITE_SCOPE = "*"
FIRST_ARTICLE_YEARS = 2
"""A first article lapses after two years without production (vendor: AS9102B)."""

Box = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """A node's certificate, from a day to a day (both included), for its site (``*``) or one ``PROCESS:MATERIAL``."""

    certificate_id: str
    node_id: str
    scheme: str
    scope_kind: str
    scope: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstArticleView:
    """The proof that a machine made a part revision well with a material and parameter set."""

    first_article_id: str
    revision_id: str
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    approved_on: date
    last_production_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintNeeds:
    """What a part asks of a node by the plain rule: room (mm), one of its ``PROCESS:MATERIAL`` pairs, certificates."""

    box_mm: Box
    process_materials: Sequence[str]
    required_certificates: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRow:
    """A machine of a node with one ``PROCESS:MATERIAL`` that it prints, and its build volume (mm)."""

    node_id: str
    process_material: str
    box_mm: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCapability:
    """The nodes that could print a part, and those of them that hold all its certificates."""

    capable: frozenset[str]
    certified: frozenset[str]


def certificate_covers(certificate: CertificateView, *, scheme: str, process_material: str) -> bool:
    """Return whether a certificate is of ``scheme`` and its scope holds this ``PROCESS:MATERIAL``."""
    return certificate.scheme == scheme and certificate.scope in (SITE_SCOPE, process_material)


def certificate_valid(certificate: CertificateView, *, first_day: date, last_day: date) -> bool:
    """Return whether a certificate is valid on every day from ``first_day`` to ``last_day``, both included."""
    return certificate.valid_from <= first_day and last_day <= certificate.valid_to


def first_article_ends(last_production_on: date) -> date:
    """Return the last day on which a first article still counts: two years after the last production."""
    year = min(last_production_on.year + FIRST_ARTICLE_YEARS, date.max.year)
    try:
        return last_production_on.replace(year=year)
    except ValueError:  # 29 February, and no such day two years on
        return date(year, 2, 28)


def box_fits(part_mm: Box, machine_mm: Box) -> bool:
    """Return whether a part goes into a build volume in some axis-aligned rotation, without margins."""
    return all(part <= room for part, room in zip(sorted(part_mm), sorted(machine_mm), strict=True))


def capable_by_plain_rule(
    needs: PrintNeeds,
    *,
    rows: Iterable[MachineRow],
    certificates: Mapping[str, Sequence[CertificateView]],
    day: date,
) -> PlainCapability:
    """Return which nodes can print a part on ``day`` by the plain rule that the reference network's counts are made by.

    Capable: a machine row of an allowed pair whose build volume holds the part. Certified: for such a row, every
    required certificate is valid on that day for the site or for exactly that pair. Margins, first articles, export
    and stock narrow this further; they are no part of the plain rule.
    """
    fitting = [
        row for row in rows if row.process_material in needs.process_materials and box_fits(needs.box_mm, row.box_mm)
    ]
    certified = (row for row in fitting if _all_held(needs, row, certificates.get(row.node_id, ()), day))
    return PlainCapability(
        capable=frozenset(row.node_id for row in fitting), certified=frozenset(row.node_id for row in certified)
    )


def _all_held(needs: PrintNeeds, row: MachineRow, held: Sequence[CertificateView], day: date) -> bool:
    return all(
        any(
            certificate_covers(certificate, scheme=scheme, process_material=row.process_material)
            and certificate_valid(certificate, first_day=day, last_day=day)
            for certificate in held
        )
        for scheme in needs.required_certificates
    )
