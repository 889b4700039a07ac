"""Rules about material, machine time and what is held of them."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import LIVE_JOB, Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="a lot's drawn grams are its live allocations",
        query="SELECT l.id, l.initial_grams - l.remaining_grams, coalesce(sum(a.grams), 0) FROM material_lots l"
        " LEFT JOIN material_allocations a ON a.lot_id = l.id AND a.released_at IS NULL"
        " GROUP BY l.id HAVING l.initial_grams - l.remaining_grams <> coalesce(sum(a.grams), 0)",
        advice="stock and reservations disagree: stop the workers and count the lot",
    ),
    Invariant(
        name="a slot's taken minutes are its live allocations",
        query="SELECT s.machine_id, s.day, s.initial_minutes - s.remaining_minutes, coalesce(sum(a.minutes), 0)"
        " FROM capacity_slots s LEFT JOIN capacity_allocations a"
        " ON a.machine_id = s.machine_id AND a.day = s.day AND a.released_at IS NULL"
        " GROUP BY s.machine_id, s.day HAVING s.initial_minutes - s.remaining_minutes <> coalesce(sum(a.minutes), 0)",
        advice="capacity and reservations disagree: stop the workers and report it",
    ),
    Invariant(
        name="nothing is allocated without a slot",
        query="SELECT a.job_id, a.machine_id, a.day FROM capacity_allocations a WHERE NOT EXISTS"
        " (SELECT FROM capacity_slots s WHERE s.machine_id = a.machine_id AND s.day = a.day)",
        advice="capacity is held on a day that does not exist: release the job and report it",
    ),
    Invariant(
        name="nothing remaining is below zero",
        query="SELECT id, remaining_grams FROM material_lots WHERE remaining_grams < 0 UNION ALL"
        " SELECT machine_id || ' ' || day, remaining_minutes FROM capacity_slots WHERE remaining_minutes < 0",
        advice="more was sold than there is: the CHECK constraints are gone; run fabroute migrate and report it",
    ),
    Invariant(
        name="only live jobs hold material and capacity",
        query="SELECT a.job_id FROM (SELECT job_id FROM material_allocations WHERE released_at IS NULL UNION"
        " SELECT job_id FROM capacity_allocations WHERE released_at IS NULL) a"
        f" WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = a.job_id AND j.{LIVE_JOB})",
        advice="a cancelled job still holds material: release it and report it",
    ),
    Invariant(
        name="a live job holds the minutes and grams it needs",
        query="SELECT j.id, j.machine_minutes, c.minutes, j.grams, m.grams FROM jobs j"
        " LEFT JOIN (SELECT job_id, sum(minutes) AS minutes FROM capacity_allocations WHERE released_at IS NULL"
        " GROUP BY job_id) c ON c.job_id = j.id"
        " LEFT JOIN (SELECT job_id, sum(grams) AS grams FROM material_allocations WHERE released_at IS NULL"
        f" GROUP BY job_id) m ON m.job_id = j.id WHERE j.{LIVE_JOB}"
        " AND (j.machine_minutes <> coalesce(c.minutes, 0)"
        " OR j.lot_id IS NOT NULL AND j.grams <> coalesce(m.grams, 0) AND NOT EXISTS"
        " (SELECT FROM lot_movements used WHERE used.job_id = j.id AND used.kind = 'consumed'))",
        advice="the job can't be made with what is held for it: cancel the order and place it again",
    ),
    Invariant(
        name="no live job draws from a blocked lot",
        query="SELECT j.id, l.id, l.state FROM jobs j JOIN material_lots l ON l.id = j.lot_id"
        f" WHERE j.{LIVE_JOB} AND j.state <> 'held' AND j.good_prints < j.quantity AND l.state <> 'available'",
        advice="the lot was blocked after routing: cancel the order so that it is routed to another",
    ),
)
