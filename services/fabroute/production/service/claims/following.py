"""Claims in the traces of the orders whose jobs are claimed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.orders.service.traces import traces_of
from fabroute.production.service.views import JobView
from fabroute.telemetry.tracing import record


def tell_claims(
    session: Session, jobs: Sequence[JobView], *, requests: Mapping[str, str | None], now: datetime
) -> None:
    """Add a span for each claimed job to the trace of its order, with a link to the request that claimed it.

    ``requests`` names these requests' spans by job. Where no spans are sent, nothing is read for it.
    """
    traces = traces_of(session, order_ids={job.order_id for job in jobs})
    for job in jobs:
        placed = traces.get(job.order_id)
        if placed is not None:
            facts = {"order_id": job.order_id, "job_id": job.job_id, "node_id": job.node_id}
            links = (requests.get(job.job_id),)
            record("claim", kind="consumer", parent=placed, links=links, times=(now, now), facts=facts)
