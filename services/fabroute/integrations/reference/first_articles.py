"""First articles: the files name none, so a seed approves parts on some of the machines that could make them.

Every part that needs one has live first articles at two certified nodes at least, if two nodes are certified; some
lapsed on purpose, some machines never made the part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from fabroute.integrations.reference.chance import chance
from fabroute.integrations.reference.dates import BASE_DAY
from fabroute.integrations.reference.rows import AssetRow, PartRow
from fabroute.integrations.reference.stock import USUAL_REUSES
from fabroute.logistics.rules import customs_territory
from fabroute.network.service import NetworkData, NewLot, NewNode
from fabroute.qualification.rules import CertificateView, box_fits, certificate_covers, certificate_valid
from fabroute.qualification.service import NewFirstArticle

_ENOUGH_NODES = 2
_HORIZON = timedelta(days=45)
_LIVE, _LAPSED = "live", "lapsed"
_SHARES = {True: (0.5, 0.2), False: (0.2, 0.05)}
"""Of the rows at certified nodes, and at others: how many have a live first article, how many a lapsed one."""
_DAYS_SINCE = {_LIVE: (5, 600), _LAPSED: (740, 1200)}
"""Since the last production; a first article lapses after two years without one."""
_ZONES = {"EU": ("EU",), "US": ("US",), "EU_US": ("EU", "US")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A machine row that could make a part."""

    asset: AssetRow
    is_certified: bool
    """Its node holds every required certificate on the base day."""
    is_ready: bool
    """And over the planning horizon, has material, a machine that is up, and leave to have the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What first articles are drawn from: the network as it is described, and who is certified for what."""

    network: NetworkData
    assets: Sequence[AssetRow]
    certificates: Mapping[str, Sequence[CertificateView]]

    def candidates(self, part: PartRow) -> list[Candidate]:
        """Return the rows whose machine could make ``part`` with a qualified parameter set."""
        qualified = {
            (offer.machine_id, offer.material)
            for offer in self.network.offers
            if offer.parameter_set_state == "qualified"
        }
        room = {model.model: (model.x_mm, model.y_mm, model.z_mm) for model in self.network.models}
        stocked, standing = self._stocked(part), self._standing(part)
        return [
            Candidate(
                asset=asset,
                is_certified=self._is_certified(part, asset, last_day=BASE_DAY),
                is_ready=asset.machine_id in standing
                and (asset.node_id, asset.material) in stocked
                and self._is_certified(part, asset, last_day=BASE_DAY + _HORIZON),
            )
            for asset in self.assets
            if asset.pair in part.process_materials
            and (asset.machine_id, asset.material) in qualified
            and box_fits(part.box_mm, room[asset.model])
        ]

    def _is_certified(self, part: PartRow, asset: AssetRow, *, last_day: date) -> bool:
        held = [
            certificate
            for certificate in self.certificates.get(asset.node_id, ())
            if certificate_valid(certificate, first_day=BASE_DAY, last_day=last_day)
        ]
        return all(
            any(certificate_covers(certificate, scheme=scheme, process_material=asset.pair) for certificate in held)
            for scheme in part.required_certificates
        )

    def _stocked(self, part: PartRow) -> frozenset[tuple[str, str]]:
        """Return where a good lot holds twice what one part weighs."""
        grams = {material.code: 2 * material.density_g_per_cm3 * part.volume_cm3 for material in self.network.materials}
        return frozenset(
            (lot.node_id, lot.material)
            for lot in self.network.lots
            if _is_good(lot) and lot.grams > grams[lot.material]
        )

    def _standing(self, part: PartRow) -> frozenset[str]:
        """Return the machines that are up, at nodes that may have the part's file."""
        nodes = {node.node_id for node in self.network.nodes if is_permitted(part, node)}
        machines = self.network.machines
        return frozenset(m.machine_id for m in machines if m.status == "up" and m.node_id in nodes)


def first_articles(parts: Iterable[PartRow], proof: Proof) -> tuple[NewFirstArticle, ...]:
    """Return the first articles of all parts that need one; days are the files'."""
    return tuple(
        _first_article(part, asset, state)
        for part in parts
        if part.part_qualification
        for asset, state in _drawn(part, proof.candidates(part)).items()
    )


def is_permitted(part: PartRow, node: NewNode) -> bool:
    """Return whether a node may have a part's file, by export class and zone (``same_country`` leaves it to orders)."""
    territories = _ZONES.get(part.ip_zone)
    in_zone = territories is None or customs_territory(node.country) in territories
    return in_zone and (part.export_class == "none" or part.export_class in node.export_permissions)


def _drawn(part: PartRow, candidates: Sequence[Candidate]) -> dict[AssetRow, str]:
    """Return the rows with a first article, live or lapsed."""
    states = {candidate.asset: _state(part, candidate) for candidate in candidates}
    for candidate in _still_to_prove(part, candidates, states):
        states[candidate.asset] = _LIVE
    return {asset: state for asset, state in states.items() if state}


def _state(part: PartRow, candidate: Candidate) -> str:
    live, lapsed = _SHARES[candidate.is_certified]
    value = _chance(part, candidate.asset).random()
    return _LIVE if value < live else _LAPSED if value < live + lapsed else ""


def _still_to_prove(part: PartRow, candidates: Sequence[Candidate], states: Mapping[AssetRow, str]) -> list[Candidate]:
    """Return one row each of as many more certified nodes as are needed, ready ones first."""
    proven = {row.asset.node_id for row in candidates if row.is_ready and states[row.asset] == _LIVE}
    certified = [row for row in candidates if row.is_certified and row.asset.node_id not in proven]
    certified.sort(key=lambda row: (not row.is_ready, _chance(part, row.asset).random()))
    one_each = {row.asset.node_id: row for row in reversed(certified)}
    ranked = [row for row in certified if one_each[row.asset.node_id] is row]
    return ranked[: max(0, _ENOUGH_NODES - len(proven))]


def _first_article(part: PartRow, asset: AssetRow, state: str) -> NewFirstArticle:
    drawn = chance("first article's days", part.part_no, asset.machine_id, asset.material)
    produced = BASE_DAY - timedelta(days=drawn.randint(*_DAYS_SINCE[state]))
    return NewFirstArticle(
        first_article_id=f"fa_{part.part_no}_{asset.machine_id}_{asset.material}",
        revision_id=revision_id(part.part_no),
        node_id=asset.node_id,
        machine_id=asset.machine_id,
        material=asset.material,
        parameter_set=asset.parameter_set,
        approved_on=produced - timedelta(days=drawn.randint(0, 900)),
        last_production_on=produced,
    )


def revision_id(part_no: str) -> str:
    """Return the id of the reference inventory's only revision of a part."""
    return f"rev_{part_no}_A"


def _is_good(lot: NewLot) -> bool:
    return lot.state == "available" and lot.expires_on >= BASE_DAY + _HORIZON and lot.reuse_count <= USUAL_REUSES


def _chance(part: PartRow, asset: AssetRow) -> Random:
    return chance("first article", part.part_no, asset.machine_id, asset.material)
