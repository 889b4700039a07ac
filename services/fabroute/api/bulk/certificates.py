"""The table of certificates: what nodes can prove, for what, until when."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, TableKind
from fabroute.api.errors import NodeNotYours
from fabroute.api.schemas.imports import CertificateRow, Outcome
from fabroute.kernel.errors import FieldProblem
from fabroute.network import service as network
from fabroute.qualification import service as qualification
from fabroute.qualification.service import CertificateRevoked, CertificateView, NewCertificate

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


class CertificateTaker:
    """Hands in the certificates of a table that are not there yet; those of the operator count at once."""

    def __init__(self, session: Session, rows: Sequence[CertificateRow], terms: ImportTerms) -> None:
        self._session = session
        self._terms = terms
        own = network.nodes_of(session, organisation_id=terms.caller.organisation_id)
        self._managed = None if terms.caller.kind == "operator" else own
        nodes = {row.node_id for row in rows}
        self._known: dict[Said, CertificateView] = {}
        for certificate in _all_certificates(session, nodes):
            held = self._known.setdefault(_said(certificate), certificate)
            if held.revoked:  # one that stands goes before one that was revoked
                self._known[_said(certificate)] = certificate

    def take(self, row: CertificateRow) -> Outcome:
        """Hand in one certificate, unless it is there already."""
        if self._managed is not None and row.node_id not in self._managed:
            message = f"node {row.node_id} is changed by its own organisation or by the operator"
            raise NodeNotYours(message, problems=(FieldProblem(pointer="/node_id", message=message),))
        known = self._known.get(_said(row))
        if known is not None and known.revoked:
            raise CertificateRevoked(
                f"this certificate was revoked on {known.revoked_at:%Y-%m-%d}: leave the row out, or give the number "
                "of the new one"
            )
        if known is not None:
            return "unchanged"
        caller, now = self._terms.caller, self._terms.now
        certificate = NewCertificate(**{name: getattr(row, name) for name in _NAMES})
        qualification.add_certificate(
            self._session,
            certificate=certificate,
            actor=caller.key_id,
            verified=caller.kind == "operator",
            now=now,
        )
        return "created"


CERTIFICATES = TableKind(
    columns=COLUMNS,
    model=CertificateRow,
    key_of=lambda row: " ".join(str(value) for value in _said(row) if value),
    taker=CertificateTaker,
)


def certificate_rows(certificates: Sequence[CertificateView]) -> Iterator[dict[str, object]]:
    """Yield the rows of certificates that were not revoked, as an import takes them."""
    for certificate in certificates:
        if not certificate.revoked:
            row = {name: getattr(certificate, name) for name in _NAMES}
            yield row | {name: row[name].isoformat() for name in ("valid_from", "valid_to")}


def _said(thing: CertificateRow | CertificateView) -> Said:
    return tuple(getattr(thing, name) for name in _NAMES)


def _all_certificates(session: Session, node_ids: set[str]) -> Iterator[CertificateView]:
    cursor = None
    while True:
        page = qualification.list_certificates(session, node_ids=node_ids, cursor=cursor, limit=_PAGE)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
