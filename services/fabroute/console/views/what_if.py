"""What if: a past time decided again under another rule, or by the operator on another network. Nothing is done."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from fastapi import Response
from sqlmodel import Session

from fabroute.api.dependencies import BuyerReader, BuyerWriter, Identifier, Now, ReadSession, WriteSession
from fabroute.api.errors import OperatorOnly
from fabroute.console.forms import Form, FormIn, field_refused
from fabroute.console.pages.decisions.what_if import PATH, Names, what_if_page, what_if_run
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.routing.rules.objectives import MILLIS_PER_MINOR, WEIGHTS
from fabroute.routing.service import policies, shadow_runs
from fabroute.routing.service.policies import PolicyView, ShareCap
from fabroute.routing.service.shadow_runs import ShadowQuestion

router = console_router()

_PERIODS = (1, 7, 30, 90)
_USUAL_DAYS = 7
_EARLIER, _VERSIONS, _NODES = 10, 20, 500
_MOST_CENTS = 10_000_000


@router.get("/decisions/what-if")
def show_what_if(console: ForPeople, caller: BuyerReader, session: ReadSession, days: int = _USUAL_DAYS) -> Response:
    """Show what can be supposed of a past time, and what was supposed before."""
    whose = caller.organisation_id
    is_operator = caller.kind == "operator"
    it = what_if_page(
        days if days in _PERIODS else _USUAL_DAYS,
        versions=policies.list_policies(session, organisation_id=whose, limit=_VERSIONS).items,
        nodes=network.list_nodes(session, limit=_NODES, seen_from=sandbox_of(whose)).items if is_operator else (),
        earlier=shadow_runs.list_shadow_runs(session, organisation_id=whose, limit=_EARLIER).items,
        fmt=console.viewer.formats,
    )
    return console.page("decisions/what_if.html", it=it)


@router.post("/decisions/what-if")
def ask_what_if(console: ForPeople, caller: BuyerWriter, form: FormIn, session: WriteSession, now: Now) -> Response:
    """Have a past time decided again as supposed: a worker does it."""
    question = _question(session, caller, form, now)
    asked = shadow_runs.ask_shadow_run(session, question=question, actor=caller.key_id, now=now)
    return console.redirect(f"{PATH}/{asked.id}")


@router.get("/decisions/what-if/{shadow_run_id}")
def show_what_came_of_it(
    console: ForPeople, caller: BuyerReader, session: ReadSession, shadow_run_id: Identifier
) -> Response:
    """Show how far a question is, and what has come of it so far."""
    found = shadow_runs.get_shadow_run(session, organisation_id=caller.organisation_id, shadow_run_id=shadow_run_id)
    named = network.find_nodes(session, node_ids=[it["node_id"] for it in found.report.get("nodes", ())])
    lines = shadow_runs.lines_of(found)
    names = Names(
        cities={node_id: node.city for node_id, node in named.items()},
        revisions=inventory.read_revisions(session, revision_ids={line.revision_id for line in lines}),
    )
    return console.page("decisions/run.html", it=what_if_run(found, console.viewer.formats, lines=lines, names=names))


def _question(session: Session, caller: Principal, form: Form, now: datetime) -> ShadowQuestion:
    whole = caller.kind == "operator"
    days = form.whole_number("days", least=1, most=shadow_runs.LONGEST_DAYS)
    asked = ShadowQuestion(
        organisation_id=caller.organisation_id, whole=whole, since=now - timedelta(days=days), until=now
    )
    suppose = form.text("suppose")
    if suppose in ("without", "capacity"):
        return _on_another_network(asked, form, suppose, whole=whole)
    if suppose == "version":
        return replace(asked, policy_version=form.whole_number("version", least=1))
    return replace(asked, policy=_policy(session, caller, form, suppose))


def _on_another_network(asked: ShadowQuestion, form: Form, suppose: str, *, whole: bool) -> ShadowQuestion:
    if not whole:
        raise OperatorOnly("the network is the same for all owners: only the operator supposes another one")
    node_id = form.required("node", "Choose a node.")
    if suppose == "without":
        return replace(asked, without_nodes=(node_id,))
    factor = form.whole_number("percent", most=round(shadow_runs.HIGHEST_FACTOR * 100)) / 100
    return replace(asked, capacity_factor={node_id: factor})


def _policy(session: Session, caller: Principal, form: Form, suppose: str) -> PolicyView:
    """Return the caller's policy as it would be; the operator's question is about every owner's, without one."""
    owner = "" if caller.kind == "operator" else caller.organisation_id
    usual = PolicyView(organisation_id=owner)
    now_held = policies.read_policies(session, organisation_ids=[owner]).get(owner, usual) if owner else usual
    if suppose == "usual":
        return usual
    if suppose == "cap":
        share = form.whole_number("percent", least=1, most=99) / 100
        others = tuple(cap for cap in now_held.caps if cap.node_id is not None or cap.unit != "lines")
        return replace(now_held, caps=(*others, ShareCap(node_id=None, share=share)))
    if suppose in ("hour", "carbon"):
        return weighing(now_held, _cents(form, "euro"), suppose)
    raise field_refused("suppose", "Choose what is to be supposed.")


def weighing(policy: PolicyView, cents: int, what: str) -> PolicyView:
    """Return a policy under which an hour, or a kilogram of CO₂e, is worth so many cents at least, whatever is ordered.

    An objective that holds it for worth more already, as the fastest does an hour, stays as it is.
    """
    name, millis = ("millis_per_hour", cents * MILLIS_PER_MINOR) if what == "hour" else ("millis_per_co2e_gram", cents)
    held = {objective: policy.weights_for(objective) for objective in WEIGHTS}
    weights = {objective: replace(it, **{name: max(getattr(it, name), millis)}) for objective, it in held.items()}
    return replace(policy, weights=weights)


def _cents(form: Form, name: str) -> int:
    try:
        cents = Decimal(form.text(name).replace(",", ".")) * 100
    except InvalidOperation:
        raise field_refused(name, "Enter an amount, such as 1.50.") from None
    if not (cents.is_finite() and 0 <= cents <= _MOST_CENTS and cents == cents.to_integral_value()):
        raise field_refused(name, "Enter an amount from 0 to 100,000 with two decimals at most.")
    return int(cents)
