"""How to break each rule about re-routes, by its name: the rule must find one row then."""

from collections.abc import Mapping

_LEFT = (
    "INSERT INTO reroutes (id, organisation_id, order_id, order_line_id, share_no, job_id, node_id, quantity, cause,"
    " detail, actor, rerouted_at, outcome) SELECT 'rrt_1', organisation_id, order_id, order_line_id, 0, id, node_id,"
    " quantity, 'declined', 'busy', 'key_1', now() - interval '6 min', '' FROM jobs"
)

BREAKS: Mapping[str, str] = {
    "a job that was re-routed has ended, and says why it left": _LEFT,
    "a node that is ruled out for a line does not make it": "INSERT INTO line_exclusions SELECT order_line_id, node_id,"
    " 'declined', 'busy', id, offered_at - interval '1 s' FROM jobs",
    "a line that nobody could make waits for a person": "UPDATE order_lines SET state = 'pending';"
    " INSERT INTO line_exclusions SELECT order_line_id, 'N' || n, 'declined', 'busy', id, now()"
    " FROM jobs, generate_series(1, 3) n",
}
