"""Sandboxes over the wire."""

from pydantic import Field

from fabroute.api.schemas.base import RequestModel, ResponseModel, TrimmedLabel
from fabroute.sandbox.service import Sandbox


class SandboxIn(RequestModel):
    """A sandbox to be opened."""

    name: TrimmedLabel = Field(description="Whose it is, e.g. the integrator's name.", examples=["Nordbahn, try-out"])


class SandboxOut(ResponseModel):
    """A sandbox: an owner with a key and parts, and a bureau whose nodes answer by themselves.

    What an order's nodes do, a word in its `reference` decides (or in a part's number): `decline`, `counter`, `silent`,
    `print_fails`, `late`. Without one, it is made and delivered in about a minute.
    """

    id: str
    name: str
    organisation_id: str = Field(description="The owner, who orders.")
    bureau_id: str = Field(description="The bureau, which fabroute itself plays.")
    nodes: list[str] = Field(description="They take orders of this sandbox only, and it is ordered from them only.")
    parts: list[str] = Field(description="Numbers of released parts, to be ordered at once.")
    token: str = Field(description="The owner's API key, with every scope: shown only here.")


def sandbox_out(sandbox: Sandbox) -> SandboxOut:
    """Return a sandbox for an answer."""
    return SandboxOut(
        id=sandbox.sandbox_id,
        name=sandbox.name,
        organisation_id=sandbox.organisation_id,
        bureau_id=sandbox.bureau_id,
        nodes=list(sandbox.node_ids),
        parts=list(sandbox.part_nos),
        token=sandbox.key.token,
    )
