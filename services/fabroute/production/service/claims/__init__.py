"""Claims: clients of nodes take offered jobs, many in one transaction; and the queues that people and pollers read."""

from fabroute.production.repository.claims import QueueFilter
from fabroute.production.service.claims.asking import (
    AskedClaim,
    Claimed,
    ClaimKeyContended,
    ClaimKeyReused,
    ClaimResult,
    ClaimTerms,
    JobAlreadyClaimed,
    NothingToClaim,
)
from fabroute.production.service.claims.claiming import claim_jobs
from fabroute.production.service.claims.listing import QueuePage, list_queue
from fabroute.production.service.claims.packets import Packet, get_packet
from fabroute.production.service.claims.stages import AskedStages, Stage, StagePage, Stages, list_stages

__all__ = [
    "AskedClaim",
    "AskedStages",
    "ClaimKeyContended",
    "ClaimKeyReused",
    "ClaimResult",
    "ClaimTerms",
    "Claimed",
    "JobAlreadyClaimed",
    "NothingToClaim",
    "Packet",
    "QueueFilter",
    "QueuePage",
    "Stage",
    "StagePage",
    "Stages",
    "claim_jobs",
    "get_packet",
    "list_queue",
    "list_stages",
]
