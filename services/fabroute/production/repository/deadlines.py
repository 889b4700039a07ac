"""By when a node has to answer an offer, in SQL: in its usual time, and while the work can still be done in time."""

LEAST_SECONDS = 900
"""An offer whose work has to begin at once stands so long all the same, where nodes have as much time: its node is to
have a chance, and what comes of no answer is decided by routing the line again."""


def answer_by(begins: str, *, seconds: str) -> str:
    """Return the instant by which a node answers an offer of ``job`` that it has had since the instant ``begins``.

    It has so many ``seconds``, but no longer than until its work must begin, and then at least ``LEAST_SECONDS``.
    ``job`` and ``node`` are the rows' names in the statement.
    """
    usual, least = (f"{begins} + make_interval(secs => {it})" for it in (seconds, LEAST_SECONDS))
    return f"least({usual}, greatest({work_begins_by('job')}, {least}))"


def work_begins_by(job: str) -> str:
    """Return the instant at which work that has not begun can't be done any more by the end of its last day.

    That is the midnight of its ``node`` after that day, less the minutes that it takes of the machine.
    """
    end_of_day = f"CAST({job}.produce_by + 1 AS timestamp) AT TIME ZONE node.timezone"
    return f"{end_of_day} - make_interval(mins => {job}.machine_minutes)"
