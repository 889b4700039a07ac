"""A node: how it stands in full, and for who runs it, taking it or a machine down and up, and cutting days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fastapi import Response
from sqlmodel import Session

from fabroute.api.dependencies import (
    Identifier,
    ManagedNode,
    NetworkReader,
    NetworkWriter,
    Now,
    ReadSession,
    WriteSession,
)
from fabroute.api.routers.outages import ManagedMachine
from fabroute.console.formats import Formats
from fabroute.console.forms import Form, FormIn, field_refused
from fabroute.console.pages.network.node import NodeFacts, node_page, outage_words
from fabroute.console.pages.network.scoring import ScoreRow, score_rows
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.identity.rules import Principal
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service import LotStock, NodeDetail, StatusChange, StockFilter, UnknownNode
from fabroute.network.service.outages import CapacityCut, MachineChange
from fabroute.network.service.overview import read_calendar
from fabroute.production.service import JobView, claims, scores
from fabroute.production.service.claims import QueueFilter
from fabroute.production.service.overview import get_standing
from fabroute.production.service.rerouting import outages
from fabroute.production.service.rerouting.outages import Outage
from fabroute.production.service.scores import Span, today_at
from fabroute.production.states import LIVE_STATES
from fabroute.qualification import service as qualification

router = console_router()

_MOST_LOTS, _MOST_CERTIFICATES, _MOST_JOBS = 60, 60, 25
_SCORE_DAYS = 90
_OPEN = tuple(sorted(LIVE_STATES - {"planned", "shipped", "delivered"}))
_WHY = "Say why, in a few words: those whose jobs leave will ask."
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What a caller may see of a node and do to it, as the API has it."""

    node: NodeDetail
    is_own: bool
    is_operator: bool
    is_rival: bool
    """A bureau that looks at another's node: it sees what the node is, and nothing of how it does."""

    @property
    def sees_store(self) -> bool:
        return self.is_own or self.is_operator


@router.get("/network/{node_id}")
def show_node(
    console: ForPeople, caller: NetworkReader, session: ReadSession, now: Now, node_id: Identifier
) -> Response:
    """Show a node, as far as the viewer may see it."""
    sight = _sight(session, caller, node_id)
    facts = _facts(session, caller, sight, console.viewer.formats, now)
    return console.page("network/node.html", it=node_page(facts, console.viewer.formats))


@router.post("/network/{node_id}/status")
def set_node_status(
    console: ForPeople, caller: NetworkWriter, form: FormIn, session: WriteSession, now: Now, node_id: ManagedNode
) -> Response:
    """Take a node down or up."""
    status = _status(form)
    change = StatusChange(status=status, reason=_reason(form), expected_version=_version(form))
    done = outages.set_node_status(session, node_id=node_id, change=change, actor=caller.key_id, now=now)
    return console.redirect(f"/console/network/{node_id}", told=_told(f"The node is {status}.", done))


@router.post("/network/machines/{machine_id}/status")
def set_machine_status(
    console: ForPeople, caller: NetworkWriter, form: FormIn, session: WriteSession, now: Now, machine_id: ManagedMachine
) -> Response:
    """Take a machine down or up."""
    status = _status(form)
    change = MachineChange(status=status, reason=_reason(form), expected_version=_version(form))
    done = outages.set_machine_status(session, machine_id=machine_id, change=change, actor=caller.key_id, now=now)
    return console.redirect(_back(form), told=_told(f"Machine {machine_id} is {status}.", done))


@router.post("/network/machines/{machine_id}/capacity")
def cut_capacity(
    console: ForPeople, caller: NetworkWriter, form: FormIn, session: WriteSession, now: Now, machine_id: ManagedMachine
) -> Response:
    """Take time away from the days of a machine."""
    cut = CapacityCut(
        first_day=_day(form, "first_day"),
        last_day=_day(form, "last_day"),
        fraction=form.whole_number("percent", most=100) / 100,
        reason=_reason(form),
    )
    done = outages.cut_capacity(session, machine_id=machine_id, cut=cut, actor=caller.key_id, now=now)
    return console.redirect(_back(form), told=_told(f"The days of machine {machine_id} are cut.", done))


