"""The table of certificates: what nodes can prove, for what, until when."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, TableKind, collecting, judged, raise_all
from fabroute.api.errors import NodeNotYours
from fabroute.api.schemas.imports import CertificateRow, Outcome
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.network import service as network
from fabroute.qualification import service as qualification
from fabroute.qualification.service import (
    CertificateRevoked,
    CertificateView,
    InvalidCertificate,
    KnownNetwork,
    NewCertificate,
)

COLUMNS = (
    Column(name="node_id", required=True),
    Column(name="scheme", required=True),
    Column(name="scope"),
    Column(name="machine_id"),
    Column(name="parameter_set"),
    Column(name="number"),
    Column(name="issuer"),
    Column(name="valid_from", required=True),
    Column(name="valid_to", required=True),
)
_NAMES = tuple(column.name for column in COLUMNS)
_PAGE = 1_000

Said = tuple[object, ...]


def take_certificates(
    session: Session, rows: Sequence[CertificateRow], terms: ImportTerms
) -> list[Outcome | DomainError]:
    """Hand in the certificates of a table that are not there yet; those of the operator count at once."""
    caller = terms.caller
    is_operator = caller.kind == "operator"
    qualification.hold_certificates(session)
    desk = _Desk(
        network=qualification.read_known_network(session, today=terms.now.date()),
        managed=None if is_operator else network.nodes_of(session, organisation_id=caller.organisation_id),
        known=_known_certificates(session, {row.node_id for row in rows}),
    )
    found = judged(desk.judge, rows)
    added = [item for item in found if isinstance(item, NewCertificate)]
    qualification.add_certificates(
        session, certificates=added, actor=caller.key_id, verified=is_operator, now=terms.now
    )
    return ["created" if isinstance(item, NewCertificate) else item for item in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where certificates are looked at: what there is, and whose nodes the caller may speak for."""

    network: KnownNetwork
    managed: Collection[str] | None
    """``None`` for all nodes."""
    known: Mapping[Said, CertificateView]

    def judge(self, row: CertificateRow) -> NewCertificate | Outcome:
        """Return the certificate that a row hands in, unless it is there already."""
        known = self.known.get(_said(row))
        if known is None:
            return self._checked(row)
        self._require_managed(row.node_id)
        if known.revoked:
            raise CertificateRevoked(
                f"this certificate was revoked on {known.revoked_at:%Y-%m-%d}: leave the row out, or give the number "
                "of the new one"
            )
        return "unchanged"

    def _checked(self, row: CertificateRow) -> NewCertificate:
        """Return the certificate of a row; everything that is wrong with it is raised at once."""
        said = {name: getattr(row, name) for name in _NAMES}
        refusals: list[DomainError] = []
        with collecting(refusals):
            self._require_managed(row.node_id)
        with collecting(refusals):
            NewCertificate(**said)
        in_order = said | {"valid_to": max(row.valid_from, row.valid_to)}
        with collecting(refusals):
            self._require_known(NewCertificate(**in_order))
        raise_all(_each_once(refusals))
        return NewCertificate(**said)

    def _require_managed(self, node_id: str) -> None:
        if self.managed is not None and node_id not in self.managed:
            message = f"node {node_id} is changed by its own organisation or by the operator"
            raise NodeNotYours(message, problems=(FieldProblem(pointer="/node_id", message=message),))

    def _require_known(self, certificate: NewCertificate) -> None:
        problems = self.network.certificate_problems(certificate)
        if problems and (self.managed is None or certificate.node_id in self.managed):
            raise InvalidCertificate(". ".join(problem.message for problem in problems), problems=problems)


CERTIFICATES = TableKind(
    columns=COLUMNS,
    model=CertificateRow,
    key_of=lambda row: " ".join(str(value) for value in _said(row) if value),
    take=take_certificates,
)


def certificate_rows(certificates: Sequence[CertificateView]) -> Iterator[dict[str, object]]:
    """Yield the rows of certificates that were not revoked, as an import takes them."""
    for certificate in certificates:
        if not certificate.revoked:
            row = {name: getattr(certificate, name) for name in _NAMES}
            yield row | {name: row[name].isoformat() for name in ("valid_from", "valid_to")}


def _each_once(refusals: Sequence[DomainError]) -> list[DomainError]:
    return list({refusal.message: refusal for refusal in refusals}.values())


def _said(thing: CertificateRow | CertificateView) -> Said:
    return tuple(getattr(thing, name) for name in _NAMES)


def _known_certificates(session: Session, node_ids: set[str]) -> dict[Said, CertificateView]:
    known: dict[Said, CertificateView] = {}
    for certificate in _all_certificates(session, node_ids):
        held = known.setdefault(_said(certificate), certificate)
        if held.revoked:  # one that stands goes before one that was revoked
            known[_said(certificate)] = certificate
    return known


def _all_certificates(session: Session, node_ids: set[str]) -> Iterator[CertificateView]:
    cursor = None
    while True:
        page = qualification.list_certificates(session, node_ids=node_ids, cursor=cursor, limit=_PAGE)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
