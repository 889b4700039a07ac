"""What certificates and first articles prove, and until when. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fabroute.solver.eligibility.proofs import first_article_ends

__all__ = [
    "SITE_SCOPE",
    "Box",
    "CertificateState",
    "CertificateView",
    "FirstArticleState",
    "FirstArticleView",
    "MachineRow",
    "PlainCapability",
    "PrintNeeds",
    "ScopeKind",
    "box_fits",
    "capable_by_plain_rule",
    "certificate_covers",
    "certificate_valid",
    "first_article_ends",
    "scope_kind",
]

SITE_SCOPE = "*"

Box = tuple[float, float, float]
ScopeKind = Literal["site", "process", "process_material", "machine", "parameter_set"]
CertificateState = Literal["waiting", "valid", "not_yet_valid", "expired", "revoked"]
FirstArticleState = Literal["valid", "not_yet_valid", "lapsed", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """A node's certificate, from a day to a day (both included), for what its scope names.

    ``scope`` is ``*`` (the site), ``PROCESS`` or ``PROCESS:MATERIAL``; a machine or parameter set narrows it further.
    """

    certificate_id: str
    node_id: str
    scheme: str
    scope_kind: str
    scope: str
    valid_from: date
    valid_to: date
    machine_id: str | None = None
    parameter_set: str | None = None
    number: str = ""
    issuer: str = ""
    evidence_sha256: str | None = None
    evidence_name: str = ""
    evidence_media_type: str = ""
    submitted_by: str = ""
    submitted_at: datetime | None = None
    verified_by: str | None = None
    verified_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revocation_reason: str = ""

    @property
    def verified(self) -> bool:
        """Whether the operator has looked at it: without that it proves nothing."""
        return self.verified_at is not None

    @property
    def revoked(self) -> bool:
        """Whether it was taken back before its last day."""
        return self.revoked_at is not None

    def state_on(self, day: date) -> CertificateState:
        """Return whether it counts on ``day``, or what keeps it from counting."""
        if self.revoked:
            return "revoked"
        if day > self.valid_to:
            return "expired"
        if not self.verified:
            return "waiting"
        return "valid" if day >= self.valid_from else "not_yet_valid"


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
    approved_by: str = ""
    evidence_sha256: str | None = None
    evidence_name: str = ""
    evidence_media_type: str = ""
    note: str = ""
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revocation_reason: str = ""

    @property
    def ends_on(self) -> date:
        """The last day on which it counts, if nothing is produced before."""
        return first_article_ends(self.last_production_on)

    @property
    def revoked(self) -> bool:
        """Whether it was taken back."""
        return self.revoked_at is not None

    def state_on(self, day: date) -> FirstArticleState:
        """Return whether it counts on ``day``, or what keeps it from counting."""
        if self.revoked:
            return "revoked"
        if day > self.ends_on:
            return "lapsed"
        return "valid" if day >= self.approved_on else "not_yet_valid"


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


def scope_kind(*, scope: str, machine_id: str | None, parameter_set: str | None) -> ScopeKind:
    """Return the narrowest thing that a certificate names."""
    if parameter_set is not None:
        return "parameter_set"
    if machine_id is not None:
        return "machine"
    if scope == SITE_SCOPE:
        return "site"
    return "process_material" if ":" in scope else "process"


def certificate_covers(certificate: CertificateView, *, scheme: str, process_material: str) -> bool:
    """Return whether a certificate is of ``scheme`` and for all of the site or all of this ``PROCESS:MATERIAL``.

    The plain rule asks no more; whether one for a single machine or parameter set covers an offer, the gates say.
    """
    return (
        certificate.scheme == scheme
        and certificate.scope in (SITE_SCOPE, process_material)
        and certificate.machine_id is None
        and certificate.parameter_set is None
    )


def certificate_valid(certificate: CertificateView, *, first_day: date, last_day: date) -> bool:
    """Return whether a certificate is valid on every day from ``first_day`` to ``last_day``, both included."""
    return certificate.valid_from <= first_day and last_day <= certificate.valid_to


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
