"""The event catalogue: every type that is told to anybody, to whom, in which form; and what stays inside.

A type's data only gains fields within a version. What can't be said without breaking its readers gets the next version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fabroute.webhooks.rules import data as of

Audience = Literal["owner", "bureau", "operator"]
"""``owner``: the organisation that the event is about; ``bureau``: the one whose node has the job, the lot …"""
_OWNER: tuple[Audience, ...] = ("owner",)
_BUREAU: tuple[Audience, ...] = ("bureau",)
_BOTH: tuple[Audience, ...] = ("owner", "bureau")
_OPERATOR: tuple[Audience, ...] = ("operator",)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A kind of event: what it means, who is told, and the form of its data."""

    name: str
    summary: str
    audiences: tuple[Audience, ...]
    data: type[of.EventData]
    version: int = 1
    state: str | None = None
    """What the subject came to, where the event itself does not say."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Names of facts of the outbox event that are others in ``data``."""


def _job(
    name: str,
    summary: str,
    model: type[of.JobEventData] = of.JobEventData,
    *,
    state: str | None = None,
    audiences: tuple[Audience, ...] = _BOTH,
    **renamed: str,
) -> EventType:
    return EventType(name=f"job.{name}", summary=summary, audiences=audiences, data=model, state=state, renamed=renamed)


def _own(
    name: str,
    summary: str,
    model: type[of.EventData],
    *,
    state: str | None = None,
    audiences: tuple[Audience, ...] = _OWNER,
    **renamed: str,
) -> EventType:
    return EventType(name=name, summary=summary, audiences=audiences, data=model, state=state, renamed=renamed)


