"""Whether this process lives, and whether it can do its work."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import OperationalError

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import get_resources
from fabroute.api.errors import RouteNotFound
from fabroute.api.schemas.base import ResponseModel
from fabroute.database import DatabaseUnreachable
from fabroute.database.schema import SchemaNotCurrent, require_current_schema
from fabroute.identity.rules import Unauthenticated
from fabroute.telemetry.exposition import CONTENT_TYPE, is_allowed

router = APIRouter(tags=["health"], route_class=ContractRoute)
_NO_KEY: docs.Extra = {"security": []}


class HealthOut(ResponseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", openapi_extra=_NO_KEY)
async def is_alive() -> HealthOut:
    """Tell that this process answers. Restart it when it does not."""
    return HealthOut()


@router.get(
    "/readyz", openapi_extra=_NO_KEY, responses=docs.problems_without_key(DatabaseUnreachable, SchemaNotCurrent)
)
def is_ready(request: Request) -> HealthOut:
    """Tell that the database answers and has the schema of this version. Send no requests while it does not."""
    try:
        require_current_schema(get_resources(request).engine)
    except OperationalError as error:
        raise _unreachable(error) from error
    return HealthOut()


@router.get("/metrics", include_in_schema=False)
def tell_metrics(request: Request) -> Response:
    """Tell the figures of this process and its database to who has the token for that; else there is nothing here."""
    resources = get_resources(request)
    token = resources.settings.metrics_token
    if token is None:
        raise RouteNotFound("there is nothing at /metrics: the handbook is at /docs")
    if not is_allowed(request.headers.get("Authorization"), token=token.get_secret_value()):
        raise Unauthenticated("send the token of FABROUTE_METRICS_TOKEN in the header: Authorization: Bearer …")
    return Response(resources.measuring.pages["/metrics"](), media_type=CONTENT_TYPE)


def _unreachable(error: OperationalError) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"PostgreSQL does not answer ({str(error.orig).splitlines()[0]}): start it, "
        "or check FABROUTE_DATABASE_URL of this process"
    )
