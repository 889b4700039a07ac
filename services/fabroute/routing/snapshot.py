"""Everything that a run decides by, as one instant saw it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fabroute.inventory.service import LicenceView, RevisionView, read_licences, read_revisions
from fabroute.logistics.service import LogisticsView, read_logistics
from fabroute.network.service import Held, NetworkView, read_network
from fabroute.orders.service import ClaimedLine
from fabroute.qualification.service import Qualifications, read_qualifications
from fabroute.routing import repository
from fabroute.routing.ports import StandingJob
from fabroute.routing.repository.exclusions import LineExclusionView, read_ruled_out
from fabroute.routing.repository.policies import Placements, read_placements, read_policies
from fabroute.routing.rules.policies import IP_SHARE_WINDOW_DAYS, PlacedShares, PolicyView, added_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A promised line whose job no node has accepted: where it stands, what it holds, and what must be kept."""

    line: ClaimedLine
    """Under the fence that a move gives it."""
    fence: int
    """The one that it has."""
    job: StandingJob
    held: Held
    licence_id: str | None
    prints: int
    """Held of that licence."""
    decision_id: str
    city: str
    landed_minor: int
    """Of the present decision, as all that follows."""
    promised_at: datetime
    co2e_g: int
    latest_at: datetime
    """No move may arrive later: the first promise, or the present one where that is later already."""
    most_minor: int
    """No move may cost the customer more landed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSnapshot:
    """The lines of a run and the network that they are decided on: nothing changes it while they are decided."""

    now: datetime
    horizon_days: int
    lines: tuple[ClaimedLine, ...]
    revisions: Mapping[str, RevisionView]
    network: NetworkView
    qualifications: Qualifications
    logistics: LogisticsView
    licences: Mapping[str, tuple[LicenceView, ...]]
    """By revision that needs one: all its print licences, whatever their state."""
    spent_minor: Mapping[str, int]
    """By order with a price cap: what its lines that are routed already cost landed, in cents."""
    policies: Mapping[str, PolicyView] = field(default_factory=dict)
    """By organisation that has stated one."""
    shares_used: Mapping[tuple[str, int], PlacedShares] = field(default_factory=dict)
    """By organisation or revision, and days of the window: where its other lines went within it."""

    standing: Mapping[str, Standing] = field(default_factory=dict)
    """By line that may move, what it has; all of that counts as free here."""

    ruled_out: Mapping[str, tuple[LineExclusionView, ...]] = field(default_factory=dict)
    """By line that came back from a node: the nodes that may not have it again."""

    prices: tuple[Mapping[str, Any], ...] = ()
    """What minutes and grams were worth in the last joint plans, for those who ask what else they could be sold for."""

    def sha256(self) -> str:
        """Return a hash of all of it: equal hashes, equal input."""
        digest = hashlib.sha256(f"{self.now.isoformat()} {self.horizon_days}".encode())
        nodes = (replace(node, version=0, queue_version=0) for node in self.network.nodes.values())
        freight = self.logistics.freight
        parts: tuple[Iterable[object], ...] = (
            (replace(line, fence=0, attempts=0) for line in self.lines),
            self.revisions.values(),
            nodes,
            self.network.machines.values(),
            self.network.offers,
            self.network.lots,
            self.network.capacity.items(),
            self.qualifications.certificates.items(),
            self.qualifications.first_articles.values(),
            self.logistics.lanes.items(),
            freight.tariffs.items(),
            freight.duties.items(),
            freight.g_per_tonne_km.items(),
            self.logistics.grid.rows.items(),
            self.logistics.ended.items(),
            self.licences.items(),
            self.spent_minor.items(),
            self.policies.items(),
            self.shares_used.items(),
            self.standing.items(),
            self.prices,
            self.ruled_out.items(),
        )
        for part in parts:
            digest.update("\n".join(sorted(map(repr, part))).encode())
        return digest.hexdigest()


def read_snapshot(
    session: Session, *, lines: tuple[ClaimedLine, ...], now: datetime, horizon_days: int
) -> RoutingSnapshot:
    """Return the snapshot for ``lines``; read it in a repeatable-read unit of work, so that it is of one instant."""
    first_day = now.date()
    revision_ids = {line.revision_id for line in lines}
    revisions = read_revisions(session, revision_ids=revision_ids)
    policies = read_policies(session, {line.organisation_id for line in lines})
    licensed = [revision_id for revision_id, revision in revisions.items() if revision.licence_required]
    return RoutingSnapshot(
        now=now,
        horizon_days=horizon_days,
        lines=lines,
        revisions=revisions,
        network=read_network(session, first_day=first_day, last_day=first_day + timedelta(days=horizon_days - 1)),
        qualifications=read_qualifications(session, revision_ids=revision_ids),
        logistics=read_logistics(session, on=first_day),
        licences=read_licences(session, revision_ids=licensed) if licensed else {},
        spent_minor=_spent(session, lines),
        policies=policies,
        shares_used=_shares_used(session, lines, policies=policies, revisions=revisions, now=now),
        ruled_out=_ruled_out(session, lines),
    )


def _ruled_out(session: Session, lines: tuple[ClaimedLine, ...]) -> Mapping[str, tuple[LineExclusionView, ...]]:
    """Return what is ruled out for lines that were claimed before; nobody has had the others yet."""
    claimed_before = [line.line_id for line in lines if line.fence > 1]
    return read_ruled_out(session, line_ids=claimed_before) if claimed_before else {}


def _shares_used(
    session: Session,
    lines: tuple[ClaimedLine, ...],
    *,
    policies: Mapping[str, PolicyView],
    revisions: Mapping[str, RevisionView],
    now: datetime,
) -> dict[tuple[str, int], PlacedShares]:
    """Return what the shares of policies and the share caps of revisions are counted from."""
    wanted = {(owner, days): None for owner, policy in policies.items() for days in policy.windows}
    capped = (it.revision_id for it in revisions.values() if it.ip_share_cap is not None)
    of_revisions = {(revision_id, IP_SHARE_WINDOW_DAYS): revision_id for revision_id in capped}
    line_ids = {line.line_id for line in lines}
    return {
        (whose, days): added_shares(
            read_placements(
                session,
                Placements(
                    organisation_id=whose,
                    revision_id=revision_id,
                    since=now - timedelta(days=days),
                    until=now,
                    without_lines=line_ids,
                ),
            )
        )
        for (whose, days), revision_id in {**wanted, **of_revisions}.items()
    }


def _spent(session: Session, lines: tuple[ClaimedLine, ...]) -> dict[str, int]:
    capped = {line.order_id for line in lines if line.max_price_minor is not None}
    if not capped:
        return {}
    return repository.landed_of_other_lines(session, order_ids=capped, line_ids={line.line_id for line in lines})
