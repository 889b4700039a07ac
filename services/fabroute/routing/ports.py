"""What routing asks of the rooms above it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOffer:
    """Work that a decision gives to a node: what to print, on what, from which lot, by when, for whom."""

    job_id: str
    organisation_id: str
    """The owner whose part it is."""
    node_id: str
    order_id: str
    order_line_id: str
    share_no: int = 0
    """Which part of a split line; 0 where the line is not split."""
    decision_id: str
    revision_id: str
    part_no: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    grams: int
    machine_minutes: int
    price_minor: int
    """What the node is paid: production only, without freight and duty."""
    produce_by: date
    shipping_service: str
    packaging: str
    """What the order wants and the part needs; both, with a comma between, where they differ."""
    ship_to_city: str
    ship_to_country: str
    promised_at: datetime
    dispatch_at: datetime | None = None
    """When its node is told; ``None``: at once."""
    build_key: str | None = None
    """Names the build that it shares with other jobs, of other owners perhaps."""
    first_article: bool = False
    """Whether the order lets a node without a first article make one part first; ``production`` sees whether it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingJob:
    """A job that no node has accepted: all of its line's work, made alone on its machine."""

    job_id: str
    order_line_id: str
    version: int
    state: str
    """``planned`` or ``offered``."""
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    quantity: int
    shipping_service: str
    produce_by: date
    dispatch_at: datetime | None
    build_key: str | None = None
    """Of the build that it shares; only runs over planned builds move such jobs, all of a build together."""


class StandingJobs(Protocol):
    """The jobs that an improve run may move."""

    def read(self, session: Session, *, scope: str, limit: int, salt: str) -> tuple[StandingJob, ...]:
        """Return up to ``limit`` standing jobs of a planning scope; another ``salt`` draws others."""

    def lock(self, session: Session, *, versions: Mapping[str, int]) -> frozenset[str]:
        """Lock, by id, the jobs that still stand in the version given for each; return which those are."""

    def take_back(self, session: Session, *, job_ids: Collection[str], now: datetime) -> None:
        """End jobs that the caller has locked, with their lines, and give back all that they hold."""


class JobDispatch(Protocol):
    """Puts jobs into the queues of their nodes, in the transaction that reserves for them."""

    def __call__(self, session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        """Create the jobs; all of them or, with an error, none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended that did a piece of work."""

    answer: bytes | None
    """What the work came to; ``None`` where the process did not get that far."""
    why: str = ""
    """Why it did not, in a few words, such as ``killed by SIGSEGV``."""
    starved: bool = False
    """It was ended before it had its time, because it got so little computing: the work is not to blame."""


class Isolation(Protocol):
    """Does work in a process of its own, which has this one's memory but connections of its own, and limits."""

    def __call__(self, work: Callable[[], bytes], *, seconds: float) -> Ending:
        """Return what the work came to; a process that is not done after ``seconds`` is ended. Raises ``OSError``.

        Waiting for a processor does not count, but a process that waits too long is ended as well.
        """
