"""One question of the matrix: an operation on a side's things, asked by somebody."""

from collections.abc import Mapping

import httpx

from tests.api.matrix.audiences import Who
from tests.api.matrix.bodies import sent_with
from tests.api.matrix.making import Ids
from tests.api.matrix.operations import Operation
from tests.api.matrix.sides import VICTIM
from tests.api.matrix.world import World
from tests.factories.problems import problem_of

OF_THE_MADE_JOB = frozenset(
    {
        "list_job_shipments",
        "prepare_shipment",
        "certify_job",
        "list_conformity_certificates",
        "list_inspections",
        "report_inspection",
    }
)
OF_THE_DECLINED = frozenset({"get_timeline", "get_exclusions", "lift_exclusion", "retry_line", "change_objective"})
OF_THE_MADE_ORDER = frozenset({"list_order_shipments"})


def ask(
    world: World,
    who: Who,
    operation: Operation,
    *,
    ids: Ids | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Do an operation on the victim's things, or those with other ``ids``, as somebody."""
    ids = thing_of(world.ids_of(VICTIM) if ids is None else ids, operation.id)
    sent = sent_with(operation.id, ids=ids, side=VICTIM, who=who)
    usual = {"Idempotency-Key": f"{operation.id} by {who}", "If-Match": "*"}
    return world.clients[who].request(
        operation.method,
        operation.url(ids) + sent.query,
        json=sent.json,
        content=sent.content,
        headers=usual | dict(sent.headers) | dict(headers or {}),
    )


def thing_of(ids: Ids, operation: str) -> Ids:
    """Return the ids with the job or order that an operation is asked for."""
    if operation in OF_THE_MADE_JOB:
        return ids | {"jobs": ids["made.jobs"]}
    if operation in OF_THE_DECLINED:
        return ids | {"orders": ids["declined.orders"]}
    return ids | {"orders": ids["made.orders"]} if operation in OF_THE_MADE_ORDER else ids


OF_RFC_6749 = frozenset({"issue_access_token", "revoke_access_token"})
"""What OAuth2's own clients read has OAuth2's own errors."""


def undocumented(answer: httpx.Response, operation: Operation) -> list[str]:
    """Return what the document doesn't tell of a refusal; an empty list for answers that are none."""
    if answer.is_success or answer.status_code == 304:
        return []
    if operation.id in OF_RFC_6749:
        return [] if set(answer.json()) == {"error", "error_description"} else [answer.text]
    code = problem_of(answer)["code"]
    known = operation.codes.get(answer.status_code, frozenset())
    return [] if code in known else [f"{answer.status_code} {code} is not among {sorted(known)}"]
