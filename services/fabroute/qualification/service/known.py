"""Whether a scope leads anywhere: nodes, machines, processes, materials and parameter sets that the network knows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlmodel import Session

from fabroute.kernel.errors import FieldProblem
from fabroute.network.service import MachineView, OfferView, read_network
from fabroute.qualification.rules import SITE_SCOPE
from fabroute.qualification.service.data import NewCertificate, NewFirstArticle

_SHOWN = 12
OnNode = TypeVar("OnNode", MachineView, OfferView)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNetwork:
    """What a certificate or first article may name. Read once, many can be checked against it."""

    owners: Mapping[str, str]
    """Whose each node is."""
    machines: Mapping[str, frozenset[str]]
    """The machines of each node that has any."""
    offers: tuple[OfferView, ...]
    offers_of: Mapping[str, tuple[OfferView, ...]]
    """The offers of each node that has any."""
    scopes: frozenset[str]

    def certificate_problems(self, certificate: NewCertificate) -> tuple[FieldProblem, ...]:
        """Return what a certificate names that isn't there, with what is; empty if all is."""
        if certificate.node_id not in self.owners:
            return (_problem("/node_id", f"there is no node {certificate.node_id}", self.owners),)
        return tuple(
            problem
            for problem in (self._scope(certificate), self._machine(certificate), self._parameter_set(certificate))
            if problem is not None
        )

    def first_article_problems(self, article: NewFirstArticle) -> tuple[FieldProblem, ...]:
        """Return what a first article names that isn't there, with what is; empty if all is."""
        if article.node_id not in self.owners:
            return (_problem("/node_id", f"there is no node {article.node_id}", self.owners),)
        machines = self._machines_of(article.node_id)
        if article.machine_id not in machines:
            return (_problem("/machine_id", f"{article.node_id} has no machine {article.machine_id}", machines),)
        offers = [offer for offer in self.offers if offer.machine_id == article.machine_id]
        materials = {offer.material.code for offer in offers}
        if article.material not in materials:
            return (_problem("/material", f"{article.machine_id} prints no {article.material}", materials),)
        sets = {offer.parameter_set for offer in offers if offer.material.code == article.material}
        if article.parameter_set not in sets:
            words = f"{article.machine_id} has no parameter set {article.parameter_set} for {article.material}"
            return (_problem("/parameter_set", words, sets),)
        return ()

    def process_of(self, article: NewFirstArticle) -> str:
        """Return the process of a machine with a material that it prints."""
        return next(
            offer.process
            for offer in self.offers
            if (offer.machine_id, offer.material.code) == (article.machine_id, article.material)
        )

    def _scope(self, certificate: NewCertificate) -> FieldProblem | None:
        if certificate.scope in self.scopes:
            return None
        processes = {offer.process for offer in self.offers}
        process, _, material = certificate.scope.partition(":")
        if process not in processes:
            return _problem("/scope", f"{certificate.scope!r} is no scope: use * for the site", processes)
        pairs = {_pair(offer) for offer in self.offers if offer.process == process}
        return _problem("/scope", f"there is no material {material!r} for {process}", pairs)

    def _machine(self, certificate: NewCertificate) -> FieldProblem | None:
        machine_id, machines = certificate.machine_id, self._machines_of(certificate.node_id)
        if machine_id is None:
            return None
        if machine_id not in machines:
            return _problem("/machine_id", f"{certificate.node_id} has no machine {machine_id}", machines)
        if self._covered(certificate, machine_id=machine_id):
            return None
        able = {offer.machine_id for offer in self._covered(certificate, machine_id=None)}
        return _problem("/machine_id", f"{machine_id} does not print {certificate.scope}", able)

    def _parameter_set(self, certificate: NewCertificate) -> FieldProblem | None:
        if certificate.parameter_set is None:
            return None
        sets = {offer.parameter_set for offer in self._covered(certificate, machine_id=certificate.machine_id)}
        if certificate.parameter_set in sets:
            return None
        words = f"{certificate.node_id} has no parameter set {certificate.parameter_set} within this scope"
        return _problem("/parameter_set", words, sets)

    def _machines_of(self, node_id: str) -> frozenset[str]:
        return self.machines.get(node_id, frozenset())

    def _covered(self, certificate: NewCertificate, *, machine_id: str | None) -> list[OfferView]:
        return [
            offer
            for offer in self.offers_of.get(certificate.node_id, ())
            if certificate.scope in (SITE_SCOPE, offer.process, _pair(offer)) and machine_id in (None, offer.machine_id)
        ]


def read_known_network(session: Session, *, today: date) -> KnownNetwork:
    """Return what certificates and first articles may name."""
    network = read_network(session, first_day=today, last_day=today)
    offers_of = _grouped(network.offers)
    machines = _grouped(network.machines.values())
    return KnownNetwork(
        owners={node.node_id: node.organisation_id for node in network.nodes.values()},
        machines={node_id: frozenset(it.machine_id for it in found) for node_id, found in machines.items()},
        offers=network.offers,
        offers_of=offers_of,
        scopes=frozenset({SITE_SCOPE} | {name for offer in network.offers for name in (offer.process, _pair(offer))}),
    )


def _grouped(things: Iterable[OnNode]) -> dict[str, tuple[OnNode, ...]]:
    groups: dict[str, list[OnNode]] = {}
    for thing in things:
        groups.setdefault(thing.node_id, []).append(thing)
    return {node_id: tuple(group) for node_id, group in groups.items()}


def _pair(offer: OfferView) -> str:
    return f"{offer.process}:{offer.material.code}"


def _problem(pointer: str, words: str, allowed: Collection[str]) -> FieldProblem:
    return FieldProblem(pointer=pointer, message=f"{words}. Allowed: {_listed(allowed)}")


def _listed(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return (", ".join(known[:_SHOWN]) or "none") + more