def _sight(session: Session, caller: Principal, node_id: str) -> _Sight:
    node = network.get_node(session, node_id=node_id)
    is_operator, is_own = caller.kind == "operator", caller.organisation_id == node.organisation_id
    if not is_operator and sandbox_of(node.organisation_id) not in ("", sandbox_of(caller.organisation_id)):
        raise UnknownNode(f"there is no node {node_id}")
    is_rival = caller.kind == "bureau" and not is_own
    return _Sight(node=node, is_own=is_own, is_operator=is_operator, is_rival=is_rival)


def _facts(session: Session, caller: Principal, sight: _Sight, fmt: Formats, now: datetime) -> NodeFacts:
    node = sight.node
    jobs = None if sight.is_rival or "jobs:read" not in caller.scopes else _jobs(session, caller, node.node_id, now)
    return NodeFacts(
        node=node,
        standing=get_standing(session, principal=caller, node_id=node.node_id, now=now),
        calendar=read_calendar(session, node_id=node.node_id, now=now),
        lots=_lots(session, node.node_id, now) if sight.sees_store else None,
        certificates=None if sight.is_rival else _certificates(session, node.node_id),
        scores=None if sight.is_rival else _scores(session, caller, node, fmt, now),
        jobs=None if jobs is None else jobs[:_MOST_JOBS],
        has_more_jobs=jobs is not None and len(jobs) > _MOST_JOBS,
        manages=sight.sees_store and "network:write" in caller.scopes,
        is_own=sight.is_own,
        today=today_at(node, now),
    )


def _lots(session: Session, node_id: str, now: datetime) -> Sequence[LotStock]:
    return network.list_lots(session, wanted=StockFilter(node_id=node_id, limit=_MOST_LOTS), now=now).items


def _certificates(session: Session, node_id: str) -> Sequence[qualification.CertificateView]:
    return qualification.list_certificates(session, node_ids={node_id}, limit=_MOST_CERTIFICATES).items


def _scores(session: Session, caller: Principal, node: NodeDetail, fmt: Formats, now: datetime) -> tuple[ScoreRow, ...]:
    today = today_at(node, now)
    span = Span(first_day=today - timedelta(days=_SCORE_DAYS), last_day=today)
    found = scores.read_scores(session, node_id=node.node_id, span=span, principal=caller, now=now)
    return score_rows(found, fmt)


def _jobs(session: Session, caller: Principal, node_id: str, now: datetime) -> Sequence[JobView]:
    """Return the open jobs that the caller may see, one more than are shown."""
    wanted = QueueFilter(node_id=node_id, states=_OPEN)
    found = claims.list_queue(session, principal=caller, wanted=wanted, cursor=None, limit=_MOST_JOBS + 1, now=now)
    return found.page.items


def _status(form: Form) -> str:
    status = form.text("status")
    if status not in ("up", "down"):
        raise field_refused("status", "Choose whether it is up or down.")
    return status


def _reason(form: Form) -> str:
    reason = form.required("reason", _WHY)
    if len(reason) > _LONGEST_REASON:
        raise field_refused("reason", f"Say it in {_LONGEST_REASON} characters at most.")
    return reason


def _version(form: Form) -> int | None:
    version = form.text("version")
    return int(version) if version.isascii() and version.isdecimal() else None


def _day(form: Form, name: str) -> date:
    try:
        return date.fromisoformat(form.text(name))
    except ValueError:
        raise field_refused(name, "Enter a day, such as 2026-12-24.") from None


def _back(form: Form) -> str:
    """Return the node's page that a form about one of its machines stands on."""
    node_id = form.text("node_id")
    is_id = node_id.isascii() and node_id.replace("-", "").replace("_", "").replace(".", "").replace(":", "").isalnum()
    return f"/console/network/{node_id}" if is_id else "/console/network"


def _told(words: str, done: Outage) -> str:
    return f"{words} {outage_words(len(done.rerouted), len(done.asked), len(done.over_minutes))}".strip()
