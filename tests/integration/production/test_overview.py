"""The network as one table: load, what ends and runs out, what is open, how nodes did."""

from datetime import date, timedelta

from fabroute.identity.rules import Principal
from fabroute.network.service import StatusChange, set_node_status
from fabroute.network.service.overview import MachineCount, NodeLoad, count_machines, list_out, list_running_out
from fabroute.production.service.overview import NodeStanding, list_standings
from fabroute.production.service.scores import Rate
from fabroute.qualification.service.expiring import LastDay
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, Floor, a_certificate, given_certificates, key_of

DAY = timedelta(days=1)


def standing(floor: Floor, principal: Principal = OPERATOR_KEY) -> NodeStanding:
    (found,) = floor.do(lambda session: list_standings(session, principal=principal, now=NOW)).items
    return found


def use(floor: Floor, *, grams: int, days_ago: int) -> None:
    floor.table(
        "INSERT INTO lot_movements (lot_id, kind, grams, remaining_grams, reuse_count, actor, note, moved_at)"
        " VALUES ('lot_1', 'consumed', :grams, 0, 0, 'key', '', :at) RETURNING id",
        grams=-grams,
        at=NOW - days_ago * DAY,
    )


def test_a_node_without_jobs_stands_empty(floor: Floor) -> None:
    found = standing(floor)

    assert (found.node.node_id, found.open_jobs, found.on_time, found.median_answer_seconds) == (
        "N101", 0, Rate(so=0, counted=0), None,
    )  # fmt: skip
    assert found.load == NodeLoad(
        node_id="N101", planned_minutes=5_760, held_minutes=0, planned_today_minutes=720, held_today_minutes=0
    )
    assert (found.load.share, found.load.share_today) == (0.0, 0.0)
    assert found.certificate == LastDay(scheme="ISO9001", ends_on=date(2099, 12, 31), days_left=26_862)
    assert (found.shortest_runway, found.runways[0].free_grams) == (None, 10_000)


def test_jobs_fill_a_node_and_are_judged_by_their_day_and_their_answer(floor: Floor) -> None:
    open_job, late, punctual = floor.accepted(), floor.accepted(), floor.accepted()
    floor.offered()
    answered = "UPDATE jobs SET accepted_at = offered_at + make_interval(mins => :minutes) WHERE id = :it RETURNING id"
    for job_id, minutes in ((open_job, 10), (late, 20), (punctual, 60)):
        floor.table(answered, it=job_id, minutes=minutes)
    shipped = "UPDATE jobs SET state = 'shipped', shipped_at = produce_by + :days * interval '1 day' WHERE id = :it"
    floor.table(f"{shipped} RETURNING id", it=late, days=2)
    floor.table(f"{shipped} RETURNING id", it=punctual, days=0)

    found = standing(floor)

    assert (found.open_jobs, found.offered_jobs, found.stuck_jobs) == (2, 1, 0)
    assert found.on_time == Rate(so=1, counted=2)
    assert (found.answered_offers, found.median_answer_seconds) == (3, 1_200.0)
    assert found.load is not None
    assert (found.load.held_minutes, found.load.share) == (80, 80 / 5_760)
    assert standing(floor, BUREAU_KEY) == found


def test_an_owner_sees_its_own_jobs_of_nodes(floor: Floor) -> None:
    floor.accepted()

    found = standing(floor, key_of(floor.owner))

    assert (found.open_jobs, found.offered_jobs) == (1, 0)


def test_a_certificate_that_was_renewed_counts_by_its_last_day_and_one_that_just_ended_is_missed(floor: Floor) -> None:
    certificate = a_certificate(certificate_id="crt_old")
    soon = NOW.date() + 5 * DAY
    ends = "UPDATE certificates SET valid_to = :day WHERE id = :it RETURNING id"
    given_certificates(floor.engine, certificate)
    floor.table(ends, it="crt_old", day=soon)
    assert standing(floor).certificate == LastDay(scheme="ISO9001", ends_on=date(2099, 12, 31), days_left=26_862)

    floor.table(ends, it="crt_N101", day=NOW.date() - 3 * DAY)
    floor.table(ends, it="crt_old", day=NOW.date() - 4 * DAY)

    assert standing(floor).certificate == LastDay(scheme="ISO9001", ends_on=NOW.date() - 3 * DAY, days_left=-3)


def test_material_runs_out_by_its_use_of_the_last_four_weeks(floor: Floor) -> None:
    use(floor, grams=20_000, days_ago=3)
    use(floor, grams=90_000, days_ago=40)

    def running_out(days: int, node_ids: list[str] | None = None) -> list[tuple[str, float | None]]:
        found = floor.do(
            lambda session: list_running_out(session, node_ids=node_ids, within_days=days, now=NOW)
        ).runways
        return [(runway.material, runway.days) for runway in found]

    assert running_out(14) == [("PA12-MJF", 14.0)]
    assert running_out(13) == []
    assert running_out(14, ["N101"]) == [("PA12-MJF", 14.0)]
    assert running_out(14, ["N102"]) == []
    found = standing(floor).shortest_runway
    assert found is not None
    assert (found.days, found.free_grams, found.next_expires_on) == (14.0, 10_000, date(2027, 6, 15))


def test_a_node_that_is_down_and_a_machine_that_is_down_are_out(floor: Floor) -> None:
    assert floor.do(lambda session: list_out(session, organisation_id=None)).total == 0
    floor.table("UPDATE machines SET status = 'down' WHERE id = 'N101-A' RETURNING id")
    (partly,) = floor.do(lambda session: list_out(session, organisation_id="org_bureau")).nodes
    assert (partly.node_id, partly.status, partly.machine_ids) == ("N101", "up", ("N101-A",))

    change = StatusChange(status="down", reason="flood", expected_version=None)
    floor.do(lambda session: set_node_status(session, node_id="N101", change=change, actor="key", now=NOW))

    (out,) = floor.do(lambda session: list_out(session, organisation_id=None)).nodes
    assert (out.status, out.reason, out.city) == ("down", "flood", "Berlin")
    assert floor.do(lambda session: list_out(session, organisation_id="org_rival")).total == 0


def test_machines_of_nodes_are_counted_and_those_that_are_down_are_named(floor: Floor) -> None:
    def counted(*node_ids: str, limit: int = 3) -> MachineCount:
        return floor.do(lambda session: count_machines(session, node_ids=node_ids, limit=limit))

    machines = len(floor.table("SELECT id FROM machines WHERE node_id = 'N101'"))
    assert counted("N101") == MachineCount(machines=machines, down=0, named=())
    assert counted() == MachineCount(machines=0, down=0, named=())

    floor.table("UPDATE machines SET status = 'down' WHERE id = 'N101-A' RETURNING id")

    assert counted("N101") == MachineCount(machines=machines, down=1, named=(("N101-A", "N101"),))
    assert counted("N101", limit=0) == MachineCount(machines=machines, down=1, named=())
