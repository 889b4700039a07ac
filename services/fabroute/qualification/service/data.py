"""What is handed in: certificates, first articles and the files that prove them."""

from dataclasses import dataclass
from datetime import date

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.qualification.rules import SITE_SCOPE, ScopeKind, scope_kind

NO_CERTIFICATE = "52901"
"""ISO/ASTM 52901 says how printed parts are bought; nobody is certified by it."""


class InvalidCertificate(DomainError):
    """A certificate or first article with dates, a scope or a place that can't be; the message lists what can."""

    code = "invalid_certificate"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file in the store that proves something."""

    sha256: str
    name: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCertificate:
    """A certificate of a node, from its first to its last day.

    ``scope`` is ``*`` (the site), ``PROCESS`` or ``PROCESS:MATERIAL``; a machine or parameter set narrows it further.
    """

    node_id: str
    scheme: str
    scope: str
    valid_from: date
    valid_to: date
    machine_id: str | None = None
    parameter_set: str | None = None
    number: str = ""
    issuer: str = ""
    certificate_id: str | None = None

    def __post_init__(self) -> None:
        if self.valid_from > self.valid_to:
            message = f"{self.scheme} of {self.node_id} ends ({self.valid_to}) before it begins ({self.valid_from})"
            raise invalid("/valid_to", f"{message}: swap or correct the dates")
        if not self.scheme.strip():
            raise invalid("/scheme", "a certificate needs its scheme, as parts ask for it: for instance ISO9001")
        if NO_CERTIFICATE in self.scheme:
            raise invalid("/scheme", "ISO/ASTM 52901 is a standard for purchase orders, not a certificate of a node")

    @property
    def scope_kind(self) -> ScopeKind:
        """The narrowest thing that it names."""
        return scope_kind(scope=self.scope, machine_id=self.machine_id, parameter_set=self.parameter_set)

    @property
    def what(self) -> str:
        """The scope in words."""
        place = "the site" if self.scope == SITE_SCOPE else self.scope
        return ", ".join(name for name in (place, self.machine_id, self.parameter_set) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFirstArticle:
    """An approved first article of a part revision on one machine with one material and parameter set."""

    revision_id: str
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    approved_on: date
    last_production_on: date
    note: str = ""
    first_article_id: str | None = None

    def __post_init__(self) -> None:
        if self.approved_on > self.last_production_on:
            raise invalid(
                "/last_production_on",
                f"the first article of {self.revision_id} on {self.machine_id} was approved on {self.approved_on}, "
                f"after its last production ({self.last_production_on}): the first article is itself a production",
            )


def invalid(pointer: str, message: str) -> InvalidCertificate:
    """Return the refusal of one field."""
    return InvalidCertificate(message, problems=(FieldProblem(pointer=pointer, message=message),))
