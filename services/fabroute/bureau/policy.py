"""Which jobs a bureau takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabroute.bureau.settings import AcceptancePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Why a job is not taken: a code that fabroute knows, and words."""

    reason: str
    text: str


def why_not(policy: AcceptancePolicy, job: Mapping[str, Any]) -> Decline | None:
    """Return why a job is declined, ``None`` if it is taken. Being full is no reason: then nothing is claimed."""
    if policy.materials and job.get("material") not in policy.materials:
        return Decline(reason="material", text=f"{job.get('material')} is not processed here at present")
    if policy.machines and job.get("machine_id") not in policy.machines:
        return Decline(reason="machine_down", text=f"machine {job.get('machine_id')} takes no jobs at present")
    return None