_ORDERS = (
    _own("order.placed", "An order is stored, and will be routed.", of.OrderEventData, state="pending"),
    _own("order.routed", "All or some lines of an order have a node.", of.OrderRoutedData, state="routed"),
    _own("order.no_route", "No node can make an order now; it is tried again when the network changes.",
         of.OrderRoutedData, state="no_route"),
    _own("order.parked", "An order waits for a person.", of.OrderRoutedData, state="parked"),
    _own("order.cancelled", "An order was cancelled.", of.OrderEventData, state="cancelled"),
    _own("order.rerouted", "A line went to another node, and its promise is kept.", of.PromiseData),
    _own("order.promise_changed", "A line's promise can't be kept any more.", of.PromiseData),
)  # fmt: skip
_JOBS = (
    _job("offered", "A job lies in the queue of its node.", state="offered"),
    _job("claimed", "A client of the node claimed a job.", of.JobClaimedData),
    _job("nudged", "A node has not answered yet: half of its time is over.", audiences=_BUREAU),
    _job("returned", "A claim lapsed, and the job is back in the queue.", state="offered"),
    _job("accepted", "A node accepted a job.", of.CounterOfferData, state="accepted",
         price_minor="countered_minor", produce_by="countered_produce_by"),
    _job("countered", "A node asks another price or day, and the owner decides.", of.CounterOfferData,
         state="countered", price_minor="countered_minor", produce_by="countered_produce_by"),
    _job("counter_refused", "The owner refused a counter-offer.", of.CounterOfferData),
    _job("started", "A node began to print.", state="in_production"),
    _job("suspect", "A node fell silent beyond its lease.", of.JobReasonData, state="suspect"),
    _job("suspicion_decided", "It was decided what becomes of a silent node's job.", of.SuspicionData),
    _job("revived", "A silent node is back.", of.JobEventData),
    _job("went_offline", "A node works on without a connection.", of.JobOfflineData),
    _job("cancel_requested", "A node is asked to stop.", of.JobReasonData),
    _job("cancel_refused", "A node refused to stop.", of.JobReasonData),
    _job("cancel_withdrawn", "A node need not stop any more.", of.JobReasonData),
    _job("reported_late", "Something was reported under a lease that was over.", of.LateReportData,
         quantity="reported_quantity"),
    _job("duplicate_detected", "A part was made twice.", of.LateReportData, audiences=_OWNER,
         quantity="reported_quantity"),
    _job("held", "A gate closed: nothing of the job is released or counted.", of.JobReasonData, state="held"),
    _job("resumed", "Every gate is open again."),
    _job("cancelled", "A job was cancelled.", of.JobReasonData, state="cancelled"),
    _job("declined", "A node declined a job; its line goes elsewhere.", of.JobReasonData, state="declined"),
    _job("lapsed", "A node did not answer in time; its line goes elsewhere.", of.JobReasonData, state="lapsed"),
    _job("failed", "A node could not make it; its line goes elsewhere.", of.JobReasonData, state="failed"),
    _job("file_released", "A node fetched the print file."),
    _job("print_reported", "A print came out good, or failed.", of.PrintReportData, number="print_number"),
    _job("print_scrapped", "A print that was good is scrapped.", of.PrintReportData, number="print_number"),
    _job("first_article_submitted", "A first article waits for the owner.", of.FirstArticleData),
    _job("first_article_approved", "The owner approved a first article.", of.FirstArticleData),
    _job("first_article_refused", "The owner refused a first article.", of.FirstArticleData),
    _job("inspection_reported", "A node reported an inspection.", of.InspectionData),
    _job("inspected", "Every inspection is passed.", state="inspected"),
    _job("reopened", "An inspection failed: the job is in production again.", of.JobReasonData, state="in_production"),
    _job("shipped", "All parts of a job are on their way.", of.JobShippedData, state="shipped", quantity="shipped"),
    _job("delivered", "All parts of a job arrived, or what did not is settled.", of.JobShippedData, state="delivered",
         quantity="arrived_quantity"),
)  # fmt: skip
_AT_NODES = (
    _own("note.opened", "A node told an owner something about a part.", of.NoteEventData, audiences=_BOTH),
    _own("note.closed", "What a node told was seen to.", of.NoteEventData, audiences=_BOTH),
    _own("reprint.requested", "A node asks to print once more.", of.ReprintData, audiences=_BOTH),
    _own("reprint.granted", "The owner lets a node print once more.", of.ReprintData, audiences=_BOTH),
    _own("reprint.refused", "The owner refused a reprint.", of.ReprintData, audiences=_BOTH),
    _own("build.opened", "A build with jobs of yours was opened.", of.BuildEventData, jobs="job_count"),
    _own("build.changed", "A build with jobs of yours was changed.", of.BuildEventData, jobs="job_count"),
    _own("build.started", "A build with jobs of yours runs.", of.BuildEventData, jobs="job_count"),
    _own("build.closed", "A build with jobs of yours is done.", of.BuildEventData, jobs="job_count"),
    _own("build.cancelled", "A build with jobs of yours was cancelled.", of.BuildEventData, jobs="job_count"),
    _own("shipment.handed_over", "The carrier has a shipment.", of.ShipmentEventData, state="handed_over",
         audiences=_BOTH),
    _own("shipment.delivered", "A shipment arrived.", of.ShipmentEventData, state="delivered", audiences=_BOTH),
    _own("shipment.exception", "A carrier tells of a difficulty.", of.ShipmentEventData, state="exception",
         audiences=_BOTH),
    _own("shipment.lost", "A shipment is lost.", of.ShipmentEventData, state="lost", audiences=_BOTH),
    _own("conformity.issued", "A certificate of conformity was issued.", of.ConformityData, audiences=_BOTH),
    _own("conformity.withdrawn", "A certificate of conformity counts no more.", of.ConformityData, audiences=_BOTH),
    _own("recall.opened", "Material was recalled.", of.RecallOpenedData, audiences=_OPERATOR,
         lots="lot_count", jobs="job_count"),
    _own("recall.parts_shipped", "Parts of yours that are out were made of recalled material.", of.RecallData,
         jobs="job_count", parts="part_count"),
    _own("lot.released", "A lot may be used.", of.LotEventData, audiences=_BUREAU),
    _own("lot.quarantined", "A lot waits for a decision.", of.LotEventData, audiences=_BUREAU),
    _own("lot.blocked", "A lot may not be used.", of.LotEventData, audiences=_BUREAU),
    _own("lot.corrected", "A stocktake changed what a lot holds.", of.LotEventData, audiences=_BUREAU),
    _own("lot.refreshed", "Fresh powder was mixed into a lot.", of.LotEventData, audiences=_BUREAU),
)  # fmt: skip
_INVENTORY = (
    _own("part_revision.released", "A revision can be ordered.", of.RevisionEventData, state="released"),
    _own("part_revision.superseded", "A newer revision takes its place.", of.RevisionEventData, state="superseded"),
    _own("part_revision.withdrawn", "A revision is not printed any more.", of.RevisionEventData, state="withdrawn"),
    _own("print_file.validated", "An uploaded file is good to print.", of.PrintFileEventData),
    _own("print_file.refused", "An uploaded file can't be printed.", of.PrintFileEventData),
    _own("print_file.failed", "An uploaded file could not be validated.", of.PrintFileEventData),
    _own("print_licence.granted", "A licence was granted.", of.LicenceEventData),
    _own("print_licence.frozen", "Nothing is printed under a licence for now.", of.LicenceEventData),
    _own("print_licence.revoked", "A licence was taken back.", of.LicenceEventData),
)
_ADVICE = (
    _own("routing_policy.stated", "Your lines are routed by another policy from now on.", of.PolicyEventData),
    _own("shadow_run.done", "A shadow run or a replay is done.", of.ShadowRunEventData),
    _own("readiness.worsened", "Parts lost a way to be made.", of.ReadinessEventData, count="part_count"),
    _own("readiness.improved", "Parts gained a way to be made.", of.ReadinessEventData, count="part_count"),
    _own("screening.judged", "A list of spare parts was judged.", of.ScreeningEventData),
)
_PEOPLE = (_own("person.invited", "Somebody got a link to join.", of.PersonEventData),)
DISABLED, TESTED = "webhook_endpoint.disabled", "webhook_endpoint.tested"
_ENDPOINTS = (
    _own(DISABLED, "A webhook endpoint is sent nothing any more.", of.EndpointEventData),
    _own(TESTED, "You pressed the test button of an endpoint; only that one is told.", of.EndpointEventData),
)

