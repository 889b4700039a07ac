"""What goes away: told in the description, and in every answer of such an operation from the day it is decided.

To deprecate an operation, name it in ``DEPRECATED``. It goes on to work until its sunset, at the least half a year.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope

NOTICE = timedelta(days=180)
_GOING = "deprecation"


class SunsetTooSoon(ValueError):
    """An operation would go away before its clients have had half a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """That an operation goes away."""

    since: datetime
    sunset: datetime
    """When it may be gone: half a year after ``since`` at the least."""
    instead: str
    """What to use, in words for the description."""
    address: str = "/docs/api"
    """Where that is told at length."""

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE:
            raise SunsetTooSoon(f"an operation stays for {NOTICE.days} days after its deprecation: set a later sunset")

    @property
    def headers(self) -> Mapping[str, str]:
        """``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594), and where more is told."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": format_datetime(self.sunset.astimezone(UTC), usegmt=True),
            "Link": f'<{self.address}>; rel="deprecation"; type="text/html"',
        }


DEPRECATED: dict[str, Deprecation] = {}
"""By the name of the operation. Nothing goes away yet."""


def note_deprecation(scope: Scope, found: Deprecation) -> None:
    """Have the answer to a request say that its operation goes away."""
    scope["state"][_GOING] = found


def tell_deprecation(scope: Scope, start: Message) -> None:
    """Add to the start of an answer that its operation goes away, if it does; links that are there stay."""
    found: Deprecation | None = scope["state"].get(_GOING)
    if found is None:
        return
    headers = MutableHeaders(scope=start)
    for name, value in found.headers.items():
        headers[name] = _joined(filter(None, (headers.get(name), value))) if name == "Link" else value


def words_of(found: Deprecation) -> str:
    """Return what the description of an operation says of its end."""
    return (
        f"**Deprecated** since {found.since:%Y-%m-%d}, gone on {found.sunset:%Y-%m-%d} at the earliest: {found.instead}"
    )


def _joined(values: Iterable[str]) -> str:
    return ", ".join(values)
