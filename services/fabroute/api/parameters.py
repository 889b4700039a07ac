"""Query parameters that nobody reads are refused: a misspelt ``dryrun`` must not become a real import."""

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import ParamTypes
from fastapi.routing import APIRoute

from fabroute.api.errors import ValidationFailed
from fabroute.kernel.errors import FieldProblem

_PREFIX = "/v1/"


async def refuse_unknown_parameters(request: Request) -> None:
    """Raise ``ValidationFailed``, which names every query parameter that the endpoint under ``/v1`` does not declare.

    Declared is what the endpoint or one of its dependencies takes, or what its description says is read by hand.
    """
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, APIRoute) or not route.path.startswith(_PREFIX):
        return
    known = declared_parameters(route)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        allowed = f"it takes {', '.join(known)}" if known else "it takes none"
        messages = [
            f"parameter {_shown(name)}: {_operation(request, route)} does not know it, {allowed}" for name in unknown
        ]
        problems = tuple(FieldProblem(pointer="", message=message) for message in messages)
        raise ValidationFailed("; ".join(messages), problems=problems)


def declared_parameters(route: APIRoute) -> tuple[str, ...]:
    """Return the names of the query parameters that an endpoint takes, in the order of its description."""
    read = [
        field.alias
        for field in get_flat_params(route.dependant)
        if getattr(field.field_info, "in_", None) == ParamTypes.query
    ]
    described = (route.openapi_extra or {}).get("parameters", ())
    by_hand = [str(parameter["name"]) for parameter in described if parameter["in"] == "query"]
    return tuple(dict.fromkeys([*read, *by_hand]))


def _operation(request: Request, route: APIRoute) -> str:
    """Return an operation as clients know it: ``POST /v1/advice/screenings``."""
    return f"{request.method} {route.path}"


def _shown(name: str) -> str:
    """Return a client's word, cut, without characters that a terminal would obey."""
    return "".join(it if it.isprintable() else "�" for it in name[:40]) or "without a name"
