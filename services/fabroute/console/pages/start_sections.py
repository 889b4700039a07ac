"""The sections of the start page, each made of what a service says waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fabroute.console.pages.parked import PATH as PARKED
from fabroute.console.pages.start import Item, Section
from fabroute.console.words import region_words
from fabroute.inventory.service.waiting import WaitingRevision, WaitingRevisions
from fabroute.network.service.overview import MaterialRunway, NodeOut, NodesOut, RunningOut
from fabroute.orders.service.waiting import ParkedLine, ParkedLines
from fabroute.production.service.waiting import WaitingGroup, WaitingItem
from fabroute.qualification.rules import CertificateView
from fabroute.qualification.service import Expiry
from fabroute.routing.service.readiness import EntryView, UnreadyParts
from fabroute.routing.service.unrouted import UnroutedGroup
from fabroute.webhooks.service.endpoints import FailingEndpoint

SHOWN = 5
"""Of each section; the others stand where it leads."""
_WEBHOOKS = "/docs/api/webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    title: str
    advice: str
    action: str
    says: str
    """Before the reason, or instead of none."""


_OF_JOBS: Mapping[str, _Kind] = {
    "suspect": _Kind(
        title="Nodes that fell silent",
        advice="They had accepted these jobs and give no sign of life. Wait, or have the line made elsewhere.",
        action="Decide",
        says="No sign of life from {node}",
    ),
    "stop": _Kind(
        title="Asked to stop",
        advice="The owner no longer wants these parts. Say whether you stop.",
        action="Answer",
        says="The owner asks you to stop",
    ),
    "offer": _Kind(
        title="Offers to answer",
        advice="Unanswered, they go to another node when their time is over.",
        action="Answer",
        says="For {node}",
    ),
    "first_article": _Kind(
        title="First articles to approve",
        advice="One part was made and waits for you. The others are made once you have approved it.",
        action="Look at it",
        says="Made at {node}",
    ),
    "counter_offer": _Kind(
        title="Counter-offers to answer",
        advice="A node would make these at another price or by another day.",
        action="Decide",
        says="{node} asks for other terms",
    ),
    "reprint": _Kind(
        title="Reprints to grant",
        advice="A print failed, and the node asks to print once more.",
        action="Decide",
        says="{node} asks to print again",
    ),
    "held": _Kind(
        title="Jobs that are held",
        advice="A proof ran out or was taken back: nothing is printed until it is there again.",
        action="See what is missing",
        says="Held at {node}",
    ),
    "note": _Kind(
        title="Notes from nodes",
        advice="A node told you something about a part. Close the note when it is seen to.",
        action="Read it",
        says="{node} says",
    ),
    "reconciliation": _Kind(
        title="Parts that may exist twice",
        advice="Something was reported after the job had gone elsewhere. Say what became of the parts.",
        action="Settle it",
        says="Reported late by {node}",
    ),
}


def parked_section(found: ParkedLines) -> Section:
    """Return the section of parked lines, of one organisation or the whole network."""
    return Section(
        key="parked",
        title="Parked orders",
        advice="They are not routed any more until you have looked: fix the reason, then send them on.",
        count=found.total,
        items=tuple(_parked(line) for line in found.lines),
        path=PARKED,
    )


def unrouted_section(groups: Sequence[UnroutedGroup], *, whole_network: bool = False) -> Section:
    """Return the section of lines without a route: an item for each reason that binds."""
    path = "/console/network#stuck" if whole_network else "/console/orders?state=no_route"
    return Section(
        key="unrouted",
        title="Orders without a route",
        advice="They are tried again whenever the network changes. Grouped by what binds, with the nearest fix.",
        count=sum(group.orders for group in groups),
        items=tuple(_unrouted(group, path) for group in groups[:SHOWN]),
        path=path,
    )


def job_section(group: WaitingGroup) -> Section:
    """Return the section of one kind of things that wait about jobs."""
    kind = _OF_JOBS[group.kind]
    return Section(
        key=group.kind.replace("_", "-"),
        title=kind.title,
        advice=kind.advice,
        count=group.total,
        items=tuple(_of_job(item, kind) for item in group.items[:SHOWN]),
        path="/console/jobs",
    )


def expiring_section(found: Sequence[Expiry], *, days: int) -> Section:
    """Return the section of certificates and first articles that end soon."""
    return Section(
        key="expiring",
        title="Proofs that run out",
        advice=f"Within {days} days. A node without them gets no such jobs any more: ask it for the renewed ones.",
        count=len(found),
        items=tuple(_expiring(expiry) for expiry in found[:SHOWN]),
        path="/console/network",
    )


def unverified_section(found: Sequence[CertificateView], *, is_whole: bool) -> Section:
    """Return the section of certificates that the operator has not looked at."""
    return Section(
        key="unverified",
        title="Certificates to verify",
        advice="They count once you have looked at them.",
        count=len(found) if is_whole else len(found) + 1,
        items=tuple(_unverified(certificate) for certificate in found[:SHOWN]),
        path="/console/network",
    )


def running_out_section(found: RunningOut, *, days: int) -> Section:
    """Return the section of materials that run out."""
    return Section(
        key="running-out",
        title="Material that runs out",
        advice=f"At the use of the last four weeks it lasts {days} days at most.",
        count=found.total,
        items=tuple(_running_out(runway) for runway in found.runways[:SHOWN]),
        path="/console/network",
    )


def out_section(found: NodesOut) -> Section:
    """Return the section of nodes that are down, or have machines down."""
    return Section(
        key="out",
        title="Nodes and machines that are down",
        advice="They get no jobs. Take them up again when they work.",
        count=found.total,
        items=tuple(_out(node) for node in found.nodes[:SHOWN]),
        path="/console/network",
    )


def failing_section(found: Sequence[FailingEndpoint]) -> Section:
    """Return the section of webhook endpoints that don't take what they are sent."""
    return Section(
        key="failing",
        title="Webhooks that fail",
        advice="Your system does not take what it is sent. What was missed can be sent again for 30 days.",
        count=len(found),
        items=tuple(_failing(endpoint) for endpoint in found[:SHOWN]),
        path=_WEBHOOKS,
    )


