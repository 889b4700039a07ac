"""By when a node has to answer an offer, in SQL: in its usual time, and while the work can still be done in time."""

LEAST_SECONDS = 900
"""An offer whose work has to begin at once stands so long all the same, where nodes have as much time: its node is to
have a chance, and what comes of no answer is decided by routing the line again."""


def answer_by(begins: str, *, seconds: str) -> str:
    """Return the instant by which a node answers an offer of ``job`` that it has had since the instant ``begins``.

    It has so many ``seconds``, but no longer than until its work must begin; then at least ``LEAST_SECONDS``.
    ``job`` and ``node`` are the rows' names in the statement.
    """
    usual, least = (f"{begins} + make_interval(secs => {it})" for it in (seconds, LEAST_SECONDS))
    return f"least({usual}, greatest({work_begins_by('job')}, {least}))"


def work_begins_by(job: str) -> str:
    """Return the instant after which a node that takes a job can't make it by the end of its last day any more.

    The work takes its minutes of the machine until the midnight that ends that day at the ``node``; and what a node
    hears of after its cut-off, it begins on its next working day.
    """
    latest = f"CAST({job}.produce_by + 1 AS timestamp) - make_interval(mins => {job}.machine_minutes)"
    cutoff = f"CAST({latest} AS date) + CAST(node.cutoff_local AS time)"
    return f"(least({latest}, {cutoff}) AT TIME ZONE node.timezone)"
