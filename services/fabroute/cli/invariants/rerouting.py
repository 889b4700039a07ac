"""Rules about jobs that left their node, and where their line went."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import LIVE_JOB, Invariant
from fabroute.production.rules import REROUTE_CAUSES
from fabroute.production.service.rerouting.attention import MOST_ATTEMPTS

_CAUSES = ", ".join(f"'{cause}'" for cause in REROUTE_CAUSES)

RULES: Sequence[Invariant] = (
    Invariant(
        name="a job that was re-routed has ended, and says why it left",
        query="SELECT r.id, r.job_id, j.state, r.cause FROM reroutes r LEFT JOIN jobs j ON j.id = r.job_id"
        f" WHERE j.id IS NULL OR j.{LIVE_JOB} OR r.cause NOT IN ({_CAUSES}) OR r.detail = ''",
        advice="a line went to routing and its job went on: the part may be made twice; ask the node, and report it",
    ),
    Invariant(
        name="a node that is ruled out for a line does not make it",
        query="SELECT e.order_line_id, e.node_id, j.id FROM line_exclusions e"
        " JOIN jobs j ON j.order_line_id = e.order_line_id AND j.node_id = e.node_id"
        f" WHERE j.{LIVE_JOB} AND j.offered_at > e.excluded_at",
        advice="a line came back to a node that had declined it or failed at it: take the job back, and report it",
    ),
    Invariant(
        name="a line that nobody could make waits for a person",
        query="SELECT l.id, l.state, count(*) FROM order_lines l JOIN line_exclusions e ON e.order_line_id = l.id"
        f" WHERE l.state = 'pending' GROUP BY l.id, l.state HAVING count(*) >= {MOST_ATTEMPTS}",
        advice="it goes from node to node: POST /v1/orders/{id}/lines/{position}/retry, and report it",
    ),
)