def unready_section(found: UnreadyParts) -> Section:
    """Return the section of parts that nobody can make, or nobody will soon."""
    return Section(
        key="unready",
        title="Parts that nobody can make",
        advice="From the last readiness report: find out now, not when the part is needed.",
        count=found.total,
        items=tuple(_unready(entry) for entry in found.entries[:SHOWN]),
        path="/console/parts",
    )


def unreleased_section(found: WaitingRevisions) -> Section:
    """Return the section of revisions that wait for approval or release."""
    return Section(
        key="unreleased",
        title="Revisions to approve",
        advice="Their print files are good. They can be ordered once they are approved and released.",
        count=found.total,
        items=tuple(_unreleased(revision) for revision in found.revisions[:SHOWN]),
        path="/console/parts",
    )


def _parked(line: ParkedLine) -> Item:
    return Item(
        name=_named(line.part_name, line.part_no),
        words=_of_order(line.reference, line.reason),
        path=_order_path(line.order_id, line.position),
        action="Send it on",
        since=line.updated_at,
    )


def _unrouted(group: UnroutedGroup, path: str) -> Item:
    what = _count(group.lines, "line")
    soonest = group.examples[0] if group.examples else None
    fix = f" Nearest fix: {group.fix}." if group.fix else ""
    return Item(
        name=_sentence(group.meaning),
        words=f"{what} of {_count(group.orders, 'order')}.{fix}",
        path=_order_path(soonest.order_id, soonest.position) if group.orders == 1 and soonest else path,
        action="See why",
        since=group.since,
    )


