"""The whole reference network as the services take it: the files' rows, what chance adds, days moved."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from fabroute.integrations.reference.dates import Calendar
from fabroute.integrations.reference.files import Read, ReferenceFiles
from fabroute.integrations.reference.first_articles import Proof, first_articles
from fabroute.integrations.reference.lanes import lanes
from fabroute.integrations.reference.nodes import (
    OrganisationRow,
    described_machines,
    described_node,
    described_offer,
    organisations,
)
from fabroute.integrations.reference.rows import CertificateRow, InstallationRow, NumberRow, PartRow
from fabroute.integrations.reference.stock import lots
from fabroute.logistics.rules import grid_book
from fabroute.logistics.service import LogisticsData
from fabroute.network.service import NetworkData
from fabroute.qualification.rules import CertificateView
from fabroute.qualification.service import NewCertificate, NewFirstArticle

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Everything that is loaded, but for the print files."""

    organisations: tuple[OrganisationRow, ...]
    network: NetworkData
    logistics: LogisticsData
    parts: tuple[PartRow, ...]
    part_numbers: tuple[NumberRow, ...]
    part_installations: tuple[InstallationRow, ...]
    certificates: tuple[NewCertificate, ...]
    first_articles: tuple[NewFirstArticle, ...]


def describe(files: ReferenceFiles) -> Description:
    """Return the network of ``files``, completed by chance, with the files' own days; always the same one."""
    held: defaultdict[str, list[CertificateRow]] = defaultdict(list)
    for certificate in _values(files.certificates):
        held[certificate.node_id].append(certificate)
    network = _network(files, held)
    certificates = tuple(_certificate(row) for row in _values(files.certificates))
    views: defaultdict[str, list[CertificateView]] = defaultdict(list)
    for found in certificates:
        views[found.node_id].append(_view(found))
    parts = tuple(_values(files.parts))
    proof = Proof(network=network, assets=_values(files.assets), certificates=views)
    return Description(
        organisations=organisations(_values(files.nodes)),
        network=network,
        logistics=_logistics(files),
        parts=parts,
        part_numbers=tuple(_values(files.part_numbers)),
        part_installations=tuple(_values(files.part_installations)),
        certificates=certificates,
        first_articles=first_articles(parts, proof),
    )


def moved(description: Description, calendar: Calendar) -> Description:
    """Return a description with certificates, lots and first articles moved; tariffs and duties keep their days."""
    return replace(
        description,
        network=replace(
            description.network,
            lots=tuple(replace(lot, expires_on=calendar.day(lot.expires_on)) for lot in description.network.lots),
        ),
        certificates=tuple(
            replace(row, valid_from=calendar.day(row.valid_from), valid_to=calendar.day(row.valid_to))
            for row in description.certificates
        ),
        first_articles=tuple(
            replace(
                row,
                approved_on=calendar.day(row.approved_on),
                last_production_on=calendar.day(row.last_production_on),
            )
            for row in description.first_articles
        ),
    )


def _network(files: ReferenceFiles, held: defaultdict[str, list[CertificateRow]]) -> NetworkData:
    assets = _values(files.assets)
    models = _values(files.models)
    grid = grid_book(_values(files.grid_intensities))
    return NetworkData(
        nodes=tuple(described_node(row, held[row.node_id], grid=grid) for row in _values(files.nodes)),
        models=tuple(models),
        materials=tuple(_values(files.materials)),
        machines=described_machines(assets),
        offers=tuple(described_offer(row) for row in assets),
        lots=lots(assets, {model.model: model for model in models}),
    )


def _logistics(files: ReferenceFiles) -> LogisticsData:
    return LogisticsData(
        places=tuple(_values(files.places)),
        lanes=lanes(_values(files.nodes)),
        tariffs=tuple(_values(files.tariffs)),
        duty_rules=tuple(_values(files.duty_rules)),
        carbon_factors=tuple(_values(files.carbon_factors)),
        grid_intensities=tuple(_values(files.grid_intensities)),
        exchange_rates=tuple(_values(files.exchange_rates)),
    )


def _certificate(row: CertificateRow) -> NewCertificate:
    scope = "site" if row.scope == "*" else row.scope.replace(":", "-")
    return NewCertificate(
        certificate_id=f"cert_{row.node_id}_{row.scheme}_{scope}_{row.valid_from:%Y%m%d}",
        node_id=row.node_id,
        scheme=row.scheme,
        scope=row.scope,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _view(row: NewCertificate) -> CertificateView:
    return CertificateView(
        certificate_id=row.certificate_id or "",
        node_id=row.node_id,
        scheme=row.scheme,
        scope_kind=row.scope_kind,
        scope=row.scope,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _values(rows: Sequence[Read[_Value]]) -> list[_Value]:
    return [read.value for read in rows]
