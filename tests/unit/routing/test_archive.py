"""Archives of runs: small, whole, and read back as they were."""

import io
import json
import zipfile
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from fabroute.routing.rules.policies import ShareCap
from fabroute.routing.service.archive import ArchiveDamaged, ArchivedRun, pack_run, unpack_run, versions
from fabroute.routing.service.decide import decide
from fabroute.solver.plan import UNROUTED, plan_cost
from tests.factories.archives import LIMITS, a_policy, a_snapshot_under, an_archived_run, some_orders
from tests.factories.routing import MONDAY_MORNING
from tests.factories.snapshots import a_line, june

CAP = ShareCap(node_id=None, share=0.4)


def capped_run() -> ArchivedRun:
    return an_archived_run(*some_orders(10), policies=(a_policy(CAP),))


def changed(content: bytes, name: str, value: bytes) -> bytes:
    """An archive of which one entry is another."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, value if entry == name else old.read(entry))
    return buffer.getvalue()


def as_entry(values: object) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(values), allow_pickle=False)
    return buffer.getvalue()


def test_an_archive_gives_back_the_problem_and_the_plan() -> None:
    snapshot = a_snapshot_under(*some_orders(10), policies=(a_policy(CAP),))
    decided = decide(snapshot, LIMITS)
    assert decided.archive is not None

    run = unpack_run(decided.archive)

    assert run.chosen == decided.plan.chosen
    assert plan_cost(run.problem, run.chosen) == run.cost_millis == decided.plan.cost
    assert (run.status, run.limits, run.now) == (decided.plan.status, LIMITS, MONDAY_MORNING)
    assert run.snapshot_sha256 == decided.snapshot_sha256 == snapshot.sha256()
    assert run.versions == versions()


def test_packing_what_was_unpacked_changes_nothing() -> None:
    run = capped_run()
    again = unpack_run(pack_run(run))

    assert again.problem.snapshot_sha256() == run.problem.snapshot_sha256()
    for name in ("landed_minor", "minutes", "co2e_g"):
        assert getattr(again, name).tolist() == getattr(run, name).tolist()
    plain = {each.name for each in fields(run)} - {"problem", "landed_minor", "minutes", "co2e_g"}
    assert {name: getattr(again, name) for name in plain} == {name: getattr(run, name) for name in plain}
    assert pack_run(again) == pack_run(run)


def test_an_archive_names_everything_again() -> None:
    run = capped_run()

    assert run.machines == ("N1-A", "N2-A", "N3-A")
    assert run.machine_nodes == ("N1", "N2", "N3")
    assert run.lots == ("lot_N1", "lot_N2", "lot_N3")
    assert run.kinds == dict.fromkeys(("N1", "N2", "N3"), "service_bureau")
    assert [line.line_id for line in run.lines] == [f"line_{number}" for number in range(10)]
    assert asdict(run.lines[0]) == {
        "line_id": "line_0",
        "order_id": "ord_line_0",
        "organisation_id": "org_owner",
        "revision_id": "rev_1",
        "objective": "cheapest",
        "quantity": 2,
        "need_by_minutes": None,
        "need_by_hard": True,
    }


def test_an_archive_keeps_rules_and_policies() -> None:
    run = capped_run()

    assert run.policies == {"org_owner": a_policy(CAP)}
    assert [(rule.rule, rule.subject, rule.limit) for rule in run.rules] == [
        ("cap:any:lines", "N1", 4),
        ("cap:any:lines", "N2", 4),
        ("cap:any:lines", "N3", 4),
    ]
    assert len(run.rules) == len(run.problem.quota_limit)


def test_an_option_has_a_node_its_pieces_and_its_lateness() -> None:
    line = a_line(need_by=june(18, 8), need_by_hard=False)
    run = an_archived_run(line)
    chosen = run.chosen[0]

    assert chosen != UNROUTED
    assert (run.node_of(chosen), run.placed(chosen)) == ("N1", {"N1": 2})
    assert run.lines[0].need_by_minutes == 3 * 24 * 60
    assert run.late_minutes(chosen) == max(0, int(run.minutes[chosen]) - 3 * 24 * 60)
    assert replace(run, splits={chosen: {"N1": 1, "N2": 1}}).placed(chosen) == {"N1": 1, "N2": 1}


def test_lateness_is_counted_from_the_need_by() -> None:
    run = an_archived_run(a_line())
    due = replace(run.lines[0], need_by_minutes=100)
    late = replace(run, lines=(due,), minutes=np.full(run.problem.option_count, 130))

    assert [late.late_minutes(option) for option in range(run.problem.option_count)] == [30] * run.problem.option_count
    assert run.late_minutes(0) == 0


def test_an_empty_run_has_an_archive_too() -> None:
    nobody = an_archived_run(a_line(packaging="brand"))

    assert (nobody.problem.line_count, nobody.chosen, nobody.lines) == (0, (), ())
    assert nobody.problem.option_count == 0
    assert unpack_run(pack_run(nobody)).machines == ()


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 but then nothing"])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveDamaged, match="this is not the archive of a run") as refusal:
        unpack_run(content)

    assert (refusal.value.code, refusal.value.status) == ("archive_damaged", 500)


def test_an_archive_whose_problem_is_another_is_refused() -> None:
    run = capped_run()
    other = changed(pack_run(run), "stock.npy", as_entry([1, 2, 3]))

    with pytest.raises(ArchiveDamaged, match="is not the one that was stored"):
        unpack_run(other)
    assert run.problem.stock.tolist() == [10_000, 10_000, 10_000]


def test_an_archive_of_a_later_format_says_so() -> None:
    meta = np.frombuffer(json.dumps({"format": 99}).encode(), dtype=np.uint8)
    later = changed(pack_run(capped_run()), "meta.npy", as_entry(meta))

    with pytest.raises(ArchiveDamaged, match="has format 99: this version of fabroute reads 1"):
        unpack_run(later)


def test_an_archive_is_small() -> None:
    """Numbers are kept in the fewest bytes that hold them, then packed."""
    run = an_archived_run(*some_orders(40))
    raw = sum(getattr(run.problem, each.name).nbytes for each in fields(run.problem)[1:])
    content = pack_run(run)

    assert len(content) <= 300 * 40  # the share of forty lines in 300 kB for 240, with half of it to spare
    assert len(content) <= raw // 7
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}


def test_the_same_run_gives_the_same_bytes() -> None:
    assert pack_run(capped_run()) == pack_run(capped_run())
    assert pack_run(capped_run()) != pack_run(an_archived_run(*some_orders(10)))


def test_versions_name_what_a_plan_depends_on() -> None:
    assert set(versions()) == {"python", "fabroute", "ortools", "numpy"}
    assert versions()["numpy"] == np.__version__
