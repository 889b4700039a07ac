"""How to break each rule about builds, by its name: the rule must find one row then."""

from collections.abc import Mapping


def _build(state: str, *, machine: str = "machine_id", started: str = "now()", parts: str = "quantity") -> str:
    """Return statements that add a build of all jobs, of which each print cost 1.00."""
    return (
        "INSERT INTO builds (id, node_id, machine_id, material, parameter_set, lot_id, state, planned_minutes,"
        " started_at, finished_at, machine_minutes, cost_minor, grams_used, note, created_by,"
        " created_at, updated_at, version)"
        f" SELECT 'bld_1', node_id, {machine}, material, parameter_set, lot_id, '{state}', 60, {started}, now(), 60,"
        " 100, 10, '', 'key_1', now(), now(), 1 FROM jobs;"
        " INSERT INTO build_parts (build_id, job_id, parts, volume_cm3, share, cost_minor, grams)"
        f" SELECT 'bld_1', id, {parts}, 1, 1, 100, 10 FROM jobs"
    )


BREAKS: Mapping[str, str] = {
    "what a closed build cost and took is borne by its jobs": f"{_build('closed')};"
    " UPDATE build_parts SET cost_minor = 99",
    "no builds hold more of a job than it may print": _build("planned", parts="quantity + granted_reprints + 1"),
    "an open build is of the machine, material, parameter set and lot of its jobs": _build(
        "planned", machine="'another'"
    ),
    "a build that ran says when": _build("running", started="NULL"),
}