RESTORED = "installation.restored"
_INSTALLATION = (_own(RESTORED, "The installation was brought back from a backup: send again.", of.RestoredData),)

CATALOGUE: Mapping[str, EventType] = {
    kind.name: kind
    for kind in (*_ORDERS, *_JOBS, *_AT_NODES, *_INVENTORY, *_ADVICE, *_PEOPLE, *_ENDPOINTS, *_INSTALLATION)
}

INTERNAL: frozenset[str] = frozenset(
    {
        "build.timed",
        "build.withdrawn",
        "network.changed",
        "order.line_retried",
        "planning_scope.split",
        "planning_scope.suspected",
        "print_file.submitted",
        "readiness.asked",
        "screening.asked",
        "screening.paused",
        "shadow_run.asked",
        "shadow_run.paused",
    }
)
"""Events that make a worker do something, and tell nobody outside anything."""

FAMILIES: tuple[str, ...] = tuple(sorted({name.partition(".")[0] for name in CATALOGUE}))
"""What an endpoint may ask for with a star: ``job.*``."""


def may_reach(kind: EventType, organisation_kind: str) -> bool:
    """Say whether an organisation of that kind can be told such an event: an owner may run nodes as well."""
    own = {"owner": ("owner", "bureau"), "bureau": ("bureau",), "operator": ("owner", "bureau", "operator")}
    told_to_all = (DISABLED, TESTED, RESTORED, "person.invited")
    return kind.name in told_to_all or bool(set(own[organisation_kind]) & set(kind.audiences))
