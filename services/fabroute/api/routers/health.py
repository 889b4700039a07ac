"""Whether this process lives, and whether it can do its work."""

from typing import Literal

from fastapi import APIRouter, Request
from sqlalchemy.exc import OperationalError

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import get_resources
from fabroute.api.schemas.base import ResponseModel
from fabroute.database import DatabaseUnreachable
from fabroute.database.schema import SchemaNotCurrent, require_current_schema

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


def _unreachable(error: OperationalError) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"PostgreSQL does not answer ({str(error.orig).splitlines()[0]}): start it, "
        "or check FABROUTE_DATABASE_URL of this process"
    )
