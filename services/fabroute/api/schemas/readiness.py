"""Readiness reports over the wire."""

from typing import Any

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.database.pages import Page
from fabroute.logistics.rules.regions import Region
from fabroute.routing.rules.readiness import ReadinessState
from fabroute.routing.service.readiness import AskedReport, EntryView, ReportView


class AskedReportOut(ResponseModel):
    """A report that a worker is going to make."""

    id: str
    asked_at: AwareDatetime


class ChangeOut(ResponseModel):
    """How ready a part was in the report before, and is now."""

    part: str
    region: Region
    state_before: ReadinessState
    state: ReadinessState


class SourceOut(ResponseModel):
    """One thing that one node lacks, and what it would be worth: ranked by the parts that it gives one node more."""

    node_id: str
    city: str
    country: str
    kind: str = Field(description="`certificate`, `first_article` or `material`.")
    subject: str = Field(
        description="The scheme, with process and material where the node has it for others; the part number; or the "
        "material."
    )
    what: str = Field(description="What would have to be true, in words.")
    parts: int = Field(description="Parts that are not ready and would have this node as one more.")
    part_nos: list[str] = Field(description="The first twenty of them.")
    parts_without_route: int = Field(description="Of them, those that nobody can make now.")
    regions: list[Region]
    landed_minor: int = Field(description="What the parts would cost there, landed, together; in cents.")
    extra_minor: int | None = Field(
        description="What they would cost more there than at their cheapest node now, less than 0 for a saving; "
        "`null` where none of them has a price now. What the proof itself costs is not counted."
    )


class CountsOut(ResponseModel):
    """How many parts and regions are in each state."""

    no_route: int
    ends_soon: int
    one_failure_away: int
    ready: int


class ReadinessReportOut(ResponseModel):
    """What the latest report comes to."""

    id: str
    as_of: AwareDatetime = Field(description="The instant of the network that it is about.")
    later_at: AwareDatetime = Field(description="Thirty days on: what ends and what is planned by then counts.")
    parts: int
    entries: int = Field(description="Parts by regions.")
    counts: CountsOut
    worsened: list[ChangeOut] = Field(description="Since the report before; at most 200.")
    improved: list[ChangeOut]
    sources: list[SourceOut] = Field(description="What would add a second source to most parts, and most cheaply.")
    asked: AskedReportOut | None = Field(description="A newer report that is being made.")
    failed_at: AwareDatetime | None = Field(description="When a newer report was asked for that could not be made.")


class ReadyNodeOut(ResponseModel):
    """A node that can make a part."""

    node_id: str
    city: str
    country: str
    landed_minor: int


class EndingNodeOut(ResponseModel):
    """A node that can make a part now, but not in thirty days."""

    node_id: str
    city: str
    country: str
    codes: list[str]
    why: str


class NeedOut(ResponseModel):
    """One thing that a node lacks."""

    kind: str
    subject: str


class SecondSourceOut(ResponseModel):
    """A node that could make a part if it had what it lacks."""

    node_id: str
    city: str
    country: str
    needs: list[NeedOut]
    what: str
    grams: int
    landed_minor: int
    extra_minor: int | None


class ReadinessEntryOut(ResponseModel):
    """How ready the network is to make one part, in its usual quantity, for one region."""

    part: str
    name: str
    revision: str
    revision_id: str
    criticality: str
    region: Region
    city: str = Field(description="The place that stands for the region: where most of it goes.")
    country: str
    ordered: bool = Field(
        description="Whether the part was ordered to this region; else place and quantity are assumed."
    )
    quantity: int = Field(description="The median of what was ordered, 1 without orders.")
    state: ReadinessState = Field(
        description="`no_route`: nobody can make it. `ends_soon`: somebody can, but nobody in thirty days. "
        "`one_failure_away`: only one node can, now or then. `ready`: whichever node is gone, another can."
    )
    nodes_now: int
    nodes_later: int
    nodes: list[ReadyNodeOut] = Field(description="The five cheapest that can make it now.")
    only_node: str | None = Field(description="The node on which the part depends.")
    cheapest_minor: int | None = Field(description="Landed, in cents.")
    loss_minor: int | None = Field(description="What it costs more without its cheapest node.")
    ends: list[EndingNodeOut]
    reasons: dict[str, int] = Field(description="Of a part that is not ready: how many nodes each code rules out.")
    binding: list[str] = Field(
        default_factory=list,
        description="Of them, those against the nodes that come closest: of nodes with the process and material, those "
        "with the fewest codes.",
    )
    second_sources: list[SecondSourceOut] = Field(description="Fewest needs first, then the cheapest; at most forty.")


class ReadinessOut(ResponseModel):
    """The latest report with a page of its entries, by part and region."""

    report: ReadinessReportOut
    data: list[ReadinessEntryOut]
    has_more: bool
    next_cursor: str | None = Field(description="Opaque; goes back as the query parameter `cursor`.")


def asked_out(asked: AskedReport) -> AskedReportOut:
    """Return a report that is asked for."""
    return AskedReportOut(id=asked.report_id, asked_at=asked.asked_at)


def readiness_out(report: ReportView, page: Page[EntryView], *, next_cursor: str | None) -> ReadinessOut:
    """Return a report with a page of its entries."""
    return ReadinessOut(
        report=_report_out(report),
        data=[_entry_out(entry) for entry in page.items],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


def _report_out(report: ReportView) -> ReadinessReportOut:
    said = dict(report.document)
    changes = {name: [_change_out(change) for change in said.pop(name)] for name in ("worsened", "improved")}
    return ReadinessReportOut.model_validate(
        {
            **said,
            **changes,
            "id": report.report_id,
            "as_of": report.as_of,
            "entries": report.entries,
            "asked": None if report.asked is None else asked_out(report.asked),
            "failed_at": report.failed_at,
        }
    )


def _change_out(change: dict[str, Any]) -> ChangeOut:
    return ChangeOut(part=change["part"], region=change["region"], state_before=change["from"], state=change["to"])


def _entry_out(entry: EntryView) -> ReadinessEntryOut:
    return ReadinessEntryOut.model_validate(
        {
            **entry.document,
            "part": entry.part_no,
            "revision_id": entry.revision_id,
            "region": entry.region,
            "quantity": entry.quantity,
            "state": entry.state,
            "nodes_now": entry.nodes_now,
            "nodes_later": entry.nodes_later,
        }
    )