def _of_job(item: WaitingItem, kind: _Kind) -> Item:
    says = kind.says.format(node=item.node_id)
    return Item(
        name=f"{item.part_no} × {item.quantity}",
        words=f"{says}: {item.reason}" if item.reason else f"{says}.",
        path=f"/console/jobs/{item.job_id}",
        action=kind.action,
        since=item.since,
        until=item.until,
    )


def _expiring(expiry: Expiry) -> Item:
    certificate, article = expiry.certificate, expiry.first_article
    what = certificate.scheme if certificate is not None else "First article"
    where = f"{article.machine_id}, {article.material}" if article is not None else expiry.node_id
    return Item(
        name=f"{what} of {where}",
        words="Today is its last day." if not expiry.days_left else f"{_count(expiry.days_left, 'day')} left.",
        path=_node_path(expiry.node_id, "certificates" if certificate is not None else ""),
        action="See the node",
        state="expiring",
    )


def _unverified(certificate: CertificateView) -> Item:
    return Item(
        name=f"{certificate.scheme} of {certificate.node_id}",
        words=f"{certificate.issuer or 'Issuer not stated'} {certificate.number}".strip(),
        path=_node_path(certificate.node_id, "certificates"),
        action="See the node",
        since=certificate.submitted_at,
    )


def _running_out(runway: MaterialRunway) -> Item:
    days = round(runway.days or 0)
    return Item(
        name=f"{runway.material} at {runway.node_id}",
        words="Nothing is left."
        if not runway.free_grams
        else f"{runway.free_grams / 1000:,.1f} kg, {_count(days, 'day')} left.",
        path=_node_path(runway.node_id, "store"),
        action="See the stock",
        state="expired" if not runway.free_grams else "expiring",
    )


def _out(node: NodeOut) -> Item:
    machines = ", ".join(node.machine_ids)
    return Item(
        name=f"{node.city} ({node.node_id})",
        words=node.reason or "No reason was given." if node.status == "down" else f"Machines down: {machines}",
        path=_node_path(node.node_id, "" if node.status == "down" else "machines"),
        action="See the node",
        state="down",
    )


def _failing(endpoint: FailingEndpoint) -> Item:
    off = f"Switched off: {endpoint.reason}"
    return Item(
        name=endpoint.url,
        words=off if endpoint.state == "disabled" else f"{_count(endpoint.failures_in_a_row, 'failure')} in a row.",
        path=_WEBHOOKS,
        action="How to mend it",
        state="failed",
        since=endpoint.since,
    )


def _unready(entry: EntryView) -> Item:
    now = "Nobody can make it now" if entry.state == "no_route" else "Nobody can make it in 30 days"
    return Item(
        name=entry.part_no,
        words=f"{now}, for {region_words(entry.region)}.",
        path=f"/console/parts/{quote(entry.part_no, safe='')}",
        action="See what is missing",
        state="no_route" if entry.state == "no_route" else "expiring",
    )


def _unreleased(revision: WaitingRevision) -> Item:
    return Item(
        name=_named(revision.name, f"{revision.part_no} rev {revision.revision}"),
        words="Approved, waits for its release." if revision.approved_at else "Waits for its approval.",
        path=f"/console/parts/{quote(revision.part_no, safe='')}",
        action="Release it" if revision.approved_at else "Approve it",
        since=revision.since,
    )


def _order_path(order_id: str, position: int) -> str:
    """Return where a line of an order is."""
    return f"/console/orders/{order_id}" + (f"?line={position}" if position > 1 else "")


def _node_path(node_id: str, part: str = "") -> str:
    """Return where a node is, and where on its page."""
    return f"/console/network/{quote(node_id, safe='')}" + (f"#{part}" if part else "")


def _named(name: str, number: str) -> str:
    return f"{name} · {number}"


def _of_order(reference: str | None, words: str) -> str:
    said = _sentence(words)
    return f"{reference}: {said}" if reference else said


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
