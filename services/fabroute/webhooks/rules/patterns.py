"""What an endpoint asks for: event types, ``job.*`` for all of a kind, ``*`` for all."""

from collections.abc import Sequence
from difflib import get_close_matches

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.webhooks.rules.catalogue import CATALOGUE, FAMILIES

EVERYTHING = "*"
_PATTERNS = (EVERYTHING, *(f"{family}.*" for family in FAMILIES), *CATALOGUE)


class UnknownEventType(DomainError):
    """No event has this type."""

    code = "unknown_event_type"
    status = 422


def require_known(types: Sequence[str], *, field: str = "/types") -> tuple[str, ...]:
    """Return event types and patterns, each once and sorted; ``UnknownEventType`` names those that match nothing."""
    unknown = [(place, name) for place, name in enumerate(types) if name not in _PATTERNS]
    if unknown:
        problems = tuple(FieldProblem(pointer=f"{field}/{place}", message=_advice(name)) for place, name in unknown)
        raise UnknownEventType("; ".join(it.message for it in problems), problems=problems)
    return tuple(sorted(set(types)))


def split_patterns(types: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the types among some patterns, and the kinds that are meant whole; none of either means everything."""
    if EVERYTHING in types:
        return (), ()
    families = tuple(name.removesuffix(".*") for name in types if name.endswith(".*"))
    return tuple(name for name in types if not name.endswith(".*")), families


def _advice(name: str) -> str:
    near = get_close_matches(name, _PATTERNS, n=1)
    hint = f"did you mean {near[0]}?" if near else "GET /v1/event-types lists them; job.* stands for all of a kind"
    return f"{name[:60]} is no event type: {hint}"
