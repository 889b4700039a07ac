"""What gates look at, kept from claim to claim for as long as the database says that nothing of it was touched."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlmodel import Session

from fabroute.inventory.service import RevisionView
from fabroute.network.service import NodeDetail
from fabroute.production.repository import claims as claim_rows
from fabroute.production.service.recheck import GateFacts, read_gate_facts
from fabroute.qualification.service import CertificateView, FirstArticleView, Qualifications

_MOST = 5_000
Stamps = dict[tuple[str, str], str]


@dataclass(slots=True)
class GateBook:
    """Facts about revisions and nodes with the stamps that they had when they were read. For one thread at a time.

    Every look asks for the present stamps, in the transaction that goes by them: facts are never older than that.
    """

    _stamps: Stamps = field(default_factory=dict)
    _revisions: dict[str, RevisionView] = field(default_factory=dict)
    _nodes: dict[str, NodeDetail] = field(default_factory=dict)
    _certificates: dict[str, tuple[CertificateView, ...]] = field(default_factory=dict)
    _articles: dict[tuple[str, str, str, str], FirstArticleView] = field(default_factory=dict)

    def facts(self, session: Session, *, revision_ids: Collection[str], node_ids: Collection[str]) -> GateFacts:
        """Return the facts of now about these revisions and nodes, and perhaps about others of before."""
        stamps = claim_rows.read_gate_stamps(session, revision_ids=revision_ids, node_ids=node_ids)
        stale = {key for key, stamp in stamps.items() if self._stamps.get(key) != stamp}
        if stale:
            revisions = {identifier for kind, identifier in stale if kind == "revision"}
            nodes = {identifier for kind, identifier in stale if kind == "node"}
            self._take(read_gate_facts(session, revision_ids=revisions, node_ids=nodes), revisions)
            self._stamps |= {key: stamps[key] for key in stale}
        proofs = Qualifications(certificates=self._certificates, first_articles=self._articles)
        return GateFacts(revisions=self._revisions, nodes=self._nodes, proofs=proofs)

    def _take(self, read: GateFacts, revision_ids: Collection[str]) -> None:
        if len(self._stamps) > _MOST:
            for known in (self._stamps, self._revisions, self._nodes, self._certificates, self._articles):
                known.clear()
        self._revisions |= read.revisions
        self._nodes |= read.nodes
        self._certificates |= {node_id: read.proofs.certificates.get(node_id, ()) for node_id in read.nodes}
        for key in [key for key in self._articles if key[0] in revision_ids]:
            del self._articles[key]
        self._articles |= read.proofs.first_articles
